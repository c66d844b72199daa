//! What a view shows of its log: begun, looked for in the background, read a screenful at a time.
//!
//! Where the search has not come to yet, whoever reads looks for himself, for a moment, and helps
//! the search along from there; then he says how far he has come. So a screenful never waits for a
//! whole log, and nothing is looked through twice.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tailwater_engine::history::{CountsOf, History};
use tailwater_engine::query::Matcher;
use tailwater_engine::scan::Order;
use tailwater_engine::time::Clock;
use tailwater_engine::window::filtered::{self, Pick, PickedRows, PickedTail};
use tailwater_protocol::query::{Query, QueryError};
use tailwater_protocol::{
    Anchor, Chip, Filter, FilterId, Filtering, FindId, Picked, Position, Tally,
};

use crate::log::Log;
use crate::routes::Shared;
use crate::search::{self, Looking, Rank, Refused, Search};

/// Bytes that a reader looks through for himself, before he helps the search.
const OWN: u64 = 1024 * 1024;

/// Bytes that a frame looks through: what may come while the one before it is shown.
const FRAME: u64 = 64 * 1024 * 1024;

/// Lines whose levels are looked at for one frame; the others are counted with the next.
const COUNTED: usize = 20_000;

/// How long a reader looks before others may read: a fraction of what a person notices.
const SLICE: Duration = Duration::from_millis(30);

/// The filter of a view; it ends with this.
pub struct Filtered {
    id: FilterId,
    query: Query,
    context: u16,
    looking: Looking,
}

/// Picks rows for one reader.
#[derive(Clone)]
pub struct Picker {
    id: FilterId,
    context: u16,
    search: Arc<Search>,
}

impl Filtered {
    /// Begins to look for what `filter` takes of `log`.
    ///
    /// # Errors
    ///
    /// What is wrong with which part of it, for the page.
    pub async fn begin(
        shared: &Shared,
        log: &Arc<Log>,
        id: FilterId,
        filter: &Filter,
    ) -> Result<Self, Filtering> {
        let query = filter.query().map_err(|error| wrong(error.part, &error.error))?;
        let looking = match Search::ask(
            shared,
            log,
            FindId(id.0),
            (query.clone(), None),
            Rank::Asked,
        )
        .await
        {
            Ok(looking) => looking,
            Err(Refused::Wrong(error)) => {
                // It does not say of which part it is.
                let (part, error) = culprit(filter).unwrap_or((Chip::Whole, error));
                return Err(wrong(part, &error));
            }
            Err(Refused::Failed(error)) => return Err(Filtering::Failed(error.to_string())),
        };
        Ok(Self { id, query, context: filter.context, looking })
    }

    pub fn id(&self) -> FilterId {
        self.id
    }

    /// What a line must be like.
    pub fn query(&self) -> &Query {
        &self.query
    }

    pub fn search(&self) -> &Arc<Search> {
        &self.looking
    }

    pub fn picker(&self) -> Picker {
        Picker { id: self.id, context: self.context, search: Arc::clone(&self.looking) }
    }

    /// How it stands.
    pub fn filtering(&self) -> Filtering {
        match self.looking.progress() {
            Ok(progress) => Filtering::Progress(progress),
            Err(failed) => Filtering::Failed(failed),
        }
    }
}

impl Picker {
    /// Rows around `anchor`, and whether it is worth while to look on: it was looked for only so
    /// long.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub fn window(
        &self,
        history: &History,
        counts: &CountsOf<'_>,
        clock: Option<&Clock>,
        anchor: Anchor,
        before: u16,
        after: u16,
    ) -> io::Result<(PickedRows, bool)> {
        let until = Instant::now() + SLICE;
        let stop = || self.search.is_ended() || Instant::now() >= until;
        loop {
            let rows = self.pick(OWN, &stop, |pick| {
                filtered::window(history, counts, clock, pick, anchor, before, after)
            })?;
            let (Some((from, to)), short) = (rows.stretch, rows.short) else {
                return Ok((rows, false));
            };
            if !short.before && !short.after || self.search.is_ended() {
                return Ok((rows, false));
            }
            if stop() {
                return Ok((rows, true));
            }
            let edge = if short.after { to } else { from };
            let scan = self.search.scan();
            scan.turn(Order::Around(edge));
            scan.work(&mut scan.worker(), &stop)?;
        }
    }

    /// The newest rows, as [`filtered::tail`].
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub fn tail(
        &self,
        history: &History,
        counts: &CountsOf<'_>,
        from: Option<Position>,
        rows: u16,
    ) -> io::Result<PickedTail> {
        // Who stands somewhere is to be told all since; who does not begins with what is near.
        let (budget, time) = if from.is_some() { (FRAME, 10 * SLICE) } else { (OWN, 2 * SLICE) };
        let until = Instant::now() + time;
        let stop = || self.search.is_ended() || Instant::now() >= until;
        self.pick(budget, &stop, |pick| filtered::tail(history, counts, pick, from, rows))
    }

    /// What has passed since `from`, and up to where that is counted.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub fn passed(&self, history: &History, from: Position) -> io::Result<(Tally, Position)> {
        let until = Instant::now() + 3 * SLICE;
        let stop = || self.search.is_ended() || Instant::now() >= until;
        self.pick(FRAME, &stop, |pick| filtered::passed(history, pick, from, COUNTED))
    }

    fn pick<T>(
        &self,
        budget: u64,
        stop: &dyn Fn() -> bool,
        work: impl FnOnce(&mut Pick<'_>) -> T,
    ) -> T {
        let scan = self.search.scan();
        let mut worker = scan.worker();
        let context = self.context;
        work(&mut Pick { scan: Some(scan), worker: &mut worker, context, budget, stop })
    }

    /// How `rows` were picked, for the page.
    pub fn picked(&self, rows: &PickedRows) -> Picked {
        Picked { filter: self.id, stretch: rows.stretch, aside: rows.aside.clone() }
    }

    /// Whether nobody waits for it any more.
    pub fn is_ended(&self) -> bool {
        self.search.is_ended()
    }
}

/// The first part of `filter` that holds a pattern which is none.
pub fn culprit(filter: &Filter) -> Option<(Chip, QueryError)> {
    let include = (0..).zip(&filter.include).map(|(nth, text)| (Chip::Include(nth), text));
    let exclude = (0..).zip(&filter.exclude).map(|(nth, text)| (Chip::Exclude(nth), text));
    let (now, _) = search::now();
    include.chain(exclude).find_map(|(part, text)| {
        let query = Query::parse(text).ok()?;
        Some((part, Matcher::new(&query, now).err()?))
    })
}

fn wrong(part: Chip, error: &QueryError) -> Filtering {
    Filtering::Wrong {
        part,
        start: error.at.start,
        end: error.at.end,
        why: error.problem.to_string(),
    }
}
