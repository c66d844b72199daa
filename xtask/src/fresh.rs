//! Whether something made earlier can stay: a stamp holds a digest of all that it was made from.
//! Times of files are not looked at, so a fresh clone or a touched file redoes nothing needlessly.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// A digest of named inputs.
pub(crate) struct Inputs(Sha256);

impl Inputs {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds one input. The lengths keep neighbours apart.
    pub(crate) fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), content.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    pub(crate) fn digest(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A file that says from what its neighbours were made.
pub(crate) struct Stamp {
    path: PathBuf,
    digest: String,
}

impl Stamp {
    pub(crate) fn new(path: PathBuf, inputs: Inputs) -> Self {
        Self { path, digest: inputs.digest() }
    }

    /// Whether everything in `made` is there and was made from the same inputs.
    pub(crate) fn is_fresh(&self, made: &[PathBuf]) -> bool {
        made.iter().all(|file| file.exists())
            && fs::read_to_string(&self.path).is_ok_and(|digest| digest == self.digest)
    }

    /// To be called before work begins: half-made files must not pass for fresh ones.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn set(&self) -> anyhow::Result<()> {
        write(&self.path, self.digest.as_bytes())
    }
}

/// Writes a file, and the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_fresh_for_the_same_inputs_and_present_files_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = [folder.path().join("made")];
        let stamp = |content: &str| {
            Stamp::new(folder.path().join("stamp"), Inputs::new().with("input", content))
        };
        fs::write(&made[0], "m").expect("written");
        assert!(!stamp("a").is_fresh(&made), "never set");
        stamp("a").set().expect("set");
        assert!(stamp("a").is_fresh(&made));
        assert!(!stamp("b").is_fresh(&made), "another input");
        fs::remove_file(&made[0]).expect("removed");
        assert!(!stamp("a").is_fresh(&made), "what was made is gone");
        fs::write(&made[0], "m").expect("written");
        stamp("a").clear().expect("cleared");
        assert!(!stamp("a").is_fresh(&made), "work has begun");
        stamp("a").clear().expect("twice does no harm");
    }

    #[test]
    fn neighbouring_inputs_are_kept_apart() {
        let one = Inputs::new().with("ab", "c").digest();
        let other = Inputs::new().with("a", "bc").digest();
        assert_ne!(one, other);
    }
}
