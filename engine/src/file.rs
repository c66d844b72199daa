//! The boundary to the file system: what the engine asks of it, and the outer crate answers.
//!
//! Decides nothing about what may be opened: a [`Place`] gives out only what its own rules allow.

use std::io;
use std::sync::Arc;

use crate::read::ReadAt;

/// What makes a file the same file.
///
/// The inode number alone does not: file systems give it out again at once. A held descriptor
/// keeps it from being given out, and for files that are not held `birth` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The device.
    pub device: u64,
    /// The inode number on it.
    pub inode: u64,
    /// The inode's generation or time of birth; 0 if unknown.
    pub birth: u64,
}

/// What the file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which file.
    pub identity: Identity,
    /// Its size.
    pub bytes: u64,
    /// Its names; 0 for a file that was deleted and is held open.
    pub links: u64,
    /// When it was last written, in milliseconds since 1970.
    pub written: u64,
    /// When it last changed in any way (ctime), in nanoseconds since 1970: it betrays a file that
    /// was rewritten to the size it had.
    pub changed: u64,
}

/// An open regular file.
pub trait File: ReadAt {
    /// The descriptor's own stat.
    ///
    /// # Errors
    ///
    /// The system's.
    fn stat(&self) -> io::Result<Stat>;
}

/// Where one log lies: a name, under the outer crate's rules of what may be opened.
pub trait Place {
    /// What the name leads to now, permitted links followed.
    ///
    /// # Errors
    ///
    /// Why there is nothing to be seen.
    fn look(&self) -> Result<Stat, Absent>;

    /// Opens it: for reading, without blocking, and a regular file by the descriptor's own stat.
    ///
    /// # Errors
    ///
    /// Why it is not to be had.
    fn open(&self) -> Result<Arc<dyn File>, Absent>;

    /// Regular files beside it whose names begin with its name, or say by a date that they are
    /// earlier generations of it ([`crate::archive::name`]); a bounded number, itself not among
    /// them.
    fn siblings(&self) -> Vec<Sibling>;

    /// Opens one of the siblings, under the same conditions.
    ///
    /// # Errors
    ///
    /// Why it is not to be had.
    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent>;

    /// The last name component of what it leads to now: of a link, the target's.
    fn name(&self) -> String;
}

/// A file beside a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sibling {
    /// Its last name component.
    pub name: String,
    /// What the file system says of it.
    pub stat: Stat,
}

/// Why a file is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// Nothing has that name.
    Missing,
    /// It is there, but not to be read.
    Forbidden {
        /// Why, in a few words.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// A passing failure, such as no descriptor left: keep what you hold and try again.
    Failed(String),
}
