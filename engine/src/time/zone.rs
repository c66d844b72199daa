//! What a time says of its zone: an offset, or one of the abbreviations that mean one thing.
//!
//! Refuses those that do not (`IST`, `BST`, `CST` outside of mail): a time with such a one is taken
//! as one without a zone.

use super::digits::two;

/// The seconds east of Greenwich that stand at `at`, and the byte after them; `at` if none do.
pub(super) fn zone(line: &[u8], at: usize) -> (Option<i32>, usize) {
    let found = match line.get(at) {
        Some(b'Z' | b'z') => ends(line, at + 1).then_some((0, at + 1)),
        Some(b'+' | b'-' | 0xe2) => offset(line, at, Spelling::Any),
        // After a blank, a number may be anything.
        Some(b' ') => match line.get(at + 1) {
            Some(b'+' | b'-' | 0xe2) => offset(line, at + 1, Spelling::Whole),
            Some(b'A'..=b'Z') => named(line, at + 1),
            _ => None,
        },
        Some(b'A'..=b'Z') => named(line, at),
        _ => None,
    };
    match found {
        Some((seconds, end)) => (Some(seconds), end),
        None => (None, at),
    }
}

/// How much of an offset must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// `+1`, `+01`, and all below.
    Any,
    /// `+0100`, `+01:00`.
    Whole,
}

fn offset(line: &[u8], at: usize, spelling: Spelling) -> Option<(i32, usize)> {
    let (sign, at) = match line.get(at..)? {
        [b'+', ..] => (1, at + 1),
        [b'-', ..] => (-1, at + 1),
        // The minus sign proper, which ISO 8601 prefers.
        [0xe2, 0x88, 0x92, ..] => (-1, at + 3),
        _ => return None,
    };
    let (hours, at) = match two(line, at) {
        Some(hours) => (hours, at + 2),
        None if spelling == Spelling::Any => {
            let digit = line.get(at).filter(|byte| byte.is_ascii_digit())?;
            ((digit - b'0') as i8, at + 1)
        }
        None => return None,
    };
    let colon = usize::from(line.get(at) == Some(&b':'));
    let (minutes, end) = match two(line, at + colon) {
        Some(minutes) => (minutes, at + colon + 2),
        None if spelling == Spelling::Any => (0, at),
        None => return None,
    };
    if hours > 18 || minutes > 59 || !ends(line, end) {
        return None;
    }
    Some((sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60), end))
}

fn named(line: &[u8], at: usize) -> Option<(i32, usize)> {
    let rest = line.get(at..)?;
    let length = rest.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    let end = at + length;
    if !ends(line, end) {
        return None;
    }
    let hours = match rest.get(..length)? {
        b"Z" => 0,
        b"UTC" | b"GMT" => {
            // `GMT+01:00` means an hour east.
            return Some(offset(line, end, Spelling::Any).unwrap_or((0, end)));
        }
        b"WET" => 0,
        b"CET" | b"WEST" => 1,
        b"CEST" | b"EET" => 2,
        b"EEST" | b"MSK" => 3,
        b"JST" | b"KST" => 9,
        b"AEST" => 10,
        b"AEDT" => 11,
        b"NZST" => 12,
        b"NZDT" => 13,
        b"EDT" => -4,
        b"EST" | b"CDT" => -5,
        b"MDT" => -6,
        b"MST" | b"PDT" => -7,
        b"PST" => -8,
        _ => return None,
    };
    Some((hours * 3600, end))
}

/// Whether nothing before `at` goes on there.
fn ends(line: &[u8], at: usize) -> bool {
    !line.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
