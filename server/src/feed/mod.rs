//! Every byte of a log for one reader, whatever the door: curl, an event stream, a plain socket.
//!
//! The bytes are the log's own, in order, each once. The reader sets the pace: the next are read
//! when it comes for them, and nothing is kept for it but where it stands.

mod asked;
mod lines;
mod picking;
mod record;

use std::io;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::encoding::Encoding;
use tailwater_engine::history::{Generation, History};
use tailwater_engine::window;
use tailwater_protocol::{Bookmark, GenerationId, LogState, Loss, Position};
use tokio::sync::watch;

pub use self::asked::{Asked, From, pairs};
pub use self::lines::{Line, LineFeed, Piece};
pub use self::record::Recorder;
use crate::auth::Pass;
use crate::log::{Log, Published, Watching};
use crate::logs::Logs;
use crate::read::Reader;
use crate::routes::SharedState;
use crate::serve::ended;
use picking::Picking;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Doubts in a row after which the log is taken as it is.
const DOUBTS: u32 = 3;

/// A reader, and all it takes to go on.
pub struct Feed {
    log: Arc<Log>,
    logs: Arc<Logs>,
    reader: Reader,
    published: watch::Receiver<Published>,
    /// What there was when it began, for one that does not follow.
    until: Option<History>,
    ending: watch::Receiver<bool>,
    pass: Pass,
    cursor: Option<Cursor>,
    /// What picks the lines, of a feed that gives not all.
    picking: Option<Picking>,
    /// Doubts in a row.
    doubts: u32,
    /// Whether all was given that there was.
    complete: bool,
    _watching: Watching,
}

/// What a reader is given.
#[derive(Debug)]
pub enum Fed {
    /// Bytes, and where they stood.
    Bytes(Chunk),
    /// What comes next is of another generation: an unfinished line before it has ended.
    Turned,
    /// Bytes are missing here.
    Lost(Loss),
}

/// Bytes of one generation.
#[derive(Debug)]
pub struct Chunk {
    pub bytes: Vec<u8>,
    /// How they are text.
    pub encoding: Encoding,
    /// Where the first of them stands.
    pub start: Option<Position>,
    /// What stood before them, as far as a fingerprint reaches, if that is known.
    pub before: Option<Vec<u8>>,
    /// Where the reader stands in other generations that may still grow.
    pub others: Vec<Bookmark>,
    /// The generation they are of.
    pub generation: Option<Generation>,
}

/// Why a reader cannot begin.
#[derive(Debug)]
pub enum Refused {
    /// The log cannot be read: why.
    Unreadable(String),
    /// The log no longer holds the position that was named.
    Gone,
    /// Reading failed.
    Failed(io::Error),
    /// The filter is none: what is wrong with it.
    Wrong(String),
}

impl Feed {
    /// A reader of `log`, for as long as `pass` is good.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn begin(
        shared: &SharedState,
        log: &Arc<Log>,
        asked: &Asked,
        pass: Pass,
    ) -> Result<Self, Refused> {
        let watching = shared.logs.attend(log).await;
        if let Some(LogState::Unreadable { reason, .. }) = log.known().map(|known| known.state) {
            return Err(Refused::Unreadable(reason));
        }
        let mut picking = match asked.filter.is_empty() {
            true => None,
            false => Some(Picking::begin(shared, log, &asked.filter).await?),
        };
        let cursor = start(shared, log, asked, picking.as_mut()).await.map_err(Refused::Failed)?;
        Ok(Self {
            picking,
            published: log.subscribe(),
            log: Arc::clone(log),
            logs: Arc::clone(&shared.logs),
            reader: shared.reader.clone(),
            until: if asked.follow { None } else { Some(history(log).sealed()) },
            ending: shared.ending.clone(),
            pass: pass.for_log(log.name().clone()),
            cursor: Some(cursor.ok_or(Refused::Gone)?),
            doubts: 0,
            complete: false,
            _watching: watching,
        })
    }

    /// The log that it reads.
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    fn encoding_of(&self, id: GenerationId) -> Option<Encoding> {
        let history = self.until.clone().unwrap_or_else(|| history(&self.log));
        history.get(id).map(Generation::encoding)
    }

    /// Whether it ended before all was given that was asked for: the reader must not take what it
    /// has for the whole.
    pub fn broke_off(&self) -> bool {
        self.until.is_some() && !self.complete
    }

    /// What comes next; `None` when nothing will. Must be waited for to its end: one that is
    /// dropped half-way leaves a reader that has ended.
    pub async fn next(&mut self) -> Option<Fed> {
        loop {
            // Whoever reads fast never comes to wait, and is asked here.
            if *self.ending.borrow() || self.pass.ended().now_or_never().is_some() {
                return None;
            }
            self.published.mark_unchanged();
            let history = self.until.clone().unwrap_or_else(|| history(&self.log));
            let mut cursor = self.cursor.take()?;
            let start = cursor.position();
            let fresh = start.is_some_and(|start| start.offset == 0).then(Vec::new);
            let before = cursor.before().map(<[u8]>::to_vec).or(fresh);
            let read = self.reader.run(move || {
                let mut bytes = Vec::new();
                let step = cursor.read(&history, &mut bytes, CHUNK)?;
                let generation = start.and_then(|start| history.get(start.generation).cloned());
                Ok((cursor, step, bytes, generation))
            });
            let (cursor, step, bytes, generation) = match read.await {
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
            let own = cursor.position().map(|position| position.generation);
            let encoding = own.and_then(|id| self.encoding_of(id)).unwrap_or_default();
            let mut others = cursor.bookmarks();
            others.retain(|other| Some(other.position.generation) != own);
            self.cursor = Some(cursor);
            match step {
                Step::Bytes => {
                    return Some(Fed::Bytes(Chunk {
                        bytes,
                        encoding,
                        start,
                        before,
                        others,
                        generation,
                    }));
                }
                Step::Turned { .. } => return Some(Fed::Turned),
                Step::Lost { loss } => return Some(Fed::Lost(loss)),
                Step::Doubt if self.until.is_some() => return None,
                Step::Doubt => {
                    self.logs.watcher().look(&self.log).await;
                    self.log.archives().survey(&self.log).await;
                }
                Step::End if self.until.is_some() => {
                    self.complete = true;
                    return None;
                }
                Step::End => tokio::select! {
                    changed = self.published.changed() => changed.ok()?,
                    () = ended(&mut self.ending) => return None,
                    _ = self.pass.ended() => return None,
                },
            }
        }
    }
}

/// Where the reader starts; `None` when that is no more.
async fn start(
    shared: &SharedState,
    log: &Arc<Log>,
    asked: &Asked,
    picking: Option<&mut Picking>,
) -> io::Result<Option<Cursor>> {
    let mut start = start_at(shared, log, asked).await?;
    let Some(picking) = picking else { return Ok(start) };
    if asked.from.is_empty() {
        let first = picking.last(shared, log, asked.lines as usize).await?;
        return Ok(Some(first.map_or_else(Cursor::at_start, Cursor::new)));
    }
    if let Some(position) = start.as_mut().and_then(|cursor| cursor.position()) {
        picking.come_back(shared, log, position).await?;
    }
    Ok(start)
}

/// The same for one who is given all lines.
async fn start_at(
    shared: &SharedState,
    log: &Arc<Log>,
    asked: &Asked,
) -> io::Result<Option<Cursor>> {
    let history = history(log);
    match asked.from.as_slice() {
        [From::Bookmark(first), late @ ..] => {
            let position = crate::read::resume(&shared.logs, log, *first).await;
            let cursor = position.map(Cursor::new);
            let late = late.iter().filter_map(From::bookmark);
            Ok(cursor.map(|cursor| late.fold(cursor, Cursor::and_late)))
        }
        [From::Position(position), ..] => {
            let mut known = history.get(position.generation).is_some();
            if !known {
                log.archives().settle(log).await;
                known = self::history(log).get(position.generation).is_some();
            }
            Ok(known.then(|| Cursor::new(*position)))
        }
        [] => {
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

/// What is missing and why, for people.
pub fn lost(loss: Loss) -> String {
    match loss {
        Loss::Truncated(bytes) => format!("{bytes} bytes: the file was cut short"),
        Loss::Deleted(bytes) => format!("{bytes} bytes: the file was deleted"),
        Loss::LetGo(bytes) => format!("{bytes} bytes: too many earlier files to keep open"),
        Loss::Unknown => "what came before this is not known".to_owned(),
        Loss::Damaged(damage) => format!("can't be read any further: {damage}"),
        Loss::Full(bytes) => format!("{bytes} bytes came and found no room on the disk"),
    }
}
