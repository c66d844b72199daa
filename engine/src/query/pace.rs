//! When to ask whether to go on.
//!
//! Work is counted in steps of about a nanosecond: a byte for what is fast, and many for a byte of
//! what is slow. So a search can be stopped within a few milliseconds whatever it searches for,
//! and the engine needs no clock.

/// Steps between two questions: about a millisecond.
pub const PACE: u64 = 1 << 20;

/// Asked whether to stop. Both to cancel a search and to let somebody else go first.
pub type Stop<'a> = dyn Fn() -> bool + 'a;

/// The search was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// Counts steps.
pub struct Pace<'a> {
    stop: &'a Stop<'a>,
    left: u64,
}

impl<'a> Pace<'a> {
    /// Asks `stop`.
    pub fn new(stop: &'a Stop<'a>) -> Self {
        Self { stop, left: PACE }
    }

    /// Notes that `steps` were made.
    pub fn spend(&mut self, steps: u64) -> Result<(), Stopped> {
        if self.left > steps {
            self.left -= steps;
            return Ok(());
        }
        self.left = PACE;
        if (self.stop)() { Err(Stopped) } else { Ok(()) }
    }
}
