//! The real file system, in a folder of its own.
//!
//! Every file stays open to the end, so that no inode number is given out twice within one tick
//! of the clock: what becomes of reused numbers is tried over the file system of memory.

use std::fs::{self, File as StdFile, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tailwater_engine::file::{Absent, File, Identity, Place, Sibling, Stat};
use tailwater_engine::read::ReadAt;

use crate::world::{self, Handle};

pub(crate) struct Disk {
    folder: PathBuf,
    aside: PathBuf,
    open: Vec<StdFile>,
}

impl Disk {
    pub(crate) fn new(folder: &Path) -> Self {
        let (folder, aside) = (folder.join("logs"), folder.join("aside"));
        fs::create_dir(&folder).expect("made");
        Self { folder, aside, open: Vec::new() }
    }
}

impl world::Disk for Disk {
    fn tick(&mut self, _nanos: u64) {}

    // Nobody turns the clock of the machine for a test.
    fn jump(&mut self, _millis: i64) {}

    fn wall(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        now.as_millis() as u64
    }

    fn create(&mut self, name: &str) -> Handle {
        let file = OpenOptions::new().create_new(true).append(true).open(self.folder.join(name));
        self.open.push(file.expect("created"));
        Handle(self.open.len() - 1)
    }

    fn close(&mut self, _handle: Handle) {}

    fn append(&mut self, handle: Handle, bytes: &[u8]) {
        self.open[handle.0].write_all(bytes).expect("written");
    }

    fn write_at(&mut self, handle: Handle, bytes: &[u8], offset: u64) {
        // By a descriptor of its own: the one held appends, wherever it is told to write.
        let link =
            format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.open[handle.0]));
        let file = OpenOptions::new().write(true).open(link).expect("opened");
        file.write_all_at(bytes, offset).expect("written");
    }

    fn cut(&mut self, handle: Handle) {
        self.open[handle.0].set_len(0).expect("cut");
    }

    fn rename(&mut self, from: &str, to: &str) {
        fs::rename(self.folder.join(from), self.folder.join(to)).expect("renamed");
    }

    fn unlink(&mut self, name: &str) {
        fs::remove_file(self.folder.join(name)).expect("removed");
    }

    fn link(&mut self, target: &str, name: &str) {
        let new = self.folder.join("link.new");
        symlink(target, &new).expect("linked");
        fs::rename(new, self.folder.join(name)).expect("swapped");
    }

    fn hard_link(&mut self, file: &str, name: &str) {
        fs::hard_link(self.folder.join(file), self.folder.join(name)).expect("linked");
    }

    fn folder(&mut self, name: &str) {
        fs::create_dir_all(self.folder.join(name)).expect("made");
    }

    fn away(&mut self, away: bool) {
        let (from, to) = (&self.folder, &self.aside);
        let (from, to) = if away { (from, to) } else { (to, from) };
        fs::rename(from, to).expect("moved");
    }

    fn clear(&mut self) {
        fs::remove_dir_all(&self.folder).expect("removed");
        fs::create_dir(&self.folder).expect("made");
    }

    fn identity(&self, handle: Handle) -> Identity {
        stat(&self.open[handle.0].metadata().expect("open")).identity
    }

    fn place(&self, log: &'static str) -> Box<dyn Place> {
        Box::new(DiskPlace { log: self.folder.join(log) })
    }
}

struct DiskPlace {
    log: PathBuf,
}

struct OpenFile(StdFile);

fn absent(error: &io::Error) -> Absent {
    match error.kind() {
        io::ErrorKind::NotFound => Absent::Missing,
        _ => Absent::Failed(error.to_string()),
    }
}

fn stat(metadata: &fs::Metadata) -> Stat {
    let birth = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    let identity = Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        birth: birth.map_or(0, |birth| birth.as_nanos() as u64),
    };
    Stat {
        identity,
        bytes: metadata.size(),
        links: metadata.nlink(),
        written: metadata.mtime() as u64 * 1000 + metadata.mtime_nsec() as u64 / 1_000_000,
        changed: metadata.ctime() as u64 * 1_000_000_000 + metadata.ctime_nsec() as u64,
    }
}

impl DiskPlace {
    /// Where links lead, whether or not anything is there.
    fn target(&self) -> PathBuf {
        let mut path = self.log.clone();
        while let Ok(target) = fs::read_link(&path) {
            path.set_file_name(target);
        }
        path
    }
}

fn open(path: &Path) -> Result<Arc<dyn File>, Absent> {
    let file = StdFile::open(path).map_err(|error| absent(&error))?;
    Ok(Arc::new(OpenFile(file)))
}

impl Place for DiskPlace {
    fn look(&self) -> Result<Stat, Absent> {
        let found = fs::metadata(&self.log).map_err(|error| absent(&error))?;
        Ok(stat(&found))
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        open(&self.log)
    }

    fn siblings(&self) -> Vec<Sibling> {
        let base = self.name();
        let folder = self.target().parent().map(Path::to_owned).unwrap_or_default();
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let named = entries.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let found = entry.metadata().ok()?;
            let beside = name != base && name.starts_with(&base) && found.is_file();
            beside.then(|| Sibling { name, stat: stat(&found) })
        });
        named.collect()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        open(&self.target().with_file_name(name))
    }

    fn name(&self) -> String {
        let name = self.target().file_name().and_then(|name| name.to_str()).map(str::to_owned);
        name.unwrap_or_default()
    }
}

impl ReadAt for OpenFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for OpenFile {
    fn stat(&self) -> io::Result<Stat> {
        self.0.metadata().map(|found| stat(&found))
    }
}
