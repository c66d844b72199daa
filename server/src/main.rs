//! `tailwater`: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser as _;
use tailwater::cli::{Cli, Command};

fn main() -> ExitCode {
    if let Some(code) = tailwater::doors::kept() {
        return code;
    }
    if let Some(code) = tailwater::client::run(std::env::args_os()) {
        return code;
    }
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(cli.log_filter()))
        .with_writer(std::io::stderr)
        .init();
    let outcome = match cli.command {
        Some(Command::Check { sources }) => {
            let mut options = cli.options;
            options.sources.extend(sources);
            tailwater::check::run(&options)
        }
        Some(Command::User { what }) => tailwater::users::run(&cli.options, what),
        None => tailwater::start::run(&cli.options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tailwater: {error:#}");
            ExitCode::FAILURE
        }
    }
}
