//! What the two sides of tailwater say to each other.
//!
//! Positions, rows, what is known of a log, and the messages that carry them. The same types are
//! compiled into the server and into the page, so a message cannot mean two things.
//!
//! This crate does no I/O, knows no browser and no file system, and puts no `usize` on the wire.

#![warn(missing_docs)]

pub mod filter;
pub mod find;
pub mod log;
pub mod look;
pub mod message;
pub mod position;
pub mod query;
pub mod row;
pub mod wire;

pub use filter::{Chip, Filter, FilterId, Filtering, Picked};
pub use find::{Direction, FindId, Finding, Hit, Progress, Sought};
pub use log::{
    Began, CommandState, Damage, Ended, Ending, Lines, LogName, LogState, Loss, Order, Outline,
    Source, Span, Tally,
};
pub use look::{Course, Details, Grave, Part, Stretch, Survey, Taken};
pub use message::{
    Anchor, Attention, ClientMessage, Frame, Refusal, RequestId, ServerMessage, ViewId, Window,
    WindowRequest,
};
pub use position::{Bookmark, Fingerprint, GenerationId, Position};
pub use query::{Query, QueryError};
pub use row::{Colour, Level, Number, Remark, Row, Rows, Style, StyleRun, What};

/// The version of the messages. Raised when an older page could misread a newer server.
pub const PROTOCOL: u16 = 3;
