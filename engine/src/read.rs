//! Reading a log at an offset: the one way in which the engine touches bytes.
//!
//! Refuses to hide that a log can shrink while it is read: what cannot be read although it was
//! there is a [`Doubt`], and whoever meets one looks at the log again and retries.

use std::io;

use tailwater_protocol::Fingerprint;

use crate::encoding::Encoding;

/// Bytes that can be read at any offset.
pub trait ReadAt: Send + Sync {
    /// Reads what stands at `offset` into `buf`. Short reads happen; 0 only at the end.
    ///
    /// # Errors
    ///
    /// The system's.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// How its bytes are text. The default looks at the first of them.
    fn encoding(&self) -> Encoding {
        Encoding::read(self)
    }

    /// The first offset from `offset` on that does not lie in a hole. `None`: there is only hole
    /// up to the end. The default knows no holes.
    ///
    /// # Errors
    ///
    /// The system's.
    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok(Some(offset))
    }
}

/// The log is not what it was when its extent was last seen: it was cut or overwritten since.
/// Nothing that was read may be used; look at the log again ([`crate::follow`]) and retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log changed below the reader; look at it again and retry")]
pub struct Doubt;

impl From<Doubt> for io::Error {
    fn from(doubt: Doubt) -> Self {
        Self::new(io::ErrorKind::StaleNetworkFileHandle, doubt)
    }
}

/// Whether `error` is a [`Doubt`], and so a reason to retry rather than a failure.
pub fn is_doubt(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Doubt>())
}

/// Fills `buf` from `offset`.
///
/// # Errors
///
/// The system's; a [`Doubt`] when the file ends before `buf` is full.
pub fn read_exact_at(file: &dyn ReadAt, buf: &mut [u8], offset: u64) -> io::Result<()> {
    if read_full(file, buf, offset)? == buf.len() { Ok(()) } else { Err(Doubt.into()) }
}

/// Fills as much of `buf` as the file has from `offset`.
pub(crate) fn read_full<R: ReadAt + ?Sized>(
    file: &R,
    buf: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            // An implementor that claims more than it was given room for is taken at the room.
            Ok(read) => filled += read.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The fingerprint of the at most [`Fingerprint::REACH`] bytes before `offset`.
///
/// # Errors
///
/// The system's; a [`Doubt`] when the file has no `offset` bytes.
pub fn fingerprint_before(file: &dyn ReadAt, offset: u64) -> io::Result<Fingerprint> {
    let reach = offset.min(Fingerprint::REACH);
    let mut bytes = [0; Fingerprint::REACH as usize];
    let bytes = bytes.get_mut(..reach as usize).unwrap_or_default();
    read_exact_at(file, bytes, offset - reach)?;
    Ok(Fingerprint::of(bytes))
}

/// Whether the bytes before `offset` are those of `fingerprint`. A file that is too short for
/// it, is not.
///
/// # Errors
///
/// The system's.
pub fn stands_before(file: &dyn ReadAt, offset: u64, fingerprint: Fingerprint) -> io::Result<bool> {
    match fingerprint_before(file, offset) {
        Ok(found) => Ok(found == fingerprint),
        Err(error) if is_doubt(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let rest = self.get(from..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_too_short_is_a_doubt_and_no_failure() {
        let file = b"four".to_vec();
        let error = fingerprint_before(&file, 5).expect_err("there are four bytes");
        assert!(is_doubt(&error));
        assert!(!is_doubt(&io::Error::other("disk")));
        assert!(!stands_before(&file, 5, Fingerprint::EMPTY).expect("read"));
        assert!(stands_before(&file, 4, Fingerprint::of(b"four")).expect("read"));
        assert!(stands_before(&file, 0, Fingerprint::EMPTY).expect("read"));
    }

    #[test]
    fn a_fingerprint_reaches_256_bytes_back() {
        let file: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
        let last: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(fingerprint_before(&file, 512).expect("read"), Fingerprint::of(&last));
    }
}
