//! Where a line is: the one identity that resume, links, marks, the ruler and ranges share.
//!
//! A position is a byte offset within one generation of a log. Line numbers, times and ordinals
//! are looked up from it and are never used in its place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One uninterrupted life of a log: rotation, truncation and recreation each begin another.
///
/// Opaque: equal ids are the same life, and nothing else can be read from it. In particular its
/// order says nothing; the order of generations is that of [`Outline`](crate::Outline).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GenerationId(pub u32);

/// A byte of a log: its generation and the bytes before it in that generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Which life of the log.
    pub generation: GenerationId,
    /// Bytes before this one in that life.
    pub offset: u64,
}

/// A hash of the at most [`Fingerprint::REACH`] bytes that stand before a position.
///
/// It tells whether what a reader has seen is still what the log holds, also when the server
/// that gave it is gone. At offset 0 there is nothing to tell: [`Fingerprint::EMPTY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u64);

/// A position that can be come back to: where a reader stands, and what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bookmark {
    /// The first byte not yet read.
    pub position: Position,
    /// What was read last.
    pub before: Fingerprint,
}

impl Fingerprint {
    /// Bytes before a position that its fingerprint covers.
    pub const REACH: u64 = 256;

    /// The fingerprint of no bytes.
    pub const EMPTY: Self = Self::of(&[]);

    /// The fingerprint of `bytes`: those before the position, at most [`Self::REACH`] of them.
    ///
    /// FNV-1a, 64 bits: it guards against accidents, not against somebody who forges his own log.
    pub const fn of(bytes: &[u8]) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            at += 1;
        }
        Self(hash)
    }
}

impl Position {
    /// The start of a generation.
    pub const fn start(generation: GenerationId) -> Self {
        Self { generation, offset: 0 }
    }

    /// The position `bytes` further on in the same generation.
    pub const fn forward(self, bytes: u64) -> Self {
        Self { generation: self.generation, offset: self.offset.saturating_add(bytes) }
    }
}

/// A text that is not a position, a generation or a bookmark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position; one looks like `9f3a01c2:18842711`")]
pub struct NotAPosition(pub String);

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.generation, self.offset)
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.position, self.before.0)
    }
}

impl FromStr for GenerationId {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        hex(text, 8).map(|id| Self(id as u32)).ok_or_else(|| NotAPosition(text.to_owned()))
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let refused = || NotAPosition(text.to_owned());
        let (generation, offset) = text.split_once(':').ok_or_else(refused)?;
        let digits = !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_digit());
        let offset = if digits { offset.parse().ok() } else { None };
        Ok(Self {
            generation: generation.parse().map_err(|_| refused())?,
            offset: offset.ok_or_else(refused)?,
        })
    }
}

impl FromStr for Bookmark {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let refused = || NotAPosition(text.to_owned());
        let (position, before) = text.rsplit_once(':').ok_or_else(refused)?;
        Ok(Self {
            position: position.parse().map_err(|_| refused())?,
            before: Fingerprint(hex(before, 16).ok_or_else(refused)?),
        })
    }
}

/// `text` as at most `digits` hexadecimal digits, with no sign and no prefix.
fn hex(text: &str, digits: usize) -> Option<u64> {
    let plain = (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if plain { u64::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bookmark_reads_as_it_was_written(g: u32, offset: u64, before: u64) {
            let position = Position { generation: GenerationId(g), offset };
            let bookmark = Bookmark { position, before: Fingerprint(before) };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
            prop_assert_eq!(bookmark.to_string().parse(), Ok(bookmark));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,40}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
    }

    #[test]
    fn what_is_not_a_position_is_refused() {
        for text in ["", ":", "9f3a", "9f3a:", ":7", "9f3a:-1", "9f3a:+1", "g:1", "123456789:1"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
