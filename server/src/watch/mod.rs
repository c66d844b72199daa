//! Watching: one thread that notices, one follower per log, shared by all who look at it.
//!
//! A doorbell (inotify, or nothing but the clock) says that something may have changed; what
//! changed is found out by the engine's follower, from the state of the files alone. A look by the
//! clock backs every ring, so a lost event costs time and never a line. This folder holds the only
//! inotify code, and it never reads what it rings for.

mod doorbell;
mod follow;
mod inotify;
mod network;

use std::sync::Arc;
use std::sync::mpsc;

use tailwater_protocol::{Bookmark, Position};
use tokio::sync::oneshot;

use crate::log::Log;
pub use doorbell::{Doorbell, Hearing, Rung, Silent, Token, Waker};

/// Speaks to the watching thread.
#[derive(Debug, Clone)]
pub struct Watch {
    commands: mpsc::Sender<Command>,
    waker: Arc<Waker>,
}

/// What the watching thread can be told.
#[derive(Debug)]
enum Command {
    /// Follow a log from now on; nothing happens when it is followed already.
    Follow(Arc<Log>),
    /// The log is no longer offered.
    Forget(Arc<Log>),
    /// Look at the log now, and say when that was done.
    Look(Arc<Log>, oneshot::Sender<()>),
    /// Find where a reader stands who comes back from a generation that is not known here.
    Recognise(Arc<Log>, Bookmark, oneshot::Sender<Option<Position>>),
    /// End the thread.
    Stop,
}

impl Watch {
    /// Starts the thread, which goes by the clock alone when `poll` says so. `poke` is called when a name appeared or vanished in a watched folder.
    ///
    /// # Errors
    ///
    /// When the thread cannot be made. That there is no inotify is no error: then the clock
    /// serves alone, and every log says so.
    pub fn start(poll: bool, poke: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let waker = Arc::new(Waker::new()?);
        let (commands, received) = mpsc::channel();
        let bell = bell(poll, &waker);
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || follow::Following::new(bell, received, Box::new(poke)).run())?;
        Ok(Self { commands, waker })
    }

    /// Has `log` followed; it publishes what it finds.
    pub fn follow(&self, log: &Arc<Log>) {
        self.tell(Command::Follow(Arc::clone(log)));
    }

    /// Has `log` no longer followed.
    pub fn forget(&self, log: &Arc<Log>) {
        self.tell(Command::Forget(Arc::clone(log)));
    }

    /// Has `log` looked at now; done when this returns.
    pub async fn look(&self, log: &Arc<Log>) {
        let (done, wait) = oneshot::channel();
        self.tell(Command::Look(Arc::clone(log), done));
        // A thread that is gone looks no more: the server is ending.
        let _ended = wait.await;
    }

    /// Has `log` looked at soon, if it is followed.
    pub fn ring(&self, log: &Arc<Log>) {
        // Nobody waits for it.
        let (done, _wait) = oneshot::channel();
        self.tell(Command::Look(Arc::clone(log), done));
    }

    /// Where the reader stands who left `bookmark`, if what it read last can be found.
    pub async fn recognise(&self, log: &Arc<Log>, bookmark: Bookmark) -> Option<Position> {
        let (done, wait) = oneshot::channel();
        self.tell(Command::Recognise(Arc::clone(log), bookmark, done));
        wait.await.ok().flatten()
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.tell(Command::Stop);
    }

    fn tell(&self, command: Command) {
        // Fails only when the thread has ended, with the server.
        if self.commands.send(command).is_ok() {
            self.waker.wake();
        }
    }
}

fn bell(poll: bool, waker: &Arc<Waker>) -> Box<dyn Doorbell> {
    if poll {
        return Box::new(Silent::new(Arc::clone(waker), "by the clock, as asked"));
    }
    match inotify::Inotify::new(Arc::clone(waker)) {
        Ok(bell) => Box::new(bell),
        Err(error) => {
            tracing::warn!(%error, "no inotify: logs are looked at by the clock");
            Box::new(Silent::new(Arc::clone(waker), "no inotify"))
        }
    }
}
