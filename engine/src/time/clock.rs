//! Where the time stands in the lines of one log.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use memchr::memmem::Finder;

use super::stamp::{self, Form, LEAP, Stamp, Written};
use super::{AHEAD, Reference, at_offset, nanoseconds};
use crate::fields::json;

/// Lines that are learned from, at most.
pub const SAMPLE: usize = 1000;

/// Bytes at the start of a line among which a time is looked for.
const HEAD: usize = 256;

/// Bytes of a line among which a field is looked for that holds the time: Docker's stands behind a
/// text of up to 16 KiB, each byte of which may be an escape of six.
const FIELD_HEAD: usize = 128 * 1024;

/// How much further into a line a time may stand than it ever did in the sample.
const SLACK: usize = 32;

/// The fields that hold the time of a line, the most telling first.
const FIELDS: [&str; 18] = [
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "@t",
    "t",
    "datetime",
    "Timestamp",
    "Time",
    "date",
    "eventTime",
    "event_time",
    "logtime",
    "asctime",
    "created",
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "timeMillis",
];

/// Reads the times of one log.
#[derive(Debug, Clone)]
pub struct Clock {
    place: Place,
    /// The spellings of the sample, as a set of bits.
    forms: u8,
    /// How far into a line a time may stand.
    reach: usize,
    /// Whether lines that begin with a blank have a time.
    indented: bool,
    reference: Reference,
    /// The last moment of the reference, by the clock on the wall there.
    latest: DateTime,
}

/// Where it stands in most lines.
#[derive(Debug, Clone)]
enum Place {
    /// At this byte.
    Offset(usize),
    /// Behind the key of a field, wherever that stands first.
    Key(Box<Finder<'static>>),
    /// In this member of an object, which has others of the name within it.
    Member(&'static str),
}

/// Where it stands in a line of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Seen {
    Text,
    Json(usize),
    Logfmt(usize),
}

impl Clock {
    /// Learns from some lines of a log, at most [`SAMPLE`] of them; best from several places of
    /// it. `None` when none of them has a time.
    pub fn learn<'a>(
        lines: impl IntoIterator<Item = &'a [u8]>,
        reference: Reference,
    ) -> Option<Self> {
        let mut places: HashMap<Seen, usize> = HashMap::new();
        let mut offsets: HashMap<usize, usize> = HashMap::new();
        let (mut forms, mut indented) = (0, 0);
        let lines: Vec<&[u8]> = lines.into_iter().take(SAMPLE).collect();
        for line in &lines {
            let Some((seen, offset, stamp)) = detect(line) else { continue };
            *places.entry(seen).or_default() += 1;
            forms |= bit(stamp.form);
            if seen == Seen::Text {
                *offsets.entry(offset).or_default() += 1;
                indented += usize::from(line.first().is_some_and(u8::is_ascii_whitespace));
            }
        }
        // Of equals the first, whatever order the map has.
        let first = |seen: &Seen| match seen {
            Seen::Text => usize::MAX,
            Seen::Json(field) => usize::MAX - 1 - field,
            Seen::Logfmt(field) => usize::MAX - 100 - field,
        };
        let (&seen, _) = places.iter().max_by_key(|(seen, count)| (**count, first(seen)))?;
        let most = offsets.iter().max_by_key(|(offset, count)| (**count, usize::MAX - **offset));
        let most = most.map_or(0, |(&offset, _)| offset);
        // A time that stands much further in than is usual belongs to the text.
        let usual = offsets.keys().filter(|&&offset| offset <= 2 * most + 2 * SLACK);
        let reach = usual.max().map_or(0, |&offset| offset) + SLACK;
        let indented = 4 * indented > offsets.values().sum();
        let place = match seen {
            Seen::Text => Place::Offset(most),
            Seen::Json(field) => {
                let name = *FIELDS.get(field)?;
                let finder = finder(&format!("\"{name}\""));
                let mut objects = lines.iter().filter(|line| line.first() == Some(&b'{'));
                // To look for the key alone is several times quicker than to walk to it, and
                // right unless it also stands in an object within, or in a list.
                let agree = objects
                    .all(|line| written(behind(&finder, line)) == written(member(line, name)));
                if agree { Place::Key(finder) } else { Place::Member(name) }
            }
            Seen::Logfmt(field) => Place::Key(finder(&format!("{}=", FIELDS.get(field)?))),
        };
        let latest = latest(&reference)?;
        Some(Self { place, forms, reach, indented, reference, latest })
    }

    /// The same for a log that was written again since: what has no year is not after `seen`.
    #[must_use]
    pub fn seen(&self, seen: i64) -> Self {
        let reference = Reference { seen, ..self.reference.clone() };
        let latest = latest(&reference).unwrap_or(self.latest);
        Self { reference, latest, ..self.clone() }
    }

    /// When `line` says that it was written, in nanoseconds since 1970. `None` when it says
    /// nothing: most such lines belong to the one before them.
    ///
    /// The first [`HEAD`] bytes suffice, where the time is not a field of an object.
    pub fn at(&self, line: &[u8]) -> Option<i64> {
        let stamp = self.expected(line).or_else(|| self.elsewhere(line))?;
        self.instant(stamp.written)
    }

    fn expected(&self, line: &[u8]) -> Option<Stamp> {
        match &self.place {
            Place::Offset(offset) => {
                let stamp = stamp::read(line, *offset)?;
                (self.knows(stamp.form) && may_begin(line, *offset, stamp.form)).then_some(stamp)
            }
            Place::Key(finder) => behind(finder, line),
            Place::Member(name) => member(line, name),
        }
    }

    /// The time of a line that is not like most.
    fn elsewhere(&self, line: &[u8]) -> Option<Stamp> {
        match line.first()? {
            b'{' => Some(in_object(line)?.2),
            byte if byte.is_ascii_whitespace() && !self.indented => None,
            _ => {
                let (offset, stamp) = search(line, self.reach)?;
                // Digits alone are no time where none were seen.
                (offset <= self.reach && (stamp.form != Form::Epoch || self.knows(Form::Epoch)))
                    .then_some(stamp)
            }
        }
    }

    fn knows(&self, form: Form) -> bool {
        self.forms & bit(form) != 0
    }

    fn instant(&self, written: Written) -> Option<i64> {
        let (civil, offset) = match written {
            Written::Epoch(nanos) => return Some(nanos),
            Written::Civil(civil, offset) => (civil, offset),
            Written::Yearless(civil, offset) => (self.with_year(civil)?, offset),
        };
        match offset {
            Some(offset) => at_offset(civil, offset),
            None => {
                let ambiguous = self.reference.zone.to_ambiguous_timestamp(civil);
                nanoseconds(ambiguous.compatible().ok()?)
            }
        }
    }

    /// The latest such day that is not after the reference.
    fn with_year(&self, civil: DateTime) -> Option<DateTime> {
        let mut year = self.latest.year();
        let of_latest = (self.latest.month(), self.latest.day(), self.latest.time());
        if (civil.month(), civil.day(), civil.time()) > of_latest {
            year -= 1;
        }
        if (civil.month(), civil.day()) == (2, 29) {
            while !leap(year) {
                year -= 1;
            }
        }
        jiff::civil::Date::new(year, civil.month(), civil.day())
            .ok()
            .map(|date| date.to_datetime(civil.time()))
    }
}

fn latest(reference: &Reference) -> Option<DateTime> {
    let seen = Timestamp::from_nanosecond(i128::from(reference.seen)).ok()?;
    let latest = seen.checked_add(AHEAD).ok()?;
    Some(reference.zone.to_datetime(latest))
}

const fn leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn finder(needle: &str) -> Box<Finder<'static>> {
    Box::new(Finder::new(needle).into_owned())
}

const fn bit(form: Form) -> u8 {
    1 << form as u8
}

fn skip(line: &[u8], from: usize, pass: impl Fn(&u8) -> bool) -> usize {
    from + line.get(from..).unwrap_or_default().iter().take_while(|byte| pass(byte)).count()
}

/// The time of a line of which nothing is known: where it stands, at which byte, and itself.
fn detect(line: &[u8]) -> Option<(Seen, usize, Stamp)> {
    if line.first() == Some(&b'{') {
        return in_object(line);
    }
    let (offset, stamp) = search(line, HEAD)?;
    let key = line.get(..offset)?.strip_suffix(b"\"").or(line.get(..offset))?;
    let key = key.strip_suffix(b"=");
    let field = key.and_then(|key| {
        FIELDS.iter().position(|name| {
            let edge = key.strip_suffix(name.as_bytes());
            edge.is_some_and(|edge| edge.last().is_none_or(u8::is_ascii_whitespace))
        })
    });
    Some((field.map_or(Seen::Text, Seen::Logfmt), offset, stamp))
}

/// The time in the most telling field of an object.
fn in_object(line: &[u8]) -> Option<(Seen, usize, Stamp)> {
    let head = line.get(..FIELD_HEAD).unwrap_or(line);
    let mut best: Option<(usize, Stamp)> = None;
    for (key, text) in json::Leaves::new(head).take(crate::fields::MAX_FIELDS) {
        let Some(field) = FIELDS.iter().position(|name| name.as_bytes() == &*key) else { continue };
        if best.is_some_and(|(other, _)| other < field) {
            continue;
        }
        if let Some(stamp) = value(&text, 0) {
            best = Some((field, stamp));
        }
    }
    best.map(|(field, stamp)| (Seen::Json(field), 0, stamp))
}

/// The time behind the key that `finder` finds, quoted or with its equals sign.
fn behind(finder: &Finder<'_>, line: &[u8]) -> Option<Stamp> {
    let head = line.get(..FIELD_HEAD).unwrap_or(line);
    let key = finder.find(head)?;
    let end = key + finder.needle().len();
    if finder.needle().first() == Some(&b'"') {
        let colon = skip(line, end, u8::is_ascii_whitespace);
        let at = (line.get(colon) == Some(&b':')).then_some(colon + 1)?;
        return value(line, skip(line, at, u8::is_ascii_whitespace));
    }
    let begins = key == 0 || line.get(key - 1).is_some_and(u8::is_ascii_whitespace);
    begins.then(|| value(line, end)).flatten()
}

fn written(stamp: Option<Stamp>) -> Option<Written> {
    stamp.map(|stamp| stamp.written)
}

/// The time in the last member of that name.
fn member(line: &[u8], name: &str) -> Option<Stamp> {
    let head = line.get(..FIELD_HEAD).unwrap_or(line);
    let [found] = json::members(head, [name]);
    let text = found?.decoded();
    stamp::read(&text, 0)
}

/// The time that is the value of a field, with or without quotes.
fn value(line: &[u8], at: usize) -> Option<Stamp> {
    let at = if line.get(at) == Some(&b'"') { at + 1 } else { at };
    stamp::read(line, at)
}

/// The first time that begins at one of the first `reach` bytes, and where.
fn search(line: &[u8], reach: usize) -> Option<(usize, Stamp)> {
    let head = line.get(..reach.min(HEAD) + 1).unwrap_or(line);
    let mut at = 0;
    while let Some(found) = head.get(at..)?.iter().position(|&byte| stamp::begins(byte)) {
        at += found;
        if let Some(stamp) = stamp::read(line, at)
            && may_begin(line, at, stamp.form)
        {
            return Some((at, stamp));
        }
        if head.get(..at).is_some_and(|before| before.ends_with(b"\x1b[")) {
            at = skip(head, at, |&byte| byte != b'm') + 1;
            continue;
        }
        // On to the next word: within this one nothing begins.
        at = skip(head, at, |byte| byte.is_ascii_alphanumeric()).max(at + 1);
    }
    None
}

/// Whether something else than a longer word or name may end before `at`.
fn may_begin(line: &[u8], at: usize, form: Form) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let Some(&last) = before.last() else { return true };
    match form {
        // A number in a sentence is no time.
        Form::Epoch => matches!(last, b'[' | b'(' | b'=' | b'"') || before.ends_with(b"\xbb\xbf"),
        _ if last == b'm' => ends_escape(before),
        _ => {
            !last.is_ascii_alphanumeric()
                && !matches!(last, b'.' | b'-' | b'_' | b'/' | b'+' | b'\\')
        }
    }
}

/// Whether `before` ends with an escape sequence that sets a colour.
fn ends_escape(before: &[u8]) -> bool {
    let digits = before
        .iter()
        .rev()
        .skip(1)
        .take_while(|&&byte| byte.is_ascii_digit() || matches!(byte, b';' | b':'));
    before.get(..before.len() - 1 - digits.count()).is_some_and(|rest| rest.ends_with(b"\x1b["))
}

// A date without a year must be able to be the last of February.
const _: () = assert!(leap(LEAP));

#[cfg(test)]
mod tests;
