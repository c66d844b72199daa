//! Counts kept over a restart: one file a log, in the state folder, so that a large log that is
//! opened again has its line numbers at once.
//!
//! What is in the files is the engine's to write and to doubt ([`Stored`]); here they are found by
//! the identity of the log's file, written whole or not at all, and kept few. Without a folder that
//! can be written, all goes on without, which is said once. Never fails.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tailwater_engine::counts::{Counts, Stored};
use tailwater_engine::file::Identity;
use tailwater_engine::history::Generation;

/// Bytes of a log that are worth a file: fewer are counted sooner than anybody could see that
/// their numbers are missing.
pub const WORTH: u64 = 64 * 1024 * 1024;

/// Bytes of all files together, which are the counts of some 8 TB of logs.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Files at most.
const MAX_FILES: usize = 4096;

/// A file that is half written this long after its beginning is left over from a server that died.
const HALF: Duration = Duration::from_secs(3600);

/// The folder of kept counts.
#[derive(Debug)]
pub struct Kept {
    folder: Option<PathBuf>,
    said: AtomicBool,
}

impl Kept {
    /// In `state`, or nowhere.
    pub fn new(state: Option<&Path>) -> Self {
        Self { folder: state.map(|state| state.join("counts")), said: AtomicBool::new(false) }
    }

    /// The counts of `generation`, if they were kept and are still those of the log.
    pub fn load(&self, generation: &Generation) -> Option<Counts> {
        let folder = self.folder.as_ref().filter(|_| generation.bytes >= WORTH)?;
        let identity = generation.file.stat().ok()?.identity;
        let path = folder.join(name(identity));
        let file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        (&file).take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        let now = SystemTime::now();
        let seed = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
        let why = match Stored::read(&bytes) {
            Ok(stored) => match stored.of(generation, identity, seed) {
                Ok(Some(counts)) => {
                    // So that what is used is kept longest. If not, it is counted anew some day.
                    let _unmarked = file.set_modified(now).is_err();
                    return Some(counts);
                }
                Ok(None) => "they are not of this log".to_owned(),
                // That says nothing of the counts.
                Err(error) => {
                    tracing::debug!(%error, "kept counts could not be held against their log");
                    return None;
                }
            },
            Err(unfit) => unfit.to_string(),
        };
        tracing::info!(log = generation.name, why, "kept counts are thrown away");
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!(%error, "kept counts could not be removed");
        }
        None
    }

    /// Keeps what was counted of `generation`.
    pub fn save(&self, generation: &Generation, counts: &Counts) {
        let Some(folder) = &self.folder else { return };
        let kept = || -> io::Result<()> {
            let identity = generation.file.stat()?.identity;
            let Some(bytes) = counts.store(generation, identity)? else { return Ok(()) };
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            write(folder, &name(identity), &bytes)?;
            tidy(folder)
        };
        match kept() {
            Ok(()) => {}
            Err(error) if tailwater_engine::read::is_doubt(&error) => {}
            Err(error) if !self.said.swap(true, Ordering::Relaxed) => {
                let folder = folder.display();
                tracing::warn!(%error, "line counts cannot be kept in `{folder}`; large logs are counted anew at every start");
            }
            Err(_) => {}
        }
    }
}

fn name(identity: Identity) -> String {
    let Identity { device, inode, birth } = identity;
    format!("{device:x}-{inode:x}-{birth:x}")
}

/// Writes a file whole or not at all, whoever else writes it and whenever the machine stops.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let half = format!(".{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let half = folder.join(half);
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, folder.join(name))
    };
    written().inspect_err(|_| {
        // If it stays, it is found by `tidy`.
        let _stays = fs::remove_file(&half).is_err();
    })
}

/// Removes what is too much, the longest unused first, and what was left half written.
fn tidy(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let Ok(found) = entry.metadata() else { continue };
        let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let half = entry.file_name().to_string_lossy().starts_with('.');
        if half && used.elapsed().unwrap_or_default() < HALF {
            continue;
        }
        let used = if half { SystemTime::UNIX_EPOCH } else { used };
        files.push((used, found.len(), entry.path(), half));
    }
    files.sort_by_key(|file| std::cmp::Reverse(file.0));
    let (mut bytes, mut number) = (0_u64, 0);
    for (_, len, path, half) in files {
        bytes = bytes.saturating_add(len);
        number += 1;
        if half || bytes > MAX_BYTES || number > MAX_FILES {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_longest_ago_is_removed_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |age: u64| SystemTime::now() - Duration::from_secs(age);
        for (name, len, age) in
            [("old", 1, 900), ("large", MAX_BYTES - 2, 500), ("new", 1, 10), (".half", 1, 9000)]
        {
            let file = File::create(folder.path().join(name)).expect("made");
            file.set_len(len).expect("grown");
            file.set_modified(at(age)).expect("dated");
        }
        write(folder.path(), "newest", b"12").expect("written");
        tidy(folder.path()).expect("tidied");
        let left = fs::read_dir(folder.path()).expect("read").flatten();
        let mut left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["new", "newest"]);
        assert_eq!(fs::read(folder.path().join("newest")).expect("read"), b"12");
    }
}
