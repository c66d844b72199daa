//! The files of one spool: which there are, in what order, and how another begins.
//!
//! `app` is the newest segment, `app-20261121-103207-7` the one of number 7 that was closed then,
//! `.notes/7` what is noted of it. A number is given once, so that notes and lines find each other
//! whatever the process dies at; the names sort as rotated logs do.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use tailwater_engine::file::Identity;

use super::notes::{MAX_TURNS, Notes};
use super::{Framing, now};
use crate::sources::identity_of;

/// Bytes of a file of notes that are read: more than there can be.
const MAX_NOTES: u64 = MAX_TURNS as u64 * 26 + 4096;

/// Bytes looked at at once for the last newline.
const CHUNK: u64 = 64 * 1024;

pub(super) struct Segments {
    folder: PathBuf,
    base: String,
    /// Of the newest.
    pub(super) number: u64,
    earlier: VecDeque<Earlier>,
}

/// A segment that is written no more.
#[derive(Debug)]
pub(super) struct Earlier {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) bytes: u64,
    /// When it was written last, in milliseconds since 1970.
    pub(super) written: u64,
    pub(super) notes: Notes,
}

/// Takes the folder for this process, making it if need be.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder.join(".notes"))?;
    let lock = file(&folder.join(".lock"))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    Ok(lock)
}

fn file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// Cuts what a writer that died left half written, and says how long the segment is then.
pub(super) fn mend(file: &File, framing: Framing) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    let keep = |byte: u8| match framing {
        Framing::Messages => byte == b'\n',
        // A machine that stopped may have lengthened the file and not filled it.
        Framing::Stream => byte != 0,
    };
    let mut end = bytes;
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        buffer.resize((end - start) as usize, 0);
        file.read_exact_at(&mut buffer, start)?;
        if let Some(at) = buffer.iter().rposition(|&byte| keep(byte)) {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < bytes {
        file.set_len(end)?;
    }
    Ok(end)
}

impl Segments {
    pub(super) fn find(folder: &Path, base: &str) -> io::Result<Self> {
        let mut earlier = Vec::new();
        for entry in fs::read_dir(folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(number) = number(base, &name) else { continue };
            let found = entry.metadata()?;
            let written = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let written = written.unwrap_or_default().as_millis() as u64;
            earlier.push(Earlier {
                name,
                number,
                bytes: found.len(),
                written,
                notes: Notes::default(),
            });
        }
        earlier.sort_by_key(|segment| segment.number);
        let noted = fs::read_dir(folder.join(".notes"))?.flatten();
        let noted = noted.filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok()).max();
        let after = earlier.last().map_or(1, |last| last.number + 1);
        let mut segments = Self {
            folder: folder.to_owned(),
            base: base.to_owned(),
            number: after.max(noted.unwrap_or(1)),
            earlier: VecDeque::new(),
        };
        for segment in &mut earlier {
            segment.notes = segments.notes(segment.number);
        }
        segments.earlier = earlier.into();
        Ok(segments)
    }

    /// Opens the newest segment, to append to it.
    pub(super) fn open(&self) -> io::Result<File> {
        // The number is taken before there is a line to go with it.
        drop(self.notes_file()?);
        file(&self.folder.join(&self.base))
    }

    /// What is noted of a segment; nothing when that cannot be read.
    pub(super) fn notes(&self, number: u64) -> Notes {
        let mut text = Vec::new();
        let read = File::open(self.notes_path(number))
            .and_then(|file| file.take(MAX_NOTES).read_to_end(&mut text));
        match read {
            Ok(_) => Notes::read(&String::from_utf8_lossy(&text)),
            Err(_) => Notes::default(),
        }
    }

    /// The notes of the newest, to append to them.
    pub(super) fn notes_file(&self) -> io::Result<File> {
        file(&self.notes_path(self.number))
    }

    fn notes_path(&self, number: u64) -> PathBuf {
        self.folder.join(".notes").join(number.to_string())
    }

    /// Removes notes of segments that are no more.
    pub(super) fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join(".notes"))?.flatten() {
            let number = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            let of = |number| {
                number == self.number || self.earlier.iter().any(|known| known.number == number)
            };
            if number.is_some_and(|number| !of(number)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Closes the newest, of which `segment` says what is known, and begins another. When that
    /// fails and the newest is still the newest, it is given back.
    pub(super) fn turn(
        &mut self,
        mut segment: Earlier,
    ) -> Result<File, (Option<Earlier>, io::Error)> {
        let last = self.earlier.back().map(|last| last.name.as_str());
        segment.name = name(&self.base, segment.number, last);
        let to = self.folder.join(&segment.name);
        match fs::rename(self.folder.join(&self.base), to) {
            Ok(()) => {
                self.number += 1;
                self.earlier.push_back(segment);
            }
            // It was moved in an earlier try that went no further.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err((Some(segment), error)),
        }
        self.open().map_err(|error| (None, error))
    }

    /// Removes the oldest; false when there is none.
    pub(super) fn drop_oldest(&mut self) -> io::Result<bool> {
        let Some(oldest) = self.earlier.front() else { return Ok(false) };
        for path in [self.folder.join(&oldest.name), self.notes_path(oldest.number)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.earlier.pop_front();
        Ok(true)
    }

    /// When the oldest was written last.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.earlier.front().map(|oldest| oldest.written)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.earlier.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn count(&self) -> usize {
        self.earlier.len()
    }

    /// The number of the earlier segment in that file.
    pub(super) fn number_of(&self, identity: Identity) -> Option<u64> {
        let is = |segment: &&Earlier| {
            let file = File::open(self.folder.join(&segment.name));
            file.and_then(|file| identity_of(&file)).is_ok_and(|found| found == identity)
        };
        self.earlier.iter().rev().find(is).map(|segment| segment.number)
    }

    pub(super) fn earlier_notes(&self, number: u64) -> Option<&Notes> {
        self.earlier.iter().find(|segment| segment.number == number).map(|segment| &segment.notes)
    }
}

/// The name of a segment that is closed now. Never earlier than that of the `last`: the clock may
/// have been set back.
fn name(base: &str, number: u64, last: Option<&str>) -> String {
    let stamp = Timestamp::from_millisecond(now() as i64).unwrap_or_default();
    let stamp = stamp.strftime("%Y%m%d-%H%M%S").to_string();
    let last = last.and_then(|last| last.strip_prefix(base)?.strip_prefix('-'));
    let last = last.and_then(|last| Some(last.rsplit_once('-')?.0.to_owned())).unwrap_or_default();
    let stamp = stamp.max(last);
    format!("{base}-{stamp}-{number}")
}

/// The number of the segment of that name.
fn number(base: &str, name: &str) -> Option<u64> {
    let (stamp, number) = name.strip_prefix(base)?.strip_prefix('-')?.rsplit_once('-')?;
    let (day, time) = stamp.split_once('-')?;
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    (digits(day, 8) && digits(time, 6)).then_some(())?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_engine::archive::name::{age, in_order};

    #[test]
    fn names_are_those_of_rotated_logs() {
        let mut names = Vec::new();
        for n in 1..20 {
            let last = names.last().map(String::as_str);
            names.push(name("app.log", n, last));
        }
        let mut mixed = names.clone();
        mixed.reverse();
        let age = |name: &String| age("app.log", name).expect("rotated");
        assert_eq!(in_order(mixed, age, |_| 0), names);
        assert_eq!(number("app.log", &names[6]), Some(7));
        assert!(name("a", 2, Some("a-29991231-235959-1")).starts_with("a-29991231-235959-2"));
        for other in ["app.log", "app.log-1", "app.log-20261121-7", "b-20261121-000000-1"] {
            assert_eq!(number("app.log", other), None, "{other}");
        }
    }
}
