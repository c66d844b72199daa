//! Which lines of a feed are given, when an address asks for some of them: the same that the page
//! shows there, in the same order, with the same company.
//!
//! Holds of what is not given only the few lines that may become company of the next that is.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tailwater_engine::history::{Generation, History};
use tailwater_engine::query::{LogFacts, Matcher};
use tailwater_engine::read::is_doubt;
use tailwater_engine::scan::Worker;
use tailwater_engine::window::filtered::{self, Pick};
use tailwater_protocol::{Chip, Filter, Position};

use super::lines::Piece;
use super::{Refused, history};
use crate::filter::culprit;
use crate::log::Log;
use crate::routes::SharedState;
use crate::search;

/// Bytes of lines that are held because they may become company. Beyond it the oldest go.
const HELD: usize = 4 * 1024 * 1024;

/// Bytes looked through in one go.
const STEP: u64 = 64 * 1024 * 1024;

/// How long it is looked before others may read.
const SLICE: Duration = Duration::from_millis(30);

/// Matches looked for at once on the way back.
const BACK: usize = 10_000;

/// Picks lines.
pub(super) struct Picking {
    matcher: Arc<Matcher>,
    facts: Arc<LogFacts>,
    worker: Worker,
    context: usize,
    /// Lines before, of which none was given.
    before: VecDeque<Piece>,
    held: usize,
    /// Lines that are still to be given, whatever they are.
    after: usize,
    /// What was decided of the line that goes on.
    taken: bool,
}

impl Picking {
    pub(super) async fn begin(
        shared: &SharedState,
        log: &Arc<Log>,
        filter: &Filter,
    ) -> Result<Self, Refused> {
        let wrong = |part, why: String| Refused::Wrong(name(part) + &why);
        let query = filter.query().map_err(|error| wrong(error.part, error.to_string()))?;
        let known = history(log);
        let read = shared.reader.run(move || {
            let (now, zone) = search::now();
            let facts = search::learn(&known, now, zone)?;
            Ok((Matcher::new(&query, now), facts))
        });
        let (matcher, facts) = read.await.map_err(Refused::Failed)?;
        let matcher = matcher.map_err(|error| {
            let (part, error) = culprit(filter).unwrap_or((Chip::Whole, error));
            wrong(part, error.to_string())
        })?;
        let (matcher, facts) = (Arc::new(matcher), Arc::new(facts));
        let worker = Worker::new(Arc::clone(&matcher), Arc::clone(&facts) as _);
        Ok(Self {
            matcher,
            facts,
            worker,
            context: usize::from(filter.context),
            before: VecDeque::new(),
            held: 0,
            after: 0,
            taken: false,
        })
    }

    /// Of `pieces`, which came next, and all but the last line of which are of `generation`, those
    /// that are to be given now.
    pub(super) fn pick(
        &mut self,
        pieces: Vec<Piece>,
        generation: Option<&Generation>,
    ) -> io::Result<Vec<Piece>> {
        let mut taken = self.judge(&pieces, generation)?.into_iter();
        let mut given = Vec::new();
        for piece in pieces {
            let Piece::Line(line) = &piece else {
                self.before.clear();
                (self.held, self.after) = (0, 0);
                given.push(piece);
                continue;
            };
            let first = !line.continued;
            if taken.next().unwrap_or(false) {
                given.extend(self.before.drain(..));
                (self.held, self.after) = (0, self.context);
                given.push(piece);
            } else if self.after > 0 {
                self.after -= usize::from(!line.unfinished);
                given.push(piece);
            } else if self.context > 0 {
                self.hold(piece, first);
            }
        }
        Ok(given)
    }

    fn hold(&mut self, piece: Piece, first: bool) {
        let size = |piece: &Piece| match piece {
            Piece::Line(line) => line.bytes.len(),
            Piece::Turned | Piece::Lost(_) => 0,
        };
        self.held += size(&piece);
        self.before.push_back(piece);
        let lines = self
            .before
            .iter()
            .filter(|piece| matches!(piece, Piece::Line(line) if !line.continued));
        let many = first && lines.count() > self.context;
        if many || self.held > HELD {
            if let Some(oldest) = self.before.pop_front() {
                self.held -= size(&oldest);
            }
            while let Some(Piece::Line(line)) = self.before.front()
                && line.continued
            {
                self.held -= line.bytes.len();
                self.before.pop_front();
            }
        }
    }

    /// Which of the lines match, in their order.
    fn judge(
        &mut self,
        pieces: &[Piece],
        generation: Option<&Generation>,
    ) -> io::Result<Vec<bool>> {
        let mut taken = Vec::new();
        let mut whole = Vec::new();
        let mut starts = Vec::new();
        let mut at = None;
        for piece in pieces {
            let Piece::Line(line) = piece else { continue };
            if line.continued {
                taken.push(self.taken);
                continue;
            }
            if line.unfinished {
                // Too long to be held: it is looked at where it stands, as far as it is there.
                let place = line.at.zip(generation);
                self.taken = match place {
                    Some((at, generation)) if at.generation == generation.id => {
                        self.worker.takes(generation, at.offset)?
                    }
                    _ => false,
                };
                taken.push(self.taken);
                continue;
            }
            at = at.or(line.at);
            starts.push((whole.len(), taken.len()));
            taken.push(false);
            whole.extend_from_slice(&line.bytes);
            whole.push(b'\n');
        }
        let offset = at.map_or(0, |at| at.offset);
        let own = generation.filter(|own| at.is_some_and(|at| at.generation == own.id));
        let found = match self.worker.judge(own, &whole, offset) {
            // It was cut meanwhile, but these bytes were its own.
            Err(error) if is_doubt(&error) => self.worker.judge(None, &whole, offset)?,
            found => found?,
        };
        for start in found {
            if let Ok(nth) = starts.binary_search_by_key(&start, |start| start.0)
                && let Some((_, nth)) = starts.get(nth)
                && let Some(taken) = taken.get_mut(*nth)
            {
                *taken = true;
            }
        }
        Ok(taken)
    }

    /// Where to begin for the last `lines` lines that match; `None`: at the start of a log that is
    /// not there yet.
    pub(super) async fn last(
        &mut self,
        shared: &SharedState,
        log: &Arc<Log>,
        lines: usize,
    ) -> io::Result<Option<Position>> {
        let (mut upto, mut left) = (history(log).end(), lines);
        while left > 0 {
            let most = left.min(BACK);
            let last = move |history: &History, pick: &mut Pick<'_>| {
                filtered::last(history, pick, upto, most)
            };
            let (found, on, at_start) = self.look(shared, history(log), last).await?;
            upto = on;
            left = left.saturating_sub(found);
            if at_start || on.is_none() || *shared.ending.borrow() {
                return Ok(upto);
            }
        }
        let Some(first) = upto.filter(|_| lines > 0) else { return Ok(upto) };
        let company =
            move |history: &History, pick: &mut Pick<'_>| filtered::company(history, pick, first);
        self.look(shared, history(log), company).await
    }

    /// The reader comes back to `from`, or begins there: lines that stand beside one before it are
    /// still to be given.
    pub(super) async fn come_back(
        &mut self,
        shared: &SharedState,
        log: &Arc<Log>,
        from: Position,
    ) -> io::Result<()> {
        if self.context > 0 {
            let beside =
                move |history: &History, pick: &mut Pick<'_>| filtered::beside(history, pick, from);
            self.after = self.look(shared, history(log), beside).await?;
        }
        Ok(())
    }

    async fn look<T: Send + 'static>(
        &self,
        shared: &SharedState,
        history: History,
        work: impl FnOnce(&History, &mut Pick<'_>) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut worker = Worker::new(Arc::clone(&self.matcher), Arc::clone(&self.facts) as _);
        let context = self.context as u16;
        let look = move || {
            let until = Instant::now() + SLICE;
            let stop = || Instant::now() >= until;
            let pick =
                &mut Pick { scan: None, worker: &mut worker, context, budget: STEP, stop: &stop };
            work(&history, pick)
        };
        shared.reader.run(look).await
    }
}

/// The part of an address that something is said of.
fn name(part: Chip) -> String {
    let name = match part {
        Chip::Include(_) => "`f`: ",
        Chip::Exclude(_) => "`x`: ",
        Chip::Level => "`lv`: ",
        Chip::Since => "`from`: ",
        Chip::Until => "`to`: ",
        Chip::Whole => "",
    };
    name.to_owned()
}
