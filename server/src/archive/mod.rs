//! What lies beside the logs: one thread that looks, goes through compressed files step by step,
//! and tells each log of its past.
//!
//! It works only for logs that somebody looks at, the rest of the time it sleeps; it is never what
//! the end of a log waits for. It keeps a few lines per log in the state folder, by which the
//! generations have the same ids after a restart, and links lead where they led. Without a folder
//! that can be written all goes on, and links may end with the process.

mod disk;
mod records;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::archive::record::Record;
use tailwater_engine::archive::{Archive, Found, SharedPlace, Shelf};
use tailwater_engine::follow::Now;
use tokio::sync::oneshot;

use crate::log::Log;
use records::Folder;

/// Text gone through in one step: some 10 ms, after which whoever rang is heard.
const STEP: u64 = 4 * 1024 * 1024;

/// Between two surveys of a log, however much happens beside it.
const GAP: Duration = Duration::from_secs(1);

/// Between two surveys of a log that somebody looks at, though nothing happened.
const REST: Duration = Duration::from_secs(30);

/// Between two of one that nobody looks at: to see whether it is still there.
const IDLE: Duration = Duration::from_secs(600);

/// How long a reader waits for what lies beside a log to be gone through: a link may lead there.
const PATIENCE: Duration = Duration::from_secs(20);

/// Speaks to the thread.
#[derive(Clone)]
pub struct Archives {
    commands: mpsc::Sender<Command>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    folder: Folder,
}

/// What the thread can be told.
enum Command {
    /// Somebody looks at that log.
    Attend(Arc<Log>),
    /// The log of that number has other generations than before.
    Changed(u64),
    /// A name appeared or vanished beside some log.
    Names,
    /// Look now, and say when that was done, or when all was gone through.
    Survey(Arc<Log>, Until, oneshot::Sender<()>),
    /// End.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Seen,
    Settled,
}

impl Archives {
    /// Starts the thread, with records in a folder below `state`, or nowhere.
    ///
    /// # Errors
    ///
    /// When the thread cannot be made.
    pub fn start(state: Option<&Path>) -> io::Result<Self> {
        let (commands, received) = mpsc::channel();
        let folder = Folder::new(state);
        let shelf = disk::spool(state).map_or_else(
            |error| {
                tracing::warn!(%error, "no room to unpack large `.zst` files; they are read in part");
                Shelf::new()
            },
            Shelf::with_spool,
        );
        let keeper = Keeper {
            folder: folder.clone(),
            said: false,
            shelf: Arc::new(shelf),
            started: Instant::now(),
            kept: BTreeMap::new(),
            turn: 0,
        };
        let run = move || keeper.run(&received);
        let thread = std::thread::Builder::new().name("archive".to_owned()).spawn(run)?;
        Ok(Self { commands, thread: Arc::new(Mutex::new(Some(thread))), folder })
    }

    /// What was noted of the generations of `log` when it was followed before.
    pub fn records(&self, log: &Log) -> Vec<Record> {
        self.folder.load(&log.place().path())
    }

    /// Somebody looks at `log`.
    pub fn attend(&self, log: &Arc<Log>) {
        self.tell(Command::Attend(Arc::clone(log)));
    }

    /// The log of that number has other generations than before.
    pub fn changed(&self, log: u64) {
        self.tell(Command::Changed(log));
    }

    /// A name appeared or vanished beside some log.
    pub fn ring(&self) {
        self.tell(Command::Names);
    }

    /// Has it seen what lies beside `log` now; done when this returns.
    pub async fn survey(&self, log: &Arc<Log>) {
        self.wait(log, Until::Seen).await;
    }

    /// Waits until all is gone through that lies beside `log`, though not for ever.
    pub async fn settle(&self, log: &Arc<Log>) {
        self.wait(log, Until::Settled).await;
    }

    async fn wait(&self, log: &Arc<Log>, until: Until) {
        let (done, wait) = oneshot::channel();
        self.tell(Command::Survey(Arc::clone(log), until, done));
        // Too slow, or ended: whoever waits goes on with what is known.
        let _either = tokio::time::timeout(PATIENCE, wait).await.is_ok();
    }

    /// Ends the thread, with the records written.
    pub fn stop(&self) {
        self.tell(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the thread for earlier generations broke off");
        }
    }

    fn tell(&self, command: Command) {
        // Fails only when the thread has ended, with the server.
        let _ended = self.commands.send(command);
    }
}

impl fmt::Debug for Archives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archives").finish_non_exhaustive()
    }
}

/// The thread's own.
struct Keeper {
    folder: Folder,
    /// Whether it was said that records cannot be kept.
    said: bool,
    shelf: Arc<Shelf>,
    started: Instant,
    kept: BTreeMap<u64, Kept>,
    /// The log that had a step last.
    turn: u64,
}

struct Kept {
    log: Arc<Log>,
    archive: Archive,
    surveyed: Option<Instant>,
    due: Instant,
    work: bool,
    saved: Vec<Record>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Keeper {
    fn run(mut self, received: &mpsc::Receiver<Command>) {
        loop {
            let now = Instant::now();
            let due = self.kept.values().map(|kept| kept.due).min();
            let wait = match due {
                _ if self.busy().is_some() => Duration::ZERO,
                Some(due) => due.saturating_duration_since(now),
                None => IDLE,
            };
            match received.recv_timeout(wait) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            let due = self.kept.iter().filter(|(_, kept)| kept.due <= now);
            let due: Vec<u64> = due.map(|(&log, _)| log).collect();
            due.into_iter().for_each(|log| self.survey(log));
            if let Some(log) = self.busy() {
                self.work(log);
            }
        }
        let all: Vec<u64> = self.kept.keys().copied().collect();
        all.into_iter().for_each(|log| self.save(log, true));
    }

    /// The next log for which there is work, after the one that had a step last.
    fn busy(&self) -> Option<u64> {
        let wants = |(_, kept): &(&u64, &Kept)| kept.work && kept.log.is_watched();
        let after = self.kept.range(self.turn + 1..).find(wants);
        after.or_else(|| self.kept.iter().find(wants)).map(|(&log, _)| log)
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Stop => {}
            Command::Attend(log) => {
                let kept = self.keep(&log);
                kept.due = kept.soon(now);
            }
            Command::Changed(log) => {
                if let Some(kept) = self.kept.get_mut(&log) {
                    kept.due = kept.soon(now);
                }
            }
            Command::Names => {
                for kept in self.kept.values_mut().filter(|kept| kept.log.is_watched()) {
                    kept.due = kept.soon(now);
                }
            }
            Command::Survey(log, until, done) => {
                let number = log.id();
                self.keep(&log);
                self.survey(number);
                match self.kept.get_mut(&number) {
                    Some(kept) if kept.work && until == Until::Settled => kept.waiting.push(done),
                    // Whoever asked may have gone away meanwhile.
                    _ => drop(done.send(())),
                }
            }
        }
    }

    fn keep(&mut self, log: &Arc<Log>) -> &mut Kept {
        self.kept.entry(log.id()).or_insert_with(|| {
            let place: SharedPlace = Arc::new(log.place().clone());
            let saved = self.folder.load(&log.place().path());
            let archive = Archive::new(place, Arc::clone(&self.shelf), saved.clone());
            let (log, due) = (Arc::clone(log), Instant::now());
            Kept { log, archive, surveyed: None, due, work: false, saved, waiting: Vec::new() }
        })
    }

    fn survey(&mut self, log: u64) {
        let now = self.now();
        let Some(kept) = self.kept.get_mut(&log) else { return };
        kept.due = Instant::now() + if kept.log.is_watched() { REST } else { IDLE };
        let Some(live) = kept.log.live() else {
            // Not followed any more, or not yet: then it is told of when it is.
            if !kept.log.is_watched() {
                self.save(log, true);
                self.kept.remove(&log);
            }
            return;
        };
        // Nobody else knows of a log that is no longer offered.
        if Arc::strong_count(&kept.log) == 1 {
            self.kept.remove(&log);
            return;
        }
        let found = kept.archive.survey(&live, now);
        kept.surveyed = Some(Instant::now());
        kept.take(found);
        self.save(log, false);
    }

    fn work(&mut self, log: u64) {
        self.turn = log;
        let now = self.now();
        let Some(kept) = self.kept.get_mut(&log) else { return };
        let Some(live) = kept.log.live() else {
            kept.work = false;
            return;
        };
        let found = kept.archive.work(&live, now, STEP);
        kept.take(found);
        if found.changed {
            self.save(log, false);
        }
    }

    /// Writes the records of a log, if they are worth it: what grows is noted again when it has
    /// doubled.
    fn save(&mut self, log: u64, at_the_end: bool) {
        let Some(kept) = self.kept.get_mut(&log) else { return };
        let records = kept.archive.records();
        let stands = |record: &Record| {
            let saved = kept.saved.iter().find(|saved| saved.id == record.id);
            saved.is_some_and(|saved| {
                saved.identity == record.identity
                    && (saved.bytes == record.bytes
                        || (!at_the_end && saved.bytes >= record.bytes.div_ceil(2)))
            })
        };
        if records.iter().all(stands) {
            return;
        }
        match self.folder.save(&kept.log.place().path(), records) {
            Ok(()) => kept.saved = records.to_vec(),
            Err(_) if self.said => {}
            Err(error) => {
                self.said = true;
                let folder = self.folder.path().unwrap_or(Path::new("")).display();
                tracing::warn!(%error, "nothing can be kept in `{folder}`; links to compressed files may end with this process");
            }
        }
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.started.elapsed(), wall: wall.as_millis() as u64 }
    }
}

impl Kept {
    /// When it may be surveyed next.
    fn soon(&self, now: Instant) -> Instant {
        self.surveyed.map_or(now, |surveyed| (surveyed + GAP).max(now)).min(self.due.max(now))
    }

    fn take(&mut self, found: Found) {
        if found.changed {
            self.log.set_past(self.archive.past());
        }
        self.work = found.work;
        if let Some(soon) = found.look_again {
            self.due = self.due.min(Instant::now() + soon);
        }
        if !self.work {
            for waiting in self.waiting.drain(..) {
                let _gone = waiting.send(());
            }
        }
    }
}
