//! What is noted of generations, so that they keep their ids: over a restart, when their files are
//! renamed, and when they are compressed into other files.
//!
//! An id stands for a text. A file that has the identity of the one that was noted, and still
//! holds what stood at its end, goes on with the id; a compressed file does, if its text begins
//! as the noted one did and holds its end. Beginnings alone prove nothing: many logs begin with
//! the same header every day.

use std::fmt;
use std::str::FromStr;

use tailwater_protocol::{Fingerprint, GenerationId};

use super::TELLING;
use crate::file::Identity;
use crate::history::Generation;
use crate::read::{ReadAt, fingerprint_before, stands_before};

/// Generations that are remembered though their files are gone: they may come back compressed.
const REMEMBERED: usize = 256;

/// What is noted of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: GenerationId,
    /// The file in which it lay.
    pub identity: Identity,
    /// How far it was known.
    pub bytes: u64,
    /// What stood before that.
    pub marker: Fingerprint,
    /// How it began: its first 256 bytes, or all of fewer.
    pub head: Fingerprint,
}

/// The records of one log; those noted last come last.
#[derive(Debug, Clone, Default)]
pub(super) struct Records(Vec<Record>);

impl Records {
    pub(super) fn new(mut records: Vec<Record>) -> Self {
        records.drain(..records.len().saturating_sub(REMEMBERED));
        Self(records)
    }

    pub(super) fn all(&self) -> &[Record] {
        &self.0
    }

    /// Notes how far a generation of the follower is known.
    pub(super) fn note_live(&mut self, live: &Generation, identity: Identity) {
        let now = (live.id, live.bytes, identity);
        let known = |record: &Record| (record.id, record.bytes, record.identity) == now;
        // What has lost bytes is remembered by what it had; so is what shares its file.
        let whole = live.lost.is_none() && live.from == 0 && live.bytes > 0;
        if whole && !self.0.iter().any(known) {
            self.note(live, identity);
        }
    }

    /// Notes how far a generation is known, in the file of that identity.
    pub(super) fn note(&mut self, generation: &Generation, identity: Identity) {
        let Generation { id, bytes, marker, .. } = *generation;
        // A file that cannot be read now is noted when it can.
        let Ok(head) = head_of(generation.file.as_ref(), bytes) else { return };
        self.0.retain(|record| record.id != id);
        self.0.push(Record { id, identity, bytes, marker, head });
    }

    /// Forgets what is no more, as far as there is too much of it.
    pub(super) fn trim(&mut self, there: impl Fn(Identity) -> bool) {
        let mut over = self.0.len().saturating_sub(REMEMBERED);
        self.0.retain(|record| {
            let forgotten = over > 0 && !there(record.identity);
            over -= usize::from(forgotten);
            !forgotten
        });
        self.0.drain(..self.0.len().saturating_sub(REMEMBERED));
    }

    /// The id of the generation that lies in a file.
    pub(super) fn of_file(
        &self,
        identity: Identity,
        file: &dyn ReadAt,
        bytes: u64,
    ) -> Option<GenerationId> {
        let of_it = self.0.iter().filter(|record| record.identity == identity);
        self.longest(of_it, file, bytes)
    }

    /// The id of the generation whose text this is, whatever file it lay in.
    pub(super) fn of_text(&self, text: &dyn ReadAt, bytes: u64) -> Option<GenerationId> {
        let telling = self.0.iter().filter(|record| {
            // Fewer bytes are not enough to go by, unless they are all.
            let enough = record.bytes >= TELLING || record.bytes == bytes;
            enough && head_of(text, record.bytes.min(bytes)).is_ok_and(|head| head == record.head)
        });
        self.longest(telling, text, bytes)
    }

    /// Of those records that `text` goes on from, the one that had come furthest.
    fn longest<'a>(
        &self,
        records: impl Iterator<Item = &'a Record>,
        text: &dyn ReadAt,
        bytes: u64,
    ) -> Option<GenerationId> {
        let mut fitting: Vec<&Record> = records.filter(|record| record.bytes <= bytes).collect();
        fitting.sort_by_key(|record| std::cmp::Reverse(record.bytes));
        let stands =
            |record: &&&Record| stands_before(text, record.bytes, record.marker).unwrap_or(false);
        fitting.iter().find(stands).map(|record| record.id)
    }
}

/// The fingerprint of the first bytes of a text of so many.
pub(super) fn head_of(text: &dyn ReadAt, bytes: u64) -> std::io::Result<Fingerprint> {
    fingerprint_before(text, bytes.min(TELLING))
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { device, inode, birth } = self.identity;
        let (bytes, marker, head) = (self.bytes, self.marker.0, self.head.0);
        write!(f, "{} {device} {inode} {birth} {bytes} {marker:016x} {head:016x}", self.id)
    }
}

/// A line that is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no record of a generation; delete the file to have it made anew")]
pub struct NotARecord(pub String);

impl FromStr for Record {
    type Err = NotARecord;

    fn from_str(text: &str) -> Result<Self, NotARecord> {
        let read = || {
            let mut words = text.split(' ');
            let id = words.next()?.parse().ok()?;
            let mut number = || words.next()?.parse::<u64>().ok();
            let identity = Identity { device: number()?, inode: number()?, birth: number()? };
            let bytes = number()?;
            let mut hash = || u64::from_str_radix(words.next()?, 16).ok().map(Fingerprint);
            let record = Self { id, identity, bytes, marker: hash()?, head: hash()? };
            words.next().is_none().then_some(record)
        };
        read().ok_or_else(|| NotARecord(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(id: u32, identity: u64, text: &[u8]) -> Record {
        let text = text.to_vec();
        let bytes = text.len() as u64;
        Record {
            id: GenerationId(id),
            identity: Identity { device: 1, inode: identity, birth: 1 },
            bytes,
            marker: fingerprint_before(&text, bytes).expect("read"),
            head: head_of(&text, bytes).expect("read"),
        }
    }

    #[test]
    fn a_text_is_told_by_its_end_and_not_by_its_header() {
        let header = "x".repeat(400);
        let day = |day: u32| format!("{header}\nday {day}: {}\n", "y".repeat(100)).into_bytes();
        let records = Records::new((1..5).map(|n| record(n, n.into(), &day(n))).collect());
        for n in 1..5 {
            let mut text = day(n);
            let found = records.of_text(&text, text.len() as u64);
            assert_eq!(found, Some(GenerationId(n)));
            text.extend(b"and more came\n");
            assert_eq!(records.of_text(&text, text.len() as u64), Some(GenerationId(n)));
        }
        let other = day(9);
        assert_eq!(records.of_text(&other, other.len() as u64), None);
    }

    #[test]
    fn few_bytes_prove_nothing_unless_they_are_all() {
        let records = Records::new(vec![record(1, 1, b"header\n")]);
        assert_eq!(records.of_text(&b"header\none\n".to_vec(), 11), None);
        assert_eq!(records.of_text(&b"header\n".to_vec(), 7), Some(GenerationId(1)));
        let same = Identity { device: 1, inode: 1, birth: 1 };
        assert_eq!(records.of_file(same, &b"header\none\n".to_vec(), 11), Some(GenerationId(1)));
    }

    proptest! {
        #[test]
        fn a_record_reads_as_it_was_written(id: u32, words: [u64; 4], marks: [u64; 2]) {
            let [device, inode, birth, bytes] = words;
            let record = Record {
                id: GenerationId(id),
                identity: Identity { device, inode, birth },
                bytes,
                marker: Fingerprint(marks[0]),
                head: Fingerprint(marks[1]),
            };
            prop_assert_eq!(record.to_string().parse(), Ok(record));
        }

        #[test]
        fn no_line_breaks_the_reader(text in "[0-9a-f ]{0,60}|\\PC{0,30}") {
            let _told = text.parse::<Record>();
        }
    }
}
