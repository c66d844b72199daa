//! Decoded text of compressed files, kept for a while, and the account of what their seek points
//! cost: one bound for all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::spool::Spool;

/// Bytes of text kept: sixteen screens being scrolled through, each with what lies around it.
const TEXT: u64 = 32 * 1024 * 1024;

/// Bytes that all seek points together may take: what some 20 GB of compressible text need.
/// Beyond, the points of files that come later lie further apart.
const POINTS: u64 = 48 * 1024 * 1024;

/// Bytes that texts put aside may take, packed: some 10 GB of logs.
const ASIDE: u64 = 2 * 1024 * 1024 * 1024;

/// A file's number and a piece's.
type Key = (u64, u64);

/// What compressed files share.
#[derive(Default)]
pub struct Pieces {
    kept: Mutex<Kept>,
    spool: Option<Arc<dyn Spool>>,
}

#[derive(Default)]
struct Kept {
    pieces: HashMap<Key, (u64, Arc<[u8]>)>,
    bytes: u64,
    clock: u64,
    points: u64,
    /// Bytes put aside, and where the next go.
    aside: u64,
    aside_end: u64,
}

impl Pieces {
    /// Nothing kept.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing kept, and somewhere to put texts aside.
    pub fn with_spool(spool: Arc<dyn Spool>) -> Self {
        Self { spool: Some(spool), ..Self::default() }
    }

    pub(super) fn spool(&self) -> Option<Arc<dyn Spool>> {
        self.spool.clone()
    }

    /// Room for so many bytes put aside: where. What is freed is given back to the disk, and its
    /// offsets are not used again.
    pub(super) fn room(&self, bytes: u64) -> Option<u64> {
        let mut kept = self.kept();
        if kept.aside + bytes > ASIDE {
            return None;
        }
        kept.aside += bytes;
        let at = kept.aside_end;
        kept.aside_end += bytes;
        Some(at)
    }

    /// So many bytes put aside were freed.
    pub(super) fn freed(&self, bytes: u64) {
        let mut kept = self.kept();
        kept.aside = kept.aside.saturating_sub(bytes);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<[u8]>> {
        let mut kept = self.kept();
        kept.clock += 1;
        let now = kept.clock;
        let (used, piece) = kept.pieces.get_mut(&key)?;
        *used = now;
        Some(Arc::clone(piece))
    }

    /// Keeps `piece`, at the expense of those that were not asked for longest.
    pub(super) fn put(&self, key: Key, piece: Arc<[u8]>) {
        let mut kept = self.kept();
        kept.clock += 1;
        let now = kept.clock;
        kept.bytes += piece.len() as u64;
        if let Some((_, before)) = kept.pieces.insert(key, (now, piece)) {
            kept.bytes -= before.len() as u64;
        }
        while kept.bytes > TEXT {
            // There are some hundred: to look through them costs less than to keep them in order.
            let oldest = kept.pieces.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            if let Some((_, piece)) = kept.pieces.remove(&oldest) {
                kept.bytes -= piece.len() as u64;
            }
        }
    }

    /// Takes so many bytes for seek points, if they are to be had.
    pub(super) fn reserve(&self, bytes: u64) -> bool {
        let mut kept = self.kept();
        let fits = kept.points + bytes <= POINTS;
        if fits {
            kept.points += bytes;
        }
        fits
    }

    /// Gives back what was reserved.
    pub(super) fn release(&self, bytes: u64) {
        let mut kept = self.kept();
        kept.points = kept.points.saturating_sub(bytes);
    }

    /// A file is gone, and so are its pieces and the points it had.
    pub(super) fn forget(&self, number: u64, points: u64) {
        let mut kept = self.kept();
        let mut freed = 0;
        kept.pieces.retain(|key, (_, piece)| {
            let other = key.0 != number;
            freed += if other { 0 } else { piece.len() as u64 };
            other
        });
        kept.bytes -= freed;
        kept.points = kept.points.saturating_sub(points);
    }
}
