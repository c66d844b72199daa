//! What was learned of how a log writes: where its times stand, and which lines begin an event.
//!
//! Learned from some lines when first needed, and again when the log is another or has become much
//! more than what was learned from. Interprets nothing itself; that is the engine's.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::event::EventRule;
use tailwater_engine::history::History;
use tailwater_engine::sample::Sample;
use tailwater_engine::time::{Clock, Reference};
use tailwater_protocol::{GenerationId, Rows};

/// A log of fewer bytes is learned anew when it has become twice as long: its first lines may be a
/// banner.
const LITTLE: u64 = 256 * 1024;

/// What was learned holds so long: a time without a year is taken for the latest that is not after
/// the moment of learning.
const HOLDS: Duration = Duration::from_secs(3600);

/// What is known of how a log writes.
#[derive(Debug)]
pub struct Ways {
    /// Reads its times; `None` when its lines have none.
    pub clock: Option<Clock>,
    rule: EventRule,
    of: Option<GenerationId>,
    bytes: u64,
    at: Instant,
}

/// The ways of one log, kept.
#[derive(Debug, Default)]
pub struct Learned(Mutex<Option<Arc<Ways>>>);

impl Learned {
    /// The ways of the log whose history this is.
    ///
    /// # Errors
    ///
    /// The system's, from reading a sample.
    pub fn of(&self, history: &History) -> io::Result<Arc<Ways>> {
        let newest = history.generations.iter().rev().find(|generation| !generation.is_empty());
        let (of, bytes) = newest.map_or((None, 0), |newest| (Some(newest.id), newest.bytes));
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(held) = held.filter(|held| held.hold(of, bytes)) {
            return Ok(held);
        }
        // Two may learn at once, and learn the same.
        let sample = Sample::of(history)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seen = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        let reference = Reference { seen, zone: jiff::tz::TimeZone::system() };
        let ways = Arc::new(Ways {
            clock: Clock::learn(sample.lines(), reference),
            rule: EventRule::learn(sample.lines()),
            of,
            bytes,
            at: Instant::now(),
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ways));
        Ok(ways)
    }
}

impl Ways {
    fn hold(&self, of: Option<GenerationId>, bytes: u64) -> bool {
        let outgrown = self.bytes < LITTLE && bytes / 2 > self.bytes;
        self.of == of && !outgrown && self.at.elapsed() < HOLDS
    }

    /// Says of rows when they were written, and which belong to the event of the row before.
    pub fn tell(&self, blocks: &mut [Rows]) {
        for rows in blocks {
            let mut goes_on = false;
            rows.tell(|text| {
                let line = text.as_bytes();
                let within = std::mem::replace(&mut goes_on, EventRule::goes_on(line))
                    || !self.rule.begins(line);
                (self.clock.as_ref().and_then(|clock| clock.at(line)), within)
            });
        }
    }
}
