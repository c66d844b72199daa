//! Lines are the same however the log is read: forward, backward, from anywhere, in pieces of any
//! size, before and after it grew.

use std::sync::Arc;

use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::encoding::Encoding;
use tailwater_engine::file::File;
use tailwater_engine::history::History;
use tailwater_engine::lines::{End, Lines};
use tailwater_engine::tally::Tallier;
use tailwater_engine::window::{lines_back, tail};

use crate::choice::Choices;
use crate::file::{Memory, encoding, generation};

/// The starts of rows by their definition.
fn starts(bytes: &[u8], floor: u64, every: u64) -> Vec<u64> {
    let encoding = encoding(bytes);
    let mut newline = floor;
    let mut found = Vec::new();
    for at in floor..bytes.len() as u64 {
        let after = at > floor && is_newline(encoding, &bytes[floor as usize..at as usize], at);
        if after {
            newline = at;
        }
        let stretch = at.checked_sub(every).filter(|&from| from >= floor);
        // The floor is no newline of a stretch that begins with it.
        let free = stretch.is_some_and(|from| newline <= from);
        if at == floor || after || (at.is_multiple_of(every) && free) {
            found.push(at);
        }
    }
    found
}

/// Whether `before`, which ends at `at`, ends with a newline.
fn is_newline(encoding: Encoding, before: &[u8], at: u64) -> bool {
    match encoding {
        Encoding::Utf8 => before.ends_with(b"\n"),
        Encoding::Utf16Le => at.is_multiple_of(2) && before.ends_with(b"\n\0"),
        Encoding::Utf16Be => at.is_multiple_of(2) && before.ends_with(b"\0\n"),
    }
}

pub fn lines(data: &[u8]) {
    let mut choices = Choices::of(data);
    let every = 1 + choices.below(300) as u64;
    let short = 300 + choices.short();
    let max = choices.short();
    let floor = choices.short();
    let grown = choices.short();
    let bytes = choices.rest();
    let encoding = encoding(bytes);
    // A log in UTF-16 is broken between characters.
    let every = every.next_multiple_of(encoding.width());
    let floor = (floor % (bytes.len() + 1)) as u64 / encoding.width() * encoding.width();
    let extent = bytes.len() as u64;
    let file = Arc::new(Memory { short, ..Memory::new(bytes) });

    let expected = starts(bytes, floor, every);
    let mut lines = Lines::new(file.as_ref(), floor, extent).breaking_every(every);
    let mut forward = Vec::new();
    let mut at = floor;
    while at < extent {
        forward.push(at);
        let (end, how) = lines.end_of(at).expect("in memory");
        assert!(end > at && end <= extent);
        let ended = is_newline(encoding, &bytes[at as usize..end as usize], end);
        assert_eq!(how == End::Newline, ended);
        assert!(how != End::Open || end == extent);
        at = end;
    }
    assert_eq!(forward, expected);
    let mut backward = Vec::new();
    while at > floor {
        at = lines.start_of(at - 1).expect("in memory");
        backward.push(at);
    }
    backward.reverse();
    assert_eq!(backward, expected);

    in_pieces(&file, bytes, floor, max, floor + grown as u64 % (extent - floor + 1));
    if encoding == Encoding::Utf8 {
        by_rows(&file, bytes);
    }
}

/// A reader of every byte gets them all once, also when the log grows as it reads.
fn in_pieces(file: &Arc<Memory>, bytes: &[u8], floor: u64, max: usize, grown: u64) {
    let extent = bytes.len() as u64;
    let of = |extent| {
        let file: Arc<dyn File> = file.clone();
        History::new(vec![generation(file, floor, extent)])
    };
    let mut cursor = Cursor::at_start();
    let mut read = Vec::new();
    for history in [of(grown), of(extent)] {
        // Small pieces of a large log take long and say nothing more.
        let max = max.max(bytes.len() / 50);
        loop {
            let had = read.len();
            match cursor.read(&history, &mut read, max).expect("in memory") {
                Step::Bytes => assert!(read.len() > had && read.len() <= had + max.max(1)),
                Step::Turned { .. } => {}
                Step::End => break,
                step => panic!("{step:?}"),
            }
        }
    }
    assert!(read == bytes[floor as usize..], "{} bytes of {}", read.len(), bytes.len());

    let mut whole = Tallier::new();
    whole.feed(bytes);
    whole.end_line();
    let mut pieces = Tallier::new();
    bytes.chunks(max.max(1)).for_each(|piece| pieces.feed(piece));
    pieces.end_line();
    assert_eq!(whole.total(), pieces.total());
}

/// The newest lines, told in two ways.
fn by_rows(file: &Arc<Memory>, bytes: &[u8]) {
    let file: Arc<dyn File> = file.clone();
    let history = History::new(vec![generation(file, 0, bytes.len() as u64)]);
    let starts: Vec<usize> = crate::file::lines(bytes)
        .map(|line| line.as_ptr() as usize - bytes.as_ptr() as usize)
        .collect();
    for wanted in [1, 7] {
        let expected = starts[starts.len().saturating_sub(wanted)..].first().copied();
        let back = lines_back(&history, wanted as u64).expect("in memory");
        let back = back.map(|position| position.offset as usize);
        assert_eq!(back, Some(expected.unwrap_or(0)));
        let tail = tail(&history, &|_| None, None, wanted as u16).expect("in memory");
        let first = tail.blocks.first().map(|rows| rows.start.offset as usize);
        assert_eq!(first, expected);
    }
}
