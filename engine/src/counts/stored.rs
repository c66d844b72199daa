//! Counts as bytes, to be kept over a restart: written, read, and held against the log that they
//! claim to be of.
//!
//! Trusts nothing. Whatever the bytes are, reading them gives counts or a reason why not, and
//! counts are given out only when the log's head, the bytes before the counted end and a sample of
//! its blocks are what they were. Where the bytes are kept is the outer crate's business.

use std::io;

use tailwater_protocol::Fingerprint;

use super::piece::Piece;
use super::table::{Table, Unit};
use super::{BLOCK, BLOCKS, Counts, UNIT};
use crate::file::Identity;
use crate::history::Generation;
use crate::read::{fingerprint_before, is_doubt, read_exact_at, stands_before};

/// What such bytes begin with, version and all: other versions are counted anew.
const MAGIC: [u8; 8] = *b"twcount1";

/// The header: magic, device, inode, birth, extent, head, end.
const HEADER: usize = 7 * 8;

/// What ends the bytes: a checksum.
const TRAILER: usize = 8;

/// A log may not claim to be longer, as the table for it is made before the claim is seen to be
/// true: 16 TiB, which are 16 MiB of table, and more than most file systems allow a file.
const MAX_EXTENT: u64 = 1 << 44;

/// Blocks that are counted again before kept counts are believed: half a MiB of reading. They are
/// for a log that was overwritten in place, of the same head and end.
const SAMPLES: u64 = 8;

/// Units that are written down in one go under the lock: some 50 us.
const AT_ONCE: usize = 64;

/// Units of which nothing is known.
const MISSING: u8 = 0;
/// Full units without a newline.
const EMPTY: u8 = 1;
/// One unit, by its length and the newlines in each of its blocks.
const COUNTED: u8 = 2;

/// Counts that were kept, sound in themselves and not yet held against a log.
#[derive(Debug)]
pub struct Stored {
    identity: Identity,
    /// Where the last counted unit ends.
    extent: u64,
    head: Fingerprint,
    end: Fingerprint,
    table: Table,
}

/// Why bytes are no counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not written by this version, or not at all.
    #[error("these are no counts of this version; count the log anew")]
    Foreign,
    /// Cut short or changed.
    #[error("the counts are damaged; count the log anew")]
    Damaged,
}

impl Counts {
    /// What has been counted of `generation`, as bytes to be kept for the file `identity`. `None`
    /// while that is nothing, or more than this snapshot of the generation knows of.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the log is not what it was.
    pub fn store(
        &self,
        generation: &Generation,
        identity: Identity,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; HEADER];
        let mut extent = 0;
        let mut run = Run::default();
        let mut next = 0;
        loop {
            let table = self.read();
            let units = table.units();
            let last = units.iter().rposition(|unit| unit.len > 0);
            let Some(last) = last.filter(|&last| next <= last) else { break };
            for (at, unit) in units.iter().enumerate().skip(next).take(AT_ONCE) {
                if at > last {
                    break;
                }
                // One that is not full and not the last is about to be counted on.
                if unit.is_full() || at == last {
                    run.add(unit, &mut bytes);
                    extent = at as u64 * UNIT + u64::from(unit.len);
                } else {
                    run.tag(MISSING, &mut bytes);
                }
            }
            next += AT_ONCE;
        }
        run.end(&mut bytes);
        if extent == 0 || extent > generation.bytes {
            return Ok(None);
        }
        let file = generation.file.as_ref();
        let head = fingerprint_before(file, extent.min(Fingerprint::REACH))?;
        let end = fingerprint_before(file, extent)?;
        generation.verify()?;
        let Identity { device, inode, birth } = identity;
        let mut header = MAGIC.to_vec();
        for number in [device, inode, birth, extent, head.0, end.0] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        bytes.splice(..HEADER, header);
        let sum = Fingerprint::of(&bytes);
        bytes.extend_from_slice(&sum.0.to_le_bytes());
        Ok(Some(bytes))
    }
}

impl Stored {
    /// Reads what [`Counts::store`] wrote.
    ///
    /// # Errors
    ///
    /// When the bytes are something else, or were damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Unfit::Foreign);
        }
        let body = bytes.len().checked_sub(TRAILER).filter(|&body| body >= HEADER);
        let (bytes, sum) =
            body.and_then(|body| bytes.split_at_checked(body)).ok_or(Unfit::Damaged)?;
        if number(sum, 0) != Fingerprint::of(bytes).0 {
            return Err(Unfit::Damaged);
        }
        let field = |at: usize| number(bytes, at * 8);
        let stored = Self {
            identity: Identity { device: field(1), inode: field(2), birth: field(3) },
            extent: field(4),
            head: Fingerprint(field(5)),
            end: Fingerprint(field(6)),
            table: Table::default(),
        };
        if stored.extent > MAX_EXTENT {
            return Err(Unfit::Damaged);
        }
        let body = bytes.get(HEADER..).unwrap_or_default();
        stored.with_units(body).ok_or(Unfit::Damaged)
    }

    fn with_units(mut self, body: &[u8]) -> Option<Self> {
        let bound = self.extent.div_ceil(UNIT);
        let mut body = body;
        let (mut at, mut end) = (0_u64, 0);
        let mut found = Vec::with_capacity(BLOCKS);
        while let Some((&tag, rest)) = body.split_first() {
            body = rest;
            let given = varint(&mut body)?;
            let (units, len) = if tag == COUNTED { (1, given) } else { (given, UNIT) };
            if units == 0 || units > bound.checked_sub(at)? || len == 0 || len > UNIT {
                return None;
            }
            match tag {
                MISSING => {}
                EMPTY => {
                    for unit in at..at + units {
                        self.table.publish(&whole(unit, UNIT), &[]);
                    }
                    end = (at + units) * UNIT;
                }
                COUNTED => {
                    found.clear();
                    for block in 0..len.div_ceil(BLOCK) {
                        let lines = varint(&mut body)?;
                        let most = (len - block * BLOCK).min(BLOCK);
                        found.push(u32::try_from(lines).ok().filter(|_| lines <= most)?);
                    }
                    self.table.publish(&whole(at, len), &found);
                    end = at * UNIT + len;
                    if len < UNIT && !body.is_empty() {
                        return None;
                    }
                }
                _ => return None,
            }
            at += units;
        }
        (end == self.extent && end > 0).then_some(self)
    }

    /// How far the log was counted.
    pub fn extent(&self) -> u64 {
        self.extent
    }

    /// The counts, if they are of `generation`, which lies in the file `identity`. `seed` says
    /// which blocks are counted again.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the log is not what it was.
    pub fn of(
        self,
        generation: &Generation,
        identity: Identity,
        seed: u64,
    ) -> io::Result<Option<Counts>> {
        if identity != self.identity || self.extent > generation.bytes {
            return Ok(None);
        }
        let file = generation.file.as_ref();
        let reach = self.extent.min(Fingerprint::REACH);
        if !stands_before(file, reach, self.head)? || !stands_before(file, self.extent, self.end)? {
            return Ok(None);
        }
        let counts = Counts { table: self.table.into() };
        let blocks = self.extent.div_ceil(BLOCK);
        let mut bytes = vec![0; BLOCK as usize];
        let mut mixed = seed;
        for _sample in 0..SAMPLES.min(blocks) {
            // Knuth's: whichever blocks they are, nobody who writes a log can know them.
            mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let block = ((u128::from(mixed) * u128::from(blocks)) >> 64) as u64;
            let start = block * BLOCK;
            let Some(lines) = counts.read().of_block(block) else { continue };
            let len = (self.extent - start).min(BLOCK) as usize;
            let bytes = bytes.get_mut(..len).unwrap_or_default();
            match read_exact_at(file, bytes, start) {
                Ok(()) if file.encoding().newlines(bytes, start) == u64::from(lines) => {}
                Ok(()) => return Ok(None),
                Err(error) if is_doubt(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        generation.verify()?;
        Ok(Some(counts))
    }
}

/// Units of one kind in a row are one entry.
#[derive(Default)]
struct Run {
    tag: u8,
    units: u64,
}

impl Run {
    fn add(&mut self, unit: &Unit, to: &mut Vec<u8>) {
        if unit.is_full() && unit.blocks.is_none() {
            return self.tag(EMPTY, to);
        }
        self.end(to);
        to.push(COUNTED);
        write_varint(unit.len.into(), to);
        (0..unit.begun()).for_each(|block| write_varint(unit.in_block(block).into(), to));
    }

    fn tag(&mut self, tag: u8, to: &mut Vec<u8>) {
        if self.tag != tag {
            self.end(to);
        }
        self.tag = tag;
        self.units += 1;
    }

    fn end(&mut self, to: &mut Vec<u8>) {
        if self.units > 0 {
            to.push(self.tag);
            write_varint(self.units, to);
        }
        self.units = 0;
    }
}

fn whole(unit: u64, len: u64) -> Piece {
    Piece { unit: unit as usize, from: 0, to: len, beside_hole: false }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes.get(at..).and_then(<[u8]>::first_chunk);
    eight.map_or(0, |eight| u64::from_le_bytes(*eight))
}

fn write_varint(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn varint(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        let part = u64::from(byte & 0x7f);
        if (part << shift) >> shift != part {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
