//! Following a log.

use std::time::Duration;

use tailwater_protocol::{Bookmark, Position};

use crate::file::Place;
use crate::history::History;

/// The bounds of a follower.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a generation is expected to grow after it was replaced, from its last growth on.
    pub linger: Duration,
    /// Ended generations that are kept open to be read.
    pub held: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { linger: Duration::from_secs(5), held: 8 }
    }
}

/// The time.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since some start; never goes back.
    pub monotonic: Duration,
    /// Milliseconds since 1970, as the file system's clock says.
    pub wall: u64,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Whether the history or the condition is another than before.
    pub changed: bool,
    /// Bytes that came.
    pub grown: u64,
    /// When to look again though nothing rings.
    pub look_again: Option<Duration>,
}

/// The condition of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There.
    Present,
    /// Named, but not there.
    Waiting,
    /// Deleted at that time (milliseconds since 1970); what is held can be read.
    Deleted(u64),
    /// There, but not to be read.
    Unreadable {
        /// Why, in a few words.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// Follows one log.
pub struct Follower {
    limits: Limits,
}

impl Follower {
    /// Has not looked yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Brings the history up to what the file system shows.
    pub fn reconcile(&mut self, place: &dyn Place, now: Now) -> Reconciled {
        let _ = (place.name(), now, self.limits);
        Reconciled::default()
    }

    /// What can be read.
    pub fn history(&self) -> History {
        History::default()
    }

    /// The condition.
    pub fn state(&self) -> Condition {
        Condition::Waiting
    }

    /// Where a reader stands who comes back with a bookmark.
    pub fn recognise(&mut self, place: &dyn Place, bookmark: Bookmark, now: Now) -> Option<Position> {
        let _ = (place.name(), bookmark, now);
        None
    }
}
