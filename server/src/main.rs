//! `tailwater`: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser as _;
use tailwater::cli::{Cli, Command, LogFormat};

fn main() -> ExitCode {
    if let Some(code) = tailwater::doors::kept() {
        return code;
    }
    if let Some(code) = tailwater::client::run(std::env::args_os()) {
        return code;
    }
    let cli = Cli::parse();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(cli.log_filter()))
        .with_writer(std::io::stderr);
    match cli.options.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    let outcome = match cli.command {
        Some(Command::Check { sources }) => {
            let mut options = cli.options;
            options.sources.extend(sources);
            tailwater::check::run(&options)
        }
        Some(Command::User { what }) => tailwater::users::run(&cli.options, what),
        Some(Command::InstallService { print }) => tailwater::service::run(print),
        Some(Command::Completions { shell }) => tailwater::service::completions(shell),
        Some(Command::Man) => tailwater::service::manual(),
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
