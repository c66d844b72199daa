//! Reading for those who look: windows, frames, first screens. The one way from a log's files to
//! rows, whatever the door.
//!
//! Reads run on threads of their own, bounded in number, so that a slow disk holds up nobody's
//! socket; what they cost is a screenful, not a log.

use std::io;
use std::sync::{Arc, PoisonError};

use tailwater_engine::closer::{self, Closer};
use tailwater_engine::history::History;
use tailwater_engine::read::is_doubt;
use tailwater_engine::time;
use tailwater_engine::unwrap::Stream;
use tailwater_engine::window::{self, WindowRows};
use tailwater_protocol::find::PARTS;
use tailwater_protocol::{
    Anchor, Attention, Bookmark, Course, Frame, LogState, Outline, Position, Rows, Stretch, Tally,
};
use tokio::sync::Semaphore;

use crate::count::Counter;
use crate::log::{Known, Log, Published};
use crate::search::Search;
use crate::watch::Watch;

/// Reads at once.
const READS: usize = 16;

/// Bytes that are counted along with a read rather than in the background: some milliseconds.
const INLINE: u64 = 4 * 1024 * 1024;

/// Generations of which lines are counted along with a read: the current one, and the one that it
/// may have replaced a moment ago.
const INLINE_GENERATIONS: usize = 2;

/// Reads of a log that is rotated faster than it can be read, before that is said.
const TRIES: u32 = 5;

/// Rows of a frame, at most: the tallest screen.
const FRAME_ROWS: u16 = 400;

/// Reads logs.
#[derive(Debug, Clone)]
pub struct Reader {
    permits: Arc<Semaphore>,
    counter: Counter,
    watch: Watch,
}

/// A window of rows, and the log they come from.
#[derive(Debug)]
pub struct Windowed {
    pub rows: WindowRows,
    pub outline: Outline,
}

/// Where a view stands, and what it has been told.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The first byte its page has not been sent; `None`: it shall be sent the newest rows.
    pub at: Option<Position>,
    /// What had passed when it was last told.
    pub told: Option<Tally>,
}

impl Reader {
    pub fn new(counter: Counter, watch: Watch) -> Self {
        Self { permits: Arc::new(Semaphore::new(READS)), counter, watch }
    }

    /// Rows around `anchor`.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn window(
        &self,
        log: &Arc<Log>,
        anchor: Anchor,
        before: u16,
        after: u16,
        search: Option<Arc<Search>>,
    ) -> io::Result<Windowed> {
        // A link may lead to what is not gone through yet.
        if let Anchor::At(position) = anchor
            && self.history(log).get(position.generation).is_none()
        {
            log.archives().settle(log).await;
        }
        self.retrying(log, move |this, log| {
            let history = this.history(log);
            this.count_on(log, &history)?;
            let counts = |id| Some(log.counts(id));
            let ways = log.learned().of(&history)?;
            let clock = ways.clock.as_ref();
            let mut rows = window::window_by(&history, &counts, clock, anchor, before, after)?;
            mark(search.as_deref(), &mut rows.blocks);
            ways.tell(&mut rows.blocks);
            mark_streams(log, &history, &mut rows.blocks);
            Ok(Windowed { rows, outline: log.outline(&history) })
        })
        .await
    }

    /// The newest rows of `log` as plain rows: the first screen.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn newest(&self, log: &Arc<Log>, rows: u16) -> io::Result<Vec<Rows>> {
        Ok(self.window(log, Anchor::End, rows, 0, None).await?.rows.blocks)
    }

    /// What has happened for a view that stands at `standing`, and where it stands after that.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn frame(
        &self,
        log: &Arc<Log>,
        standing: Standing,
        attention: Attention,
        sequence: u64,
        search: Option<Arc<Search>>,
    ) -> io::Result<(Frame, Standing)> {
        self.retrying(log, move |this, log| {
            let mut made = this.make_frame(log, standing.clone(), attention, sequence)?;
            mark(search.as_deref(), &mut made.0.blocks);
            Ok(made)
        })
        .await
    }

    fn make_frame(
        &self,
        log: &Arc<Log>,
        standing: Standing,
        attention: Attention,
        sequence: u64,
    ) -> io::Result<(Frame, Standing)> {
        let Published { known, noticed, .. } = log.published();
        let Known { history, state } = known
            .unwrap_or_else(|| Known { history: History::default(), state: LogState::Waiting });
        if attention != Attention::News {
            self.count_on(log, &history)?;
        }
        let total = self.pass_on(log, &history, attention)?;
        let rows = match attention {
            Attention::Rows(rows) => rows.min(FRAME_ROWS),
            Attention::Counts | Attention::News => 0,
        };
        let counts = |id| Some(log.counts(id));
        let mut tail = window::tail(&history, &counts, standing.at, rows)?;
        if !tail.blocks.is_empty() {
            log.learned().of(&history)?.tell(&mut tail.blocks);
        }
        let passed = match (standing.told, standing.at) {
            (Some(told), _) => total.since(told),
            // A page that comes back: between its bookmark and the end lies what it missed.
            (None, Some(at)) => between(log, &history, at),
            (None, None) => Tally::default(),
        };
        mark_streams(log, &history, &mut tail.blocks);
        let end = tail.end;
        let grown = passed.bytes > 0 || !tail.blocks.is_empty();
        let age = if grown { noticed.elapsed().as_millis() } else { 0 };
        let frame = Frame {
            sequence,
            outline: log.outline(&history),
            state,
            passed,
            continues: tail.continues,
            blocks: tail.blocks,
            end,
            age: age.min(u128::from(u32::MAX)) as u32,
        };
        Ok((frame, Standing { at: end.map(|end| end.position), told: Some(total) }))
    }

    /// All that the line at `at` says; `None` when it is gone.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn details(&self, log: &Arc<Log>, at: Position) -> io::Result<Option<Closer>> {
        self.retrying(log, move |this, log| {
            let history = this.history(log);
            let ways = log.learned().of(&history)?;
            closer::closer(&history, ways.clock.as_ref(), at)
        })
        .await
    }

    /// The lines of stretches, and how many bytes of them were left out.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn take(
        &self,
        log: &Arc<Log>,
        stretches: Vec<Stretch>,
    ) -> io::Result<(Vec<u8>, u64)> {
        let stretches = Arc::new(stretches);
        self.retrying(log, move |this, log| closer::take(&this.history(log), &stretches)).await
    }

    /// How the log lies in time.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn course(&self, log: &Arc<Log>) -> io::Result<Course> {
        self.retrying(log, move |this, log| {
            let history = this.history(log);
            match &log.learned().of(&history)?.clock {
                Some(clock) => time::course(&history, clock, PARTS),
                None => Ok(Course::default()),
            }
        })
        .await
    }

    fn history(&self, log: &Log) -> History {
        log.known().map(|known| known.history).unwrap_or_default()
    }

    /// Counts the lines that came lately, and has the rest counted in the background.
    fn count_on(&self, log: &Arc<Log>, history: &History) -> io::Result<()> {
        for (age, generation) in history.generations.iter().rev().enumerate() {
            // Whoever looks at the end waits for nothing that was rotated away: there may be a
            // hundred earlier generations, and compressed ones.
            if age >= INLINE_GENERATIONS {
                if log.counts(generation.id).uncounted(generation.bytes) > 0 {
                    self.counter.count(log);
                    break;
                }
                continue;
            }
            let counts = log.counts_of(generation, self.counter.kept());
            match counts.uncounted(generation.bytes) {
                0 => {}
                few if few <= INLINE => {
                    counts.catch_up(generation, few)?;
                }
                _ => {
                    self.counter.count(log);
                    break;
                }
            }
            if log.is_to_be_kept(generation.id) {
                self.counter.count(log);
            }
        }
        Ok(())
    }

    fn pass_on(
        &self,
        log: &Arc<Log>,
        history: &History,
        attention: Attention,
    ) -> io::Result<Tally> {
        let mut passed = log.passed().lock().unwrap_or_else(PoisonError::into_inner);
        let caught = passed.catch_up(history, INLINE)?;
        if !caught.complete && attention != Attention::News {
            self.counter.count(log);
        }
        Ok(caught.total)
    }

    /// Reads; when the log was changed under the read, has it looked at and reads again.
    async fn retrying<T: Send + 'static>(
        &self,
        log: &Arc<Log>,
        read: impl Fn(&Self, &Arc<Log>) -> io::Result<T> + Clone + Send + 'static,
    ) -> io::Result<T> {
        let mut tries = 1;
        loop {
            let (this, of, read) = (self.clone(), Arc::clone(log), read.clone());
            match self.blocking(move || read(&this, &of)).await {
                Err(error) if is_doubt(&error) && tries < TRIES => {
                    tries += 1;
                    self.watch.look(log).await;
                    log.archives().survey(log).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        let read = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        read.await.map_err(io::Error::other)?
    }

    /// A piece of blocking work on the same bounded threads.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.blocking(work).await
    }
}

/// Marks what a search finds in rows that were read.
fn mark(search: Option<&Search>, blocks: &mut [Rows]) {
    if let Some(search) = search {
        search.mark(blocks);
    }
}

/// Marks which rows a program wrote to its standard error, where that is known.
fn mark_streams(log: &Log, history: &History, blocks: &mut [Rows]) {
    let Some(spool) = log.spool() else { return };
    for block in blocks {
        let Some(generation) = history.get(block.start.generation) else { continue };
        let offsets: Vec<u64> = block.iter().map(|row| row.position.offset).collect();
        if let Some(streams) = spool.streams(generation, &offsets) {
            block.set_stderr(streams.into_iter().map(|stream| stream == Stream::Stderr));
        }
    }
}

/// What stands between `from` and the end, by the counts alone: no line is read for it, so its
/// levels are not known.
fn between(log: &Log, history: &History, from: Position) -> Tally {
    let mut tally = Tally::default();
    let Some(first) = history.generations.iter().position(|g| g.id == from.generation) else {
        return tally;
    };
    for generation in history.generations.iter().skip(first) {
        let start = if generation.id == from.generation { from.offset } else { 0 };
        let lines = lines_to(log, generation, generation.bytes);
        tally.bytes += generation.bytes.saturating_sub(start);
        tally.lines += lines.saturating_sub(lines_to(log, generation, start));
    }
    tally
}

/// Lines before `offset`, counted or else guessed.
fn lines_to(log: &Log, generation: &tailwater_engine::history::Generation, offset: u64) -> u64 {
    match log.counts(generation.id).lines_before(generation.file.as_ref(), offset) {
        Ok(Some(lines)) => lines.number(),
        _ => 0,
    }
}

/// Finds where a reader stands who comes back with `bookmark`: in the history as it is known, or
/// by what it read last, if need be in what has to be gone through first.
pub async fn resume(
    logs: &crate::logs::Logs,
    log: &Arc<Log>,
    bookmark: Bookmark,
) -> Option<Position> {
    if log.known().is_some_and(|known| known.history.get(bookmark.position.generation).is_some())
        && let Some(position) = find(log, bookmark).await
    {
        return Some(position);
    }
    if let Some(position) = logs.watcher().recognise(log, bookmark).await {
        return Some(position);
    }
    log.archives().settle(log).await;
    find(log, bookmark).await
}

/// Where `bookmark` stands in what is known.
async fn find(log: &Arc<Log>, bookmark: Bookmark) -> Option<Position> {
    let history = log.known()?.history;
    let found = tokio::task::spawn_blocking(move || history.find(bookmark)).await;
    found.ok().flatten()
}
