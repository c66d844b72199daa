//! Standard input: what is piped in is a log, and stays one after it has ended.
//!
//! Bytes go to the spool as they come. A thread of its own waits for them, since a pipe can be
//! waited for in no other way that works for files and terminals too.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use tailwater_engine::unwrap::Stream;
use tailwater_protocol::Ending;

use crate::spool::Spool;

/// Bytes taken at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// Whether something is piped in: a terminal or `/dev/null` is nothing to read.
pub(super) fn is_piped() -> bool {
    let stdin = io::stdin();
    rustix::fs::fstat(stdin.as_fd())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_fifo())
}

/// Reads until the end.
pub(super) fn start(spool: Arc<Spool>) -> io::Result<()> {
    // Without the standard library's buffer, which is an eighth of a pipe.
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    spool.begin()?;
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || read(input, &spool))?;
    Ok(())
}

fn read(mut input: File, spool: &Spool) {
    let mut buffer = vec![0; CHUNK];
    let how = loop {
        match input.read(&mut buffer) {
            Ok(0) => break Ending::Closed,
            Ok(read) => {
                let came = buffer.get(..read).unwrap_or_default();
                super::spool(spool, came, Stream::Stdout);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "standard input cannot be read any further");
                break Ending::Broken;
            }
        }
    };
    if let Err(error) = spool.end(how) {
        tracing::debug!(%error, "the end of standard input was not noted");
    }
}
