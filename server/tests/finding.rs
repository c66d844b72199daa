//! Finding over the page's socket: counted, marked, gone to, and told however short the log is.

mod common;

use common::{Page, Running, Site, VIEW};
use tailwater_protocol::{
    Anchor, Attention, ClientMessage, Direction, FindId, Finding, Position, Progress, RequestId,
    ServerMessage, Sought, WindowRequest,
};

async fn site(lines: u32) -> (Site, Running) {
    let site = Site::new(&["app.log"]);
    let line = |n: u32| format!("line {n}{}\n", if n.is_multiple_of(10) { " Timeout" } else { "" });
    site.append("app.log", &(1..=lines).map(line).collect::<String>());
    let running = site.start().await;
    (site, running)
}

async fn find(page: &mut Page, id: u32, query: &str) {
    let query = Some(query.to_owned());
    page.send(ClientMessage::Find { view: VIEW, find: FindId(id), query }).await.expect("sent");
}

/// What is said of a search at last.
async fn found(
    page: &mut Page,
    id: u32,
    wanted: impl Fn(&Progress) -> bool,
) -> Result<Progress, Finding> {
    loop {
        match page.next().await.expect("the line holds") {
            ServerMessage::Finding { find, finding, .. } if find == FindId(id) => match finding {
                Finding::Progress(progress) if wanted(&progress) => return Ok(progress),
                Finding::Progress(_) => {}
                other => return Err(other),
            },
            ServerMessage::Frame { frame, .. } => {
                let sequence = frame.sequence;
                page.send(ClientMessage::Ack { view: VIEW, sequence }).await.expect("sent");
            }
            _ => {}
        }
    }
}

async fn seek(page: &mut Page, id: u32, from: Option<Position>, direction: Direction) -> Sought {
    let ask = ClientMessage::Seek { view: VIEW, find: FindId(id), from, direction };
    page.send(ask).await.expect("sent");
    loop {
        if let ServerMessage::Sought { sought, .. } = page.next().await.expect("the line holds") {
            return sought;
        }
    }
}

#[tokio::test]
async fn every_search_is_answered_however_short_it_is() {
    let (_site, running) = site(100).await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    for id in 1..200 {
        find(&mut page, id, "timeout").await;
        let progress = found(&mut page, id, |progress| progress.complete).await;
        assert_eq!(progress.expect("a sound query").hits, 10);
    }
    running.stop().await;
}

#[tokio::test]
async fn hits_are_gone_to_both_ways_and_marked() {
    let (site, running) = site(1000).await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    find(&mut page, 1, "timeout").await;
    let progress = found(&mut page, 1, |progress| progress.complete).await.expect("sound");
    assert_eq!(progress.hits, 100);
    assert_eq!(progress.density.iter().filter(|hits| **hits > 0).count(), 100);
    let Sought::Hit { at, ordinal } = seek(&mut page, 1, None, Direction::Backward).await else {
        panic!("there are hits");
    };
    assert_eq!(ordinal, Some(100));
    let asked = WindowRequest {
        request: RequestId(1),
        view: VIEW,
        anchor: Anchor::At(at),
        before: 1,
        after: 1,
    };
    page.send(ClientMessage::Window(asked)).await.expect("sent");
    let window = loop {
        if let ServerMessage::Window(window) = page.next().await.expect("the line holds") {
            break window;
        }
    };
    let rows: Vec<_> = window
        .blocks
        .iter()
        .flat_map(|rows| {
            rows.iter().map(|row| (row.text.to_owned(), row.hits.to_vec())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(rows[0], ("line 999".to_owned(), vec![]));
    assert_eq!(rows[1].0, "line 1000 Timeout");
    assert_eq!(rows[1].1.iter().map(|hit| (hit.start, hit.end)).collect::<Vec<_>>(), [(10, 17)]);
    assert_eq!(seek(&mut page, 1, Some(at), Direction::Forward).await, Sought::Nothing);
    let Sought::Hit { at: before, ordinal } =
        seek(&mut page, 1, Some(at), Direction::Backward).await
    else {
        panic!("there are hits");
    };
    assert_eq!(ordinal, Some(99));
    let on = seek(&mut page, 1, Some(before), Direction::Forward).await;
    assert_eq!(on, Sought::Hit { at, ordinal: Some(100) });
    // What comes is searched, too, and an unfinished line when it ends.
    site.append("app.log", "more Time");
    site.append("app.log", "out\n");
    found(&mut page, 1, |progress| progress.complete && progress.hits == 101).await.expect("sound");
    running.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_said_where_it_is() {
    let (_site, running) = site(10).await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    for (id, (query, start)) in (1..).zip([("line (", 5), ("a /(b/", 3), ("level:grave", 6)]) {
        find(&mut page, id, query).await;
        match found(&mut page, id, |progress| progress.complete).await {
            Err(Finding::Wrong { start: at, why, .. }) => {
                assert_eq!(at, start, "{query}: {why}");
                assert!(!why.is_empty());
            }
            other => panic!("{query}: {other:?}"),
        }
    }
    running.stop().await;
}
