//! The one pass through a compressed file: how much text it holds, whether it is sound, and the
//! points from which to decode it again.
//!
//! Goes in steps, so that whoever makes it can stop between two. Keeps nothing of the text but its
//! ends.

use std::io;
use std::mem;
use std::sync::Arc;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use tailwater_protocol::Fingerprint;

use super::gzip::{Inflate, State, WINDOW};
use super::spool::Aside;
use super::zstd::Frames;
use super::{Damage, Decoder, FREE, POINTS, Packed, Packing, Pieces, RATIO, STRIDE, Stop, Went};
use crate::file::{File, Stat};
use crate::read::Doubt;

/// Bytes decoded at once.
const ROOM: usize = 256 * 1024;

/// How hard a window is packed: it is done once, and in the time of the pass.
const LEVEL: u8 = 1;

/// Bytes of the text's end that are kept.
const TAIL: usize = Fingerprint::REACH as usize;

/// A pass under way.
pub struct Pass {
    file: Arc<dyn File>,
    stat: Stat,
    decoder: Decoder,
    pieces: Arc<Pieces>,
    text: Text,
    stride: u64,
    buffer: Vec<u8>,
    damage: Option<Damage>,
    ended: bool,
    /// The most text between two points.
    widest: u64,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// There is more.
    More,
    /// All was gone through, or as far as it goes.
    Done,
}

/// What came of a pass.
pub struct Outcome {
    /// The file, to be read at any offset, as far as it is sound.
    pub packed: Packed,
    /// What is wrong with it.
    pub damage: Option<Damage>,
}

/// What a pass finds out.
#[derive(Default)]
pub(super) struct Text {
    pub(super) bytes: u64,
    pub(super) tail: Vec<u8>,
    pub(super) points: Vec<Point>,
    /// Bytes reserved for them.
    pub(super) reserved: u64,
    /// All of it, put aside where points are too far apart.
    pub(super) aside: Option<Aside>,
}

/// Where decoding can begin.
pub(super) struct Point {
    /// Bytes of text before it.
    text: u64,
    /// Bytes of the file before it.
    at: u64,
    state: From,
    /// The text just before, packed.
    window: Box<[u8]>,
}

enum From {
    Gzip(State),
    Zstd,
}

impl Point {
    pub(super) fn text(&self) -> u64 {
        self.text
    }

    pub(super) fn cost(&self) -> u64 {
        let inside = match &self.state {
            From::Gzip(State::Inside(inside)) => size_of_val(inside.as_ref()),
            From::Gzip(_) | From::Zstd => 0,
        };
        (size_of::<Self>() + self.window.len() + inside) as u64
    }

    pub(super) fn resume(&self, extent: u64) -> io::Result<Decoder> {
        Ok(match &self.state {
            From::Gzip(state) => {
                let window = match self.window.as_ref() {
                    [] => Vec::new(),
                    // Packed here, it can be unpacked.
                    packed => decompress_to_vec_with_limit(packed, WINDOW)
                        .map_err(|_| io::Error::from(Doubt))?,
                };
                Decoder::Gzip(Box::new(Inflate::resume(self.at, extent, state, &window)))
            }
            From::Zstd => Decoder::Zstd(Box::new(Frames::new(self.at, extent))),
        })
    }
}

impl Pass {
    /// A pass through `file`, which is packed like that, with what it shares with others.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn new(file: Arc<dyn File>, packing: Packing, pieces: Arc<Pieces>) -> io::Result<Self> {
        let stat = file.stat()?;
        let first = match packing {
            Packing::Gzip => From::Gzip(State::Member),
            Packing::Zstd => From::Zstd,
        };
        let aside = match packing {
            Packing::Gzip => None,
            Packing::Zstd => Aside::new(Arc::clone(&pieces)),
        };
        let first = Point { text: 0, at: 0, state: first, window: Box::default() };
        Ok(Self {
            file,
            stat,
            decoder: Decoder::new(packing, stat.bytes),
            pieces,
            text: Text { points: vec![first], aside, ..Text::default() },
            stride: STRIDE,
            buffer: Vec::with_capacity(ROOM),
            damage: None,
            ended: false,
            widest: 0,
        })
    }

    /// Bytes of the file that were gone through, and all.
    pub fn progress(&self) -> (u64, u64) {
        (self.decoder.position(), self.stat.bytes)
    }

    /// Goes through about `budget` bytes of text, or of the file.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`] when the file is shorter than it was.
    pub fn step(&mut self, budget: u64) -> io::Result<Stepped> {
        let (text, file) = (self.text.bytes, self.decoder.position());
        // Members and frames that hold nothing cost as well.
        while self.text.bytes - text < budget && self.decoder.position() - file <= budget {
            if self.ended {
                return Ok(Stepped::Done);
            }
            self.buffer.clear();
            let went = self.decoder.step(self.file.as_ref(), &mut self.buffer, ROOM);
            self.take();
            match went {
                Ok(Went::On) => self.mark(2 * self.stride),
                Ok(Went::Border) => self.mark(self.stride),
                Ok(Went::Unsound) => self.damage = Some(Damage::Checksum),
                Ok(Went::End) => self.ended = true,
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Damaged(damage)) => self.end_by(damage),
            }
            let far = self.text.bytes - self.text.points.last().map_or(0, Point::text);
            self.widest = self.widest.max(far);
            if far > FREE && self.text.aside.is_none() && matches!(self.decoder, Decoder::Zstd(_)) {
                self.end_by(Damage::Room);
            }
            if self.text.bytes > FREE && self.text.bytes / RATIO > self.decoder.position() {
                self.end_by(Damage::Ratio);
            }
        }
        Ok(Stepped::More)
    }

    /// What came of it; to be asked for when all is done.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`] when the file was changed meanwhile.
    pub fn finish(mut self) -> io::Result<Outcome> {
        let now = self.file.stat()?;
        if (now.identity, now.bytes, now.written)
            != (self.stat.identity, self.stat.bytes, self.stat.written)
        {
            return Err(Doubt.into());
        }
        let (file, pieces) = (Arc::clone(&self.file), Arc::clone(&self.pieces));
        if let Some(aside) = &mut self.text.aside
            && (self.widest <= 2 * STRIDE || aside.end_piece().is_err())
        {
            // To decode it again costs no more than to read it.
            self.text.aside = None;
        }
        let text = mem::take(&mut self.text);
        Ok(Outcome { packed: Packed::new(file, self.stat, text, pieces), damage: self.damage })
    }

    fn end_by(&mut self, damage: Damage) {
        self.ended = true;
        self.damage = Some(damage);
    }

    /// Takes note of what was decoded.
    fn take(&mut self) {
        let text = &mut self.text;
        text.bytes += self.buffer.len() as u64;
        let new = self.buffer.len().saturating_sub(TAIL);
        text.tail.extend_from_slice(self.buffer.get(new..).unwrap_or_default());
        text.tail.drain(..text.tail.len().saturating_sub(TAIL));
        if text.aside.as_mut().is_some_and(|aside| aside.put(&self.buffer).is_err()) {
            text.aside = None;
        }
    }

    /// Makes this place a seek point, if the last lies so many bytes back.
    fn mark(&mut self, distance: u64) {
        let last = self.text.points.last().map_or(0, Point::text);
        if self.text.bytes - last < distance {
            return;
        }
        let Some(point) = self.decoder.point(self.text.bytes) else { return };
        while self.text.points.len() >= POINTS || !self.pieces.reserve(point.cost()) {
            if self.text.points.len() <= 1 {
                return;
            }
            self.thin();
        }
        self.text.reserved += point.cost();
        self.text.points.push(point);
    }

    /// Lets go of every second point, and makes as few from now on. The first stays.
    fn thin(&mut self) {
        let mut index = 0;
        let mut freed = 0;
        self.text.points.retain(|point| {
            let kept = index % 2 == 0;
            freed += if kept { 0 } else { point.cost() };
            index += 1;
            kept
        });
        self.text.reserved -= freed;
        self.pieces.release(freed);
        self.stride *= 2;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.pieces.release(self.text.reserved);
    }
}

impl Decoder {
    fn position(&self) -> u64 {
        match self {
            Self::Gzip(inflate) => inflate.position(),
            Self::Zstd(frames) => frames.position(),
        }
    }

    /// A point here, behind so many bytes of text, if decoding can begin here.
    fn point(&self, text: u64) -> Option<Point> {
        let (at, state, window) = match self {
            Self::Gzip(inflate) => {
                let (at, state) = inflate.state()?;
                (at, From::Gzip(state), compress_to_vec(inflate.window(), LEVEL).into())
            }
            Self::Zstd(frames) => (frames.start()?, From::Zstd, Box::default()),
        };
        Some(Point { text, at, state, window })
    }
}
