//! Counts against a plain count, whoever counts what, in whatever order, while the log grows.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tailwater_protocol::{Began, GenerationId};

use super::piece::Piece;
use super::*;
use crate::file::{File, Identity, Stat};
use crate::read::{fingerprint_before, is_doubt};

const IDENTITY: Identity = Identity { device: 1, inode: 2, birth: 3 };

#[derive(Clone)]
struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        let bytes = self.0.len() as u64;
        Ok(Stat { identity: IDENTITY, bytes, links: 1, written: 0, changed: 0 })
    }
}

fn generation(bytes: &[u8]) -> Generation {
    let file = Arc::new(Memory(bytes.to_vec()));
    let end = bytes.len() as u64;
    let marker = fingerprint_before(file.as_ref(), end).expect("read");
    Generation {
        id: GenerationId(1),
        file,
        from: 0,
        bytes: end,
        marker,
        began: Began::Found,
        since: 0,
        name: String::new(),
        lost: None,
        ended: false,
        unfinished: false,
    }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    // Lines of very different lengths, so that some blocks hold many, and some units none.
    let line = prop_oneof![3 => 0_usize..3, 2 => 0_usize..60, 1 => 0_usize..1500];
    prop::collection::vec((line, 1_usize..40), 0..5).prop_map(|runs| {
        let mut bytes = Vec::new();
        for (len, times) in runs {
            for _ in 0..if len > 60 { 1 } else { times } {
                bytes.resize(bytes.len() + len, b'x');
                bytes.push(b'\n');
            }
        }
        bytes
    })
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<u8>),
    Claim,
    /// Finishes, or for some reason does not, one that was claimed.
    Finish(prop::sample::Index, bool),
    CatchUp(u64),
    /// Keeps the counts and goes on with what was kept.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => text().prop_map(Step::Append),
        6 => Just(Step::Claim),
        6 => (any::<prop::sample::Index>(), prop::bool::weighted(0.8))
            .prop_map(|(which, well)| Step::Finish(which, well)),
        1 => (0_u64..2000).prop_map(Step::CatchUp),
        1 => Just(Step::Restart),
    ]
}

/// What is said of every offset and every number must be so.
fn check(counts: &Counts, bytes: &[u8]) -> Result<(), TestCaseError> {
    let extent = bytes.len() as u64;
    let newlines: Vec<u64> =
        (1..).zip(bytes).filter(|&(_, &b)| b == b'\n').map(|(at, _)| at).collect();
    let file = bytes.to_vec();
    let mut exact_so_far = true;
    for offset in (0..=extent).step_by(1 + bytes.len() / 60).chain([extent]) {
        let before = newlines.iter().filter(|&&end| end <= offset).count() as u64;
        match counts.lines_before(&file, offset).expect("read") {
            Some(Lines::Exact(lines)) => {
                prop_assert!(exact_so_far, "exact again at {}", offset);
                prop_assert_eq!(lines, before, "at {}", offset);
            }
            _ => exact_so_far = false,
        }
    }
    prop_assert_eq!(exact_so_far, counts.is_complete(extent));
    prop_assert_eq!(counts.uncounted(extent) == 0, exact_so_far);
    for number in (0..newlines.len() + 3).step_by(1 + newlines.len() / 60) {
        let start = match number {
            0 | 1 => Some(0),
            n => newlines.get(n - 2).copied(),
        };
        match counts.line_start(&file, extent, number as u64).expect("read") {
            LineStart::At(at) => prop_assert_eq!(Some(at), start, "line {}", number),
            LineStart::Beyond => prop_assert_eq!(None, start, "line {}", number),
            LineStart::About(at) => prop_assert!(!exact_so_far && at <= extent),
            LineStart::Unknown => prop_assert!(!exact_so_far),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whoever_counts_in_whatever_order(steps in prop::collection::vec(step(), 1..40)) {
        let mut counts = Counts::new();
        let mut bytes = Vec::new();
        let mut claimed: Vec<Piece> = Vec::new();
        for step in steps {
            match step {
                Step::Append(more) => bytes.extend(more),
                Step::Claim => {
                    if let Some(piece) = counts.write().claim(bytes.len() as u64) {
                        prop_assert!(claimed.iter().all(|other| other.unit != piece.unit));
                        claimed.push(piece);
                    }
                }
                Step::Finish(which, well) if !claimed.is_empty() => {
                    let piece = claimed.swap_remove(which.index(claimed.len()));
                    if well {
                        let found = piece.count(&bytes, &mut Vec::new()).expect("read");
                        counts.write().publish(&piece, &found);
                    }
                    counts.write().release(piece.unit);
                }
                Step::Finish(..) => {}
                Step::CatchUp(budget) => {
                    let all = counts.catch_up(&generation(&bytes), budget).expect("read");
                    prop_assert_eq!(all, counts.is_complete(bytes.len() as u64));
                }
                Step::Restart => {
                    let generation = generation(&bytes);
                    if let Some(kept) = counts.store(&generation, IDENTITY).expect("read") {
                        let stored = Stored::read(&kept).expect("what was written can be read");
                        let again = stored.of(&generation, IDENTITY, 7).expect("read");
                        let again = again.expect("it is the same log");
                        let complete = counts.is_complete(bytes.len() as u64);
                        prop_assert!(!complete || again.is_complete(bytes.len() as u64));
                        counts = again;
                        claimed.clear();
                    }
                }
            }
            check(&counts, &bytes)?;
        }
        for piece in claimed {
            counts.write().release(piece.unit);
        }
        // Newest first, and in the end all of it.
        let generation = generation(&bytes);
        let mut scratch = Scratch::default();
        while counts.work(&generation, &mut scratch).expect("read").is_some() {}
        prop_assert!(counts.is_complete(bytes.len() as u64));
        prop_assert_eq!(counts.counted(), bytes.len() as u64);
        check(&counts, &bytes)?;
    }

    #[test]
    fn whatever_was_kept_is_counts_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), sealed in any::<bool>()) {
        let mut kept = b"twcount1".to_vec();
        kept.extend([1_u64, 2, 3, 5000, 0, 0].iter().flat_map(|number| number.to_le_bytes()));
        kept.extend(bytes);
        if sealed {
            let sum = tailwater_protocol::Fingerprint::of(&kept);
            kept.extend(sum.0.to_le_bytes());
        }
        // Counts of units that were never looked at may be given; none may be more than they can.
        if let Ok(stored) = Stored::read(&kept) {
            prop_assert_eq!(stored.extent(), 5000);
        }
    }

    #[test]
    fn damage_is_seen(text in text(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let generation = generation(&text);
        let counts = Counts::new();
        counts.catch_up(&generation, u64::MAX).expect("read");
        let Some(mut kept) = counts.store(&generation, IDENTITY).expect("read") else { return Ok(()) };
        prop_assert!(Stored::read(&kept[..at.index(kept.len())]).is_err());
        let at = at.index(kept.len());
        kept[at] ^= flip;
        prop_assert!(Stored::read(&kept).is_err());
    }
}

/// A log that is long enough for its kept counts to be many blocks.
fn long() -> Vec<u8> {
    let mut bytes = Vec::new();
    (0..400).for_each(|n: u32| bytes.extend(format!("line number {n}\n").into_bytes()));
    bytes
}

#[test]
fn kept_counts_of_another_log_are_refused() {
    let bytes = long();
    let log = generation(&bytes);
    let counts = Counts::new();
    counts.catch_up(&log, u64::MAX).expect("read");
    let kept = counts.store(&log, IDENTITY).expect("read").expect("counted");
    let fits = |bytes: &[u8], identity| {
        let stored = Stored::read(&kept).expect("whole");
        stored.of(&generation(bytes), identity, 1).expect("read").is_some()
    };
    assert!(fits(&bytes, IDENTITY));
    let mut grown = bytes.clone();
    grown.extend(b"and more\n");
    assert!(fits(&grown, IDENTITY));
    assert!(!fits(&bytes, Identity { birth: 4, ..IDENTITY }));
    assert!(!fits(&bytes[..bytes.len() - 1], IDENTITY), "it is shorter");
    let mut head = bytes.clone();
    head[3] = b'!';
    assert!(!fits(&head, IDENTITY));
    let mut end = bytes.clone();
    end[bytes.len() - 20] = b'!';
    assert!(!fits(&end, IDENTITY));
    let mut middle = bytes.clone();
    middle[400..bytes.len() - 400].fill(b'\n');
    assert!(!fits(&middle, IDENTITY), "it was overwritten between its head and its end");
}

#[test]
fn numbers_near_the_end_are_apart_by_what_is_between() {
    let bytes = long();
    let counts = Counts::new();
    let log = generation(&bytes);
    counts.catch_up(&log, UNIT).expect("read");
    counts.work(&log, &mut Scratch::default()).expect("read").expect("counted");
    let before = |offset: usize| counts.lines_before(&bytes, offset as u64).expect("read");
    let (early, late) = (bytes.len() - 100, bytes.len() - 7);
    let between = bytes[early..late].iter().filter(|&&b| b == b'\n').count() as u64;
    let (Some(Lines::Estimate(early)), Some(Lines::Estimate(late))) = (before(early), before(late))
    else {
        panic!("nobody has counted the middle")
    };
    assert_eq!(late - early, between);
    assert!(early.abs_diff(395) < 40, "{early}");
}

#[test]
fn more_lines_than_32_bits_hold() {
    let counts = Counts::new();
    // As if a byte held many: to read through four billion takes too long.
    let of_block = (1_u32 << 29) - 1;
    for unit in 0..3 {
        let piece = Piece { unit, from: 0, to: UNIT, beside_hole: false };
        counts.write().publish(&piece, &[of_block; BLOCKS]);
    }
    let file: &[u8] = b"";
    let of_unit = u64::from(of_block) * BLOCKS as u64;
    let before = counts.lines_before(&file.to_vec(), 3 * UNIT).expect("read");
    assert_eq!(before, Some(Lines::Exact(3 * of_unit)));
    let block = counts.read().block_of(2 * of_unit + u64::from(of_block) + 5);
    assert_eq!(block, Some((2 * UNIT + BLOCK, 2 * UNIT + 2 * BLOCK, 4)));
}

/// A hole, then a line.
struct Sparse {
    bytes: u64,
    read: AtomicU64,
}

impl ReadAt for Sparse {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        for (at, byte) in (offset..).zip(&mut *buf) {
            *byte = if at == self.bytes { b'\n' } else { 0 };
        }
        Ok((self.bytes + 1).saturating_sub(offset).min(buf.len() as u64) as usize)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok((offset <= self.bytes).then(|| offset.max(self.bytes / 16 * 16)))
    }
}

#[test]
fn a_hole_costs_no_reading() {
    let file = Sparse { bytes: 10_000 * UNIT + 77, read: AtomicU64::new(0) };
    let extent = file.bytes + 1;
    let counts = Counts::new();
    let mut scratch = Scratch::default();
    while counts.work_on(&file, extent, &mut scratch, || Ok(())).expect("read").is_some() {}
    assert_eq!(counts.lines_before(&file, extent).expect("read"), Some(Lines::Exact(1)));
    assert_eq!(counts.line_start(&file, extent, 2).expect("read"), LineStart::At(extent));
    let read = file.read.load(Ordering::Relaxed);
    assert!(read < 2 * UNIT, "{read} bytes of {} read", file.bytes);
}

#[test]
fn a_log_that_was_cut_leaves_the_counts_as_they_were() {
    let bytes = long();
    let counts = Counts::new();
    counts.catch_up(&generation(&bytes), 100).expect("read");
    let mut cut = generation(&bytes);
    cut.file = Arc::new(Memory(bytes[..UNIT as usize + 5].to_vec()));
    let error = counts.work(&cut, &mut Scratch::default()).expect_err("too short");
    assert!(is_doubt(&error));
    let mut other = bytes.clone();
    other.iter_mut().for_each(|byte| *byte = b'\n');
    cut.file = Arc::new(Memory(other));
    let error = counts.work(&cut, &mut Scratch::default()).expect_err("overwritten");
    assert!(is_doubt(&error));
    assert_eq!(counts.counted(), 100);
    // And what was given back is taken up again.
    let whole = generation(&bytes);
    while counts.work(&whole, &mut Scratch::default()).expect("read").is_some() {}
    assert!(counts.is_complete(whole.bytes));
}

#[test]
fn many_threads_count_each_unit_once() {
    let bytes: Vec<u8> = long().repeat(40);
    let log = generation(&bytes);
    let counts = Counts::new();
    let worked: Vec<u64> = std::thread::scope(|scope| {
        let work = || {
            let mut scratch = Scratch::default();
            let mut worked = 0;
            while let Some(bytes) = counts.work(&log, &mut scratch).expect("read") {
                worked += bytes;
            }
            worked
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends well")).collect()
    });
    assert_eq!(worked.iter().sum::<u64>(), log.bytes);
    assert_eq!(counts.lines_before(&bytes, log.bytes).expect("read"), Some(Lines::Exact(400 * 40)));
}

#[test]
fn the_newest_is_counted_first() {
    let bytes = long();
    let log = generation(&bytes);
    let counts = Counts::new();
    let mut seen = HashSet::new();
    let mut last = usize::MAX;
    while let Some(piece) = counts.write().claim(log.bytes) {
        assert!(piece.unit < last && seen.insert(piece.unit));
        last = piece.unit;
    }
    assert_eq!(last, 0);
}

/// Text in which `0A` is often half of another character, in UTF-16 with its mark.
fn wide(chars: &[char], big: bool) -> Vec<u8> {
    let text: String = std::iter::once('\u{feff}').chain(chars.iter().copied()).collect();
    let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(unit).collect()
}

proptest! {
    /// However much is there whenever it is counted, also half a character.
    #[test]
    fn newlines_of_two_bytes_are_counted_once(
        chars in prop::collection::vec(prop::sample::select(vec!['\n', '\u{a0a}', '\u{a00}', 'x', '\u{1f40a}']), 0..900),
        big: bool,
        steps in prop::collection::vec(1_usize..400, 0..12),
    ) {
        let bytes = wide(&chars, big);
        let encoding = bytes.encoding();
        let counts = Counts::new();
        let mut extent = 0;
        for step in steps.into_iter().chain([bytes.len()]) {
            extent = (extent + step).min(bytes.len());
            prop_assert!(counts.catch_up_on(&bytes, extent as u64, u64::MAX, || Ok(())).expect("read"));
        }
        let ends: Vec<usize> = encoding.newline_ends(&bytes, 0).collect();
        let expected = chars.iter().filter(|&&char| char == '\n').count();
        prop_assert_eq!(ends.len(), expected);
        for offset in 0..=bytes.len() {
            let before = ends.iter().filter(|&&end| end <= offset).count() as u64;
            let found = counts.lines_before(&bytes, offset as u64).expect("read");
            prop_assert_eq!(found, Some(Lines::Exact(before)), "before {}", offset);
        }
        for (index, &end) in ends.iter().enumerate() {
            let found = counts.line_start(&bytes, bytes.len() as u64, index as u64 + 2);
            prop_assert_eq!(found.expect("read"), LineStart::At(end as u64));
        }
    }
}
