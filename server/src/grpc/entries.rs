//! Lines as entries of a stream: read when the one before was taken, and no sooner.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::unfold;
use prost_types::Timestamp;
use tailwater_engine::level;
use tailwater_protocol as protocol;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use super::wire::log_entry::Kind;
use super::wire::{Level, LogEntry};
use crate::auth::{Admitted, Pass};
use crate::feed::{Asked, Feed, Line, LineFeed, Piece, Refused};
use crate::learned::Ways;
use crate::log::Log;
use crate::routes::SharedState;

const NANOS: i64 = 1_000_000_000;

/// What is wanted of a log.
pub(super) struct Wanted {
    pub(super) asked: Asked,
    /// Lines at most; 0 for all.
    pub(super) limit: u64,
    pub(super) deadline: Option<Instant>,
}

/// Begins to read `log`.
pub(super) async fn read(
    shared: &SharedState,
    log: &Arc<Log>,
    admitted: &Admitted,
    wanted: Wanted,
) -> Result<impl Stream<Item = Result<LogEntry, Status>> + use<>, Status> {
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return Err(Status::resource_exhausted("as many readers are here as this server takes"));
    };
    let pass = Pass::of(shared, admitted);
    let feed = Feed::begin(shared, log, &wanted.asked, pass)
        .await
        .map_err(|refused| refuse(log, refused))?;
    let history = log.known().map(|known| known.history).unwrap_or_default();
    let learning = Arc::clone(log);
    let ways = shared.reader.run(move || learning.learned().of(&history)).await;
    let reading = Reading {
        feed: LineFeed::new(feed),
        ready: VecDeque::new(),
        // Without them no entry has a time, and that is all.
        ways: ways.ok(),
        id: String::new(),
        left: if wanted.limit == 0 { u64::MAX } else { wanted.limit },
        follow: wanted.asked.follow,
        deadline: wanted.deadline,
        _permit: permit,
    };
    Ok(unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(entry)) => Some((Ok(entry), Some(reading))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    }))
}

struct Reading {
    feed: LineFeed,
    /// Read, and not yet taken: what came of one read of the log.
    ready: VecDeque<Piece>,
    ways: Option<Arc<Ways>>,
    id: String,
    left: u64,
    follow: bool,
    deadline: Option<Instant>,
    _permit: OwnedSemaphorePermit,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<LogEntry>, Status> {
        if self.left == 0 {
            return Ok(None);
        }
        if self.ready.is_empty() {
            let more = match self.deadline {
                Some(deadline) => {
                    timeout_at(deadline, self.feed.next()).await.map_err(|_late| {
                        Status::deadline_exceeded("the time that was given is over")
                    })?
                }
                None => self.feed.next().await,
            };
            match more {
                Some(more) => self.ready.extend(more),
                None if self.follow => {
                    return Err(Status::unavailable(
                        "the server ends, or the right to read has; come back with `from`",
                    ));
                }
                None => return Ok(None),
            }
        }
        Ok(self.ready.pop_front().map(|piece| self.entry(piece)))
    }

    fn entry(&mut self, piece: Piece) -> LogEntry {
        let happened = |kind: Kind, message: String, id: &str| LogEntry {
            message,
            id: id.to_owned(),
            kind: kind.into(),
            ..LogEntry::default()
        };
        match piece {
            Piece::Line(Line { bytes, id, .. }) => {
                self.left -= 1;
                self.id.clone_from(&id);
                let time = self.ways.as_ref().and_then(|ways| ways.clock.as_ref()?.at(&bytes));
                LogEntry {
                    timestamp: time.map(|nanos| Timestamp {
                        seconds: nanos.div_euclid(NANOS),
                        nanos: nanos.rem_euclid(NANOS) as i32,
                    }),
                    level: level_of(&bytes).into(),
                    message: String::from_utf8_lossy(&bytes).into_owned(),
                    id,
                    kind: Kind::Line.into(),
                }
            }
            Piece::Turned => {
                happened(Kind::Turned, "another file, or the same made anew".to_owned(), &self.id)
            }
            Piece::Lost(loss) => happened(Kind::Lost, crate::feed::lost(loss), &self.id),
        }
    }
}

fn level_of(line: &[u8]) -> Level {
    match level::level(line) {
        protocol::Level::None => Level::Unspecified,
        protocol::Level::Trace => Level::Trace,
        protocol::Level::Debug => Level::Debug,
        protocol::Level::Info => Level::Info,
        protocol::Level::Warn => Level::Warn,
        protocol::Level::Error => Level::Error,
        protocol::Level::Fatal => Level::Fatal,
    }
}

fn refuse(log: &Log, refused: Refused) -> Status {
    match refused {
        Refused::Unreadable(reason) => Status::failed_precondition(reason),
        Refused::Wrong(reason) => Status::invalid_argument(reason),
        Refused::Gone => Status::out_of_range("that position is not in this log any more"),
        Refused::Failed(error) => {
            tracing::warn!(log = %log.name(), %error, "a reader could not start");
            Status::internal("the log cannot be read")
        }
    }
}
