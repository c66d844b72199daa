//! Files as the server sends them: plain, brotli and gzip beside one another, as small as they
//! get, since they are packed once and sent often.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::fresh::{read, write};

/// Brotli's window: larger than any of our files, so that nothing is out of reach.
const WINDOW_BITS: i32 = 22;

/// Puts `bytes` at `path` and packs them beside it. Says whether anything had to be done.
pub(crate) fn place(path: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    let packed = !is_packed_already(path);
    let made = if packed { beside(path) } else { Vec::new() };
    if path.exists() && made.iter().all(|file| file.exists()) && read(path)? == bytes {
        return Ok(false);
    }
    if packed {
        write(&with_ending(path, "br"), &brotli(bytes)?)?;
        write(&with_ending(path, "gz"), &gzip(bytes)?)?;
    }
    // Last: until it is there, the file does not count as placed.
    write(path, bytes)?;
    Ok(true)
}

/// What [`place`] makes of a file beside it.
pub(crate) fn beside(path: &Path) -> Vec<PathBuf> {
    if is_packed_already(path) {
        Vec::new()
    } else {
        vec![with_ending(path, "br"), with_ending(path, "gz")]
    }
}

/// Formats that would only grow.
fn is_packed_already(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ["png", "jpg", "webp", "woff2", "ico"].iter().any(|e| ending == *e))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

pub(crate) fn brotli(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: WINDOW_BITS,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &parameters)?;
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let text = "a line of a log\n".repeat(1000).into_bytes();
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &*brotli(&text).expect("packed"), &mut plain)
            .expect("unpacked");
        assert_eq!(plain, text);
        let mut plain = Vec::new();
        let packed = gzip(&text).expect("packed");
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut plain).expect("unpacked");
        assert_eq!(plain, text);
        assert!(packed.len() * 10 < text.len());
    }

    #[test]
    fn only_what_changed_is_placed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pkg/a.css");
        assert!(place(&path, b"a { color: red }").expect("placed"), "new");
        assert!(!place(&path, b"a { color: red }").expect("placed"), "the same");
        assert!(place(&path, b"a { color: blue }").expect("placed"), "changed");
        std::fs::remove_file(folder.path().join("pkg/a.css.gz")).expect("removed");
        assert!(place(&path, b"a { color: blue }").expect("placed"), "a packed twin was missing");
    }

    #[test]
    fn pictures_are_not_packed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("icon.png");
        assert!(place(&path, b"\x89PNG").expect("placed"));
        assert!(!place(&path, b"\x89PNG").expect("placed"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1);
    }
}
