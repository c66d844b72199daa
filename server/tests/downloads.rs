//! A log as a file: whole or in part, of one life only, and never beyond what was written.

mod common;

use common::{Running, Site, TOKEN, append, create};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map_or("", |(_, value)| value)
    }
}

async fn ask(running: &Running, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(running.address).await.expect("connected");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n{headers}\r\n",
        running.address
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head, body: answer[end + 4..].to_vec() }
}

const PATH: &str = "/api/v1/download/logs/app.log";

#[tokio::test]
async fn a_download_that_broke_off_goes_on_although_the_log_grew() {
    let site = Site::new(&["app.log"]);
    let all: String = (0..50_000).map(|n| format!("line {n}\r\n")).collect();
    site.append("app.log", &all);
    let running = site.start().await;
    let head = ask(&running, "HEAD", PATH, "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), all.len().to_string());
    assert_eq!(head.header("accept-ranges"), "bytes");
    assert!(head.header("content-security-policy").contains("sandbox"));
    assert!(head.header("content-disposition").starts_with("attachment; filename=\"app.log\""));
    let whole = ask(&running, "GET", PATH, "").await;
    assert!(whole.body == all.as_bytes(), "{} bytes", whole.body.len());
    let tag = whole.header("etag").to_owned();
    assert_eq!(tag, head.header("etag"));

    let first = ask(&running, "GET", PATH, "Range: bytes=0-99999\r\n").await;
    assert_eq!((first.status, first.body.len()), (206, 100_000));
    append(&site.path("app.log"), "more\n");
    // The server hears of it when it does; what there was stays as it is, and so does the tag.
    let on = format!("Range: bytes=100000-\r\nIf-Range: {tag}\r\n");
    let mut rest = ask(&running, "GET", PATH, &on).await;
    while rest.body.len() + 100_000 < all.len() + 5 {
        assert_eq!((rest.status, rest.header("etag")), (206, tag.as_str()));
        rest = ask(&running, "GET", PATH, &on).await;
    }
    let both = [first.body, rest.body].concat();
    assert!(both == format!("{all}more\n").as_bytes());

    let beyond = ask(&running, "GET", PATH, "Range: bytes=99999999-\r\n").await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", all.len() + 5));
    running.stop().await;
}

#[tokio::test]
async fn an_earlier_life_is_found_where_it_said() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    let running = site.start().await;
    let before = ask(&running, "GET", PATH, "").await;
    let place = format!("{PATH}{}", before.header("content-location"));
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
    create(&site.path("app.log"), "two\nthree\n");
    let mut now = ask(&running, "GET", PATH, "").await;
    while now.body != b"two\nthree\n" {
        now = ask(&running, "GET", PATH, "").await;
    }
    assert_ne!(now.header("etag"), before.header("etag"));
    // Who goes on under the old tag is given the new log from its start, not the middle of it.
    let stale = format!("Range: bytes=2-\r\nIf-Range: {}\r\n", before.header("etag"));
    let again = ask(&running, "GET", PATH, &stale).await;
    assert_eq!((again.status, again.body.as_slice()), (200, &b"two\nthree\n"[..]));
    let old = ask(&running, "GET", &place, "").await;
    assert_eq!((old.status, old.body.as_slice()), (200, &b"one\n"[..]));
    let all = ask(&running, "GET", &format!("{PATH}?generation=all"), "").await;
    assert_eq!(all.body, b"one\ntwo\nthree\n");
    let across = ask(
        &running,
        "GET",
        &format!("{PATH}?generation=all"),
        &format!("Range: bytes=2-5\r\nIf-Range: {}\r\n", all.header("etag")),
    )
    .await;
    assert_eq!((across.status, across.body.as_slice()), (206, &b"e\ntw"[..]));
    for (path, status) in [
        ("/api/v1/download/logs/nothing.log", 404),
        ("/api/v1/download/logs/..%2Fstate", 404),
        ("/api/v1/download/logs/app.log?generation=00000000", 410),
        ("/api/v1/download/logs/app.log?generation=x", 400),
    ] {
        assert_eq!(ask(&running, "GET", path, "").await.status, status, "{path}");
    }
    running.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is asked for, it is those bytes of what was written before.
    #[test]
    fn any_range_is_those_bytes(
        log in prop::collection::vec(any::<u8>(), 1..3000),
        asks in prop::collection::vec((0_usize..3200, 0_usize..3200), 1..8),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let site = Site::new(&["app.log"]);
            std::fs::write(site.path("app.log"), &log).expect("written");
            let running = site.start().await;
            for (first, last) in asks {
                let range = format!("Range: bytes={first}-{last}\r\n");
                let answer = ask(&running, "GET", PATH, &range).await;
                if last < first {
                    assert!(answer.status == 200 && answer.body == log);
                } else if first >= log.len() {
                    assert_eq!(answer.status, 416);
                } else {
                    let end = log.len().min(last + 1);
                    assert!(answer.status == 206 && answer.body == log[first..end]);
                }
            }
            running.stop().await;
        });
    }
}
