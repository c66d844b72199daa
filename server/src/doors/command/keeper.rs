//! The keeper: a process between the server and a command, so that the command ends when the
//! server does, however that dies.
//!
//! The server runs its own program again under this name, with a socket as its standard input. The
//! keeper starts the command in a process group of its own, with nothing to read, and says on the
//! socket how it ended. When it is told to stop, or the socket closes because the server is gone, it
//! asks the whole group to end (SIGTERM), and after a grace period makes it (SIGKILL). It adopts what
//! the command leaves behind, so nothing outlives the run and nothing stays unreaped. Nothing but
//! its own arguments ever becomes a command.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process_group, set_child_subreaper,
    test_kill_process_group, wait,
};

use super::report::Report;

/// Between two looks whether what the command left behind is gone.
const LOOK: Duration = Duration::from_millis(10);

/// What can happen to a run.
enum Woken {
    /// The command itself has ended.
    Over(WaitStatus),
    /// It is to end.
    Stop,
}

/// Runs `command` until it ends or is to end. The answer is for whoever started the keeper by hand.
pub fn run(grace: Duration, command: &[OsString]) -> ExitCode {
    match keep(grace, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tailwater: a command cannot be kept: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keep(grace: Duration, command: &[OsString]) -> io::Result<()> {
    let server = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut tell = server.try_clone()?;
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command was named"));
    };
    let started =
        Command::new(program).args(arguments).stdin(Stdio::null()).process_group(0).spawn();
    let group = match started {
        Ok(child) => Pid::from_child(&child),
        Err(error) => return writeln!(tell, "{}", Report::Failed(error.to_string())),
    };
    writeln!(tell, "{}", Report::Started(group.as_raw_nonzero().get()))?;
    let (woke, woken) = mpsc::channel();
    let stop = woke.clone();
    std::thread::spawn(move || {
        // A line or the end of the socket: both mean the same.
        let _either = BufReader::new(server).read_line(&mut String::new()).is_ok();
        drop(stop.send(Woken::Stop));
    });
    std::thread::spawn(move || reap(group, &woke));
    let mut deadline: Option<Instant> = None;
    let status = loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let next = match left {
            Some(left) => woken.recv_timeout(left),
            None => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(Woken::Over(status)) => break status,
            Ok(Woken::Stop) if deadline.is_none() => {
                signal(group, Signal::TERM);
                deadline = Some(Instant::now() + grace);
            }
            Ok(Woken::Stop) => {}
            Err(RecvTimeoutError::Timeout) => {
                signal(group, Signal::KILL);
                deadline = Some(Instant::now() + grace.max(LOOK));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    };
    clear(group, deadline.unwrap_or_else(|| Instant::now() + grace));
    writeln!(tell, "{}", report(status))
}

/// Reaps whatever ends, adopted or not, until the command itself has.
fn reap(command: Pid, woke: &mpsc::Sender<Woken>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => {
                // Nobody listens only when there is nobody to tell.
                return drop(woke.send(Woken::Over(status)));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

fn report(status: WaitStatus) -> Report {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Report::Exited(code),
        (None, Some(signal)) => Report::Killed(signal),
        (None, None) => Report::Failed("it ended in no known way".to_owned()),
    }
}

/// Ends and reaps what is left of the group.
fn clear(group: Pid, deadline: Instant) {
    let mut asked = false;
    loop {
        // Orphans of the command are ours to reap, in its group or not.
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        if test_kill_process_group(group).is_err() {
            return;
        }
        if Instant::now() >= deadline {
            signal(group, Signal::KILL);
        } else if !std::mem::replace(&mut asked, true) {
            signal(group, Signal::TERM);
        }
        if Instant::now() >= deadline + Duration::from_secs(1) {
            // The kernel cannot end it now: it hangs in a device or a network mount.
            return;
        }
        std::thread::sleep(LOOK);
    }
}

fn signal(group: Pid, signal: Signal) {
    // It may have ended at this moment.
    let _gone = kill_process_group(group, signal).is_err();
}
