//! Reading for those who look: windows, frames, first screens. The one way from a log's files to
//! rows, whatever the door.
//!
//! Reads run on threads of their own, bounded in number, so that a slow disk holds up nobody's
//! socket; what they cost is a screenful, not a log.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tailwater_engine::closer::{self, Closer};
use tailwater_engine::history::History;
use tailwater_engine::read::is_doubt;
use tailwater_engine::time;
use tailwater_engine::unwrap::Stream;
use tailwater_engine::window::filtered::{PickedRows, PickedTail};
use tailwater_engine::window::{self, Tail, WindowRows};
use tailwater_protocol::find::PARTS;
use tailwater_protocol::{
    Anchor, Attention, Bookmark, Course, Frame, LogState, Outline, Picked, Position, Rows, Stretch,
    Tally,
};
use tokio::sync::Semaphore;

use crate::count::Counter;
use crate::filter::Picker;
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

/// How long it is looked for rows that a filter takes, before the page is told how far that has
/// come: it asks on from there, and shows meanwhile what was found.
const LOOKING: Duration = Duration::from_millis(150);

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
    pub picked: Option<Picked>,
}

/// How a reader looks at a log: what is marked in its rows, and which of them are shown.
#[derive(Clone, Default)]
pub struct Sight {
    pub search: Option<Arc<Search>>,
    pub filter: Option<Picker>,
}

/// Where a view stands, and what it has been told.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The first byte its page has not been sent; `None`: it shall be sent the newest rows.
    pub at: Option<Position>,
    /// What had passed when it was last told.
    pub told: Option<Tally>,
    /// In a filtered view: up to where it was told what passed.
    pub counted: Option<Position>,
    /// Whether there is more to be counted than was done for one frame.
    pub more: bool,
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
        sight: Sight,
    ) -> io::Result<Windowed> {
        // A link may lead to what is not gone through yet.
        if let Anchor::At(position) = anchor
            && self.history(log).get(position.generation).is_none()
        {
            log.archives().settle(log).await;
        }
        let until = Instant::now() + LOOKING;
        loop {
            let sight = sight.clone();
            let (read, on) = self
                .retrying(log, move |this, log| {
                    this.read_window(log, anchor, before, after, &sight)
                })
                .await?;
            // Others have read meanwhile, if they waited.
            if !on || Instant::now() >= until {
                return Ok(read);
            }
        }
    }

    /// The rows, and whether it is worth while to look on for more.
    fn read_window(
        &self,
        log: &Arc<Log>,
        anchor: Anchor,
        before: u16,
        after: u16,
        sight: &Sight,
    ) -> io::Result<(Windowed, bool)> {
        let history = self.history(log);
        self.count_on(log, &history)?;
        let counts = |id| Some(log.counts(id));
        let outline = log.outline(&history);
        let ways = log.learned().of(&history)?;
        let clock = ways.clock.as_ref();
        let (mut rows, picked, on) = match &sight.filter {
            None => {
                let rows = window::window_by(&history, &counts, clock, anchor, before, after)?;
                (rows, None, false)
            }
            Some(picker) => {
                let (rows, on) = picker.window(&history, &counts, clock, anchor, before, after)?;
                let picked = Some(picker.picked(&rows));
                let PickedRows { blocks, anchor, at_start, at_end, .. } = rows;
                (WindowRows { blocks, anchor, at_start, at_end }, picked, on)
            }
        };
        mark(sight.search.as_deref(), &mut rows.blocks);
        ways.tell(&mut rows.blocks);
        mark_streams(log, &history, &mut rows.blocks);
        Ok((Windowed { rows, outline, picked }, on))
    }

    /// The newest rows of `log` as plain rows: the first screen. Of a filtered log those that are
    /// found at once.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn newest(
        &self,
        log: &Arc<Log>,
        rows: u16,
        filter: Option<Picker>,
    ) -> io::Result<Vec<Rows>> {
        let sight = Sight { search: None, filter };
        Ok(self.window(log, Anchor::End, rows, 0, sight).await?.rows.blocks)
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
        sight: Sight,
    ) -> io::Result<(Frame, Standing)> {
        self.retrying(log, move |this, log| {
            let picker = sight.filter.as_ref();
            let mut made = this.make_frame(log, standing.clone(), attention, sequence, picker)?;
            mark(sight.search.as_deref(), &mut made.0.blocks);
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
        picker: Option<&Picker>,
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
        let (mut tail, picked) = match picker {
            None => (window::tail(&history, &counts, standing.at, rows)?, None),
            Some(picker) => {
                let PickedTail { continues, rows, end } =
                    picker.tail(&history, &counts, standing.at, rows)?;
                let picked = picker.picked(&rows);
                (Tail { continues, blocks: rows.blocks, end }, Some(picked))
            }
        };
        if !tail.blocks.is_empty() {
            log.learned().of(&history)?.tell(&mut tail.blocks);
        }
        mark_streams(log, &history, &mut tail.blocks);
        let end = tail.end;
        let stands = end.map(|end| end.position);
        let since = standing.counted.or(standing.at);
        let (passed, counted) = match (picker, since, standing.told, standing.at) {
            (Some(picker), Some(since), ..) => {
                let (passed, upto) = picker.passed(&history, since)?;
                (passed, Some(upto))
            }
            (Some(_), None, ..) => (Tally::default(), stands),
            (None, _, Some(told), _) => (total.since(told), None),
            // A page that comes back: between its bookmark and the end lies what it missed.
            (None, _, None, Some(at)) => (between(log, &history, at), None),
            (None, _, None, None) => (Tally::default(), None),
        };
        // An unfinished line is not counted, and is nothing to be counted on for.
        let more = counted.is_some_and(|upto| match history.generations.last() {
            Some(last) if last.id == upto.generation => {
                !last.unfinished && upto.offset < last.bytes
            }
            _ => true,
        });
        let more = more && counted != since;
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
            picked,
        };
        Ok((frame, Standing { at: stands, told: Some(total), counted, more }))
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
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub fn count_on(&self, log: &Arc<Log>, history: &History) -> io::Result<()> {
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
