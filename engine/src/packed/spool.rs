//! Text of files whose decoder cannot be stopped and copied: put aside in pieces while it is gone
//! through, to be read again from there.
//!
//! A frame of Zstandard can be decoded from its start alone, and most files are one frame; to look
//! at their end, or to count them from there, would mean to decode all of it again and again. The
//! pieces are packed lightly, at the cost of some 8 ms a MiB in the pass and a fifth of the text
//! on disk. What disk there is, the outer crate says.

use std::io;
use std::sync::Arc;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::{PIECE, Pieces};
use crate::read::{Doubt, ReadAt, read_exact_at};

/// How hard a piece is packed.
const LEVEL: u8 = 1;

/// Somewhere to put bytes and read them again, for as long as the process lives.
pub trait Spool: ReadAt {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// The system's.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// What stands there will not be read again.
    ///
    /// # Errors
    ///
    /// The system's: then it still takes room.
    fn free(&self, offset: u64, bytes: u64) -> io::Result<()>;
}

/// The text of one file, put aside.
pub(super) struct Aside {
    pieces: Arc<Pieces>,
    spool: Arc<dyn Spool>,
    /// Where each piece lies, packed.
    places: Vec<(u64, u32)>,
    /// The beginning of the next.
    begun: Vec<u8>,
}

impl Aside {
    pub(super) fn new(pieces: Arc<Pieces>) -> Option<Self> {
        let spool = pieces.spool()?;
        Some(Self { pieces, spool, places: Vec::new(), begun: Vec::new() })
    }

    /// Puts the next bytes of the text aside.
    ///
    /// # Errors
    ///
    /// The system's; when there is no room.
    pub(super) fn put(&mut self, text: &[u8]) -> io::Result<()> {
        self.begun.extend_from_slice(text);
        while self.begun.len() >= PIECE as usize {
            let rest = self.begun.split_off(PIECE as usize);
            self.end_piece()?;
            self.begun = rest;
        }
        Ok(())
    }

    /// That was all of it.
    ///
    /// # Errors
    ///
    /// As [`Self::put`].
    pub(super) fn end_piece(&mut self) -> io::Result<()> {
        if self.begun.is_empty() {
            return Ok(());
        }
        let packed = compress_to_vec(&self.begun, LEVEL);
        let at = self.pieces.room(packed.len() as u64).ok_or(io::ErrorKind::StorageFull)?;
        self.places.push((at, packed.len() as u32));
        self.begun.clear();
        self.spool.write_at(&packed, at)
    }

    /// A piece of the text.
    pub(super) fn piece(&self, piece: u64) -> io::Result<Vec<u8>> {
        let &(at, len) = self.places.get(piece as usize).ok_or(Doubt)?;
        let mut packed = vec![0; len as usize];
        read_exact_at(self.spool.as_ref(), &mut packed, at)?;
        let text = decompress_to_vec_with_limit(&packed, PIECE as usize);
        text.map_err(|_| io::Error::from(Doubt))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        for &(at, len) in &self.places {
            if self.spool.free(at, len.into()).is_ok() {
                self.pieces.freed(len.into());
            }
        }
    }
}
