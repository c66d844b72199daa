//! One schedule, played: writers, a server that follows, and a reader that comes and goes.
//!
//! What happens to files and what the server does come one after the other, or one amid the
//! other: between any two questions that the follower or the reader asks of the file system.

mod files;
mod judge;
mod owed;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tailwater_engine::file::{Identity, Place};
use tailwater_engine::follow::{Follower, Limits, Now};
use tailwater_engine::history::History;
use tailwater_protocol::Bookmark;

use crate::faulty::{Faults, Faulty};
use crate::reader::{Reader, Stepped};
pub(crate) use files::Files;
pub(crate) use judge::Balance;

/// So long that nothing is let go within a schedule.
pub(crate) const PATIENT: Limits = Limits { linger: Duration::from_secs(36_000), held: 64 };

/// So short that much is let go, which must be reported.
pub(crate) const HASTY: Limits = Limits { linger: Duration::from_millis(30), held: 2 };

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Handle(pub(crate) usize);

/// How the name leads to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// It is its own.
    Plain,
    /// By a link.
    Link,
    /// By a link to a link.
    Chain,
    /// Through a folder that is a link.
    Folder,
}

/// What rotated files are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    Numbered,
    Dated,
}

/// What does not change in a schedule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) layout: Layout,
    pub(crate) naming: Naming,
    /// Whether the follower lets go of what it can.
    pub(crate) hasty: bool,
}

impl Setting {
    pub(crate) const USUAL: Self =
        Self { layout: Layout::Plain, naming: Naming::Numbered, hasty: false };

    /// The path of the log as the follower is told it.
    pub(crate) fn log(self) -> &'static str {
        match self.layout {
            Layout::Folder => "data/app.log",
            Layout::Plain | Layout::Link | Layout::Chain => "app.log",
        }
    }

    fn limits(self) -> Limits {
        if self.hasty { HASTY } else { PATIENT }
    }
}

/// A file system.
pub(crate) trait Disk {
    fn tick(&mut self, nanos: u64);
    /// The clock that dates files goes on or back.
    fn jump(&mut self, millis: i64);
    fn wall(&self) -> u64;
    fn create(&mut self, name: &str) -> Handle;
    fn close(&mut self, handle: Handle);
    fn append(&mut self, handle: Handle, bytes: &[u8]);
    fn write_at(&mut self, handle: Handle, bytes: &[u8], offset: u64);
    fn cut(&mut self, handle: Handle);
    fn rename(&mut self, from: &str, to: &str);
    fn unlink(&mut self, name: &str);
    /// Points `name` to `target`, at once.
    fn link(&mut self, target: &str, name: &str);
    fn hard_link(&mut self, file: &str, name: &str);
    fn folder(&mut self, name: &str);
    /// Moves the folder with all that is in it away, or back.
    fn away(&mut self, away: bool);
    /// Removes all that is left: links and folders.
    fn clear(&mut self);
    fn identity(&self, handle: Handle) -> Identity;
    fn place(&self, log: &'static str) -> Box<dyn Place>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    Append(u16),
    /// By the descriptor that was held over the last rotation.
    AppendLate(u16),
    Look,
    Read {
        steps: u8,
        max: u16,
    },
    ReadAll,
    Wait(u16),
    /// Rename and create; the writer goes over at once or later.
    Rotate {
        reopen: bool,
    },
    /// Turn the link to a new file or folder; without one, as `Rotate`.
    Turn {
        reopen: bool,
    },
    Reopen,
    Copy,
    CutAfterCopy,
    CutAndGrow(u16),
    /// Other bytes, as many, in place.
    Rewrite,
    /// The writer goes on at its own offset, and leaves a hole.
    CutUnderWriter(u16),
    Delete,
    Create,
    /// Another file, already written, takes the name.
    Replace(u16),
    /// The log gets a second name beside it.
    HardLink,
    RenameBack,
    FolderAway(bool),
    FolderNew,
    /// So many files will not open.
    Fail(u8),
    /// So many readings will fail.
    FailReads(u8),
    Forbid(bool),
    /// The clock of the files, by so many milliseconds.
    JumpClock(i32),
    /// The server ends and begins anew.
    Restart,
    /// The reader's connection does.
    Reconnect,
    /// What is done to files next, happens after so many questions of the next look or reading.
    Amid(u8),
}

/// Makes of the true file system one that a broken follower would see: what the judge must find.
pub(crate) type Broken = fn(Box<dyn Place>) -> Box<dyn Place>;

pub(crate) struct World {
    files: Arc<Mutex<Files>>,
    faults: Arc<Faults>,
    setting: Setting,
    limits: Limits,
    broken: Option<Broken>,
    clock: Duration,
    follower: Follower,
    /// Whether the follower knows what lay beside the log from the start.
    begun: bool,
    reader: Reader,
    coming_back: Option<Vec<Bookmark>>,
    /// What is to be done to files amid the next look or reading.
    amid: Option<u8>,
}

impl World {
    pub(crate) fn new(disk: Box<dyn Disk + Send>, setting: Setting) -> Self {
        let files = Arc::new(Mutex::new(Files::new(disk, setting)));
        Self {
            faults: Arc::new(Faults::new(Arc::clone(&files))),
            files,
            setting,
            limits: setting.limits(),
            broken: None,
            clock: Duration::ZERO,
            follower: Follower::new(setting.limits()),
            begun: false,
            reader: Reader::new(),
            coming_back: None,
            amid: None,
        }
    }

    /// Breaks the follower: it keeps other bounds, or sees another file system.
    pub(crate) fn broken(mut self, limits: Option<Limits>, broken: Option<Broken>) -> Self {
        self.limits = limits.unwrap_or(self.limits);
        self.follower = Follower::new(self.limits);
        self.broken = broken;
        self
    }

    pub(crate) fn run(mut self, ops: &[Op]) -> Balance {
        for op in ops {
            self.files().disk.tick(3_000_000);
            self.clock += Duration::from_millis(3);
            self.act(op);
        }
        self.faults.end();
        self.files().settle();
        // Nobody looks so seldom that something ends and is let go between two looks.
        for _settling in 0..6 {
            self.wait(self.limits.linger * 3 / 5);
            self.look();
            self.read_all();
        }
        self.judge()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().expect("nobody panicked")
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Look => {
                self.look();
                self.faults.act_late();
            }
            Op::Read { steps, max } => {
                self.read(steps.into(), max.into());
                self.faults.act_late();
            }
            Op::ReadAll => {
                self.read_all();
                self.faults.act_late();
            }
            Op::Wait(millis) => self.wait(Duration::from_millis(millis.into())),
            Op::Fail(times) => self.faults.fail_opens(times),
            Op::FailReads(times) => self.faults.fail_reads(times),
            Op::Restart => self.restart(),
            Op::Reconnect => self.reconnect(),
            Op::Amid(calls) => self.amid = Some(calls),
            _ => match self.amid.take() {
                Some(calls) => self.faults.act_amid(calls, op.clone()),
                None => drop(self.files().act(op)),
            },
        }
    }

    fn wait(&mut self, time: Duration) {
        self.files().disk.tick(time.as_nanos() as u64);
        self.clock += time;
    }

    fn now(&self) -> Now {
        Now { monotonic: self.clock, wall: self.files().disk.wall() }
    }

    fn place(&self) -> Faulty {
        let inner = self.files().disk.place(self.setting.log());
        let inner = match self.broken {
            Some(broken) => broken(inner),
            None => inner,
        };
        Faulty { inner, faults: Arc::clone(&self.faults) }
    }

    fn look(&mut self) {
        let place = self.place();
        let now = self.now();
        self.faults.begin_look();
        if self.faults.is_armed() {
            // What happens amid this one is what the next one finds, but for what lay there before
            // if it is the first.
            if !self.begun {
                self.files().see_beside();
            }
            self.follower.reconcile(&place, now);
            self.faults.act_late();
            self.reader.see(&self.follower.history());
        }
        let now = self.now();
        let first = self.follower.reconcile(&place, now);
        let again = self.follower.reconcile(&place, now);
        let failed = self.faults.failed();
        assert!(
            failed || (!again.changed && again.grown == 0),
            "a look is idempotent: {first:?}, {again:?}"
        );
        let clean = self.note_look(failed);
        let history = self.follower.history();
        if clean && !history.generations.is_empty() {
            self.come_back();
        }
        let history = self.follower.history();
        self.reader.see(&history);
        if self.reader.has_not_begun() && !history.generations.is_empty() {
            self.read(1, 1);
        }
    }

    fn read(&mut self, steps: usize, max: usize) {
        if self.coming_back.is_some() {
            return;
        }
        for _step in 0..steps {
            let history = self.follower.history();
            match self.reader.step(&history, max) {
                Stepped::On => {}
                Stepped::End | Stepped::Failed => break,
                Stepped::Doubt => {
                    self.look();
                    self.reader.see(&self.follower.history());
                }
            }
        }
    }

    fn read_all(&mut self) {
        self.read(20_000, 2048);
        if self.coming_back.is_none() && !self.faults.failed() {
            let history = self.follower.history();
            let step = self.reader.step(&history, 2048);
            assert!(step != Stepped::On || self.faults.failed(), "it would read for ever");
        }
    }

    /// The server ends and begins anew; so does the reader's connection.
    fn restart(&mut self) {
        if self.coming_back.is_some() {
            return;
        }
        let Some(bookmarks) = self.reader.telling_bookmarks() else { return };
        self.coming_back = Some(bookmarks);
        self.follower = Follower::new(self.limits);
        self.begun = false;
        self.files().forget_looks();
    }

    /// The reader comes back to the same server.
    fn reconnect(&mut self) {
        if self.coming_back.is_some() {
            return;
        }
        let history: History = self.follower.history();
        let Some(bookmarks) = self.reader.bookmarks() else { return };
        self.reader.reconnect(&history, &bookmarks);
    }

    fn come_back(&mut self) {
        let Some(bookmarks) = self.coming_back.take() else { return };
        let place = self.place();
        let now = self.now();
        let mut found: Vec<_> = Vec::new();
        // The oldest first: what came after it is found along with it.
        for &bookmark in bookmarks.iter().rev() {
            found.insert(0, (bookmark, self.follower.recognise(&place, bookmark, now)));
        }
        if self.faults.failed() {
            // Whoever was not recognised for want of a descriptor asks again.
            self.coming_back = Some(bookmarks);
            return;
        }
        self.reader.resume(&found);
        self.note_come_back();
    }
}
