//! Every line for anybody: event streams with their channels and ids, plain sockets with credit.

mod common;

use std::time::Duration;

use common::{PATIENCE, Running, Site, TOKEN};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// An `EventSource` without a browser.
struct Events {
    stream: BufReader<TcpStream>,
    /// The id of the last event.
    id: String,
}

#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    data: String,
}

impl Events {
    async fn open(running: &Running, path: &str, last: &str) -> Self {
        let mut stream = TcpStream::connect(running.address).await.expect("connected");
        let last =
            if last.is_empty() { String::new() } else { format!("Last-Event-ID: {last}\r\n") };
        let head = format!(
            "GET {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Accept: text/event-stream\r\n{last}\r\n",
            running.address
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut events = Self { stream: BufReader::new(stream), id: String::new() };
        let mut kind = String::new();
        loop {
            let line = events.line().await.expect("a head");
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-type: ") {
                kind = value.to_owned();
            }
        }
        assert_eq!(kind, "text/event-stream; charset=utf-8");
        events
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.stream.read_line(&mut line)).await;
        let read = read.expect("in time").ok()?;
        (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn next(&mut self) -> Option<Event> {
        let mut event = Event { name: "message".into(), data: String::new() };
        let mut any = false;
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("data", data)) => {
                    if any {
                        event.data.push('\n');
                    }
                    any = true;
                    event.data.push_str(data);
                }
                Some(("id", id)) => self.id = id.to_owned(),
                None if line.is_empty() && any => return Some(event),
                _ => {}
            }
        }
    }

    async fn data(&mut self) -> String {
        self.next().await.expect("an event").data
    }
}

#[tokio::test]
async fn events_are_lines_and_their_ids_lead_back() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\nthree\n");
    let running = site.start().await;
    let mut events = Events::open(&running, "/s/logs/app.log?n=2", "").await;
    assert_eq!(events.data().await, "two");
    assert_eq!(events.data().await, "three");
    site.append("app.log", "fo");
    site.append("app.log", "ur\r\nx\ry\n");
    assert_eq!(events.data().await, "four");
    assert_eq!(events.data().await, "x\ny");
    let id = events.id.clone();
    drop(events);
    // The log goes on, is rotated, and the server starts anew: nothing is missing, nothing twice.
    site.append("app.log", "five\n");
    running.stop().await;
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
    site.append("app.log", "six\n");
    let running = site.start().await;
    let mut events = Events::open(&running, "/s/logs/app.log?n=2", &id).await;
    assert_eq!(events.data().await, "five");
    let mut next = events.next().await.expect("an event");
    if next.name == "turned" {
        next = events.next().await.expect("an event");
    }
    assert_eq!((next.name.as_str(), next.data.as_str()), ("message", "six"));
    running.stop().await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn channels_share_a_stream_and_each_is_come_back_to() {
    let site = Site::new(&["*.log"]);
    site.append("a.log", "a1\n");
    site.append("b.log", "b1\n");
    let running = site.start().await;
    let path = "/api/v1/events?log=logs/a.log&log=logs%2Fb.log&n=1";
    let mut events = Events::open(&running, path, "").await;
    let mut first =
        vec![events.next().await.expect("an event"), events.next().await.expect("an event")];
    first.sort_by(|a, b| a.name.cmp(&b.name));
    let event = |name: &str, data: &str| Event { name: name.into(), data: data.into() };
    assert_eq!(first, [event("logs/a.log", "a1"), event("logs/b.log", "b1")]);
    let id = events.id.clone();
    drop(events);
    site.append("b.log", "b2\n");
    let mut events = Events::open(&running, path, &id).await;
    assert_eq!(events.next().await, Some(event("logs/b.log", "b2")));
    site.append("a.log", "a2\n");
    assert_eq!(events.next().await, Some(event("logs/a.log", "a2")));
    for wrong in ["/api/v1/events", "/api/v1/events?log=", "/api/v1/events?log=nothing"] {
        let answer = running.get(wrong).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{wrong}: {answer}");
    }
    running.stop().await;
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn socket(running: &Running, path: &str) -> Socket {
    let mut request =
        format!("ws://{}{path}", running.address).into_client_request().expect("a request");
    let bearer = format!("Bearer {TOKEN}").parse().expect("plain");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(running.address).await.expect("connected");
    tokio_tungstenite::client_async(request, stream).await.expect("a socket").0
}

/// The next line; the close code when there is none.
async fn line(socket: &mut Socket) -> Result<String, Option<u16>> {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time");
        match next {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

#[tokio::test]
async fn a_plain_socket_sends_the_last_lines_and_follows_when_asked() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\nthree");
    let running = site.start().await;
    let mut once = socket(&running, "/ws/logs/app.log?n=2").await;
    assert_eq!(line(&mut once).await, Ok("two".into()));
    assert_eq!(line(&mut once).await, Ok("three".into()));
    assert_eq!(line(&mut once).await, Err(Some(1000)));
    // By its path, as tools that know no names have it.
    let path = format!("/ws{}?tail=1&n=2", site.path("app.log").display());
    let mut tail = socket(&running, &path).await;
    assert_eq!(line(&mut tail).await, Ok("two".into()));
    site.append("app.log", " and a half\nfour\n");
    assert_eq!(line(&mut tail).await, Ok("three and a half".into()));
    assert_eq!(line(&mut tail).await, Ok("four".into()));
    running.stop().await;
    assert!(line(&mut tail).await.is_err());
}

#[tokio::test]
async fn no_more_is_sent_than_was_granted() {
    let site = Site::new(&["app.log"]);
    let all: String = (1..=100).map(|n| format!("line {n}\n")).collect();
    site.append("app.log", &all);
    let running = site.start().await;
    let mut tail = socket(&running, "/ws/logs/app.log?tail=1&credit=10").await;
    for n in 1..=10 {
        assert_eq!(line(&mut tail).await, Ok(format!("line {n}")));
    }
    // Nothing comes, however long one waits; that it is not merely late is shown by what comes
    // after the grant: exactly so many.
    let early = tokio::time::timeout(Duration::from_millis(200), tail.next()).await;
    assert!(!matches!(early, Ok(Some(Ok(Message::Text(_))))), "{early:?}");
    tail.send(Message::Text("ack 3".into())).await.expect("sent");
    for n in 11..=13 {
        assert_eq!(line(&mut tail).await, Ok(format!("line {n}")));
    }
    tail.send(Message::Text("what?".into())).await.expect("sent");
    assert_eq!(line(&mut tail).await, Err(Some(1007)));
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_on_offer_opens_no_socket() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    std::fs::write(site.path("other.txt"), "secret").expect("written");
    let running = site.start().await;
    for path in [
        format!("/ws{}", site.path("other.txt").display()),
        "/ws/etc/passwd".into(),
        "/ws/logs/../logs/app.log".into(),
    ] {
        let answer = running
            .raw(&format!(
                "GET {path} HTTP/1.1\nHost: HOST\nAuthorization: Bearer {TOKEN}\n\
                 Upgrade: websocket\nConnection: Upgrade, close\nSec-WebSocket-Version: 13\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    running.stop().await;
}
