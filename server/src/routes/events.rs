//! Lines as `text/event-stream`, for any `EventSource` and for curl: one event a line, whose id
//! says where to come back to; a browser does so by itself, and misses nothing.
//!
//! Several logs come as channels of one stream: the type of an event is the name of its log.
//! Comments keep the line alive. The reader sets the pace.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use tailwater_protocol::LogName;
use tokio::sync::mpsc;

use super::{SharedState, plain, text};
use crate::auth::{Action, Admitted, Pass};
use crate::feed::{Asked, Feed, LineFeed, Piece, pairs};
use crate::log::Log;

/// Between two comments: less than any proxy's idea of an idle connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Logs of one stream.
const MAX_CHANNELS: usize = 16;

/// Pieces of a feed that wait to be written, each of at most 64 KiB of lines.
const WAITING: usize = 2;

/// `/api/v1/events?log=NAME&log=…`: the channels that the address names.
pub(super) async fn channels(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let named = form_values(query, "log");
    if named.is_empty() || named.len() > MAX_CHANNELS {
        return plain(StatusCode::BAD_REQUEST, "name one to sixteen logs: `?log=NAME&log=NAME`\n");
    }
    let get = |name| shared.logs.get(&admitted.visitor, Action::Read, &LogName(name));
    let logs: Option<Vec<_>> = named.into_iter().map(get).collect();
    match logs {
        Some(logs) => stream(&shared, &admitted, logs, query, request.headers()).await,
        None => super::page::not_found(State(shared), request).await,
    }
}

/// The lines of `logs` as one stream of events.
pub(super) async fn stream(
    shared: &SharedState,
    admitted: &Admitted,
    logs: Vec<Arc<Log>>,
    query: &str,
    headers: &HeaderMap,
) -> Response {
    let asked = match Asked::parse(query, Asked::last(shared.lines, true)) {
        Ok(asked) => asked,
        Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
    };
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return text::full();
    };
    let back: Vec<Option<Asked>> = come_back(headers, &asked, logs.len());
    let alone = logs.len() == 1;
    let (give, pieces) = mpsc::channel(WAITING);
    let mut ids = Vec::new();
    for (channel, (log, back)) in logs.iter().zip(back).enumerate() {
        let pass = Pass::of(shared, admitted);
        let feed = match Feed::begin(shared, log, back.as_ref().unwrap_or(&asked), pass).await {
            Ok(feed) => LineFeed::new(feed),
            Err(refused) => return text::refuse(log, refused),
        };
        ids.push(back.map(|_| last_id(headers, channel)).unwrap_or_default());
        tokio::spawn(read(channel, feed, give.clone()));
    }
    let names = logs.iter().map(|log| (!alone).then(|| one_line(log.name().as_str()))).collect();
    let writer = Writer { names, ids };
    let state = (writer, pieces, permit);
    let body = Body::from_stream(unfold(state, |(mut writer, mut pieces, permit)| async {
        let bytes = match tokio::time::timeout(HEARTBEAT, pieces.recv()).await {
            Ok(Some((channel, pieces))) => writer.write(channel, &pieces),
            Ok(None) => return None,
            Err(_quiet) => ": \n\n".to_owned(),
        };
        Some((Ok::<_, Infallible>(Bytes::from(bytes)), (writer, pieces, permit)))
    }));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// Reads for one channel, as fast as what was read is taken.
async fn read(channel: usize, mut feed: LineFeed, give: mpsc::Sender<(usize, Vec<Piece>)>) {
    loop {
        let pieces = tokio::select! {
            pieces = feed.next() => pieces,
            () = give.closed() => return,
        };
        let Some(pieces) = pieces else { return };
        if give.send((channel, pieces)).await.is_err() {
            return;
        }
    }
}

/// Where each channel was left, as the last event that the reader had says.
fn come_back(headers: &HeaderMap, asked: &Asked, channels: usize) -> Vec<Option<Asked>> {
    let ids = (0..channels).map(|channel| {
        let from = Asked::places(&last_id(headers, channel))?;
        Some(Asked { from, ..asked.clone() })
    });
    ids.collect()
}

/// The part of the last event's id that is about `channel`; empty when there is none.
fn last_id(headers: &HeaderMap, channel: usize) -> String {
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    id.split(';').nth(channel).unwrap_or_default().trim().to_owned()
}

/// Turns pieces into the text of events.
struct Writer {
    /// The event types, where there are several channels.
    names: Vec<Option<String>>,
    /// Where each channel stands.
    ids: Vec<String>,
}

impl Writer {
    fn write(&mut self, channel: usize, pieces: &[Piece]) -> String {
        let mut text = String::new();
        for piece in pieces {
            let (name, lines) = match piece {
                Piece::Line(line) => {
                    if let Some(id) = self.ids.get_mut(channel) {
                        id.clone_from(&line.id);
                    }
                    let name = self.names.get(channel).and_then(Option::as_deref);
                    (name, String::from_utf8_lossy(&line.bytes).into_owned())
                }
                Piece::Turned => (Some("turned"), "another file, or the same made anew".to_owned()),
                Piece::Lost(loss) => (Some("lost"), crate::feed::lost(*loss)),
            };
            if let Some(name) = name {
                text.push_str("event: ");
                text.push_str(name);
                text.push('\n');
            }
            // A carriage return would end the field: it stands as the end of a line within.
            for line in lines.split('\r') {
                text.push_str("data: ");
                text.push_str(line);
                text.push('\n');
            }
            text.push_str("id: ");
            text.push_str(&self.ids.join(";"));
            text.push_str("\n\n");
        }
        text
    }
}

/// `text` with nothing in it that would end a field.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// All values that `query` gives for `name`.
pub(super) fn form_values(query: &str, name: &str) -> Vec<String> {
    pairs(query).filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Line;

    #[test]
    fn an_event_is_a_line_with_the_places_of_all_channels() {
        let mut writer =
            Writer { names: vec![Some("a".into()), Some("b".into())], ids: vec![String::new(); 2] };
        let line = |text: &str, id: &str| Piece::Line(Line::new(text, id));
        assert_eq!(writer.write(0, &[line("one", "1:7")]), "event: a\ndata: one\nid: 1:7;\n\n");
        let text = writer.write(1, &[line("x\rdata: y", "2:9"), Piece::Turned]);
        assert!(text.starts_with("event: b\ndata: x\ndata: data: y\nid: 1:7;2:9\n\n"), "{text}");
        assert!(text.contains("event: turned\n"), "{text}");
    }

    #[test]
    fn names_are_read_from_the_address() {
        let named = form_values("log=a%2Fb+c%3b&n=3&log=%zz&x", "log");
        assert_eq!(named, ["a/b c;", "%zz"]);
        assert_eq!(one_line("a\nevent: b"), "a\u{fffd}event: b");
    }
}
