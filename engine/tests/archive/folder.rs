//! A folder with a log in it, and a reader of that log.

use std::fs::{self, File as StdFile, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tailwater_engine::archive::record::Record;
use tailwater_engine::archive::{Archive, Shelf};
use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::file::{Absent, File, Identity, Place, Sibling, Stat};
use tailwater_engine::follow::{Follower, Limits, Now};
use tailwater_engine::history::History;
use tailwater_engine::read::ReadAt;

pub(crate) const LOG: &str = "app.log";

/// Lines that no other `life` has.
pub(crate) fn lines(life: u32, count: usize) -> Vec<u8> {
    let line =
        |number| format!("life {life} line {number} {:x}\n", (life as usize + 7) * 7919 * number);
    (0..count).flat_map(|number| line(number).into_bytes()).collect()
}

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    pub(crate) fn append(&self, name: &str, bytes: &[u8]) {
        let file = OpenOptions::new().append(true).create(true).open(self.path(name));
        file.expect("opened").write_all(bytes).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("there")
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    pub(crate) fn gzip(&self, name: &str, text: &[u8]) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).expect("in memory");
        self.write(name, &encoder.finish().expect("in memory"));
    }

    pub(crate) fn zstd(&self, name: &str, text: &[u8]) {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        self.write(name, &ruzstd::encoding::compress_to_vec(text, level));
    }

    /// As gzip does: the plain file goes when the other is there.
    pub(crate) fn compress(&self, name: &str) {
        self.gzip(&format!("{name}.gz"), &self.read(name));
        self.remove(name);
    }

    /// Written so many days after some day.
    pub(crate) fn date(&self, name: &str, days: u64) {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + days * 86_400);
        StdFile::options()
            .append(true)
            .open(self.path(name))
            .expect("there")
            .set_modified(at)
            .expect("dated");
    }

    pub(crate) fn log(&self) -> Log {
        self.log_with(Vec::new())
    }

    pub(crate) fn log_with(&self, records: Vec<Record>) -> Log {
        let place = Arc::new(Beside(self.0.path().to_owned()));
        let shelf = Arc::new(Shelf::new());
        let mut follower = Follower::new(Limits::default());
        follower.remember(records.clone());
        let archive = Archive::new(Arc::clone(&place) as _, Arc::clone(&shelf), records);
        Log { place, shelf, archive, follower, waited: Duration::ZERO }
    }
}

/// What a server does with a log, without the server.
pub(crate) struct Log {
    place: Arc<Beside>,
    pub(crate) shelf: Arc<Shelf>,
    archive: Archive,
    follower: Follower,
    waited: Duration,
}

impl Log {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("later");
        Now { monotonic: self.waited, wall: (wall + self.waited).as_millis() as u64 }
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        self.waited += Duration::from_millis(millis);
    }

    pub(crate) fn look(&mut self) {
        let now = self.now();
        self.follower.reconcile(self.place.as_ref(), now);
    }

    /// Looks at everything, and does what is to be done.
    pub(crate) fn settle(&mut self) {
        self.look();
        let (live, now) = (self.follower.history(), self.now());
        let mut work = self.archive.survey(&live, now).work;
        while work {
            work = self.archive.work(&live, now, 100_000).work;
        }
    }

    pub(crate) fn history(&self) -> History {
        self.archive.past().complete(&self.follower.history())
    }

    /// All of it, as a reader gets it.
    pub(crate) fn text(&self) -> Vec<u8> {
        let history = self.history().sealed();
        let mut cursor = Cursor::at_start();
        let mut text = Vec::new();
        loop {
            match cursor.read(&history, &mut text, 4096).expect("read") {
                Step::Bytes | Step::Turned { .. } | Step::Lost { .. } => {}
                Step::End => return text,
                Step::Doubt => panic!("nothing was changed"),
            }
        }
    }

    /// What is left when the server ends, as it lies on disk.
    pub(crate) fn end(self) -> Vec<Record> {
        let written: Vec<String> = self.archive.records().iter().map(Record::to_string).collect();
        written.iter().map(|line| line.parse().expect("it was written so")).collect()
    }
}

struct Beside(PathBuf);

struct Open(StdFile);

fn stat_of(found: &fs::Metadata) -> Stat {
    let created = found.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let birth = created.map_or(0, |at| at.as_nanos() as u64);
    Stat {
        identity: Identity { device: found.dev(), inode: found.ino(), birth },
        bytes: found.len(),
        links: found.nlink(),
        written: found.mtime() as u64 * 1000 + found.mtime_nsec() as u64 / 1_000_000,
        changed: found.ctime() as u64 * 1_000_000_000 + found.ctime_nsec() as u64,
    }
}

fn absent(error: &io::Error) -> Absent {
    match error.kind() {
        io::ErrorKind::NotFound => Absent::Missing,
        _ => Absent::Failed(error.to_string()),
    }
}

fn open(path: &Path) -> Result<Arc<dyn File>, Absent> {
    Ok(Arc::new(Open(StdFile::open(path).map_err(|error| absent(&error))?)))
}

impl Place for Beside {
    fn look(&self) -> Result<Stat, Absent> {
        fs::metadata(self.0.join(LOG)).map(|found| stat_of(&found)).map_err(|error| absent(&error))
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        open(&self.0.join(LOG))
    }

    fn siblings(&self) -> Vec<Sibling> {
        let entries = fs::read_dir(&self.0).expect("a folder").flatten();
        let siblings = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stat = stat_of(&entry.metadata().ok()?);
            (name != LOG).then_some(Sibling { name, stat })
        });
        siblings.collect()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        open(&self.0.join(name))
    }

    fn name(&self) -> String {
        LOG.to_owned()
    }
}

impl ReadAt for Open {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for Open {
    fn stat(&self) -> io::Result<Stat> {
        Ok(stat_of(&self.0.metadata()?))
    }
}
