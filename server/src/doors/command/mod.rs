//! Commands: programs whose output is a log, started and stopped by who may.
//!
//! A command is a list of words from the command line or the configuration, never a shell's line,
//! and nothing that a page or an address says becomes part of one. Each has one thread, which owns its
//! run: it reads both streams, writes them to the spool, and does what it is told. Each run is a
//! generation of the log.

pub mod keeper;
mod report;
mod run;
mod settings;
mod weave;

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tailwater_protocol::{CommandState, Ending, LogName, Order};

pub use self::settings::{CommandFile, CommandSettings, Restart};
use super::Control;
use super::journal::Entries;
use crate::spool::Spool;

/// Orders that wait: more than a person gives before the first is carried out.
const MAX_ORDERS: usize = 16;

/// The first pause before a command is started again by itself, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest.
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// One that ran so long is not failing at once: its pauses begin anew.
const GOOD: Duration = Duration::from_secs(60);

/// Looks at the commands whenever the state of one changes.
pub(super) type Bell = Arc<dyn Fn() + Send + Sync>;

/// A command, as others see it.
pub struct Command {
    settings: CommandSettings,
    spool: Arc<Spool>,
    /// The program that this is, to be run as the keeper.
    keeper: PathBuf,
    /// Of one that prints a journal: how far it was read.
    journal: Option<Mutex<Entries>>,
    shared: Mutex<Shared>,
    /// Wakes the thread.
    bell: UnixStream,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    orders: VecDeque<Told>,
    state: CommandState,
    changed: Option<Bell>,
}

/// What the thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Order(Order),
    /// The server ends.
    End,
}

/// What has come of a run.
enum Came {
    /// It ended by itself.
    Over(Ending),
    /// It was ended, and is to be started again at once.
    Restart,
    /// It was ended.
    Stopped,
    /// The server ends.
    End,
}

impl Command {
    pub(super) fn new(
        settings: CommandSettings,
        spool: Arc<Spool>,
        control: Control,
        keeper: PathBuf,
    ) -> io::Result<(Arc<Self>, UnixStream)> {
        let (bell, heard) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        let shared = Shared { orders: VecDeque::new(), state: CommandState::Over, changed: None };
        if control == Control::Allowed && settings.journal.is_none() {
            spool.set_command(CommandState::Over);
        }
        let (shared, thread) = (Mutex::new(shared), Mutex::default());
        let journal = settings.journal.as_ref().map(|_| Mutex::new(Entries::of(&spool)));
        Ok((Arc::new(Self { settings, spool, keeper, journal, shared, bell, thread }), heard))
    }

    /// Starts its thread, and the command if it is to start with the server.
    pub(super) fn start(self: &Arc<Self>, heard: UnixStream, changed: Bell) -> io::Result<()> {
        self.shared().changed = Some(changed);
        let this = Arc::clone(self);
        let name = format!("command {}", self.name());
        let name = name.get(..15).unwrap_or(&name).to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || this.run(&heard))?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        if self.settings.start {
            self.order(Order::Start);
        }
        Ok(())
    }

    /// The name of its log.
    pub fn name(&self) -> &LogName {
        self.spool.name()
    }

    /// Whether it is one that people start and stop.
    pub fn is_told(&self) -> bool {
        self.journal.is_none()
    }

    /// How far the journal was read, of one that prints it.
    fn entries(&self) -> Option<MutexGuard<'_, Entries>> {
        let journal = self.journal.as_ref()?;
        Some(journal.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it runs.
    pub fn state(&self) -> CommandState {
        self.shared().state
    }

    /// Has it started, stopped or started anew. False when too many orders wait already.
    pub fn order(&self, order: Order) -> bool {
        self.tell(Told::Order(order))
    }

    /// Has it ended, and its thread too.
    pub(super) fn end(&self) {
        self.shared().orders.clear();
        self.tell(Told::End);
    }

    /// Waits until it has.
    pub(super) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!(command = %self.name(), "its thread broke off");
        }
    }

    fn tell(&self, told: Told) -> bool {
        let mut shared = self.shared();
        if shared.orders.len() >= MAX_ORDERS {
            return false;
        }
        shared.orders.push_back(told);
        drop(shared);
        // Full means that it was told to look already.
        let _told_before = (&self.bell).write(&[0]).is_err();
        true
    }

    fn next_order(&self) -> Option<Told> {
        self.shared().orders.pop_front()
    }

    /// Says what it does now.
    fn be(&self, state: CommandState) {
        let mut shared = self.shared();
        shared.state = state;
        if self.spool.command().is_some() {
            self.spool.set_command(state);
        }
        let changed = shared.changed.clone();
        drop(shared);
        if let Some(changed) = changed {
            changed();
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: idle until told to start, and so on after each run.
    fn run(&self, heard: &UnixStream) {
        let mut again: Option<Instant> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.next_order() {
                Some(Told::End) => return,
                Some(Told::Order(Order::Stop)) => {
                    again = None;
                    continue;
                }
                Some(Told::Order(Order::Start | Order::Restart)) => {
                    (again, pause) = (None, FIRST_PAUSE);
                }
                None if again.is_some_and(|again| again <= Instant::now()) => again = None,
                None => {
                    run::wait(heard, again);
                    continue;
                }
            }
            let began = Instant::now();
            loop {
                match self.once(heard) {
                    Came::Restart => {}
                    Came::End => return,
                    Came::Stopped => break,
                    Came::Over(how) => {
                        // Without the program there is no journal, now or in a minute.
                        let hopeless = self.journal.is_some() && how == Ending::Failed;
                        if self.settings.restart.after(how) && !hopeless {
                            if began.elapsed() > GOOD {
                                pause = FIRST_PAUSE;
                            }
                            again = Some(Instant::now() + pause);
                            pause = (pause * 2).min(LAST_PAUSE);
                        }
                        break;
                    }
                }
            }
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("settings", &self.settings).finish_non_exhaustive()
    }
}
