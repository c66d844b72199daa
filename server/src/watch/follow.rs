//! The watching thread's loop: who is due, one look at each, and what came of it.
//!
//! Every wake leads to the same idempotent look at the state of the log. A log that grows without
//! pause is looked at no more than every [`GAP`]; one whose changes are not announced, every
//! [`DEAF`]; all, every [`SAFETY`].

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tailwater_engine::file::Place as _;
use tailwater_engine::follow::{Condition, Follower, Limits, Now};
use tailwater_protocol::LogState;

use super::Command;
use super::doorbell::{Doorbell, Hearing, Token};
use crate::log::Log;

/// Between two looks at a log that keeps growing: what is written in between is one look's work,
/// and at a million lines a second the thread still sleeps most of the time.
const GAP: Duration = Duration::from_millis(2);

/// Between two looks at a log whose changes are not announced.
const DEAF: Duration = Duration::from_millis(250);

/// Between two looks at any log: the net under the doorbell.
const SAFETY: Duration = Duration::from_secs(1);

/// Logs that stay followed while nobody looks at them, so that what happens to them is known when
/// somebody does. Each holds a file open. Beyond these, a log is followed on demand.
const AT_REST: usize = 256;

pub(super) struct Following {
    bell: Box<dyn Doorbell>,
    commands: mpsc::Receiver<Command>,
    poke: Box<dyn Fn() + Send>,
    followed: HashMap<Token, Followed>,
    due: BTreeSet<(Instant, Token)>,
    started: Instant,
}

struct Followed {
    log: Arc<Log>,
    follower: Follower,
    hearing: Hearing,
    /// What the watches were set for: they are set anew when the log came to lie elsewhere.
    armed_for: Option<(u64, u64)>,
    looked: Instant,
    due: Instant,
    /// Whether the doorbell rang since the last look; growth found without a ring means deafness.
    rang: bool,
    silent_growth: u32,
}

impl Following {
    pub(super) fn new(
        bell: Box<dyn Doorbell>,
        commands: mpsc::Receiver<Command>,
        poke: Box<dyn Fn() + Send>,
    ) -> Self {
        let (followed, due) = (HashMap::new(), BTreeSet::new());
        Self { bell, commands, poke, followed, due, started: Instant::now() }
    }

    pub(super) fn run(mut self) {
        loop {
            let wait = match self.due.first() {
                Some(&(due, _)) => due.saturating_duration_since(Instant::now()),
                None => SAFETY * 60,
            };
            let rung = self.bell.wait(wait);
            if rung.names {
                (self.poke)();
            }
            if rung.all {
                (self.poke)();
                let everybody: Vec<Token> = self.followed.keys().copied().collect();
                everybody.into_iter().for_each(|token| self.ring(token));
            }
            rung.tokens.into_iter().for_each(|token| self.ring(token));
            while let Ok(command) = self.commands.try_recv() {
                if matches!(command, Command::Stop) {
                    return;
                }
                self.obey(command);
            }
            self.look_at_those_due();
        }
    }

    /// Has the log looked at as soon as [`GAP`] allows.
    fn ring(&mut self, token: Token) {
        if let Some(followed) = self.followed.get_mut(&token) {
            followed.rang = true;
            let soon = followed.looked + GAP;
            if soon < followed.due {
                self.due.remove(&(followed.due, token));
                followed.due = soon;
                self.due.insert((soon, token));
            }
        }
    }

    fn look_at_those_due(&mut self) {
        let now = Instant::now();
        while let Some(&(due, token)) = self.due.first() {
            if due > now {
                break;
            }
            self.due.pop_first();
            self.look(token);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Stop => {}
            Command::Follow(log) => {
                let token = Token(log.id());
                if !self.followed.contains_key(&token) {
                    self.make_room();
                    self.begin(token, log);
                }
            }
            Command::Forget(log) => self.end(Token(log.id())),
            Command::Look(log, done) => {
                let token = Token(log.id());
                if let Some(followed) = self.followed.get(&token) {
                    self.due.remove(&(followed.due, token));
                    self.look(token);
                }
                // Whoever asked may have gone away meanwhile.
                let _gone = done.send(());
            }
            Command::Recognise(log, bookmark, done) => {
                let now = self.now();
                let found = self.followed.get_mut(&Token(log.id())).and_then(|followed| {
                    let found = followed.follower.recognise(log.place(), bookmark, now);
                    followed.publish(now);
                    found
                });
                let _gone = done.send(found);
            }
        }
    }

    fn begin(&mut self, token: Token, log: Arc<Log>) {
        let now = Instant::now();
        let mut follower = Follower::new(Limits::default());
        follower.remember(log.archives().records(&log));
        let followed = Followed {
            log,
            follower,
            hearing: Hearing::Kernel,
            armed_for: None,
            looked: now,
            due: now,
            rang: true,
            silent_growth: 0,
        };
        self.followed.insert(token, followed);
        // Listening begins before the first look: what happens in between rings.
        self.arm(token);
        self.look(token);
    }

    fn end(&mut self, token: Token) {
        if let Some(followed) = self.followed.remove(&token) {
            self.due.remove(&(followed.due, token));
            self.bell.disarm(token);
        }
    }

    /// Ends following one that nobody looks at, when there are more than may rest.
    fn make_room(&mut self) {
        if self.followed.len() < AT_REST {
            return;
        }
        let resting = self.followed.iter().filter(|(_, followed)| !followed.log.is_watched());
        let oldest = resting.min_by_key(|(_, followed)| followed.log.left_at());
        if let Some((&token, followed)) = oldest {
            followed.log.unpublish();
            self.end(token);
        }
    }

    /// One look, its publication, and when the next is due.
    fn look(&mut self, token: Token) {
        let now = self.now();
        let Some(followed) = self.followed.get_mut(&token) else { return };
        let found = followed.follower.reconcile(followed.log.place(), now);
        followed.looked = Instant::now();
        let rang = std::mem::take(&mut followed.rang);
        if found.grown > 0 {
            followed.silent_growth = if rang { 0 } else { followed.silent_growth + 1 };
        }
        // Once may be chance: the look came just before the ring. Again and again is not.
        if followed.silent_growth >= 3 && followed.hearing == Hearing::Kernel {
            followed.hearing = Hearing::Deaf("changes go unannounced".to_owned());
        }
        followed.publish(now);
        let rest = match followed.hearing {
            Hearing::Kernel => SAFETY,
            Hearing::Deaf(_) => DEAF,
        };
        let rest = found.look_again.map_or(rest, |soon| soon.clamp(GAP, rest));
        followed.due = followed.looked + rest;
        self.due.insert((followed.due, token));
        // What is missing may come to be folder by folder: each is listened at when it is there.
        let lies_at = followed.lies_at();
        if lies_at.is_none() || lies_at != followed.armed_for {
            self.arm(token);
        }
    }

    /// Sets the watches for where the log lies now: the file itself, since a folder does not tell
    /// of writes through another name, and the folders in which its name and its target stand.
    fn arm(&mut self, token: Token) {
        let Some(followed) = self.followed.get_mut(&token) else { return };
        let path = followed.log.place().path();
        let mut paths: Vec<PathBuf> = nearest_folder(&path).into_iter().collect();
        if let Some(target) = followed.log.place().target()
            && target != path
        {
            paths.extend(nearest_folder(&target));
        }
        paths.push(path);
        let hearing = self.bell.arm(token, &paths);
        if hearing != Hearing::Kernel || followed.silent_growth < 3 {
            followed.hearing = hearing;
        }
        followed.armed_for = followed.lies_at();
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.started.elapsed(), wall: wall.as_millis() as u64 }
    }
}

impl Followed {
    fn lies_at(&self) -> Option<(u64, u64)> {
        self.log.place().look().ok().map(|stat| (stat.identity.device, stat.identity.inode))
    }

    fn publish(&self, _now: Now) {
        let state = match (self.follower.state(), &self.hearing) {
            (Condition::Present, Hearing::Kernel) => LogState::Live,
            (Condition::Present, Hearing::Deaf(reason)) => LogState::Polling(reason.clone()),
            (Condition::Waiting, _) => LogState::Waiting,
            (Condition::Deleted(since), _) => LogState::Deleted(since),
            (Condition::Unreadable { reason, remedy }, _) => {
                LogState::Unreadable { reason, remedy }
            }
        };
        self.log.publish(self.follower.history(), state);
    }
}

/// The folder of `path`, or the nearest above it that exists: what is missing appears there.
fn nearest_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned)
}
