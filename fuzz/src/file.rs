//! Logs of memory.

use std::io;
use std::sync::Arc;

use tailwater_engine::encoding::Encoding;
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_protocol::{Began, GenerationId};

pub const IDENTITY: Identity = Identity { device: 1, inode: 2, birth: 3 };

/// A hole, and bytes behind it; reads are as short as it says.
pub struct Memory {
    pub hole: u64,
    pub bytes: Vec<u8>,
    pub short: usize,
}

impl Memory {
    pub fn new(bytes: &[u8]) -> Self {
        Self { hole: 0, bytes: bytes.to_vec(), short: usize::MAX }
    }

    fn len(&self) -> u64 {
        self.hole + self.bytes.len() as u64
    }
}

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let len = buf.len().min(self.short.max(1));
        let (buf, _) = buf.split_at_mut(len);
        let blank = self.hole.saturating_sub(offset).min(len as u64) as usize;
        let (hole, rest) = buf.split_at_mut(blank);
        hole.fill(0);
        let at = (offset + blank as u64).saturating_sub(self.hole);
        Ok(blank + if rest.is_empty() { 0 } else { self.bytes.read_at(rest, at)? })
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok((offset < self.len()).then(|| offset.max(self.hole)))
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        Ok(Stat { identity: IDENTITY, bytes: self.len(), links: 1, written: 0, changed: 0 })
    }
}

/// The bytes of `file` from `from` to `bytes`.
pub fn generation(file: Arc<dyn File>, from: u64, bytes: u64) -> Generation {
    let marker = fingerprint_before(file.as_ref(), bytes).expect("in memory");
    Generation {
        id: GenerationId(7),
        file,
        from,
        bytes,
        marker,
        began: Began::Found,
        since: 0,
        name: "log".to_owned(),
        lost: None,
        ended: false,
        unfinished: true,
    }
}

/// All of them, as a log.
pub fn log(bytes: &[u8]) -> History {
    let file: Arc<dyn File> = Arc::new(Memory::new(bytes));
    History::new(vec![generation(file, 0, bytes.len() as u64)])
}

/// How `bytes` are text, by their beginning.
pub fn encoding(bytes: &[u8]) -> Encoding {
    Encoding::of_head(bytes.get(..4).unwrap_or(bytes))
}

/// The lines of `bytes`, with their newlines.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n')
}
