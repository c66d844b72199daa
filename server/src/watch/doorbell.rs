//! What wakes the watching thread: a ring that says where to look, and nothing of what is there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Whom a ring is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Rings when something under watch may have changed.
pub trait Doorbell: Send {
    /// Rings for `token` from now on when anything at `paths` changes, in place of what it rang
    /// for before. A path that does not exist is passed over.
    fn arm(&mut self, token: Token, paths: &[PathBuf]) -> Hearing;

    /// Rings for `token` no more.
    fn disarm(&mut self, token: Token);

    /// Waits until it rings, is woken, or `timeout` has passed.
    fn wait(&mut self, timeout: Duration) -> Rung;
}

/// Whether changes can be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// The kernel announces them.
    Kernel,
    /// They are not announced, for this reason: the clock has to do.
    Deaf(String),
}

/// What rang.
#[derive(Debug, Default)]
pub struct Rung {
    /// For whom; one may stand here more than once.
    pub tokens: Vec<Token>,
    /// Rings were lost: everybody should look.
    pub all: bool,
    /// A name appeared in a watched folder, or vanished from it.
    pub names: bool,
}

/// Wakes the thread from others.
#[derive(Debug)]
pub struct Waker(OwnedFd);

impl Waker {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub fn wake(&self) {
        // Fails only when it is woken 2^64 times already.
        let _woken = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Waits for a wake, for `other` to be readable, or for `timeout`. Whether `other` is readable.
    pub fn wait(&self, other: Option<BorrowedFd<'_>>, timeout: Duration) -> bool {
        let mut polled = vec![PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        polled.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let timeout = Timespec {
            tv_sec: timeout.as_secs().min(3600) as i64,
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // A signal ends the wait early, as a time-out does: the caller looks at the state anyway.
        let _interrupted = poll(&mut polled, Some(&timeout));
        let readable = polled.get(1).is_some_and(|fd| fd.revents().contains(PollFlags::IN));
        let mut taken = [0; 8];
        let _none = rustix::io::read(&self.0, &mut taken);
        readable
    }
}

/// A doorbell that hears nothing: the clock alone.
#[derive(Debug)]
pub struct Silent {
    waker: Arc<Waker>,
    reason: &'static str,
}

impl Silent {
    /// One that is silent for `reason`.
    pub fn new(waker: Arc<Waker>, reason: &'static str) -> Self {
        Self { waker, reason }
    }
}

impl Doorbell for Silent {
    fn arm(&mut self, _token: Token, _paths: &[PathBuf]) -> Hearing {
        Hearing::Deaf(self.reason.to_owned())
    }

    fn disarm(&mut self, _token: Token) {}

    fn wait(&mut self, timeout: Duration) -> Rung {
        self.waker.wait(None, timeout);
        Rung::default()
    }
}
