//! How grave a line says it is: by a field, or by a word in the usual places near its start.
//!
//! An object says it in a field (`"level":"info"`, the numbers of pino, syslog, OpenTelemetry,
//! Monolog), which wins over whatever its text says. Of other lines the first [`WORDS`] bytes are
//! looked at and the first hit is taken: an upper-case word standing alone, a word of any case
//! where levels stand (`[error]`, `level=warn`, `error:` at the start), klog's `E1121 `, syslog's
//! `<3>`. What a container runtime wrapped around the line is taken off first.
//!
//! Parses no format: a wrong guess colours a line, and nothing more.

mod field;

use std::borrow::Cow;

use memchr::memchr;
use tailwater_protocol::Level;

use crate::ansi;
use crate::unwrap;

/// Bytes of a line that are looked at.
pub const REACH: usize = 1024;

/// Bytes of its text among which a word is looked for.
pub const WORDS: usize = 256;

/// The level of a line, from its first bytes; those past [`REACH`] are not looked at.
pub fn level(line: &[u8]) -> Level {
    let head = line.get(..REACH).unwrap_or(line);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match unwrap::text_of_head(head, 2 * WORDS) {
        Some(text) => of_text(&text),
        None => of_text(head),
    }
}

fn of_text(text: &[u8]) -> Level {
    if text.first() == Some(&b'{')
        && let Some(level) = field::level(text)
    {
        return level;
    }
    let head = text.get(..WORDS).unwrap_or(text);
    let plain = match memchr(0x1b, head) {
        // Coloured: the letter that ends `ESC [ 31 m` would stand before the word.
        Some(_) => Cow::Owned(ansi::strip(head)),
        None => Cow::Borrowed(head),
    };
    at_start(&plain).unwrap_or_else(|| by_word(&plain))
}

/// klog's and syslog's levels, which are no words.
fn at_start(line: &[u8]) -> Option<Level> {
    match line {
        [b'<', rest @ ..] => {
            let end = memchr(b'>', rest.get(..4).unwrap_or(rest))?;
            let priority = number(rest.get(..end)?)?;
            (priority <= 191).then(|| field::by_number(priority & 7))
        }
        [letter, a, b, c, d, b' ', hour, ..]
            if [a, b, c, d, hour].iter().all(|byte| byte.is_ascii_digit()) =>
        {
            match letter {
                b'I' => Some(Level::Info),
                b'W' => Some(Level::Warn),
                b'E' => Some(Level::Error),
                b'F' => Some(Level::Fatal),
                _ => None,
            }
        }
        _ => None,
    }
}

fn by_word(line: &[u8]) -> Level {
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        if !of_word(byte) {
            at += 1;
            continue;
        }
        let start = at;
        while line.get(at).is_some_and(|&byte| of_word(byte)) {
            at += 1;
        }
        // Most words begin with another letter than any level, or are of another length.
        if fits_level(byte, at - start) {
            let found = Word { line, start, end: at }.level();
            if found != Level::None {
                return found;
            }
        }
    }
    Level::None
}

/// Letters, digits, and what joins them to names and paths. Bytes of multi-byte characters too:
/// a level does not stand inside a word of another script.
const fn of_word(byte: u8) -> bool {
    OF_WORD[byte as usize]
}

static OF_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'/' | b'\\' | b'.' | b'-' | b'%' | b'$' | b'@')
            || b >= 0x80;
        byte += 1;
    }
    table
};

/// Whether a level can begin with `first` and have that many bytes, a full stop included.
const fn fits_level(first: u8, length: usize) -> bool {
    length < 16 && LENGTHS[first as usize] >> length & 1 != 0
}

/// For every first letter the lengths of the levels that [`named`] knows, as a set of bits, and of
/// `level` itself.
static LENGTHS: [u16; 256] = {
    const fn of(lengths: &[u32]) -> u16 {
        let mut bits = 0;
        let mut at = 0;
        while at < lengths.len() {
            bits |= 0b11 << lengths[at];
            at += 1;
        }
        bits
    }
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match (byte as u8).to_ascii_lowercase() {
            b'a' | b'l' | b'p' => of(&[5]),
            b'c' => of(&[4, 8]),
            b'd' => of(&[3, 5]),
            b'e' => of(&[3, 5, 9]),
            b'f' => of(&[3, 4, 5, 6]),
            b'i' => of(&[3, 4, 11, 13]),
            b'n' | b's' => of(&[6]),
            b't' => of(&[3, 5]),
            b'v' => of(&[3, 7]),
            b'w' => of(&[3, 4, 7]),
            _ => 0,
        };
        byte += 1;
    }
    table
};

struct Word<'a> {
    line: &'a [u8],
    start: usize,
    end: usize,
}

impl Word<'_> {
    fn level(&self) -> Level {
        let word = self.line.get(self.start..self.end).unwrap_or_default();
        // A sentence may end with a level: `is this an ERROR.`
        let word = word.strip_suffix(b".").unwrap_or(word);
        let level = named(word);
        if level == Level::None {
            return self.numbered(word);
        }
        let upper = word.iter().all(u8::is_ascii_uppercase);
        // `ERROR=0` counts errors, and is none.
        let alone = upper && self.after(0) != Some(b'=');
        if alone || self.stands_where_levels_do() { level } else { Level::None }
    }

    /// `"level":30`, as pino and bunyan write it.
    fn numbered(&self, word: &[u8]) -> Level {
        if !word.eq_ignore_ascii_case(b"level") || self.before(0) != Some(b'"') {
            return Level::None;
        }
        let rest = self.line.get(self.end..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix(b"\":") else { return Level::None };
        let rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if rest.get(digits).is_some_and(|&byte| of_word(byte)) {
            return Level::None;
        }
        let number = rest.get(..digits).and_then(number);
        number.map_or(Level::None, field::by_number)
    }

    fn stands_where_levels_do(&self) -> bool {
        match (self.before(0), self.after(0)) {
            // `[error]`, and `[php:error]`.
            (Some(b'[' | b':'), Some(b']'))
            | (Some(b'<'), Some(b'>'))
            | (Some(b'('), Some(b')'))
            | (Some(b'|'), Some(b'|')) => true,
            (None, Some(b':' | b'[')) => true,
            _ => self.is_value_of_level(),
        }
    }

    /// Whether a key such as `level=` or `"severity": "` stands before it.
    fn is_value_of_level(&self) -> bool {
        let before = self.line.get(..self.start).unwrap_or_default();
        let unquoted = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'"));
        let before = unquoted.unwrap_or(before).trim_ascii_end();
        let Some((b'=' | b':', key)) = before.split_last() else { return false };
        let key = key.trim_ascii_end();
        let key = key.strip_suffix(b"\"").or_else(|| key.strip_suffix(b"'")).unwrap_or(key);
        const KEYS: [&[u8]; 6] =
            [b"level", b"lvl", b"severity", b"levelname", b"priority", b"severity_text"];
        KEYS.iter().any(|name| {
            let at = key.len().checked_sub(name.len());
            at.and_then(|at| key.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(name))
        })
    }

    fn before(&self, distance: usize) -> Option<u8> {
        self.line.get(self.start.checked_sub(distance + 1)?).copied()
    }

    fn after(&self, distance: usize) -> Option<u8> {
        self.line.get(self.end + distance).copied()
    }
}

/// The level that a word of any case names.
fn named(word: &[u8]) -> Level {
    let mut upper = [0; LONGEST];
    let Some(upper) = upper.get_mut(..word.len()) else { return Level::None };
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    match &*upper {
        b"TRACE" | b"TRC" | b"VERBOSE" | b"VRB" | b"FINER" | b"FINEST" => Level::Trace,
        b"DEBUG" | b"DBG" | b"FINE" => Level::Debug,
        b"INFO" | b"INF" | b"NOTICE" | b"INFORMATION" | b"INFORMATIONAL" => Level::Info,
        b"WARN" | b"WARNING" | b"WRN" => Level::Warn,
        b"ERROR" | b"ERR" | b"SEVERE" => Level::Error,
        b"FATAL" | b"FTL" | b"CRITICAL" | b"CRIT" | b"ALERT" | b"EMERG" | b"EMERGENCY"
        | b"PANIC" => Level::Fatal,
        _ => Level::None,
    }
}

/// Bytes of `INFORMATIONAL`.
const LONGEST: usize = 13;

/// Up to three digits as a number.
fn number(digits: &[u8]) -> Option<u32> {
    if !(1..=3).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, &digit| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Level::{Debug, Error, Fatal, Info, None, Trace, Warn};
    use proptest::prelude::*;

    #[test]
    fn levels_are_found_where_they_stand() {
        let cases = [
            ("2026-11-21T10:32:07.120Z ERROR upstream timeout", Error),
            ("10:32:07,114 INFO  GET /cart 200 12ms", Info),
            ("2026/11/21 10:32:07 [error] 31#31: *1 open() failed", Error),
            ("[Sat Nov 21 10:32:07 2026] [php:warn] [pid 7] x", Warn),
            ("time=\"2026-11-21\" level=warning msg=\"slow\"", Warn),
            (r#"{"ts":1,"level":"error","msg":"no INFO here"}"#, Error),
            (r#"{"severity": "CRITICAL", "a": 1}"#, Fatal),
            (r#"{"level":50,"time":1}"#, Error),
            (r#"{"@level" : 'debug'}"#, Debug),
            ("E1121 10:32:07.114 7 main.go:12] x", Error),
            ("W1121 10:32:07.114 7 main.go:12] ERROR", Warn),
            ("<3>kernel: oops", Error),
            ("<0>kernel: dead", Fatal),
            ("<191>local7: chatter", Debug),
            ("<999>ERROR not a priority", Error),
            ("error: could not compile `x`", Error),
            ("error[E0425]: cannot find value", Error),
            ("warning: unused variable", Warn),
            ("\x1b[31mERROR\x1b[0m red", Error),
            ("\x1b[1m\x1b[33mwarning\x1b[0m: unused", Warn),
            ("TRACE x", Trace),
            ("10:32AM INF started", Info),
            ("[10:32:07 WRN] slow", Warn),
            ("SEVERE: failed", Error),
            ("[emergency] x", Fatal),
            ("level=information", Info),
            ("an ERROR.", Error),
            // A field wins over the text, and stands anywhere.
            (r#"{"msg":"ERROR handled","level":"info"}"#, Info),
            (r#"{"msg":"ERROR handled","a":{"level":"fatal"},"LogLevel":"Information"}"#, Info),
            (r#"{"log.level":"WARN","msg":"x"}"#, Warn),
            (r#"{"@t":"2026","@l":"Error"}"#, Error),
            (r#"{"severity_text":"x","severityNumber":17}"#, Error),
            (r#"{"level":3,"short_message":"gelf"}"#, Error),
            (r#"{"level":400,"level_name":"ERROR"}"#, Error),
            (r#"{"levelno":40,"msg":"python"}"#, Error),
            (r#"{"PRIORITY" : "4", "MESSAGE" : "journal"}"#, Warn),
            (r#"{"level":"E"}"#, Error),
            // A name given twice means the last, and that of a field within is another.
            (r#"{"level":"info","a":{"level":"warn"},"level":"error","lvl":"debug"}"#, Error),
            (r#"{"level":"info","msg":"level","lvl":"error"}"#, Info),
            (r#"{"level":"audit","msg":"ERROR"}"#, Error),
            (r#"{"level":1e999,"msg":"x"}"#, None),
            (r#"{"level":"fat"#, None),
            (r#"app: {"level":50}"#, Error),
            // Wrapped.
            ("2026-11-21T10:32:07.114Z stderr F {\"level\":\"warn\"}", Warn),
            ("2026-11-21T10:32:07.114Z stdout F E1121 10:32:07.114 7 x.go:1] x", Error),
            (
                r#"{"log":"{\"level\":\"error\"}\n","stream":"stdout","time":"2026-11-21T10:32:07Z"}"#,
                Error,
            ),
            (r#"{"log":"\u001b[31mERROR\u001b[0m x\n","stream":"stdout","time":"2026"}"#, Error),
            (r#"{"log":"<3>x\n","stream":"stdout","time":"2026"}"#, Error),
            ("a|FATAL|b", Fatal),
            ("2026 - NOTICE - started", Info),
            ("(err) x", Error),
            ("panicked, PANIC!", Fatal),
            ("ERROR", Error),
            ("", None),
            // Words and paths that only contain one, and words in a sentence.
            ("GET /var/log/ERROR/x", None),
            ("ERRORS seen: 0", None),
            ("net::ERR_CONNECTION_RESET", None),
            ("an error occurred", None),
            ("no-ERROR-here", None),
            ("ERROR=0 WARN=0", None),
            ("file ERROR.txt", None),
            ("sublevel: nothing", None),
            ("éERROR", None),
            ("E1121x 10:32", None),
        ];
        for (line, expected) in cases {
            assert_eq!(level(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn what_stands_far_behind_is_not_looked_at() {
        let far = format!("{} ERROR", "x ".repeat(200));
        assert_eq!(level(far.as_bytes()), None);
        let field =
            |before: usize| format!(r#"{{"msg":"{}","level":"error"}}"#, "x".repeat(before));
        assert_eq!(level(field(900).as_bytes()), Error);
        assert_eq!(level(field(1100).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(line in prop::collection::vec(any::<u8>(), 0..400)) {
            let _any = level(&line);
        }

        #[test]
        fn a_level_in_a_plain_sentence_is_found(before in "[a-z0-9 :,]{0,60}", after in "[a-z ]{0,60}") {
            prop_assert_eq!(level(format!("2026 {before} WARN {after}").as_bytes()), Warn);
        }
    }
}
