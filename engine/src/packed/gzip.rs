//! Inflating a gzip file step by step, from its start or from a point on the way.
//!
//! Members are read one after another as one text. What follows the last member and is none is
//! passed over, as everybody's gzip does. Checks what it is told to check (a point on the way
//! cannot know the checksum of what came before it), and takes no name or comment from a header.

use crc32fast::Hasher;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress_with_limit};

use super::input::Input;
use super::{Damage, Stop, Went};
use crate::read::ReadAt;

/// What a match may refer back to.
pub(super) const WINDOW: usize = 32 * 1024;

/// Bytes inflated before the window is moved to the front again: a copy of a fifth.
const ROOM: usize = 160 * 1024;

/// How every member begins: two bytes of magic, and the one method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Flags of a header that say what stands between it and the text.
const CHECKED: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// A decoder of gzip.
pub(super) struct Inflate {
    input: Input,
    phase: Phase,
    /// The window, and what was inflated behind it.
    out: Vec<u8>,
    /// Where the next byte goes.
    end: usize,
    checksum: Checksum,
    /// Whether a whole member was read.
    any: bool,
}

enum Phase {
    Header,
    Body(Box<DecompressorOxide>),
    Trailer,
    End,
}

/// What a trailer is held against.
enum Checksum {
    Counted {
        crc: Hasher,
        bytes: u32,
    },
    /// Begun in the middle of a member.
    Unknown,
}

/// What it takes to begin elsewhere than at the start.
#[derive(Clone)]
pub(super) enum State {
    /// The start of a member.
    Member,
    /// Between two blocks of one: the bits of the last byte that are still to be read.
    Border { bits: u8, left: u8 },
    /// Within a block that has no end for too long. Costs its tables, 11 KiB.
    Inside(Box<DecompressorOxide>),
}

impl Inflate {
    /// A decoder at the start of a file of `extent` bytes.
    pub(super) fn new(extent: u64) -> Self {
        Self::resume(0, extent, &State::Member, &[])
    }

    /// A decoder that goes on at `at`, with what was inflated just before.
    pub(super) fn resume(at: u64, extent: u64, state: &State, window: &[u8]) -> Self {
        let mut out = vec![0; WINDOW + ROOM];
        let end = window.len().min(WINDOW);
        if let (Some(to), Some(from)) = (out.get_mut(..end), window.get(window.len() - end..)) {
            to.copy_from_slice(from);
        }
        let phase = match state {
            State::Member => Phase::Header,
            State::Border { bits, left } => {
                let border =
                    BlockBoundaryState { num_bits: *left, bit_buf: *bits, ..Default::default() };
                Phase::Body(Box::new(DecompressorOxide::from_block_boundary_state(&border)))
            }
            State::Inside(inside) => Phase::Body(inside.clone()),
        };
        let input = Input::new(at, extent);
        Self { input, phase, out, end, checksum: Checksum::Unknown, any: at > 0 }
    }

    /// Bytes of the file that were gone through.
    pub(super) fn position(&self) -> u64 {
        self.input.position()
    }

    /// What it takes to go on from here, at a border or anywhere: where, and how.
    pub(super) fn state(&self) -> Option<(u64, State)> {
        let state = match &self.phase {
            Phase::Header => State::Member,
            Phase::Body(body) => match body.block_boundary_state() {
                Some(border) => State::Border { bits: border.bit_buf, left: border.num_bits },
                None => State::Inside(body.clone()),
            },
            Phase::Trailer | Phase::End => return None,
        };
        Some((self.input.position(), state))
    }

    /// The bytes that a match may refer back to from here.
    pub(super) fn window(&self) -> &[u8] {
        if matches!(self.phase, Phase::Header) {
            return &[];
        }
        self.out.get(self.end.saturating_sub(WINDOW)..self.end).unwrap_or_default()
    }

    /// Inflates at most `room` bytes to the end of `sink`.
    pub(super) fn step(
        &mut self,
        file: &dyn ReadAt,
        sink: &mut Vec<u8>,
        room: usize,
    ) -> Result<Went, Stop> {
        match &self.phase {
            Phase::End => Ok(Went::End),
            Phase::Header => self.header(file),
            Phase::Body(_) => self.body(file, sink, room),
            Phase::Trailer => self.trailer(file),
        }
    }

    fn header(&mut self, file: &dyn ReadAt) -> Result<Went, Stop> {
        match self.input.peek::<3>(file)? {
            Some(MAGIC) => {}
            // Behind a whole member, that is somebody's padding.
            _ if self.any || self.input.is_empty(file)? => {
                self.phase = Phase::End;
                return Ok(Went::End);
            }
            None => return Err(Damage::Truncated.into()),
            Some(_) => return Err(Damage::Corrupt.into()),
        }
        let [_, _, _, flags, ..] = self.input.take::<10>(file)?;
        if flags & EXTRA != 0 {
            let len = u16::from_le_bytes(self.input.take::<2>(file)?);
            self.input.skip(file, len.into())?;
        }
        // However long: the bytes are passed over, not kept.
        for _text in 0..(flags & NAME).count_ones() + (flags & COMMENT).count_ones() {
            while self.input.take::<1>(file)? != [0] {}
        }
        if flags & CHECKED != 0 {
            self.input.skip(file, 2)?;
        }
        self.checksum = Checksum::Counted { crc: Hasher::new(), bytes: 0 };
        self.end = 0;
        self.phase = Phase::Body(Box::default());
        Ok(Went::On)
    }

    fn body(&mut self, file: &dyn ReadAt, sink: &mut Vec<u8>, room: usize) -> Result<Went, Stop> {
        let Phase::Body(body) = &mut self.phase else { return Ok(Went::End) };
        if self.end == self.out.len() {
            self.out.copy_within(self.end - WINDOW.., 0);
            self.end = WINDOW;
        }
        let more = self.input.fill(file)?;
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY
            | if more { TINFL_FLAG_HAS_MORE_INPUT } else { 0 };
        let bytes = self.input.bytes();
        let (status, read, written) =
            decompress_with_limit(body, bytes, &mut self.out, self.end, room, flags);
        let idle = read == 0 && written == 0;
        self.input.consume(read);
        let inflated = self.out.get(self.end..self.end + written).unwrap_or_default();
        sink.extend_from_slice(inflated);
        if let Checksum::Counted { crc, bytes } = &mut self.checksum {
            crc.update(inflated);
            *bytes = bytes.wrapping_add(written as u32);
        }
        self.end += written;
        match status {
            TINFLStatus::BlockBoundary => Ok(Went::Border),
            TINFLStatus::Done => {
                self.phase = Phase::Trailer;
                Ok(Went::On)
            }
            TINFLStatus::NeedsMoreInput if more => Ok(Went::On),
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                Err(Damage::Truncated.into())
            }
            TINFLStatus::HasMoreOutput if !idle => Ok(Went::On),
            _ => Err(Damage::Corrupt.into()),
        }
    }

    fn trailer(&mut self, file: &dyn ReadAt) -> Result<Went, Stop> {
        let crc = u32::from_le_bytes(self.input.take::<4>(file)?);
        let len = u32::from_le_bytes(self.input.take::<4>(file)?);
        let sound = match std::mem::replace(&mut self.checksum, Checksum::Unknown) {
            Checksum::Counted { crc: counted, bytes } => counted.finalize() == crc && bytes == len,
            Checksum::Unknown => true,
        };
        self.any = true;
        self.phase = Phase::Header;
        self.end = 0;
        Ok(if sound { Went::Border } else { Went::Unsound })
    }
}
