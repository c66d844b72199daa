//! A WebSocket for anybody: one text message a line, with no protocol to learn.
//!
//! `/ws/NAME` sends the log's last lines and closes; with `?tail=1` it goes on with what is
//! appended. NAME is a log's name, or the path of a file that is on offer. With `?credit=N` no
//! more than N lines are sent beyond those that the client has acknowledged by sending `ack N`.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use tailwater_protocol::LogName;
use tailwater_protocol::message::close;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{SharedState, plain, text};
use crate::auth::{Action, Admitted, Pass, Visitor};
use crate::feed::{Asked, Feed, LineFeed, Piece};
use crate::log::Log;

/// Between two pings.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A client that answered no ping for so long is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// A client that does not take a message for so long is stuck.
const STUCK: Duration = Duration::from_secs(60);

/// Bytes of a client's message: an acknowledgement.
const MESSAGE: usize = 1024;

/// Bytes of lines that go into one write.
const TOGETHER: usize = 64 * 1024;

/// Bytes that may wait to be written: a line at its longest, and those that go with it.
const WRITE_BEHIND: usize = 4 * 1024 * 1024;

/// Turns the request into a socket.
pub(super) async fn lines(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &shared).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Some(log) = find(&shared, &admitted.visitor, name) else {
        let request = Request::from_parts(parts, body);
        return super::page::not_found(State(shared), request).await;
    };
    let query = parts.uri.query().unwrap_or_default();
    let (follow, credit) = match Wish::parse(query) {
        Ok(Wish { tail, credit }) => (tail, credit),
        Err(reason) => return plain(axum::http::StatusCode::BAD_REQUEST, reason),
    };
    let mut asked = match Asked::parse(query, Asked::last(shared.lines, follow)) {
        Ok(asked) => asked,
        Err(reason) => return plain(axum::http::StatusCode::BAD_REQUEST, reason),
    };
    asked.follow = follow;
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return text::full();
    };
    let pass = Pass::of(&shared, &admitted);
    let feed = match Feed::begin(&shared, &log, &asked, pass).await {
        Ok(feed) => LineFeed::new(feed),
        Err(refused) => return text::refuse(&log, refused),
    };
    upgrade
        .read_buffer_size(4 * 1024)
        .write_buffer_size(TOGETHER)
        .max_write_buffer_size(WRITE_BEHIND)
        .max_message_size(MESSAGE)
        .max_frame_size(MESSAGE)
        .on_upgrade(move |socket| async move {
            let _held = permit;
            serve(socket, feed, credit).await;
        })
}

/// The log of that name, or the one that lies at that path: of those on offer, none else.
fn find(shared: &SharedState, visitor: &Visitor, name: String) -> Option<Arc<Log>> {
    let path = format!("/{}", name.trim_start_matches('/'));
    let named = shared.logs.get(visitor, Action::Read, &LogName(name));
    named.or_else(|| shared.logs.at_path(visitor, FilePath::new(&path)))
}

/// What an address asks of this door alone.
struct Wish {
    tail: bool,
    credit: Option<u64>,
}

impl Wish {
    fn parse(query: &str) -> Result<Self, &'static str> {
        let mut wish = Self { tail: false, credit: None };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "tail" => wish.tail = matches!(value, "" | "1" | "true"),
                "credit" => {
                    let credit = value.parse().ok().filter(|credit| *credit > 0);
                    wish.credit = Some(credit.ok_or("`credit` is a number of lines\n")?);
                }
                _ => {}
            }
        }
        Ok(wish)
    }
}

/// Sends lines until there are none, the client leaves or its login ends.
async fn serve(socket: WebSocket, feed: LineFeed, credit: Option<u64>) {
    let (mut sink, mut stream) = socket.split();
    let (give, mut pieces) = tokio::sync::mpsc::channel(1);
    let reading = tokio::spawn(read(feed, give));
    let mut credit = credit;
    let mut waiting = std::collections::VecDeque::new();
    let mut heard = Instant::now();
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut done = false;
    let goodbye = loop {
        if done && waiting.is_empty() {
            break Some((1000, "that was all"));
        }
        let granted = credit != Some(0);
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    heard = Instant::now();
                    match (acknowledged(&text), &mut credit) {
                        (Some(lines), Some(credit)) => *credit = credit.saturating_add(lines),
                        (Some(_), None) => {}
                        (None, _) => break Some((close::MALFORMED, "send `ack N`, or nothing")),
                    }
                }
                Some(Ok(Message::Binary(_))) => {
                    break Some((close::MALFORMED, "send `ack N`, or nothing"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => heard = Instant::now(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
            },
            _ = heartbeat.tick() => {
                if heard.elapsed() > SILENCE {
                    break Some((close::SILENT, "nothing was heard"));
                }
                if !sent(sink.send(Message::Ping(axum::body::Bytes::new()))).await {
                    break None;
                }
            }
            more = pieces.recv(), if !done && waiting.is_empty() => match more {
                Some(more) => waiting.extend::<Vec<Piece>>(more),
                None => done = true,
            },
            () = std::future::ready(()), if granted && !waiting.is_empty() => {
                if !send_lines(&mut sink, &mut waiting, &mut credit).await {
                    break None;
                }
            }
        }
    };
    reading.abort();
    if let Some((code, reason)) = goodbye {
        let frame = CloseFrame { code, reason: reason.into() };
        let _gone = sent(sink.send(Message::Close(Some(frame)))).await;
    }
}

/// Sends of `waiting` what the credit allows, in one go.
async fn send_lines(
    sink: &mut futures_util::stream::SplitSink<WebSocket, Message>,
    waiting: &mut std::collections::VecDeque<Piece>,
    credit: &mut Option<u64>,
) -> bool {
    let mut bytes = 0;
    while bytes < TOGETHER && *credit != Some(0) {
        let Some(piece) = waiting.pop_front() else { break };
        // What happened to the file is not a line, and this door gives lines.
        let Piece::Line(line) = piece else { continue };
        if let Some(credit) = credit {
            *credit -= 1;
        }
        bytes += line.bytes.len();
        let text = String::from_utf8_lossy(&line.bytes).into_owned();
        if !sent(sink.feed(Message::Text(text.into()))).await {
            return false;
        }
    }
    sent(sink.flush()).await
}

async fn sent(sending: impl Future<Output = Result<(), axum::Error>>) -> bool {
    matches!(timeout(STUCK, sending).await, Ok(Ok(())))
}

/// Reads as fast as what was read is taken.
async fn read(mut feed: LineFeed, give: tokio::sync::mpsc::Sender<Vec<Piece>>) {
    while let Some(pieces) = feed.next().await {
        if give.send(pieces).await.is_err() {
            return;
        }
    }
}

/// The lines that a message acknowledges.
fn acknowledged(text: &str) -> Option<u64> {
    text.trim().strip_prefix("ack ")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_from_the_address() {
        let wish = Wish::parse("tail=1&n=5&credit=100").expect("sound");
        assert_eq!((wish.tail, wish.credit), (true, Some(100)));
        let wish = Wish::parse("").expect("sound");
        assert_eq!((wish.tail, wish.credit), (false, None));
        assert!(Wish::parse("credit=0").is_err() && Wish::parse("credit=x").is_err());
        assert_eq!(acknowledged(" ack 12\n"), Some(12));
        assert_eq!((acknowledged("12"), acknowledged("ack -1")), (None, None));
    }
}
