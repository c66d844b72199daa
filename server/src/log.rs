//! One log as the server offers it: its name, where it lies, what is known of it, and who looks.
//!
//! The watching thread publishes; everybody else reads what was published and, by it, the files.
//! No line is kept here.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::counts::Counts;
use tailwater_engine::history::{Generation, History};
use tailwater_protocol::{GenerationId, LogName, LogState, Outline};
use tokio::sync::watch;

use crate::passed::Passed;
use crate::sources::FilePlace;

/// A log.
#[derive(Debug)]
pub struct Log {
    id: u64,
    name: LogName,
    place: FilePlace,
    published: watch::Sender<Published>,
    counts: Mutex<HashMap<GenerationId, Arc<RwLock<Counts>>>>,
    passed: Mutex<Passed>,
    watchers: AtomicUsize,
    /// When the last watcher left, in milliseconds since 1970; 0 for one that never had any.
    left: AtomicU64,
}

/// What is known of a log at one moment.
#[derive(Debug, Clone)]
pub struct Published {
    /// `None` until the first look, and while the log is not followed.
    pub known: Option<Known>,
    /// When the newest growth was noticed.
    pub noticed: Instant,
    /// Raised when more lines were counted in the background.
    pub counted: u64,
}

/// What the follower found.
#[derive(Debug, Clone)]
pub struct Known {
    pub history: History,
    pub state: LogState,
}

/// Somebody looks at a log: while this lives, it stays followed.
#[derive(Debug)]
pub struct Watching(Arc<Log>);

impl Log {
    pub fn new(name: LogName, place: FilePlace) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let published = Published { known: None, noticed: Instant::now(), counted: 0 };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name,
            place,
            published: watch::Sender::new(published),
            counts: Mutex::default(),
            passed: Mutex::default(),
            watchers: AtomicUsize::new(0),
            left: AtomicU64::new(0),
        }
    }

    /// A number of this process alone.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn name(&self) -> &LogName {
        &self.name
    }

    pub fn place(&self) -> &FilePlace {
        &self.place
    }

    /// What was published last.
    pub fn published(&self) -> Published {
        self.published.borrow().clone()
    }

    /// What is known now.
    pub fn known(&self) -> Option<Known> {
        self.published.borrow().known.clone()
    }

    /// Hears of everything that is published.
    pub fn subscribe(&self) -> watch::Receiver<Published> {
        self.published.subscribe()
    }

    /// Keeps the log followed.
    pub fn watch(self: &Arc<Self>) -> Watching {
        if self.watchers.fetch_add(1, Ordering::Relaxed) == 0 {
            // Nobody has counted on what passed until now.
            *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Passed::default();
        }
        Watching(Arc::clone(self))
    }

    /// Whether somebody looks at it.
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// When the last one left who looked at it.
    pub fn left_at(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Tells everybody what was found, if it is news.
    pub(crate) fn publish(&self, history: History, state: LogState) {
        self.published.send_if_modified(|published| {
            let same = published
                .known
                .as_ref()
                .is_some_and(|known| known.state == state && known.history.same_as(&history));
            if !same {
                published.known = Some(Known { history, state });
                published.noticed = Instant::now();
            }
            !same
        });
    }

    /// Lets go of the files: the log is no longer followed.
    pub(crate) fn unpublish(&self) {
        self.published.send_modify(|published| published.known = None);
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Tells everybody that more lines were counted.
    pub(crate) fn publish_counted(&self) {
        self.published.send_modify(|published| published.counted += 1);
    }

    /// The newline counts of a generation.
    pub fn counts(&self, generation: GenerationId) -> Arc<RwLock<Counts>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counts.entry(generation).or_default())
    }

    /// Counts lines of `generation` where counting stopped, at most `budget` bytes. Whether the
    /// whole of it is counted now.
    ///
    /// # Errors
    ///
    /// The system's, from reading; a doubt when the file was changed meanwhile.
    pub fn count(&self, generation: &Generation, budget: u64) -> io::Result<bool> {
        let counts = self.counts(generation.id);
        let mut counts = counts.write().unwrap_or_else(PoisonError::into_inner);
        counts.advance_in(generation, budget)?;
        Ok(counts.counted_to() >= generation.bytes)
    }

    /// Bytes of `generation` that are not counted yet.
    pub fn uncounted(&self, generation: &Generation) -> u64 {
        let counts = self.counts(generation.id);
        let counted = counts.read().unwrap_or_else(PoisonError::into_inner).counted_to();
        generation.bytes.saturating_sub(counted)
    }

    /// Drops the counts of generations that `history` no longer has.
    pub fn trim_counts(&self, history: &History) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|id, _| history.generations.iter().any(|known| known.id == *id));
    }

    /// What passed at the end of the log since somebody looks.
    pub fn passed(&self) -> &Mutex<Passed> {
        &self.passed
    }

    /// The outline of `history`, with lines as far as they are counted.
    pub fn outline(&self, history: &History) -> Outline {
        history.outline(&|id| Some(self.counts(id)))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.0.watchers.fetch_sub(1, Ordering::Relaxed) == 1 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.0.left.store(now.as_millis() as u64, Ordering::Relaxed);
        }
    }
}
