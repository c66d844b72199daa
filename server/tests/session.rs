//! The manners of the page's socket: what is asked in the wrong order, too often or too large.

mod common;

use common::{Page, Site, VIEW};
use futures_util::{SinkExt as _, StreamExt as _};
use tailwater_protocol::message::close;
use tailwater_protocol::{
    Anchor, Attention, ClientMessage, LogName, PROTOCOL, Refusal, RequestId, ServerMessage, ViewId,
    WindowRequest, wire,
};
use tokio_tungstenite::tungstenite::Message;

async fn site() -> (Site, common::Running) {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\nthree\n");
    let running = site.start().await;
    (site, running)
}

/// The code by which the server closed.
async fn closed(page: &mut Page) -> Option<u16> {
    loop {
        match tokio::time::timeout(common::PATIENCE, page.socket.next()).await.expect("in time")? {
            Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[tokio::test]
async fn a_frame_waits_for_the_last_to_be_acknowledged() {
    let (site, running) = site().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Rows(10)).await.expect("sent");
    let first = loop {
        if let ServerMessage::Frame { frame, .. } = page.next().await.expect("the line holds") {
            break frame;
        }
    };
    for number in 0..50 {
        site.append("app.log", &format!("more {number}\n"));
    }
    // The pong comes after anything that was sent before it: no frame was.
    page.send(ClientMessage::Ping(7)).await.expect("sent");
    loop {
        match page.next().await.expect("the line holds") {
            ServerMessage::Frame { .. } => panic!("a second frame, unasked"),
            ServerMessage::Pong(7) => break,
            _ => {}
        }
    }
    page.send(ClientMessage::Ack { view: VIEW, sequence: first.sequence }).await.expect("sent");
    let next = page.frame_when(|frame| frame.passed.lines > 0).await;
    assert!(!next.continues, "fifty rows do not fit: the newest stand alone");
    assert_eq!(common::texts(&next).last().map(String::as_str), Some("more 49"));
    running.stop().await;
}

#[tokio::test]
async fn windows_hang_on_any_anchor() {
    let (_site, running) = site().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    let mut request = 0;
    for (anchor, before, after, expected) in [
        (Anchor::Start, 0, 2, &["one", "two"][..]),
        (Anchor::End, 2, 0, &["two", "three"]),
        (Anchor::Line(2), 1, 1, &["one", "two"]),
        (Anchor::Fraction(0.0), 5, 1, &["one"]),
        (Anchor::Fraction(f64::NAN), 0, 1, &["one"]),
        (Anchor::Fraction(7.0), 1, 9, &["three"]),
    ] {
        request += 1;
        let asked =
            WindowRequest { request: RequestId(request), view: VIEW, anchor, before, after };
        page.send(ClientMessage::Window(asked)).await.expect("sent");
        let window = loop {
            if let ServerMessage::Window(window) = page.next().await.expect("the line holds") {
                break window;
            }
        };
        let rows: Vec<String> = window
            .blocks
            .iter()
            .flat_map(|rows| rows.iter().map(|row| row.text.to_owned()).collect::<Vec<_>>())
            .collect();
        assert_eq!(
            (window.request, rows.as_slice()),
            (
                RequestId(request),
                expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().as_slice()
            ),
            "{anchor:?}"
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_nothing_ends() {
    let (_site, running) = site().await;
    let mut page = running.page().await;
    page.open("logs/../../etc/passwd", None, Attention::Counts).await.expect("sent");
    let window = WindowRequest {
        request: RequestId(1),
        view: ViewId(9),
        anchor: Anchor::End,
        before: 1,
        after: 1,
    };
    page.send(ClientMessage::Window(window)).await.expect("sent");
    let mut refusals = Vec::new();
    while refusals.len() < 2 {
        if let ServerMessage::Refused { refusal, .. } = page.next().await.expect("the line holds") {
            refusals.push(refusal);
        }
    }
    assert_eq!(refusals, [Refusal::NoSuchLog, Refusal::NoSuchView]);
    for view in 0..20 {
        let log = LogName("logs/app.log".to_owned());
        let open = ClientMessage::Open {
            view: ViewId(view),
            log,
            from: None,
            attention: Attention::Counts,
            filter: None,
        };
        page.send(open).await.expect("sent");
    }
    loop {
        if let ServerMessage::Refused { refusal, .. } = page.next().await.expect("the line holds") {
            assert_eq!(refusal, Refusal::TooMany);
            break;
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_message_ends_the_line_with_the_reason() {
    let (_site, running) = site().await;
    for message in [
        Message::Binary(vec![0xff; 9].into()),
        Message::Text("hello".into()),
        Message::Binary(Vec::new().into()),
    ] {
        let mut page = running.page().await;
        page.socket.send(message).await.expect("sent");
        assert_eq!(closed(&mut page).await, Some(close::MALFORMED));
    }
    let mut page = running.page().await;
    let large = vec![0; wire::CLIENT_LIMIT + 1];
    // The server may hang up before it has taken all of it.
    let _cut = page.socket.send(Message::Binary(large.into())).await;
    assert_ne!(closed(&mut page).await, Some(1000));
    let mut healthy = running.page().await;
    healthy.send(ClientMessage::Ping(1)).await.expect("others are not disturbed");
    running.stop().await;
}

#[tokio::test]
async fn a_page_of_another_version_is_told_to_reload() {
    let (_site, running) = site().await;
    let mut other = Page::connect_as(running.address, PROTOCOL + 1).await.expect("connected");
    assert_eq!(closed(&mut other).await, Some(close::RELOAD));
    running.stop().await;
}

#[tokio::test]
async fn a_server_that_ends_asks_pages_to_come_back() {
    let (_site, running) = site().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Rows(10)).await.expect("sent");
    page.frame().await.expect("a frame");
    let (code, ()) = tokio::join!(closed(&mut page), running.stop());
    assert_eq!(code, Some(close::RESTARTING));
}

#[tokio::test]
async fn a_login_that_ends_ends_what_it_opened() {
    let (_site, running) = site().await;
    let cookie = running.cookie().await;
    let origin = format!("http://{}", running.address);
    let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    let mut page = Page::connect_with(running.address, PROTOCOL, &headers).await.expect("a socket");
    let follow = format!(
        "GET /s/logs/app.log?follow=1 HTTP/1.1\nHost: HOST\nCookie: {cookie}\nConnection: close"
    );
    let leave = async {
        page.open("logs/app.log", None, Attention::Rows(10)).await.expect("sent");
        page.frame_when(|frame| !frame.blocks.is_empty()).await;
        let answer = running
            .raw(&format!(
                "POST /logout HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nConnection: close\n\
                 Cookie: {cookie}\nContent-Length: 0"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        closed(&mut page).await
    };
    let (text, code) = tokio::join!(running.raw(&follow), leave);
    assert_eq!(code, Some(close::LOGIN));
    // Either it came before the end and was ended by it, or it came too late.
    assert!(text.contains("three") || text.starts_with("HTTP/1.1 401"), "{text}");
    running.stop().await;
}
