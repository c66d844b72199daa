//! The doors in: everything that makes lines and is no file. Each writes to a spool, and what it
//! wrote is a log like any other: nothing behind this folder knows where lines came from.

pub mod command;
pub mod journal;
pub mod push;
mod settings;
mod stdin;
pub mod syslog;

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tailwater_engine::unwrap::Stream;
use tailwater_protocol::{Ending, LogName, Order};
use tokio::sync::watch;

pub use self::command::{Command, CommandFile, CommandSettings};
pub use self::push::{Push, PushFile, PushSettings};
pub use self::settings::{Control, DoorsFile, Named, Settings, Stdin};
use self::syslog::Listener;
use crate::auth::{Action, Visitor};
use crate::logs::Logs;
use crate::spool::{Framing, Keep, Spool, Spools};

/// The doors that are open.
#[derive(Debug)]
pub struct Doors {
    stdin: Option<Arc<Spool>>,
    commands: Vec<Arc<Command>>,
    /// What wakes the commands' threads, until these are started.
    heard: Mutex<Vec<UnixStream>>,
    control: Control,
    push: Push,
    /// Until they are started.
    listeners: Mutex<Vec<Listener>>,
}

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    Told,
    /// There is no such command.
    Unknown,
    Forbidden,
    /// It has not done yet what it was told before.
    TooMany,
}

impl Doors {
    /// Opens the spools of what `settings` name; nothing is taken in yet.
    ///
    /// # Errors
    ///
    /// When a spool cannot be opened.
    pub fn open(settings: &Settings, spools: &Arc<Spools>) -> io::Result<Self> {
        let stdin = settings.stdin.as_ref();
        let stdin = stdin.map(|stdin| open(spools, &stdin.name, stdin.keep, Framing::Stream));
        let (mut commands, mut heard) = (Vec::new(), Vec::new());
        for command in &settings.commands {
            let framing = match command.journal {
                Some(_) => Framing::Messages,
                None => Framing::Stream,
            };
            let spool = open(spools, &command.name, command.keep, framing)?;
            let keeper = settings.keeper.clone();
            let (command, bell) = Command::new(command.clone(), spool, settings.control, keeper)?;
            commands.push(command);
            heard.push(bell);
        }
        let mut listeners = Vec::new();
        for (name, endpoint) in &settings.syslog {
            let spool = open(spools, name, Keep::Kept, Framing::Messages)?;
            let listener = Listener::bind(endpoint, spool).map_err(|error| {
                let reason = format!("cannot listen for syslog at {endpoint:?}: {error}");
                io::Error::new(error.kind(), reason)
            })?;
            if endpoint.is_public() {
                tracing::warn!(log = %name, "others reach the syslog receiver, and nobody proves who sends");
            }
            listeners.push(listener);
        }
        Ok(Self {
            stdin: stdin.transpose()?,
            commands,
            heard: Mutex::new(heard),
            control: settings.control,
            push: Push::open(&settings.push, spools)?,
            listeners: Mutex::new(listeners),
        })
    }

    /// Takes in from now on.
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn start(&self, logs: &Arc<Logs>, ending: &watch::Receiver<bool>) -> io::Result<()> {
        if let Some(spool) = &self.stdin {
            stdin::start(Arc::clone(spool))?;
        }
        self.push.start(logs);
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.drain(..) {
            listener.start(ending.clone())?;
        }
        drop(listeners);
        let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        for (command, heard) in self.commands.iter().zip(heard) {
            let logs = Arc::downgrade(logs);
            let changed = move || {
                if let Some(logs) = logs.upgrade() {
                    logs.ring();
                }
            };
            command.start(heard, Arc::new(changed))?;
        }
        Ok(())
    }

    /// Ends the commands, and waits until they have ended.
    pub fn stop(&self) {
        self.commands.iter().for_each(|command| command.end());
        self.commands.iter().for_each(|command| command.join());
    }

    /// What is pushed.
    pub fn push(&self) -> &Push {
        &self.push
    }

    /// The commands that people start and stop.
    pub fn commands(&self) -> impl Iterator<Item = &Arc<Command>> {
        self.commands.iter().filter(|command| command.is_told())
    }

    /// Tells a command what to do.
    pub fn order(&self, visitor: &Visitor, name: &LogName, order: Order) -> Ordered {
        let known = self.commands().find(|command| command.name() == name);
        let Some(command) = known.filter(|command| visitor.may(Action::Read, command.name()))
        else {
            return Ordered::Unknown;
        };
        if self.control == Control::Forbidden || !visitor.may(Action::Run, name) {
            return Ordered::Forbidden;
        }
        tracing::info!(command = %name, ?order, "told");
        if command.order(order) { Ordered::Told } else { Ordered::TooMany }
    }
}

fn open(spools: &Spools, name: &LogName, keep: Keep, framing: Framing) -> io::Result<Arc<Spool>> {
    spools.open(name, keep, framing).map_err(|error| {
        let folder = spools.folder().map_or("the temporary folder".into(), |at| at.display().to_string());
        io::Error::new(error.kind(), format!("cannot keep the lines of `{name}` in `{folder}`: {error}; name another by `--state FOLDER`"))
    })
}

/// Writes what came; what finds no room is counted, and its reader told.
fn spool(spool: &Spool, bytes: &[u8], stream: Stream) {
    if let Err(error) = spool.write(bytes, stream) {
        if spool.lost() == 0 {
            tracing::warn!(log = %spool.name(), %error, "lines are lost from here on; free some disk");
        }
        spool.lose(bytes.len() as u64);
    }
}

/// The word by which this program is started as a keeper, and never by a person.
const KEEP: &str = "keep-command";

/// Keeps a command, when this process was started for that: what it is to end with.
pub fn kept() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != KEEP {
        return None;
    }
    let grace = words.next()?.to_str()?.parse().ok()?;
    let command: Vec<OsString> = words.collect();
    Some(command::keeper::run(Duration::from_millis(grace), &command))
}

/// How something ended, in a few words.
pub fn how(ending: Ending) -> String {
    match ending {
        Ending::Closed => "ended".to_owned(),
        Ending::Exited(code) => format!("exit {code}"),
        Ending::Killed(signal) => format!("signal {signal}"),
        Ending::Failed => "not started".to_owned(),
        Ending::Broken => "cut off".to_owned(),
    }
}
