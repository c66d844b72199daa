//! What was rotated away before the server came, and what is while it is there: one log, and links
//! that lead where they led.

mod common;

use std::fs;
use std::io::Write as _;

use common::{Page, Running, Site, VIEW, append, create, texts};
use tailwater_protocol::{
    Anchor, Attention, Bookmark, ClientMessage, Frame, Position, RequestId, ServerMessage, Window,
    WindowRequest,
};

const ROWS: Attention = Attention::Rows(100);

fn lines(day: u32, count: u32) -> String {
    (0..count).map(|number| format!("day {day} line {number}\n")).collect()
}

fn gzip(site: &Site, name: &str, text: &str) {
    let file = fs::File::create(site.path(name)).expect("made");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("packed");
    encoder.finish().expect("packed");
}

/// As gzip does it: the plain file goes when the other is whole.
fn compress(site: &Site, name: &str) {
    let text = fs::read_to_string(site.path(name)).expect("there");
    gzip(site, &format!("{name}.gz"), &text);
    fs::remove_file(site.path(name)).expect("removed");
}

fn rename(site: &Site, from: &str, to: &str) {
    fs::rename(site.path(from), site.path(to)).expect("renamed");
}

fn files(frame: &Frame) -> Vec<&str> {
    frame.outline.spans.iter().map(|span| span.file.as_str()).collect()
}

async fn open(running: &Running) -> Page {
    let mut page = running.page().await;
    page.open("logs/app.log", None, ROWS).await.expect("sent");
    page
}

async fn window(page: &mut Page, anchor: Anchor, after: u16) -> Window {
    let request = WindowRequest { request: RequestId(1), view: VIEW, anchor, before: 0, after };
    page.send(ClientMessage::Window(request)).await.expect("sent");
    loop {
        match page.next().await.expect("the line holds") {
            ServerMessage::Window(window) => return window,
            ServerMessage::Refused { refusal, .. } => panic!("{refusal:?}"),
            ServerMessage::Frame { frame, .. } => {
                let sequence = frame.sequence;
                page.send(ClientMessage::Ack { view: VIEW, sequence }).await.expect("sent");
            }
            _ => {}
        }
    }
}

fn rows(window: &Window) -> Vec<(Position, String)> {
    let rows = window.blocks.iter().flat_map(|rows| rows.iter().collect::<Vec<_>>());
    rows.map(|row| (row.position, row.text.to_owned())).collect()
}

fn body(answer: &str) -> String {
    // Chunks of a stream, put together.
    let (_, mut rest) = answer.split_once("\r\n\r\n").expect("an answer");
    let mut body = String::new();
    while let Some((len, after)) = rest.split_once("\r\n") {
        let len = usize::from_str_radix(len, 16).expect("a length");
        let Some(chunk) = after.get(..len).filter(|chunk| !chunk.is_empty()) else { break };
        body.push_str(chunk);
        rest = after.get(len + 2..).expect("an end");
    }
    body
}

#[tokio::test]
async fn a_log_begins_with_what_was_rotated_away() {
    let site = Site::new(&["."]);
    site.append("app.log", &lines(5, 30));
    site.append("app.log.1", &lines(4, 30));
    gzip(&site, "app.log.2.gz", &lines(3, 30));
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let packed = ruzstd::encoding::compress_to_vec(lines(2, 30).as_bytes(), level);
    fs::write(site.path("app.log.3.zst"), packed).expect("written");
    gzip(&site, "app-2026-10-01.log.gz", &lines(1, 30));
    let old = fs::File::options().append(true).open(site.path("app-2026-10-01.log.gz"));
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    old.expect("there").set_modified(long_ago).expect("dated");
    fs::write(site.path("app.log.9.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3, 4]).expect("written");
    site.append("app.log.bak", &lines(5, 30));

    let running = site.start().await;
    let mut page = open(&running).await;
    // The end is there at once, whatever lies before it.
    let first = page.frame().await.expect("a frame");
    assert_eq!(texts(&first).last().map(String::as_str), Some("day 5 line 29"));
    let whole = ["app-2026-10-01.log.gz", "app.log.3.zst", "app.log.2.gz", "app.log.1", "app.log"];
    page.frame_when(|frame| {
        let mut files = files(frame);
        files.retain(|file| *file != "app.log.9.gz");
        files == whole
    })
    .await;
    let window = window(&mut page, Anchor::Start, 400).await;
    let shown: String = rows(&window).into_iter().map(|(_, text)| text + "\n").collect();
    let all: String = (1..=5).map(|day| lines(day, 30)).collect();
    assert_eq!(shown, all);
    assert!(window.at_start && window.at_end);
    assert_eq!(body(&running.get("/s/logs/app.log?n=1000").await), all);
    assert_eq!(body(&running.get("/s/logs/app.log?n=31").await).lines().count(), 31);
    let list = body(&running.get("/").await);
    assert!(!list.contains("app.log.1") && !list.contains("2026-10-01"), "{list}");
    running.stop().await;
}

#[tokio::test]
async fn a_link_outlives_rotation_compression_and_a_restart() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "");
    let running = site.start().await;
    let mut page = open(&running).await;
    page.frame().await.expect("a frame");
    append(&site.path("app.log"), &lines(1, 500));
    page.frame_when(|frame| texts(frame).iter().any(|text| text == "day 1 line 499")).await;
    let linked = rows(&window(&mut page, Anchor::Line(124), 1).await);
    let [(link, text)] = linked.as_slice() else { panic!("{linked:?}") };
    assert_eq!(text, "day 1 line 123");

    // While somebody looks.
    rename(&site, "app.log", "app.log.1");
    create(&site.path("app.log"), &lines(2, 300));
    page.frame_when(|frame| {
        files(frame) == ["app.log.1", "app.log"] || files(frame) == ["app.log", "app.log"]
    })
    .await;
    compress(&site, "app.log.1");
    page.frame_when(|frame| {
        let first = frame.outline.spans.first();
        first.is_some_and(|span| span.file == "app.log.1.gz" && span.lost.is_none())
    })
    .await;
    let again = rows(&window(&mut page, Anchor::At(*link), 1).await);
    assert_eq!(again, linked);
    let end = page_end(&mut page).await;
    running.stop().await;

    // While nobody does.
    rename(&site, "app.log.1.gz", "app.log.2.gz");
    rename(&site, "app.log", "app.log.1");
    append(&site.path("app.log.1"), "day 2 line 300\n");
    compress(&site, "app.log.1");
    create(&site.path("app.log"), &lines(3, 5));
    let running = site.start().await;
    let mut page = open(&running).await;
    // Asked for before anybody could know what lies there.
    assert_eq!(rows(&window(&mut page, Anchor::At(*link), 1).await), linked);
    let rest = body(&running.get(&format!("/s/logs/app.log?from={link}")).await);
    let expected = format!("{}{}{}", lines(1, 500), lines(2, 301), lines(3, 5));
    assert!(expected.ends_with(&rest) && rest.starts_with("day 1 line 123\n"), "{rest}");
    // A page that comes back goes on where it stood, in what is compressed by now.
    let mut back = running.page().await;
    back.open("logs/app.log", Some(end), ROWS).await.expect("sent");
    let frame = back.frame().await.expect("a frame");
    assert!(frame.continues);
    let missed: Vec<String> = ["day 2 line 300".to_owned()]
        .into_iter()
        .chain(lines(3, 5).lines().map(str::to_owned))
        .collect();
    assert_eq!(texts(&frame), missed);
    running.stop().await;
}

/// Where the page stands.
async fn page_end(page: &mut Page) -> Bookmark {
    page.open("logs/app.log", None, ROWS).await.expect("sent");
    page.frame().await.expect("a frame").end.expect("there are lines")
}
