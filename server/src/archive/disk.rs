//! Where text is put aside that cannot be decoded twice: one file without a name, which ends with
//! the process. What is freed is given back to the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, FallocateFlags, Mode, OFlags, fallocate, openat};
use tailwater_engine::packed::Spool;
use tailwater_engine::read::ReadAt;

struct Disk(File);

/// A spool in `folder`, or else where the system keeps what is temporary.
///
/// # Errors
///
/// The system's, of the latter.
pub(super) fn spool(folder: Option<&Path>) -> io::Result<Arc<dyn Spool>> {
    let nameless = |folder: &Path| -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        Ok(openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR)?.into())
    };
    let file = match folder.map(nameless) {
        Some(Ok(file)) => file,
        Some(Err(_)) | None => nameless(&std::env::temp_dir())?,
    };
    Ok(Arc::new(Disk(file)))
}

impl ReadAt for Disk {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl Spool for Disk {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn free(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.0, hole, offset, bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_is_freed_is_given_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let nameless = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = openat(CWD, folder.path(), nameless, Mode::RUSR | Mode::WUSR).expect("a file");
        let disk = Disk(file.into());
        disk.write_at(&[7; 1 << 20], 0).expect("written");
        disk.0.sync_all().expect("written");
        let before = disk.0.metadata().expect("there").blocks();
        // Where holes cannot be made, that is said, and the room stays taken.
        if disk.free(0, 1 << 20).is_ok() {
            assert!(disk.0.metadata().expect("there").blocks() < before);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0);
    }
}
