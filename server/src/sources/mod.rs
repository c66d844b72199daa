//! Sources: what the user named, the logs found in them, and the only way to open those.
//!
//! A log is addressed by the name made here and never by a path; what a name leads to is opened
//! by [`place`] alone, beneath what was named. Nothing here follows or reads a log.

mod discover;
mod kubernetes;
mod place;
mod resolve;
mod spec;

pub use discover::{Discovered, discover};
pub use place::FilePlace;
pub(crate) use place::identity_of;
pub use resolve::{Beneath, Root, Roots};
pub use spec::{SourceKind, SourceSpec};

/// Logs that all sources together may yield. Beyond it, what else was found is left out and said.
pub const MAX_LOGS: usize = 10_000;
