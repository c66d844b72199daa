//! Lines as objects: what each says of itself beside its text, read out by the engine.
//!
//! An object a line, on a line of its own. What is not known is left out: nothing is guessed, and
//! the text is always there. A line that is no UTF-8 is given twice, so that none of its bytes is
//! lost.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;
use tailwater_engine::history::History;
use tailwater_engine::unwrap::{self, Stream};
use tailwater_engine::{fields, level};
use tailwater_protocol::{Level, Lines, Loss, Position};

use super::{Line, Piece};
use crate::learned::Ways;
use crate::log::Log;
use crate::read::Reader;

/// Fields that hold what a line has to say, the most telling first.
const MESSAGES: [&str; 7] = ["msg", "message", "MESSAGE", "@m", "short_message", "event", "text"];

/// Turns pieces of a feed into objects.
pub struct Recorder {
    log: Arc<Log>,
    reader: Reader,
    ways: Option<Arc<Ways>>,
    /// The line that the next piece is expected to begin, and its number.
    next: Option<(Position, u64)>,
}

/// A line.
#[derive(Serialize)]
struct Record<'a> {
    /// Where it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// What to say to come back after it.
    id: &'a str,
    /// Bytes it takes in the log.
    length: u64,
    /// What stands behind it, when that is no newline alone.
    #[serde(skip_serializing_if = "is_newline")]
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    text: Cow<'a, str>,
    /// Its bytes in base64, where the text cannot hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    continued: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Fields<'a>>,
}

fn is_newline(end: &&'static str) -> bool {
    *end == "\n"
}

/// The fields of a line.
#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    /// An object, as it stands: with its types, and numbers to the last digit.
    Object(&'a RawValue),
    /// As they were found; what is given twice means the last.
    Found(BTreeMap<String, String>),
}

/// What happened between lines.
#[derive(Serialize)]
struct Notice {
    notice: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Recorder {
    /// For lines of `log`.
    pub fn new(log: &Arc<Log>, reader: &Reader) -> Self {
        Self { log: Arc::clone(log), reader: reader.clone(), ways: None, next: None }
    }

    /// The objects of `pieces`.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn write(&mut self, pieces: Vec<Piece>) -> io::Result<Vec<u8>> {
        let (log, reader, mut next) = (Arc::clone(&self.log), self.reader.clone(), self.next);
        let held = self.ways.take();
        let work = move || {
            let history = log.known().map(|known| known.history).unwrap_or_default();
            reader.count_on(&log, &history)?;
            let ways = ways_of(&log, &history, held)?;
            let streams = streams_of(&log, &history, &pieces);
            let mut numbers = Numbers { log: &log, history: &history, counted: true };
            let mut written = Vec::new();
            for piece in &pieces {
                match piece {
                    Piece::Line(line) => {
                        numbers.find(line, &mut next);
                        let stream = line.at.and_then(|at| streams.get(&at).copied());
                        record(line, ways.as_deref(), stream, &mut next, &mut written)?;
                    }
                    Piece::Turned => notice("turned", None, &mut written)?,
                    Piece::Lost(loss) => notice("lost", Some(*loss), &mut written)?,
                }
            }
            Ok((written, next, ways))
        };
        let (written, next, ways) = self.reader.run(work).await?;
        (self.next, self.ways) = (next, ways);
        Ok(written)
    }
}

/// Finds the numbers of lines.
struct Numbers<'a> {
    log: &'a Log,
    history: &'a History,
    /// Whether it is worth while to look: not before the log is counted so far.
    counted: bool,
}

impl Numbers<'_> {
    /// Finds the number of `line`, unless it comes after the one before it. Before it is counted so
    /// far, a log is given without numbers, not late.
    fn find(&mut self, line: &Line, next: &mut Option<(Position, u64)>) {
        let Some(at) = line.at.filter(|_| !line.continued) else { return };
        if !self.counted || next.is_some_and(|(expected, _)| expected == at) {
            return;
        }
        let lines = self.history.get(at.generation).and_then(|generation| {
            let counts = self.log.counts(at.generation);
            counts.lines_before(generation.file.as_ref(), at.offset).ok().flatten()
        });
        *next = match lines {
            Some(Lines::Exact(lines)) => Some((at, lines + 1)),
            _ => None,
        };
        self.counted = next.is_some();
    }
}

/// Where a program wrote which of these lines, of a log that we write ourselves.
fn streams_of(log: &Log, history: &History, pieces: &[Piece]) -> HashMap<Position, Stream> {
    let mut streams = HashMap::new();
    let Some(spool) = log.spool() else { return streams };
    let places = pieces.iter().filter_map(|piece| match piece {
        Piece::Line(line) => line.at,
        _ => None,
    });
    let places: Vec<Position> = places.collect();
    for part in places.chunk_by(|a, b| a.generation == b.generation) {
        let generation = part.first().and_then(|first| history.get(first.generation));
        let offsets: Vec<u64> = part.iter().map(|place| place.offset).collect();
        if let Some(found) = generation.and_then(|generation| spool.streams(generation, &offsets)) {
            streams.extend(part.iter().copied().zip(found));
        }
    }
    streams
}

/// How the log writes. A log that cannot be read just now is as it was.
fn ways_of(log: &Log, history: &History, held: Option<Arc<Ways>>) -> io::Result<Option<Arc<Ways>>> {
    match log.learned().of(history) {
        Ok(ways) => Ok(Some(ways)),
        Err(error) if tailwater_engine::read::is_doubt(&error) => Ok(held),
        Err(error) => Err(error),
    }
}

fn record(
    line: &Line,
    ways: Option<&Ways>,
    stream: Option<Stream>,
    next: &mut Option<(Position, u64)>,
    written: &mut Vec<u8>,
) -> io::Result<()> {
    // More of a line has no number: its first piece had it.
    let number = match (*next, line.at) {
        (Some((at, number)), Some(here)) if at == here && !line.continued => Some(number),
        _ => None,
    };
    // After what a filter leaves out, and at another generation, numbers are found anew.
    *next = match (*next, line.at) {
        (Some((at, number)), Some(here)) if at == here => {
            let number = if line.unfinished { number } else { number + 1 };
            Some((here.forward(line.length), number))
        }
        _ => None,
    };
    let head = !line.continued;
    let text = String::from_utf8_lossy(&line.bytes);
    let bytes = matches!(text, Cow::Owned(_)).then(|| BASE64.encode(&line.bytes));
    let unwrapped = if head { unwrap::unwrap(&line.bytes) } else { None };
    let time = if head {
        ways.and_then(|ways| ways.clock.as_ref()).and_then(|clock| clock.at(&line.bytes))
    } else {
        None
    };
    let fields = if head { fields_of(line, unwrapped.is_some()) } else { None };
    let record = Record {
        at: line.at.map(|at| at.to_string()),
        id: &line.id,
        length: line.length,
        end: line.end,
        line: number,
        time: time.and_then(instant),
        level: if head { name(level::level(&line.bytes)) } else { None },
        stream: unwrapped.as_ref().map(|unwrapped| unwrapped.stream).or(stream).map(|stream| {
            match stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            }
        }),
        message: if head { message(line, fields.is_some()) } else { None }
            .or_else(|| unwrapped.map(|unwrapped| shown(unwrapped.text))),
        text,
        bytes,
        continued: line.continued,
        unfinished: line.unfinished,
        fields,
    };
    serde_json::to_writer(&mut *written, &record)?;
    written.push(b'\n');
    Ok(())
}

/// The fields of a line: its own object if it is one, else what is found in it.
fn fields_of(line: &Line, wrapped: bool) -> Option<Fields<'_>> {
    let object = || {
        let text = std::str::from_utf8(&line.bytes).ok()?.trim();
        let whole = text.starts_with('{') && depth(text) <= fields::MAX_DEPTH;
        let object = if whole { serde_json::from_str(text).ok() } else { None };
        object.map(Fields::Object)
    };
    let found = || {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = fields::all(&line.bytes).map(|(name, value)| (shown(&name), shown(&value)));
        let found: BTreeMap<_, _> = found.collect();
        (!found.is_empty()).then_some(Fields::Found(found))
    };
    // What a container runtime wrapped around a line are not the fields that are looked for.
    if wrapped { found() } else { object().or_else(found) }
}

/// How deep objects and arrays lie within each other: what is given on is to be parsed by others,
/// who may do that by recursion.
fn depth(object: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in object.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn message(line: &Line, named: bool) -> Option<Cow<'_, str>> {
    if !named {
        return None;
    }
    let found = MESSAGES.iter().find_map(|name| fields::find(&line.bytes, name))?;
    Some(shown(found))
}

fn shown(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// An instant as RFC 3339 has it.
fn instant(nanos: i64) -> Option<String> {
    jiff::Timestamp::from_nanosecond(nanos.into()).ok().map(|instant| instant.to_string())
}

/// A level by its usual name.
fn name(level: Level) -> Option<&'static str> {
    match level {
        Level::None => None,
        Level::Trace => Some("trace"),
        Level::Debug => Some("debug"),
        Level::Info => Some("info"),
        Level::Warn => Some("warn"),
        Level::Error => Some("error"),
        Level::Fatal => Some("fatal"),
    }
}

fn notice(notice: &'static str, loss: Option<Loss>, written: &mut Vec<u8>) -> io::Result<()> {
    let bytes = match loss {
        Some(
            Loss::Truncated(bytes) | Loss::Deleted(bytes) | Loss::LetGo(bytes) | Loss::Full(bytes),
        ) => Some(bytes),
        Some(Loss::Unknown | Loss::Damaged(_)) | None => None,
    };
    let reason = loss.map(super::lost);
    serde_json::to_writer(&mut *written, &Notice { notice, bytes, reason })?;
    written.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_protocol::GenerationId;

    fn written(text: &[u8], number: Option<u64>) -> serde_json::Value {
        let at = Position { generation: GenerationId(0x9f3a_01c2), offset: 40 };
        let line = Line { bytes: text.to_vec(), at: Some(at), ..Line::new("", "9f3a01c2:50") };
        let mut written = Vec::new();
        let mut next = number.map(|number| (at, number));
        record(&line, None, None, &mut next, &mut written).expect("memory takes it");
        assert_eq!(written.iter().filter(|&&byte| byte == b'\n').count(), 1);
        serde_json::from_slice(&written).expect("an object")
    }

    #[test]
    fn a_line_says_what_it_says() {
        let record =
            written(br#"{"level":"warn","msg":"slow","took":1.50,"a":{"b":[1]}}"#, Some(7));
        assert_eq!(record["at"], "9f3a01c2:40");
        assert_eq!(record["line"], 7);
        assert_eq!(record["level"], "warn");
        assert_eq!(record["message"], "slow");
        assert_eq!(record["fields"]["took"], 1.5);
        assert_eq!(record["fields"]["a"]["b"][0], 1);
        let record = written(b"level=error msg=\"no room\" code=7", None);
        assert_eq!(record["fields"]["code"], "7");
        assert_eq!((&record["message"], &record["level"]), (&"no room".into(), &"error".into()));
        assert!(record.get("line").is_none());
        let record = written(b"2026-11-21T10:32:07.114Z stderr F {\"msg\":\"x\",\"n\":1}", None);
        assert_eq!((&record["stream"], &record["message"]), (&"stderr".into(), &"x".into()));
        assert_eq!(record["fields"]["n"], "1");
        let record = written(b"just \xff text", None);
        assert_eq!(record["text"], "just \u{fffd} text");
        assert_eq!(record["bytes"], BASE64.encode(b"just \xff text"));
        assert!(record.get("fields").is_none() && record.get("level").is_none());
    }

    #[test]
    fn hostile_lines_are_objects_of_one_line() {
        let deep = [b"{\"a\":".repeat(5000), b"1".to_vec(), b"}".repeat(5000)].concat();
        for line in [&b"{\"a\":1}\r{\"b\":2}"[..], b"{", b"", b"\0\x1b[31m\x7f", b"{\"a\":1", &deep]
        {
            let _sound = written(line, None);
        }
    }
}
