//! A view that shows only what matches: its windows and frames, what is said of it, where it goes
//! on after a break. And the same lines by every other door.

mod common;

use common::{Page, Running, Site, TOKEN, VIEW, append, texts};
use futures_util::StreamExt as _;
use tailwater_protocol::{
    Anchor, Attention, Bookmark, Chip, ClientMessage, Filter, FilterId, Filtering, FindId, Finding,
    LogName, Number, Progress, RequestId, Rows, ServerMessage, Window, WindowRequest,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// Lines of which every hundredth is a hit, the odd ones of them warnings.
fn lines(from: u64, to: u64) -> String {
    let line = |n: u64| match n % 200 {
        0 => format!("line {n} hit\n"),
        100 => format!("line {n} WARN hit\n"),
        _ => format!("line {n} served\n"),
    };
    (from..=to).map(line).collect()
}

fn hits() -> Filter {
    Filter { include: vec!["hit".to_owned()], ..Filter::default() }
}

async fn open(page: &mut Page, from: Option<Bookmark>, attention: Attention, filter: Filter) {
    let log = LogName("logs/app.log".to_owned());
    let filter = Some((FilterId(7), filter));
    let open = ClientMessage::Open { view: VIEW, log, from, attention, filter };
    page.send(open).await.expect("sent");
}

async fn window(page: &mut Page, anchor: Anchor, before: u16, after: u16) -> Window {
    let request = RequestId(1);
    let wanted = WindowRequest { request, view: VIEW, anchor, before, after };
    page.send(ClientMessage::Window(wanted)).await.expect("sent");
    loop {
        if let ServerMessage::Window(window) = page.next().await.expect("the line holds") {
            return window;
        }
    }
}

async fn filtering(page: &mut Page, wanted: impl Fn(&Filtering) -> bool) -> Filtering {
    loop {
        if let ServerMessage::Filtering { id, filtering, .. } =
            page.next().await.expect("the line holds")
        {
            assert_eq!(id, FilterId(7));
            if wanted(&filtering) {
                return filtering;
            }
        }
    }
}

fn rows(window: &Window) -> Vec<(u64, String)> {
    let all = window.blocks.iter().flat_map(Rows::iter);
    all.map(|row| match row.number {
        Number::Exact(number) => (number, row.text.to_owned()),
        other => panic!("{other:?}"),
    })
    .collect()
}

#[tokio::test]
async fn a_window_has_what_matches_with_its_own_numbers() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &lines(1, 10_000));
    let running = site.start().await;
    let mut page = running.page().await;
    open(&mut page, None, Attention::Counts, hits()).await;
    let known = filtering(&mut page, |known| {
        matches!(known, Filtering::Progress(Progress { complete: true, .. }))
    });
    let Filtering::Progress(known) = known.await else { panic!("progress") };
    assert_eq!(known.hits, 100);
    let last = window(&mut page, Anchor::End, 20, 0).await;
    assert_eq!(rows(&last).len(), 20);
    assert_eq!(rows(&last)[19], (10_000, "line 10000 hit".to_owned()));
    assert_eq!(last.picked.as_ref().map(|picked| picked.filter), Some(FilterId(7)));
    let (from, _) = last.picked.expect("picked").stretch.expect("something");
    let before = window(&mut page, Anchor::At(from), 5, 0).await;
    let expected: Vec<_> = (76..=80_u64)
        .map(|n| {
            (n * 100, format!("line {} {}hit", n * 100, if n % 2 == 1 { "WARN " } else { "" }))
        })
        .collect();
    assert_eq!(rows(&before), expected);
    assert!(!before.at_start);
    // By its own number, and the next that is shown.
    let at = window(&mut page, Anchor::Line(4950), 1, 2).await;
    let numbers: Vec<u64> = rows(&at).iter().map(|row| row.0).collect();
    assert_eq!((numbers, at.anchor), (vec![4900, 5000, 5100], 1));
    // What is found is found among what is shown.
    let find = ClientMessage::Find { view: VIEW, find: FindId(1), query: Some("line".to_owned()) };
    page.send(find).await.expect("sent");
    loop {
        if let ServerMessage::Finding { finding: Finding::Progress(progress), .. } =
            page.next().await.expect("the line holds")
            && progress.complete
        {
            assert_eq!(progress.hits, 100);
            break;
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_follower_is_shown_and_told_of_what_matches_alone() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &lines(1, 150));
    let running = site.start().await;
    let mut page = running.page().await;
    open(&mut page, None, Attention::Rows(20), Filter { context: 1, ..hits() }).await;
    let first = page.frame().await.expect("a frame");
    assert_eq!(texts(&first), ["line 99 served", "line 100 WARN hit", "line 101 served"]);
    assert_eq!(first.picked.expect("picked").aside, [0, 2]);
    site.append("app.log", &lines(151, 160));
    site.append("app.log", "an unfinished h");
    site.append("app.log", "it\nand a WARN hit\n");
    let (mut told, mut shown) = (0, Vec::new());
    let mut warnings = 0;
    while told < 2 {
        let frame = page.frame().await.expect("a frame");
        assert!(frame.continues);
        told += frame.passed.lines;
        warnings += frame.passed.warnings;
        shown = texts(&frame);
    }
    assert_eq!((told, warnings), (2, 1));
    // Its company stood there before it came.
    assert_eq!(
        shown,
        ["line 160 served", "an unfinished hit", "and a WARN hit"][3 - shown.len()..]
    );
    assert!(shown.len() >= 2);
    // Rotation goes on in the new file.
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
    site.append("app.log", "another hit\n");
    let frame =
        page.frame_when(|frame| texts(frame).last().is_some_and(|t| t == "another hit")).await;
    assert_eq!(frame.outline.spans.len(), 2);
    // All lines again.
    let all = ClientMessage::Filter { view: VIEW, id: FilterId(8), filter: Filter::default() };
    page.send(all).await.expect("sent");
    let frame = page.frame_when(|frame| frame.picked.is_none()).await;
    assert_eq!(texts(&frame).len(), 20);
    assert!(!frame.continues);
    running.stop().await;
}

#[tokio::test]
async fn one_line_of_many_is_come_to_a_part_at_a_time() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "the only needle\n");
    let much = "nothing to see here, and no end of it for a while\n".repeat(20_000);
    for _ in 0..40 {
        site.append("app.log", &much);
    }
    let running = site.start().await;
    let mut page = running.page().await;
    let needle = Filter { include: vec!["needle".to_owned()], ..Filter::default() };
    open(&mut page, None, Attention::Rows(20), needle).await;
    let first = page.frame().await.expect("a frame");
    let mut found = texts(&first);
    let (mut from, _) = first.picked.expect("picked").stretch.expect("something");
    let mut asked = 0;
    loop {
        let window = window(&mut page, Anchor::At(from), 20, 0).await;
        let (start, _) = window.picked.as_ref().expect("picked").stretch.expect("something");
        assert!(start.offset < from.offset || window.at_start, "it comes further each time");
        from = start;
        found.extend(rows_text(&window));
        asked += 1;
        if window.at_start {
            break;
        }
    }
    assert_eq!((found, from.offset), (vec!["the only needle".to_owned()], 0));
    assert!(asked < 1000);
    running.stop().await;
}

fn rows_text(window: &Window) -> Vec<String> {
    let all = window.blocks.iter().flat_map(Rows::iter);
    all.map(|row| row.text.to_owned()).collect()
}

#[tokio::test]
async fn what_is_wrong_with_a_filter_is_said_of_its_part_and_nothing_changes() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &lines(1, 1000));
    let running = site.start().await;
    let mut page = running.page().await;
    open(&mut page, None, Attention::Rows(20), hits()).await;
    page.frame().await.expect("a frame");
    for (exclude, at) in [("served (", 7), ("/a(b/", 2)] {
        let filter = Filter { exclude: vec!["fine".to_owned(), exclude.to_owned()], ..hits() };
        page.send(ClientMessage::Filter { view: VIEW, id: FilterId(7), filter })
            .await
            .expect("sent");
        let wrong = filtering(&mut page, |known| matches!(known, Filtering::Wrong { .. })).await;
        let Filtering::Wrong { part, start, why, .. } = wrong else { panic!("wrong") };
        assert_eq!((part, start), (Chip::Exclude(1), at), "{why}");
    }
    let window = window(&mut page, Anchor::End, 2, 0).await;
    assert_eq!(rows_text(&window), ["line 900 WARN hit", "line 1000 hit"]);
    running.stop().await;
}

#[tokio::test]
async fn a_page_that_comes_back_goes_on_exactly() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &lines(1, 1000));
    let running = site.start().await;
    let mut page = running.page().await;
    open(&mut page, None, Attention::Rows(20), hits()).await;
    let end = page.frame().await.expect("a frame").end;
    running.stop().await;
    site.append("app.log", &lines(1001, 1150));
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
    site.append("app.log", &lines(1151, 1250));
    let running = site.start().await;
    let mut page = running.page().await;
    open(&mut page, end, Attention::Rows(20), hits()).await;
    let frame = page.frame().await.expect("a frame");
    assert!(frame.continues);
    assert_eq!(texts(&frame), ["line 1100 WARN hit", "line 1200 hit"]);
    assert_eq!(frame.passed.lines, 2);
    running.stop().await;
}

fn body(answer: &str) -> Vec<&str> {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    // Sizes of chunks are no lines of the log.
    body.lines().filter(|line| line.contains(' ')).collect()
}

#[tokio::test]
async fn the_same_address_gives_the_same_lines_as_text() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &lines(1, 10_000));
    let running = site.start().await;
    let get = |query: &str| {
        let path = format!("/s/logs/app.log?{query}");
        let running = &running;
        async move { running.get(&path).await }
    };
    assert_eq!(body(&get("f=hit&n=2").await), ["line 9900 WARN hit", "line 10000 hit"]);
    assert_eq!(body(&get("f=hit&x=warn&n=2").await), ["line 9800 hit", "line 10000 hit"]);
    assert_eq!(body(&get("lv=warn&f=line+9700").await), ["line 9700 WARN hit"]);
    assert_eq!(
        body(&get("f=%2Fline+5000+%2F&c=1").await),
        ["line 4999 served", "line 5000 hit", "line 5001 served"]
    );
    let all = get("f=hit&n=1000").await;
    assert_eq!(body(&all).len(), 100);
    for (query, part) in [("f=a+(", "`f`"), ("x=%2Fa(%2F", "`x`"), ("from=soon", "`from`")] {
        let answer = get(query).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(part), "{query}: {answer}");
    }
    running.stop().await;
}

/// Lines of an answer that goes on.
async fn stream(running: &Running, path: &str, accept: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(running.address).await.expect("connected");
    let head = format!(
        "GET {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nAccept: {accept}\r\n\r\n",
        running.address
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    BufReader::new(stream)
}

async fn next(stream: &mut BufReader<TcpStream>, wanted: &str) -> String {
    loop {
        let mut line = String::new();
        let read = tokio::time::timeout(common::PATIENCE, stream.read_line(&mut line)).await;
        assert!(read.expect("in time").expect("read") > 0, "it goes on");
        if let Some(rest) = line.trim_end().strip_prefix(wanted) {
            return rest.to_owned();
        }
    }
}

#[tokio::test]
async fn every_door_gives_each_reader_its_own_lines_as_they_come() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &lines(1, 250));
    let running = site.start().await;
    let path = "/s/logs/app.log?f=hit&follow=1&n=1";
    let mut text = stream(&running, path, "text/plain").await;
    assert_eq!(next(&mut text, "line ").await, "200 hit");
    let mut events = stream(&running, "/s/logs/app.log?f=hit&c=1&n=1", "text/event-stream").await;
    for expected in ["199 served", "200 hit"] {
        assert_eq!(next(&mut events, "data: line ").await, expected);
    }
    let cut = next(&mut events, "id: ").await;
    drop(events);
    let mut request =
        format!("ws://{}/ws/logs/app.log?tail=1&n=1&x=served&lv=warn", running.address)
            .into_client_request()
            .expect("a request");
    let bearer = format!("Bearer {TOKEN}").parse().expect("plain");
    request.headers_mut().insert("authorization", bearer);
    let socket = TcpStream::connect(running.address).await.expect("connected");
    let (mut socket, _) = tokio_tungstenite::client_async(request, socket).await.expect("a socket");
    let mut said = async || loop {
        let message = socket.next().await.expect("it goes on").expect("a message");
        if let Message::Text(text) = message {
            return text.to_string();
        }
    };
    assert_eq!(said().await, "line 100 WARN hit");
    append(&site.path("app.log"), &lines(251, 450));
    assert_eq!(next(&mut text, "line ").await, "300 WARN hit");
    assert_eq!(next(&mut text, "line ").await, "400 hit");
    assert_eq!(said().await, "line 300 WARN hit");
    // Who comes back amid the company of a line is given the rest of it.
    let back = format!("/s/logs/app.log?f=hit&c=1&from={cut}");
    let mut events = stream(&running, &back, "text/event-stream").await;
    for expected in ["201 served", "299 served", "300 WARN hit", "301 served", "399 served"] {
        assert_eq!(next(&mut events, "data: line ").await, expected);
    }
    running.stop().await;
}
