//! Lines pushed over HTTP: in through every form, out again complete and in order, over the death
//! of the server; what is malformed is refused in its own words and disturbs nobody.

mod started;

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use prost::Message as _;
use started::{Started, folder, get, wait_for};
use tailwater::doors::push::loki::{EntryAdapter, Instant, PushRequest, StreamAdapter};
use tailwater::doors::push::otlp;

fn site(folder: &Path) -> Started {
    Started::with(folder, &["push:app", "push:team/*", "push:api", "-n", "1000000"], Stdio::null())
}

fn push(started: &Started, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    // An empty line would end the head.
    let headers = if headers.is_empty() { "X: none" } else { headers };
    let (status, answer) = started.ask(&format!("POST {path} HTTP/1.0\n{headers}\nX:"), body);
    (status, String::from_utf8_lossy(&answer).into_owned())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).expect("packed");
    packed.finish().expect("packed")
}

/// The numbers at the ends of the lines of a log.
fn numbers(text: &str) -> Vec<u64> {
    text.lines()
        .filter_map(|line| {
            let digits = |c: char| c.is_ascii_digit();
            let end = line.trim_end_matches(|c| !digits(c));
            end.rsplit(|c| !digits(c)).next()?.parse().ok()
        })
        .collect()
}

#[test]
fn every_line_that_was_acknowledged_is_there_though_the_server_was_killed() {
    let folder = folder();
    let mut started = site(folder.path());
    for batch in 0..100_u64 {
        if batch == 50 {
            started.kill();
            started = site(folder.path());
        }
        let text: String =
            (batch * 1000..(batch + 1) * 1000).map(|n| format!("line {n}\n")).collect();
        let (headers, body) = match batch % 2 {
            0 => ("Content-Type: text/plain", text.into_bytes()),
            _ => ("Content-Encoding: gzip", gzip(text.as_bytes())),
        };
        assert_eq!(push(&started, "/api/v1/push/app", headers, &body).0, 204);
    }
    wait_for(|| numbers(&get(&started, "/s/push/app")).len() >= 100_000);
    let all: Vec<u64> = (0..100_000).collect();
    assert!(numbers(&get(&started, "/s/push/app")) == all, "each once and in order");
    started.stop();
}

#[test]
fn collectors_push_as_they_are_used_to() {
    let folder = folder();
    let started = site(folder.path());
    let at = Some(Instant { seconds: 1_795_257_127, nanos: 0 });
    let mut sent = 0_u64;
    for _ in 0..10 {
        let entries = (sent..sent + 1000)
            .map(|n| EntryAdapter {
                timestamp: at,
                line: format!("line {n}"),
                metadata: Vec::new(),
            })
            .collect();
        let labels = r#"{service_name="team/a"}"#.to_owned();
        let request = PushRequest { streams: vec![StreamAdapter { labels, entries }] };
        let body =
            snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).expect("packed");
        let headers = "Content-Type: application/x-protobuf";
        assert_eq!(push(&started, "/loki/api/v1/push", headers, &body).0, 204);
        sent += 1000;
    }
    let json = r#"{"streams":[{"stream":{"service_name":"team/a"},"values":[["1795257127000000000","line 10000"]]}]}"#;
    let headers = "Content-Type: application/json; charset=utf-8";
    assert_eq!(push(&started, "/loki/api/v1/push", headers, json.as_bytes()).0, 204);
    wait_for(|| get(&started, "/s/push/team/a").lines().count() == 10_001);
    let text = get(&started, "/s/push/team/a");
    for (number, line) in text.lines().enumerate() {
        assert!(line.contains(&format!(r#""message":"line {number}""#)), "{line}");
    }

    let name = otlp::AnyValue { value: Some(otlp::Any::String("api".into())) };
    let body = |text: String| Some(otlp::AnyValue { value: Some(otlp::Any::String(text)) });
    let records = (0..1000)
        .map(|n| otlp::LogRecord { body: body(format!("line {n}")), ..Default::default() })
        .collect();
    let request = otlp::Request {
        resource_logs: vec![otlp::ResourceLogs {
            resource: Some(otlp::Resource {
                attributes: vec![otlp::KeyValue { key: "service.name".into(), value: Some(name) }],
            }),
            scope_logs: vec![otlp::ScopeLogs { scope: None, log_records: records }],
        }],
    };
    let headers = "Content-Type: application/x-protobuf\nContent-Encoding: gzip";
    let (status, answer) = push(&started, "/v1/logs", headers, &gzip(&request.encode_to_vec()));
    assert_eq!((status, answer.as_str()), (200, ""));
    let json = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},"scopeLogs":[{"logRecords":[{"body":{"stringValue":"line 1000"}}]}]}]}"#;
    let (status, answer) =
        push(&started, "/v1/logs", "Content-Type: application/json", json.as_bytes());
    assert_eq!((status, answer.as_str()), (200, "{}"));
    wait_for(|| get(&started, "/s/push/api").lines().count() == 1001);
    let text = get(&started, "/s/push/api");
    for (number, line) in text.lines().enumerate() {
        assert!(line.contains(&format!(r#""message":"line {number}""#)), "{line}");
    }
    started.stop();
}

#[test]
fn what_is_no_push_is_refused_and_leaves_nothing() {
    let folder = folder();
    let started = site(folder.path());
    let protobuf = "Content-Type: application/x-protobuf";
    let json = "Content-Type: application/json";
    let bomb = gzip(&vec![b'x'; 17 * 1024 * 1024]);
    for (path, headers, body, expected) in [
        ("/api/v1/push/other", "", b"x".as_slice(), 403),
        ("/api/v1/push/team/a/b", "", b"x", 403),
        ("/api/v1/push/team/%2e%2e", "", b"x", 403),
        ("/api/v1/push/app", "Content-Encoding: br", b"x", 415),
        ("/api/v1/push/app", "Content-Encoding: gzip", b"no gzip", 400),
        ("/api/v1/push/app", "Content-Encoding: gzip", &bomb, 413),
        ("/api/v1/push/app", "", &vec![b'x'; 5 * 1024 * 1024], 413),
        ("/api/v1/push/app", "Origin: https://evil.example", b"x", 403),
        ("/loki/api/v1/push", protobuf, b"no snappy", 400),
        ("/loki/api/v1/push", json, b"{}", 400),
        ("/loki/api/v1/push", "Content-Type: text/plain", b"x", 415),
        ("/v1/logs", protobuf, b"\xff\xff\xff", 400),
        ("/v1/logs", json, b"[", 400),
        ("/v1/logs", "", b"", 415),
    ] {
        let (status, answer) = push(&started, path, headers, body);
        assert_eq!(status, expected, "{path} {headers}: {answer}");
    }
    let (_, refused) = push(&started, "/v1/logs", json, b"[");
    assert!(refused.contains(r#""code":3"#) && refused.contains("message"), "{refused}");
    let (_, refused) = push(&started, "/api/v1/push/other", "", b"x");
    assert!(refused.contains("[push] names"), "it says what to do: {refused}");
    assert_eq!(push(&started, "/api/v1/push/app", "", b"the only line").0, 204);
    wait_for(|| get(&started, "/s/push/app") == "the only line\n");
    started.stop();
}
