//! One syslog message as one line.
//!
//! The form of before (RFC 3164) and the new one (RFC 5424) begin with a priority, which no line
//! needs to be read with and every filter wants: it becomes the facility and the severity in front of
//! the rest, which stays as it came. What has no priority is kept whole and marked, since a sender that
//! errs is the one whose lines somebody looks for.

/// Severities by their number, in the words by which levels are recognised.
const SEVERITIES: [&str; 8] =
    ["EMERG", "ALERT", "CRIT", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];

/// Facilities by their number.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// What stands before a message that is none.
const MALFORMED: &str = "malformed";

/// What both forms put before the text of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Adds `message` to `lines` as one line. `now` dates what says no time.
pub(super) fn write(message: &[u8], now: &str, lines: &mut Vec<u8>) {
    let message = trimmed(message);
    if message.is_empty() {
        return;
    }
    match priority(message) {
        Some((facility, severity, rest)) => {
            let rest = match rest.strip_prefix(b"1 ") {
                Some(rest) => modern(rest, (facility, severity), now, lines),
                None => old(rest, (facility, severity), now, lines),
            };
            put(rest, lines);
        }
        None => {
            lines.extend_from_slice(format!("{now} {MALFORMED} ").as_bytes());
            put(message, lines);
        }
    }
    lines.push(b'\n');
}

/// RFC 5424: `TIME HOST APP PROCESS ID [DATA] TEXT`. The time goes first, so that the line is dated.
fn modern<'a>(rest: &'a [u8], of: (&str, &str), now: &str, lines: &mut Vec<u8>) -> &'a [u8] {
    let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    let (time, rest) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    put(if time == b"-" { now.as_bytes() } else { time }, lines);
    lines.push(b' ');
    tell(of, lines);
    rest.strip_prefix(b" ").unwrap_or(rest)
}

/// RFC 3164: `Mmm dd hh:mm:ss HOST TAG: TEXT`, in practice anything.
fn old<'a>(rest: &'a [u8], of: (&str, &str), now: &str, lines: &mut Vec<u8>) -> &'a [u8] {
    let dated = is_dated(rest);
    match rest.get(..15).filter(|_| dated) {
        Some(time) => put(time, lines),
        None => lines.extend_from_slice(now.as_bytes()),
    }
    lines.push(b' ');
    tell(of, lines);
    if dated { rest.get(16..).unwrap_or_default() } else { rest }
}

fn tell((facility, severity): (&str, &str), lines: &mut Vec<u8>) {
    lines.extend_from_slice(format!("{severity} {facility} ").as_bytes());
}

/// `Nov 21 10:32:07 `
fn is_dated(rest: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let at = |index: usize| rest.get(index).copied().unwrap_or(0);
    rest.get(..3).is_some_and(|month| MONTHS.contains(&month))
        && (at(3), at(6), at(9), at(12)) == (b' ', b' ', b':', b':')
        && [5, 7, 8, 10, 11, 13, 14].iter().all(|&index| at(index).is_ascii_digit())
        && matches!(at(15), b' ' | 0)
}

/// `<165>`: facility, severity, and what comes after.
fn priority(message: &[u8]) -> Option<(&'static str, &'static str, &[u8])> {
    let rest = message.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|&byte| byte == b'>')?;
    let digits = std::str::from_utf8(rest.get(..end)?).ok()?;
    let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: usize = digits.parse().ok().filter(|_| sound)?;
    let facility = FACILITIES.get(number / 8)?;
    Some((facility, SEVERITIES.get(number % 8)?, rest.get(end + 1..)?))
}

/// Without what senders put behind a message.
fn trimmed(message: &[u8]) -> &[u8] {
    let end = message.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0));
    end.and_then(|end| message.get(..=end)).unwrap_or_default()
}

/// Adds `text`, in which a message of several lines stays one.
fn put(text: &[u8], lines: &mut Vec<u8>) {
    let mut rest = text;
    // A mark before the text, in the middle of a line, would be shown as a sign of its own.
    while let Some(at) = memchr::memmem::find(rest, BOM) {
        put_plain(rest.get(..at).unwrap_or_default(), lines);
        rest = rest.get(at + BOM.len()..).unwrap_or_default();
    }
    put_plain(rest, lines);
}

fn put_plain(text: &[u8], lines: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\n' => lines.extend_from_slice(b"\\n"),
            byte => lines.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(message: &str) -> String {
        let mut lines = Vec::new();
        write(message.as_bytes(), "NOW", &mut lines);
        String::from_utf8(lines).expect("text")
    }

    #[test]
    fn both_forms_become_lines() {
        for (message, expected) in [
            (
                "<165>1 2026-11-21T10:32:07.114Z host app 12 ID47 [a@1 b=\"c\"] \u{feff}it broke",
                "2026-11-21T10:32:07.114Z NOTICE local4 host app 12 ID47 [a@1 b=\"c\"] it broke\n",
            ),
            (
                "<34>Nov 21 10:32:07 host su: failed\n",
                "Nov 21 10:32:07 CRIT auth host su: failed\n",
            ),
            ("<13>Nov  1 10:32:07 host a: b\0", "Nov  1 10:32:07 NOTICE user host a: b\n"),
            ("<13>no time at all", "NOW NOTICE user no time at all\n"),
            ("<11>1 - - - - - - text", "NOW ERROR user - - - - - text\n"),
            ("<0>", "NOW EMERG kern \n"),
            ("<13>two\nlines", "NOW NOTICE user two\\nlines\n"),
            ("", ""),
            ("\r\n", ""),
        ] {
            assert_eq!(line(message), expected, "{message}");
        }
    }

    #[test]
    fn what_is_malformed_is_kept_and_marked() {
        for message in ["plain", "<", "<>x", "<999>x", "<1x>y", "<192>x", "<-1>x", "13>x"] {
            assert_eq!(line(message), format!("NOW malformed {message}\n"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_become_one_line_at_most(
            bytes in prop::collection::vec(any::<u8>(), 0..120),
            before in prop::sample::select(vec!["", "<13>", "<13>1 ", "<13>Nov 21 10:32:07 "]),
        ) {
            let mut lines = Vec::new();
            write(&[before.as_bytes(), &bytes].concat(), "NOW", &mut lines);
            let ends = lines.iter().filter(|&&byte| byte == b'\n').count();
            prop_assert!(ends == 0 && lines.is_empty() || ends == 1 && lines.ends_with(b"\n"));
        }
    }
}
