//! The command line: names, defaults and help. What they come to together with the environment
//! and the configuration file is [`crate::config`]'s to say.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Point it at logs, open a page, read them live.
#[derive(Debug, Parser)]
#[command(name = "tailwater", version, about, long_about = LONG, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = false, subcommand_precedence_over_arg = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

const LONG: &str = "\
Point it at logs, open a page, read them live.

Serves the named logs to a browser (and to curl) on this machine only, until told otherwise. \
Without a SOURCE: the readable logs of this machine. Flags win over TAILWATER_* in the \
environment, and those over tailwater.toml.";

const EXAMPLES: &str = "\
Examples:
  tailwater /var/log/nginx/*.log          files
  tailwater '/srv/*/logs/*.log'           a quoted glob is looked at again while it runs
  tailwater /srv/app/logs                 a directory, recursively
  tailwater web=/var/log/nginx/*.log      under a name of your own
  kubectl logs -f deploy/api | tailwater  standard input; `api=-` keeps it under a name
  tailwater -- cargo test                 a command; start and stop it from the page
  tailwater check /var/log/syslog         say what would be read, and why not
  tailwater tail -f http://HOST:8245/s/NAME   read a log that another tailwater serves; also `cat`";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the resolved configuration and, for each source, why it can or cannot be read.
    Check {
        /// Sources, as above.
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
    },
    /// Write a systemd unit that lets the server do no more than it has to.
    InstallService {
        /// Print it instead.
        #[arg(long)]
        print: bool,
    },
    /// Print what a shell needs to complete commands, flags and files.
    Completions { shell: clap_complete::Shell },
    /// Print the manual page.
    Man,
    /// Say who may log in by name.
    User {
        #[command(subcommand)]
        what: User,
    },
}

/// How the server's own lines are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// What is to become of the users.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user, or set another password, which ends what was begun with the one before. It is
    /// asked for, or read from standard input.
    Add {
        name: String,
        /// A group the user is in; may be repeated. Groups that are not named are left.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// List the users and their groups.
    List,
    /// Remove a user.
    Remove { name: String },
}

#[derive(Debug, Default, Clone, Args)]
pub struct Options {
    /// Files, quoted globs, directories; `NAME=PATH` gives one a name of your own.
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,

    /// A command whose output is a log: everything after `--`.
    #[arg(value_name = "COMMAND", last = true)]
    pub run: Vec<OsString>,

    /// Address to listen on. Anything but loopback needs a way to log in.
    #[arg(long, value_name = "ADDRESS", env = "TAILWATER_BIND", global = true)]
    pub bind: Option<IpAddr>,

    /// Port to listen on [default: 8245, or the next one that is free].
    #[arg(long, value_name = "PORT", env = "TAILWATER_PORT", global = true)]
    pub port: Option<u16>,

    /// Serve under this path, as behind a reverse proxy at a sub-path.
    #[arg(long, value_name = "PATH", env = "TAILWATER_BASE_PATH", global = true)]
    pub base_path: Option<String>,

    /// Configuration file [default: tailwater.toml in the working directory, then in
    /// ~/.config/tailwater, then in /etc/tailwater].
    #[arg(long, value_name = "FILE", env = "TAILWATER_CONFIG", global = true)]
    pub config: Option<PathBuf>,

    /// Folder for what is kept over a restart: who is signed in, and how many lines there are
    /// [default: $XDG_STATE_HOME/tailwater or ~/.local/state/tailwater].
    #[arg(long, value_name = "FOLDER", env = "TAILWATER_STATE", global = true)]
    pub state: Option<PathBuf>,

    /// Lines from the end that a text reader (curl) is given first [default: 1000].
    #[arg(short = 'n', long, value_name = "NUMBER", env = "TAILWATER_LINES", global = true)]
    pub lines: Option<u32>,

    /// Open the page in this machine's browser.
    #[arg(long, global = true)]
    pub open: bool,

    /// Let anybody in who can reach the port. Explicit consent: the logs are then public there.
    #[arg(long, env = "TAILWATER_NO_AUTH", global = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub no_auth: bool,

    /// Another name this server is reached by, as a proxy's; may be repeated.
    #[arg(
        long = "host",
        value_name = "NAME",
        env = "TAILWATER_HOSTS",
        value_delimiter = ',',
        global = true
    )]
    pub hosts: Vec<String>,

    /// Another origin whose pages may open the socket, such as http://127.0.0.1:8080 of a
    /// development server; may be repeated.
    #[arg(
        long = "origin",
        value_name = "ORIGIN",
        env = "TAILWATER_ORIGINS",
        value_delimiter = ',',
        global = true
    )]
    pub origins: Vec<String>,

    /// Certificate to speak TLS with, in PEM, followed by those that lead to a known authority. It
    /// is read again when it is renewed.
    #[arg(long, value_name = "FILE", env = "TAILWATER_TLS_CERT", global = true)]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM. Others must not be able to read it.
    #[arg(long, value_name = "FILE", env = "TAILWATER_TLS_KEY", global = true)]
    pub tls_key: Option<PathBuf>,

    /// File of those who log in by name; `tailwater user` writes it [default: `users` in the folder
    /// of --state].
    #[arg(long, value_name = "FILE", env = "TAILWATER_USERS", global = true)]
    pub users: Option<PathBuf>,

    /// Look at logs by the clock alone, for file systems whose changes the kernel does not announce
    /// and that are not known as such.
    #[arg(long, env = "TAILWATER_POLL", global = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub poll: bool,

    /// How the lines on standard error are written.
    #[arg(
        long,
        value_name = "FORMAT",
        env = "TAILWATER_LOG_FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub log_format: LogFormat,

    /// Say more on standard error; twice for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

impl Cli {
    /// What standard error is to hear: `RUST_LOG` when set, else by `--verbose`.
    pub fn log_filter(&self) -> String {
        std::env::var("RUST_LOG").unwrap_or_else(|_| {
            match self.options.verbose {
                0 => "warn",
                1 => "tailwater=info,warn",
                _ => "tailwater=debug,info",
            }
            .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn check_takes_sources_and_flags() {
        let cli = Cli::parse_from(["tailwater", "check", "--port", "9000", "/var/log/syslog"]);
        let Some(Command::Check { sources }) = cli.command else { panic!("check") };
        assert_eq!(cli.options.port, Some(9000));
        assert_eq!(sources, ["/var/log/syslog"]);
    }

    #[test]
    fn what_follows_two_dashes_is_a_command() {
        let cli =
            Cli::parse_from(["tailwater", "/a.log", "--port", "1", "--", "cargo", "check", "-v"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.options.sources, ["/a.log"]);
        assert_eq!(cli.options.run, ["cargo", "check", "-v"]);
    }
}
