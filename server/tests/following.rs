//! Logs that grow, rotate, vanish and come: what a page and a text reader are shown.

mod common;

use common::{Site, VIEW, append, create, texts};
use tailwater_protocol::{
    Anchor, Attention, Began, ClientMessage, LogState, RequestId, ServerMessage, WindowRequest,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const ROWS: Attention = Attention::Rows(100);

#[tokio::test]
async fn what_is_appended_is_shown() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\n");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, ROWS).await.expect("sent");
    let frame = page.frame().await.expect("a frame");
    assert_eq!(texts(&frame), ["one", "two"]);
    assert_eq!(frame.state, LogState::Live);
    assert_eq!(frame.outline.spans.first().map(|span| span.began), Some(Began::Found));
    site.append("app.log", "thr");
    let frame = page.frame_when(|frame| !frame.blocks.is_empty()).await;
    assert!(frame.continues);
    assert_eq!(texts(&frame), ["thr"]);
    site.append("app.log", "ee\nfour\n");
    let frame = page.frame_when(|frame| texts(frame).iter().any(|text| text == "four")).await;
    assert!(frame.continues, "the unfinished row is replaced");
    assert_eq!(texts(&frame), ["three", "four"]);
    running.stop().await;
}

#[tokio::test]
async fn a_page_that_looks_elsewhere_is_told_how_much_came() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    page.frame().await.expect("a frame");
    site.append("app.log", "two\nERROR three\nWARN four\n");
    let (mut lines, mut errors, mut warnings) = (0, 0, 0);
    while lines < 3 {
        let frame = page.frame().await.expect("a frame");
        assert!(frame.blocks.is_empty());
        lines += frame.passed.lines;
        errors += frame.passed.errors;
        warnings += frame.passed.warnings;
    }
    assert_eq!((lines, errors, warnings), (3, 1, 1));
    page.send(ClientMessage::Attend { view: VIEW, attention: ROWS }).await.expect("sent");
    let frame = page.frame_when(|frame| !frame.blocks.is_empty()).await;
    assert_eq!(texts(&frame), ["one", "two", "ERROR three", "WARN four"]);
    running.stop().await;
}

/// Does something to a log that is followed, and checks how its new generation is said to begin:
/// as the kernel announces it, and by the clock alone.
async fn check(change: impl Fn(&Site), began: Began, rows: &[&str]) {
    for poll in [false, true] {
        check_by(poll, &change, began, rows).await;
    }
}

async fn check_by(poll: bool, change: impl Fn(&Site), began: Began, rows: &[&str]) {
    let mut site = Site::new(&["app.log"]);
    site.config.poll = poll;
    site.append("app.log", "old 1\nold 2\n");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, ROWS).await.expect("sent");
    page.frame().await.expect("a frame");
    change(&site);
    let mut seen = Vec::new();
    let frame = loop {
        let frame = page.frame().await.expect("a frame");
        seen.extend(texts(&frame));
        if seen.last().is_some_and(|text| Some(text.as_str()) == rows.last().copied()) {
            break frame;
        }
    };
    assert_eq!(seen, rows);
    let last = frame.outline.spans.last().expect("a generation");
    assert_eq!(last.began, began, "{:?}", frame.outline);
    running.stop().await;
}

#[tokio::test]
async fn a_renamed_log_is_followed_into_its_successor() {
    check(
        |site| {
            site.append("app.log", "old 3\n");
            std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
            append(&site.path("app.log.1"), "late\n");
            create(&site.path("app.log"), "new 1\n");
        },
        Began::Rotated,
        &["old 3", "late", "new 1"],
    )
    .await;
}

#[tokio::test]
async fn a_truncated_log_starts_anew() {
    check(
        |site| {
            std::fs::copy(site.path("app.log"), site.path("app.log.1")).expect("copied");
            create(&site.path("app.log"), "new 1\n");
        },
        Began::Truncated,
        &["new 1"],
    )
    .await;
}

#[tokio::test]
async fn a_copied_and_truncated_log_is_read_to_the_end_of_its_copy() {
    check(
        |site| {
            site.append("app.log", "unseen\n");
            std::fs::copy(site.path("app.log"), site.path("app.log.1")).expect("copied");
            create(&site.path("app.log"), "");
            append(&site.path("app.log"), "new 1\n");
        },
        Began::Truncated,
        &["unseen", "new 1"],
    )
    .await;
}

#[tokio::test]
async fn a_log_rewritten_longer_starts_anew() {
    check(
        |site| create(&site.path("app.log"), "new and longer than before\nnew 2\n"),
        Began::Truncated,
        &["new and longer than before", "new 2"],
    )
    .await;
}

#[tokio::test]
async fn a_deleted_log_stays_readable_and_comes_back() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "old\n");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, ROWS).await.expect("sent");
    page.frame().await.expect("a frame");
    std::fs::remove_file(site.path("app.log")).expect("removed");
    page.frame_when(|frame| matches!(frame.state, LogState::Deleted(_))).await;
    let window = WindowRequest {
        request: RequestId(1),
        view: VIEW,
        anchor: Anchor::Start,
        before: 0,
        after: 5,
    };
    page.send(ClientMessage::Window(window)).await.expect("sent");
    let rows = loop {
        if let ServerMessage::Window(window) = page.next().await.expect("the line holds") {
            break window.blocks;
        }
    };
    assert_eq!(rows.first().map(|rows| rows.text.as_str()), Some("old\n"));
    create(&site.path("app.log"), "new\n");
    let frame = page.frame_when(|frame| texts(frame).contains(&"new".to_owned())).await;
    assert_eq!(frame.state, LogState::Live);
    assert_eq!(frame.outline.spans.last().map(|span| span.began), Some(Began::Recreated));
    running.stop().await;
}

#[tokio::test]
async fn a_log_that_comes_late_is_shown_when_it_comes() {
    let site = Site::new(&["deep/er/app.log"]);
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("er/app.log", None, ROWS).await.expect("sent");
    assert_eq!(page.frame().await.expect("a frame").state, LogState::Waiting);
    std::fs::create_dir_all(site.path("deep/er")).expect("made");
    create(&site.path("deep/er/app.log"), "at last\n");
    let frame = page.frame_when(|frame| texts(frame).contains(&"at last".to_owned())).await;
    assert_eq!(frame.outline.spans.last().map(|span| span.began), Some(Began::Appeared));
    running.stop().await;
}

#[tokio::test]
async fn a_glob_yields_what_comes_to_match() {
    let site = Site::new(&["*.log"]);
    site.append("a.log", "a\n");
    let running = site.start().await;
    let mut page = running.page().await;
    let mut names = Vec::new();
    while let Some(message) = page.next().await {
        let ServerMessage::Sources { changed, .. } = message else { continue };
        names.extend(changed.into_iter().map(|source| source.name.0));
        match names.len() {
            1 => site.append("b.log", "b\n"),
            2.. if names.iter().any(|name| name == "logs/b.log") => break,
            _ => {}
        }
    }
    assert_eq!(names.first().map(String::as_str), Some("logs/a.log"));
    running.stop().await;
}

#[tokio::test]
async fn curl_reads_the_same_lines_and_follows() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\nthree");
    let running = site.start().await;
    let all = running.get("/s/logs/app.log").await;
    assert!(all.contains("one\ntwo\nthree"), "{all}");
    let last = running.get("/s/logs/app.log?n=1").await;
    assert!(last.contains("three") && !last.contains("two"), "{last}");

    let mut stream = tokio::net::TcpStream::connect(running.address).await.expect("connected");
    let head = format!(
        "GET /s/logs/app.log?n=1&follow=1 HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        running.address,
        common::TOKEN
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut text = String::new();
    let mut buffer = [0; 4096];
    let mut appended = false;
    while !text.ends_with("three and a half\nfour\nfive\n") {
        let read = tokio::time::timeout(common::PATIENCE, stream.read(&mut buffer)).await;
        let read = read.expect("in time").expect("read");
        assert!(read > 0, "ended after {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        if !appended && text.contains("three") {
            appended = true;
            site.append("app.log", " and a half\nfour\n");
            std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
            create(&site.path("app.log"), "five\n");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn hostile_bytes_arrive_as_text() {
    let site = Site::new(&["app.log"]);
    let mut bytes = b"<script>alert(1)</script>\n\x1b[31mred\x1b[0m \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\n".to_vec();
    bytes.extend(b"\xff\xfe bad \xe4\xbd\n\0\0nul\r\n\x1b]52;c;evil\x07\n");
    bytes.extend(vec![b'x'; 3_000_000]);
    bytes.extend(b"\nlast\n");
    std::fs::write(site.path("app.log"), &bytes).expect("written");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, ROWS).await.expect("sent");
    let frame = page.frame().await.expect("a frame");
    let rows = texts(&frame);
    assert_eq!(rows.first().map(String::as_str), Some("<script>alert(1)</script>"));
    assert_eq!(rows.get(1).map(String::as_str), Some("red link"));
    assert!(
        rows.iter()
            .all(|row| row.len() <= 4096 && !row.chars().any(|c| c.is_control() && c != '\t')),
        "{rows:?}"
    );
    assert_eq!(rows.last().map(String::as_str), Some("last"));
    let cut: u64 = frame
        .blocks
        .iter()
        .flat_map(|rows| rows.iter().map(|row| row.cut).collect::<Vec<_>>())
        .sum();
    assert!(cut > 2_900_000, "{cut}");
    running.stop().await;
}
