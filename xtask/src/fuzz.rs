//! `make fuzz`: every target of `fuzz/`, one after another, so many minutes each, guided by
//! coverage. What a target found stays with it, in `target/fuzz`, and is where the next run begins.
//!
//! Needs a nightly compiler and a C++ one, which building tailwater does not; cargo-fuzz is
//! installed into `target/tools` when first asked for.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process::{exists, output, program, run, step};
use crate::project::{root, target, tools};

/// Minutes of each target, unless `MINUTES` says otherwise.
const MINUTES: u64 = 1;

/// The version that is installed.
const CARGO_FUZZ: &str = "0.13.2";

/// What libFuzzer is told. A target that needs more memory or time for a few thousand bytes has a
/// mistake. No sanitizer: there is nothing unsafe here, and it would halve the speed.
const LIMITS: [&str; 4] =
    ["-rss_limit_mb=1024", "-timeout=60", "-max_len=4096", "-print_final_stats=1"];

/// The targets named, or all.
pub(crate) fn run_all(named: &[OsString]) -> anyhow::Result<()> {
    let minutes = match std::env::var("MINUTES") {
        Ok(minutes) => minutes.parse().context("`MINUTES` is no number")?,
        Err(_) => MINUTES,
    };
    for (tool, remedy) in [
        ("rustup", "get it from rustup.rs"),
        ("c++", "get a C++ compiler (Debian: `apt-get install g++`)"),
    ] {
        if !exists(tool) {
            bail!("`{tool}` is not installed, and fuzzing needs it; {remedy}");
        }
    }
    let cargo_fuzz = step("cargo-fuzz and a nightly compiler", ensure)?;
    let fuzz = |task: &str| -> anyhow::Result<Command> {
        let mut command = nightly(&cargo_fuzz);
        command.arg(task).env("CARGO_TARGET_DIR", target()?);
        if task != "list" {
            command.args(["--release", "--debug-assertions", "--sanitizer=none"]);
        }
        Ok(command)
    };
    let all = output(&mut fuzz("list")?)?;
    let known: Vec<&str> = all.lines().collect();
    let named: Vec<&str> = named.iter().filter_map(|name| name.to_str()).collect();
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", known.join(", "));
    }
    step("the fuzz targets", || run(&mut fuzz("build")?))?;
    let mut failed = Vec::new();
    for name in if named.is_empty() { known } else { named } {
        let found = root().join("target/fuzz").join(name);
        fs::create_dir_all(&found).with_context(|| format!("cannot make `{}`", found.display()))?;
        let seeds = root().join("fuzz/seeds").join(name);
        let mut command = fuzz("run")?;
        command.arg(name).arg(&found).arg(&seeds).arg("--").args(LIMITS);
        command.arg(format!("-max_total_time={}", minutes * 60));
        command.arg(format!("-artifact_prefix={}-", found.display()));
        if let Err(error) = step(&format!("fuzzing {name}"), || run(&mut command)) {
            failed.push(format!("{name}: {error:#}"));
        }
    }
    for failure in &failed {
        println!("failed: {failure}");
    }
    anyhow::ensure!(failed.is_empty(), "what failed is in `target/fuzz`, as a file each");
    Ok(())
}

/// Sees to it that there is a cargo-fuzz and a compiler for it.
fn ensure() -> anyhow::Result<OsString> {
    let installed = output(program("rustup").args(["toolchain", "list"]))?;
    if !installed.lines().any(|line| line.starts_with("nightly")) {
        run(program("rustup").args(["toolchain", "install", "nightly", "--profile=minimal"]))?;
    }
    let own = tools().join("bin/cargo-fuzz");
    if own.is_file() {
        return Ok(own.into());
    }
    if let Some(found) = crate::process::find("cargo-fuzz") {
        return Ok(found.into());
    }
    let mut install = nightly("cargo");
    install.args(["install", "cargo-fuzz", "--locked"]);
    install.arg(format!("--version={CARGO_FUZZ}")).arg("--root").arg(tools());
    run(&mut install)?;
    Ok(own.into())
}

/// A program that shall use the nightly compiler: not that of this project, which whoever started
/// this has put into the environment.
fn nightly(name: impl AsRef<OsStr>) -> Command {
    let mut command = program("rustup");
    command.args(["run", "nightly"]).arg(name);
    for set in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC"] {
        command.env_remove(set);
    }
    command
}
