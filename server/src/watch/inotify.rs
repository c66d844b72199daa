//! The doorbell that the kernel rings.
//!
//! One inotify instance for the process. The kernel merges equal unread events and drops what does
//! not fit: events are never counted and never trusted, they only say for whom to look.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use inotify::{EventMask, WatchDescriptor, WatchMask};

use super::doorbell::{Doorbell, Hearing, Rung, Token, Waker};
use super::network::unannounced;

/// Bytes of events taken at once: some hundreds.
const BUFFER: usize = 16 * 1024;

pub(super) struct Inotify {
    inotify: inotify::Inotify,
    waker: Arc<Waker>,
    /// Who listens at each watch. The kernel gives one descriptor to each inode, so two logs in a
    /// folder share its watch.
    listeners: HashMap<WatchDescriptor, HashSet<Token>>,
    watches: HashMap<Token, Vec<WatchDescriptor>>,
    buffer: Vec<u8>,
    told_of_limit: bool,
}

impl Inotify {
    pub(super) fn new(waker: Arc<Waker>) -> io::Result<Self> {
        Ok(Self {
            inotify: inotify::Inotify::init()?,
            waker,
            listeners: HashMap::new(),
            watches: HashMap::new(),
            buffer: vec![0; BUFFER],
            told_of_limit: false,
        })
    }

    fn add(&mut self, path: &Path) -> io::Result<WatchDescriptor> {
        // A folder tells of names, a file of its growth and its fate. Both masks are asked of
        // both, so that a path that turns from one into the other is heard too; MODIFY of a
        // folder's files is heard by the folder as well, and costs one merged event.
        let mask = WatchMask::MODIFY
            | WatchMask::ATTRIB
            | WatchMask::CREATE
            | WatchMask::DELETE
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE
            | WatchMask::MOVE_SELF;
        let mask = if path.is_dir() { mask - WatchMask::MODIFY } else { mask };
        self.inotify.watches().add(path, mask)
    }

    /// Takes `token` from the watches `old`, and ends those that nobody listens at any more.
    fn leave(&mut self, token: Token, old: Vec<WatchDescriptor>) {
        for descriptor in old {
            let Some(tokens) = self.listeners.get_mut(&descriptor) else { continue };
            tokens.remove(&token);
            if tokens.is_empty() {
                self.listeners.remove(&descriptor);
                // Fails when the kernel ended it already, as the file is gone.
                let _gone = self.inotify.watches().remove(descriptor);
            }
        }
    }

    fn deaf(&mut self, error: &io::Error) -> Hearing {
        let limit = matches!(
            rustix::io::Errno::from_io_error(error),
            Some(rustix::io::Errno::NOSPC | rustix::io::Errno::NOMEM)
        );
        if limit && !self.told_of_limit {
            self.told_of_limit = true;
            tracing::warn!(
                "the kernel's limit on watches is reached, so some logs are looked at by the clock; \
                 raise it by `sysctl fs.inotify.max_user_watches=524288`"
            );
        }
        Hearing::Deaf(if limit { "watch limit".to_owned() } else { error.to_string() })
    }
}

impl Doorbell for Inotify {
    fn arm(&mut self, token: Token, paths: &[PathBuf]) -> Hearing {
        let mut hearing = Hearing::Kernel;
        let mut now = Vec::with_capacity(paths.len());
        for path in paths {
            match self.add(path) {
                Ok(descriptor) => {
                    self.listeners.entry(descriptor.clone()).or_default().insert(token);
                    now.push(descriptor);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => hearing = self.deaf(&error),
            }
            if let Some(reason) = unannounced(path) {
                hearing = Hearing::Deaf(reason.to_owned());
            }
        }
        let old = self.watches.insert(token, now.clone()).unwrap_or_default();
        let left = old.into_iter().filter(|descriptor| !now.contains(descriptor)).collect();
        self.leave(token, left);
        hearing
    }

    fn disarm(&mut self, token: Token) {
        let old = self.watches.remove(&token).unwrap_or_default();
        self.leave(token, old);
    }

    fn wait(&mut self, timeout: Duration) -> Rung {
        let mut rung = Rung::default();
        if !self.waker.wait(Some(self.inotify.as_fd()), timeout) {
            return rung;
        }
        let mut ended = Vec::new();
        match self.inotify.read_events(&mut self.buffer) {
            Ok(events) => {
                for event in events {
                    rung.all |= event.mask.contains(EventMask::Q_OVERFLOW);
                    rung.names |= event.mask.intersects(
                        EventMask::CREATE
                            | EventMask::DELETE
                            | EventMask::MOVED_TO
                            | EventMask::MOVED_FROM,
                    );
                    rung.tokens.extend(self.listeners.get(&event.wd).into_iter().flatten());
                    if event.mask.contains(EventMask::IGNORED) {
                        ended.push(event.wd);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::warn!(%error, "events cannot be read; everything is looked at");
                rung.all = true;
            }
        }
        for descriptor in ended {
            self.listeners.remove(&descriptor);
        }
        rung
    }
}
