//! Where one log lies, and how it is opened: what the engine follows and reads.
//!
//! Opens for reading only, never blocks on a FIFO, never becomes a terminal's owner, and takes
//! nothing but regular files; the check is made on the descriptor that was opened.

use std::fs::File as StdFile;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, SeekFrom, StatxFlags, openat, seek, statx};
use tailwater_engine::archive::name::age;
use tailwater_engine::file::{Absent, File, Identity, Place, Sibling, Stat};
use tailwater_engine::read::ReadAt;

use super::resolve::{Beneath, Roots};

/// Siblings (`app.log.1`, …) looked at: a folder with more holds something else.
const MAX_SIBLINGS: usize = 256;

/// Reading without waiting for a writer, and without side effects.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The place of one log.
#[derive(Debug, Clone)]
pub struct FilePlace {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    /// The user named this very file: links are followed wherever they lead.
    Named(PathBuf),
    /// Found in a folder or by a pattern: opened beneath what was named.
    Beneath(Beneath, Roots),
}

impl PartialEq for FilePlace {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

impl FilePlace {
    /// A file that was named itself.
    pub fn named(path: PathBuf) -> Self {
        Self { way: Way::Named(path) }
    }

    /// A file that was found beneath a root.
    pub fn beneath(beneath: Beneath, roots: Roots) -> Self {
        Self { way: Way::Beneath(beneath, roots) }
    }

    /// Its path, to be watched and to be shown to the operator on the terminal; never on a page.
    pub fn path(&self) -> PathBuf {
        match &self.way {
            Way::Named(path) => path.clone(),
            Way::Beneath(beneath, _) => beneath.root.path().join(&beneath.relative),
        }
    }

    /// Where the log lies in truth, when links led there.
    pub fn target(&self) -> Option<PathBuf> {
        let file = self.open_with(OFlags::PATH).ok()?;
        std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
    }

    fn open_with(&self, flags: OFlags) -> io::Result<StdFile> {
        match &self.way {
            Way::Named(path) => Ok(openat(CWD, path, flags, Mode::empty())?.into()),
            Way::Beneath(beneath, roots) => beneath.open(roots, flags),
        }
    }

    /// The folder and the name beside which earlier generations lie: of the target for a file
    /// that was named through a link, as rotation happens there.
    fn beside(&self) -> Option<(Self, String)> {
        let of =
            |path: &Path| Some((path.parent()?.to_owned(), path.file_name()?.to_str()?.to_owned()));
        match &self.way {
            Way::Named(path) => {
                let (folder, name) = self.target().as_deref().and_then(of).or_else(|| of(path))?;
                let name = name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned();
                Some((Self::named(folder), name))
            }
            Way::Beneath(beneath, roots) => {
                let (relative, name) = of(&beneath.relative)?;
                let folder = Beneath { root: Arc::clone(&beneath.root), relative };
                Some((Self::beneath(folder, Arc::clone(roots)), name))
            }
        }
    }

    /// What an error of the system means here.
    fn absent(&self, error: &io::Error) -> Absent {
        use rustix::io::Errno;
        match Errno::from_io_error(error) {
            Some(Errno::NOENT | Errno::NOTDIR) => Absent::Missing,
            Some(Errno::ACCESS | Errno::PERM) => {
                Absent::Forbidden { reason: "permission denied".to_owned(), remedy: self.remedy() }
            }
            Some(Errno::XDEV | Errno::LOOP) => Absent::Forbidden {
                reason: "the link leads outside of what was named".to_owned(),
                remedy: "name what it leads to as a source of its own".to_owned(),
            },
            _ => Absent::Failed(error.to_string()),
        }
    }

    /// The command that lets this process read the log: by group when that would do.
    fn remedy(&self) -> String {
        use std::os::unix::fs::MetadataExt as _;
        let path = self.path();
        let quoted = path.display();
        match std::fs::metadata(&path) {
            Ok(found) if found.mode() & 0o040 != 0 => match group_name(found.gid()) {
                Some(group) => format!("sudo usermod -aG {group} \"$USER\"   # then log in again"),
                None => format!("sudo setfacl -m u:\"$USER\":r {quoted}"),
            },
            Ok(_) => format!("sudo setfacl -m u:\"$USER\":r {quoted}"),
            Err(_) => {
                let folder = path.parent().unwrap_or(&path).display().to_string();
                format!("sudo setfacl -m u:\"$USER\":x {folder}")
            }
        }
    }
}

/// The name of a group in `/etc/group`.
fn group_name(gid: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

impl Place for FilePlace {
    fn look(&self) -> Result<Stat, Absent> {
        let file =
            self.open_with(OFlags::PATH | OFlags::CLOEXEC).map_err(|error| self.absent(&error))?;
        let (stat, kind) = stat_of(&file).map_err(|error| self.absent(&error))?;
        regular(kind)?;
        Ok(stat)
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        let file = self.open_with(READ).map_err(|error| self.absent(&error))?;
        let (_, kind) = stat_of(&file).map_err(|error| self.absent(&error))?;
        regular(kind)?;
        Ok(Arc::new(OpenFile(file)))
    }

    fn siblings(&self) -> Vec<Sibling> {
        let Some((folder, base)) = self.beside() else { return Vec::new() };
        let Ok(folder) = folder.open_with(OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)
        else {
            return Vec::new();
        };
        let Ok(entries) = rustix::fs::Dir::read_from(&folder) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| {
            let name =
                std::ffi::OsStr::from_bytes(entry.file_name().to_bytes()).to_str()?.to_owned();
            (name != base && is_beside(&base, &name)).then_some(name)
        });
        let stats = names.take(MAX_SIBLINGS).filter_map(|name| {
            let stat = statx(&folder, &name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::ALL).ok()?;
            let (stat, kind) = stat_from(&stat);
            (kind == FileType::RegularFile).then_some(Sibling { name, stat })
        });
        stats.collect()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        let (folder, base) = self.beside().ok_or(Absent::Missing)?;
        // A sibling is readable as a generation of this log and as nothing else.
        if name.contains('/') || !is_beside(&base, name) {
            return Err(Absent::Missing);
        }
        let open = || -> io::Result<StdFile> {
            let folder = folder.open_with(OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
            Ok(openat(&folder, name, READ | OFlags::NOFOLLOW, Mode::empty())?.into())
        };
        let file = open().map_err(|error| self.absent(&error))?;
        let (_, kind) = stat_of(&file).map_err(|error| self.absent(&error))?;
        regular(kind)?;
        Ok(Arc::new(OpenFile(file)))
    }

    fn name(&self) -> String {
        let path = self.path();
        let path = if path.is_symlink() { self.target().unwrap_or(path) } else { path };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_default()
    }
}

/// Whether a file of that name belongs to the log `base`, as far as names go.
fn is_beside(base: &str, name: &str) -> bool {
    name.starts_with(base) || age(base, name).is_some()
}

fn regular(kind: FileType) -> Result<(), Absent> {
    let what = match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "a directory",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "no regular file",
    };
    let remedy = "only regular files are read".to_owned();
    Err(Absent::Forbidden { reason: format!("it is {what}"), remedy })
}

/// An open log. Positioned reads only: the descriptor's own offset is nobody's, and memory is
/// never mapped, since a truncated log would then kill the process.
#[derive(Debug)]
struct OpenFile(StdFile);

impl ReadAt for OpenFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        use rustix::io::Errno;
        match seek(&self.0, SeekFrom::Data(offset)) {
            Ok(data) => Ok(Some(data)),
            Err(Errno::NXIO) => Ok(None),
            // A file system that knows no holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(offset)),
            Err(error) => Err(error.into()),
        }
    }
}

impl File for OpenFile {
    fn stat(&self) -> io::Result<Stat> {
        stat_of(&self.0).map(|(stat, _)| stat)
    }
}

fn stat_of(file: &StdFile) -> io::Result<(Stat, FileType)> {
    let stat = statx(file.as_fd(), c"", AtFlags::EMPTY_PATH, StatxFlags::ALL)?;
    Ok(stat_from(&stat))
}

/// What an open file is recognised by.
pub(crate) fn identity_of(file: &StdFile) -> io::Result<Identity> {
    stat_of(file).map(|(stat, _)| stat.identity)
}

fn stat_from(stat: &rustix::fs::Statx) -> (Stat, FileType) {
    let nanos = |time: rustix::fs::StatxTimestamp| {
        (time.tv_sec.max(0) as u64)
            .saturating_mul(1_000_000_000)
            .saturating_add(time.tv_nsec.into())
    };
    let identity = Identity {
        device: (u64::from(stat.stx_dev_major) << 32) | u64::from(stat.stx_dev_minor),
        inode: stat.stx_ino,
        // A number that is reused gets another time of birth.
        birth: nanos(stat.stx_btime),
    };
    let told = Stat {
        identity,
        bytes: stat.stx_size,
        links: stat.stx_nlink.into(),
        written: nanos(stat.stx_mtime) / 1_000_000,
        changed: nanos(stat.stx_ctime),
    };
    (told, FileType::from_raw_mode(stat.stx_mode.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_are_logs() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a FIFO");
        for (path, reason) in [
            (fifo.as_path(), "FIFO"),
            (folder.path(), "directory"),
            (Path::new("/dev/zero"), "device"),
        ] {
            let place = FilePlace::named(path.to_owned());
            for refused in [place.look().err(), place.open().err()] {
                let Some(Absent::Forbidden { reason: said, .. }) = refused else {
                    panic!("{path:?}")
                };
                assert!(said.contains(reason), "{said}");
            }
        }
        assert!(matches!(FilePlace::named(folder.path().join("x")).look(), Err(Absent::Missing)));
    }

    #[test]
    fn siblings_lie_beside_the_target_and_open_by_name_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in [
            "real/app.log",
            "real/app.log.1",
            "real/app-2026-11-20.log.gz",
            "real/app-other.log",
            "real/other",
            "app.log.secret",
        ] {
            std::fs::create_dir_all(at(name).parent().expect("a parent")).expect("made");
            std::fs::write(at(name), name).expect("written");
        }
        symlink("real/app.log", at("app.log")).expect("linked");
        let place = FilePlace::named(at("app.log"));
        let siblings = place.siblings().into_iter().map(|sibling| sibling.name);
        let mut names: Vec<String> = siblings.collect();
        names.sort();
        assert_eq!(names, ["app-2026-11-20.log.gz", "app.log.1"]);
        assert!(place.open_sibling("app.log.1").is_ok());
        for name in ["other", "app.log/../other", "app-other.log", "../app.log.secret", "app.log.2"]
        {
            assert!(place.open_sibling(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_hole_is_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sparse");
        let file = StdFile::create(&path).expect("made");
        file.set_len(1 << 30).expect("grown");
        file.write_all_at(b"end", 1 << 30).expect("written");
        let open = FilePlace::named(path).open().expect("opened");
        let data = open.next_data(0).expect("looked").expect("some");
        assert!(data > (1 << 29), "data at {data}");
    }
}
