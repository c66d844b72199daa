//! The level that a field of an object gives, as a word or as a number.
//!
//! Looks at the members of the object itself, not of objects within it.

use memchr::memmem;
use tailwater_protocol::Level;

use super::{named, number};
use crate::fields::json::{self, Value};

/// By the first field that has a level; of several of its name by the last, as fields are found.
/// `None` when none does.
pub(super) fn level(object: &[u8]) -> Option<Level> {
    let (name, level) = levels(object).next()?;
    // Hardly ever is a name given twice, and to walk on through each line would cost as much again.
    if memmem::find_iter(object, name).nth(1).is_none() {
        return Some(level);
    }
    levels(object).filter(|&(other, _)| other == name).last().map(|(_, level)| level)
}

/// The fields that have one.
fn levels(object: &[u8]) -> impl Iterator<Item = (&[u8], Level)> {
    json::wanted(object, |name, value| {
        let scale = scale(name)?;
        let level = match value()? {
            Value::Text(word) => by_word(word, scale),
            Value::Raw(digits) => number(digits).map_or(Level::None, scale),
            Value::Escaped(_) => Level::None,
        };
        (level != Level::None).then_some((name, level))
    })
}

/// How the numbers of the field `name` are meant. `None` when it holds no level.
fn scale(name: &[u8]) -> Option<fn(u32) -> Level> {
    // Most fields are told by their first letter.
    if !matches!(name.first()?, b'l' | b'L' | b's' | b'S' | b'p' | b'P' | b'@') {
        return None;
    }
    const NAMES: [&[u8]; 13] = [
        b"level",
        b"lvl",
        b"severity",
        b"loglevel",
        b"log_level",
        b"log.level",
        b"levelname",
        b"level_name",
        b"@l",
        b"@level",
        b"priority",
        b"severity_text",
        b"severitytext",
    ];
    let is = |other: &&[u8]| name.eq_ignore_ascii_case(other);
    if NAMES.iter().any(is) {
        return Some(by_number);
    }
    if is(&b"severitynumber".as_slice()) || is(&b"severity_number".as_slice()) {
        return Some(by_opentelemetry);
    }
    is(&b"levelno".as_slice()).then_some(by_python)
}

fn by_word(word: &[u8], scale: fn(u32) -> Level) -> Level {
    match word {
        [letter] => match letter.to_ascii_uppercase() {
            b'T' | b'V' => Level::Trace,
            b'D' => Level::Debug,
            b'I' | b'N' => Level::Info,
            b'W' => Level::Warn,
            b'E' => Level::Error,
            b'F' | b'C' | b'A' => Level::Fatal,
            _ => number(word).map_or(Level::None, scale),
        },
        [digit, ..] if digit.is_ascii_digit() => number(word).map_or(Level::None, scale),
        _ => named(word.trim_ascii()),
    }
}

/// The severities of syslog, the levels of pino and bunyan, those of Monolog: no two of them have
/// a number in common.
pub(super) fn by_number(number: u32) -> Level {
    match number {
        0..=2 | 60 | 500..=600 => Level::Fatal,
        3 | 50 | 400 => Level::Error,
        4 | 40 | 300 => Level::Warn,
        5 | 6 | 30 | 200 | 250 => Level::Info,
        7 | 20 | 100 => Level::Debug,
        10 => Level::Trace,
        _ => Level::None,
    }
}

fn by_opentelemetry(number: u32) -> Level {
    match number {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warn,
        17..=20 => Level::Error,
        21..=24 => Level::Fatal,
        _ => Level::None,
    }
}

fn by_python(number: u32) -> Level {
    match number {
        1..=9 => Level::Trace,
        10..=19 => Level::Debug,
        20..=29 => Level::Info,
        30..=39 => Level::Warn,
        40..=49 => Level::Error,
        50.. => Level::Fatal,
        _ => Level::None,
    }
}
