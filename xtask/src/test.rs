//! `make test` and `make check`: every check of the project in one order, each run though an
//! earlier one failed, and one line of totals at the end, counted from what the runs reported.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::ops::AddAssign;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};

use crate::process::{cargo, exists, program, run, step};
use crate::project::WASM;
use crate::{browser, server, toolchain};

/// What a run of tests came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The run so far.
#[derive(Default)]
struct Run {
    totals: Totals,
    failed_steps: Vec<String>,
}

impl Run {
    /// Does one step; a failure is kept for the end.
    fn take(&mut self, what: &str, work: impl FnOnce() -> anyhow::Result<()>) {
        if let Err(error) = step(what, work) {
            self.fail(what, &error);
        }
    }

    fn fail(&mut self, what: &str, error: &anyhow::Error) {
        eprintln!("error: {what}: {error:#}");
        self.failed_steps.push(what.to_owned());
    }

    /// Says how it went. Tests alone are counted; a failed step that is no test is named.
    fn close(self) -> ExitCode {
        println!();
        for step in &self.failed_steps {
            println!("failed: {step}");
        }
        let Totals { passed, failed, skipped } = self.totals;
        if skipped > 0 {
            println!("{skipped} skipped");
        }
        println!("{passed} passed, {failed} failed");
        if failed == 0 && self.failed_steps.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Everything.
pub(crate) fn everything() -> anyhow::Result<ExitCode> {
    toolchain::ensure_wasm()?;
    let mut run = Run::default();
    run.take("Cargo.lock is up to date", locked);
    lints(&mut run);
    run.take("lints (wasm32, hydrate)", || clippy_page("hydrate"));
    run.take("lints (wasm32, csr)", || clippy_page("csr"));
    run.take("protocol and engine build for wasm32", || {
        process_lints(&[
            "--target",
            WASM,
            "--package=tailwater-protocol",
            "--package=tailwater-engine",
        ])
    });
    run.take("types of the browser tests", browser::check_types);
    optional(&mut run);
    rust_tests(&mut run, &[]);
    match server::build() {
        Ok(binary) => match browser::test(&binary, &[]) {
            Ok(totals) => run.totals += totals,
            Err(error) => run.fail("browser tests", &error),
        },
        Err(error) => run.fail("release build", &error),
    }
    Ok(run.close())
}

/// What is worth a look before every commit.
pub(crate) fn quick() -> anyhow::Result<ExitCode> {
    let mut run = Run::default();
    lints(&mut run);
    rust_tests(&mut run, &["--lib", "--bins"]);
    Ok(run.close())
}

/// The browser tests alone.
pub(crate) fn browser_only(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let binary = server::build()?;
    let totals = browser::test(&binary, arguments)?;
    Ok(Run { totals, failed_steps: Vec::new() }.close())
}

fn lints(run: &mut Run) {
    run.take("format", || crate::process::run(cargo().args(["fmt", "--all", "--check"])));
    // The frontend is a page's entry and compiles for wasm32 alone.
    run.take("lints (host)", || {
        process_lints(&["--workspace", "--exclude=tailwater-frontend", "--all-targets"])
    });
}

fn clippy_page(feature: &str) -> anyhow::Result<()> {
    let feature = format!("--features={feature}");
    process_lints(&[
        "--target",
        WASM,
        "--package=tailwater-app",
        "--package=tailwater-frontend",
        &feature,
    ])
}

fn process_lints(arguments: &[&str]) -> anyhow::Result<()> {
    run(cargo().arg("clippy").args(arguments).args(["--", "--deny=warnings"]))
}

fn locked() -> anyhow::Result<()> {
    let mut command = cargo();
    run(command.args(["metadata", "--locked", "--format-version=1"]).stdout(Stdio::null()))
}

/// Checks by tools that not every machine has. An absent one is said, never passed over.
fn optional(run: &mut Run) {
    let tools: [(&str, &str, &[&str]); 3] = [
        ("licences and advisories", "cargo-deny", &["check"]),
        ("unused dependencies", "cargo-machete", &[]),
        ("spelling", "typos", &[]),
    ];
    for (what, tool, arguments) in tools {
        if exists(tool) {
            let mut command = match tool.strip_prefix("cargo-") {
                Some(name) => {
                    let mut command = cargo();
                    command.arg(name);
                    command
                }
                None => program(tool),
            };
            run.take(what, || crate::process::run(command.args(arguments)));
        } else {
            println!(
                "==> {what}: not checked, since `{tool}` is not installed (`cargo install {tool}`)",
                tool = crate_of(tool)
            );
        }
    }
}

/// The crate that brings a tool.
fn crate_of(tool: &str) -> &str {
    if tool == "typos" { "typos-cli" } else { tool }
}

fn rust_tests(run: &mut Run, arguments: &[&str]) {
    const WHAT: &str = "tests (cargo)";
    let mut command = cargo();
    command.args(["test", "--workspace", "--exclude=tailwater-frontend", "--no-fail-fast"]);
    command.args(arguments);
    let mut totals = Totals::default();
    let outcome = step(WHAT, || counted(&mut command, &mut totals));
    run.totals += totals;
    if let Err(error) = outcome {
        run.fail(WHAT, &error);
    }
}

/// Runs `cargo test`, shows what it prints, and counts from it.
fn counted(command: &mut Command, totals: &mut Totals) -> anyhow::Result<()> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let printed = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(printed).lines() {
        let line = line?;
        println!("{line}");
        if let Some(more) = result_of(&line) {
            *totals += more;
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("cargo test failed ({status})");
    }
    Ok(())
}

/// The counts of a line `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn result_of(line: &str) -> Option<Totals> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        let part = counts.split("; ").find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Totals { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_lines_of_cargo_are_counted_and_nothing_else() {
        let line = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.42s";
        assert_eq!(result_of(line), Some(Totals { passed: 12, failed: 0, skipped: 1 }));
        let line =
            "test result: FAILED. 2 passed; 10 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(result_of(line), Some(Totals { passed: 2, failed: 10, skipped: 0 }));
        assert_eq!(result_of("test a_result ... ok"), None);
        assert_eq!(result_of("test result: interrupted"), None);
    }

    #[test]
    fn every_run_of_tests_is_added_up_though_one_fails() {
        let mut totals = Totals::default();
        let script = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured'; \
                      echo 'test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured'; exit 101";
        let outcome = counted(program("sh").args(["-c", script]), &mut totals);
        assert!(outcome.is_err());
        assert_eq!(totals, Totals { passed: 4, failed: 2, skipped: 1 });
    }
}
