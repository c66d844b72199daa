//! What the page knows, without elements, signals, sockets or clocks: every module takes what
//! happened and when, changes itself, and says what is to be done about it.

pub(crate) mod address;
pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod filter;
pub(crate) mod find;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod looks;
pub(crate) mod marks;
pub(crate) mod page;
pub(crate) mod palette;
pub(crate) mod pieces;
pub(crate) mod pretty;
pub(crate) mod rate;
pub(crate) mod ruler;
pub(crate) mod seam;
pub(crate) mod shape;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod timeline;
pub(crate) mod view;
pub(crate) mod watches;
pub(crate) mod wrap;

#[cfg(test)]
mod tests;
