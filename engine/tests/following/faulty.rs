//! A place where opening fails at times: no descriptor is left, or the file may not be read.

use std::cell::Cell;
use std::sync::Arc;

use tailwater_engine::file::{Absent, File, Place, Sibling, Stat};

/// A place where opening fails at times.
pub(crate) struct Faulty<'a> {
    pub(crate) inner: Box<dyn Place>,
    pub(crate) failing: &'a Cell<u8>,
    pub(crate) failed: Cell<bool>,
    pub(crate) barred: bool,
}

impl Faulty<'_> {
    fn may_open(&self) -> Result<(), Absent> {
        match self.failing.get() {
            0 => Ok(()),
            left => {
                self.failing.set(left - 1);
                self.failed.set(true);
                Err(Absent::Failed("too many open files".to_owned()))
            }
        }
    }
}

impl Place for Faulty<'_> {
    fn look(&self) -> Result<Stat, Absent> {
        self.inner.look()
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        if self.barred {
            let (reason, remedy) = ("permission denied".to_owned(), String::new());
            return Err(Absent::Forbidden { reason, remedy });
        }
        self.may_open()?;
        self.inner.open()
    }

    fn siblings(&self) -> Vec<Sibling> {
        self.inner.siblings()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        self.may_open()?;
        self.inner.open_sibling(name)
    }

    fn name(&self) -> String {
        self.inner.name()
    }
}
