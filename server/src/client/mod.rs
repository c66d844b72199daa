//! The client on the terminal: `tailwater cat|tail URL`, for a log that another tailwater
//! serves. The address is the one that a browser shows.
//!
//! What it prints are the log's own bytes, each once and in order. It comes back by itself after a
//! broken connection or a restart of the server, exactly where it stood: it asks for records, each
//! of which says where the next begins. Keeps nothing on disk.

mod address;
mod http;
mod reading;
mod show;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::address::Target;
use self::reading::{Read, Reading, Start};
use self::show::Shown;

/// A mistake: not to be taken for what a shell says of a signal or a missing program.
const WRONG: u8 = 2;

/// Reads a log that another tailwater serves.
#[derive(Debug, Parser)]
#[command(name = "tailwater", bin_name = "tailwater", after_help = HELP)]
struct Client {
    #[command(subcommand)]
    what: What,
}

const HELP: &str = "\
URL is what a browser shows, such as http://127.0.0.1:8245/s/nginx/access.log. A token is taken \
from TAILWATER_TOKEN.";

#[derive(Debug, Subcommand)]
enum What {
    /// Print all of a log, what was rotated away included.
    Cat {
        #[command(flatten)]
        from: Of,
    },
    /// Print the last lines of a log, and with -f those that come.
    Tail {
        /// How many.
        #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 10)]
        lines: u32,
        /// Go on with what is appended, over rotations, lost connections and restarts.
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        from: Of,
    },
}

#[derive(Debug, Args)]
struct Of {
    /// The log's address.
    url: String,
    /// Believe servers whose certificate leads to one of these (PEM), and none else.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

/// Does what `arguments` ask for, if they are for the client.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let named = arguments.get(1)?.to_str()?;
    if !["cat", "tail"].contains(&named) {
        return None;
    }
    let what = Client::parse_from(arguments).what;
    Some(match read(what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tailwater: {error:#}");
            ExitCode::from(WRONG)
        }
    })
}

fn read(what: What) -> anyhow::Result<()> {
    let safe = std::io::stdout().is_terminal();
    let (from, start, follow, mut shown) = match what {
        What::Cat { from } => (from, Start::First, false, Shown::lines(safe)),
        What::Tail { lines, follow, from } => {
            (from, Start::Last(lines), follow, Shown::lines(safe))
        }
    };
    let target = Target::parse(&from.url)?;
    let token = std::env::var("TAILWATER_TOKEN").ok().filter(|token| !token.is_empty());
    let dial = http::Dial::new(&target, token, from.cacert.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reading = Reading { target, dial, start, read: if follow { Read::On } else { Read::All } };
    runtime.block_on(reading.run(&mut shown))
}
