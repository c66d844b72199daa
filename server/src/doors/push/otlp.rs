//! OpenTelemetry's logs over HTTP (OTLP 1): protobuf and JSON.
//!
//! The part of the schema that logs need is written out here: fields that are not known are passed
//! over, as protobuf has it. A record goes to the log of its service; what it, its scope and its resource
//! say stays with it as fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::{Message, Oneof};
use serde_json::{Map, Number, Value};

use super::Lines;
use super::body::Unfit;
use super::line::{MAX_DEPTH, Record, name_of};

#[derive(Clone, PartialEq, Message)]
pub struct Request {
    #[prost(message, repeated, tag = "1")]
    pub resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct LogRecord {
    #[prost(fixed64, tag = "1")]
    pub time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    pub severity_number: i32,
    #[prost(string, tag = "3")]
    pub severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub attributes: Vec<KeyValue>,
    #[prost(bytes = "vec", tag = "9")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    pub observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    pub event_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub value: Option<Any>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Any {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
pub struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<KeyValue>,
}

/// What a sender is told that went wrong: `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

/// The lines of a request in protobuf.
///
/// # Errors
///
/// When it is none.
pub fn protobuf(body: &[u8]) -> Result<Lines, Unfit> {
    let request = Request::decode(body).map_err(|error| Unfit::Malformed(error.to_string()))?;
    let mut lines = Lines::new();
    for resource in request.resource_logs {
        let of = fields(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        for scope in resource.scope_logs {
            let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
            for record in scope.log_records {
                let time = [record.time_unix_nano, record.observed_time_unix_nano];
                put(
                    &mut lines,
                    &of,
                    &name,
                    Said {
                        time: time.into_iter().find(|&time| time > 0),
                        number: record.severity_number.into(),
                        text: record.severity_text,
                        body: record.body.map_or(Value::Null, |body| value(body, 0)),
                        fields: fields(record.attributes),
                        trace: hex(&record.trace_id),
                        span: hex(&record.span_id),
                        event: record.event_name,
                    },
                );
            }
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
    let request: Value =
        serde_json::from_slice(body).map_err(|error| Unfit::Malformed(error.to_string()))?;
    if !request.is_object() {
        return Err(Unfit::Malformed("a request is an object".to_owned()));
    }
    let mut lines = Lines::new();
    for resource in list(&request, "resourceLogs")? {
        let of = match resource.get("resource") {
            Some(resource) => json_fields(resource, 0)?,
            None => Map::new(),
        };
        for scope in list(resource, "scopeLogs")? {
            let name = scope.get("scope").map(|scope| text(scope, "name")).unwrap_or_default();
            for record in list(scope, "logRecords")? {
                let time = ["timeUnixNano", "observedTimeUnixNano"];
                let body = record.get("body").map(|body| json_value(body, 0)).transpose()?;
                put(
                    &mut lines,
                    &of,
                    &name,
                    Said {
                        time: time.iter().filter_map(|at| number(record, at)).find(|&at| at > 0),
                        number: number(record, "severityNumber").unwrap_or(0) as i64,
                        text: text(record, "severityText"),
                        body: body.unwrap_or(Value::Null),
                        fields: json_fields(record, 0)?,
                        trace: text(record, "traceId"),
                        span: text(record, "spanId"),
                        event: text(record, "eventName"),
                    },
                );
            }
        }
    }
    Ok(lines)
}

/// What one record says, whatever the form.
struct Said {
    time: Option<u64>,
    number: i64,
    text: String,
    body: Value,
    fields: Map<String, Value>,
    trace: String,
    span: String,
    event: String,
}

fn put(lines: &mut Lines, of: &Map<String, Value>, scope: &str, said: Said) {
    let part = |name: &str| of.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = match (part("service.namespace"), part("service.name")) {
        (Some(space), Some(name)) => name_of(&format!("{space}/{name}")),
        (None, Some(name)) => name_of(name),
        (_, None) => "otlp".to_owned(),
    };
    let mut fields = said.fields;
    for (name, text) in [
        ("trace_id", said.trace),
        ("span_id", said.span),
        ("event_name", said.event),
        ("scope", scope.to_owned()),
    ] {
        if !text.is_empty() {
            fields.insert(name.to_owned(), text.into());
        }
    }
    // What the record says itself goes before what is true of all of its resource.
    for (name, value) in of {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let level = match said.number {
        _ if !said.text.is_empty() => Some(said.text),
        1..=4 => Some("TRACE".to_owned()),
        5..=8 => Some("DEBUG".to_owned()),
        9..=12 => Some("INFO".to_owned()),
        13..=16 => Some("WARN".to_owned()),
        17..=20 => Some("ERROR".to_owned()),
        21..=24 => Some("FATAL".to_owned()),
        _ => None,
    };
    let time = said.time.and_then(|time| i64::try_from(time).ok());
    Record { time, level, message: said.body, fields }.write(lines.entry(name).or_default());
}

fn fields(attributes: Vec<KeyValue>) -> Map<String, Value> {
    map(attributes, 0)
}

fn map(attributes: Vec<KeyValue>, depth: usize) -> Map<String, Value> {
    let field = |KeyValue { key, value: of }: KeyValue| {
        (key, of.map_or(Value::Null, |of| value(of, depth)))
    };
    attributes.into_iter().map(field).collect()
}

fn value(any: AnyValue, depth: usize) -> Value {
    match any.value {
        None => Value::Null,
        Some(Any::String(text)) => text.into(),
        Some(Any::Bool(bool)) => bool.into(),
        Some(Any::Int(number)) => number.into(),
        Some(Any::Double(number)) => {
            Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        Some(Any::Bytes(bytes)) => STANDARD.encode(bytes).into(),
        Some(Any::Array(_) | Any::Map(_)) if depth >= MAX_DEPTH => "…".into(),
        Some(Any::Array(array)) => {
            array.values.into_iter().map(|any| value(any, depth + 1)).collect()
        }
        Some(Any::Map(list)) => Value::Object(map(list.values, depth + 1)),
    }
}

/// The list of that name; none when it is missing.
fn list<'a>(of: &'a Value, name: &str) -> Result<&'a [Value], Unfit> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(Unfit::Malformed(format!("`{name}` is no list"))),
    }
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A number of 64 bits, which JSON has as text.
fn number(of: &Value, name: &str) -> Option<u64> {
    match of.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn json_fields(of: &Value, depth: usize) -> Result<Map<String, Value>, Unfit> {
    let name = if of.get("values").is_some() { "values" } else { "attributes" };
    list(of, name)?
        .iter()
        .map(|pair| {
            let value = pair.get("value").map(|value| json_value(value, depth)).transpose()?;
            Ok((text(pair, "key"), value.unwrap_or(Value::Null)))
        })
        .collect()
}

fn json_value(any: &Value, depth: usize) -> Result<Value, Unfit> {
    let Some((kind, value)) = any.as_object().and_then(|object| object.iter().next()) else {
        return Ok(Value::Null);
    };
    Ok(match (kind.as_str(), value) {
        ("intValue", Value::String(text)) => {
            text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        ("stringValue" | "boolValue" | "intValue" | "doubleValue" | "bytesValue", _) => {
            value.clone()
        }
        ("arrayValue" | "kvlistValue", _) if depth >= MAX_DEPTH => "…".into(),
        ("arrayValue", _) => {
            let values = list(value, "values")?.iter();
            values.map(|any| json_value(any, depth + 1)).collect::<Result<_, _>>()?
        }
        ("kvlistValue", _) => Value::Object(json_fields(value, depth + 1)?),
        _ => Value::Null,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any(value: Any) -> Option<AnyValue> {
        Some(AnyValue { value: Some(value) })
    }

    fn pair(key: &str, value: Any) -> KeyValue {
        KeyValue { key: key.to_owned(), value: any(value) }
    }

    #[test]
    fn both_forms_come_to_the_same_lines() {
        let text = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my api"}}]},
            "scopeLogs":[{"scope":{"name":"lib"},"logRecords":[{"timeUnixNano":"1795257127114000000","severityNumber":17,
            "body":{"stringValue":"it broke"},"traceId":"0a0b","attributes":[{"key":"n","value":{"intValue":"7"}},
            {"key":"list","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":1.5}]}}},
            {"key":"map","value":{"kvlistValue":{"values":[{"key":"a","value":{"stringValue":"b"}}]}}}]}]}]}]}"#;
        let list = vec![any(Any::Bool(true)), any(Any::Double(1.5))].into_iter().flatten();
        let record = LogRecord {
            time_unix_nano: 1_795_257_127_114_000_000,
            severity_number: 17,
            body: any(Any::String("it broke".into())),
            trace_id: vec![10, 11],
            attributes: vec![
                pair("n", Any::Int(7)),
                pair("list", Any::Array(ArrayValue { values: list.collect() })),
                pair(
                    "map",
                    Any::Map(KeyValueList { values: vec![pair("a", Any::String("b".into()))] }),
                ),
            ],
            ..LogRecord::default()
        };
        let request = Request {
            resource_logs: vec![ResourceLogs {
                resource: Some(Resource {
                    attributes: vec![pair("service.name", Any::String("my api".into()))],
                }),
                scope_logs: vec![ScopeLogs {
                    scope: Some(Scope { name: "lib".into() }),
                    log_records: vec![record],
                }],
            }],
        };
        let lines = json(text.as_bytes()).expect("sound");
        assert_eq!(protobuf(&request.encode_to_vec()).expect("sound"), lines);
        let line = String::from_utf8(lines["my-api"].clone()).expect("text");
        assert_eq!(
            line.trim_end(),
            r#"{"time":"2026-11-21T10:32:07.114Z","level":"ERROR","message":"it broke","list":[true,1.5],"map":{"a":"b"},"n":7,"scope":"lib","service.name":"my api","trace_id":"0a0b"}"#
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in ["", "[]", "{\"resourceLogs\":1}", "{\"resourceLogs\":[{\"scopeLogs\":{}}]}"] {
            assert!(json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(protobuf(b"\xff\xff").is_err());
        assert!(
            json(b"{}").expect("nothing").is_empty() && protobuf(b"").expect("nothing").is_empty()
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _any = (protobuf(&bytes), json(&bytes));
        }
    }
}
