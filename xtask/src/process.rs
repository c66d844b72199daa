//! Other programs, and telling what is being done and how long it took. A program that is missing
//! is one sentence with the remedy, never a stack of causes.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};

use crate::project;

/// Says what is done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    println!("==> {what}");
    let began = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "failed" };
    println!("    {outcome} in {:.1} s: {what}", began.elapsed().as_secs_f64());
    result
}

/// Says that a step is not needed.
pub(crate) fn fresh(what: &str) {
    println!("==> {what}: fresh");
}

/// The only build of this folder until what is given back is dropped: two would write the same
/// files under each other's hands. Cargo guards its own folder, and nothing but that.
pub(crate) fn alone() -> anyhow::Result<File> {
    let path = project::root().join("target/build.lock");
    crate::fresh::write(&path, b"")?;
    let file = File::open(&path)?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        println!("==> another build of this folder is under way: waiting for it");
        file.lock().context("cannot wait for the other build")?;
    }
    Ok(file)
}

/// A program, started in the project's folder.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(project::root());
    command
}

/// The cargo that started this program.
pub(crate) fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end, with the terminal shared; an error when it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs to the end, with the terminal shared.
pub(crate) fn status(command: &mut Command) -> anyhow::Result<ExitStatus> {
    command.status().map_err(|error| missing(command, error))
}

/// What a program prints, as text; an error when it fails.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| missing(command, error))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", line(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no text", line(command)))
}

/// Whether there is such a program on the path.
pub(crate) fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// Where the path has this program.
pub(crate) fn find(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn missing(command: &Command, error: io::Error) -> anyhow::Error {
    let name = command.get_program().to_string_lossy().into_owned();
    if error.kind() != io::ErrorKind::NotFound {
        return anyhow!("cannot start `{name}`: {error}");
    }
    match remedy(&name) {
        Some(remedy) => anyhow!("`{name}` is not installed; {remedy}"),
        None => anyhow!("`{name}` is not installed"),
    }
}

fn remedy(program: &str) -> Option<&'static str> {
    Some(match program {
        "node" | "npm" => {
            "get Node.js 18 or later from nodejs.org or your distribution (Debian: `apt-get install nodejs npm`)"
        }
        "rustup" => {
            "get it from rustup.rs, or let your distribution's packages provide the wasm32-unknown-unknown target"
        }
        "sudo" => "run the command again as root",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_remedy() {
        let error = missing(&Command::new("npm"), io::ErrorKind::NotFound.into()).to_string();
        assert!(error.contains("`npm`") && error.contains("nodejs"), "{error}");
    }

    #[test]
    fn a_failing_program_is_an_error_with_its_line() {
        let error = run(program("sh").args(["-c", "exit 3"])).expect_err("fails").to_string();
        assert!(error.contains("sh -c exit 3"), "{error}");
    }
}
