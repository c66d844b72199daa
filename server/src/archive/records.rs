//! What is noted of the generations of each log, in a folder: a file a log, a line a generation.
//!
//! Written whole or not at all, readable by its owner alone, and kept few. What cannot be read is
//! as good as not there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use tailwater_engine::archive::record::Record;
use tailwater_protocol::Fingerprint;

/// Logs of which records are kept.
const MAX_FILES: usize = 4096;

/// The records of all logs.
#[derive(Debug, Clone)]
pub(super) struct Folder(Option<PathBuf>);

impl Folder {
    /// Below `state`, or nowhere.
    pub(super) fn new(state: Option<&Path>) -> Self {
        Self(state.map(|state| state.join("generations")))
    }

    /// The records of the log that lies at `log`.
    pub(super) fn load(&self, log: &Path) -> Vec<Record> {
        let Some(folder) = &self.0 else { return Vec::new() };
        let text = fs::read_to_string(folder.join(name(log))).unwrap_or_default();
        // A line that is none was written by nobody here, and is written no more.
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Keeps them.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn save(&self, log: &Path, records: &[Record]) -> io::Result<()> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let (name, text) = (name(log), text(records));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let beside = folder.join(format!("{name}.{}.new", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let new = !folder.join(&name).exists();
        fs::rename(&beside, folder.join(name))?;
        if new { tidy(folder) } else { Ok(()) }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

fn text(records: &[Record]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// The name of the file for the log that lies there.
fn name(log: &Path) -> String {
    format!("{:016x}", Fingerprint::of(log.as_os_str().as_encoded_bytes()).0)
}

/// Removes the records that were written longest ago, when there are too many.
fn tidy(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let written = entry.metadata().and_then(|found| found.modified());
        files.push((written.unwrap_or(UNIX_EPOCH), entry.path()));
    }
    files.sort();
    let over = files.len().saturating_sub(MAX_FILES);
    files.into_iter().take(over).try_for_each(|(_, path)| fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = Folder::new(Some(folder.path()));
        let line = "0000002a 1 2 3 400 00000000000000aa 00000000000000bb";
        let record: Record = line.parse().expect("a record");
        let (log, other) = (Path::new("logs/app.log"), Path::new("logs/other.log"));
        assert_eq!(records.load(log), []);
        records.save(log, &[record]).expect("kept");
        assert_eq!((records.load(log), records.load(other)), (vec![record], Vec::new()));
        let file = folder.path().join("generations").join(name(log));
        fs::write(&file, format!("nonsense\n{line}\n0000002a 1 2\n")).expect("written");
        assert_eq!(records.load(log), [record]);
        Folder::new(None).save(log, &[record]).expect("nowhere");
    }
}
