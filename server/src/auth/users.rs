//! The file of users: a line each, `NAME:HASH:GROUP,GROUP`, read again when it changes.
//!
//! Passwords are kept as argon2id hashes and as nothing else. Checking one costs tens of
//! milliseconds and 19 MiB on purpose, so no more than two are checked at once, and for a name that
//! is not there the same work is done: an answer's time tells nothing.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest as _, Sha256};

/// Users of one server; who needs more has an issuer of tokens.
const MAX_USERS: usize = 10_000;

/// Characters of a password: fewer can be guessed; more would be work for the asking.
pub const PASSWORD: std::ops::RangeInclusive<usize> = 8..=256;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// The memory in KiB, the passes and the lanes of a hash: the least that OWASP recommends.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// As `$argon2id$v=19$…`.
    pub hash: String,
    pub groups: Vec<String>,
}

impl User {
    /// Changes with the password: sessions that were begun with another end.
    pub fn stamp(&self) -> String {
        let digest = Sha256::digest(&self.hash);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// All users, by name.
pub type Table = BTreeMap<String, User>;

/// The file, as it was read last.
#[derive(Debug)]
pub struct Users {
    path: Option<PathBuf>,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    at: Option<Instant>,
    seen: Option<(u64, u64, i64, i64)>,
    table: Arc<Table>,
}

impl Users {
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, read: Mutex::default() }
    }

    /// The users as they are now. A file that cannot be read or understood lets nobody in, and
    /// that is said: to go on with what it said before would keep letting in who was removed.
    pub fn table(&self) -> Arc<Table> {
        let Some(path) = &self.path else { return Arc::default() };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.at.is_some_and(|at| at.elapsed() < LOOK) {
            return Arc::clone(&read.table);
        }
        read.at = Some(Instant::now());
        let seen = std::fs::metadata(path).ok();
        let seen = seen.map(|file| (file.ino(), file.len(), file.ctime(), file.ctime_nsec()));
        if seen != read.seen {
            read.seen = seen;
            read.table = Arc::new(load(path).unwrap_or_else(|error| {
                tracing::error!("nobody can log in by name: {error:#}");
                Table::new()
            }));
        }
        Arc::clone(&read.table)
    }

    /// Has the next [`Self::table`] look at the file.
    pub fn look(&self) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).at = None;
    }

    /// The user of that name.
    pub fn get(&self, name: &str) -> Option<User> {
        self.table().get(name).cloned()
    }
}

/// Reads the file; one that is not there has no users.
///
/// # Errors
///
/// When it cannot be read or understood, or others may read it.
pub fn load(path: &Path) -> anyhow::Result<Table> {
    if let Err(error) = std::fs::metadata(path)
        && error.kind() == std::io::ErrorKind::NotFound
    {
        return Ok(Table::new());
    }
    let bytes = crate::tls::read_file(path, |mode| crate::tls::kept_secret(path, mode))?;
    let text = String::from_utf8(bytes)
        .with_context(|| format!("the users in `{}` are no text", path.display()))?;
    let mut table = Table::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, user) = parse(line)
            .with_context(|| format!("in line {} of `{}`", index + 1, path.display()))?;
        table.insert(name, user);
        ensure!(table.len() <= MAX_USERS, "`{}` has too many users", path.display());
    }
    Ok(table)
}

fn parse(line: &str) -> anyhow::Result<(String, User)> {
    let mut fields = line.split(':');
    let (name, hash) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let groups = fields.next().unwrap_or_default();
    check_name(name)?;
    ensure!(
        PasswordHash::new(hash).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id"),
        "the hash of `{name}` is none of argon2id; set it by `tailwater user add {name}`"
    );
    let groups: Vec<String> =
        groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect();
    groups.iter().try_for_each(|group| check_name(group))?;
    Ok((name.to_owned(), User { hash: hash.to_owned(), groups }))
}

/// Refuses what is no name of a user or a group.
///
/// # Errors
///
/// What a name may hold.
pub fn check_name(name: &str) -> anyhow::Result<()> {
    let plain = |c: char| c.is_alphanumeric() || "-._@+".contains(c);
    ensure!(
        (1..=64).contains(&name.chars().count()) && name.chars().all(plain),
        "`{}` is no name: up to 64 letters, digits and `-._@+`",
        name.escape_debug()
    );
    Ok(())
}

/// Writes the file whole beside itself and renames it into place, for its owner alone.
///
/// # Errors
///
/// When it cannot be written.
pub fn store(path: &Path, table: &Table) -> anyhow::Result<()> {
    let writing = || format!("cannot write `{}`", path.display());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder).with_context(writing)?;
    }
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .with_context(writing)?;
    for (name, User { hash, groups }) in table {
        writeln!(file, "{name}:{hash}:{}", groups.join(",")).with_context(writing)?;
    }
    // Whom the file belonged to, or else its folder, is who has to read it: a service has a user of
    // its own, and an administrator changes its file.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let owner =
        std::fs::metadata(path).or_else(|_| std::fs::metadata(folder.unwrap_or(Path::new("."))));
    let (owner, own) = (owner.with_context(writing)?, file.metadata().with_context(writing)?);
    if (owner.uid(), owner.gid()) != (own.uid(), own.gid()) && rustix::process::geteuid().is_root()
    {
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))
            .with_context(writing)?;
    }
    file.sync_all().with_context(writing)?;
    std::fs::rename(&beside, path).with_context(writing)
}

/// The hash of a password.
///
/// # Errors
///
/// When it is too short or too long.
pub fn hash(password: &str) -> anyhow::Result<String> {
    ensure!(
        PASSWORD.contains(&password.chars().count()),
        "a password has {} to {} characters",
        PASSWORD.start(),
        PASSWORD.end()
    );
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("{error}"))?;
    let hashed = hasher().hash_password(password.as_bytes(), &salt);
    Ok(hashed
        .map_err(|error| anyhow::anyhow!("the password cannot be hashed: {error}"))?
        .to_string())
}

fn hasher() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password that nobody has.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).ok()?;
    hash(&random.iter().map(|byte| format!("{byte:02x}")).collect::<String>()).ok()
});

/// Whether `password` is that of `user`; as slow when there is no such user.
pub fn verify(user: Option<&User>, password: &str) -> bool {
    let known = user.map(|user| user.hash.as_str()).or(NOBODY.as_deref());
    let Some(Ok(parsed)) = known.map(PasswordHash::new) else { return false };
    let right = password.chars().count() <= *PASSWORD.end()
        && hasher().verify_password(password.as_bytes(), &parsed).is_ok();
    right && user.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_come_back_from_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below/users");
        assert!(load(&path).expect("none yet").is_empty());
        let user =
            User { hash: hash("correct horse").expect("hashed"), groups: vec!["ops".into()] };
        let table = Table::from([("alice".to_owned(), user.clone())]);
        store(&path, &table).expect("kept");
        assert_eq!(load(&path).expect("read"), table);
        assert!(verify(Some(&user), "correct horse"));
        for wrong in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!verify(Some(&user), wrong), "{wrong}");
        }
        assert!(!verify(None, "correct horse"));
        assert!(user.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", user.hash);
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(!text.contains("horse"));
    }

    #[test]
    fn a_file_that_is_not_sound_lets_nobody_in() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users");
        let good = format!("alice:{}:\n", hash("correct horse").expect("hashed"));
        for (text, mode) in [
            (good.clone(), 0o644),
            ("alice:plain:".to_owned(), 0o600),
            ("alice:$1$x$y:".to_owned(), 0o600),
            (good.replace("argon2id", "argon2i"), 0o600),
            (format!("{good}a b:x:"), 0o600),
            (good.replace("alice", ""), 0o600),
        ] {
            std::fs::write(&path, &text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            assert!(load(&path).is_err(), "{mode:o} {text}");
            assert!(Users::new(Some(path.clone())).get("alice").is_none(), "{mode:o} {text}");
        }
    }
}
