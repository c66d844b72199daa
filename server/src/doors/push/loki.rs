//! Grafana Loki's push API: JSON, and protobuf in snappy, as its senders speak it.
//!
//! A stream goes to the log that its labels name: `service_name`, else `app`, `job`, `container`.
//! All labels stay with each line as fields.

use prost::Message;
use serde_json::{Map, Value};

use super::Lines;
use super::body::Unfit;
use super::line::{Record, name_of};

/// Labels that name a log, the first that is there.
const NAMES: [&str; 5] = ["service_name", "app", "job", "container", "unit"];

#[derive(Clone, PartialEq, Message)]
pub struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub streams: Vec<StreamAdapter>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamAdapter {
    /// As a query writes them: `{app="a", pod="b"}`.
    #[prost(string, tag = "1")]
    pub labels: String,
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<EntryAdapter>,
}

#[derive(Clone, PartialEq, Message)]
pub struct EntryAdapter {
    #[prost(message, optional, tag = "1")]
    pub timestamp: Option<Instant>,
    #[prost(string, tag = "2")]
    pub line: String,
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<LabelPair>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Instant {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct LabelPair {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// The lines of a request in protobuf.
///
/// # Errors
///
/// When it is none.
pub fn protobuf(body: &[u8]) -> Result<Lines, Unfit> {
    let request = PushRequest::decode(body).map_err(|e| Unfit::Malformed(e.to_string()))?;
    let mut lines = Lines::new();
    for stream in request.streams {
        let labels = labels(&stream.labels)
            .ok_or_else(|| Unfit::Malformed("the labels of a stream are none".to_owned()))?;
        for entry in stream.entries {
            let time = entry
                .timestamp
                .and_then(|at| at.seconds.checked_mul(1_000_000_000)?.checked_add(at.nanos.into()));
            let more = entry.metadata.into_iter().map(|pair| (pair.name, pair.value.into()));
            put(&mut lines, &labels, time, entry.line, more.collect());
        }
    }
    Ok(lines)
}

/// The lines of a request in JSON.
///
/// # Errors
///
/// When it is none.
pub fn json(body: &[u8]) -> Result<Lines, Unfit> {
    let malformed = |what: &str| Unfit::Malformed(what.to_owned());
    let request: Value =
        serde_json::from_slice(body).map_err(|error| Unfit::Malformed(error.to_string()))?;
    let streams = request.get("streams").and_then(Value::as_array);
    let streams = streams.ok_or_else(|| malformed("`streams` is missing, or no list"))?;
    let mut lines = Lines::new();
    for stream in streams {
        let labels = stream.get("stream").and_then(Value::as_object);
        let labels = labels.ok_or_else(|| malformed("a stream has no labels in `stream`"))?;
        let values = stream.get("values").and_then(Value::as_array);
        for value in values.ok_or_else(|| malformed("a stream has no `values`"))? {
            let value = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let (time, line, more) = match value {
                [Value::String(time), Value::String(line), rest @ ..] => {
                    (time, line, rest.first().and_then(Value::as_object))
                }
                _ => return Err(malformed("a value is not `[\"nanoseconds\", \"line\"]`")),
            };
            let time = time.parse().map_err(|_| malformed("a time is no number"))?;
            put(&mut lines, labels, Some(time), line.clone(), more.cloned().unwrap_or_default());
        }
    }
    Ok(lines)
}

fn put(
    lines: &mut Lines,
    labels: &Map<String, Value>,
    time: Option<i64>,
    line: String,
    more: Map<String, Value>,
) {
    let named = NAMES.iter().find_map(|name| labels.get(*name)?.as_str());
    let log = lines.entry(named.map_or_else(|| "loki".to_owned(), name_of)).or_default();
    let mut fields = labels.clone();
    fields.extend(more);
    let level = ["level", "detected_level"].iter().find_map(|name| fields.get(*name)?.as_str());
    let level = level.map(str::to_owned);
    fields.remove("level");
    Record { time, level, message: line.into(), fields }.write(log);
}

/// `{a="b", c="d\"e"}`.
fn labels(text: &str) -> Option<Map<String, Value>> {
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    let mut labels = Map::new();
    loop {
        if let Some(end) = rest.strip_prefix('}') {
            return end.trim().is_empty().then_some(labels);
        }
        let (name, after) = rest.split_once('=')?;
        let quoted = after.trim_start().strip_prefix('"')?;
        let mut value = String::new();
        let mut chars = quoted.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    plain => plain,
                }),
                plain => value.push(plain),
            }
        }
        labels.insert(name.trim().to_owned(), value.into());
        rest = chars.as_str().trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_come_to_the_same_lines() {
        let text = r#"{"streams":[{"stream":{"app":"api","pod":"a \"1\""},"values":[["1795257127114000000","GET /",{"trace":"7"}],["1795257127115000000","two\nlines"]]}]}"#;
        let entry = |nanos, line: &str, metadata| EntryAdapter {
            timestamp: Some(Instant { seconds: 1_795_257_127, nanos }),
            line: line.to_owned(),
            metadata,
        };
        let trace = LabelPair { name: "trace".into(), value: "7".into() };
        let request = PushRequest {
            streams: vec![StreamAdapter {
                labels: r#"{app="api", pod="a \"1\""}"#.into(),
                entries: vec![
                    entry(114_000_000, "GET /", vec![trace]),
                    entry(115_000_000, "two\nlines", Vec::new()),
                ],
            }],
        };
        let lines = json(text.as_bytes()).expect("sound");
        assert_eq!(protobuf(&request.encode_to_vec()).expect("sound"), lines);
        assert_eq!(lines.keys().collect::<Vec<_>>(), ["api"]);
        let api = String::from_utf8(lines["api"].clone()).expect("text");
        assert_eq!(
            api.lines().next(),
            Some(
                r#"{"time":"2026-11-21T10:32:07.114Z","message":"GET /","app":"api","pod":"a \"1\"","trace":"7"}"#
            )
        );
        assert_eq!(api.lines().count(), 2);
    }

    #[test]
    fn what_is_no_push_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"streams":[{"values":[]}]}"#,
            r#"{"streams":[{"stream":{},"values":[["x","y"]]}]}"#,
            r#"{"streams":[{"stream":{},"values":[[1,"y"]]}]}"#,
        ] {
            assert!(json(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["", "{", "{a}", "{a=b}", "{a=\"b}", "{a=\"b\"} x"] {
            assert_eq!(labels(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
            let _any = (protobuf(&bytes), json(&bytes), labels(&text));
        }
    }
}
