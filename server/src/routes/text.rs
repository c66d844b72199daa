//! The same address for curl: a log's lines as they are, from the end, followed when asked.
//!
//! The bytes are the log's own, in order, each once; the reader sets the pace, and nothing is kept
//! for it but where it stands.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::history::History;
use tailwater_engine::window;
use tailwater_protocol::{Bookmark, LogState, Position};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Shared, plain};
use crate::log::{Log, Published, Watching};
use crate::logs::Logs;
use crate::read::Reader;
use crate::serve::ended;

/// Bytes sent at once.
const CHUNK: usize = 64 * 1024;

/// Lines from the end that may be asked for: beyond it, start at a position.
const MAX_LINES: u32 = 10_000_000;

/// Doubts in a row after which the log is taken as it is.
const DOUBTS: u32 = 3;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    lines: u32,
    follow: bool,
    from: Option<From>,
}

/// Where to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Position(Position),
    Bookmark(Bookmark),
}

impl Asked {
    fn parse(query: &str, lines: u32) -> Result<Self, &'static str> {
        let mut asked = Self { lines, follow: false, from: None };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "n" => {
                    let lines = value.parse().ok().filter(|&lines| lines <= MAX_LINES);
                    asked.lines = lines.ok_or("`n` is a number of lines, at most 10000000\n")?;
                }
                "follow" => asked.follow = matches!(value, "" | "1" | "true"),
                "from" => {
                    let value = value.replace("%3A", ":").replace("%3a", ":");
                    let bookmark = value.parse().map(From::Bookmark);
                    let from = bookmark.or_else(|_| value.parse().map(From::Position));
                    asked.from =
                        Some(from.map_err(|_| "`from` is a position such as 9f3a01c2:18842711\n")?);
                }
                // What pages ask for means nothing here.
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// The names of all logs, a line each.
pub(super) fn list(shared: &Shared) -> Response {
    let mut text = String::new();
    for source in shared.logs.list().borrow().iter() {
        let state = match &source.state {
            LogState::Live => String::new(),
            LogState::Polling(reason) => format!("\tpolling: {reason}"),
            LogState::Waiting => "\twaiting for it to appear".to_owned(),
            LogState::Deleted(_) => "\tdeleted".to_owned(),
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
pub(super) async fn lines(shared: &Shared, log: &Arc<Log>, query: &str) -> Response {
    let asked = match Asked::parse(query, shared.lines) {
        Ok(asked) => asked,
        Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
    };
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "as many readers are here as this server takes\n",
        );
    };
    let watching = shared.logs.attend(log).await;
    if let Some(LogState::Unreadable { reason, .. }) = log.known().map(|known| known.state) {
        return (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response();
    }
    let cursor = match start(shared, log, &asked).await {
        Ok(Some(cursor)) => cursor,
        Ok(None) => {
            return plain(StatusCode::GONE, "that position is not in this log any more\n");
        }
        Err(error) => {
            tracing::warn!(log = %log.name(), %error, "a reader could not start");
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot be read\n");
        }
    };
    let feed = Feed {
        published: log.subscribe(),
        log: Arc::clone(log),
        logs: Arc::clone(&shared.logs),
        reader: shared.reader.clone(),
        until: if asked.follow { None } else { Some(history(log)) },
        ending: shared.ending.clone(),
        cursor: Some(cursor),
        doubts: 0,
        _watching: watching,
        _permit: permit,
    };
    text_of(Body::from_stream(unfold(feed, |mut feed| async {
        let chunk = feed.next().await?;
        Some((Ok::<_, Infallible>(chunk), feed))
    })))
}

/// Where the reader starts; `None` when that is no more.
async fn start(shared: &Shared, log: &Arc<Log>, asked: &Asked) -> std::io::Result<Option<Cursor>> {
    let history = history(log);
    match asked.from {
        Some(From::Bookmark(bookmark)) => {
            let position = crate::read::resume(&shared.logs, log, bookmark).await;
            Ok(position.map(Cursor::new))
        }
        Some(From::Position(position)) => {
            let known = history.generations.iter().any(|known| known.id == position.generation);
            Ok(known.then(|| Cursor::new(position)))
        }
        None => {
            let lines = asked.lines;
            let start = shared.reader.run(move || window::lines_back(&history, lines.into()));
            // A log that is not there yet is read from its start when it comes.
            Ok(Some(start.await?.map_or_else(Cursor::at_start, Cursor::new)))
        }
    }
}

fn history(log: &Log) -> History {
    log.known().map(|known| known.history).unwrap_or_default()
}

fn text_of(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // A proxy that collects what it passes on would make a live log arrive in heaps.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// A reader, and all it takes to go on.
struct Feed {
    log: Arc<Log>,
    logs: Arc<Logs>,
    reader: Reader,
    published: watch::Receiver<Published>,
    /// What there was when it began, for one that does not follow.
    until: Option<History>,
    ending: watch::Receiver<bool>,
    cursor: Option<Cursor>,
    /// Doubts in a row.
    doubts: u32,
    _watching: Watching,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    /// The next bytes; `None` when there will be none.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.ending.borrow() {
                return None;
            }
            self.published.mark_unchanged();
            let history = self.until.clone().unwrap_or_else(|| history(&self.log));
            let mut cursor = self.cursor.take()?;
            let read = self.reader.run(move || {
                let mut chunk = Vec::new();
                let step = cursor.read(&history, &mut chunk, CHUNK)?;
                Ok((cursor, step, chunk))
            });
            let (cursor, step, chunk) = match read.await {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(log = %self.log.name(), %error, "a reader broke off");
                    return None;
                }
            };
            self.doubts = if step == Step::Doubt { self.doubts + 1 } else { 0 };
            if self.doubts > DOUBTS {
                // It was looked at again and again, and is the same log: somebody edited what the
                // reader has passed. What comes after it is still to be read.
                tracing::warn!(log = %self.log.name(), "the log was edited in place; reading on");
                self.cursor = Some(cursor.position().map_or_else(Cursor::at_start, Cursor::new));
                self.doubts = 0;
                continue;
            }
            self.cursor = Some(cursor);
            match step {
                Step::Bytes => return Some(chunk.into()),
                Step::Turned { .. } | Step::Lost { .. } => {}
                Step::Doubt if self.until.is_some() => return None,
                Step::Doubt => self.logs.watcher().look(&self.log).await,
                Step::End if self.until.is_some() => return None,
                Step::End => tokio::select! {
                    changed = self.published.changed() => changed.ok()?,
                    () = ended(&mut self.ending) => return None,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_to_read() {
        let asked = Asked::parse("n=5&follow=1&from=9f3a%3A77&q=x", 10).expect("sound");
        assert_eq!((asked.lines, asked.follow), (5, true));
        assert!(matches!(asked.from, Some(From::Position(position)) if position.offset == 77));
        assert_eq!(Asked::parse("", 10).expect("sound").lines, 10);
        for query in ["n=x", "n=-1", "n=99999999999", "from=7", "from="] {
            assert!(Asked::parse(query, 10).is_err(), "{query}");
        }
    }
}
