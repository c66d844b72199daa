//! The earlier generations as one unchanging list, and how a history is completed with it.
//!
//! The follower's word goes before the archive's: what it holds, it holds; only what it had to
//! let go is read from where the archive found it.

use std::sync::Arc;

use tailwater_protocol::{Began, GenerationId};

use crate::history::{Generation, History};

/// The earlier generations of a log, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Past {
    parts: Arc<[Part]>,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    /// The follower has it.
    Held(GenerationId),
    Here(Generation),
}

impl Past {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self { parts: parts.into() }
    }

    /// Generations that can be read from here.
    pub fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.parts.iter().filter_map(|part| match part {
            Part::Here(generation) => Some(generation),
            Part::Held(_) => None,
        })
    }

    /// `live`, which the follower has, with what came before it, and with what it let go. A log
    /// of which nothing is known has no past either.
    #[must_use]
    pub fn complete(&self, live: &History) -> History {
        if self.generations().next().is_none() || live.generations.is_empty() {
            return live.clone();
        }
        let mut all = live.generations.to_vec();
        // What nobody saw rotated away came before the current one, and after what is older by
        // its name.
        let mut at = all.len() - 1;
        for part in self.parts.iter().rev() {
            let id = match part {
                Part::Held(id) => *id,
                Part::Here(generation) => generation.id,
            };
            match (all.iter().position(|known| known.id == id), part) {
                (Some(index), Part::Here(found)) => {
                    if let Some(known) = all.get_mut(index).filter(|known| is_gone(known)) {
                        let (began, since) = (known.began, known.since);
                        *known = Generation { began, since, ..found.clone() };
                    }
                    at = at.min(index);
                }
                (Some(index), Part::Held(_)) => at = at.min(index),
                (None, Part::Here(found)) => all.insert(at, found.clone()),
                (None, Part::Held(_)) => {}
            }
        }
        // One begins when the one before it is written no more.
        let mut before: Option<u64> = None;
        for generation in &mut all {
            let written = self.generations().find(|g| g.id == generation.id).map(|g| g.since);
            generation.began = match (generation.began, before) {
                (_, None) if written.is_some() => Began::Found,
                (Began::Found, Some(since)) => {
                    generation.since = since;
                    Began::Rotated
                }
                (began, _) => began,
            };
            before = written.or(Some(generation.since));
        }
        History::new(all)
    }
}

/// Whether nothing is left of it but its notice.
fn is_gone(generation: &Generation) -> bool {
    generation.lost.is_some() && generation.is_empty()
}
