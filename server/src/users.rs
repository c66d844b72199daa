//! `tailwater user`: who may log in by name. Changes the file that a running server reads, and
//! nothing else: it sees the change within a second.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::auth::users::{self, User, check_name};
use crate::cli::{self, Options};
use crate::config::where_users_are;

/// Bytes of standard input that are looked at for a password.
const MAX_INPUT: u64 = 4096;

/// Does it.
///
/// # Errors
///
/// When the file cannot be read or written, or what was asked for is not possible.
pub fn run(options: &Options, what: cli::User) -> anyhow::Result<ExitCode> {
    let path = where_users_are(options)?;
    let mut table = users::load(&path)?;
    let mut out = io::stdout().lock();
    match what {
        cli::User::Add { name, groups } => {
            check_name(&name)?;
            groups.iter().try_for_each(|group| check_name(group))?;
            let hash = users::hash(&password(&name)?)?;
            let replaced = table.insert(name.clone(), User { hash, groups }).is_some();
            users::store(&path, &table)?;
            let done = if replaced { "has another password now" } else { "may log in now" };
            writeln!(out, "`{name}` {done} ({})", path.display())?;
        }
        cli::User::List => {
            for (name, user) in &table {
                writeln!(out, "{name}\t{}", user.groups.join(","))?;
            }
        }
        cli::User::Remove { name } => {
            ensure!(
                table.remove(&name).is_some(),
                "there is no user `{name}` in `{}`; `tailwater user list` shows all",
                path.display()
            );
            users::store(&path, &table)?;
            writeln!(out, "`{name}` may not log in any more")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for a password twice, without showing it; takes the first line where nobody can be asked.
fn password(name: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        let mut text = String::new();
        io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text)?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let _hidden = Hidden::begin()?;
    let first = ask(&format!("Password of {name}: "))?;
    let second = ask("Once more: ")?;
    ensure!(first == second, "the two differ; nothing was changed");
    Ok(first)
}

fn ask(words: &str) -> anyhow::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{words}")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().take(MAX_INPUT).read_line(&mut line).context("nothing could be read")?;
    writeln!(err)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal shows nothing of what is typed while this lives.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(io::stdin()).context("the terminal cannot be asked")?;
        let mut hiding = before.clone();
        hiding.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hiding)
            .context("the terminal would show the password")?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing, either.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
