//! One run of a command: started through the keeper, read to its end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use tailwater_engine::unwrap::Stream;
use tailwater_protocol::{CommandState, Ending, Order};

use super::super::KEEP;
use super::report::Report;
use super::weave::{Weave, Woven};
use super::{Came, Command, Told};

/// Bytes read from one stream before the other is looked at: less than a pipe holds, so that the
/// order of the two is not further off than that.
const CHUNK: usize = 16 * 1024;

/// How long what the command left behind may go on writing when it has ended.
const REST: Duration = Duration::from_secs(1);

/// A `journalctl` that ends so soon could not begin where it was told to.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Variables that are the server's own affair, a token among them.
const PRIVATE: &str = "TAILWATER_";

/// A run under way.
struct Run {
    keeper: Child,
    control: UnixStream,
    out: Option<File>,
    err: Option<File>,
    weave: Weave,
    /// What the keeper has said that was no whole line yet.
    said: Vec<u8>,
    /// The command's process group.
    group: Option<Pid>,
    report: Option<Report>,
    /// When nothing is waited for any more.
    until: Option<Instant>,
}

impl Command {
    /// Runs it once.
    pub(super) fn once(&self, heard: &UnixStream) -> Came {
        let began = Instant::now();
        let goes_on = self.journal.is_some() && self.spool.ended().is_none();
        if let Some(mut entries) = self.entries() {
            entries.begin();
        }
        // A journal goes on where it was read to: that is no run of its own.
        if !goes_on && let Err(error) = self.spool.begin() {
            tracing::warn!(command = %self.name(), %error, "its run could not be noted");
        }
        self.be(CommandState::Running);
        let (how, came) = match self.spawn() {
            Ok(mut run) => self.follow(&mut run, heard),
            Err(error) => {
                self.say(&format!("tailwater: cannot keep a command: {error}\n"));
                (Ending::Failed, None)
            }
        };
        if let Some(mut entries) = self.entries()
            && how != Ending::Failed
            && began.elapsed() < AT_ONCE
        {
            entries.lost_place();
        }
        let ends = self.journal.is_some() && matches!(came, Some(Came::End));
        if !ends && let Err(error) = self.spool.end(how) {
            tracing::warn!(command = %self.name(), %error, "its end could not be noted");
        }
        self.be(CommandState::Over);
        came.unwrap_or(Came::Over(how))
    }

    fn spawn(&self) -> io::Result<Run> {
        let (control, theirs) = UnixStream::pair()?;
        control.set_nonblocking(true)?;
        let settings = &self.settings;
        let mut program = Program::new(&self.keeper);
        program
            .arg(KEEP)
            .arg(settings.grace.as_millis().to_string())
            .args(self.words())
            // A terminal's Ctrl-C is for the server, which then ends its commands in good order.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(PRIVATE.as_bytes()) {
                program.env_remove(name);
            }
        }
        program.envs(&settings.env);
        if let Some(folder) = &settings.dir {
            program.current_dir(folder);
        }
        let mut keeper = program.spawn()?;
        let out = keeper.stdout.take().map(|pipe| File::from(OwnedFd::from(pipe)));
        let err = keeper.stderr.take().map(|pipe| File::from(OwnedFd::from(pipe)));
        Ok(Run {
            keeper,
            control,
            out,
            err,
            weave: Weave::default(),
            said: Vec::new(),
            group: None,
            report: None,
            until: None,
        })
    }

    /// The program and its arguments.
    fn words(&self) -> Vec<OsString> {
        match (&self.settings.journal, self.entries()) {
            (Some(journal), Some(entries)) => journal.words(entries.place()),
            _ => self.settings.run.clone(),
        }
    }

    /// Reads the run to its end, and does what is ordered meanwhile. How it ended, and what is to
    /// come after it if that was ordered.
    fn follow(&self, run: &mut Run, heard: &UnixStream) -> (Ending, Option<Came>) {
        let mut then = None;
        let mut buffer = vec![0; CHUNK];
        loop {
            while let Some(told) = self.next_order() {
                let came = match told {
                    Told::End => Came::End,
                    Told::Order(Order::Stop) => Came::Stopped,
                    Told::Order(Order::Restart) => Came::Restart,
                    // It runs. When it is being ended, it is wanted after all.
                    Told::Order(Order::Start) if then.is_some() => Came::Restart,
                    Told::Order(Order::Start) => continue,
                };
                if then.is_none() {
                    self.be(CommandState::Stopping);
                    // Gone: then it ends anyway.
                    let _gone = run.control.write_all(b"stop\n").is_err();
                }
                then = Some(came);
            }
            if run.is_over() {
                break;
            }
            run.wait(heard);
            drain(heard);
            let now = Instant::now();
            for stream in [Stream::Stdout, Stream::Stderr] {
                let woven = run.read(stream, &mut buffer, now);
                self.write(woven);
            }
            let woven = run.weave.tick(now);
            self.write(woven);
            run.listen();
        }
        let rest = run.weave.finish();
        self.write(rest);
        let how = run.end();
        if let Some(Report::Failed(why)) = &run.report {
            let words = self.words();
            let program = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
            self.say(&format!(
                "tailwater: cannot start `{program}`: {why}
"
            ));
        }
        (how, then)
    }

    fn write(&self, woven: Woven) {
        for (stream, bytes) in woven {
            match self.entries() {
                Some(mut entries) if stream == Stream::Stdout => entries.take(&bytes, &self.spool),
                Some(mut entries) => {
                    super::super::spool(&self.spool, &bytes, stream);
                    entries.note(&self.spool);
                }
                None => super::super::spool(&self.spool, &bytes, stream),
            }
        }
    }

    /// A line of our own, where the program's errors are.
    fn say(&self, line: &str) {
        super::super::spool(&self.spool, line.as_bytes(), Stream::Stderr);
    }
}

impl Run {
    fn is_over(&self) -> bool {
        let silent = self.out.is_none() && self.err.is_none();
        let waited = self.until.is_some_and(|until| until <= Instant::now());
        self.report.is_some() && (silent || waited)
    }

    /// Waits until there is something to read or to do.
    fn wait(&self, heard: &UnixStream) {
        let due = [self.weave.due(), self.until].into_iter().flatten().min();
        let control = self.report.is_none().then_some(&self.control);
        let all = [
            Some(heard.as_fd()),
            control.map(|control| control.as_fd()),
            self.out.as_ref().map(|file| file.as_fd()),
            self.err.as_ref().map(|file| file.as_fd()),
        ];
        poll_for(all.into_iter().flatten(), due);
    }

    /// What the stream gives now.
    fn read(&mut self, stream: Stream, buffer: &mut [u8], now: Instant) -> Woven {
        let file = match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        };
        let Some(open) = file else { return Woven::new() };
        if !is_ready(open.as_fd()) {
            return Woven::new();
        }
        match open.read(buffer) {
            Ok(0) => {
                *file = None;
                Woven::new()
            }
            Ok(read) => self.weave.take(stream, buffer.get(..read).unwrap_or_default(), now),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Woven::new(),
            Err(_) => {
                *file = None;
                Woven::new()
            }
        }
    }

    /// What the keeper says.
    fn listen(&mut self) {
        if self.report.is_some() {
            return;
        }
        let mut buffer = [0; 4096];
        let gone = match self.control.read(&mut buffer) {
            Ok(0) => true,
            Ok(read) => {
                self.said.extend_from_slice(buffer.get(..read).unwrap_or_default());
                false
            }
            Err(error) => {
                !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
            }
        };
        while let Some(end) = memchr::memchr(b'\n', &self.said) {
            let rest = self.said.split_off(end + 1);
            let line = std::mem::replace(&mut self.said, rest);
            match Report::read(&String::from_utf8_lossy(&line)) {
                Some(Report::Started(process)) => self.group = Pid::from_raw(process),
                Some(report) => self.report = Some(report),
                None => {}
            }
        }
        if gone && self.report.is_none() {
            // The keeper was killed, and what it kept has nobody any more.
            if let Some(group) = self.group {
                let _gone = kill_process_group(group, Signal::KILL).is_err();
            }
            self.report = Some(Report::Killed(Signal::KILL.as_raw()));
        }
        if self.report.is_some() {
            self.until = Some(Instant::now() + REST);
        }
    }

    /// Reaps the keeper, and says how the command ended.
    fn end(&mut self) -> Ending {
        if let Err(error) = self.keeper.wait() {
            tracing::warn!(%error, "a keeper could not be waited for");
        }
        self.report.as_ref().and_then(Report::ending).unwrap_or(Ending::Broken)
    }
}

/// Waits until the thread is told something, or until then.
pub(super) fn wait(heard: &UnixStream, until: Option<Instant>) {
    poll_for([heard.as_fd()], until);
    drain(heard);
}

/// Takes what woke the thread: it looks at its orders after that.
fn drain(mut heard: &UnixStream) {
    let mut buffer = [0; 64];
    while heard.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

fn poll_for<'a>(all: impl IntoIterator<Item = BorrowedFd<'a>>, until: Option<Instant>) {
    let mut all: Vec<PollFd<'_>> =
        all.into_iter().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let left = until.map(|until| {
        let left = until.saturating_duration_since(Instant::now());
        Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
    });
    // Interrupted or not, everything is looked at after it.
    let _ready = poll(&mut all, left.as_ref()).is_ok();
}

/// Whether reading would not wait.
fn is_ready(fd: BorrowedFd<'_>) -> bool {
    let mut one = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    poll(&mut one, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
