//! Counting in the background: the long way to absolute line numbers, on a few threads of low
//! priority, a unit at a time, so that no read waits for it.
//!
//! All threads work for the same log, each on a unit of its own, and the logs take turns. Only logs
//! that somebody looks at are counted: of one that nobody looks at any more, what was counted is
//! kept, and the rest is left within a unit's time. They sleep when all of those are counted.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tailwater_engine::counts::Scratch;
use tailwater_engine::history::History;
use tailwater_engine::read::is_doubt;

use crate::kept::Kept;
use crate::log::{Keep, Log};
use crate::passed::Passed;

/// Threads: with four a disk is busy, and most logs lie on one.
const THREADS: usize = 4;

/// How much a counting thread gives way to one that reads for a page.
const NICE: i32 = 10;

/// Bytes of what passed that are looked at in one go, under a lock that reads take too.
const STEP: u64 = 256 * 1024;

/// Between two announcements of progress of one log.
const ANNOUNCE: Duration = Duration::from_millis(250);

/// Hands logs to the counting threads.
#[derive(Debug, Clone)]
pub struct Counter(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    kept: Kept,
    state: Mutex<State>,
    changed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Turn>,
    ended: bool,
}

/// A log in the queue.
#[derive(Debug)]
struct Turn {
    log: Arc<Log>,
    announced: Instant,
    /// Threads that are at it.
    working: usize,
    /// Whether nothing is left to take up: it leaves the queue with the last who is at it.
    done: bool,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// There may be more.
    Worked,
    /// There is nothing left to take up; others may still be at it.
    Done,
}

impl Counter {
    /// Starts the threads; they end at [`Self::stop`].
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn start(kept: Kept) -> std::io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let pool = Arc::new(Pool {
            kept,
            state: Mutex::default(),
            changed: Condvar::new(),
            threads: Mutex::default(),
        });
        for _thread in 0..threads {
            let working = Arc::clone(&pool);
            let thread = std::thread::Builder::new().name("count".to_owned());
            let thread = thread.spawn(move || working.run())?;
            pool.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(Self(pool))
    }

    /// Has `log` counted to its end.
    pub fn count(&self, log: &Arc<Log>) {
        let mut state = self.0.state();
        match state.waiting.iter_mut().find(|turn| turn.log.id() == log.id()) {
            Some(turn) => turn.done = false,
            None => {
                let (log, announced) = (Arc::clone(log), Instant::now());
                state.waiting.push_back(Turn { log, announced, working: 0, done: false });
            }
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Counts kept from an earlier run.
    pub fn kept(&self) -> &Kept {
        &self.0.kept
    }

    /// Ends the threads and keeps what `logs` have counted. Takes as long as a unit and some
    /// writing.
    pub fn stop(&self, logs: &[Arc<Log>]) {
        self.0.state().ended = true;
        self.0.changed.notify_all();
        let threads =
            std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // One that panicked has said so itself.
            let _panicked = thread.join().is_err();
        }
        logs.iter().for_each(|log| log.keep_counts(&self.0.kept, Keep::Now));
    }
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::debug!(%error, "counting does not give way to reading");
        }
        let mut scratch = Scratch::default();
        while let Some(log) = self.next() {
            let outcome = turn(&log, &self.kept, &mut scratch);
            if self.end(&log, outcome) {
                let when = if log.is_watched() { Keep::IfDue } else { Keep::Now };
                log.keep_counts(&self.kept, when);
                log.publish_counted();
            }
        }
    }

    /// The next log, which stays in the queue for the others; waits for one.
    fn next(&self) -> Option<Arc<Log>> {
        let mut state = self.state();
        loop {
            if state.ended {
                return None;
            }
            let next = state.waiting.iter().position(|turn| !turn.done);
            if let Some(mut turn) = next.and_then(|next| state.waiting.remove(next)) {
                let log = Arc::clone(&turn.log);
                let due = turn.announced.elapsed() >= ANNOUNCE;
                if due {
                    turn.announced = Instant::now();
                }
                turn.working += 1;
                state.waiting.push_back(turn);
                drop(state);
                if due {
                    log.publish_counted();
                }
                return Some(log);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A turn is over; whether with it the log left the queue.
    fn end(&self, log: &Log, outcome: Outcome) -> bool {
        let mut state = self.state();
        let Some(at) = state.waiting.iter().position(|turn| turn.log.id() == log.id()) else {
            return false;
        };
        let Some(turn) = state.waiting.get_mut(at) else { return false };
        turn.working -= 1;
        turn.done |= outcome == Outcome::Done;
        let over = turn.done && turn.working == 0;
        if over {
            state.waiting.remove(at);
        }
        over
    }
}

/// Counts one unit, and a step of what passed.
fn turn(log: &Log, kept: &Kept, scratch: &mut Scratch) -> Outcome {
    let Some(known) = log.known().filter(|_| log.is_watched()) else { return Outcome::Done };
    log.trim_counts(&known.history);
    // The newest generation first: it is what is looked at.
    let mut counted = false;
    for generation in known.history.generations.iter().rev() {
        match log.counts_of(generation, kept).work(generation, scratch) {
            Ok(Some(_)) => {
                counted = true;
                break;
            }
            Ok(None) => {}
            Err(error) => return failed(log, &error),
        }
    }
    let passed = match log.passed().try_lock() {
        Ok(passed) => passed,
        // Whoever holds it, does it; to wait is for one who has nothing else to do.
        Err(_) if counted => return Outcome::Worked,
        Err(_) => log.passed().lock().unwrap_or_else(PoisonError::into_inner),
    };
    match pass_on(passed, &known.history) {
        Ok(complete) if complete && !counted => Outcome::Done,
        Ok(_) => Outcome::Worked,
        Err(error) => failed(log, &error),
    }
}

/// Looks at a step of what passed; whether that is all.
fn pass_on(mut passed: MutexGuard<'_, Passed>, history: &History) -> std::io::Result<bool> {
    Ok(passed.catch_up(history, STEP)?.complete)
}

/// The next read of the log has it counted again.
fn failed(log: &Log, error: &std::io::Error) -> Outcome {
    if is_doubt(error) {
        tracing::debug!(log = %log.name(), "the log changed while it was counted");
    } else {
        tracing::warn!(log = %log.name(), %error, "counting stopped");
    }
    Outcome::Done
}
