//! Lines on standard output: as their bytes are for another program, and on a terminal with nothing
//! in them that would move its cursor, change its title or worse.

use std::borrow::Cow;
use std::io::{self, BufWriter, Stdout, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

/// A record or a notice, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    end: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    bytes: Option<String>,
    #[serde(borrow)]
    notice: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

/// Where lines go.
pub(super) struct Shown {
    out: BufWriter<Stdout>,
    /// Whether what could harm a terminal is to be made harmless.
    safe: bool,
    /// Whether what was printed last was the end of a line.
    at_line: bool,
}

/// Whether anybody still wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    /// What reads the output has gone.
    Enough,
}

impl Shown {
    pub(super) fn lines(safe: bool) -> Self {
        let out = BufWriter::with_capacity(64 * 1024, io::stdout());
        Self { out, safe, at_line: true }
    }

    /// Shows one.
    ///
    /// # Errors
    ///
    /// When nothing can be written, or what came is no record.
    pub(super) fn show(&mut self, entry: &Entry<'_>) -> anyhow::Result<Flow> {
        if let Some(notice) = &entry.notice {
            if notice == "lost" {
                let reason = entry.reason.as_deref().unwrap_or_default();
                eprintln!("tailwater: something is missing here: {}", harmless(reason));
            }
            // A line that its generation left unfinished is not the beginning of the next.
            return if self.at_line { Ok(Flow::On) } else { written(self.out.write_all(b"\n")) };
        }
        let Some(text) = &entry.text else { return Ok(Flow::On) };
        let line = record(entry, text, self.safe)?;
        self.at_line = line.last() == Some(&b'\n');
        written(self.out.write_all(&line))
    }

    /// Lets what was shown be seen.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub(super) fn flush(&mut self) -> anyhow::Result<Flow> {
        written(self.out.flush())
    }

    /// That was all.
    ///
    /// # Errors
    ///
    /// When nothing can be written.
    pub(super) fn ending(&mut self) -> anyhow::Result<()> {
        if self.safe && !self.at_line {
            // The prompt stands on a line of its own.
            written(writeln!(self.out))?;
        }
        self.flush().map(|_flow| ())
    }
}

/// The bytes of a line, with the end that it has in the log.
fn record(entry: &Entry<'_>, text: &str, safe: bool) -> anyhow::Result<Vec<u8>> {
    let end = entry.end.as_deref().unwrap_or("\n");
    if safe {
        let end = if end.ends_with('\n') { "\n" } else { "" };
        return Ok([&harmless(text), end].concat().into_bytes());
    }
    let mut line = match &entry.bytes {
        Some(bytes) => BASE64.decode(bytes)?,
        None => text.as_bytes().to_vec(),
    };
    line.extend_from_slice(end.as_bytes());
    Ok(line)
}

/// `text` with nothing that a terminal would do something at, but for tabs.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => safe.push(c),
            // As terminals show them: `^[`.
            '\0'..='\x1f' => {
                safe.push('^');
                safe.push(char::from(c as u8 + b'@'));
            }
            '\x7f' => safe.push_str("^?"),
            // Those of the upper half, and what turns the direction of what follows.
            c if c.is_control() || is_turning(c) => safe.push_str(&format!("<{:04x}>", c as u32)),
            c => safe.push(c),
        }
    }
    safe
}

fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn written(outcome: io::Result<()>) -> anyhow::Result<Flow> {
    match outcome {
        Ok(()) => Ok(Flow::On),
        // As with `| head`: nobody misses the rest.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Flow::Enough),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &str, safe: bool) -> Vec<u8> {
        let entry: Entry<'_> = serde_json::from_str(json).expect("a record");
        let text = entry.text.clone().expect("a line");
        record(&entry, &text, safe).expect("sound")
    }

    #[test]
    fn a_line_is_printed_as_it_stands() {
        assert_eq!(line(r#"{"text":"a"}"#, false), b"a\n");
        assert_eq!(line(r#"{"end":"\r\n","text":"a"}"#, false), b"a\r\n");
        assert_eq!(line(r#"{"end":"","text":"a"}"#, false), b"a");
        let broken = format!(r#"{{"text":"x","bytes":"{}"}}"#, BASE64.encode(b"\xff\xfe"));
        assert_eq!(line(&broken, false), b"\xff\xfe\n");
    }

    #[test]
    fn a_terminal_is_given_nothing_to_do() {
        let text = line(r#"{"text":"\u001b]0;x\u0007 \t\u009b31m\u202e\r"}"#, true);
        assert_eq!(String::from_utf8(text).expect("text"), "^[]0;x^G \t<009b>31m<202e>^M\n");
    }
}
