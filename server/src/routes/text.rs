//! The same address for curl: a log's lines as they are, from the end, followed when asked.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use tailwater_engine::encoding::{Encoding, Pieces};
use tailwater_protocol::LogState;

use super::range::Bounded;
use super::{Shared, SharedState, plain};
use crate::auth::{Pass, Visitor};
use crate::feed::{Asked, Fed, Feed, LineFeed, Piece, Refused};
use crate::log::Log;

/// The names of all logs, a line each.
pub(super) fn list(shared: &Shared, visitor: &Visitor) -> Response {
    let mut text = String::new();
    for source in &shared.logs.list(visitor) {
        let state = match &source.state {
            LogState::Live => String::new(),
            LogState::Polling(reason) => format!("\tpolling: {reason}"),
            LogState::Waiting => "\twaiting for it to appear".to_owned(),
            LogState::Deleted(_) => "\tdeleted".to_owned(),
            LogState::Ended(ended) => format!("\tended: {}", crate::doors::how(ended.how)),
            LogState::Unreadable { reason, .. } => format!("\t{reason}"),
        };
        // A name may hold anything; a line of the list is a line.
        let name: String = source
            .name
            .as_str()
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        text.push_str(&format!("{name}\t{}{state}\n", source.bytes));
    }
    text_of(Body::from(text))
}

/// The lines of `log` that `query` asks for.
pub(super) async fn lines(
    shared: &SharedState,
    log: &Arc<Log>,
    query: &str,
    pass: Pass,
) -> Response {
    let asked = match Asked::parse(query, Asked::last(shared.lines, false)) {
        Ok(asked) => asked,
        Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
    };
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return full();
    };
    let feed = match Feed::begin(shared, log, &asked, pass).await {
        Ok(feed) => feed,
        Err(refused) => return refuse(log, refused),
    };
    if !asked.filter.is_empty() {
        return stream(Bounded::all(LineFeed::new(feed)), permit);
    }
    let reader = Some((feed, Between::Lines, Pieces::default(), permit));
    text_of(Body::from_stream(unfold(reader, |state| async move {
        let (mut feed, mut stands, mut units, permit) = state?;
        loop {
            let bytes = match (feed.next().await, stands) {
                (Some(Fed::Bytes(chunk)), _) if chunk.encoding == Encoding::Utf8 => chunk.bytes,
                (Some(Fed::Bytes(chunk)), _) => {
                    let whole = units.whole(chunk.encoding, &chunk.bytes);
                    chunk.encoding.decode(&whole).into_owned()
                }
                // A line that its generation left unfinished is not the beginning of the next.
                (Some(Fed::Turned | Fed::Lost(_)), Between::Bytes) => b"\n".to_vec(),
                (Some(Fed::Turned | Fed::Lost(_)), Between::Lines) => continue,
                // The reader must see that the answer is not whole.
                (None, _) if feed.broke_off() => {
                    return Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None));
                }
                (None, _) => return None,
            };
            if let Some(last) = bytes.last() {
                stands = if *last == b'\n' { Between::Lines } else { Between::Bytes };
            }
            return Some((Ok(Bytes::from(bytes)), Some((feed, stands, units, permit))));
        }
    })))
}

/// What a bounded feed gives, as it comes.
pub(super) fn stream<T: Send + 'static>(feed: Bounded, held: T) -> Response {
    text_of(Body::from_stream(unfold(Some((feed, held)), |state| async {
        let (mut feed, held) = state?;
        match feed.next().await {
            Some(pieces) => Some((Ok(Bytes::from(written(&pieces))), Some((feed, held)))),
            // The reader must see that the answer is not whole.
            None if feed.broke_off() => {
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
            None => None,
        }
    })))
}

/// The lines of `pieces`.
pub(super) fn written(pieces: &[Piece]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        if let Piece::Line(line) = piece {
            text.extend_from_slice(&line.bytes);
            if !line.unfinished {
                text.push(b'\n');
            }
        }
    }
    text
}

/// Where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Lines,
    /// In the middle of a line.
    Bytes,
}

/// As many readers as there may be.
pub(super) fn full() -> Response {
    plain(StatusCode::SERVICE_UNAVAILABLE, "as many readers are here as this server takes\n")
}

/// Says why a reader of `log` cannot begin.
pub(super) fn refuse(log: &Log, refused: Refused) -> Response {
    match refused {
        Refused::Unreadable(reason) => {
            (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response()
        }
        Refused::Wrong(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
        Refused::Gone => plain(StatusCode::GONE, "that position is not in this log any more\n"),
        Refused::Failed(error) => {
            tracing::warn!(log = %log.name(), %error, "a reader could not start");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot be read\n")
        }
    }
}

pub(super) fn text_of(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // A proxy that collects what it passes on would make a live log arrive in heaps.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}
