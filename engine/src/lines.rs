//! Where rows begin and end, from any position in either direction, at a bounded cost.
//!
//! A row begins after every newline, which takes two bytes in UTF-16 ([`crate::encoding`]). A line can be longer than anybody wants to read to find its
//! ends, and so a row also begins at every multiple of [`BREAK`] that has a whole such stretch
//! without a newline before it: whoever arrives, from whichever side, finds the same rows after
//! looking at two stretches at most. Lines shorter than that are one row each.
//!
//! Holds one buffer of [`CHUNK`] bytes, whatever the log is like; holes are passed over.

use std::borrow::Cow;
use std::io;

use crate::encoding::Encoding;
use crate::history::Generation;
use crate::read::{ReadAt, read_exact_at};

/// The stretch without a newline that breaks a line into rows.
pub const BREAK: u64 = 64 * 1024 * 1024;

/// Bytes read at once, at most.
const CHUNK: u64 = 256 * 1024;

/// Bytes read at once, at first: most of what is asked for lies within.
const FIRST: u64 = 16 * 1024;

/// How a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a newline.
    Newline,
    /// Within its line, which is too long to be one row.
    Break,
    /// With the log: it may go on.
    Open,
}

/// The rows of a stretch of a log.
pub struct Lines<'a> {
    file: &'a dyn ReadAt,
    floor: u64,
    extent: u64,
    break_every: u64,
    encoding: Encoding,
    /// What was read last, and where it stands.
    buf: Vec<u8>,
    at: u64,
    step: u64,
    read: u64,
}

impl<'a> Lines<'a> {
    /// The rows of `file` from `floor`, where one begins, to `extent`.
    pub fn new(file: &'a dyn ReadAt, floor: u64, extent: u64) -> Self {
        let extent = extent.max(floor);
        let break_every = BREAK;
        let encoding = file.encoding();
        Self {
            file,
            floor,
            extent,
            break_every,
            encoding,
            buf: Vec::new(),
            at: 0,
            step: FIRST,
            read: 0,
        }
    }

    /// The rows of a generation.
    pub fn of(generation: &'a Generation) -> Self {
        Self::new(generation.file.as_ref(), generation.from, generation.bytes)
    }

    /// Breaks long lines at multiples of `bytes` instead of [`BREAK`].
    #[must_use]
    pub fn breaking_every(mut self, bytes: u64) -> Self {
        self.break_every = bytes.max(1);
        self
    }

    /// How they are text.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Where the rows begin.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Where the last row ends.
    pub fn extent(&self) -> u64 {
        self.extent
    }

    /// Bytes read until now, holes not included.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// The start of the row that holds the byte at `offset`; at the extent, of the row that the
    /// next byte will belong to.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the file is shorter than the extent.
    pub fn start_of(&mut self, offset: u64) -> io::Result<u64> {
        let offset = offset.clamp(self.floor, self.extent);
        let stretch = offset / self.break_every * self.break_every;
        if stretch <= self.floor {
            return Ok(self.after_newline(self.floor, offset)?.unwrap_or(self.floor));
        }
        if let Some(start) = self.after_newline(stretch, offset)? {
            return Ok(start);
        }
        let before = stretch - self.break_every.min(stretch);
        if before < self.floor {
            // The floor stands like a newline, and so that stretch is not free of them.
            return Ok(self.after_newline(self.floor, stretch)?.unwrap_or(self.floor));
        }
        Ok(self.after_newline(before, stretch)?.unwrap_or(stretch))
    }

    /// Where the row that begins at `start` ends, and how.
    ///
    /// # Errors
    ///
    /// As [`Self::start_of`].
    pub fn end_of(&mut self, start: u64) -> io::Result<(u64, End)> {
        let every = self.break_every;
        // The next multiple that can have a whole stretch without a newline before it.
        let whole = start.div_ceil(every).saturating_mul(every);
        let limit = whole.saturating_add(every);
        let to = limit.min(self.extent);
        if let Some(end) = self.find(start, to)? {
            return Ok((end, End::Newline));
        }
        Ok(if limit <= self.extent { (limit, End::Break) } else { (self.extent, End::Open) })
    }

    /// Whether the row that begins at `start` goes on with the line of the row before it.
    ///
    /// # Errors
    ///
    /// As [`Self::start_of`].
    pub fn continues(&mut self, start: u64) -> io::Result<bool> {
        if start <= self.floor {
            return Ok(false);
        }
        let (encoding, from) = (self.encoding, start.saturating_sub(self.encoding.width()));
        Ok(!encoding.ends_line(self.bytes(from.max(self.floor), start)?, start))
    }

    /// The bytes from `from` to `to`, which must be no more than [`CHUNK`] and within the extent.
    ///
    /// # Errors
    ///
    /// As [`Self::start_of`].
    pub fn bytes(&mut self, from: u64, to: u64) -> io::Result<&[u8]> {
        let to = to.min(self.extent).min(from.saturating_add(CHUNK));
        if !self.holds(from, to) {
            let ahead = from.saturating_add(self.step).min(self.extent);
            self.load(from, ahead.max(to))?;
        }
        let from = (from - self.at) as usize;
        let to = (to.saturating_sub(self.at)) as usize;
        Ok(self.buf.get(from..to).unwrap_or_default())
    }

    /// The same bytes as text, in UTF-8.
    ///
    /// # Errors
    ///
    /// As [`Self::start_of`].
    pub fn text(&mut self, from: u64, to: u64) -> io::Result<Cow<'_, [u8]>> {
        let encoding = self.encoding;
        self.bytes(from, to).map(|bytes| encoding.decode(bytes))
    }

    /// The first byte from `from` to `to` that is not NUL; in UTF-16 that says nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::start_of`].
    pub fn skip_nuls(&mut self, from: u64, to: u64) -> io::Result<u64> {
        if self.encoding != Encoding::Utf8 {
            return Ok(from);
        }
        let to = to.min(self.extent);
        let mut at = from;
        while at < to {
            let chunk = self.ahead(at, to)?;
            let len = chunk.len() as u64;
            if let Some(nuls) = chunk.iter().position(|&byte| byte != 0) {
                return Ok(at + nuls as u64);
            }
            at = self.next_data(at + len)?;
        }
        Ok(to)
    }

    /// The position after the last newline from `from` to before `to`.
    fn after_newline(&mut self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let encoding = self.encoding;
        let mut end = encoding.align(to);
        while end > from {
            // No character is cut in two by where a chunk begins.
            let held = encoding.align(self.at + encoding.width() - 1).max(from);
            let start = if self.holds(end - 1, end) && held < end {
                held
            } else {
                let start = encoding.align(end.saturating_sub(self.step)).max(self.floor);
                self.load(start, end)?;
                start.max(from)
            };
            let chunk = self.held(start, end);
            if let Some(newline) = encoding.last_newline(chunk, start) {
                return Ok(Some(start + newline as u64));
            }
            let blank = is_blank(chunk);
            end = start;
            if blank && end > from && self.next_data(from)? >= end {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Where the first newline ends that stands from `from` to before `to`.
    fn find(&mut self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let encoding = self.encoding;
        let mut at = from;
        while at < to {
            let chunk = self.ahead(at, to)?;
            let len = chunk.len() as u64;
            if let Some(end) = encoding.first_newline(chunk, at) {
                return Ok(Some(at + end as u64));
            }
            if at == from && len < FIRST && at + len < to {
                // The row goes on beyond what is held: read it in one piece, as it will be shown.
                let end = from.saturating_add(self.step).min(self.extent);
                self.load(from, end)?;
                continue;
            }
            if is_blank(chunk) {
                at = self.next_data(at + len)?;
            } else if encoding.align(at + len) > at || at + len >= to {
                at = if at + len < to { encoding.align(at + len) } else { to };
            } else {
                // What is held ends within a character.
                self.load(at, at.saturating_add(self.step).min(self.extent))?;
            }
        }
        Ok(None)
    }

    /// Some bytes from `at` on, not beyond `to`: what is held, or a chunk.
    fn ahead(&mut self, at: u64, to: u64) -> io::Result<&[u8]> {
        if !self.holds(at, at + 1) {
            let end = at.saturating_add(self.step).min(self.extent);
            self.load(at, end)?;
        }
        let end = (self.at + self.buf.len() as u64).min(to);
        Ok(self.held(at, end))
    }

    fn holds(&self, from: u64, to: u64) -> bool {
        from >= self.at && to <= self.at + self.buf.len() as u64
    }

    fn held(&self, from: u64, to: u64) -> &[u8] {
        let range = (from - self.at) as usize..(to - self.at) as usize;
        self.buf.get(range).unwrap_or_default()
    }

    fn load(&mut self, from: u64, to: u64) -> io::Result<()> {
        let len = (to - from) as usize;
        self.buf.resize(len, 0);
        // Nothing is held should the read fail.
        let mut buf = std::mem::take(&mut self.buf);
        read_exact_at(self.file, &mut buf, from)?;
        self.buf = buf;
        self.at = from;
        self.read += len as u64;
        self.step = (self.step * 2).min(CHUNK);
        Ok(())
    }

    /// The first offset from `at` on that is not in a hole, not before `at`.
    fn next_data(&self, at: u64) -> io::Result<u64> {
        if at >= self.extent {
            return Ok(at);
        }
        Ok(self.file.next_data(at)?.unwrap_or(self.extent).max(at))
    }
}

/// Whether `bytes` may be a hole: nothing but NULs.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.last() == Some(&0) && bytes.iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The starts of rows by their definition.
    fn starts(bytes: &[u8], floor: u64, every: u64) -> Vec<u64> {
        let newline = |at: u64| bytes[at as usize] == b'\n';
        (floor..bytes.len() as u64)
            .filter(|&at| {
                let stretch = at.checked_sub(every).filter(|&from| from >= floor);
                at == floor
                    || newline(at - 1)
                    || (at % every == 0 && stretch.is_some_and(|from| !(from..at).any(newline)))
            })
            .collect()
    }

    fn log() -> impl Strategy<Value = Vec<u8>> {
        let byte =
            prop_oneof![2 => Just(b'\n'), 1 => Just(0_u8), 1 => Just(b'\r'), 9 => Just(b'x')];
        prop_oneof![
            prop::collection::vec(byte, 0..150),
            prop::collection::vec(prop_oneof![1 => Just(b'\n'), 30 => any::<u8>()], 0..300),
        ]
    }

    proptest! {
        #[test]
        fn rows_tile_the_log_alike_in_both_directions(
            bytes in log(),
            every in 1_u64..40,
            floor in any::<prop::sample::Index>(),
        ) {
            let floor = floor.index(bytes.len() + 1) as u64;
            let extent = bytes.len() as u64;
            let expected = starts(&bytes, floor, every);
            let mut lines = Lines::new(&bytes, floor, extent).breaking_every(every);

            let mut forward = Vec::new();
            let mut at = floor;
            while at < extent {
                forward.push(at);
                let (end, how) = lines.end_of(at).expect("read");
                prop_assert!(end > at && end <= extent);
                prop_assert_eq!(how == End::Newline, bytes[end as usize - 1] == b'\n');
                prop_assert!(how != End::Open || end == extent);
                at = end;
            }
            prop_assert_eq!(&forward, &expected);

            let mut backward = Vec::new();
            let mut at = extent;
            while at > floor {
                at = lines.start_of(at - 1).expect("read");
                backward.push(at);
            }
            backward.reverse();
            prop_assert_eq!(&backward, &expected);

            for offset in floor..extent {
                let start = lines.start_of(offset).expect("read");
                prop_assert_eq!(Some(&start), expected.iter().rfind(|&&start| start <= offset));
                let continued = start > floor && bytes[start as usize - 1] != b'\n';
                prop_assert_eq!(lines.continues(start).expect("read"), continued);
            }
        }

        #[test]
        fn leading_nuls_are_passed_over(nuls in 0_usize..40_000, rest in prop::collection::vec(any::<u8>(), 0..9)) {
            let mut bytes = vec![0; nuls];
            bytes.extend(&rest);
            let expected = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
            let mut lines = Lines::new(&bytes, 0, bytes.len() as u64);
            prop_assert_eq!(lines.skip_nuls(0, bytes.len() as u64).expect("read"), expected as u64);
        }
    }

    /// `line` after a hole, counting what is read.
    struct Sparse {
        hole: u64,
        line: Vec<u8>,
        read: AtomicU64,
    }

    impl ReadAt for Sparse {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
            let blank = self.hole.saturating_sub(offset).min(buf.len() as u64) as usize;
            let (hole, data) = buf.split_at_mut(blank);
            hole.fill(0);
            if data.is_empty() {
                return Ok(blank);
            }
            let read = self.line.read_at(data, (offset + blank as u64) - self.hole)?;
            Ok(blank + read)
        }

        fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
            let end = self.hole + self.line.len() as u64;
            Ok((offset < end).then(|| offset.max(self.hole)))
        }
    }

    #[test]
    fn a_hole_of_a_terabyte_is_passed_over() {
        let file = Sparse { hole: (1 << 40) + 5, line: b"end\n".to_vec(), read: AtomicU64::new(0) };
        let extent = file.hole + 4;
        let mut lines = Lines::new(&file, 0, extent);
        let start = lines.start_of(extent - 1).expect("read");
        assert_eq!(start, 1 << 40);
        assert_eq!(lines.end_of(start).expect("read"), (extent, End::Newline));
        assert_eq!(lines.skip_nuls(start, extent).expect("read"), file.hole);
        assert_eq!(lines.end_of(0).expect("read"), (BREAK, End::Break));
        assert!(file.read.load(Ordering::Relaxed) < 4 << 20, "{:?}", file.read);
    }

    #[test]
    fn a_line_of_50_megabytes_is_one_row() {
        let mut bytes = b"first\n".to_vec();
        bytes.resize(50 << 20, b'x');
        bytes.extend(b"\nlast\n");
        let mut lines = Lines::new(&bytes, 0, bytes.len() as u64);
        assert_eq!(lines.end_of(6).expect("read"), ((50 << 20) + 1, End::Newline));
        assert_eq!(lines.start_of(50 << 20).expect("read"), 6);
        assert!(lines.buf.len() as u64 <= CHUNK);
    }
}
