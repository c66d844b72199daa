//! What a container runtime writes around a line, and how to take it off.
//!
//! Docker's json-file driver writes `{"log":"text\n","stream":"stdout","time":"…"}`; the others
//! (CRI: containerd, CRI-O, podman) write `2026-11-21T10:32:07.114Z stdout F text`. A long line
//! is written in parts, each of them marked as partial but the last; [`crate::event`] joins them.
//!
//! Looks at the first bytes to tell a wrapped line from another, so a line that is not wrapped
//! costs next to nothing.

use std::borrow::Cow;

use crate::fields::json;
use crate::time::stamp;

/// How a line is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    /// By Docker's json-file driver.
    Docker,
    /// By a runtime of Kubernetes; the text starts at this byte.
    Cri(usize),
}

/// Where a program wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line without its wrapper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwrapped<'a> {
    /// When the runtime took it in, in nanoseconds since 1970.
    pub time: Option<i64>,
    /// Where the program wrote it.
    pub stream: Stream,
    /// Whether the text goes on with the next line of that stream.
    pub partial: bool,
    /// What the program wrote, without its newline.
    pub text: Cow<'a, [u8]>,
}

/// How `line` is wrapped, if it is.
pub fn wrapper(line: &[u8]) -> Option<Wrapper> {
    match line.first()? {
        b'{' if line.starts_with(DOCKER) => Some(Wrapper::Docker),
        byte if byte.is_ascii_digit() => cri(line).map(|cri| Wrapper::Cri(cri.text)),
        _ => None,
    }
}

/// Some of the text of a wrapped line of which `head` is the beginning: what about `most` bytes of
/// the line say. `None` when it is not wrapped.
pub(crate) fn text_of_head(head: &[u8], most: usize) -> Option<Cow<'_, [u8]>> {
    match wrapper(head)? {
        Wrapper::Docker => {
            let text = head.get(DOCKER.len()..)?;
            // A text that is cut is given as far as it goes.
            Some(json::text_from(text.get(..most).unwrap_or(text)))
        }
        Wrapper::Cri(start) => Some(Cow::Borrowed(head.get(start..)?)),
    }
}

/// `line` without its wrapper. `None` when it has none.
pub fn unwrap(line: &[u8]) -> Option<Unwrapped<'_>> {
    match wrapper(line)? {
        Wrapper::Docker => docker(line),
        Wrapper::Cri(_) => {
            let cri = cri(line)?;
            Some(Unwrapped {
                time: line.get(..cri.time).and_then(stamp::instant),
                stream: cri.stream,
                partial: cri.partial,
                text: Cow::Borrowed(without_newline(line.get(cri.text..)?)),
            })
        }
    }
}

const DOCKER: &[u8] = b"{\"log\":\"";

fn docker(line: &[u8]) -> Option<Unwrapped<'_>> {
    let [log, stream, time] = json::members(line, ["log", "stream", "time"]);
    let mut text = log?.decoded();
    let stream = match &*stream?.decoded() {
        b"stdout" => Stream::Stdout,
        b"stderr" => Stream::Stderr,
        _ => return None,
    };
    let partial = text.last() != Some(&b'\n');
    match &mut text {
        Cow::Owned(text) => text.truncate(without_newline(text).len()),
        Cow::Borrowed(text) => *text = without_newline(text),
    }
    Some(Unwrapped { time: stamp::instant(&time?.decoded()), stream, partial, text })
}

/// The parts of a line that is wrapped as CRI says.
struct Cri {
    /// Where the time ends.
    time: usize,
    stream: Stream,
    partial: bool,
    /// Where the text starts.
    text: usize,
}

/// Bytes of the longest time: nanoseconds and an offset.
const TIME: usize = 35;

fn cri(line: &[u8]) -> Option<Cri> {
    if line.get(4) != Some(&b'-') || line.get(10) != Some(&b'T') {
        return None;
    }
    let head = line.get(..TIME + 1).unwrap_or(line);
    let time = 19 + head.get(19..)?.iter().position(|&byte| byte == b' ')?;
    let rest = line.get(time + 1..)?;
    let (stream, rest) = match rest.strip_prefix(b"stdout ") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(b"stderr ")?),
    };
    // Tags are divided by colons, and the first is always this one.
    let partial = match rest.first()? {
        b'F' => false,
        b'P' => true,
        _ => return None,
    };
    let tags = rest.iter().take_while(|&&byte| byte != b' ' && byte != b'\n').count();
    if tags > 1 && rest.get(1) != Some(&b':') {
        return None;
    }
    let text = time + 1 + b"stdout ".len() + tags;
    // An empty text may come without the blank before it.
    let text = if line.get(text) == Some(&b' ') { text + 1 } else { text };
    Some(Cri { time, stream, partial, text })
}

fn without_newline(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// 2026-11-21T10:32:07.114Z.
    const TIME: i64 = 1_795_257_127_114_000_000;

    fn told(line: &str) -> Option<(Option<i64>, Stream, bool, String)> {
        let Unwrapped { time, stream, partial, text } = unwrap(line.as_bytes())?;
        Some((time, stream, partial, String::from_utf8(text.into_owned()).expect("text")))
    }

    #[test]
    fn wrappers_are_taken_off() {
        use Stream::{Stderr, Stdout};
        let docker = |log: &str| {
            format!(r#"{{"log":"{log}","stream":"stdout","time":"2026-11-21T10:32:07.114Z"}}"#)
        };
        let cases = [
            ("2026-11-21T10:32:07.114Z stdout F a b".into(), Stdout, false, "a b"),
            ("2026-11-21T10:32:07.114000000Z stderr P a b ".into(), Stderr, true, "a b "),
            ("2026-11-21T11:32:07.114000000+01:00 stdout F:x:y a".into(), Stdout, false, "a"),
            ("2026-11-21T10:32:07.114Z stdout F ".into(), Stdout, false, ""),
            ("2026-11-21T10:32:07.114Z stdout F".into(), Stdout, false, ""),
            ("2026-11-21T10:32:07.114Z stdout F a\r\n".into(), Stdout, false, "a"),
            (docker("a b\\n"), Stdout, false, "a b"),
            (docker("a b"), Stdout, true, "a b"),
            (docker("\\u003ca\\u003e \\\"q\\\"\\r\\n"), Stdout, false, "<a> \"q\""),
            (docker("\\n"), Stdout, false, ""),
            (docker(""), Stdout, true, ""),
            (
                r#"{"log":"a\n","stream":"stderr","attrs":{"tag":"x"},"time":"2026-11-21T10:32:07.114Z"}"#
                    .into(),
                Stderr,
                false,
                "a",
            ),
        ];
        for (line, stream, partial, text) in cases {
            assert_eq!(told(&line), Some((Some(TIME), stream, partial, text.into())), "{line}");
        }
    }

    #[test]
    fn other_lines_are_left_alone() {
        let cases = [
            "",
            "{",
            "plain",
            "2026-11-21T10:32:07.114Z",
            "2026-11-21T10:32:07.114Z stdout",
            "2026-11-21T10:32:07.114Z stdout ",
            "2026-11-21T10:32:07.114Z stdout X a",
            "2026-11-21T10:32:07.114Z stdout Full a",
            "2026-11-21T10:32:07.114Z stdin F a",
            "2026-11-21 10:32:07.114Z stdout F a",
            r#"{"log":"a\n"}"#,
            r#"{"log":"a\n","stream":"stdin","time":"2026"}"#,
            r#"{"log":{},"stream":"stdout","time":"2026"}"#,
            r#"{"stream":"stdout","time":"2026"}"#,
        ];
        for line in cases {
            assert_eq!(unwrap(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_docker_writes_is_read(text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}", newline in any::<bool>()) {
            prop_assume!(!text.ends_with(['\n', '\r']));
            let log = if newline { format!("{text}\n") } else { text.clone() };
            let quoted = json!(log);
            let line = format!(r#"{{"log":{quoted},"stream":"stderr","time":"2026-11-21T10:32:07.114Z"}}"#);
            prop_assert_eq!(told(&line), Some((Some(TIME), Stream::Stderr, !newline, text)));
        }

        #[test]
        fn no_bytes_break_it(
            before in prop::sample::select(vec!["", "{\"log\":\"", "2026-11-21T10:32:07Z stdout "]),
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let line = [before.as_bytes(), &bytes].concat();
            let _any = (unwrap(&line), text_of_head(&line, 10));
        }
    }
}
