//! Whether a pattern matches, by automata that are made while they run.
//!
//! As long as few states are needed a byte costs about a nanosecond. There are patterns that need
//! a new state for nearly every byte (`[01]*1[01]{200}Z`), each as dear as the pattern is large:
//! the automaton gives up, and the same is done in steps that are counted, so that it can be
//! stopped. No pattern is refused for what it costs to run, only for its size.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::start;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

use super::pace::{Pace, Stopped};

/// Bytes of a compiled pattern. One that needs more takes 20 ms to be refused.
const NFA_SIZE: usize = 1 << 20;

/// Bytes of states that are kept. A log needs a few dozen states for most patterns; this many are
/// made in some milliseconds.
const CACHE: usize = 1 << 20;

/// How often the states may be thrown away before bytes are counted for each.
const CLEARS: usize = 2;

/// Bytes that a state must have served for, or else it was dearer than it is worth.
const BYTES_PER_STATE: usize = 16;

/// A pattern ready to be looked for.
#[derive(Debug)]
pub(super) struct Automaton {
    fast: DFA,
    slow: DFA,
    /// Steps that a byte may cost when every byte needs a state.
    dear: u64,
}

/// The states that one thread has made.
#[derive(Debug, Default)]
pub(super) struct Memory {
    fast: Option<Cache>,
    slow: Option<Cache>,
    gave_up: bool,
}

/// Somewhere within a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    On(LazyStateID),
    Matched,
    Dead,
}

/// The pattern is too large.
#[derive(Debug, Clone, Copy)]
pub(super) struct TooLarge;

impl Automaton {
    pub(super) fn new(hir: &Hir) -> Result<Self, TooLarge> {
        let nfa = nfa(hir, false)?;
        let dear = (nfa.states().len() as u64).saturating_mul(16).max(64);
        let limit = config()
            .minimum_cache_clear_count(Some(CLEARS))
            .minimum_bytes_per_state(Some(BYTES_PER_STATE));
        Ok(Self { fast: dfa(&nfa, limit)?, slow: dfa(&nfa, config())?, dear })
    }

    /// The end of some match in `bytes`, the first that ends. `None` inside: it took too many
    /// states; ask line by line.
    pub(super) fn find(
        &self,
        memory: &mut Memory,
        bytes: &[u8],
        from: usize,
    ) -> Option<Option<usize>> {
        if memory.gave_up {
            return None;
        }
        let cache = memory.fast.get_or_insert_with(|| self.fast.create_cache());
        let input = Input::new(bytes).range(from..).earliest(true);
        match self.fast.try_search_fwd(cache, &input) {
            Ok(found) => Some(found.map(|half| half.offset())),
            Err(_) => {
                memory.gave_up = true;
                memory.fast = None;
                None
            }
        }
    }

    /// Whether it matches in `line`.
    pub(super) fn matches(
        &self,
        memory: &mut Memory,
        line: &[u8],
        pace: &mut Pace<'_>,
    ) -> Result<bool, Stopped> {
        if let Some(found) = self.find(memory, line, 0) {
            return Ok(found.is_some());
        }
        let mut state = self.start(memory);
        self.feed(memory, &mut state, line, &mut 0, pace)?;
        Ok(self.finish(memory, state))
    }

    /// At the start of a line that comes in pieces.
    pub(super) fn start(&self, memory: &mut Memory) -> State {
        let cache = memory.slow.get_or_insert_with(|| self.slow.create_cache());
        let config = start::Config::new().anchored(Anchored::No);
        // It fails on nothing: it never gives up, and no byte makes it quit.
        self.slow.start_state(cache, &config).map_or(State::Dead, State::On)
    }

    /// Takes the next piece of the line, from the byte on that `taken` says, which it moves on.
    pub(super) fn feed(
        &self,
        memory: &mut Memory,
        state: &mut State,
        bytes: &[u8],
        taken: &mut usize,
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let cache = memory.slow.get_or_insert_with(|| self.slow.create_cache());
        // As many bytes as may cost a state each between two questions.
        let reach = (super::pace::PACE / self.dear).max(1) as usize;
        while let State::On(mut at) = *state {
            let rest = bytes.get(*taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let piece = rest.get(..reach).unwrap_or(rest);
            let made = (cache.clear_count(), cache.memory_usage());
            let mut next = None;
            for &byte in piece {
                match self.slow.next_state(cache, at, byte) {
                    Ok(state) if !state.is_tagged() => at = state,
                    Ok(state) if state.is_match() => {
                        next = Some(State::Matched);
                        break;
                    }
                    Ok(state) if !state.is_dead() && !state.is_quit() => at = state,
                    Ok(_) | Err(_) => {
                        next = Some(State::Dead);
                        break;
                    }
                }
            }
            *state = next.unwrap_or(State::On(at));
            *taken += piece.len();
            let dear = made != (cache.clear_count(), cache.memory_usage());
            pace.spend(piece.len() as u64 * if dear { self.dear } else { 4 })?;
        }
        Ok(())
    }

    /// Whether it matches in the line that ends here.
    pub(super) fn finish(&self, memory: &mut Memory, state: State) -> bool {
        match state {
            State::Matched => true,
            State::Dead => false,
            State::On(at) => {
                let cache = memory.slow.get_or_insert_with(|| self.slow.create_cache());
                self.slow.next_eoi_state(cache, at).is_ok_and(|state| state.is_match())
            }
        }
    }
}

/// Finds where matches begin and end, for what is shown.
#[derive(Debug)]
pub(super) struct Marker(regex_automata::hybrid::regex::Regex);

/// The states that a marker has made.
pub(super) type Marked = regex_automata::hybrid::regex::Cache;

impl Marker {
    pub(super) fn new(hir: &Hir) -> Result<Self, TooLarge> {
        let limit = || {
            config()
                .minimum_cache_clear_count(Some(CLEARS))
                .minimum_bytes_per_state(Some(BYTES_PER_STATE))
        };
        let forward = dfa(&nfa(hir, false)?, limit())?;
        let reverse = dfa(&nfa(hir, true)?, limit().match_kind(MatchKind::All))?;
        let build = regex_automata::hybrid::regex::Builder::new();
        Ok(Self(build.build_from_dfas(forward, reverse)))
    }

    pub(super) fn memory(&self) -> Marked {
        self.0.create_cache()
    }

    /// The first match from `from` on. One that is too dear to find is not marked.
    pub(super) fn find(
        &self,
        memory: &mut Marked,
        text: &[u8],
        from: usize,
    ) -> Option<(usize, usize)> {
        let input = Input::new(text).range(from..);
        let found = self.0.try_search(memory, &input).ok()??;
        Some((found.start(), found.end()))
    }
}

fn nfa(hir: &Hir, reverse: bool) -> Result<NFA, TooLarge> {
    let config = thompson::Config::new()
        .utf8(false)
        .reverse(reverse)
        .nfa_size_limit(Some(NFA_SIZE))
        .which_captures(WhichCaptures::None);
    thompson::Compiler::new().configure(config).build_from_hir(hir).map_err(|_| TooLarge)
}

fn config() -> Config {
    DFA::config().cache_capacity(CACHE).skip_cache_capacity_check(true)
}

fn dfa(nfa: &NFA, config: Config) -> Result<DFA, TooLarge> {
    DFA::builder().configure(config).build_from_nfa(nfa.clone()).map_err(|_| TooLarge)
}
