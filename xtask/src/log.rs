//! The generated logs that are measured with: made when they are missing, kept below target/logs.
//!
//! What stands in them is the engine's example `log` to say; here is only where they lie.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::process::{cargo, run};
use crate::project;

/// The seed when none is named.
pub(crate) const SEED: &str = "1";

/// `make log`.
pub(crate) fn of_arguments(arguments: &[OsString]) -> anyhow::Result<()> {
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.to_str()).collect();
    let words = words.context("a size and a seed are plain words")?;
    let size = words.first().copied().context("name a size, such as 2G")?;
    let path = make(size, words.get(1).copied().unwrap_or(SEED))?;
    println!("{}", path.display());
    Ok(())
}

/// The log of that size and seed.
pub(crate) fn make(size: &str, seed: &str) -> anyhow::Result<PathBuf> {
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    ensure!(
        plain(size) && plain(seed),
        "`{size}` or `{seed}` is no size or seed; try `2G` and `1`"
    );
    let path = project::root().join(format!("target/logs/{size}-{seed}.log"));
    if path.is_file() {
        return Ok(path);
    }
    fs::create_dir_all(path.parent().unwrap_or(project::root()))?;
    // Under another name until it is whole.
    let half = path.with_extension("half");
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package=tailwater-engine", "--example=log"]);
    run(command.args(["--", size, seed]).arg(&half))?;
    fs::rename(&half, &path)?;
    Ok(path)
}
