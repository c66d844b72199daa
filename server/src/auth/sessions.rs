//! The sessions that are signed in, by the hash of their secret, kept in a file over a restart so
//! that an open page resumes by itself.
//!
//! The file is written whole beside itself and renamed into place, readable by its owner alone.
//! Where it cannot be kept, sessions live as long as the process, and that is said once.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::SESSION_SECONDS;

/// Sessions kept; beyond it the one that ends soonest is ended.
const MAX_SESSIONS: usize = 1000;

/// The table.
#[derive(Debug)]
pub struct Sessions {
    ends: Mutex<HashMap<String, u64>>,
    file: Option<PathBuf>,
}

impl Sessions {
    /// The sessions in `file` that have not ended.
    pub fn load(file: Option<PathBuf>) -> Self {
        let text =
            file.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let now = now();
        let ends = text.lines().filter_map(|line| {
            let (hash, end) = line.split_once(' ')?;
            let end = end.parse().ok().filter(|&end| end > now)?;
            Some((hash.to_owned(), end))
        });
        Self { ends: Mutex::new(ends.take(MAX_SESSIONS).collect()), file }
    }

    /// Whether `secret` is that of a session.
    pub fn knows(&self, secret: &str) -> bool {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(&hash(secret)).is_some_and(|&end| end > now())
    }

    /// Adds a session.
    pub fn add(&self, secret: &str) {
        self.change(|ends| {
            ends.retain(|_, end| *end > now());
            if ends.len() >= MAX_SESSIONS
                && let Some(soonest) =
                    ends.iter().min_by_key(|(_, end)| **end).map(|(hash, _)| hash.clone())
            {
                ends.remove(&soonest);
            }
            ends.insert(hash(secret), now() + SESSION_SECONDS);
        });
    }

    /// Ends a session.
    pub fn remove(&self, secret: &str) {
        self.change(|ends| {
            ends.remove(&hash(secret));
        });
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<String, u64>)) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut ends);
        if let Err(error) = self.keep(&ends) {
            tracing::warn!(%error, "sessions cannot be kept; they end when the server does");
        }
    }

    fn keep(&self, ends: &HashMap<String, u64>) -> std::io::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        if let Some(folder) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let beside = path.with_extension("new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        for (hash, end) in ends {
            writeln!(file, "{hash} {end}")?;
        }
        file.sync_all()?;
        std::fs::rename(&beside, path)
    }
}

/// A hash suffices to recognise a random secret, and gives none away when the file is read.
fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
