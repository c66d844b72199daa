//! Push: lines that others send over HTTP, each request acknowledged when the spool has it.
//!
//! A request is bounded before it is read, understood whole or refused whole, and then written: what
//! was answered well is in the log, and what was not may be sent again. Logs come to be by being
//! pushed to, so which names they may have is said beforehand, and how many.

pub mod body;
pub mod line;
pub mod loki;
pub mod otlp;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};

use anyhow::Context as _;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use tailwater_engine::unwrap::Stream;
use tailwater_protocol::LogName;
use tokio::sync::Semaphore;

use crate::logs::Logs;
use crate::spool::{Framing, Keep, Spools, is_full};

/// What the names of all pushed logs begin with: they never stand in for a file or a command.
pub const PREFIX: &str = "push/";

/// Requests that are read and understood at once: each may take [`body::MAX_TEXT`] some times over.
const AT_ONCE: usize = 8;

/// Pushed logs, when nothing else was said. Each has a spool of its own size.
const LOGS: usize = 100;

/// `[push]` of the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushFile {
    names: Vec<String>,
    logs: Option<usize>,
}

/// What may be pushed.
#[derive(Debug, Clone, Default)]
pub struct PushSettings {
    /// Globs over names without [`PREFIX`]; none: nothing may.
    pub names: Vec<String>,
    allowed: GlobSet,
    logs: usize,
}

/// The door.
#[derive(Debug)]
pub struct Push {
    settings: PushSettings,
    spools: Arc<Spools>,
    /// To make a new log known at once.
    logs: std::sync::OnceLock<Weak<Logs>>,
    pub permits: Arc<Semaphore>,
}

/// Lines for each log, by its name without [`PREFIX`].
pub type Lines = BTreeMap<String, Vec<u8>>;

/// Why a push was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(
        "nothing may be pushed to `{0}`: allow it by `[push] names = [\"{0}\"]` in tailwater.toml, or by the source `push:{0}`"
    )]
    Name(String),
    #[error("there are as many pushed logs as there may be; raise `[push] logs` in tailwater.toml")]
    TooManyLogs,
    #[error("there is no room on the disk; send it again later")]
    Full,
    #[error("the spool failed: {0}")]
    Failed(io::Error),
}

impl PushSettings {
    /// What `file` says, and the sources `push:NAMES`.
    ///
    /// # Errors
    ///
    /// When a pattern is none.
    pub fn of(file: PushFile, named: Vec<String>) -> anyhow::Result<Self> {
        let names: Vec<String> = file.names.into_iter().chain(named).collect();
        let mut allowed = GlobSetBuilder::new();
        for name in &names {
            let glob = GlobBuilder::new(name).literal_separator(true).build();
            allowed.add(glob.with_context(|| format!("`{name}` is no pattern for names"))?);
        }
        Ok(Self { names, allowed: allowed.build()?, logs: file.logs.unwrap_or(LOGS) })
    }

    fn allow(&self, name: &str) -> bool {
        self.allowed.is_match(name)
    }
}

impl Push {
    /// Opens the spools that there are from before.
    pub(super) fn open(settings: &PushSettings, spools: &Arc<Spools>) -> io::Result<Self> {
        let allowed =
            |log: &LogName| log.as_str().strip_prefix(PREFIX).is_some_and(|n| settings.allow(n));
        for log in spools.kept().into_iter().filter(allowed).take(settings.logs) {
            super::open(spools, &log, Keep::Kept, Framing::Messages)?;
        }
        Ok(Self {
            settings: settings.clone(),
            spools: Arc::clone(spools),
            logs: std::sync::OnceLock::new(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    pub(super) fn start(&self, logs: &Arc<Logs>) {
        // It is started once.
        let _again = self.logs.set(Arc::downgrade(logs));
    }

    /// The log that is meant by `name`, when that may be pushed to at all.
    ///
    /// # Errors
    ///
    /// [`Refused::Name`].
    pub fn log(&self, name: &str) -> Result<LogName, Refused> {
        let log = LogName(format!("{PREFIX}{name}"));
        if !self.settings.allow(name) || !crate::spool::is_name(&log) {
            return Err(Refused::Name(name.to_owned()));
        }
        Ok(log)
    }

    /// Writes `bytes`, whole lines, to `log`. Waits for the disk.
    ///
    /// # Errors
    ///
    /// [`Refused`]; what was to be written may be there in part.
    pub fn write(&self, log: &LogName, bytes: &[u8]) -> Result<(), Refused> {
        let spool = match self.spools.get(log) {
            Some(spool) => spool,
            None => {
                let pushed = |name: &LogName| name.as_str().starts_with(PREFIX);
                let all = self.spools.all();
                if all.iter().filter(|spool| pushed(spool.name())).count() >= self.settings.logs {
                    return Err(Refused::TooManyLogs);
                }
                let opened = self.spools.open(log, Keep::Kept, Framing::Messages);
                let spool = opened.map_err(Refused::of)?;
                if let Some(logs) = self.logs.get().and_then(Weak::upgrade) {
                    logs.ring();
                }
                spool
            }
        };
        spool.write(bytes, Stream::Stdout).map_err(Refused::of)
    }
}

impl Refused {
    fn of(error: io::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Failed(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Limits;

    #[test]
    fn only_what_was_allowed_is_pushed_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits { reserve: 0, ..Limits::default() };
        let spools = Spools::new(Some(folder.path()), limits);
        let file: PushFile = toml::from_str("names = ['app', 'team/*']\nlogs = 2").expect("toml");
        let settings = PushSettings::of(file, vec!["x-*".into()]).expect("sound");
        let push = Push::open(&settings, &spools).expect("opened");
        for name in ["app", "team/a", "x-1"] {
            assert_eq!(push.log(name).expect(name).as_str(), format!("push/{name}"));
        }
        for name in ["", "other", "team", "team/a/b", "team/..", "x-/../../etc", "x-\n", "x- "] {
            assert!(matches!(push.log(name), Err(Refused::Name(_))), "{name}");
        }
        for name in ["app", "team/a"] {
            push.write(&push.log(name).expect("allowed"), b"line\n").expect("written");
        }
        let third = push.write(&push.log("x-1").expect("allowed"), b"line\n");
        assert!(matches!(third, Err(Refused::TooManyLogs)));
        drop(push);
        drop(spools);
        let spools = Spools::new(Some(folder.path()), limits);
        drop(Push::open(&settings, &spools).expect("opened"));
        assert_eq!(spools.all().len(), 2, "what was pushed before is there");
    }
}
