//! What a command is: words, a folder, an environment, and what is done when it ends.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tailwater_protocol::{Ending, LogName};

use super::super::journal::Journal;
use crate::spool::{Keep, duration};

/// Between asking a command to end and making it.
const GRACE: Duration = Duration::from_secs(5);

/// The longest grace: the server itself waits for it when it ends.
const MAX_GRACE: Duration = Duration::from_secs(300);

/// `[command.NAME]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandFile {
    run: Vec<String>,
    dir: Option<PathBuf>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    restart: Restart,
    grace: Option<String>,
    start: Option<bool>,
}

/// When a command is started again by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    #[default]
    Never,
    /// When it ended with another code than 0, or by a signal.
    OnFailure,
    Always,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSettings {
    pub name: LogName,
    /// The program and its arguments.
    pub run: Vec<OsString>,
    pub dir: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
    pub restart: Restart,
    pub grace: Duration,
    /// Whether it starts with the server.
    pub start: bool,
    pub keep: Keep,
    /// What is printed is a journal, and becomes lines.
    pub journal: Option<Journal>,
}

impl CommandSettings {
    /// One of the command line.
    pub fn typed(run: &[OsString]) -> Self {
        let program = run.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let name: String = program.to_string_lossy().chars().take(60).map(plain).collect();
        let name = name.trim_start_matches(['.', '-']);
        Self {
            name: LogName(if name.is_empty() { "command" } else { name }.to_owned()),
            run: run.to_vec(),
            dir: None,
            env: BTreeMap::new(),
            restart: Restart::Never,
            grace: GRACE,
            start: true,
            keep: Keep::ForNow,
            journal: None,
        }
    }

    /// The one that prints a journal.
    pub fn journal(name: LogName, journal: Journal) -> Self {
        Self {
            name,
            restart: Restart::Always,
            keep: Keep::Kept,
            journal: Some(journal),
            ..Self::typed(&[])
        }
    }

    /// One of the configuration.
    ///
    /// # Errors
    ///
    /// When it names no program, or no grace.
    pub fn of(name: &str, file: CommandFile) -> anyhow::Result<Self> {
        ensure!(
            file.run.first().is_some_and(|program| !program.is_empty()),
            "the command `{name}` runs nothing; write `run = [\"program\", \"argument\"]`"
        );
        ensure!(!name.contains('/'), "the command `{name}` has a slash in its name; leave it out");
        let grace = match &file.grace {
            Some(text) => duration(text)
                .filter(|grace| *grace <= MAX_GRACE)
                .with_context(|| format!("the grace `{text}` of `{name}` is none; write `5s`"))?,
            None => GRACE,
        };
        Ok(Self {
            name: LogName(name.to_owned()),
            run: file.run.into_iter().map(OsString::from).collect(),
            dir: file.dir,
            env: file.env,
            restart: file.restart,
            grace,
            start: file.start.unwrap_or(true),
            keep: Keep::Kept,
            journal: None,
        })
    }
}

impl Restart {
    /// Whether it is started again after it ended so.
    pub(super) fn after(self, how: Ending) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => how != Ending::Exited(0),
            Self::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_command_is_named_after_its_program() {
        for (program, name) in
            [("cargo", "cargo"), ("/usr/bin/make", "make"), ("./.a b", "a-b"), ("..", "command")]
        {
            assert_eq!(CommandSettings::typed(&[program.into()]).name.as_str(), name);
        }
    }

    #[test]
    fn a_configured_command_is_checked() {
        let of = |text: &str| CommandSettings::of("build", toml::from_str(text).expect("toml"));
        let sound = of("run = ['cargo', 'test']\nrestart = 'on-failure'\ngrace = '10s'");
        let sound = sound.expect("sound");
        assert_eq!((sound.restart, sound.grace.as_secs()), (Restart::OnFailure, 10));
        assert!(sound.restart.after(Ending::Killed(9)) && !sound.restart.after(Ending::Exited(0)));
        for wrong in ["run = []", "run = ['']", "run = ['x']\ngrace = '1h'"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(toml::from_str::<CommandFile>("run = 'a | b'").is_err(), "no shell's line");
    }
}
