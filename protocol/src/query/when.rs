//! Times as a query writes them: a while ago, a date, a time of the day.
//!
//! A time names a stretch: `10:30` a minute, `2026-11-21` a day. `since` takes what begins with
//! the stretch and `until` what ends with it. Has no clock: who resolves a time brings the hour
//! and the zone.

use std::fmt;
use std::ops::Range;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLI;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So many nanoseconds ago.
    Ago(u64),
    /// A date, perhaps with a time of that day, perhaps with a zone.
    On(Date, Option<TimeOfDay>, Option<Zone>),
    /// The last time that it was so late.
    Clock(TimeOfDay),
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A time of the day, and how long a stretch it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Nanoseconds since midnight.
    nanos: u64,
    /// Digits behind the second; `None` when not even the second is named.
    digits: Option<u8>,
}

/// Minutes east of Greenwich.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub i16);

/// The time at which a query is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds since 1970.
    pub nanos: i64,
    /// What is meant where no zone is named.
    pub zone: Zone,
}

impl When {
    /// Reads all of `text`.
    pub fn parse(text: &str) -> Option<Self> {
        ago(text).map(Self::Ago).or_else(|| clock(text).map(Self::Clock)).or_else(|| on(text))
    }

    /// The stretch of time that is meant, in nanoseconds since 1970.
    pub fn span(&self, now: Now) -> Range<i64> {
        let here = |zone: Option<Zone>| i128::from(zone.unwrap_or(now.zone).0) * i128::from(MINUTE);
        let (start, length) = match *self {
            Self::Ago(nanos) => (i128::from(now.nanos) - i128::from(nanos), 1),
            Self::On(date, time, zone) => {
                let (nanos, length) = time.map_or((0, DAY), |time| (time.nanos, time.length()));
                (i128::from(date.days()) * i128::from(DAY) + i128::from(nanos) - here(zone), length)
            }
            Self::Clock(time) => {
                let day = i128::from(DAY);
                let today = (i128::from(now.nanos) + here(None)).div_euclid(day) * day - here(None);
                let start = today + i128::from(time.nanos);
                (if start > i128::from(now.nanos) { start - day } else { start }, time.length())
            }
        };
        let fit = |nanos: i128| nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        fit(start)..fit(start + i128::from(length))
    }
}

impl Date {
    /// That day, if there is one.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=days).contains(&day) && year <= 9999).then_some(Self { year, month, day })
    }

    /// Days since 1970-01-01.
    fn days(self) -> i64 {
        // A year that begins in March has its leap day last; 400 of them have 146,097 days.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }
}

impl TimeOfDay {
    fn length(self) -> u64 {
        match self.digits {
            None => MINUTE,
            Some(digits) => SECOND / 10_u64.pow(u32::from(digits.min(9))),
        }
    }
}

/// `-15m`, `1h30m`; the sign may be left out.
fn ago(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    let mut sum = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, behind) = digits(rest, 1..=12)?;
        let end = behind.find(|char: char| !char.is_ascii_lowercase()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at_checked(end)?;
        let length = match unit {
            "ms" => MILLI,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            "w" => 7 * DAY,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(length)?)?;
        rest = next;
    }
    Some(sum)
}

/// `10:30`, `10:30:15`, `10:30:15.250`.
fn clock(text: &str) -> Option<TimeOfDay> {
    match time(text)? {
        (time, "") => Some(time),
        _ => None,
    }
}

/// `2026-11-21`, with `T` or a space a time, with that a zone.
fn on(text: &str) -> Option<When> {
    let (year, rest) = digits(text, 4..=4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2..=2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2..=2)?;
    let date = Date::new(year as u16, month as u8, day as u8)?;
    if rest.is_empty() {
        return Some(When::On(date, None, None));
    }
    let (time, rest) = time(rest.strip_prefix(['T', 't', ' '])?)?;
    let zone = if rest.is_empty() { None } else { Some(zone(rest)?) };
    Some(When::On(date, Some(time), zone))
}

/// A time of the day, and what follows it.
fn time(text: &str) -> Option<(TimeOfDay, &str)> {
    let (hour, rest) = digits(text, 1..=2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2..=2)?;
    if hour > 23 || minute > 59 {
        return None;
    }
    let nanos = hour * HOUR + minute * MINUTE;
    let Some(rest) = rest.strip_prefix(':') else {
        return Some((TimeOfDay { nanos, digits: None }, rest));
    };
    // A leap second is taken for the one before it.
    let (second, rest) = digits(rest, 2..=2)?;
    if second > 60 {
        return None;
    }
    let nanos = nanos + second.min(59) * SECOND;
    let Some(fraction) = rest.strip_prefix(['.', ',']) else {
        return Some((TimeOfDay { nanos, digits: Some(0) }, rest));
    };
    let (value, rest) = digits(fraction, 1..=9)?;
    let count = fraction.len() - rest.len();
    let nanos = nanos + value * 10_u64.pow(9 - count as u32);
    Some((TimeOfDay { nanos, digits: Some(count as u8) }, rest))
}

/// `Z`, `+02:00`, `-0530`.
fn zone(text: &str) -> Option<Zone> {
    if matches!(text, "Z" | "z") {
        return Some(Zone(0));
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = digits(rest, 2..=2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = digits(rest, 2..=2)?;
    let fits = rest.is_empty() && hours < 24 && minutes < 60;
    fits.then_some(Zone(sign * (hours * 60 + minutes) as i16))
}

/// So many digits, as a number, and what follows them.
fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<(u64, &str)> {
    let found = text.bytes().take_while(u8::is_ascii_digit).count();
    if !count.contains(&found) {
        return None;
    }
    let (digits, rest) = text.split_at_checked(found)?;
    Some((digits.parse().ok()?, rest))
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Ago(nanos) => {
                const UNITS: [(u64, &str); 5] =
                    [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (MILLI, "ms")];
                let whole = |&(unit, _): &(u64, &str)| nanos.is_multiple_of(unit) && nanos > 0;
                let (unit, name) = UNITS.into_iter().find(whole).unwrap_or((MILLI, "ms"));
                write!(f, "-{}{name}", nanos / unit)
            }
            Self::On(date, time, zone) => {
                write!(f, "{:04}-{:02}-{:02}", date.year, date.month, date.day)?;
                time.map_or(Ok(()), |time| write!(f, "T{time}"))?;
                match zone {
                    None => Ok(()),
                    Some(Zone(0)) => f.write_str("Z"),
                    Some(Zone(minutes)) => {
                        let sign = if minutes < 0 { '-' } else { '+' };
                        let minutes = minutes.unsigned_abs();
                        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                    }
                }
            }
            Self::Clock(time) => write!(f, "{time}"),
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute) = (self.nanos / HOUR, self.nanos % HOUR / MINUTE);
        write!(f, "{hour:02}:{minute:02}")?;
        let Some(digits) = self.digits else { return Ok(()) };
        let (second, nanos) = (self.nanos % MINUTE / SECOND, self.nanos % SECOND);
        write!(f, ":{second:02}")?;
        let digits = usize::from(digits.min(9));
        if digits == 0 {
            return Ok(());
        }
        write!(f, ".{:0digits$}", nanos / 10_u64.pow(9 - digits as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-21T11:00:00 in a zone two hours east.
    const NOW: Now = Now { nanos: 1_795_251_600 * SECOND as i64, zone: Zone(120) };

    fn span(text: &str) -> (i64, i64) {
        let span = When::parse(text).expect("a time").span(NOW);
        let seconds = |nanos: i64| nanos / SECOND as i64 - 1_795_251_600;
        (seconds(span.start), seconds(span.end))
    }

    #[test]
    fn a_time_is_the_stretch_that_it_names() {
        assert_eq!(span("-15m").0, -900);
        assert_eq!(span("1h30m").0, -5400);
        assert_eq!(span("2026-11-21"), (-11 * 3600, 13 * 3600));
        assert_eq!(span("2026-11-21T10:30"), (-1800, -1740));
        assert_eq!(span("2026-11-21 10:30:00"), (-1800, -1799));
        assert_eq!(span("2026-11-21T10:30:00Z"), (5400, 5401));
        assert_eq!(span("2026-11-21T10:30:00-05:30"), (5400 + 19_800, 5401 + 19_800));
        assert_eq!(span("10:30"), (-1800, -1740));
        // Not yet: it was yesterday.
        assert_eq!(span("11:30"), (1800 - 86_400, 1860 - 86_400));
    }

    #[test]
    fn the_calendar_is_that_of_the_world() {
        let days = |year, month, day| Date::new(year, month, day).map(Date::days);
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(2026, 11, 21), Some(20_778));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!((days(1900, 2, 29), days(2026, 4, 31), days(2026, 13, 1)), (None, None, None));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "-",
            "15",
            "15x",
            "24:00",
            "1:5",
            "10:30x",
            "2026-11",
            "2026-11-21T",
            "2026-11-21Z",
            "2026-11-21T10:30+2",
            "99999999999999w",
            "2026-1-1",
        ] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_as_it_was_printed(
            text in "-?[0-9]{1,4}(ms|s|m|h|d|w)|[0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?|[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](Z|[+-][01][0-9]:[0-5][0-9])?)?|\\PC{0,20}",
            now: i64,
        ) {
            if let Some(when) = When::parse(&text) {
                prop_assert_eq!(When::parse(&when.to_string()), Some(when));
                let span = when.span(Now { nanos: now, zone: Zone(60) });
                prop_assert!(span.start <= span.end);
            }
        }
    }
}
