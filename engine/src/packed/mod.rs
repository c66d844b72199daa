//! Compressed files, read at any offset as if they were not.
//!
//! A [`Pass`] goes through the file once, in steps, and notes seek points: from where, and with
//! what bytes before it, decoding can begin. Its outcome, [`Packed`], reads at an offset by
//! decoding from the nearest point before, at most a stride. Gzip gets a point every [`STRIDE`];
//! Zstandard, whose decoder cannot be copied, at the start of every frame, and what lies in large
//! frames is put aside in a [`Spool`]. Whoever reads on finds the decoder where it stopped, and
//! pieces read lately are kept, so reading forward costs each byte once, and backward a stride's
//! worth for every stride.
//!
//! Decides by content what a file is, never by its name. Whatever is damaged is readable up to
//! there, and is said to be: bad input is no error. Refuses what would cost without bound: windows
//! above eight megabytes, and text that swells beyond [`RATIO`].

mod gzip;
mod input;
mod pass;
mod pieces;
mod spool;
mod zstd;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tailwater_protocol::Damage;

use crate::encoding::Encoding;
use crate::file::{File, Stat};
use crate::read::{Doubt, ReadAt};

pub use pass::{Outcome, Pass, Stepped};
pub use pieces::Pieces;
pub use spool::Spool;

use pass::Point;
use spool::Aside;

/// Text between two seek points of a file that is not too large for so many: some 6 ms.
pub const STRIDE: u64 = 2 * 1024 * 1024;

/// Seek points of a file: beyond them, the stride is doubled. 4 to 8 KiB each for most logs, 33
/// for those that are noise.
pub const POINTS: usize = 1024;

/// How much larger than the file its text may be, beyond [`FREE`].
pub const RATIO: u64 = 200;

/// Text that may come of any file, however small.
pub const FREE: u64 = 64 * 1024 * 1024;

/// Bytes of text that are decoded and kept together.
const PIECE: u64 = 256 * 1024;

/// Decoders of one file that wait where they stopped: two who read on, and somebody between.
const WAITING: usize = 3;

/// Pieces kept of those that were decoded only because they lay on the way: what somebody who
/// reads backwards comes to next.
const ON_THE_WAY: u64 = STRIDE / PIECE;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Gzip, perhaps of several members.
    Gzip,
    /// Zstandard, perhaps of several frames.
    Zstd,
}

/// What became of a step of decoding.
enum Went {
    /// Something was decoded, or is about to be.
    On,
    /// This is a place to begin from, at little cost.
    Border,
    /// As [`Self::Border`]; but what was decoded until here is not what its checksum says.
    Unsound,
    /// There is nothing more.
    End,
}

/// Why decoding stopped.
enum Stop {
    Failed(io::Error),
    Damaged(Damage),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl Packing {
    /// Bytes to tell it by.
    pub const HEAD: usize = 4;

    /// What a file is that begins with `head`. `None`: nothing that is known here.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// A decoder, of either kind.
enum Decoder {
    Gzip(Box<gzip::Inflate>),
    Zstd(Box<zstd::Frames>),
}

impl Decoder {
    fn new(packing: Packing, extent: u64) -> Self {
        match packing {
            Packing::Gzip => Self::Gzip(Box::new(gzip::Inflate::new(extent))),
            Packing::Zstd => Self::Zstd(Box::new(zstd::Frames::new(0, extent))),
        }
    }

    fn step(&mut self, file: &dyn ReadAt, sink: &mut Vec<u8>, room: usize) -> Result<Went, Stop> {
        match self {
            Self::Gzip(inflate) => inflate.step(file, sink, room),
            Self::Zstd(frames) => frames.step(file, sink, room),
        }
    }
}

/// A compressed file whose text can be read at any offset.
pub struct Packed {
    file: Arc<dyn File>,
    /// The file as it was gone through.
    stat: Stat,
    /// Bytes of text.
    bytes: u64,
    /// The last of them: asked for again and again, to see whether all still stands.
    tail: Vec<u8>,
    points: Vec<Point>,
    /// What they cost.
    reserved: u64,
    aside: Option<Aside>,
    pieces: Arc<Pieces>,
    /// Among those that share the pieces.
    number: u64,
    decoders: Mutex<Decoders>,
    decoded: Condvar,
    /// Asked for again and again, and told by the first bytes.
    encoding: OnceLock<Encoding>,
}

#[derive(Default)]
struct Decoders {
    waiting: Vec<Waiting>,
    /// Pieces that are being decoded by somebody.
    busy: Vec<u64>,
}

/// A decoder that stopped before a piece.
struct Waiting {
    decoder: Decoder,
    piece: u64,
}

impl Packed {
    fn new(file: Arc<dyn File>, stat: Stat, text: pass::Text, pieces: Arc<Pieces>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let pass::Text { bytes, tail, points, reserved, aside } = text;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let decoders = Mutex::default();
        let decoded = Condvar::new();
        Self {
            file,
            stat,
            bytes,
            tail,
            points,
            reserved,
            aside,
            pieces,
            number,
            decoders,
            decoded,
            encoding: OnceLock::new(),
        }
    }

    /// Bytes of text.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of memory that its seek points take.
    pub fn cost(&self) -> u64 {
        self.reserved
    }

    /// A piece of the text, decoded by whoever asks first.
    fn piece(&self, piece: u64) -> io::Result<Arc<[u8]>> {
        let mut decoders = self.decoders();
        loop {
            if let Some(bytes) = self.pieces.get((self.number, piece)) {
                return Ok(bytes);
            }
            if !decoders.busy.contains(&piece) {
                break;
            }
            let waited = self.decoded.wait(decoders);
            decoders = waited.unwrap_or_else(PoisonError::into_inner);
        }
        decoders.busy.push(piece);
        let waiting = take_nearest(&mut decoders.waiting, piece);
        drop(decoders);
        let decoded = self.decode(waiting, piece);
        let mut decoders = self.decoders();
        decoders.busy.retain(|&busy| busy != piece);
        self.decoded.notify_all();
        let (bytes, waiting) = decoded?;
        decoders.waiting.extend(waiting);
        let over = decoders.waiting.len().saturating_sub(WAITING);
        decoders.waiting.drain(..over);
        Ok(bytes)
    }

    /// Decodes a piece, from where a decoder waits or from a seek point.
    fn decode(
        &self,
        waiting: Option<Waiting>,
        piece: u64,
    ) -> io::Result<(Arc<[u8]>, Option<Waiting>)> {
        if let Some(aside) = &self.aside {
            let bytes: Arc<[u8]> = aside.piece(piece)?.into();
            self.pieces.put((self.number, piece), Arc::clone(&bytes));
            return Ok((bytes, None));
        }
        let start = piece * PIECE;
        let after = self.points.partition_point(|point| point.text() <= start);
        let point = self.points.get(..after).and_then(<[Point]>::last);
        let from = point.map_or(0, Point::text);
        let (mut decoder, mut at) = match waiting {
            Some(waiting) if waiting.piece * PIECE >= from => {
                (waiting.decoder, waiting.piece * PIECE)
            }
            _ => match point {
                Some(point) => (point.resume(self.stat.bytes)?, from),
                // The first point is the start; a file has it always.
                None => return Err(Doubt.into()),
            },
        };
        let mut text = Vec::with_capacity(PIECE as usize);
        loop {
            let end = ((at / PIECE + 1) * PIECE).min(self.bytes);
            let whole = at.is_multiple_of(PIECE);
            self.fill(&mut decoder, &mut text, end - at)?;
            if at / PIECE == piece {
                let bytes: Arc<[u8]> = text.into();
                self.pieces.put((self.number, piece), Arc::clone(&bytes));
                return Ok((bytes, Some(Waiting { decoder, piece: piece + 1 })));
            }
            if whole && at / PIECE + ON_THE_WAY >= piece {
                self.pieces.put((self.number, at / PIECE), text.as_slice().into());
            }
            text.clear();
            at = end;
        }
    }

    /// Decodes so many bytes, which the pass has seen to be there.
    fn fill(&self, decoder: &mut Decoder, text: &mut Vec<u8>, bytes: u64) -> io::Result<()> {
        while (text.len() as u64) < bytes {
            let room = bytes as usize - text.len();
            match decoder.step(self.file.as_ref(), text, room) {
                Ok(Went::On | Went::Border | Went::Unsound) => {}
                Err(Stop::Failed(error)) => return Err(error),
                // Where the damage begins, the last good bytes come along with it.
                Err(Stop::Damaged(_)) if text.len() as u64 == bytes => {}
                Ok(Went::End) | Err(Stop::Damaged(_)) => return Err(Doubt.into()),
            }
        }
        Ok(())
    }

    fn decoders(&self) -> MutexGuard<'_, Decoders> {
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the text is read from memory, and so a look at the file stands for it.
    fn read_tail(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let stat = self.file.stat()?;
        let key = |stat: &Stat| (stat.identity, stat.bytes, stat.written);
        if key(&stat) != key(&self.stat) {
            return Err(Doubt.into());
        }
        self.tail.read_at(buf, offset)
    }
}

/// Of the decoders that wait before `piece`, the nearest, no longer waiting.
fn take_nearest(waiting: &mut Vec<Waiting>, piece: u64) -> Option<Waiting> {
    let before = waiting.iter().enumerate().filter(|(_, waiting)| waiting.piece <= piece);
    let (index, _) = before.max_by_key(|(_, waiting)| waiting.piece)?;
    Some(waiting.remove(index))
}

impl ReadAt for Packed {
    fn encoding(&self) -> Encoding {
        *self.encoding.get_or_init(|| Encoding::read(self))
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if buf.is_empty() || offset >= self.bytes {
            return Ok(0);
        }
        let tail = self.bytes - self.tail.len() as u64;
        if offset >= tail {
            return self.read_tail(buf, offset - tail);
        }
        let piece = self.piece(offset / PIECE)?;
        piece.as_ref().read_at(buf, offset % PIECE)
    }
}

impl File for Packed {
    fn stat(&self) -> io::Result<Stat> {
        Ok(Stat { bytes: self.bytes, ..self.file.stat()? })
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        self.pieces.forget(self.number, self.reserved);
    }
}
