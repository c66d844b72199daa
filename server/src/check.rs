//! `tailwater check`: what would be served, and for each source why it can or cannot be read.
//!
//! Opens every log as serving would, and neither listens nor follows.

use std::io::Write as _;
use std::process::ExitCode;

use tailwater_engine::file::{Absent, Place as _};
use tailwater_protocol::{LogState, Source};

use crate::cli::Options;
use crate::config::{Config, Login, PORT, Port};
use crate::sources::{Root, discover};
use crate::start::describe;

/// Prints the resolved configuration and the sources. Fails when one of them cannot be read.
///
/// # Errors
///
/// When the configuration cannot be resolved, or standard output is closed.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(options)?;
    let mut out = std::io::stdout().lock();
    let file = config.file.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
    writeln!(out, "configuration  {file}")?;
    writeln!(out, "bind           {}", config.bind)?;
    match config.port {
        Port::Exactly(port) => writeln!(out, "port           {port}")?,
        Port::NextFree => writeln!(out, "port           {PORT}, or the next that is free")?,
    }
    writeln!(out, "base path      {}/", config.base)?;
    let login = match &config.login {
        Login::Key => "by the one-time key that is printed at start-up",
        Login::Token(_) => "by the configured token, or the one-time key",
        Login::Open => "none: anybody who reaches the port is let in",
    };
    // All that would keep it from starting is found here.
    crate::auth::Access::new(&Config { state: None, ..config.clone() }, 0)?;
    writeln!(out, "login          {login}")?;
    if let Some(path) = &config.users {
        let users = crate::auth::users::load(path)?.len();
        writeln!(out, "users          {users} in `{}`", path.display())?;
    }
    if let Some(jwt) = &config.jwt {
        writeln!(out, "tokens         of {} for {}", jwt.issuer, jwt.audience)?;
    }
    match &config.tls {
        Some(files) => {
            crate::tls::Tls::load(files.clone())?;
            writeln!(out, "TLS            by `{}`", files.certificate.display())?;
        }
        None => writeln!(out, "TLS            none")?,
    }
    writeln!(out, "lines          {}", config.lines)?;
    let state =
        config.state.as_ref().map_or("in memory".to_owned(), |path| path.display().to_string());
    writeln!(out, "sessions       {state}")?;
    for (title, names) in [("hosts", &config.hosts), ("origins", &config.origins)] {
        if !names.is_empty() {
            writeln!(out, "{title:<13}  {}", names.join(", "))?;
        }
    }
    for door in config.doors.describe() {
        writeln!(out, "\n{door}")?;
    }
    let mut sound = true;
    for spec in &config.sources {
        writeln!(out, "\n{}", spec.written)?;
        let found = discover(std::slice::from_ref(spec), &Root::all_of(&config.sources));
        if found.logs.is_empty() {
            writeln!(out, "  nothing there: {}", why_nothing(spec.root()))?;
            sound = false;
        }
        let width =
            found.logs.iter().map(|(name, _)| name.as_str().chars().count()).max().unwrap_or(0);
        for (name, place) in found.logs {
            let opened = place
                .open()
                .and_then(|file| file.stat().map_err(|e| Absent::Failed(e.to_string())));
            let bytes = opened.as_ref().map_or(0, |stat| stat.bytes);
            let state = match opened {
                Ok(_) => LogState::Live,
                Err(Absent::Missing) => LogState::Waiting,
                Err(Absent::Forbidden { reason, remedy }) => {
                    LogState::Unreadable { reason, remedy }
                }
                Err(Absent::Failed(reason)) => {
                    LogState::Unreadable { reason, remedy: String::new() }
                }
            };
            sound &= state == LogState::Live;
            writeln!(
                out,
                "  {}",
                describe(&Source { name, state, bytes, written: None, command: None }, width)
            )?;
        }
        if found.cut {
            writeln!(out, "  and more than {} in all: name fewer", crate::sources::MAX_LOGS)?;
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn why_nothing(root: &std::path::Path) -> String {
    match std::fs::read_dir(root) {
        Ok(_) => format!("no log matches beneath `{}`", root.display()),
        Err(error) => format!("`{}`: {error}", root.display()),
    }
}
