//! Builds tailwater, checks it, and starts it: the one description of the build, which `make` and
//! continuous integration call. Run through the Makefile (`make help`), or as `cargo xtask …`.
//!
//! The order is fixed: the client for wasm32, its bindings, wasm-opt, compression, then the server
//! that holds the result. What cargo knows to be fresh is left to cargo; the rest is redone when
//! what it was made from has changed. Nothing outside the project's folder is changed, but what
//! the person is told of first: a rustup target, and a browser for the browser tests.

mod bench;
mod browser;
mod dev;
mod fresh;
mod fuzz;
mod log;
mod model;
mod pack;
mod process;
mod project;
mod screenshots;
mod server;
mod site;
mod size;
mod test;
mod toolchain;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

const USAGE: &str = "\
usage: cargo xtask TASK [ARGUMENT]…

  build               the release binary, with the site inside
  run [ARGUMENT]…     build, then start it with these arguments
  site                the site alone
  test                everything: format, lints, tests, the build, the browser
  check               the quick part of it
  browser [ARGUMENT]… build, then the browser tests (arguments go to Playwright)
  dev [ARGUMENT]…     rebuild and reload on every change (cargo-leptos)
  ui                  the page alone, against a running server (Trunk)
  model               a million random schedules of following, ten thousand on real files
  fuzz [TARGET]…      bytes made up against what must hold for any, MINUTES of each target
  bench [SIZE]        measure, on a log of that size
  log SIZE [SEED]     a log to measure with, such as 2G, below target/logs
  size                bytes that a browser loads
  screenshots         draw the pictures in docs/ anew";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<_> = arguments.collect();
    match task.to_str().unwrap_or_default() {
        "build" => {
            let binary = server::build()?;
            println!("{} is ready", binary.display());
        }
        "run" => {
            let binary = server::build()?;
            // In place of this program, so that signals and the exit code are the server's own.
            let error = Command::new(&binary).args(rest).exec();
            return Err(error).with_context(|| format!("cannot start `{}`", binary.display()));
        }
        "site" => {
            let _alone = process::alone()?;
            site::build()?;
        }
        "test" => return test::everything(),
        "check" => return test::quick(),
        "browser" => return test::browser_only(&rest),
        "dev" => dev::watch(&rest)?,
        "ui" => dev::page_only(&rest)?,
        "model" => model::try_all()?,
        "fuzz" => fuzz::run_all(&rest)?,
        "bench" => bench::run_all(rest.first().and_then(|size| size.to_str()))?,
        "log" => log::of_arguments(&rest)?,
        "size" => size::print()?,
        "screenshots" => screenshots::draw()?,
        "" | "help" | "--help" | "-h" => println!("{USAGE}"),
        other => bail!("there is no task `{other}`\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}
