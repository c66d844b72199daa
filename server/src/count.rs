//! Counting in the background: the long way to absolute line numbers, on one thread, in small
//! steps, so that a read waits for it no longer than a step takes.
//!
//! It works only for logs that somebody looks at, and sleeps when all of those are counted.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::log::Log;

/// Bytes counted in one go under a log's lock: some 0.2 ms.
const STEP: u64 = 1024 * 1024;

/// Steps for one log before it is another's turn.
const TURN: u32 = 64;

/// Between two announcements of progress.
const ANNOUNCE: Duration = Duration::from_millis(250);

/// Hands logs to the counting thread.
#[derive(Debug, Clone)]
pub struct Counter {
    queue: mpsc::Sender<Arc<Log>>,
}

impl Counter {
    /// Starts the thread; it ends when the last handle is gone.
    ///
    /// # Errors
    ///
    /// When the thread cannot be made.
    pub fn start() -> std::io::Result<Self> {
        let (queue, received) = mpsc::channel();
        std::thread::Builder::new().name("count".to_owned()).spawn(move || run(&received))?;
        Ok(Self { queue })
    }

    /// Has `log` counted to its end.
    pub fn count(&self, log: &Arc<Log>) {
        // Fails only when the thread has ended, with the server.
        let _ended = self.queue.send(Arc::clone(log));
    }
}

fn run(received: &mpsc::Receiver<Arc<Log>>) {
    let mut waiting: VecDeque<Arc<Log>> = VecDeque::new();
    let mut queued = HashSet::new();
    let mut announced = Instant::now();
    loop {
        if waiting.is_empty() {
            let Ok(log) = received.recv() else { return };
            queued.insert(log.id());
            waiting.push_back(log);
        }
        for log in received.try_iter() {
            if queued.insert(log.id()) {
                waiting.push_back(log);
            }
        }
        let Some(log) = waiting.pop_front() else { continue };
        let more = log.is_watched() && turn(&log);
        if !more || announced.elapsed() >= ANNOUNCE {
            announced = Instant::now();
            log.publish_counted();
        }
        if more {
            waiting.push_back(log);
        } else {
            queued.remove(&log.id());
        }
    }
}

/// Counts a while; whether there is more to count.
fn turn(log: &Log) -> bool {
    for _step in 0..TURN {
        let Some(known) = log.known() else { return false };
        log.trim_counts(&known.history);
        let passed = {
            let mut passed = log.passed().lock().unwrap_or_else(PoisonError::into_inner);
            passed.catch_up(&known.history, STEP)
        };
        // The newest generation first: it is what is looked at.
        let uncounted = known.history.generations.iter().rev().find(|g| log.uncounted(g) > 0);
        let counted = match uncounted {
            Some(generation) => log.count(generation, STEP).map(|_| false),
            None => Ok(true),
        };
        match (passed, counted) {
            (Ok(passed), Ok(counted)) if passed.complete && counted => return false,
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(log = %log.name(), %error, "counting stopped");
                return false;
            }
        }
    }
    true
}
