//! The truth in one line: what the status bar, the banner and the empty page say.

use tailwater_protocol::{Lines, LogState, Loss, Number, Tally};

use super::connection::{Ending, Phase};
use super::view::{Follow, View};

/// A frame older than this when it was made means that the page runs behind.
const BEHIND: u32 = 2_000;

/// What the view does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// No log is open.
    None,
    Connecting,
    Reconnecting {
        seconds: u64,
    },
    Ended(Ending),
    Live,
    /// Standing still, whether frozen or scrolled away, while so many lines came.
    Paused {
        new: u64,
    },
    CatchingUp,
    Polling(String),
    Waiting,
    Deleted(u64),
    Unreadable,
    /// Nothing writes to the log any more.
    Over(tailwater_protocol::Ending),
}

/// The status bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) condition: Condition,
    pub(crate) lag: Option<u32>,
    pub(crate) rate: u64,
    /// Bytes that can no longer be read, of which we know.
    pub(crate) lost: u64,
    pub(crate) line: Option<Number>,
    pub(crate) percent: Option<u8>,
    /// Whether a byte in sight was no UTF-8.
    pub(crate) invalid: bool,
}

/// What stands where the lines would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Empty {
    /// Lines are on their way.
    Loading,
    /// No log is open.
    Welcome,
    /// There is nothing to open.
    NoSources,
    NoBytes {
        written: Option<u64>,
    },
    Waiting,
    Deleted(u64),
    Unreadable {
        reason: String,
        remedy: String,
    },
    Refused(String),
    /// What was to write it has ended, and wrote nothing.
    Over(tailwater_protocol::Ending),
    /// The reader let go of what was there.
    Cleared,
    /// No line is taken by the filter, of all there are.
    NoMatch {
        lines: Lines,
        took: Option<u64>,
    },
    /// None was found until now, in so many percent of the log.
    Looking {
        percent: u64,
    },
}

/// The pill below the lines.
pub(crate) fn pill(view: &View) -> Option<Tally> {
    (view.follow() != Follow::On && !view.list().is_empty()).then(|| view.missed())
}

pub(crate) fn status(view: Option<&View>, phase: Phase, now: u64) -> Status {
    let mut status = Status {
        condition: condition(view, phase, now),
        lag: None,
        rate: 0,
        lost: 0,
        line: None,
        percent: None,
        invalid: false,
    };
    let Some(view) = view else { return status };
    status.lag = view.lag().filter(|_| view.follow() == Follow::On);
    status.rate = view.rate().at(now);
    status.lost = view.outline().spans.iter().filter_map(|span| span.lost).map(bytes).sum();
    let list = view.list();
    let line = match view.follow() {
        Follow::On => list.last(),
        _ => view.pointed_out().and_then(|at| list.line_at(at)).or_else(|| list.top_line()),
    };
    status.line = line.map(|line| line.number);
    let whole = view.outline().bytes();
    let place = line.and_then(|line| view.outline().place(line.position));
    status.percent = match (view.follow(), place) {
        (Follow::On, _) if whole > 0 => Some(100),
        (_, Some(place)) if whole > 0 => Some((u128::from(place) * 100 / u128::from(whole)) as u8),
        _ => None,
    };
    status.invalid = line.is_some_and(|line| line.invalid > 0);
    status
}

fn bytes(loss: Loss) -> u64 {
    match loss {
        Loss::Truncated(bytes) | Loss::Deleted(bytes) | Loss::LetGo(bytes) | Loss::Full(bytes) => {
            bytes
        }
        Loss::Unknown | Loss::Damaged(_) => 0,
    }
}

fn condition(view: Option<&View>, phase: Phase, now: u64) -> Condition {
    match phase {
        Phase::Ended(ending) => return Condition::Ended(ending),
        Phase::Waiting { until } => {
            let seconds = until.saturating_sub(now).div_ceil(1000);
            return Condition::Reconnecting { seconds };
        }
        Phase::Idle | Phase::Dialling { .. } => return Condition::Connecting,
        Phase::Up { .. } => {}
    }
    let Some(view) = view else { return Condition::None };
    match view.state() {
        None => Condition::Connecting,
        Some(LogState::Waiting) => Condition::Waiting,
        Some(LogState::Unreadable { .. }) => Condition::Unreadable,
        Some(_) if view.follow() != Follow::On => Condition::Paused { new: view.missed().lines },
        Some(LogState::Deleted(since)) => Condition::Deleted(*since),
        Some(LogState::Polling(reason)) => Condition::Polling(reason.clone()),
        Some(LogState::Ended(ended)) => Condition::Over(ended.how),
        Some(LogState::Live) if view.lag().is_some_and(|lag| lag > BEHIND) => Condition::CatchingUp,
        Some(LogState::Live) => Condition::Live,
    }
}

/// Percent of the log that were looked through for the filter.
pub(crate) fn looked_through(view: &View) -> u64 {
    let progress = view.filters().progress();
    progress.map_or(0, |known| known.searched.saturating_mul(100) / known.bytes.max(1))
}

/// What stands in place of lines, when there are none.
pub(crate) fn empty(view: Option<&View>, sources: usize, written: Option<u64>) -> Option<Empty> {
    let Some(view) = view else {
        return Some(if sources == 0 { Empty::NoSources } else { Empty::Welcome });
    };
    if let Some(reason) = view.failed().filter(|_| view.list().is_empty()) {
        return Some(Empty::Refused(reason.to_owned()));
    }
    if !view.list().is_empty() {
        return None;
    }
    Some(match view.state() {
        None => Empty::Loading,
        Some(LogState::Waiting) => Empty::Waiting,
        Some(LogState::Unreadable { reason, remedy }) => {
            Empty::Unreadable { reason: reason.clone(), remedy: remedy.clone() }
        }
        Some(LogState::Deleted(since)) => Empty::Deleted(*since),
        Some(LogState::Ended(ended)) if view.outline().bytes() == 0 => Empty::Over(ended.how),
        Some(_) if view.outline().bytes() == 0 => Empty::NoBytes { written },
        Some(_) if view.is_cleared() => Empty::Cleared,
        Some(_) if view.shows_nothing() => {
            Empty::NoMatch { lines: view.outline().lines(), took: view.filters().took() }
        }
        Some(_) if view.filters().is_on() => Empty::Looking { percent: looked_through(view) },
        Some(_) => Empty::Loading,
    })
}
