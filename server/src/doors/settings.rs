//! Which doors are to be open: told by the command line and the configuration, and checked here.
//!
//! A source that is no file stands among the others where sources are named; it is taken out of
//! their list, so that whoever looks for files never sees it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use tailwater_protocol::LogName;

use super::command::{CommandFile, CommandSettings};
use super::journal::Journal;
use super::push::{PushFile, PushSettings};
use super::stdin;
use super::syslog::Endpoint;
use crate::spool::{Keep, Limits, SpoolFile};

/// The tables of `tailwater.toml` that are about doors.
#[derive(Debug, Clone, Default)]
pub struct DoorsFile {
    pub spool: SpoolFile,
    pub commands: BTreeMap<String, CommandFile>,
    pub control: Option<bool>,
    pub push: PushFile,
}

/// The doors that are to be open.
#[derive(Debug, Clone)]
pub struct Settings {
    pub limits: Limits,
    pub stdin: Option<Stdin>,
    pub commands: Vec<CommandSettings>,
    pub control: Control,
    pub push: PushSettings,
    pub syslog: Vec<(LogName, Endpoint)>,
    /// The program that keeps commands: this one.
    pub keeper: PathBuf,
}

/// Whether those who may read may also start and stop commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Allowed,
    Forbidden,
}

impl Default for Settings {
    /// No door.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            stdin: None,
            commands: Vec::new(),
            control: Control::Allowed,
            push: PushSettings::default(),
            syslog: Vec::new(),
            // By what runs, and not by its name: another may have been installed meanwhile.
            keeper: "/proc/self/exe".into(),
        }
    }
}

/// Standard input as a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stdin {
    pub name: LogName,
    pub keep: Keep,
}

/// Where sources were named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    OnTheCommandLine,
    Elsewhere,
}

impl Settings {
    /// What `file` and the sources that were `named` ask for, and the sources that are files.
    ///
    /// # Errors
    ///
    /// When something asked for cannot be.
    pub fn resolve(
        file: DoorsFile,
        named: Vec<String>,
        run: &[OsString],
        by: Named,
    ) -> anyhow::Result<(Self, Vec<String>)> {
        let mut settings = Self { limits: Limits::of(&file.spool)?, ..Self::default() };
        let (mut files, mut pushed) = (Vec::new(), Vec::new());
        for written in named {
            if let Some(names) = written.strip_prefix("push:") {
                pushed.push(if names.is_empty() { "**".to_owned() } else { names.to_owned() });
            } else if !settings.take(&written)? {
                files.push(written);
            }
        }
        settings.push = PushSettings::of(file.push, pushed)?;
        for (name, command) in file.commands {
            settings.commands.push(CommandSettings::of(&name, command)?);
        }
        if !run.is_empty() {
            let typed = CommandSettings::typed(run);
            settings.commands.retain(|known| known.name != typed.name);
            settings.commands.push(typed);
        }
        if file.control == Some(false) {
            settings.control = Control::Forbidden;
        }
        if by == Named::Elsewhere && settings.stdin.is_none() && stdin::is_piped() {
            settings.stdin = Some(Stdin::for_now());
        }
        Ok((settings, files))
    }

    /// Whether there is a log without any file: then none has to be named.
    pub fn bring_logs(&self) -> bool {
        let taken_in = !self.push.names.is_empty() || !self.syslog.is_empty();
        self.stdin.is_some() || !self.commands.is_empty() || taken_in
    }

    /// Takes a source that is a door; false when it is none.
    fn take(&mut self, written: &str) -> anyhow::Result<bool> {
        let is_door =
            |text: &str| ["journal:", "syslog:"].iter().any(|door| text.starts_with(door));
        let (name, door) = match written.split_once('=') {
            _ if is_door(written) => (None, written),
            Some((name, door)) if is_door(door) => (Some(name.to_owned()), door),
            _ => return self.take_stdin(written),
        };
        if let Some(rest) = door.strip_prefix("journal:") {
            let journal = Journal::parse(rest).with_context(|| format!("in `{written}`"))?;
            let name = LogName(name.unwrap_or_else(|| journal.name()));
            self.commands.push(CommandSettings::journal(name, journal));
        } else if let Some(rest) = door.strip_prefix("syslog:") {
            let endpoint = Endpoint::parse(rest).with_context(|| format!("in `{written}`"))?;
            let name = LogName(name.unwrap_or_else(|| endpoint.name()));
            self.syslog.push((name, endpoint));
        }
        Ok(true)
    }

    fn take_stdin(&mut self, written: &str) -> anyhow::Result<bool> {
        let stdin = match written.rsplit_once('=') {
            None if written == "-" => Stdin::for_now(),
            Some((name, "-")) => Stdin { name: LogName(name.to_owned()), keep: Keep::Kept },
            _ => return Ok(false),
        };
        ensure!(
            self.stdin.is_none(),
            "`{written}`: standard input was named before; it is one log"
        );
        self.stdin = Some(stdin);
        Ok(true)
    }

    /// For the operator: one line about each door.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(stdin) = &self.stdin {
            let keep = match stdin.keep {
                Keep::Kept => "kept over restarts",
                Keep::ForNow => "gone when tailwater ends; name it by `NAME=-` to keep it",
            };
            lines.push(format!("{}  standard input, {keep}", stdin.name));
        }
        for (name, endpoint) in &self.syslog {
            let public = if endpoint.is_public() {
                "; others reach it, and nobody proves who sends"
            } else {
                ""
            };
            lines.push(format!("{name}  syslog by {endpoint:?}{public}"));
        }
        if !self.push.names.is_empty() {
            lines.push(format!("push/…  pushed over HTTP: {}", self.push.names.join(", ")));
        }
        for command in &self.commands {
            if let Some(journal) = &command.journal {
                let unit = journal.unit.as_deref().unwrap_or("all units");
                lines.push(format!("{}  journal of {unit}", command.name));
                continue;
            }
            let words: Vec<_> = command.run.iter().map(|word| word.to_string_lossy()).collect();
            lines.push(format!("{}  command: {}", command.name, words.join(" ")));
        }
        let told = self.commands.iter().any(|command| command.journal.is_none());
        if told && self.control == Control::Forbidden {
            lines.push("commands are not started and stopped from the page".to_owned());
        }
        lines
    }
}

impl Stdin {
    fn for_now() -> Self {
        Self { name: LogName("stdin".to_owned()), keep: Keep::ForNow }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_taken_out_of_the_sources() {
        let resolve = |named: &[&str]| {
            let named = named.iter().map(|&text| text.to_owned()).collect();
            Settings::resolve(DoorsFile::default(), named, &[], Named::OnTheCommandLine)
        };
        let (settings, files) = resolve(&["/a.log", "-"]).expect("sound");
        assert_eq!(files, ["/a.log"]);
        assert_eq!(settings.stdin, Some(Stdin::for_now()));
        let (settings, _) = resolve(&["app=-"]).expect("sound");
        let kept = Stdin { name: LogName("app".into()), keep: Keep::Kept };
        assert_eq!(settings.stdin, Some(kept));
        assert!(resolve(&["-", "b=-"]).is_err(), "there is one standard input");
    }
}
