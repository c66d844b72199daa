//! A closer look over the page's socket: details, stretches, the survey, the course of a log, and
//! what rows say of times and events.

mod common;

use common::{Page, Running, Site, VIEW};
use tailwater_protocol::{
    Anchor, Attention, ClientMessage, Direction, Grave, Level, Position, RequestId, ServerMessage,
    Sought, Stretch, Survey, WindowRequest,
};

/// 2026-11-21T10:00:00Z.
const TEN: i64 = 1_795_255_200_000_000_000;

/// A hundred lines, a minute apart: each tenth an error with a trace, each seventh a warning.
async fn site() -> (Site, Running, Page) {
    let site = Site::new(&["app.log"]);
    let line = |n: u32| {
        let level = match n {
            n if n.is_multiple_of(10) => "ERROR",
            n if n.is_multiple_of(7) => "WARN",
            _ => "INFO",
        };
        let time = format!("2026-11-21T{:02}:{:02}:00Z", 10 + n / 60, n % 60);
        let trace = if level == "ERROR" { "\tat one\n\tat two\n" } else { "" };
        format!("{time} {level} n={n} took=\"5 ms\"\n{trace}")
    };
    site.append("app.log", &(0..100).map(line).collect::<String>());
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    (site, running, page)
}

/// The next message that `wanted` makes something of.
async fn hear<T>(page: &mut Page, wanted: impl Fn(ServerMessage) -> Option<T>) -> T {
    loop {
        let message = page.next().await.expect("the line holds");
        if let ServerMessage::Frame { frame, .. } = &message {
            let sequence = frame.sequence;
            page.send(ClientMessage::Ack { view: VIEW, sequence }).await.expect("sent");
        }
        if let Some(found) = wanted(message) {
            return found;
        }
    }
}

async fn first_rows(page: &mut Page, anchor: Anchor) -> Vec<(Position, Option<i64>, bool)> {
    let request = RequestId(9);
    let ask = WindowRequest { request, view: VIEW, anchor, before: 0, after: 5 };
    page.send(ClientMessage::Window(ask)).await.expect("sent");
    hear(page, |message| match message {
        ServerMessage::Window(window) => {
            let rows = window.blocks.iter().flat_map(|rows| rows.iter());
            Some(rows.map(|row| (row.position, row.time, row.within)).collect())
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn rows_say_their_times_and_what_belongs_to_an_event() {
    let (_site, running, mut page) = site().await;
    let rows = first_rows(&mut page, Anchor::Start).await;
    let told: Vec<_> = rows.iter().map(|(_, time, within)| (*time, *within)).collect();
    let minute = |n: i64| Some(TEN + n * 60_000_000_000);
    let trace = (None, true);
    assert_eq!(told, [(minute(0), false), trace, trace, (minute(1), false), (minute(2), false)]);
    // And a place in time is found.
    let rows = first_rows(&mut page, Anchor::Time(TEN + 3 * 60_000_000_000 - 1)).await;
    assert_eq!(rows.first().and_then(|(_, time, _)| *time), minute(3));
    running.stop().await;
}

#[tokio::test]
async fn a_line_is_looked_at_and_lines_are_taken() {
    let (site, running, mut page) = site().await;
    let rows = first_rows(&mut page, Anchor::Start).await;
    let at = rows[3].0;
    page.send(ClientMessage::Details { request: RequestId(1), view: VIEW, at })
        .await
        .expect("sent");
    let details = hear(&mut page, |message| match message {
        ServerMessage::Details(details) => Some(details),
        _ => None,
    })
    .await;
    assert_eq!((details.at, details.level), (at, Level::Info));
    assert_eq!(details.time, Some(TEN + 60_000_000_000));
    let fields: Vec<_> = details.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(fields, [("n", "1"), ("took", "5 ms")]);
    let stretches = vec![Stretch { first: rows[0].0, last: rows[1].0 }];
    let take = ClientMessage::Take { request: RequestId(2), view: VIEW, stretches };
    page.send(take).await.expect("sent");
    let taken = hear(&mut page, |message| match message {
        ServerMessage::Taken(taken) => Some(taken),
        _ => None,
    })
    .await;
    let whole = std::fs::read_to_string(site.path("app.log")).expect("read");
    let expected: String = whole.split_inclusive('\n').take(2).collect();
    assert_eq!((taken.text, taken.left), (expected, 0));
    // What is not there is refused, and the line holds.
    let at = Position { offset: 1 << 40, ..at };
    page.send(ClientMessage::Details { request: RequestId(3), view: VIEW, at })
        .await
        .expect("sent");
    hear(&mut page, |message| match message {
        ServerMessage::Refused { request: Some(RequestId(3)), .. } => Some(()),
        _ => None,
    })
    .await;
    running.stop().await;
}

async fn survey(page: &mut Page, errors: u32, warnings: u32) -> Survey {
    hear(page, |message| match message {
        ServerMessage::Surveyed { survey, .. } => {
            let sum = |parts: &[u32]| parts.iter().sum::<u32>();
            let done = (sum(&survey.errors), sum(&survey.warnings)) == (errors, warnings);
            (done && survey.searched == survey.bytes).then_some(survey)
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn errors_and_warnings_are_surveyed_and_gone_to() {
    let (site, running, mut page) = site().await;
    page.send(ClientMessage::Survey { view: VIEW }).await.expect("sent");
    survey(&mut page, 10, 13).await;
    // Two pages share it, and what is new is taken in.
    let mut other = running.page().await;
    other.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    other.send(ClientMessage::Survey { view: VIEW }).await.expect("sent");
    survey(&mut other, 10, 13).await;
    site.append("app.log", "2026-11-21T13:00:00Z ERROR the last\n");
    survey(&mut page, 11, 13).await;
    survey(&mut other, 11, 13).await;
    let mut from = None;
    for (grave, expected) in
        [(Grave::Errors, TEN + 180 * 60_000_000_000), (Grave::Warnings, TEN + 98 * 60_000_000_000)]
    {
        let direction = Direction::Backward;
        let request = RequestId(7);
        let ask = ClientMessage::SeekGrave { request, view: VIEW, grave, from, direction };
        page.send(ask).await.expect("sent");
        let sought = hear(&mut page, |message| match message {
            ServerMessage::SoughtGrave { sought, .. } => Some(sought),
            _ => None,
        })
        .await;
        let Sought::Hit { at, .. } = sought else { panic!("there is one") };
        assert_eq!(first_rows(&mut page, Anchor::At(at)).await[0].1, Some(expected));
        from = Some(at);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_log_has_a_course_in_time() {
    let (_site, running, mut page) = site().await;
    let request = RequestId(1);
    page.send(ClientMessage::Course { request, view: VIEW }).await.expect("sent");
    let course = hear(&mut page, |message| match message {
        ServerMessage::Course { course, .. } => Some(course),
        _ => None,
    })
    .await;
    assert_eq!(course.parts.first().map(|part| part.time), Some(TEN));
    assert_eq!(course.end, TEN + 99 * 60_000_000_000);
    assert_eq!(course.parts.iter().map(|part| part.lines).sum::<u32>(), 120);
    running.stop().await;
}

#[tokio::test]
async fn what_comes_into_a_log_that_nobody_reads_is_told_and_nothing_else() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", &"old\n".repeat(1000));
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::News).await.expect("sent");
    let first = page.frame().await.expect("a frame");
    assert!(first.blocks.is_empty() && first.passed.lines == 0);
    site.append("app.log", "ERROR one\nWARN two\nthree\n");
    let frame = page.frame_when(|frame| frame.passed.lines > 0).await;
    let passed = frame.passed;
    assert_eq!((passed.lines, passed.errors, passed.warnings), (3, 1, 1));
    assert!(frame.blocks.is_empty());
    running.stop().await;
}
