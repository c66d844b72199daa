//! The doors in: everything that makes lines and is no file. Each writes to a spool, and what it
//! wrote is a log like any other: nothing behind this folder knows where lines came from.

mod settings;
mod stdin;

use std::io;
use std::sync::Arc;

use tailwater_engine::unwrap::Stream;
use tailwater_protocol::{Ending, LogName};

pub use self::settings::{DoorsFile, Named, Settings, Stdin};
use crate::spool::{Framing, Keep, Spool, Spools};

/// The doors that are open.
#[derive(Debug)]
pub struct Doors {
    stdin: Option<Arc<Spool>>,
}

impl Doors {
    /// Opens the spools of what `settings` name; nothing is taken in yet.
    ///
    /// # Errors
    ///
    /// When a spool cannot be opened.
    pub fn open(settings: &Settings, spools: &Arc<Spools>) -> io::Result<Self> {
        let stdin = settings.stdin.as_ref();
        let stdin = stdin.map(|stdin| open(spools, &stdin.name, stdin.keep, Framing::Stream));
        Ok(Self { stdin: stdin.transpose()? })
    }

    /// Takes in from now on.
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn start(&self) -> io::Result<()> {
        if let Some(spool) = &self.stdin {
            stdin::start(Arc::clone(spool))?;
        }
        Ok(())
    }
}

fn open(spools: &Spools, name: &LogName, keep: Keep, framing: Framing) -> io::Result<Arc<Spool>> {
    spools.open(name, keep, framing).map_err(|error| {
        let folder = spools.folder().map_or("the temporary folder".into(), |at| at.display().to_string());
        io::Error::new(error.kind(), format!("cannot keep the lines of `{name}` in `{folder}`: {error}; name another by `--state FOLDER`"))
    })
}

/// Writes what came; what finds no room is counted, and its reader told.
fn spool(spool: &Spool, bytes: &[u8], stream: Stream) {
    if let Err(error) = spool.write(bytes, stream) {
        if spool.lost() == 0 {
            tracing::warn!(log = %spool.name(), %error, "lines are lost from here on; free some disk");
        }
        spool.lose(bytes.len() as u64);
    }
}

/// How something ended, in a few words.
pub fn how(ending: Ending) -> String {
    match ending {
        Ending::Closed => "ended".to_owned(),
        Ending::Exited(code) => format!("exit {code}"),
        Ending::Killed(signal) => format!("signal {signal}"),
        Ending::Failed => "not started".to_owned(),
        Ending::Broken => "cut off".to_owned(),
    }
}
