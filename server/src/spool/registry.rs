//! All spools: by the name of their log, in one folder.
//!
//! What has a name of its own is kept over a restart, below the state folder. What was only piped
//! in lies beside it in a folder that goes with the process; one that a killed process left behind
//! is removed by the next.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustix::fs::{FlockOperation, flock};
use tailwater_protocol::LogName;

use super::{Disk, Framing, Limits, Spool};

/// Bytes of a log's name: it is the name of a folder.
const MAX_NAME: usize = 200;

/// For how long a spool is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Over restarts.
    Kept,
    /// As long as this process.
    ForNow,
}

/// The spools.
#[derive(Debug)]
pub struct Spools {
    kept: Option<PathBuf>,
    limits: Limits,
    all: RwLock<BTreeMap<LogName, Arc<Spool>>>,
    /// Made when it is needed first.
    for_now: Mutex<Option<ForNow>>,
}

/// The folder that goes with the process.
#[derive(Debug)]
struct ForNow {
    path: PathBuf,
    _lock: File,
}

impl Spools {
    /// In `state`, or with no such folder among the machine's temporary files, and then nothing
    /// is kept.
    pub fn new(state: Option<&Path>, limits: Limits) -> Arc<Self> {
        let kept = state.map(|state| state.join("spool"));
        if let Some(kept) = &kept {
            sweep(kept);
        }
        Arc::new(Self { kept, limits, all: RwLock::default(), for_now: Mutex::default() })
    }

    /// The spool of `name`, which is opened or begun when it is not yet.
    ///
    /// # Errors
    ///
    /// When `name` is none, or the system's.
    pub fn open(&self, name: &LogName, keep: Keep, framing: Framing) -> io::Result<Arc<Spool>> {
        let folder = folder_of(name).ok_or_else(|| {
            let reason =
                format!("`{name}` is no name for a log: letters, digits and `-._` between slashes");
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(spool) = all.get(name) {
            return Ok(Arc::clone(spool));
        }
        let open = |at: &Path| {
            let room = Box::new(Disk { reserve: self.limits.reserve });
            Spool::open(&at.join(&folder), name.clone(), framing, self.limits, room)
        };
        let spool = match &self.kept {
            Some(kept) if keep == Keep::Kept => match open(kept) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tracing::warn!(log = %name, "another tailwater writes to the spool of that name; here it is kept for now only");
                    open(&self.for_now()?)?
                }
                outcome => outcome?,
            },
            _ => open(&self.for_now()?)?,
        };
        let spool = Arc::new(spool);
        all.insert(name.clone(), Arc::clone(&spool));
        Ok(spool)
    }

    /// The spool of that name, if it is open.
    pub fn get(&self, name: &LogName) -> Option<Arc<Spool>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All that are open.
    pub fn all(&self) -> Vec<Arc<Spool>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Names of which there is a spool from before.
    pub fn kept(&self) -> Vec<LogName> {
        let folder = self.kept.as_ref().and_then(|kept| fs::read_dir(kept).ok());
        let names = folder.into_iter().flatten().flatten();
        names.filter_map(|entry| name_of(entry.file_name().to_str()?)).collect()
    }

    /// Where they lie.
    pub fn folder(&self) -> Option<&Path> {
        self.kept.as_deref()
    }

    /// Removes what was for now only.
    pub fn end(&self) {
        let for_now = self.for_now.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(for_now) = for_now
            && let Err(error) = fs::remove_dir_all(&for_now.path)
        {
            tracing::debug!(%error, "a folder of this process stays; the next removes it");
        }
    }

    fn for_now(&self) -> io::Result<PathBuf> {
        let mut for_now = self.for_now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*for_now {
            return Ok(made.path.clone());
        }
        let path = self.kept.as_ref().map_or_else(std::env::temp_dir, Clone::clone);
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let path = path.join(format!(".now-tailwater-{:016x}", u64::from_ne_bytes(random)));
        let mut folder = DirBuilder::new();
        folder.mode(0o700);
        if let Some(kept) = &self.kept {
            DirBuilder::new().recursive(true).mode(0o700).create(kept)?;
        }
        // Not recursive: somebody else's folder of that name must not be taken for ours.
        folder.create(&path)?;
        let lock = File::create_new(path.join(".lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        *for_now = Some(ForNow { path: path.clone(), _lock: lock });
        Ok(path)
    }
}

impl Drop for Spools {
    fn drop(&mut self) {
        self.end();
    }
}

/// Removes the folders of processes that were killed.
fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b".now-"))
    {
        let Ok(lock) = File::open(entry.path().join(".lock")) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, folder = %entry.path().display(), "what a killed process left stays");
        }
    }
}

/// The folder for `name`; `None` when it is none for a log.
fn folder_of(name: &LogName) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let part =
        |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && part.chars().all(plain);
    let name = name.as_str();
    (name.len() <= MAX_NAME && name.split('/').all(part)).then(|| name.replace('/', "~"))
}

/// Whether a log of that name can have a spool.
pub(crate) fn is_name(name: &LogName) -> bool {
    folder_of(name).is_some()
}

/// The log whose spool lies in that folder.
fn name_of(folder: &str) -> Option<LogName> {
    let name = LogName(folder.replace('~', "/"));
    folder_of(&name).is_some_and(|known| known == folder).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_engine::unwrap::Stream;

    #[test]
    fn names_are_folders_and_back() {
        for name in ["stdin", "push/app.1", "a/b/c_d-e"] {
            let name = LogName(name.to_owned());
            assert_eq!(folder_of(&name).and_then(|folder| name_of(&folder)), Some(name));
        }
        let long = "x".repeat(MAX_NAME + 1);
        for name in
            ["", ".", "..", "a/../b", "/a", "a/", "a//b", ".a", "-a", "a b", "a~b", "ä", &long]
        {
            assert_eq!(folder_of(&LogName(name.to_owned())), None, "{name}");
        }
    }

    #[test]
    fn what_is_for_now_goes_and_what_is_kept_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["kept", "now"].map(|name| LogName(name.to_owned()));
        let spools = Spools::new(Some(folder.path()), Limits { reserve: 0, ..Limits::default() });
        for (name, keep) in names.iter().zip([Keep::Kept, Keep::ForNow]) {
            let spool = spools.open(name, keep, Framing::Messages).expect("opened");
            spool.write(b"line\n", Stream::Stdout).expect("written");
        }
        // As a process does that is killed: its lock goes, its folder stays.
        let left = folder.path().join("spool/.now-left");
        fs::create_dir_all(&left).expect("made");
        File::create(left.join(".lock")).expect("made");
        let second = Spools::new(Some(folder.path()), Limits { reserve: 0, ..Limits::default() });
        assert!(!left.exists(), "what was left is removed");
        let other = second.open(&names[0], Keep::Kept, Framing::Messages).expect("opened");
        assert_eq!(other.bytes(), 0, "the folder is another's, so this is for now");
        drop((other, second, spools));
        let again = Spools::new(Some(folder.path()), Limits { reserve: 0, ..Limits::default() });
        assert_eq!(again.kept(), [names[0].clone()]);
        let kept = again.open(&names[0], Keep::Kept, Framing::Messages).expect("opened");
        assert_eq!(kept.bytes(), 5);
        let left = fs::read_dir(folder.path().join("spool")).expect("read").count();
        assert_eq!(left, 1);
    }
}
