//! How much a spool may take, and for how long; and asking the disk whether there is room.
//!
//! Room is asked for before bytes are written, never after: a log that is cut back because the
//! disk was full would look truncated to everybody who follows it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// Bytes of one log, when nothing else was said.
const BYTES: u64 = 1024 * 1024 * 1024;

/// A log is kept in about so many segments: what goes, goes in parts this large.
const PARTS: u64 = 16;

/// The largest segment: what retention lets go at once.
const MAX_SEGMENT: u64 = 64 * 1024 * 1024;

/// The smallest: a segment is a file, and rotating must stay rare.
const MIN_SEGMENT: u64 = 64 * 1024;

/// Earlier segments of one log: of a command that prints little, so many runs.
pub(super) const MAX_SEGMENTS: usize = 64;

/// What is left to everybody else on the disk.
const RESERVE: u64 = 64 * 1024 * 1024;

/// What the spool of one log may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all its segments.
    pub bytes: u64,
    /// How long a segment is kept that is written no more.
    pub age: Option<Duration>,
    /// Bytes of the disk that are left free.
    pub reserve: u64,
    /// Whether what was acknowledged must survive the machine, not the process alone.
    pub sync: bool,
}

/// `[spool]` of the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolFile {
    size: Option<String>,
    age: Option<String>,
    sync: Option<bool>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: BYTES, age: None, reserve: RESERVE, sync: false }
    }
}

impl Limits {
    /// What `file` says.
    ///
    /// # Errors
    ///
    /// When a size or an age is none, or too small.
    pub fn of(file: &SpoolFile) -> anyhow::Result<Self> {
        let mut limits = Self::default();
        if let Some(size) = &file.size {
            limits.bytes = bytes(size)
                .with_context(|| format!("`{size}` is no size; write `500MB` or `2GB`"))?;
            ensure!(
                limits.bytes >= 2 * MIN_SEGMENT,
                "a spool of `{size}` is too small; give it 200kB or more"
            );
        }
        if let Some(age) = &file.age {
            limits.age = Some(
                duration(age).with_context(|| format!("`{age}` is no age; write `12h` or `7d`"))?,
            );
        }
        limits.sync = file.sync.unwrap_or(false);
        Ok(limits)
    }

    /// Bytes of one segment.
    pub(super) fn segment(&self) -> u64 {
        (self.bytes / PARTS).clamp(MIN_SEGMENT, MAX_SEGMENT)
    }
}

/// `500MB`, `2 GB`, `65536`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// `90s`, `30m`, `12h`, `7d`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).map(Duration::from_secs)
}

/// Asks for room.
pub trait Room: Send + Sync {
    /// Has `bytes` more at `from` in `file` set aside; nothing is seen of it in the file.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::StorageFull`] or [`io::ErrorKind::QuotaExceeded`] when there is none.
    fn set_aside(&self, file: &File, from: u64, bytes: u64) -> io::Result<()>;
}

/// The disk itself.
#[derive(Debug)]
pub struct Disk {
    pub reserve: u64,
}

impl Room for Disk {
    fn set_aside(&self, file: &File, from: u64, bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
        use rustix::io::Errno;
        let disk = fstatvfs(file.as_fd())?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.reserve.saturating_add(bytes) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes) {
            // A file system that cannot: then writing will say it.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_read() {
        for (text, expected) in
            [("65536", Some(65_536)), ("500MB", Some(500_000_000)), ("2 gb", Some(2_000_000_000))]
        {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for text in ["", "GB", "1.5GB", "-1", "1 parsec", "99999999999TB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
        assert_eq!(duration("7d"), Some(Duration::from_secs(604_800)));
        for text in ["7", "d", "1w", "99999999999999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
        let file = SpoolFile { size: Some("10kB".into()), ..SpoolFile::default() };
        assert!(Limits::of(&file).is_err());
    }
}
