//! A time as somebody wrote it into a line: what it says, and how far it reaches.
//!
//! Reads what begins at a given byte, in any of the spellings that logs use, and knows nothing of
//! where in a line to look. Decides no year and no zone that are not written there: that needs a
//! [`Reference`](super::Reference). Refuses a time of day without a date, days that no month has,
//! and orders of day and month that cannot be told apart (`11/12/2026`).
//!
//! A leap second is the last nanosecond of the second before it, so that order is kept.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};

use super::digits::{Number, four, number, three, two};
use super::zone::zone;

/// A time, as far as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nanoseconds since 1970.
    Epoch(i64),
    /// A civil time, and its seconds east of Greenwich if they are there.
    Civil(DateTime, Option<i32>),
    /// Without its year: that of the date is a leap year, and means nothing.
    Yearless(DateTime, Option<i32>),
}

/// How a time is spelt. The spellings that cannot be taken for anything else come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `2026-11-21T10:32:07.114+01:00` and its kin: RFC 3339, Python, log4j, nginx, Go.
    Iso,
    /// `20261121T103207Z`.
    Compact,
    /// `2026-W47-6T10:32:07Z`, `2026-325T10:32:07Z`.
    WeekOrDay,
    /// `21/Nov/2026:10:32:07 +0000`, `21 Nov 2026 10:32:07,114`, `Sat, 21 Nov 2026 10:32:07 GMT`.
    DayFirst,
    /// `Nov 21 10:32:07`, `Sat Nov 21 10:32:07.123 2026`.
    MonthFirst,
    /// `I1121 10:32:07.114`.
    Klog,
    /// `1795257127.114`: seconds, or milli-, micro-, nanoseconds by the number of digits.
    Epoch,
}

/// A time that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) written: Written,
    pub(crate) form: Form,
    /// The byte after it.
    pub(crate) end: usize,
}

/// The year under which a date without one is kept: it has every day that a year can have.
pub(super) const LEAP: i16 = 2000;

/// The instant that `bytes` begin with, where they say it without a reference.
pub(crate) fn instant(bytes: &[u8]) -> Option<i64> {
    match read(bytes, 0)?.written {
        Written::Epoch(nanos) => Some(nanos),
        Written::Civil(civil, Some(offset)) => super::at_offset(civil, offset),
        Written::Civil(_, None) | Written::Yearless(..) => None,
    }
}

/// The time that begins at `at`.
pub(crate) fn read(line: &[u8], at: usize) -> Option<Stamp> {
    let first = *line.get(at)?;
    if first.is_ascii_digit() {
        return match line.get(at + 4)? {
            b'-' | b'/' | b'.' if four(line, at).is_some() => year_first(line, at),
            _ => day_first(line, at).or_else(|| compact(line, at)).or_else(|| epoch(line, at)),
        };
    }
    if !begins(first) {
        return None;
    }
    klog(line, at).or_else(|| month_first(line, at)).or_else(|| {
        // `Sat, 21 Nov 2026`: the weekday says nothing that the date does not.
        let after = line.get(at..)?.strip_prefix(weekday(line.get(at..at + 3)?)?)?;
        let rest = after.strip_prefix(b",").unwrap_or(after).strip_prefix(b" ")?;
        let at = line.len() - rest.len();
        day_first(line, at).or_else(|| month_first(line, at))
    })
}

/// Whether a time can begin with `byte`.
pub(super) const fn begins(byte: u8) -> bool {
    byte.is_ascii_digit()
        || matches!(
            byte,
            b'J' | b'F' | b'M' | b'A' | b'S' | b'O' | b'N' | b'D' | b'T' | b'W' | b'I' | b'E'
        )
}

fn stamp(form: Form, date: Date, (time, end): (Clocktime, usize), line: &[u8]) -> Option<Stamp> {
    let (offset, end) = zone(line, end);
    let civil = time.on(date)?;
    Some(Stamp { written: Written::Civil(civil, offset), form, end })
}

/// Hours to nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Clocktime {
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
}

impl Clocktime {
    fn on(self, date: Date) -> Option<DateTime> {
        let Self { hour, minute, second, nanos } = self;
        let (second, nanos) = if second == 60 { (59, 999_999_999) } else { (second, nanos) };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(date.at(hour, minute, second, nanos))
    }
}

/// `10:32:07.114`, `10:32:07,114`, `10:32`, `9:32:07 PM`.
fn clocktime(line: &[u8], at: usize) -> Option<(Clocktime, usize)> {
    let Number { value: hour, digits } = number(line, at, 2);
    let at = (at + digits).checked_sub(2)?;
    if digits == 0 || line.get(at + 2) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (hour as i8, two(line, at + 3)?);
    let (second, end) = match line.get(at + 5) {
        Some(b':') => (two(line, at + 6)?, at + 8),
        _ => (0, at + 5),
    };
    let (nanos, end) = if end == at + 8 { fraction(line, end) } else { (0, end) };
    if line.get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (hour, end) = match half(line, end) {
        None => (hour, end),
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(later) => (hour % 12 + later, end + b" PM".len()),
    };
    Some((Clocktime { hour, minute, second, nanos }, end))
}

/// What ` AM` or ` PM` adds to the hours.
fn half(line: &[u8], at: usize) -> Option<i8> {
    let later = match line.get(at..at + 3)? {
        b" AM" | b" am" => 0,
        b" PM" | b" pm" => 12,
        _ => return None,
    };
    (!line.get(at + 3).is_some_and(u8::is_ascii_alphanumeric)).then_some(later)
}

/// Nanoseconds of `.114` or `,114`; beyond nine digits they are passed over.
fn fraction(line: &[u8], at: usize) -> (i32, usize) {
    if !matches!(line.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let Number { value, digits } = number(line, at + 1, 9);
    if digits == 0 {
        return (0, at);
    }
    let more = line.get(at + 1 + digits..).unwrap_or_default();
    let more = more.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let scale = 10_i32.pow(9 - digits as u32);
    (value as i32 * scale, at + 1 + digits + more)
}

/// Dates that begin with their year and have something between its parts.
fn year_first(line: &[u8], at: usize) -> Option<Stamp> {
    let year = four(line, at)?;
    let divider = *line.get(at + 4)?;
    if divider == b'-' && line.get(at + 5) == Some(&b'W') {
        let week = two(line, at + 6)?;
        let day = match (line.get(at + 8)?, number(line, at + 9, 1)) {
            (b'-', Number { value, digits: 1 }) => {
                Weekday::from_monday_one_offset(value as i8).ok()?
            }
            _ => return None,
        };
        let date = ISOWeekDate::new(year, week, day).ok()?.date();
        return stamp(Form::WeekOrDay, date, time_after_date(line, at + 10)?, line);
    }
    if let Some(day) = three(line, at + 5)
        && divider == b'-'
        && line.get(at + 8) == Some(&b'T')
    {
        let date = Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok()?;
        return stamp(Form::WeekOrDay, date, clocktime(line, at + 9)?, line);
    }
    if line.get(at + 7) != Some(&divider) {
        return None;
    }
    let date = date(year, two(line, at + 5)?, two(line, at + 8)?)?;
    stamp(Form::Iso, date, time_after_date(line, at + 10)?, line)
}

fn time_after_date(line: &[u8], at: usize) -> Option<(Clocktime, usize)> {
    match line.get(at)? {
        b'T' | b't' | b' ' | b'_' | b'-' | b':' => match line.get(at + 1)? {
            b' ' => clocktime(line, at + 2),
            _ => clocktime(line, at + 1),
        },
        _ => None,
    }
}

/// `20261121T103207`, with a blank or nothing for the `T`, and a fraction.
fn compact(line: &[u8], at: usize) -> Option<Stamp> {
    let date = date(four(line, at)?, two(line, at + 4)?, two(line, at + 6)?)?;
    if !matches!(line.get(at + 8)?, b'T' | b't' | b' ' | b'-' | b'_') {
        return None;
    }
    if let Some(time) = clocktime(line, at + 9) {
        return stamp(Form::Compact, date, time, line);
    }
    let (hour, minute, second) = (two(line, at + 9)?, two(line, at + 11)?, two(line, at + 13)?);
    let (nanos, end) = fraction(line, at + 15);
    if line.get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    stamp(Form::Compact, date, (Clocktime { hour, minute, second, nanos }, end), line)
}

/// `21/Nov/2026:10:32:07`, `21 Nov 2026 10:32:07`, `21-Nov-2026 10:32:07`.
fn day_first(line: &[u8], at: usize) -> Option<Stamp> {
    let Number { value: day, digits } = number(line, at, 2);
    let at = at + digits;
    let divider = *line.get(at)?;
    if digits == 0 || !matches!(divider, b'/' | b' ' | b'-') || line.get(at + 4) != Some(&divider) {
        return None;
    }
    let date = date(four(line, at + 5)?, month(line, at + 1)?, day as i8)?;
    stamp(Form::DayFirst, date, time_after_date(line, at + 9)?, line)
}

/// `Nov 21 10:32:07`, `Nov  1 2026 10:32:07`, `Nov 21, 2026 9:32:07 PM`, `Nov 21 10:32:07 CET 2026`.
fn month_first(line: &[u8], at: usize) -> Option<Stamp> {
    let month = month(line, at)?;
    if line.get(at + 3) != Some(&b' ') {
        return None;
    }
    let at = if line.get(at + 4) == Some(&b' ') { at + 5 } else { at + 4 };
    let Number { value: day, digits } = number(line, at, 2);
    let comma = usize::from(line.get(at + digits) == Some(&b','));
    let at = at + digits + comma + 1;
    if digits == 0 || line.get(at - 1) != Some(&b' ') {
        return None;
    }
    if let Some(year) = four(line, at) {
        let date = date(year, month, day as i8)?;
        return stamp(Form::MonthFirst, date, time_after_date(line, at + 4)?, line);
    }
    let (time, end) = clocktime(line, at)?;
    let (mut offset, mut end) = zone(line, end);
    // With its year at the end, as ctime and Apache have it; or `: ` behind it, as Cisco has it.
    if line.get(end) == Some(&b' ')
        && let Some(year) = four(line, end + 1)
        && !line.get(end + 5).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.')
        && (1970..2200).contains(&year)
    {
        end += 5;
        if offset.is_none() {
            (offset, end) = zone(line, end);
        }
        let civil = time.on(date(year, month, day as i8)?)?;
        return Some(Stamp { written: Written::Civil(civil, offset), form: Form::MonthFirst, end });
    }
    let civil = time.on(date(LEAP, month, day as i8)?)?;
    Some(Stamp { written: Written::Yearless(civil, offset), form: Form::MonthFirst, end })
}

/// `I1121 10:32:07.114`, and with a year `I20261121 10:32:07.114`.
fn klog(line: &[u8], at: usize) -> Option<Stamp> {
    if !matches!(line.get(at)?, b'I' | b'W' | b'E' | b'F') {
        return None;
    }
    let Number { digits, .. } = number(line, at + 1, 9);
    if line.get(at + 1 + digits) != Some(&b' ') {
        return None;
    }
    let time = || clocktime(line, at + 2 + digits);
    match digits {
        4 => {
            let date = date(LEAP, two(line, at + 1)?, two(line, at + 3)?)?;
            let (time, end) = time()?;
            let written = Written::Yearless(time.on(date)?, None);
            Some(Stamp { written, form: Form::Klog, end })
        }
        8 => {
            let date = date(four(line, at + 1)?, two(line, at + 5)?, two(line, at + 7)?)?;
            let (time, end) = time()?;
            Some(Stamp { written: Written::Civil(time.on(date)?, None), form: Form::Klog, end })
        }
        _ => None,
    }
}

/// Ten digits are seconds of the years 2001 to 2286, thirteen milliseconds, and so on. Only
/// seconds have a fraction in any log; whatever else has one is taken at its word.
fn epoch(line: &[u8], at: usize) -> Option<Stamp> {
    let Number { value, digits } = number(line, at, 19);
    let scale = match digits {
        10 => 1_000_000_000,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    let whole = i64::try_from(value).ok()?.checked_mul(scale)?;
    let (nanos, end) = match line.get(at + digits) {
        Some(b'.') => fraction(line, at + digits),
        _ => (0, at + digits),
    };
    if line.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return None;
    }
    let nanos = whole.checked_add(i64::from(nanos) / (1_000_000_000 / scale))?;
    Some(Stamp { written: Written::Epoch(nanos), form: Form::Epoch, end })
}

fn date(year: i16, month: i8, day: i8) -> Option<Date> {
    // Making an error costs more than asking first.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1 {
        return None;
    }
    Date::new(year, month, day).ok()
}

fn month(line: &[u8], at: usize) -> Option<i8> {
    Some(match line.get(at..at + 3)? {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

fn weekday(name: &[u8]) -> Option<&[u8]> {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    DAYS.contains(&name).then_some(name)
}
