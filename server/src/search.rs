//! What a page looks for in a log: searched through in the background, marked in the rows it is
//! shown, gone to hit by hit.
//!
//! Searches share a few threads of low priority: whoever reads a window never waits for one. A
//! search that nobody looks at any more stops within milliseconds. No line is kept here.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::history::History;
use tailwater_engine::query::{Facts, LogFacts, Matcher};
use tailwater_engine::read::is_doubt;
use tailwater_engine::sample::Sample;
use tailwater_engine::scan::{self, Near, Order, Scan, Step, Worked, Worker};
use tailwater_engine::time::{Clock, Reference};
use tailwater_protocol::find::PARTS;
use tailwater_protocol::query::{Expr, Now, Query, QueryError, Zone};
use tailwater_protocol::{Direction, FindId, Finding, Hit, Position, Progress, Rows, Sought};
use tokio::sync::watch;

use crate::log::Log;
use crate::routes::Shared;

/// Threads that search.
const MAX_THREADS: usize = 4;

/// A thread works so long for one search before it looks for another that waits.
const TURN: Duration = Duration::from_millis(50);

/// Between two words about one search, by its rank.
const TELL: Duration = Duration::from_millis(100);
const TELL_SURVEY: Duration = Duration::from_millis(500);

/// Hits marked in one row.
const MAX_HITS: usize = 64;

/// Marking the rows of one window may take so long: an expression can be made slow on purpose, and
/// rows without marks are better than none.
const MARKING: Duration = Duration::from_millis(30);

/// Bytes that are looked at for the next hit before it is asked whether the search has found it.
const LOOK: u64 = 64 * 1024 * 1024;

/// How much lower than that of others the priority of a searching thread is.
const NICE: i32 = 10;

/// The threads.
#[derive(Debug, Clone)]
pub struct Searches(Arc<Pool>);

#[derive(Debug, Default)]
struct Pool {
    /// Searches that have something left to do.
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    searches: VecDeque<Arc<Search>>,
    ended: bool,
}

/// Who waits for a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// A person has asked for it.
    Asked,
    /// Nobody: it gives way to what was asked for.
    Survey,
}

/// How many hits each of [`PARTS`] parts of the log holds.
#[derive(Debug)]
pub struct Counted {
    pub searched: u64,
    pub bytes: u64,
    pub parts: Vec<u32>,
}

/// One search of one view.
pub struct Search {
    id: FindId,
    rank: Rank,
    log: Arc<Log>,
    /// What is marked in rows.
    marker: Arc<Matcher>,
    scan: Scan,
    pool: Weak<Pool>,
    reader: crate::read::Reader,
    watch: crate::watch::Watch,
    runtime: tokio::runtime::Handle,
    ended: AtomicBool,
    told: watch::Sender<u64>,
    notes: Mutex<Notes>,
}

/// What changes about a search beside what it found.
#[derive(Debug, Default)]
struct Notes {
    failed: Option<String>,
    /// The hit that was sought last.
    at: Option<Position>,
    /// Which it is, from 1, once what stands before it is searched.
    ordinal: Option<u64>,
    told: Option<Instant>,
}

/// Why a search cannot begin.
#[derive(Debug)]
pub enum Refused {
    /// The query is none.
    Wrong(QueryError),
    /// The log cannot be read.
    Failed(io::Error),
}

/// Somebody looks at a search: it ends with this.
pub struct Looking(Arc<Search>);

impl Searches {
    /// Starts the threads; they end when the last handle is gone.
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn start() -> io::Result<Self> {
        let pool = Arc::new(Pool::default());
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        for _ in 0..threads {
            let pool = Arc::clone(&pool);
            std::thread::Builder::new().name("search".to_owned()).spawn(move || run(&pool))?;
        }
        Ok(Self(pool))
    }

    /// How many have something left to do.
    pub fn waiting(&self) -> usize {
        self.0.lock().searches.len()
    }

    /// Ends the threads.
    pub fn stop(&self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, search: &Arc<Search>) {
        let mut waiting = self.lock();
        if !waiting.searches.iter().any(|known| Arc::ptr_eq(known, search)) {
            waiting.searches.push_back(Arc::clone(search));
        }
        drop(waiting);
        self.changed.notify_all();
    }

    fn remove(&self, search: &Arc<Search>) {
        self.lock().searches.retain(|known| !Arc::ptr_eq(known, search));
    }

    /// The search whose turn it is.
    fn next(&self) -> Option<Arc<Search>> {
        let mut waiting = self.lock();
        loop {
            if waiting.ended {
                return None;
            }
            let asked = waiting.searches.iter().position(|search| search.rank == Rank::Asked);
            if let Some(search) = waiting.searches.remove(asked.unwrap_or(0)) {
                // It stays, for other threads to help.
                waiting.searches.push_back(Arc::clone(&search));
                return Some(search);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn run(pool: &Pool) {
    // Where it is not allowed, searching competes with reading; nothing worse.
    let _lower = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    while let Some(search) = pool.next() {
        if search.is_ended() {
            pool.remove(&search);
            continue;
        }
        let until = Instant::now() + TURN;
        let stop = || search.is_ended() || Instant::now() >= until;
        let mut worker = search.scan.worker();
        match search.scan.work(&mut worker, &stop) {
            Ok(Worked::Stopped) => {
                // Another thread may have found no unit to be had, and have put it away.
                pool.add(&search);
                search.tell(&mut worker, false);
            }
            Ok(Worked::Nothing) => {
                pool.remove(&search);
                search.tell(&mut worker, true);
            }
            Err(error) => {
                pool.remove(&search);
                if is_doubt(&error) {
                    search.look_again();
                } else {
                    search.notes().failed = Some(error.to_string());
                    search.tell(&mut worker, true);
                }
            }
        }
    }
}

impl Search {
    /// Begins to look for `query` in `log`, of which only the lines are meant that `within` takes.
    ///
    /// # Errors
    ///
    /// What is wrong with the query, for the page.
    pub async fn begin(
        shared: &Shared,
        log: &Arc<Log>,
        id: FindId,
        query: &str,
        within: Option<&Query>,
        rank: Rank,
    ) -> Result<Looking, Finding> {
        let query = Query::parse(query).map_err(wrong)?;
        let all = within
            .map(|within| Query { expr: Expr::and(vec![within.expr.clone(), query.expr.clone()]) });
        Self::ask(shared, log, id, (query, all), rank).await.map_err(|refused| match refused {
            Refused::Wrong(error) => wrong(error),
            Refused::Failed(error) => Finding::Failed(error.to_string()),
        })
    }

    /// Begins to look for the second query, or else for the first, which is what is marked in rows.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub async fn ask(
        shared: &Shared,
        log: &Arc<Log>,
        id: FindId,
        (marked, scanned): (Query, Option<Query>),
        rank: Rank,
    ) -> Result<Looking, Refused> {
        let history = log.known().map(|known| known.history).unwrap_or_default();
        let learned = history.clone();
        let (marker, matcher, facts) = shared
            .reader
            .run(move || {
                let (now, zone) = now();
                let facts = learn(&learned, now, zone)?;
                let matcher = scanned.map(|query| Matcher::new(&query, now)).transpose();
                Ok((Matcher::new(&marked, now), matcher, facts))
            })
            .await
            .map_err(Refused::Failed)?;
        let marker = Arc::new(marker.map_err(Refused::Wrong)?);
        let matcher =
            matcher.map_err(Refused::Wrong)?.map_or_else(|| Arc::clone(&marker), Arc::new);
        let facts: Arc<dyn Facts> = Arc::new(facts);
        let search = Arc::new(Self {
            id,
            rank,
            log: Arc::clone(log),
            scan: Scan::new(matcher, facts, &history, Order::Newest),
            marker,
            pool: Arc::downgrade(&shared.searches.0),
            reader: shared.reader.clone(),
            watch: shared.logs.watcher().clone(),
            runtime: tokio::runtime::Handle::current(),
            ended: AtomicBool::new(false),
            told: watch::Sender::new(0),
            notes: Mutex::default(),
        });
        search.go_on();
        Ok(Looking(search))
    }

    pub fn id(&self) -> FindId {
        self.id
    }

    /// What it has found.
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Hears when it has come further.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// The log may have grown: what is new is searched, too.
    pub fn go_on(self: &Arc<Self>) {
        if let Some(known) = self.log.known() {
            self.scan.extend(&known.history);
        }
        if let Some(pool) = self.pool.upgrade() {
            pool.add(self);
        }
    }

    /// How it stands.
    pub fn finding(&self) -> Finding {
        match self.progress() {
            Ok(progress) => Finding::Progress(progress),
            Err(failed) => Finding::Failed(failed),
        }
    }

    /// How far it is.
    ///
    /// # Errors
    ///
    /// Why it cannot go on: the system's words.
    pub fn progress(&self) -> Result<Progress, String> {
        let notes = self.notes();
        if let Some(failed) = &notes.failed {
            return Err(failed.clone());
        }
        let progress = self.scan.progress();
        Ok(Progress {
            searched: progress.searched,
            bytes: progress.bytes,
            hits: progress.matches,
            complete: progress.searched == progress.bytes,
            density: self.scan.buckets(PARTS).iter().map(|part| density(part.matches)).collect(),
            ordinal: notes.ordinal,
        })
    }

    /// How many hits each part of the log holds.
    pub fn counted(&self) -> Counted {
        let progress = self.scan.progress();
        let hits = |hits: u64| u32::try_from(hits).unwrap_or(u32::MAX);
        let parts = self.scan.buckets(PARTS).iter().map(|part| hits(part.matches)).collect();
        Counted { searched: progress.searched, bytes: progress.bytes, parts }
    }

    /// Marks what it finds in rows.
    pub fn mark(&self, blocks: &mut [Rows]) {
        let until = Instant::now() + MARKING;
        for rows in blocks {
            rows.mark(|text| {
                if Instant::now() >= until {
                    return Vec::new();
                }
                let hit = |range: std::ops::Range<usize>| Hit {
                    start: range.start as u32,
                    end: range.end as u32,
                };
                self.marker.highlights(text, MAX_HITS).into_iter().map(hit).collect()
            });
        }
    }

    /// Looks for the next hit; `None` when the search was ended.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn seek(
        self: &Arc<Self>,
        from: Option<Position>,
        direction: Direction,
    ) -> io::Result<Option<Sought>> {
        loop {
            let this = Arc::clone(self);
            let sought = self.reader.run(move || this.next(from, direction)).await;
            match sought {
                Err(error) if is_doubt(&error) => self.watch.look(&self.log).await,
                outcome => return outcome,
            }
        }
    }

    fn next(&self, from: Option<Position>, direction: Direction) -> io::Result<Option<Sought>> {
        let history = self.log.known().map(|known| known.history).unwrap_or_default();
        let Some(from) = from.or(history.end()) else { return Ok(Some(Sought::Nothing)) };
        let mut worker = self.scan.worker();
        let found = match self.hit(&mut worker, &history, from, direction)? {
            Step::At(at) => {
                let ordinal = self.ordinal(&mut worker, at)?;
                let mut notes = self.notes();
                (notes.at, notes.ordinal) = (Some(at), ordinal);
                Some(Sought::Hit { at, ordinal })
            }
            Step::Nothing => Some(Sought::Nothing),
            Step::Onward(_) => None,
        };
        Ok(found)
    }

    /// The next hit: among those that were found, and where the search has not come to yet, by
    /// looking. `Onward` only when the search was ended.
    fn hit(
        &self,
        worker: &mut Worker,
        history: &History,
        from: Position,
        direction: Direction,
    ) -> io::Result<Step> {
        // The row at `from` is not meant itself.
        let mut from = if direction == Direction::Forward { from.forward(1) } else { from };
        loop {
            from = match self.scan.near(worker, from, direction)? {
                Near::At(at) => return Ok(Step::At(at)),
                Near::Nothing => return Ok(Step::Nothing),
                Near::Unknown(from) => from,
            };
            let stop = || self.is_ended();
            match scan::next(worker, history, from, direction, LOOK, &stop)? {
                // The search itself may be there by now.
                Step::Onward(on) if !self.is_ended() => from = on,
                step => return Ok(step),
            }
        }
    }

    fn ordinal(&self, worker: &mut Worker, at: Position) -> io::Result<Option<u64>> {
        Ok(self.scan.ordinal(worker, at)?.map(|before| before + 1))
    }

    /// The log was changed under the search: it is looked at, and what stands is searched on.
    fn look_again(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.runtime.spawn(async move {
            this.watch.look(&this.log).await;
            this.go_on();
        });
    }

    /// Says that it has come further, but not too often.
    fn tell(&self, worker: &mut Worker, at_once: bool) {
        let at = {
            let mut notes = self.notes();
            let between = match self.rank {
                Rank::Asked => TELL,
                Rank::Survey => TELL_SURVEY,
            };
            if !at_once && notes.told.is_some_and(|told| told.elapsed() < between) {
                return;
            }
            notes.told = Some(Instant::now());
            notes.at.filter(|_| notes.ordinal.is_none())
        };
        // A doubt is the next turn's to find.
        if let Some(Ok(ordinal)) = at.map(|at| self.ordinal(worker, at)) {
            let mut notes = self.notes();
            if notes.at == at {
                notes.ordinal = ordinal;
            }
        }
        self.told.send_modify(|told| *told += 1);
    }

    /// Whether nobody looks at it any more.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("id", &self.id).field("log", self.log.name()).finish()
    }
}

impl std::ops::Deref for Looking {
    type Target = Arc<Search>;

    fn deref(&self) -> &Arc<Search> {
        &self.0
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }
}

fn wrong(error: QueryError) -> Finding {
    Finding::Wrong { start: error.at.start, end: error.at.end, why: error.problem.to_string() }
}

/// What the lines of a log say of themselves, as far as that has to be learned from some of them.
///
/// # Errors
///
/// The system's, from reading.
pub fn learn(history: &History, now: Now, zone: jiff::tz::TimeZone) -> io::Result<LogFacts> {
    let sample = Sample::of(history)?;
    let reference = Reference { seen: now.nanos, zone };
    Ok(LogFacts { clock: Clock::learn(sample.lines(), reference) })
}

/// The time, and the zone of this machine at it.
pub fn now() -> (Now, jiff::tz::TimeZone) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
    let zone = jiff::tz::TimeZone::system();
    let timestamp = jiff::Timestamp::from_nanosecond(nanos.into()).unwrap_or_default();
    let minutes = zone.to_offset(timestamp).seconds() / 60;
    (Now { nanos, zone: Zone(minutes as i16) }, zone)
}

/// 0 for no hits, and else one more than the logarithm of how many.
fn density(hits: u64) -> u8 {
    hits.checked_ilog2().map_or(0, |log| log as u8 + 1)
}
