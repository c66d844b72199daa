//! What a query asks of a line beyond its bytes.

use std::borrow::Cow;

use tailwater_protocol::Level;

use crate::time::Clock;
use crate::{fields, level};

/// What a line says. How times look is learned for each log, so each log has its own.
pub trait Facts: Send + Sync {
    /// How grave it says it is.
    fn level(&self, line: &[u8]) -> Level;

    /// The value of a field, unquoted.
    fn field<'a>(&self, line: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>>;

    /// When it says it was written, in nanoseconds since 1970.
    fn time(&self, line: &[u8]) -> Option<i64>;
}

/// The facts of a log, by what was learned of its times.
#[derive(Debug, Clone, Default)]
pub struct LogFacts {
    /// Reads its times; `None` when its lines have none.
    pub clock: Option<Clock>,
}

impl Facts for LogFacts {
    fn level(&self, line: &[u8]) -> Level {
        level::level(line)
    }

    fn field<'a>(&self, line: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
        fields::find(line, name)
    }

    fn time(&self, line: &[u8]) -> Option<i64> {
        self.clock.as_ref()?.at(line)
    }
}
