//! Finding in a view: what was asked, how far the search has come, and where the hits are.
//!
//! A query travels as text and is understood by the server alone; rows come back with their hits
//! marked, so that the page knows no pattern and no expression.

use serde::{Deserialize, Serialize};

use crate::position::Position;

/// A search of a view, numbered by the page: answers to an earlier one are told by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FindId(pub u32);

/// Parts of the log for which [`Progress::density`] says how many hits they hold.
pub const PARTS: u16 = 512;

/// Which way to look for the next hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Towards the end.
    Forward,
    /// Towards the start.
    Backward,
}

/// What is known of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// The query is none.
    Wrong {
        /// Bytes of the query before the part that is wrong.
        start: u32,
        /// Bytes of the query before that part's end.
        end: u32,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The search could not go on: the system's words.
    Failed(String),
    /// It is under way, or done.
    Progress(Progress),
}

/// How far a search has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes searched.
    pub searched: u64,
    /// Bytes there are.
    pub bytes: u64,
    /// Hits in what was searched.
    pub hits: u64,
    /// Whether all of the log as it is was searched. A log that grows is searched on.
    pub complete: bool,
    /// How many hits each of [`PARTS`] equal parts of the log holds, as the page's outline orders
    /// its bytes: 0 for none, then one more than the binary logarithm of their number.
    pub density: Vec<u8>,
    /// Which hit the one sought last is, from 1; `None` while what stands before it is not
    /// searched.
    pub ordinal: Option<u64>,
}

/// What came of looking for the next hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sought {
    /// The row at this position holds one.
    Hit {
        /// Where the row starts.
        at: Position,
        /// Which hit it is, as [`Progress::ordinal`].
        ordinal: Option<u64>,
    },
    /// There is none in that direction.
    Nothing,
}

/// Part of a row's text that the query found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hit {
    /// Bytes of the text before it.
    pub start: u32,
    /// Bytes of the text before its end.
    pub end: u32,
}
