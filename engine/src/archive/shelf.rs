//! Files that are opened when they are read, and closed again when others are: a log may have
//! hundreds of earlier generations, and a process only so many descriptors.
//!
//! A file is known by its identity, not by its name, which rotation gives to the next one. What is
//! not to be found any more is a [`Doubt`]: whoever meets one has the log looked at again.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::file::{Absent, File, Identity, Place, Stat};
use crate::packed::{Pieces, Spool};
use crate::read::{Doubt, ReadAt};

/// Files of earlier generations that are open at once, of all logs.
const OPEN: usize = 32;

/// Where a log lies, for whoever opens files later.
pub type SharedPlace = Arc<dyn Place + Send + Sync>;

/// What the earlier generations of all logs share.
#[derive(Default)]
pub struct Shelf {
    /// Those that were read last come last.
    open: Mutex<Vec<(u64, Arc<dyn File>)>>,
    pub(super) pieces: Arc<Pieces>,
}

/// A file that is opened when it is read.
pub(super) struct Shelved {
    shelf: Arc<Shelf>,
    place: SharedPlace,
    identity: Identity,
    number: u64,
    /// How it was called when it was last opened.
    name: Mutex<String>,
}

impl Shelf {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one, and somewhere to put texts aside that cannot be decoded twice.
    pub fn with_spool(spool: Arc<dyn Spool>) -> Self {
        Self { pieces: Arc::new(Pieces::with_spool(spool)), ..Self::default() }
    }

    /// Files that are open now.
    pub fn open(&self) -> usize {
        self.files().len()
    }

    fn files(&self) -> MutexGuard<'_, Vec<(u64, Arc<dyn File>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, number: u64) -> Option<Arc<dyn File>> {
        let mut open = self.files();
        let index = open.iter().position(|(known, _)| *known == number)?;
        let entry = open.remove(index);
        let file = Arc::clone(&entry.1);
        open.push(entry);
        Some(file)
    }

    fn put(&self, number: u64, file: Arc<dyn File>) {
        let mut open = self.files();
        open.retain(|(known, _)| *known != number);
        open.push((number, file));
        let over = open.len().saturating_sub(OPEN);
        let closed: Vec<_> = open.drain(..over).collect();
        drop(open);
        drop(closed);
    }
}

impl Shelved {
    pub(super) fn new(
        shelf: &Arc<Shelf>,
        place: &SharedPlace,
        identity: Identity,
        name: &str,
    ) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self {
            shelf: Arc::clone(shelf),
            place: Arc::clone(place),
            identity,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            name: Mutex::new(name.to_owned()),
        }
    }

    fn file(&self) -> io::Result<Arc<dyn File>> {
        if let Some(file) = self.shelf.get(self.number) {
            return Ok(file);
        }
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let file = match self.open(&name)? {
            Some(file) => file,
            None => self.find()?,
        };
        self.shelf.put(self.number, Arc::clone(&file));
        Ok(file)
    }

    /// Opens `name`, if it is still the name of this file.
    fn open(&self, name: &str) -> io::Result<Option<Arc<dyn File>>> {
        let file = match self.place.open_sibling(name) {
            Ok(file) => file,
            Err(Absent::Missing) => return Ok(None),
            Err(Absent::Forbidden { reason, .. }) => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
            }
            Err(Absent::Failed(reason)) => return Err(io::Error::other(reason)),
        };
        Ok((file.stat()?.identity == self.identity).then_some(file))
    }

    /// Finds out how it is called now, and opens it.
    fn find(&self) -> io::Result<Arc<dyn File>> {
        let siblings = self.place.siblings();
        let known = siblings.into_iter().find(|sibling| sibling.stat.identity == self.identity);
        let Some(sibling) = known else { return Err(Doubt.into()) };
        let file = self.open(&sibling.name)?.ok_or(Doubt)?;
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = sibling.name;
        Ok(file)
    }
}

impl ReadAt for Shelved {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file()?.read_at(buf, offset)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        self.file()?.next_data(offset)
    }
}

impl File for Shelved {
    fn stat(&self) -> io::Result<Stat> {
        self.file()?.stat()
    }
}

impl Drop for Shelved {
    fn drop(&mut self) {
        let mut open = self.shelf.files();
        let index = open.iter().position(|(known, _)| *known == self.number);
        let closed = index.map(|index| open.remove(index));
        drop(open);
        drop(closed);
    }
}
