//! Windows and tails, held against all rows of a log as a plain split finds them.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tailwater_engine::counts::Counts;
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::read::{ReadAt, fingerprint_before, is_doubt};
use tailwater_engine::window::{MAX_ROWS, lines_back, lines_before, tail, window};
use tailwater_protocol::{Anchor, Began, GenerationId, Number, Position, Rows};

/// A file of memory that counts what is read of it.
struct Memory {
    bytes: Vec<u8>,
    read: AtomicU64,
}

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read_at(buf, offset)
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        let bytes = self.bytes.len() as u64;
        Ok(Stat { identity, bytes, links: 1, written: 0, changed: 0 })
    }
}

/// A log of these generations, each from its own first byte on.
fn history(generations: &[(Vec<u8>, u64)]) -> History {
    let generations = generations.iter().zip(1..).map(|((bytes, from), id)| {
        let end = bytes.len() as u64;
        let file = Memory { bytes: bytes.clone(), read: AtomicU64::new(0) };
        let marker = fingerprint_before(&file, end).expect("read");
        Generation {
            id: GenerationId(id),
            file: Arc::new(file),
            from: *from,
            bytes: end,
            marker,
            began: Began::Rotated,
            since: 0,
            name: "log".to_owned(),
            lost: None,
            ended: true,
            unfinished: bytes.last().is_some_and(|&byte| byte != b'\n'),
        }
    });
    History::new(generations.collect())
}

type Tables = HashMap<GenerationId, Arc<Counts>>;

/// Counts, each up to that part of its generation.
fn counted(history: &History, parts: &[f64]) -> Tables {
    let counted = history.generations.iter().zip(parts).map(|(generation, part)| {
        let counts = Counts::new();
        let budget = (generation.bytes as f64 * part) as u64;
        counts.catch_up(generation, budget).expect("read");
        (generation.id, Arc::new(counts))
    });
    counted.collect()
}

#[derive(Debug, Clone, PartialEq)]
struct Expected {
    at: Position,
    length: u64,
    number: u64,
}

/// All rows of all generations.
fn all_rows(history: &History) -> Vec<Expected> {
    let mut rows = Vec::new();
    for generation in history.generations.iter() {
        let mut bytes = vec![0; generation.bytes as usize];
        generation.file.read_at(&mut bytes, 0).expect("read");
        let before = &bytes[..generation.from as usize];
        let first = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let mut offset = generation.from;
        let lines = bytes[generation.from as usize..].split_inclusive(|&byte| byte == b'\n');
        for (number, line) in (first..).zip(lines) {
            let at = Position { generation: generation.id, offset };
            rows.push(Expected { at, length: line.len() as u64, number });
            offset += line.len() as u64;
        }
    }
    rows
}

/// The rows of `blocks`, which must be the same as those of `all` from some row on. Which?
fn matched(blocks: &[Rows], all: &[Expected]) -> (usize, usize) {
    let rows = blocks.iter().flat_map(Rows::iter).map(|row| (row.position, row.length, row.number));
    let rows: Vec<_> = rows.collect();
    let Some(&(first, ..)) = rows.first() else { return (0, 0) };
    let start = all.iter().position(|row| row.at == first).expect("it starts with a row");
    for (&(position, length, number), expected) in rows.iter().zip(&all[start..]) {
        assert_eq!((position, length), (expected.at, expected.length));
        match number {
            Number::Exact(number) => assert_eq!(number, expected.number),
            Number::Estimate(_) | Number::Unknown => {}
        }
    }
    assert!(start + rows.len() <= all.len());
    (start, rows.len())
}

fn log() -> impl Strategy<Value = Vec<(Vec<u8>, u64)>> {
    let line = prop_oneof![
        6 => "[a-z]{0,30}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0_usize..9000).prop_map(|len| vec![b'x'; len]),
    ];
    let lines = prop_oneof![3 => 0_usize..12, 1 => 0_usize..150];
    let generation = (
        lines.prop_flat_map(move |n| prop::collection::vec(line.clone(), n)),
        any::<bool>(),
        any::<prop::sample::Index>(),
        0_u8..5,
    );
    let generation = generation.prop_map(|(lines, finished, from, whole)| {
        let mut bytes = lines.join(&b'\n');
        if finished && !bytes.is_empty() {
            bytes.push(b'\n');
        }
        let from = if whole > 0 { 0 } else { from.index(bytes.len() + 1) as u64 };
        (bytes, from)
    });
    prop::collection::vec(generation, 0..5)
}

fn config() -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/windows-regressions.txt");
    let failure_persistence = Some(Box::new(kept) as Box<_>);
    ProptestConfig { cases: 150, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_window_is_a_part_of_all_rows(
        log in log(),
        parts in prop::collection::vec(prop_oneof![Just(1.0), 0.0..1.0], 5),
        kind in 0_u8..6,
        at in any::<prop::sample::Index>(),
        fraction in prop_oneof![9 => 0.0..=1.0, 1 => Just(f64::NAN)],
        before in prop_oneof![0_u16..30, Just(u16::MAX)],
        after in prop_oneof![0_u16..30, Just(u16::MAX)],
    ) {
        let history = history(&log);
        let tables = counted(&history, &parts);
        let counts = |id| tables.get(&id).cloned();
        let all = all_rows(&history);
        let row = (!all.is_empty()).then(|| at.index(all.len()));
        let inside = row.map(|row| {
            let within = at.index(all[row].length as usize) as u64;
            Position { offset: all[row].at.offset + within, ..all[row].at }
        });
        let (anchor, meant) = match (kind, row, inside) {
            (0, ..) => (Anchor::Start, Some(0)),
            (1, ..) => (Anchor::End, Some(all.len())),
            (2, Some(row), Some(inside)) => (Anchor::At(inside), Some(row)),
            (3, ..) => (Anchor::At(Position { generation: GenerationId(99), offset: 7 }), Some(0)),
            (4, ..) => (Anchor::Fraction(fraction), None),
            _ => {
                let last = history.generations.last().map(|last| last.id);
                let tables_exact = parts.get(history.generations.len().saturating_sub(1)) == Some(&1.0);
                let number = at.index(40) as u64;
                let of_last: Vec<usize> = (0..all.len()).filter(|&row| Some(all[row].at.generation) == last).collect();
                let row = of_last.iter().find(|&&row| all[row].number >= number).copied();
                (Anchor::Line(number), tables_exact.then_some(row.unwrap_or(all.len())))
            }
        };
        let found = window(&history, &counts, anchor, before, after).expect("read");
        let (start, len) = matched(&found.blocks, &all);
        prop_assert!(found.anchor as usize <= len && len <= MAX_ROWS);
        if let Some(meant) = meant {
            if len > 0 {
                prop_assert_eq!(start + found.anchor as usize, meant);
            } else {
                prop_assert!(before == 0 || meant == 0);
                prop_assert!(after == 0 || meant == all.len());
            }
            // Nothing is held back but by the bounds.
            let text: usize = found.blocks.iter().map(|rows| rows.text.len()).sum();
            if text < 100_000 && usize::from(before) + usize::from(after) < MAX_ROWS {
                prop_assert_eq!(found.anchor as usize, meant.min(before.into()));
                prop_assert_eq!(len - found.anchor as usize, (all.len() - meant).min(after.into()));
            }
        }
        if len > 0 {
            prop_assert_eq!(found.at_start, start == 0);
            prop_assert_eq!(found.at_end, start + len == all.len());
        }
        if parts.iter().all(|&part| part == 1.0) {
            let exact = found.blocks.iter().all(|rows| matches!(rows.number, Number::Exact(_)));
            prop_assert!(exact);
        }
    }

    #[test]
    fn a_tail_goes_on_where_the_page_stands(
        log in log(),
        rows in 0_u16..40,
        from in prop::option::of(any::<prop::sample::Index>()),
        known in prop::bool::weighted(0.9),
    ) {
        let history = history(&log);
        let all = all_rows(&history);
        let counts = |_| None;
        // Somewhere among all bytes, their end included.
        let total: u64 = all.iter().map(|row| row.length).sum();
        let mut left = from.map(|from| from.index(total as usize + 1) as u64);
        let mut position = history.end().filter(|_| left.is_some());
        for row in &all {
            match left {
                Some(bytes) if bytes < row.length => {
                    position = Some(Position { offset: row.at.offset + bytes, ..row.at });
                    break;
                }
                _ => left = left.map(|bytes| bytes - row.length),
            }
        }
        if !known {
            position = position.map(|position| Position { generation: GenerationId(99), ..position });
        }
        let found = tail(&history, &counts, position, rows).expect("read");
        prop_assert_eq!(found.end, history.bookmark());
        if rows == 0 {
            prop_assert!(found.blocks.is_empty());
            return Ok(());
        }
        let (start, len) = matched(&found.blocks, &all);
        prop_assert!(len <= usize::from(rows));
        if len > 0 {
            prop_assert_eq!(start + len, all.len());
        }
        if let Some(position) = position.filter(|_| known && found.continues) {
            let holding = all.iter().position(|row| {
                row.at.generation == position.generation
                    && (row.at.offset..row.at.offset + row.length).contains(&position.offset)
            });
            prop_assert_eq!(holding, (len > 0).then_some(start));
        }
        let text: usize = found.blocks.iter().map(|rows| rows.text.len()).sum();
        if !found.continues && text < 100_000 {
            prop_assert_eq!(len, all.len().min(rows.into()));
        }
    }

    #[test]
    fn the_last_lines_begin_where_they_do(log in log(), lines in 0_u64..900) {
        let history = history(&log);
        let all = all_rows(&history);
        let found = lines_back(&history, lines).expect("read");
        let expected = all.iter().rev().take(lines as usize).next_back().map(|row| row.at);
        prop_assert_eq!(found, expected.or(history.end()));
    }

    #[test]
    fn the_lines_before_a_line_begin_where_they_do(
        log in log(),
        at in any::<prop::sample::Index>(),
        lines in 0_u64..900,
    ) {
        let history = history(&log);
        let all = all_rows(&history);
        prop_assume!(!all.is_empty());
        let at = at.index(all.len());
        let expected = all[at.saturating_sub(lines as usize)].at;
        let found = lines_before(&history, all[at].at, lines).expect("read");
        prop_assert_eq!(found, Some(expected));
    }
}

fn long_log() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..400_000 {
        bytes.extend(
            format!(
                "2026-11-21T10:00:00.000Z INFO request {number} took a while, and was served\n"
            )
            .bytes(),
        );
    }
    bytes
}

#[test]
fn a_screenful_costs_a_screenful() {
    let bytes = long_log();
    let read = AtomicU64::new(0);
    let file = Arc::new(Memory { bytes, read });
    let mut of_log = history(&[(Vec::new(), 0)]).generations.to_vec();
    of_log[0].bytes = file.bytes.len() as u64;
    of_log[0].marker = fingerprint_before(file.as_ref(), of_log[0].bytes).expect("read");
    of_log[0].file = file.clone();
    let history = History::new(of_log);
    for anchor in [Anchor::End, Anchor::Start, Anchor::Fraction(0.5), Anchor::Fraction(0.999)] {
        file.read.store(0, Ordering::Relaxed);
        let found = window(&history, &|_| None, anchor, 100, 100).expect("read");
        assert!(found.blocks.iter().map(Rows::len).sum::<usize>() >= 100);
        let read = file.read.load(Ordering::Relaxed);
        assert!(read <= 96 * 1024, "{anchor:?} read {read} bytes");
    }
}

#[test]
fn a_log_that_was_cut_is_a_doubt() {
    let mut of_log = history(&[(b"one\ntwo\nthree\n".to_vec(), 0)]).generations.to_vec();
    of_log[0].file = Arc::new(Memory { bytes: b"new".to_vec(), read: AtomicU64::new(0) });
    let cut = window(&History::new(of_log.clone()), &|_| None, Anchor::End, 9, 0);
    assert!(is_doubt(&cut.expect_err("it is shorter")));
    of_log[0].file =
        Arc::new(Memory { bytes: b"four\nfive\nsix\n".to_vec(), read: AtomicU64::new(0) });
    let rewritten = window(&History::new(of_log), &|_| None, Anchor::End, 9, 0);
    assert!(is_doubt(&rewritten.expect_err("it is another")));
}

#[test]
fn an_estimate_is_marked_and_near() {
    let bytes = long_log();
    let middle = bytes.len() as u64 / 2;
    let history = history(&[(bytes, 0)]);
    let tables = counted(&history, &[0.1]);
    let counts = |id| tables.get(&id).cloned();
    let at = Position { generation: GenerationId(1), offset: middle };
    let found = window(&history, &counts, Anchor::At(at), 0, 3).expect("read");
    let Number::Estimate(number) = found.blocks[0].number else { panic!("{:?}", found.blocks[0]) };
    assert!((190_000..210_000).contains(&number), "{number}");
    let line = window(&history, &counts, Anchor::Line(200_000), 0, 1).expect("read");
    let near = line.blocks[0].start.offset.abs_diff(middle);
    assert!(near < 2_000_000, "{near} bytes away");
}
