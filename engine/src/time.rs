//! When a line says that it was written.
//!
//! A [`Clock`] learns from some lines of a log where in a line its time stands and how it is spelt,
//! and then reads it there at the cost of a few comparisons; a line that differs is searched for a
//! time near its start. What the spelling leaves out is taken from a [`Reference`]:
//!
//! - *No year* (syslog, klog): the latest year in which the time is not after the reference, but
//!   for [`AHEAD`]. A log without years that spans more than one cannot be told apart.
//! - *No zone*: that of the reference. An hour that the clocks go through twice is read as the
//!   first of the two, one that they leave out as if they had not been put forward yet.
//! - *A leap second* is the last nanosecond of the second before it.
//!
//! Refuses to guess: a time of day alone is no time, and neither is one deep in the text of a line
//! whose like have theirs at the start.

mod clock;
mod course;
mod digits;
mod seek;
pub(crate) mod stamp;
mod zone;

pub use clock::{Clock, SAMPLE};
pub use course::course;
pub use seek::{DISORDER, seek};
pub use stamp::Form;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far a time without a year may lie after the reference before it is one of the year before:
/// clocks differ, and so do zones that were left out.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(36);

/// What times leave out.
#[derive(Debug, Clone)]
pub struct Reference {
    /// When the log was written last, in nanoseconds since 1970: what has no year lies before.
    pub seen: i64,
    /// The zone of times that have none.
    pub zone: TimeZone,
}

impl Reference {
    /// That, in UTC.
    pub fn utc(seen: i64) -> Self {
        Self { seen, zone: TimeZone::UTC }
    }
}

/// The instant of a civil time that many seconds east of Greenwich. `None` if its nanoseconds
/// since 1970 do not fit (before 1677, after 2262).
fn at_offset(civil: DateTime, seconds: i32) -> Option<i64> {
    let timestamp = Offset::from_seconds(seconds).ok()?.to_timestamp(civil).ok()?;
    nanoseconds(timestamp)
}

fn nanoseconds(timestamp: Timestamp) -> Option<i64> {
    i64::try_from(timestamp.as_nanosecond()).ok()
}
