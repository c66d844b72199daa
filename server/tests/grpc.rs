//! gRPC by its own client: every line once and in order, across a broken connection and a rotation,
//! at the reader's pace; the same login and the same rules as everywhere.

mod common;

use axum::http::{Extensions, HeaderMap};
use common::{PATIENCE, Running, Site, TOKEN, append, create};
use tailwater::auth::rules::{Rule, Rules};
use tailwater::auth::{SignIn, users};
use tailwater::grpc::wire::log_entry::Kind;
use tailwater::grpc::wire::log_service_client::LogServiceClient;
use tailwater::grpc::wire::{Level, ListLogsRequest, LogEntry, LogRequest, ReadRangeRequest};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Streaming};

async fn client(running: &Running) -> LogServiceClient<Channel> {
    let endpoint =
        Endpoint::from_shared(format!("http://{}", running.address)).expect("an address");
    LogServiceClient::new(endpoint.connect().await.expect("connected"))
        .max_decoding_message_size(8 * 1024 * 1024)
}

fn with<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("plain");
    request.metadata_mut().insert("authorization", value);
    request
}

fn wanted(lines: u32, from: &str) -> Request<LogRequest> {
    let (service_name, from) = ("logs/app.log".to_owned(), from.to_owned());
    with(LogRequest { service_name, lines: Some(lines), from }, TOKEN)
}

async fn next(stream: &mut Streaming<LogEntry>) -> LogEntry {
    let entry = tokio::time::timeout(PATIENCE, stream.message()).await.expect("in time");
    entry.expect("no error").expect("more")
}

/// The next entries that are lines.
async fn lines(stream: &mut Streaming<LogEntry>, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.len() < count {
        let entry = next(stream).await;
        if entry.kind() == Kind::Line {
            lines.push(entry.message);
        }
    }
    lines
}

fn numbered(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("line {number}\n")).collect()
}

#[tokio::test]
async fn a_log_is_streamed_with_what_its_lines_say() {
    let site = Site::new(&["app.log"]);
    create(
        &site.path("app.log"),
        "2026-11-20T10:00:00.250Z ERROR no disk\n2026-11-20T10:00:01Z INFO fine\nplain \u{fffd}\n",
    );
    let running = site.start().await;
    let mut client = client(&running).await;
    let logs = client.list_logs(with(ListLogsRequest {}, TOKEN)).await.expect("a list");
    let names: Vec<_> =
        logs.into_inner().logs.into_iter().map(|log| (log.name, log.bytes)).collect();
    let bytes = std::fs::metadata(site.path("app.log")).expect("there").len();
    assert_eq!(names, [("logs/app.log".to_owned(), bytes)]);

    let mut stream = client.stream_logs(wanted(3, "")).await.expect("a stream").into_inner();
    let first = next(&mut stream).await;
    assert_eq!(
        (first.message.as_str(), first.level()),
        ("2026-11-20T10:00:00.250Z ERROR no disk", Level::Error)
    );
    let time = first.timestamp.expect("it says when");
    assert_eq!((time.seconds, time.nanos), (1_795_168_800, 250_000_000));
    let second = next(&mut stream).await;
    assert_eq!(second.level(), Level::Info);
    let third = next(&mut stream).await;
    assert_eq!((third.timestamp, third.level()), (None, Level::Unspecified));
    append(&site.path("app.log"), "appended\n");
    assert_eq!(next(&mut stream).await.message, "appended");
    drop(stream);

    // What comes again goes on exactly there, also in another life of the log.
    append(&site.path("app.log"), "meanwhile\n");
    let mut again = client.stream_logs(wanted(0, &second.id)).await.expect("a stream").into_inner();
    assert_eq!(lines(&mut again, 3).await, ["plain \u{fffd}", "appended", "meanwhile"]);
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("rotated");
    create(&site.path("app.log"), "anew\n");
    let turned = next(&mut again).await;
    assert_eq!(turned.kind(), Kind::Turned);
    assert_eq!(next(&mut again).await.message, "anew");
    running.stop().await;
    let end = loop {
        match again.message().await {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(status) => break Some(status.code()),
        }
    };
    assert!(matches!(end, Some(Code::Unavailable | Code::Unknown | Code::Internal)), "{end:?}");
}

#[tokio::test]
async fn a_hundred_thousand_lines_come_whole_and_a_range_of_them() {
    const LINES: u32 = 100_000;
    let site = Site::new(&["app.log"]);
    create(&site.path("app.log"), &numbered(0..LINES));
    let running = site.start().await;
    let mut client = client(&running).await;
    let all = |from: &str, limit| {
        let service_name = "logs/app.log".to_owned();
        with(ReadRangeRequest { service_name, from: from.to_owned(), limit }, TOKEN)
    };
    let mut stream = client.read_range(all("", 0)).await.expect("a stream").into_inner();
    let (mut count, mut middle) = (0, String::new());
    while let Some(entry) = stream.message().await.expect("no error") {
        assert_eq!(entry.message, format!("line {count}"));
        count += 1;
        if count == LINES / 2 {
            middle = entry.id;
        }
    }
    assert_eq!(count, LINES);
    let mut stream = client.read_range(all(&middle, 3)).await.expect("a stream").into_inner();
    let mut some = Vec::new();
    while let Some(entry) = stream.message().await.expect("no error") {
        some.push(entry.message);
    }
    assert_eq!(some, ["line 50000", "line 50001", "line 50002"]);
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_read_ahead_of_a_reader_that_rests() {
    let site = Site::new(&["app.log"]);
    let line = "x".repeat(1000);
    let text: String = (0..64_000).map(|number| format!("{number} {line}\n")).collect();
    create(&site.path("app.log"), &text);
    let running = site.start().await;
    let read = || -> u64 {
        let io = std::fs::read_to_string("/proc/self/io").expect("counted");
        let line = io.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("there");
        line.parse().expect("a number")
    };
    let before = read();
    let mut client = client(&running).await;
    let whole = ReadRangeRequest { service_name: "logs/app.log".to_owned(), ..Default::default() };
    let whole = with(whole, TOKEN);
    let mut stream = client.read_range(whole).await.expect("a stream").into_inner();
    assert!(next(&mut stream).await.message.starts_with("0 "));
    // Others are served while it rests, and the log is not read for it.
    for _ in 0..200 {
        assert!(running.get("/healthz").await.ends_with("ok\n"));
    }
    let ahead = read() - before;
    // Its lines are counted behind the scenes, which reads it once; what is sent ahead would read it
    // once more.
    assert!(ahead < text.len() as u64 * 3 / 2, "{ahead} bytes were read");
    assert!(lines(&mut stream, 63_999).await.last().expect("some").starts_with("63999 "));
    running.stop().await;
}

#[tokio::test]
async fn who_may_not_is_refused_as_everywhere() {
    let site = Site::new(&["app.log"]);
    create(&site.path("app.log"), "one\n");
    let running = site.start().await;
    let mut client = client(&running).await;
    for token in ["", "wrong"] {
        let refused = client.list_logs(with(ListLogsRequest {}, token)).await.expect_err("nobody");
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
    }
    for (name, lines, from, code) in [
        ("logs/nothing.log", 1, "", Code::NotFound),
        ("../etc/passwd", 1, "", Code::NotFound),
        ("logs/app.log", 1, "nonsense", Code::InvalidArgument),
        ("logs/app.log", u32::MAX, "", Code::InvalidArgument),
        ("logs/app.log", 1, "9f3a:77", Code::OutOfRange),
    ] {
        let (service_name, from) = (name.to_owned(), from.to_owned());
        let request = with(LogRequest { service_name, lines: Some(lines), from }, TOKEN);
        let refused = client.stream_logs(request).await.expect_err(name);
        assert_eq!(refused.code(), code, "{name}: {refused}");
    }
    running.stop().await;
}

#[tokio::test]
async fn the_rules_hold_here_too() {
    let mut site = Site::new(&["."]);
    create(&site.path("open.log"), "shown\n");
    create(&site.path("closed.log"), "SECRET\n");
    let hash = users::hash("correct horse").expect("hashed");
    let path = site.folder.path().join("users");
    let alice = users::User { hash, groups: Vec::new() };
    users::store(&path, &users::Table::from([("alice".to_owned(), alice)])).expect("kept");
    site.config.users = Some(path);
    let rule = "users = ['alice']\nsources = ['logs/open*']\nactions = ['read']";
    let rule = toml::from_str::<Rule>(rule).expect("a rule");
    site.config.rules = Rules::new(vec![rule.clone()]).expect("sound");
    let running = site.start().await;
    let access = &running.shared.access;
    let nothing = access.credentials_of(&HeaderMap::new(), &Extensions::new());
    let SignIn::Good(cookie) = access.sign_in("alice", "correct horse", &nothing).await else {
        panic!("signed in")
    };
    let cookie = cookie.to_str().expect("plain").split(';').next().expect("a pair").to_owned();
    let mut client = client(&running).await;
    let origin = format!("http://{}", running.address);
    let request = |name: &str| {
        let message =
            LogRequest { service_name: name.to_owned(), lines: Some(5), ..Default::default() };
        let mut request = Request::new(message);
        request.metadata_mut().insert("cookie", cookie.parse().expect("plain"));
        request.metadata_mut().insert("origin", origin.parse().expect("plain"));
        request
    };
    let list = request("").map(|_| ListLogsRequest {});
    let logs = client.list_logs(list).await.expect("a list").into_inner().logs;
    assert_eq!(logs.iter().map(|log| log.name.as_str()).collect::<Vec<_>>(), ["logs/open.log"]);
    let hidden = client.stream_logs(request("logs/closed.log")).await.expect_err("hidden");
    let missing = client.stream_logs(request("logs/missing.log")).await.expect_err("missing");
    assert_eq!((hidden.code(), hidden.message()), (Code::NotFound, missing.message()));
    let range = request("").map(|_| ReadRangeRequest {
        service_name: "logs/closed.log".to_owned(),
        ..Default::default()
    });
    assert_eq!(client.read_range(range).await.expect_err("hidden").code(), Code::NotFound);
    let mut stream = client.stream_logs(request("logs/open.log")).await.expect("hers").into_inner();
    assert_eq!(next(&mut stream).await.message, "shown");
    // What is taken from her ends what she has.
    let rule = Rule { sources: vec!["other".to_owned()], ..rule };
    site.config.rules = Rules::new(vec![rule]).expect("sound");
    access.reload(&site.config).expect("reloaded");
    let ended = stream.message().await.expect_err("it ends");
    assert_eq!(ended.code(), Code::Unavailable, "{ended}");
    running.stop().await;
}

#[tokio::test]
async fn a_deadline_ends_a_stream() {
    let site = Site::new(&["app.log"]);
    create(&site.path("app.log"), "one\n");
    let running = site.start().await;
    let mut client = client(&running).await;
    let mut request = wanted(1, "");
    request.set_timeout(std::time::Duration::from_millis(300));
    let mut stream = client.stream_logs(request).await.expect("a stream").into_inner();
    assert_eq!(next(&mut stream).await.message, "one");
    let ended = stream.message().await.expect_err("the time is over");
    assert!(matches!(ended.code(), Code::DeadlineExceeded | Code::Cancelled), "{ended}");
    running.stop().await;
}
