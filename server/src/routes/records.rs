//! The same address for programs: an object a line, followed when asked.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use tokio::sync::mpsc;

use super::range::Bounded;
use super::{SharedState, plain, text};
use crate::auth::Pass;
use crate::feed::{Asked, Feed, LineFeed, Piece, Recorder};
use crate::log::Log;

/// The type of an answer.
pub(super) const TYPE: &str = "application/x-ndjson";

/// Between two signs of life: as for event streams.
const HEARTBEAT: Duration = Duration::from_secs(15);

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
        return text::full();
    };
    let feed = match Feed::begin(shared, log, &asked, pass).await {
        Ok(feed) => Bounded::all(LineFeed::new(feed)),
        Err(refused) => return text::refuse(log, refused),
    };
    stream(shared, log, feed, permit, pace(query))
}

/// Between two signs of life, if they are asked for.
pub(super) fn pace(query: &str) -> Option<Duration> {
    let beats = super::events::form_values(query, "heartbeat").last().is_some_and(|on| on == "1");
    beats.then_some(HEARTBEAT)
}

/// What `feed` gives, as it comes; an empty line when nothing has for as long as `pace`.
pub(super) fn stream<T: Send + 'static>(
    shared: &SharedState,
    log: &Arc<Log>,
    feed: Bounded,
    held: T,
    pace: Option<Duration>,
) -> Response {
    // A feed that waits must not be dropped half-way, so a task of its own waits for it: one batch
    // ahead of the reader, no more.
    let (give, batches) = mpsc::channel(1);
    tokio::spawn(read(feed, give));
    let recorder = Recorder::new(log, &shared.reader);
    let state = Some((recorder, batches, Arc::clone(log), held));
    let body = unfold(state, move |state| async move {
        let (mut recorder, mut batches, log, held) = state?;
        let batch = match pace {
            None => batches.recv().await?,
            Some(pace) => match tokio::time::timeout(pace, batches.recv()).await {
                Ok(batch) => batch?,
                Err(_quiet) => {
                    let beat = Ok(Bytes::from_static(b"\n"));
                    return Some((beat, Some((recorder, batches, log, held))));
                }
            },
        };
        let written = match batch {
            Ok(pieces) => recorder.write(pieces).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(bytes) => Some((Ok(Bytes::from(bytes)), Some((recorder, batches, log, held)))),
            Err(error) => {
                tracing::info!(log = %log.name(), %error, "a reader broke off");
                Some((Err(error), None))
            }
        }
    });
    answer(Body::from_stream(body))
}

/// Reads as fast as what was read is taken. An end before the end is told as an error: the reader
/// must see that the answer is not whole.
async fn read(mut feed: Bounded, give: mpsc::Sender<io::Result<Vec<Piece>>>) {
    loop {
        let pieces = tokio::select! {
            pieces = feed.next() => pieces,
            () = give.closed() => return,
        };
        let batch = match pieces {
            Some(pieces) => Ok(pieces),
            None if feed.broke_off() => Err(io::ErrorKind::ConnectionAborted.into()),
            None => return,
        };
        let ended = batch.is_err();
        if give.send(batch).await.is_err() || ended {
            return;
        }
    }
}

/// An answer of objects.
pub(super) fn answer(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, TYPE),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}
