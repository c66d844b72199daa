//! The logs on offer: found by the sources again and again, looked up by name, listed for the
//! pages. Whoever wants a log gets it here, or nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::file::{Absent, Place as _};
use tailwater_protocol::{LogName, LogState, Source};
use tokio::sync::watch;

use crate::archive::Archives;
use crate::auth::{Action, Visitor};
use crate::log::{Log, Published, Watching};
use crate::sources::{FilePlace, Root, Roots, SourceSpec, discover};
use crate::spool::Spools;
use crate::watch::Watch;

/// Between two looks for new names.
const REST: Duration = Duration::from_secs(1);

/// From a ring to the look, which then covers all that happens together.
const SETTLE: Duration = Duration::from_millis(50);

/// The looks may take this part of the time: a large tree is looked at less often. What a folder
/// announces is looked for at once; this is the net under it, and most of what being idle costs.
const REST_PER_COST: u32 = 250;

/// Between two looks, at most, however large the tree.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Logs followed from the start.
const FOLLOWED_AT_ONCE: usize = 256;

/// How long to wait for the first look at a log.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// All logs.
#[derive(Debug)]
pub struct Logs {
    specs: Vec<SourceSpec>,
    /// What is no file, and is written to one by us.
    spools: Arc<Spools>,
    roots: Roots,
    by_name: RwLock<BTreeMap<LogName, Arc<Log>>>,
    list: watch::Sender<Arc<Vec<Source>>>,
    watch: Watch,
    archives: Archives,
    bell: Arc<Bell>,
}

/// Wakes the thread that looks for names.
#[derive(Debug, Default)]
struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    rang: bool,
    ended: bool,
}

impl Logs {
    /// Finds the logs of `specs` once, and goes on finding until [`Self::stop`]; by the clock alone
    /// when `poll` says so.
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn start(
        specs: Vec<SourceSpec>,
        spools: Arc<Spools>,
        poll: bool,
        archives: Archives,
    ) -> std::io::Result<Arc<Self>> {
        let bell = Arc::new(Bell::default());
        let (ring, beside) = (Arc::clone(&bell), archives.clone());
        let poke = move || {
            ring.ring();
            beside.ring();
        };
        let logs = Arc::new(Self {
            roots: Root::all_of(&specs),
            specs,
            spools,
            by_name: RwLock::default(),
            list: watch::Sender::new(Arc::default()),
            watch: Watch::start(poll, poke)?,
            archives,
            bell,
        });
        logs.find();
        let finding = Arc::clone(&logs);
        std::thread::Builder::new().name("find".to_owned()).spawn(move || finding.run())?;
        Ok(logs)
    }

    /// Ends the threads.
    pub fn stop(&self) {
        self.bell.end();
        self.watch.stop();
        self.archives.stop();
    }

    /// The log of that name, if it is offered and `visitor` may do that with it: to others it does
    /// not exist. There is no other way from a name to a log.
    pub fn get(&self, visitor: &Visitor, action: Action, name: &LogName) -> Option<Arc<Log>> {
        if !visitor.may(action, name) {
            return None;
        }
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The log that lies at `path`, compared as it was named or found: it chooses among logs that
    /// `visitor` may read, and opens nothing.
    pub fn at_path(&self, visitor: &Visitor, path: &Path) -> Option<Arc<Log>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let found = by_name.values().find(|log| log.place().path() == path)?;
        visitor.may(Action::Read, found.name()).then(|| Arc::clone(found))
    }

    /// Every log on offer, for the server itself.
    pub fn all(&self) -> Vec<Arc<Log>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Has `log` followed while the answer lives, and waits for the first look at it.
    pub async fn attend(&self, log: &Arc<Log>) -> Watching {
        let watching = self.glance(log).await;
        self.archives.attend(log);
        watching
    }

    /// The same for one who asks for no more than what comes: what lies beside the log is not
    /// looked at.
    pub async fn glance(&self, log: &Arc<Log>) -> Watching {
        let watching = log.watch();
        let mut published = log.subscribe();
        if log.known().is_none() {
            self.watch.follow(log);
            let known = published.wait_for(|published: &Published| published.known.is_some());
            // Then the page says that it waits, which is the truth.
            let _slow = tokio::time::timeout(FIRST_LOOK, known).await.map(|known| known.is_ok());
        }
        watching
    }

    /// The watching thread.
    pub fn watcher(&self) -> &Watch {
        &self.watch
    }

    /// Hears when the list changes.
    pub fn changes(&self) -> watch::Receiver<Arc<Vec<Source>>> {
        self.list.subscribe()
    }

    /// What `visitor` may know of: all others do not exist for him.
    pub fn list(&self, visitor: &Visitor) -> Vec<Source> {
        let list = Arc::clone(&self.list.borrow());
        let seen = list.iter().filter(|source| visitor.may(Action::Read, &source.name)).cloned();
        let told = |source: Source| {
            let command = source.command.filter(|_| visitor.may(Action::Run, &source.name));
            Source { command, ..source }
        };
        seen.map(told).collect()
    }

    fn run(&self) {
        let mut rest = REST;
        while self.bell.wait(rest) {
            // A name that vanished is mostly back at once: a rotation renames, then creates.
            std::thread::sleep(SETTLE);
            let before = Instant::now();
            self.find();
            rest = (before.elapsed() * REST_PER_COST).clamp(REST, LONGEST_REST);
        }
    }

    /// Looks for names once, and brings the list up to date.
    fn find(&self) {
        let found = discover(&self.specs, &self.roots);
        if found.cut {
            tracing::warn!(
                max = crate::sources::MAX_LOGS,
                "more logs than are offered; name fewer"
            );
        }
        let mut gone = Vec::new();
        let mut new = Vec::new();
        {
            let mut logs = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::take(&mut *logs);
            let spooled = self.spools.all().into_iter().map(|spool| {
                (spool.name().clone(), FilePlace::named(spool.path().to_owned()), Some(spool))
            });
            let files = found.logs.into_iter().map(|(name, place)| (name, place, None));
            // What we write goes before a file that happens to have the same name.
            for (name, place, spool) in files.chain(spooled) {
                let known = before.get(&name).filter(|log| *log.place() == place);
                let log = known.cloned().unwrap_or_else(|| {
                    let log = Arc::new(Log::new(name.clone(), place, spool, self.archives.clone()));
                    self.listen(&log);
                    new.push(Arc::clone(&log));
                    log
                });
                logs.insert(name, log);
            }
            for (name, log) in before {
                // A log that was deleted stays while somebody reads it, or a rotation is under
                // way: between the renaming and the recreation its name is missing.
                let replaced = logs.get(&name).is_some();
                if !replaced && (log.is_watched() || lately_there(&log)) {
                    logs.insert(name, log);
                } else if logs.get(&name).is_none_or(|now| now.id() != log.id()) {
                    gone.push(log);
                }
            }
        }
        gone.iter().for_each(|log| self.watch.forget(log));
        new.iter().take(FOLLOWED_AT_ONCE).for_each(|log| self.watch.follow(log));
        self.publish();
    }

    /// Has the log looked at when its spool says that something happened which no file tells of.
    fn listen(&self, log: &Arc<Log>) {
        if let Some(spool) = log.spool() {
            let (watch, heard) = (self.watch.clone(), Arc::downgrade(log));
            spool.on_change(move || {
                if let Some(log) = heard.upgrade() {
                    watch.ring(&log);
                }
            });
        }
    }

    /// Looks for names now: one was added.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// The spools.
    pub fn spools(&self) -> &Arc<Spools> {
        &self.spools
    }

    fn publish(&self) {
        let list: Vec<Source> = self.all().iter().map(|log| source(log)).collect();
        self.list.send_if_modified(|known| {
            let changed = **known != list;
            if changed {
                *known = Arc::new(list);
            }
            changed
        });
    }
}

/// How long a log that is gone stays in the list, in milliseconds.
const LATELY: u64 = 60_000;

/// Whether the log, whose name is gone, was there until a moment ago.
fn lately_there(log: &Log) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    match log.known().map(|known| known.state) {
        Some(LogState::Deleted(since)) => now.saturating_sub(since) < LATELY,
        Some(LogState::Live | LogState::Polling(_)) => true,
        _ => false,
    }
}

/// The log as the list shows it.
fn source(log: &Log) -> Source {
    let name = log.name().clone();
    let looked = log.place().look();
    let state = match (log.known(), &looked) {
        (Some(known), _) => known.state,
        (None, Ok(_)) => LogState::Live,
        (None, Err(Absent::Missing)) => LogState::Waiting,
        (None, Err(Absent::Forbidden { reason, remedy })) => {
            LogState::Unreadable { reason: reason.clone(), remedy: remedy.clone() }
        }
        (None, Err(Absent::Failed(error))) => {
            LogState::Unreadable { reason: error.clone(), remedy: String::new() }
        }
    };
    let state = match log.spool() {
        Some(spool) => spool.state_of(state),
        None => state,
    };
    let (bytes, written) = looked.map_or((0, None), |stat| (stat.bytes, Some(stat.written)));
    let command = log.spool().and_then(|spool| spool.command());
    Source { name, state, bytes, written, command }
}

impl Bell {
    fn ring(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rang = true;
        self.changed.notify_one();
    }

    fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.changed.notify_one();
    }

    /// Waits for a ring or for `rest`; false when all has ended.
    fn wait(&self, rest: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited =
            self.changed.wait_timeout_while(state, rest, |state| !state.rang && !state.ended);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.rang = false;
        !state.ended
    }
}
