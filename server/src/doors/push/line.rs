//! A record of somebody's protocol as one line: JSON, since it holds fields and texts of several
//! lines, and is read as such by everything behind.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Fields deeper than this are given as text: what nests further is no log.
pub(super) const MAX_DEPTH: usize = 16;

/// A record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// In nanoseconds since 1970.
    pub(super) time: Option<i64>,
    pub(super) level: Option<String>,
    pub(super) message: Value,
    pub(super) fields: Map<String, Value>,
}

impl Record {
    /// Adds it to `lines`: the time first, then the level, then what it says.
    pub(super) fn write(mut self, lines: &mut Vec<u8>) {
        let mut parts: Vec<(&str, Value)> = Vec::new();
        let time = self.time.and_then(|time| Timestamp::from_nanosecond(time.into()).ok());
        parts.extend(time.map(|time| ("time", Value::String(time.to_string()))));
        parts.extend(self.level.take().map(|level| ("level", Value::String(level))));
        if !self.message.is_null() {
            parts.push(("message", std::mem::take(&mut self.message)));
        }
        lines.push(b'{');
        let own = ["time", "level", "message"];
        let fields = self.fields.iter().filter(|(name, _)| {
            !own.contains(&name.as_str()) || !parts.iter().any(|(known, _)| known == name)
        });
        let all = parts.iter().map(|(name, value)| (*name, value));
        let all = all.chain(fields.map(|(name, value)| (name.as_str(), value)));
        for (index, (name, value)) in all.enumerate() {
            if index > 0 {
                lines.push(b',');
            }
            lines.extend_from_slice(Value::from(name).to_string().as_bytes());
            lines.push(b':');
            lines.extend_from_slice(value.to_string().as_bytes());
        }
        lines.extend_from_slice(b"}\n");
    }
}

/// A log's name out of whatever a sender calls itself.
pub(in crate::doors) fn name_of(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-/".contains(c) { c } else { '-' };
    let name: String = text.chars().take(100).map(plain).collect();
    let parts = name.split('/').map(|part| part.trim_start_matches(['.', '-']));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "unknown".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let mut fields = Map::new();
        fields.insert("level".into(), "own".into());
        fields.insert("pod".into(), "a-1".into());
        let record = Record {
            time: Some(1_795_257_127_114_000_000),
            level: Some("ERROR".into()),
            message: "one\ntwo \"q\"".into(),
            fields,
        };
        let mut lines = Vec::new();
        record.write(&mut lines);
        Record::default().write(&mut lines);
        assert_eq!(
            String::from_utf8(lines).expect("text"),
            "{\"time\":\"2026-11-21T10:32:07.114Z\",\"level\":\"ERROR\",\"message\":\"one\\ntwo \\\"q\\\"\",\"pod\":\"a-1\"}\n{}\n"
        );
    }

    #[test]
    fn names_are_made_fit() {
        for (text, name) in [
            ("api", "api"),
            ("my service", "my-service"),
            ("team/api", "team/api"),
            ("../../etc/passwd", "etc/passwd"),
            ("", "unknown"),
            ("//", "unknown"),
        ] {
            assert_eq!(name_of(text), name, "{text}");
        }
    }
}
