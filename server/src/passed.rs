//! What passed at the end of a log: lines, warnings, errors, counted once for all who look.
//!
//! Counting begins when somebody first looks, at the end as it then is. Each viewer remembers what
//! the count was when it was last told, and is told the difference.

use std::io;

use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::tally::Tallier;
use tailwater_protocol::Tally;

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// The running count.
#[derive(Debug, Default)]
pub struct Passed {
    reading: Option<(Cursor, Tallier)>,
}

/// How far the count is.
#[derive(Debug, Clone, Copy)]
pub struct Caught {
    /// All that passed so far.
    pub total: Tally,
    /// Whether that is all there is; otherwise the budget ended first.
    pub complete: bool,
}

impl Passed {
    /// Counts on to the end of `history`, at most about `budget` bytes.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub fn catch_up(&mut self, history: &History, mut budget: u64) -> io::Result<Caught> {
        let Some(end) = history.end() else {
            let total = self.reading.as_ref().map_or_else(Tally::default, |(_, t)| t.total());
            return Ok(Caught { total, complete: true });
        };
        let (cursor, tallier) =
            self.reading.get_or_insert_with(|| (Cursor::new(end), Tallier::default()));
        let mut chunk = Vec::new();
        let complete = loop {
            if budget == 0 {
                break false;
            }
            chunk.clear();
            match cursor.read(history, &mut chunk, CHUNK.min(budget as usize))? {
                Step::Bytes => {
                    budget = budget.saturating_sub(chunk.len() as u64);
                    let generation = cursor.position().and_then(|at| history.get(at.generation));
                    let encoding = generation.map(Generation::encoding).unwrap_or_default();
                    tallier.feed_in(encoding, &chunk);
                }
                // An unfinished last line ended with its generation.
                Step::Turned { .. } => tallier.end_line(),
                Step::Lost { .. } => tallier.end_line(),
                // In doubt, the next look at the log decides; the count goes on after it.
                Step::End | Step::Doubt => break true,
            }
        };
        Ok(Caught { total: tallier.total(), complete })
    }
}
