//! A file system that fails at times, and that changes between one question and the next.
//!
//! No descriptor is left, or a disk does not answer, or the file may not be read; a reading is
//! interrupted, and others write and rotate while the follower looks.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tailwater_engine::file::{Absent, File, Place, Sibling, Stat};
use tailwater_engine::read::ReadAt;

use crate::world::{Files, Op};

/// What is to go wrong.
pub(crate) struct Faults {
    files: Arc<Mutex<Files>>,
    opens: AtomicU8,
    reads: AtomicU8,
    failed: AtomicBool,
    /// Questions until something is done to files; 0 for never.
    calls: AtomicU8,
    amid: Mutex<Vec<Op>>,
}

impl Faults {
    pub(crate) fn new(files: Arc<Mutex<Files>>) -> Self {
        Self {
            files,
            opens: AtomicU8::new(0),
            reads: AtomicU8::new(0),
            failed: AtomicBool::new(false),
            calls: AtomicU8::new(0),
            amid: Mutex::default(),
        }
    }

    pub(crate) fn fail_opens(&self, times: u8) {
        self.opens.store(times, Relaxed);
    }

    pub(crate) fn fail_reads(&self, times: u8) {
        self.reads.store(times, Relaxed);
    }

    /// `op` is to be done after so many questions.
    pub(crate) fn act_amid(&self, calls: u8, op: Op) {
        self.act_late();
        self.amid.lock().expect("nobody panicked").push(op);
        self.calls.store(calls, Relaxed);
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.calls.load(Relaxed) > 0
    }

    /// What was to be done amid something that ended before, is done now.
    pub(crate) fn act_late(&self) {
        self.calls.store(0, Relaxed);
        let ops = std::mem::take(&mut *self.amid.lock().expect("nobody panicked"));
        for op in ops {
            self.files.lock().expect("nobody panicked").act(&op);
        }
    }

    pub(crate) fn begin_look(&self) {
        self.failed.store(false, Relaxed);
    }

    /// Whether anything failed since the look began.
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    pub(crate) fn end(&self) {
        self.act_late();
        self.fail_opens(0);
        self.fail_reads(0);
    }

    fn asked(&self) {
        let calls = self.calls.load(Relaxed);
        if calls > 0 {
            self.calls.store(calls - 1, Relaxed);
            if calls == 1 {
                self.act_late();
            }
        }
    }

    fn fails(&self, times: &AtomicU8) -> bool {
        let left = times.load(Relaxed);
        times.store(left.saturating_sub(1), Relaxed);
        self.failed.fetch_or(left > 0, Relaxed);
        left > 0
    }
}

/// A place where things go wrong at times.
pub(crate) struct Faulty {
    pub(crate) inner: Box<dyn Place>,
    pub(crate) faults: Arc<Faults>,
}

impl Faulty {
    fn may_open(&self) -> Result<(), Absent> {
        self.faults.asked();
        if self.faults.fails(&self.faults.opens) {
            return Err(Absent::Failed("too many open files".to_owned()));
        }
        Ok(())
    }

    fn opened(&self, inner: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(FaultyFile { inner, faults: Arc::clone(&self.faults) })
    }
}

impl Place for Faulty {
    fn look(&self) -> Result<Stat, Absent> {
        self.faults.asked();
        self.inner.look()
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        self.may_open()?;
        let barred = self.faults.files.lock().expect("nobody panicked").is_barred();
        if barred {
            let (reason, remedy) = ("permission denied".to_owned(), String::new());
            return Err(Absent::Forbidden { reason, remedy });
        }
        self.inner.open().map(|file| self.opened(file))
    }

    fn siblings(&self) -> Vec<Sibling> {
        self.faults.asked();
        self.inner.siblings()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        self.may_open()?;
        self.inner.open_sibling(name).map(|file| self.opened(file))
    }

    fn name(&self) -> String {
        self.faults.asked();
        self.inner.name()
    }
}

struct FaultyFile {
    inner: Arc<dyn File>,
    faults: Arc<Faults>,
}

impl ReadAt for FaultyFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.faults.asked();
        match self.faults.reads.load(Relaxed) {
            0 => {}
            // The last one is only interrupted, and no failure.
            1 => {
                self.faults.fail_reads(0);
                return Err(io::ErrorKind::Interrupted.into());
            }
            _ => {
                self.faults.fails(&self.faults.reads);
                return Err(io::Error::other("the disk does not answer"));
            }
        }
        self.inner.read_at(buf, offset)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        self.inner.next_data(offset)
    }
}

impl File for FaultyFile {
    fn stat(&self) -> io::Result<Stat> {
        self.faults.asked();
        self.inner.stat()
    }
}
