//! One log as the server offers it: its name, where it lies, what is known of it, and who looks.
//!
//! The watching thread publishes; everybody else reads what was published and, by it, the files.
//! No line is kept here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::archive::Past;
use tailwater_engine::counts::Counts;
use tailwater_engine::history::{Generation, History};
use tailwater_protocol::{GenerationId, LogName, LogState, Outline};
use tokio::sync::watch;

use crate::archive::Archives;
use crate::kept::{Kept, WORTH};
use crate::learned::Learned;
use crate::passed::Passed;
use crate::sources::FilePlace;
use crate::spool::Spool;
use crate::survey::Surveyed;

/// A log.
#[derive(Debug)]
pub struct Log {
    id: u64,
    name: LogName,
    place: FilePlace,
    /// What writes it, when we do.
    spool: Option<Arc<Spool>>,
    published: watch::Sender<Published>,
    parts: Mutex<Parts>,
    archives: Archives,
    counts: Mutex<HashMap<GenerationId, Counted>>,
    /// Held while kept counts are looked for: whoever comes meanwhile waits and has them too.
    loading: Mutex<()>,
    passed: Mutex<Passed>,
    learned: Learned,
    surveyed: Surveyed,
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

/// What was counted of a generation.
#[derive(Debug)]
struct Counted {
    counts: Arc<Counts>,
    /// Whether kept counts were looked for.
    loaded: bool,
    /// Bytes that had been counted when the counts were kept last, and when that was.
    kept: u64,
    kept_at: Instant,
}

/// When counts are kept that have become worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// At once, as nobody may come to do it later.
    Now,
    /// Unless it was done lately: a log that grows fast would have it done all the time.
    IfDue,
}

/// Between two writings of a log's counts while it grows.
const KEEP: Duration = Duration::from_secs(60);

/// What is published is made of.
#[derive(Debug, Default)]
struct Parts {
    /// What the follower found; `None` while the log is not followed.
    live: Option<Known>,
    /// What lies beside it.
    past: Past,
}

/// Somebody looks at a log: while this lives, it stays followed.
#[derive(Debug)]
pub struct Watching(Arc<Log>);

impl Log {
    pub fn new(
        name: LogName,
        place: FilePlace,
        spool: Option<Arc<Spool>>,
        archives: Archives,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let published = Published { known: None, noticed: Instant::now(), counted: 0 };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name,
            place,
            spool,
            published: watch::Sender::new(published),
            parts: Mutex::default(),
            archives,
            counts: Mutex::default(),
            loading: Mutex::default(),
            passed: Mutex::default(),
            learned: Learned::default(),
            surveyed: Surveyed::default(),
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

    /// The spool it lies in, if it does.
    pub fn spool(&self) -> Option<&Arc<Spool>> {
        self.spool.as_ref()
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
        let state = match &self.spool {
            Some(spool) => spool.state_of(state),
            None => state,
        };
        let mut parts = self.parts();
        let ids = |known: &Known| -> Vec<(GenerationId, bool)> {
            known.history.generations.iter().map(|g| (g.id, g.lost.is_some())).collect()
        };
        let live = Known { history, state };
        let turned = parts.live.as_ref().is_some_and(|before| ids(before) != ids(&live));
        parts.live = Some(live);
        self.tell(&parts, true);
        drop(parts);
        if turned {
            self.archives.changed(self.id);
        }
    }

    /// What the follower found last.
    pub(crate) fn live(&self) -> Option<History> {
        self.parts().live.as_ref().map(|known| known.history.clone())
    }

    /// Tells everybody what lies beside the log.
    pub(crate) fn set_past(&self, past: Past) {
        let mut parts = self.parts();
        parts.past = past;
        self.tell(&parts, false);
    }

    /// What lies beside the logs.
    pub fn archives(&self) -> &Archives {
        &self.archives
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what the parts make together, which must stay as they are meanwhile: nobody is told
    /// of an older state after a newer one.
    fn tell(&self, parts: &Parts, grown: bool) {
        let Some(Known { history, state }) = &parts.live else { return };
        let history = parts.past.complete(history);
        self.published.send_if_modified(|published| {
            let same = published
                .known
                .as_ref()
                .is_some_and(|known| known.state == *state && known.history.same_as(&history));
            if !same {
                published.known = Some(Known { history, state: state.clone() });
                if grown {
                    published.noticed = Instant::now();
                }
            }
            !same
        });
    }

    /// Lets go of the files: the log is no longer followed.
    pub(crate) fn unpublish(&self) {
        *self.parts() = Parts::default();
        self.published.send_modify(|published| published.known = None);
        self.all_counts().clear();
    }

    /// Tells everybody that more lines were counted.
    pub(crate) fn publish_counted(&self) {
        self.published.send_modify(|published| published.counted += 1);
    }

    /// The newline counts of a generation.
    pub fn counts(&self, generation: GenerationId) -> Arc<Counts> {
        Arc::clone(&self.all_counts().entry(generation).or_default().counts)
    }

    /// The newline counts of a generation, with those that were kept if it is a new one.
    pub fn counts_of(&self, generation: &Generation, kept: &Kept) -> Arc<Counts> {
        let known = |log: &Self| {
            let mut all = log.all_counts();
            let counted = all.entry(generation.id).or_default();
            counted.loaded.then(|| Arc::clone(&counted.counts))
        };
        if let Some(counts) = known(self) {
            return counts;
        }
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = known(self) {
            return counts;
        }
        let loaded = kept.load(generation);
        let mut all = self.all_counts();
        let counted = all.entry(generation.id).or_default();
        counted.loaded = true;
        if let Some(counts) = loaded
            && counts.counted() > counted.counts.counted()
        {
            counted.kept = counts.counted();
            counted.counts = Arc::new(counts);
        }
        Arc::clone(&counted.counts)
    }

    /// Whether enough of a generation was counted since its counts were kept to keep them anew.
    pub fn is_to_be_kept(&self, generation: GenerationId) -> bool {
        self.all_counts().get(&generation).is_some_and(|counted| counted.is_to_be_kept(Keep::IfDue))
    }

    /// Keeps the counts of all generations of which much was counted since they were kept last.
    pub fn keep_counts(&self, kept: &Kept, when: Keep) {
        let Some(known) = self.known() else { return };
        for generation in known.history.generations.iter() {
            let worth = {
                let mut all = self.all_counts();
                all.get_mut(&generation.id).and_then(|counted| {
                    counted.is_to_be_kept(when).then(|| {
                        counted.kept = counted.counts.counted();
                        counted.kept_at = Instant::now();
                        Arc::clone(&counted.counts)
                    })
                })
            };
            if let Some(counts) = worth {
                kept.save(generation, &counts);
            }
        }
    }

    /// Drops the counts of generations that `history` no longer has.
    pub fn trim_counts(&self, history: &History) {
        self.all_counts().retain(|id, _| history.generations.iter().any(|known| known.id == *id));
    }

    fn all_counts(&self) -> MutexGuard<'_, HashMap<GenerationId, Counted>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What passed at the end of the log since somebody looks.
    pub fn passed(&self) -> &Mutex<Passed> {
        &self.passed
    }

    /// How it writes.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Where its errors are.
    pub fn surveyed(&self) -> &Surveyed {
        &self.surveyed
    }

    /// The outline of `history`, with lines as far as they are counted.
    pub fn outline(&self, history: &History) -> Outline {
        let mut outline = history.outline(&|id| Some(self.counts(id)));
        if let Some(spool) = &self.spool {
            spool.dress(history, &mut outline);
        }
        outline
    }
}

impl Counted {
    fn is_to_be_kept(&self, when: Keep) -> bool {
        let lately = self.kept > 0 && self.kept_at.elapsed() < KEEP;
        self.counts.counted() >= self.kept.saturating_add(WORTH) && !(lately && when == Keep::IfDue)
    }
}

impl Default for Counted {
    fn default() -> Self {
        Self { counts: Arc::default(), loaded: false, kept: 0, kept_at: Instant::now() }
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
