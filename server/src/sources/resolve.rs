//! Opening beneath a folder, and nowhere else.
//!
//! The kernel does it (`openat2` with `RESOLVE_BENEATH`), so no `..`, no absolute path and no
//! symbolic link swapped in between can lead out. A link that leads out is followed only when what
//! it leads to lies beneath another folder that was named, and then by the same call from there.
//! No path is ever compared as text to decide that something may be read.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat, statat};

/// Links followed before a chain of them is taken for a loop.
const MAX_HOPS: usize = 8;

/// Tries while names change under the kernel's eyes.
const RENAMES: u32 = 32;

/// A folder that was named.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
}

/// All folders that were named: where a link may lead.
pub type Roots = Arc<[Arc<Root>]>;

/// A path beneath a root.
#[derive(Debug, Clone)]
pub struct Beneath {
    pub root: Arc<Root>,
    pub relative: PathBuf,
}

impl Root {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opened anew each time: a folder that was deleted and made again is another folder.
    fn folder(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(openat(CWD, &self.path, flags, Mode::empty())?)
    }
}

impl Beneath {
    /// Opens it with `flags`, following links that stay beneath `roots`.
    ///
    /// # Errors
    ///
    /// The system's; `EXDEV` when it leads outside of what was named.
    pub fn open(&self, roots: &Roots, flags: OFlags) -> io::Result<File> {
        let mut place = self.clone();
        for _hop in 0..MAX_HOPS {
            let folder = place.root.folder()?;
            match open_beneath(&folder, &place.relative, flags) {
                Err(error) if leads_out(&error) => place = place.behind_link(&folder, roots)?,
                outcome => return outcome,
            }
        }
        Err(rustix::io::Errno::LOOP.into())
    }

    /// What the first link on the way leads to, if that lies beneath one of `roots`. Whatever is
    /// computed here only chooses from where the kernel looks again.
    fn behind_link(&self, folder: &OwnedFd, roots: &Roots) -> io::Result<Self> {
        let outside = || io::Error::from(rustix::io::Errno::XDEV);
        let mut walked = PathBuf::new();
        let mut parts = self.relative.components();
        while let Some(part) = parts.next() {
            let Component::Normal(name) = part else { return Err(outside()) };
            let next = walked.join(name);
            let Ok(target) = readlinkat(folder, &next, Vec::new()) else {
                walked = next;
                continue;
            };
            let target = OsString::from_vec(target.into_bytes());
            let rest = parts.as_path();
            let whole = lexically(&self.root.path.join(&walked).join(target).join(rest));
            return roots
                .iter()
                .find_map(|root| {
                    let relative = whole.strip_prefix(&root.path).ok()?.to_owned();
                    Some(Self { root: Arc::clone(root), relative })
                })
                .ok_or_else(outside);
        }
        Err(outside())
    }
}

/// Whether the kernel refused because the way led out of the folder.
fn leads_out(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::XDEV.raw_os_error())
}

fn open_beneath(folder: &OwnedFd, relative: &Path, flags: OFlags) -> io::Result<File> {
    let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut tries = 0;
    loop {
        tries += 1;
        match openat2(folder, relative, flags | OFlags::CLOEXEC, Mode::empty(), how) {
            Ok(file) => return Ok(File::from(file)),
            // Something was renamed somewhere at that moment, and the kernel could not be sure.
            Err(rustix::io::Errno::AGAIN) if tries < RENAMES => {}
            // Before Linux 5.6, and in some sandboxes.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                return open_without_links(folder, relative, flags);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The same for a kernel without `openat2`: part by part, and no link at all.
fn open_without_links(folder: &OwnedFd, relative: &Path, flags: OFlags) -> io::Result<File> {
    let mut at = rustix::io::dup(folder)?;
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => Path::new(name),
            Component::CurDir => Path::new("."),
            _ => return Err(rustix::io::Errno::XDEV.into()),
        };
        if statat(&at, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
        {
            return Err(rustix::io::Errno::XDEV.into());
        }
        let last = parts.peek().is_none();
        let wanted = if last { flags } else { OFlags::PATH | OFlags::DIRECTORY };
        at = openat(&at, name, wanted | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    }
    Ok(File::from(at))
}

/// `path` without `.` and `..`, by text alone.
fn lexically(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    struct Layout {
        folder: tempfile::TempDir,
        roots: Roots,
    }

    /// Two named folders `a` and `b`, and a secret beside them.
    fn layout() -> Layout {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        for name in ["a/deep", "b", "secret"] {
            std::fs::create_dir_all(path.join(name)).expect("made");
        }
        for name in ["a/log", "a/deep/log", "b/log", "secret/key"] {
            std::fs::write(path.join(name), name).expect("written");
        }
        let root = |name: &str| Arc::new(Root::new(path.join(name)));
        let roots = Roots::from(vec![root("a"), root("b")]);
        Layout { folder, roots }
    }

    impl Layout {
        fn read(&self, relative: &str) -> io::Result<String> {
            let place = Beneath { root: Arc::clone(&self.roots[0]), relative: relative.into() };
            let mut text = String::new();
            place.open(&self.roots, OFlags::RDONLY)?.read_to_string(&mut text)?;
            Ok(text)
        }

        fn link(&self, target: impl AsRef<Path>, name: &str) {
            symlink(target, self.folder.path().join("a").join(name)).expect("linked");
        }
    }

    #[test]
    fn what_lies_beneath_is_opened() {
        let layout = layout();
        layout.link("log", "relative");
        layout.link(layout.folder.path().join("a/deep"), "absolute");
        layout.link(layout.folder.path().join("b/log"), "other-root");
        layout.link("../b/log", "other-root-relative");
        layout.link("other-root", "chain");
        for (name, expected) in [
            ("log", "a/log"),
            ("deep/log", "a/deep/log"),
            ("relative", "a/log"),
            ("absolute/log", "a/deep/log"),
            ("other-root", "b/log"),
            ("other-root-relative", "b/log"),
            ("chain", "b/log"),
        ] {
            assert_eq!(layout.read(name).expect(name), expected);
        }
    }

    #[test]
    fn what_leads_out_is_refused() {
        let layout = layout();
        layout.link("../secret/key", "relative");
        layout.link(layout.folder.path().join("secret/key"), "absolute");
        layout.link(layout.folder.path().join("secret"), "folder");
        layout.link("relative", "chain");
        layout.link("self", "self");
        layout.link("/proc/self/root/etc/passwd", "magic");
        layout.link("/etc/passwd", "passwd");
        for name in [
            "relative",
            "absolute",
            "folder/key",
            "chain",
            "self",
            "magic",
            "passwd",
            "../secret/key",
            "deep/../../secret/key",
            "/etc/passwd",
        ] {
            assert!(layout.read(name).is_err(), "{name}");
        }
    }

    #[test]
    fn without_openat2_no_link_is_followed() {
        let layout = layout();
        layout.link("log", "relative");
        let folder = layout.roots[0].folder().expect("the folder");
        let open = |name: &str| open_without_links(&folder, Path::new(name), OFlags::RDONLY);
        assert!(open("deep/log").is_ok());
        assert!(open("relative").is_err());
        assert!(open("../secret/key").is_err());
    }
}
