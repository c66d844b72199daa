//! Decoding a Zstandard file step by step, from the start of any of its frames.
//!
//! A frame's window is bounded: whoever packed with a larger one is told so rather than given the
//! memory. Frames that need a dictionary cannot be read.

use std::io::{self, Read};

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::input::Input;
use super::{Damage, Stop, Went};
use crate::read::ReadAt;

/// What a frame may refer back to: what every level short of the ultra ones needs.
const WINDOW: u64 = 8 * 1024 * 1024;

const MAGIC: u32 = 0xfd2f_b528;

/// Sixteen numbers from here on begin frames that are to be skipped.
const SKIPPED: u32 = 0x184d_2a50;

/// A decoder of Zstandard.
pub(super) struct Frames {
    input: Input,
    decoder: FrameDecoder,
    phase: Phase,
    any: bool,
}

enum Phase {
    Header,
    Blocks,
    End,
}

impl Frames {
    /// A decoder at `at`, the start of a frame.
    pub(super) fn new(at: u64, extent: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        let input = Input::new(at, extent);
        Self { input, decoder, phase: Phase::Header, any: at > 0 }
    }

    /// Bytes of the file that were gone through.
    pub(super) fn position(&self) -> u64 {
        self.input.position()
    }

    /// Where a frame starts, if this is between two.
    pub(super) fn start(&self) -> Option<u64> {
        matches!(self.phase, Phase::Header).then(|| self.input.position())
    }

    /// Decodes at most `room` bytes to the end of `sink`.
    pub(super) fn step(
        &mut self,
        file: &dyn ReadAt,
        sink: &mut Vec<u8>,
        room: usize,
    ) -> Result<Went, Stop> {
        match self.phase {
            Phase::End => Ok(Went::End),
            Phase::Header => self.header(file),
            Phase::Blocks => self.blocks(file, sink, room),
        }
    }

    fn header(&mut self, file: &dyn ReadAt) -> Result<Went, Stop> {
        if self.input.is_empty(file)? {
            self.phase = Phase::End;
            return Ok(Went::End);
        }
        let magic = self.input.peek::<4>(file)?.map(u32::from_le_bytes);
        match magic {
            Some(MAGIC) => {
                let mut source = Source { input: &mut self.input, file, stop: None };
                let begun = self.decoder.reset(&mut source);
                let stop = source.stop.take();
                begun.map_err(|error| stop.unwrap_or_else(|| of(&error).into()))?;
                self.phase = Phase::Blocks;
                Ok(Went::On)
            }
            Some(magic) if (SKIPPED..SKIPPED + 16).contains(&magic) => {
                self.input.skip(file, 4)?;
                let len = u32::from_le_bytes(self.input.take::<4>(file)?);
                self.input.skip(file, len.into())?;
                Ok(Went::On)
            }
            // Behind a whole frame, that is somebody's padding.
            _ if self.any => {
                self.phase = Phase::End;
                Ok(Went::End)
            }
            None => Err(Damage::Truncated.into()),
            Some(_) => Err(Damage::Corrupt.into()),
        }
    }

    fn blocks(&mut self, file: &dyn ReadAt, sink: &mut Vec<u8>, room: usize) -> Result<Went, Stop> {
        let mut ended = None;
        if self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let mut source = Source { input: &mut self.input, file, stop: None };
            let decoded =
                self.decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBlocks(1));
            let stop = source.stop.take();
            ended = decoded.err().map(|error| stop.unwrap_or_else(|| of(&error).into()));
        }
        let ready = self.decoder.can_collect().min(room);
        let start = sink.len();
        sink.resize(start + ready, 0);
        let read = self.decoder.read(sink.get_mut(start..).unwrap_or_default())?;
        sink.truncate(start + read);
        if let Some(stop) = ended {
            return Err(stop);
        }
        if self.decoder.is_finished() && self.decoder.can_collect() == 0 {
            self.phase = Phase::Header;
            self.any = true;
            let told = self.decoder.get_checksum_from_data();
            let counted = self.decoder.get_calculated_checksum();
            let sound = told.is_none() || told == counted;
            return Ok(if sound { Went::Border } else { Went::Unsound });
        }
        Ok(Went::On)
    }
}

/// What the decoder's error means to a reader.
fn of(error: &FrameDecoderError) -> Damage {
    use FrameDecoderError as E;
    match error {
        E::WindowSizeTooBig { .. } => Damage::Window,
        E::DictNotProvided { .. } => Damage::Dictionary,
        // What was not there to be read was reported by the source; this is what it read.
        _ => Damage::Corrupt,
    }
}

/// The input as the decoder wants it; what stopped it is kept.
struct Source<'a> {
    input: &'a mut Input,
    file: &'a dyn ReadAt,
    stop: Option<Stop>,
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Err(stop) = self.input.fill(self.file) {
            self.stop = Some(stop);
            return Err(io::ErrorKind::Other.into());
        }
        let bytes = self.input.bytes();
        if bytes.is_empty() && !buf.is_empty() {
            self.stop = Some(Damage::Truncated.into());
        }
        let len = bytes.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), bytes.get(..len)) {
            to.copy_from_slice(from);
        }
        self.input.consume(len);
        Ok(len)
    }
}
