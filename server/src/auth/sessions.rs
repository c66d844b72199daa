//! The sessions that are signed in, by the hash of their secret, kept in a file over a restart so
//! that an open page resumes by itself. A session ends when it is old, and when nobody used it.
//!
//! The file is written whole beside itself and renamed into place, readable by its owner alone.
//! Where it cannot be kept, sessions live as long as the process, and that is said.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::now;

/// Sessions kept; beyond it the one that was used least lately is ended.
const MAX_SESSIONS: usize = 1000;

/// Seconds after which it is noted in the file that a session was used.
const NOTED: u64 = 600;

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of who had the key or the token.
    Owner,
    /// Of a user, as long as his password is the one it was begun with.
    User { name: String, stamp: String },
}

/// Seconds that a session lasts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lasting {
    pub(super) at_most: u64,
    pub(super) unused: u64,
}

/// The table.
#[derive(Debug)]
pub(super) struct Sessions {
    table: Mutex<HashMap<String, Session>>,
    lasting: Lasting,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
struct Session {
    whose: Whose,
    begun: u64,
    used: u64,
    /// When it was used, as the file says.
    noted: u64,
}

impl Session {
    fn is_good(&self, lasting: Lasting, now: u64) -> bool {
        now < self.begun.saturating_add(lasting.at_most)
            && now < self.used.saturating_add(lasting.unused)
    }

    fn parse(line: &str) -> Option<(String, Self)> {
        let mut words = line.split(' ');
        let hash = words.next().filter(|hash| hash.len() == 64)?;
        let (begun, used) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let whose = match (words.next()?, words.next(), words.next()) {
            ("owner", None, None) => Whose::Owner,
            ("user", Some(stamp), Some(name)) => {
                Whose::User { name: name.to_owned(), stamp: stamp.to_owned() }
            }
            _ => return None,
        };
        Some((hash.to_owned(), Self { whose, begun, used, noted: used }))
    }
}

impl Sessions {
    /// The sessions in `file` that have not ended.
    pub(super) fn load(file: Option<PathBuf>, lasting: Lasting) -> Self {
        let text =
            file.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let now = now();
        let good = text
            .lines()
            .filter_map(Session::parse)
            .filter(|(_, session)| session.is_good(lasting, now));
        Self { table: Mutex::new(good.take(MAX_SESSIONS).collect()), lasting, file }
    }

    /// Whose session `secret` is of; it is used by that.
    pub(super) fn of(&self, secret: &str) -> Option<Whose> {
        let now = now();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let session = table.get_mut(&hash(secret)).filter(|s| s.is_good(self.lasting, now))?;
        session.used = now;
        let whose = session.whose.clone();
        if now >= session.noted.saturating_add(NOTED) {
            session.noted = now;
            self.kept(&table);
        }
        Some(whose)
    }

    /// Adds a session.
    pub(super) fn add(&self, secret: &str, whose: Whose) {
        let (now, lasting) = (now(), self.lasting);
        self.change(|table| {
            table.retain(|_, session| session.is_good(lasting, now));
            if table.len() >= MAX_SESSIONS
                && let Some(least) =
                    table.iter().min_by_key(|(_, s)| s.used).map(|(hash, _)| hash.clone())
            {
                table.remove(&least);
            }
            table.insert(hash(secret), Session { whose, begun: now, used: now, noted: now });
        });
    }

    /// Ends a session.
    pub(super) fn remove(&self, secret: &str) {
        self.change(|table| {
            table.remove(&hash(secret));
        });
    }

    /// Ends all sessions of whose the session of `secret` is.
    pub(super) fn remove_all(&self, secret: &str) {
        self.change(|table| {
            let Some(session) = table.get(&hash(secret)) else { return };
            let is_same = |one: &Whose, other: &Whose| match (one, other) {
                (Whose::User { name: one, .. }, Whose::User { name: other, .. }) => one == other,
                (one, other) => one == other,
            };
            let whose = session.whose.clone();
            table.retain(|_, session| !is_same(&session.whose, &whose));
        });
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<String, Session>)) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut table);
        self.kept(&table);
    }

    fn kept(&self, table: &HashMap<String, Session>) {
        if let Err(error) = self.keep(table) {
            tracing::warn!(%error, "sessions cannot be kept; they end when the server does");
        }
    }

    fn keep(&self, table: &HashMap<String, Session>) -> std::io::Result<()> {
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
        for (hash, Session { whose, begun, used, .. }) in table {
            match whose {
                Whose::Owner => writeln!(file, "{hash} {begun} {used} owner")?,
                Whose::User { name, stamp } => {
                    writeln!(file, "{hash} {begun} {used} user {stamp} {name}")?;
                }
            }
        }
        file.sync_all()?;
        std::fs::rename(&beside, path)
    }
}

/// A hash suffices to recognise a random secret, and gives none away when the file is read.
fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTING: Lasting = Lasting { at_most: 100, unused: 10 };

    #[test]
    fn a_session_ends_when_it_is_old_and_when_it_is_not_used() {
        let session = |begun, used| Session { whose: Whose::Owner, begun, used, noted: used };
        assert!(session(1000, 1095).is_good(LASTING, 1099));
        assert!(!session(1000, 1095).is_good(LASTING, 1100), "however lately it was used");
        assert!(!session(1000, 1000).is_good(LASTING, 1010), "nobody used it");
    }

    #[test]
    fn all_of_one_user_end_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions");
        let lasting = Lasting { at_most: 100_000, unused: 100_000 };
        let user = |name: &str, stamp: &str| Whose::User { name: name.into(), stamp: stamp.into() };
        let sessions = Sessions::load(Some(path.clone()), lasting);
        for (secret, whose) in [
            ("a", user("alice", "1")),
            ("b", user("alice", "2")),
            ("c", user("carl", "1")),
            ("d", Whose::Owner),
        ] {
            sessions.add(secret, whose);
        }
        sessions.remove_all("unknown");
        sessions.remove_all("a");
        for sessions in [sessions, Sessions::load(Some(path), lasting)] {
            assert_eq!((sessions.of("a"), sessions.of("b")), (None, None));
            assert_eq!(sessions.of("c"), Some(user("carl", "1")));
            assert_eq!(sessions.of("d"), Some(Whose::Owner));
        }
    }
}
