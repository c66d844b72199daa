//! Line counts that were kept: any bytes are counts or none, and what was written comes back.

use std::sync::Arc;

use tailwater_engine::counts::{Counts, LineStart, Stored, UNIT};
use tailwater_engine::encoding::Encoding;
use tailwater_engine::file::File;
use tailwater_protocol::{Fingerprint, Lines};

use crate::choice::Choices;
use crate::file::{IDENTITY, Memory, encoding, generation};

pub fn counts(data: &[u8]) {
    let mut choices = Choices::of(data);
    match choices.byte() % 2 {
        0 => hostile(choices.rest()),
        _ => there_and_back(choices),
    }
}

/// `body` behind a checksum that is right, so that what it protects is reached.
fn hostile(body: &[u8]) {
    let mut bytes = b"twcount1".to_vec();
    bytes.extend_from_slice(body);
    let sum = Fingerprint::of(&bytes);
    bytes.extend_from_slice(&sum.0.to_le_bytes());
    drop(Stored::read(body));
    let Ok(stored) = Stored::read(&bytes) else { return };
    assert!(stored.extent() > 0);
    let file: Arc<dyn File> = Arc::new(Memory::new(body));
    let generation = generation(file, 0, body.len() as u64);
    drop(stored.of(&generation, IDENTITY, 7).expect("in memory"));
}

fn there_and_back(mut choices: Choices<'_>) {
    // Holes are passed over, and so many units cost little.
    let hole = choices.byte() as u64 % 4 * UNIT / 2 * (choices.byte() as u64 % 40 + 1);
    let (seed, probe, damage) = (choices.short(), choices.short(), choices.short());
    let bytes = choices.rest();
    let end = hole + bytes.len() as u64;
    let file: Arc<dyn File> = Arc::new(Memory { hole, ..Memory::new(bytes) });
    let generation = generation(Arc::clone(&file), 0, end);
    let counted = Counts::new();
    assert!(counted.catch_up(&generation, u64::MAX).expect("in memory"));
    let stored = counted.store(&generation, IDENTITY).expect("in memory");
    assert_eq!(stored.is_none(), end == 0);
    let Some(stored) = stored else { return };

    let mut broken = stored.clone();
    let at = damage % broken.len();
    broken[at] ^= 1 << (damage % 8);
    assert!(Stored::read(&broken).is_err(), "one bit is noticed");

    let read = Stored::read(&stored).expect("what was written");
    assert_eq!(read.extent(), end);
    let again = read.of(&generation, IDENTITY, seed as u64).expect("in memory");
    let again = again.expect("it is the same log");
    assert!(again.is_complete(end));
    if hole == 0 && encoding(bytes) != Encoding::Utf8 {
        return;
    }
    let newlines = |to: usize| bytes[..to].iter().filter(|&&byte| byte == b'\n').count() as u64;
    for at in [0, probe % (bytes.len() + 1), bytes.len()] {
        let found = again.lines_before(file.as_ref(), hole + at as u64).expect("in memory");
        assert_eq!(found, Some(Lines::Exact(newlines(at))));
        let number = newlines(at) + 1;
        let start = bytes[..at].iter().rposition(|&byte| byte == b'\n');
        let start = start.map_or(0, |newline| hole + newline as u64 + 1);
        let found = again.line_start(file.as_ref(), end, number).expect("in memory");
        assert_eq!(found, LineStart::At(start));
    }
}
