//! The browser tests: Playwright against the release binary, in the Chromium of the machine.
//! Playwright's own download is never used: the distribution's package is, or what is on the path.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::fresh::read;
use crate::process::{exists, find, output, program, run, status, step};
use crate::project::root;
use crate::test::Totals;
use crate::toolchain;

const CHROMIUMS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Runs the tests against `binary`; `arguments` go to Playwright as they are.
pub(crate) fn test(binary: &Path, arguments: &[OsString]) -> anyhow::Result<Totals> {
    let report = root().join("end2end/results/report.json");
    let mut playwright = playwright(binary)?;
    playwright.arg("test").args(arguments).env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report);
    // An old report must not be taken for this run's.
    let _ = std::fs::remove_file(&report).ok();
    let status = step("browser tests (Playwright, Chromium)", || status(&mut playwright))?;
    let totals = totals(&read(&report).context("Playwright wrote no report")?)?;
    if !status.success() && totals.failed == 0 {
        bail!("Playwright failed ({status}) without a failed test");
    }
    Ok(totals)
}

/// Whether the tests make sense to a type checker, which Playwright does not ask.
pub(crate) fn check_types() -> anyhow::Result<()> {
    let folder = root().join("end2end");
    toolchain::npm_packages("browser tests", &folder)?;
    let mut command = program("node");
    run(command.current_dir(&folder).arg("node_modules/typescript/bin/tsc"))
}

/// Playwright with everything it needs, ready for its arguments.
pub(crate) fn playwright(binary: &Path) -> anyhow::Result<Command> {
    let chromium = chromium()?;
    let folder = root().join("end2end");
    toolchain::npm_packages("browser tests", &folder)?;
    let mut command = program("node");
    command.current_dir(&folder);
    command.arg("node_modules/@playwright/test/cli.js");
    command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    command.env("TAILWATER_CHROMIUM", chromium).env("TAILWATER_BINARY", binary);
    Ok(command)
}

/// A Chromium: the one that CHROMIUM names, one on the path, or the distribution's.
fn chromium() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        if named.is_file() {
            return Ok(named);
        }
        bail!("CHROMIUM names `{}`, where there is no file", named.display());
    }
    let present = || CHROMIUMS.iter().find_map(|name| find(name));
    if let Some(chromium) = present() {
        return Ok(chromium);
    }
    if !exists("apt-get") {
        bail!(
            "no Chromium was found for the browser tests; install Chromium or Chrome, or name one by CHROMIUM=/path"
        );
    }
    step("Chromium (apt-get)", || {
        // The package lists of a new machine are empty, or too old to be served.
        run(&mut apt(&["update", "-qq"])?)?;
        run(&mut apt(&["install", "-y", "-qq", "--no-install-recommends", "chromium"])?)
    })
    .context("Chromium could not be installed; install Chromium or Chrome yourself, or name one by CHROMIUM=/path")?;
    present().context("the package `chromium` brought no program; name one by CHROMIUM=/path")
}

fn apt(arguments: &[&str]) -> anyhow::Result<Command> {
    let user = output(Command::new("id").arg("-u"))?;
    let mut command = if user.trim() == "0" {
        program("apt-get")
    } else {
        let mut sudo = program("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).stdout(Stdio::null());
    Ok(command)
}

/// What Playwright's report counts.
fn totals(report: &[u8]) -> anyhow::Result<Totals> {
    let report: serde_json::Value = serde_json::from_slice(report)?;
    let count = |name: &str| {
        report["stats"][name]
            .as_u64()
            .with_context(|| format!("Playwright's report has no `{name}`"))
    };
    // Flaky: failed first and passed when tried again. Nothing is tried again here, so none is.
    let errors = report["errors"].as_array().map_or(0, |errors| errors.len() as u64);
    Ok(Totals {
        passed: count("expected")?,
        failed: count("unexpected")? + count("flaky")? + errors,
        skipped: count("skipped")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted() {
        let report =
            br#"{"stats":{"expected":7,"unexpected":1,"flaky":1,"skipped":2},"errors":[]}"#;
        let counted = totals(report).expect("counted");
        assert_eq!(counted, Totals { passed: 7, failed: 2, skipped: 2 });
        assert!(totals(b"{}").is_err(), "an empty report is no pass");
    }

    #[test]
    fn a_broken_test_file_is_a_failure() {
        let report =
            br#"{"stats":{"expected":0,"unexpected":0,"flaky":0,"skipped":0},"errors":[{}]}"#;
        assert_eq!(totals(report).expect("counted").failed, 1);
    }
}
