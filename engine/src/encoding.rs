//! How the bytes of a log are text: UTF-8 as nearly all are, or UTF-16, as programs of Windows
//! write, told by the byte order mark that the file begins with.
//!
//! A newline of UTF-16 is two bytes at an even offset: a `0A` elsewhere is half of another
//! character. Positions stay those of the file; only what is shown or searched is decoded. Guesses
//! nothing: without the mark it is UTF-8.

use std::borrow::Cow;

use memchr::{memchr_iter, memrchr_iter};

use crate::read::{ReadAt, read_full};

/// How bytes are text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As UTF-8, or anything else of which ASCII is a part.
    #[default]
    Utf8,
    /// As UTF-16, the low byte of each unit first.
    Utf16Le,
    /// As UTF-16, the high byte of each unit first.
    Utf16Be,
}

impl Encoding {
    /// That of a file that begins with `head`, four bytes of it.
    pub fn of_head(head: &[u8]) -> Self {
        match head {
            // UTF-32, which nobody writes logs in, or a mark and nothing behind it but a hole.
            [0xff, 0xfe, 0, 0, ..] => Self::Utf8,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// That of `file`. What cannot be read will be said by whoever reads on.
    pub(crate) fn read<R: ReadAt + ?Sized>(file: &R) -> Self {
        let mut head = [0; 4];
        let filled = read_full(file, &mut head, 0).unwrap_or(0);
        Self::of_head(head.get(..filled).unwrap_or_default())
    }

    /// Bytes of a unit, and of a newline.
    pub const fn width(self) -> u64 {
        match self {
            Self::Utf8 => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// Bytes of the mark that a file begins with.
    pub(crate) const fn mark(self) -> u64 {
        match self {
            Self::Utf8 => 3,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// `offset`, or where the unit begins that it is in the middle of.
    pub(crate) const fn align(self, offset: u64) -> u64 {
        offset - offset % self.width()
    }

    /// Where each newline ends of those in `bytes`, which stand at `at`. One of which the first
    /// byte is missing is none of them.
    pub fn newline_ends(self, bytes: &[u8], at: u64) -> impl Iterator<Item = usize> + '_ {
        memchr_iter(b'\n', bytes).filter_map(move |found| self.ends(bytes, at, found))
    }

    /// Where the first of them ends.
    pub(crate) fn first_newline(self, bytes: &[u8], at: u64) -> Option<usize> {
        self.newline_ends(bytes, at).next()
    }

    /// Where the last of them ends.
    pub(crate) fn last_newline(self, bytes: &[u8], at: u64) -> Option<usize> {
        memrchr_iter(b'\n', bytes).find_map(|found| self.ends(bytes, at, found))
    }

    /// How many newlines `bytes`, which stand at `at`, hold.
    pub(crate) fn newlines(self, bytes: &[u8], at: u64) -> u64 {
        match self {
            Self::Utf8 => memchr_iter(b'\n', bytes).count() as u64,
            Self::Utf16Le | Self::Utf16Be => self.newline_ends(bytes, at).count() as u64,
        }
    }

    /// Whether `bytes`, which end at `end`, end with a newline.
    pub fn ends_line(self, bytes: &[u8], end: u64) -> bool {
        let last = bytes.len().saturating_sub(self.width() as usize);
        let last = bytes.get(last..).unwrap_or_default();
        self.first_newline(last, end.saturating_sub(last.len() as u64)).is_some()
    }

    /// Where the newline ends that has a `0A` at `found` of `bytes`; `None` if that is none.
    fn ends(self, bytes: &[u8], at: u64, found: usize) -> Option<usize> {
        let even = (at + found as u64).is_multiple_of(2);
        match self {
            Self::Utf8 => Some(found + 1),
            Self::Utf16Le => (even && bytes.get(found + 1) == Some(&0)).then_some(found + 2),
            Self::Utf16Be => {
                let high = found.checked_sub(1).and_then(|high| bytes.get(high));
                (!even && high == Some(&0)).then_some(found + 1)
            }
        }
    }

    /// `bytes` as UTF-8. Half a pair becomes U+FFFD, half a unit at the end nothing.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let unit = match self {
            Self::Utf8 => return Cow::Borrowed(bytes),
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
        };
        let units = bytes.as_chunks().0.iter().map(|&bytes| unit(bytes));
        let chars = char::decode_utf16(units);
        let text: String = chars.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Cow::Owned(text.into_bytes())
    }

    /// How many bytes of the log the text `decoded` takes.
    pub(crate) fn taken(self, decoded: &[u8]) -> u64 {
        match self {
            Self::Utf8 => decoded.len() as u64,
            Self::Utf16Le | Self::Utf16Be => {
                let text = String::from_utf8_lossy(decoded);
                text.chars().map(|char| 2 * char.len_utf16() as u64).sum()
            }
        }
    }
}

/// Decodes what comes in pieces that are cut anywhere.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    /// The first byte of a unit whose second is still to come.
    half: Option<u8>,
}

impl Pieces {
    /// `bytes` with what was kept of the piece before, as far as units are whole.
    pub fn whole<'a>(&mut self, encoding: Encoding, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if encoding == Encoding::Utf8 {
            return Cow::Borrowed(bytes);
        }
        let mut whole: Vec<u8> = self.half.take().into_iter().collect();
        whole.extend_from_slice(bytes);
        if !whole.len().is_multiple_of(2) {
            self.half = whole.pop();
        }
        Cow::Owned(whole)
    }

    /// Bytes that were kept for the next piece.
    pub fn kept(&self) -> usize {
        usize::from(self.half.is_some())
    }

    /// What comes next does not go on with what came.
    pub fn end(&mut self) {
        self.half = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_mark_decides() {
        let cases: [(&[u8], Encoding); 7] = [
            (b"\xff\xfea\0", Encoding::Utf16Le),
            (b"\xfe\xff\0a", Encoding::Utf16Be),
            (b"\xff\xfe", Encoding::Utf16Le),
            (b"\xff\xfe\0\0", Encoding::Utf8),
            (b"\xff", Encoding::Utf8),
            (b"a\0b\0", Encoding::Utf8),
            (b"", Encoding::Utf8),
        ];
        for (head, encoding) in cases {
            assert_eq!(Encoding::of_head(head), encoding, "{head:x?}");
        }
    }

    /// Text in which `0A` is often half of something else.
    fn text() -> impl Strategy<Value = String> {
        let char = prop_oneof![
            Just('\n'),
            Just('\u{a0a}'),
            Just('\u{a00}'),
            Just('\u{10a}'),
            Just('\u{1040a}'),
            any::<char>()
        ];
        prop::collection::vec(char, 0..40).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn newlines_are_those_of_the_text(text in text(), big: bool, cut in any::<prop::sample::Index>()) {
            let encoding = if big { Encoding::Utf16Be } else { Encoding::Utf16Le };
            let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            let ends: Vec<usize> = text
                .encode_utf16()
                .enumerate()
                .filter(|&(_, unit)| unit == u16::from(b'\n'))
                .map(|(index, _)| 2 * index + 2)
                .collect();
            prop_assert_eq!(encoding.newline_ends(&bytes, 0).collect::<Vec<_>>(), ends.clone());
            prop_assert_eq!(encoding.last_newline(&bytes, 6), ends.last().copied());
            prop_assert_eq!(encoding.newlines(&bytes, 2), ends.len() as u64);
            prop_assert_eq!(encoding.ends_line(&bytes, bytes.len() as u64), text.ends_with('\n'));
            prop_assert_eq!(encoding.decode(&bytes), text.as_bytes());
            prop_assert_eq!(encoding.taken(text.as_bytes()), bytes.len() as u64);
            // From the middle of a unit on, what is whole is found.
            let from = cut.index(bytes.len() + 1);
            let later: Vec<usize> = ends.iter().filter(|&&end| end >= from + 2).map(|end| end - from).collect();
            let found: Vec<usize> =
                encoding.newline_ends(&bytes[from..], from as u64).collect();
            prop_assert_eq!(found, later);
        }
    }
}
