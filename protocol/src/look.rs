//! A closer look: all that one line says, the lines of a stretch as they stand, where in the log its
//! errors are, and how it lies in time.
//!
//! Each is asked for and answered once; the survey goes on by itself as long as its view is open.

use serde::{Deserialize, Serialize};

use crate::message::{RequestId, ViewId};
use crate::position::Position;
use crate::row::Level;

/// Bytes of a line that [`Details::text`] is made of, at most: what anybody reads of one line.
pub const DETAIL_TEXT: usize = 256 * 1024;

/// Bytes of a line that are given as they are, at most: some hundred rows of a hex view.
pub const DETAIL_BYTES: usize = 4 * 1024;

/// Stretches of one request for text, at most: as many lines as a person marks.
pub const MAX_STRETCHES: usize = 1000;

/// Bytes that [`Taken::text`] holds, at most: what a clipboard is still handy with.
pub const MAX_TAKEN: usize = 1024 * 1024;

/// All that one line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The request's.
    pub request: RequestId,
    /// Of which view.
    pub view: ViewId,
    /// Where the line starts.
    pub at: Position,
    /// Bytes it takes, its newline included.
    pub length: u64,
    /// When it says it was written, in nanoseconds since 1970.
    pub time: Option<i64>,
    /// How grave it says it is.
    pub level: Level,
    /// The fields it names, in their order, and their values as text.
    pub fields: Vec<(String, String)>,
    /// Its text, made safe to show, of at most [`DETAIL_TEXT`] bytes of it.
    pub text: String,
    /// Bytes of the line that are not in the text.
    pub cut: u64,
    /// Its first bytes as they are, at most [`DETAIL_BYTES`].
    pub bytes: Vec<u8>,
}

/// From the row that holds the one position to the row that holds the other, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stretch {
    /// In the first row.
    pub first: Position,
    /// In the last row: in a later one, or the same.
    pub last: Position,
}

/// The lines of stretches, as they stand in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The request's.
    pub request: RequestId,
    /// Of which view.
    pub view: ViewId,
    /// One after another, at most [`MAX_TAKEN`] bytes. What is no UTF-8 stands as U+FFFD.
    pub text: String,
    /// Bytes of the stretches that are not in the text.
    pub left: u64,
}

/// Where in a log its errors and warnings are, in [`PARTS`](crate::find::PARTS) equal parts as the
/// page's outline orders its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Bytes gone through for both, and of how many.
    pub searched: u64,
    /// Bytes there are, counted for both.
    pub bytes: u64,
    /// Errors in each part.
    pub errors: Vec<u32>,
    /// Warnings in each part.
    pub warnings: Vec<u32>,
}

/// How a log lies in time: its bytes in equal parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// In order, [`PARTS`](crate::find::PARTS) of them; none of a log without times.
    pub parts: Vec<Part>,
    /// The last time there is, in nanoseconds since 1970.
    pub end: i64,
}

/// A part of a log, in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The first time in it, in nanoseconds since 1970, or the one before it.
    pub time: i64,
    /// About how many lines it has.
    pub lines: u32,
}

/// Errors, or warnings alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Grave {
    /// `ERROR` and worse.
    Errors,
    /// `WARN`.
    Warnings,
}
