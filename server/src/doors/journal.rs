//! journald, through its own `journalctl`: what it prints is read, and its library is not loaded
//! (it maps files that others cut, and takes the process with it).
//!
//! An entry becomes one line: time, severity, who said it, what. After each piece that the spool has, the
//! place in the journal is noted beside it, and reading goes on there after a restart; lines behind the noted
//! place, written as a killed server's last, are cut when the spool is opened, as the journal gives them
//! again.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{bail, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spool::Spool;

/// Entries of the past that a new log begins with.
const PAST: u32 = 10_000;

/// Bytes of one entry as `journalctl` prints it. A longer one is counted as lost.
const MAX_ENTRY: usize = 4 * 1024 * 1024;

/// Severities by their number, in the words by which levels are recognised.
const SEVERITIES: [&str; 8] =
    ["EMERG", "ALERT", "CRIT", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// `None`: of all units.
    pub unit: Option<String>,
    /// This and worse.
    pub priority: Option<String>,
    /// Of this boot alone.
    pub boot: bool,
    /// The journal in this folder, as of another machine.
    pub directory: Option<String>,
}

impl Journal {
    /// Understands what follows `journal:`: `UNIT?priority=warning&boot`.
    ///
    /// # Errors
    ///
    /// When there is no such unit name, or option.
    pub fn parse(written: &str) -> anyhow::Result<Self> {
        let (unit, options) = written.split_once('?').unwrap_or((written, ""));
        let plain = |c: char| c.is_ascii_alphanumeric() || "@._:-\\".contains(c);
        ensure!(
            unit.chars().all(plain) && !unit.starts_with('-') && unit.len() <= 255,
            "`{unit}` is no name of a unit"
        );
        let mut journal = Self { unit: Some(unit.to_owned()), ..Self::default() };
        journal.unit = journal.unit.filter(|unit| !unit.is_empty());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                None if option == "boot" => journal.boot = true,
                Some(("directory", folder)) => {
                    ensure!(folder.starts_with('/'), "`{folder}` is no absolute path");
                    journal.directory = Some(folder.to_owned());
                }
                Some(("priority", priority)) => {
                    ensure!(
                        priority.chars().all(|c| c.is_ascii_alphanumeric()) && !priority.is_empty(),
                        "`{priority}` is no priority; write `warning` or `4`"
                    );
                    journal.priority = Some(priority.to_owned());
                }
                _ => bail!(
                    "`{option}` is no option of a journal; `priority=…`, `boot` and `directory=…` are"
                ),
            }
        }
        Ok(journal)
    }

    /// The name of its log, when none was given.
    pub fn name(&self) -> String {
        let unit = self.unit.as_deref().unwrap_or("all");
        format!("journal/{}", super::push::line::name_of(&unit.replace('\\', "-")))
    }

    /// The program and its arguments, to go on after `place`.
    pub(super) fn words(&self, place: Option<&Place>) -> Vec<OsString> {
        let mut words: Vec<OsString> =
            ["journalctl", "--output=json", "--all", "--follow"].map(Into::into).into();
        match place {
            Some(Place { cursor: Some(cursor), .. }) => {
                words.push("--no-tail".into());
                words.push(format!("--after-cursor={cursor}").into());
            }
            // The journal does not know it any more: then by the clock, at the price of entries
            // of that second coming again.
            Some(place) => {
                words.push("--no-tail".into());
                words.push(format!("--since=@{}", place.time / 1_000_000).into());
            }
            None => words.push(format!("--lines={PAST}").into()),
        }
        words.extend(self.unit.iter().map(|unit| format!("--unit={unit}").into()));
        words.extend(self.priority.iter().map(|priority| format!("--priority={priority}").into()));
        words.extend(self.directory.iter().map(|at| format!("--directory={at}").into()));
        if self.boot {
            words.push("--boot".into());
        }
        words
    }
}

/// Where reading stands: in the journal, and in the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// `None` when the journal knows it no more.
    cursor: Option<String>,
    /// When the last entry was written, in microseconds since 1970.
    time: i64,
    /// The number of the segment, and its length with all entries up to there.
    segment: u64,
    bytes: u64,
}

impl Place {
    fn path(spool: &Spool) -> PathBuf {
        spool.path().with_file_name(".journal")
    }

    /// Where it stood, with the spool brought there: only before anybody reads it.
    fn load(spool: &Spool) -> Option<Self> {
        let text = fs::read(Self::path(spool)).ok()?;
        let place: Self = serde_json::from_slice(&text).ok()?;
        spool.cut(place.segment, place.bytes);
        Some(place)
    }

    fn save(&self, spool: &Spool) -> io::Result<()> {
        let path = Self::path(spool);
        let half = path.with_extension("half");
        fs::write(&half, serde_json::to_vec(self)?)?;
        fs::rename(half, path)
    }
}

/// What `journalctl` prints, entry by entry.
#[derive(Debug)]
pub(super) struct Entries {
    place: Option<Place>,
    waiting: Vec<u8>,
    /// Whether the rest of an entry that is too long is being passed over.
    skipping: bool,
}

impl Entries {
    /// Goes on where it stood.
    pub(super) fn of(spool: &Spool) -> Self {
        Self { place: Place::load(spool), waiting: Vec::new(), skipping: false }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// A run begins: what another left half printed is nothing.
    pub(super) fn begin(&mut self) {
        self.waiting.clear();
        self.skipping = false;
    }

    /// The journal could not be read from where it stood.
    pub(super) fn lost_place(&mut self) {
        if let Some(place) = &mut self.place {
            place.cursor = None;
        }
    }

    /// Notes that what stands in the spool now is as far as it was read.
    pub(super) fn note(&mut self, spool: &Spool) {
        let Some(place) = &mut self.place else { return };
        (place.segment, place.bytes) = spool.stands();
        if let Err(error) = place.save(spool) {
            tracing::warn!(log = %spool.name(), %error, "where the journal was read to could not be noted");
        }
    }

    /// Takes bytes; writes the entries that are whole, and notes the place after them.
    pub(super) fn take(&mut self, bytes: &[u8], spool: &Spool) {
        self.waiting.extend_from_slice(bytes);
        let mut lines = Vec::new();
        let mut last = None;
        let end = memchr::memrchr(b'\n', &self.waiting).map_or(0, |at| at + 1);
        let rest = self.waiting.split_off(end);
        let whole = std::mem::replace(&mut self.waiting, rest);
        for entry in whole.split(|&byte| byte == b'\n').filter(|entry| !entry.is_empty()) {
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            last = write(entry, &mut lines).or(last);
        }
        if self.waiting.len() > MAX_ENTRY {
            spool.lose(self.waiting.len() as u64);
            self.waiting.clear();
            self.skipping = true;
        }
        if !lines.is_empty() {
            super::spool(spool, &lines, tailwater_engine::unwrap::Stream::Stdout);
        }
        if let Some((cursor, time)) = last {
            self.place = Some(Place { cursor: Some(cursor), time, segment: 0, bytes: 0 });
            self.note(spool);
        }
    }
}

/// Adds an entry as a line, and gives its place in the journal.
fn write(entry: &[u8], lines: &mut Vec<u8>) -> Option<(String, i64)> {
    let Ok(entry) = serde_json::from_slice::<Map<String, Value>>(entry) else {
        lines.extend_from_slice(entry);
        lines.push(b'\n');
        return None;
    };
    let text = |name: &str| entry.get(name).and_then(field);
    let micros = text("__REALTIME_TIMESTAMP").and_then(|text| text.parse::<i64>().ok());
    if let Some(at) = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()) {
        lines.extend_from_slice(format!("{at:.6} ").as_bytes());
    }
    let severity = text("PRIORITY").and_then(|text| text.parse::<usize>().ok());
    if let Some(severity) = severity.and_then(|severity| SEVERITIES.get(severity)) {
        lines.extend_from_slice(severity.as_bytes());
        lines.push(b' ');
    }
    let who = ["SYSLOG_IDENTIFIER", "_COMM", "_SYSTEMD_UNIT"].iter().find_map(|name| text(name));
    if let Some(who) = who {
        put(&who, lines);
        if let Some(process) = text("_PID").or_else(|| text("SYSLOG_PID")) {
            put(&format!("[{process}]"), lines);
        }
        lines.extend_from_slice(b": ");
    }
    put(&text("MESSAGE").unwrap_or_default(), lines);
    lines.push(b'\n');
    Some((text("__CURSOR")?, micros.unwrap_or_default()))
}

/// The text of a field: a string, a list of bytes where it was no text, or several of them.
fn field(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if list.iter().all(Value::is_number) => {
            let bytes = list.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
            Some(String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned())
        }
        Value::Array(list) => {
            let all: Vec<String> = list.iter().filter_map(field).collect();
            Some(all.join(" "))
        }
        Value::Null => Some("(a field too large to be shown)".to_owned()),
        _ => None,
    }
}

/// Adds `text`, in which an entry of several lines stays one.
fn put(text: &str, lines: &mut Vec<u8>) {
    lines.extend_from_slice(text.replace('\n', "\\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Framing, Keep, Limits, Spools};
    use proptest::prelude::*;
    use tailwater_protocol::LogName;

    fn line(entry: &str) -> String {
        let mut lines = Vec::new();
        write(entry.as_bytes(), &mut lines);
        String::from_utf8(lines).expect("text")
    }

    #[test]
    fn entries_become_lines() {
        for (entry, expected) in [
            (
                r#"{"__REALTIME_TIMESTAMP":"1795257127114000","PRIORITY":"3","SYSLOG_IDENTIFIER":"nginx","_PID":"7","MESSAGE":"two\nlines"}"#,
                "2026-11-21T10:32:07.114000Z ERROR nginx[7]: two\\nlines\n",
            ),
            (r#"{"_COMM":"a","MESSAGE":[104,105,255]}"#, "a: hi\u{fffd}\n"),
            (r#"{"MESSAGE":null}"#, "(a field too large to be shown)\n"),
            (r#"{"MESSAGE":["a","b"]}"#, "a b\n"),
            ("-- no entry --", "-- no entry --\n"),
        ] {
            assert_eq!(line(entry), expected, "{entry}");
        }
    }

    #[test]
    fn sources_are_understood() {
        let journal = Journal::parse("nginx.service?priority=warning&boot").expect("sound");
        assert_eq!(journal.name(), "journal/nginx.service");
        let words = journal.words(None);
        for word in ["--unit=nginx.service", "--priority=warning", "--boot", "--lines=10000"] {
            assert!(words.contains(&word.into()), "{word}");
        }
        assert_eq!(Journal::parse("").expect("all").name(), "journal/all");
        for wrong in ["-x", "a b", "a/b", "a?x=1", "a?priority=--x", "a;b"] {
            assert!(Journal::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_not_noted_is_cut_and_comes_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = LogName("journal/all".to_owned());
        let limits = Limits { reserve: 0, ..Limits::default() };
        let entry = |n: u32| format!("{{\"__CURSOR\":\"s={n}\",\"MESSAGE\":\"{n}\"}}\n");
        let spools = Spools::new(Some(folder.path()), limits);
        let spool = spools.open(&name, Keep::Kept, Framing::Messages).expect("opened");
        let mut entries = Entries::of(&spool);
        assert_eq!(entries.place(), None);
        let all = entry(1) + &entry(2);
        let (first, rest) = all.as_bytes().split_at(all.len() - 4);
        entries.take(first, &spool);
        let place = entries.place().cloned().expect("a place");
        assert_eq!(place.cursor.as_deref(), Some("s=1"));
        // Dying between writing the second and noting it.
        let before = fs::read(Place::path(&spool)).expect("noted");
        entries.take(rest, &spool);
        assert_eq!(fs::read_to_string(spool.path()).expect("read"), "1\n2\n");
        fs::write(Place::path(&spool), before).expect("back");
        drop((spool, spools));
        let spools = Spools::new(Some(folder.path()), limits);
        let spool = spools.open(&name, Keep::Kept, Framing::Messages).expect("opened");
        assert_eq!(Entries::of(&spool).place(), Some(&place));
        assert_eq!(fs::read_to_string(spool.path()).expect("read"), "1\n");
    }

    proptest! {
        #[test]
        fn no_output_breaks_it(text in "(\\{\"MESSAGE\":|\"a\"|[0-9]|\\}|\\[|\\]|\n|\\PC){0,40}") {
            let mut lines = Vec::new();
            for entry in text.split('\n') {
                write(entry.as_bytes(), &mut lines);
            }
            prop_assert!(lines.is_empty() || lines.ends_with(b"\n"));
        }
    }
}
