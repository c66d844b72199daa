//! From bytes to lines to answers.
//!
//! Follows a log through rotation, truncation and deletion; finds where its rows begin and end;
//! makes rows ready to show; counts its lines; answers with windows and tails. All of it
//! synchronous, by positioned reads through [`read::ReadAt`], so that it runs over a file of
//! memory as well as over a disk.
//!
//! This crate opens nothing by name ([`file::Place`] is the outer crate's), knows no sockets, no
//! clock and no kernel, and never maps a log into memory: a log cut short under a mapping kills
//! the process. Bad input is never an error here: whatever bytes a log holds, they become rows.

#![warn(missing_docs)]

pub mod ansi;
pub mod archive;
pub mod closer;
pub mod counts;
pub mod cursor;
pub mod encoding;
pub mod event;
pub mod fields;
pub mod file;
pub mod follow;
pub mod history;
pub mod level;
pub mod lines;
pub mod packed;
pub mod query;
pub mod read;
pub mod row;
pub mod sample;
pub mod scan;
pub mod tally;
pub mod time;
pub mod unwrap;
pub mod window;
