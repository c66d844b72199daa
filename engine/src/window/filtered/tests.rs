//! A page without a browser pages through a filtered log that grows and is rotated, and must have
//! exactly what a plain look at every row finds, each row once.

use std::sync::{Arc, RwLock};

use proptest::prelude::*;
use tailwater_protocol::query::{Now, Query, Zone};
use tailwater_protocol::{Began, GenerationId, Number};

use super::*;
use crate::counts::Counts;
use crate::file::{File, Identity, Stat};
use crate::query::{LogFacts, Matcher};
use crate::read::{ReadAt, fingerprint_before};
use crate::scan::{Order, Sizes};

#[derive(Default)]
struct Memory(RwLock<Vec<u8>>);

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read().expect("not poisoned").read_at(buf, offset)
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        let bytes = self.0.read().expect("not poisoned").len() as u64;
        Ok(Stat { identity, bytes, links: 1, written: 0, changed: 0 })
    }
}

/// Generations are numbered in their order here, so that places can be compared.
type Key = (u32, u64);

fn key(at: Position) -> Key {
    (at.generation.0, at.offset)
}

/// A log, its search, and a page that shows a stretch of it.
struct World {
    files: Vec<Arc<Memory>>,
    scan: Scan,
    matcher: Arc<Matcher>,
    context: u16,
    budget: u64,
    counts: std::collections::HashMap<GenerationId, Arc<Counts>>,
    /// What the page shows: rows, and the stretch that they are all of.
    rows: Vec<(Key, bool)>,
    stretch: Option<(Position, Position)>,
    /// Where its frames stand.
    at: Option<Position>,
    at_end: bool,
    counted: (Position, u64),
}

#[derive(Debug, Clone)]
enum Act {
    Append(Vec<u8>),
    Rotate,
    /// The search goes on, by so many questions whether to stop.
    Search(u32),
    Up(u16),
    Down(u16),
    Jump(f64, u16, u16),
    End(u16),
    Frame(u16),
    Count,
}

fn matcher() -> Arc<Matcher> {
    let now = Now { nanos: 0, zone: Zone(0) };
    Arc::new(Matcher::new(&Query::parse("x").expect("a query"), now).expect("sound"))
}

impl World {
    fn new(context: u16, budget: u64, kept: usize) -> Self {
        let matcher = matcher();
        let facts = Arc::new(LogFacts::default());
        let empty = History::default();
        let sizes = Sizes::small(64, kept);
        let scan = Scan::sized(Arc::clone(&matcher), facts, &empty, Order::Newest, sizes);
        Self {
            files: vec![Arc::new(Memory::default())],
            scan,
            matcher,
            context,
            budget,
            counts: std::collections::HashMap::new(),
            rows: Vec::new(),
            stretch: None,
            at: None,
            at_end: false,
            counted: (Position::start(GenerationId(1)), 0),
        }
    }

    fn history(&self) -> History {
        let last = self.files.len();
        let generations = self.files.iter().enumerate().map(|(index, file)| {
            let bytes = file.0.read().expect("not poisoned").clone();
            let end = bytes.len() as u64;
            Generation {
                id: GenerationId(index as u32 + 1),
                file: Arc::clone(file) as Arc<dyn File>,
                from: 0,
                bytes: end,
                marker: fingerprint_before(&bytes, end).expect("read"),
                began: Began::Rotated,
                since: 0,
                name: "log".to_owned(),
                lost: None,
                ended: index + 1 < last,
                unfinished: bytes.last().is_some_and(|&byte| byte != b'\n'),
            }
        });
        History::new(generations.collect())
    }

    /// Every row, and whether it matches; `None`: not to be shown.
    fn model(&self) -> Vec<(Key, u64, Option<bool>)> {
        let mut all = Vec::new();
        let context = usize::from(self.context);
        for (index, file) in self.files.iter().enumerate() {
            let bytes = file.0.read().expect("not poisoned").clone();
            let mut offset = 0;
            let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
            let takes = |line: &[u8]| line.iter().any(|byte| b"xX".contains(byte));
            for (nth, line) in lines.iter().enumerate() {
                let near = lines
                    .iter()
                    .enumerate()
                    .any(|(other, line)| other.abs_diff(nth) <= context && takes(line));
                let at = (index as u32 + 1, offset);
                all.push((at, nth as u64 + 1, near.then(|| takes(line))));
                offset += line.len() as u64;
            }
        }
        all
    }

    fn picked<T>(&self, work: impl FnOnce(&History, &CountsOf<'_>, &mut Pick<'_>) -> T) -> T {
        let history = self.history();
        self.scan.extend(&history);
        let mut worker = Worker::new(Arc::clone(&self.matcher), Arc::new(LogFacts::default()));
        let mut pick = Pick {
            scan: Some(&self.scan),
            worker: &mut worker,
            context: self.context,
            budget: self.budget,
            stop: &|| false,
        };
        work(&history, &|id| self.counts.get(&id).cloned(), &mut pick)
    }

    fn rows_of(&self, picked: &PickedRows) -> Vec<(Key, bool)> {
        let model = self.model();
        let all = picked.blocks.iter().flat_map(Rows::iter);
        all.enumerate()
            .map(|(nth, row)| {
                let known = model.iter().find(|known| known.0 == key(row.position)).expect("a row");
                if let Number::Exact(number) = row.number {
                    assert_eq!(number, known.1, "its own number");
                }
                (key(row.position), !picked.aside.contains(&(nth as u32)))
            })
            .collect()
    }

    /// The page shows what it must.
    fn check(&self) {
        let Some((from, to)) = self.stretch else { return };
        let end = self.history().end().expect("something");
        let to = if self.at_end { end } else { to };
        let (from, to) = (key(from), key(to));
        let expected: Vec<(Key, bool)> = self
            .model()
            .into_iter()
            .filter(|(at, ..)| from <= *at && *at < to)
            .filter_map(|(at, _, shown)| Some((at, shown?)))
            .collect();
        let rows: Vec<(Key, bool)> = self.rows.iter().copied().filter(|row| row.0 < to).collect();
        assert_eq!(rows, expected, "in {from:?} to {to:?}");
    }

    fn replace(&mut self, picked: PickedRows) {
        self.rows = self.rows_of(&picked);
        (self.stretch, self.at_end) = (picked.stretch, picked.at_end);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Append(bytes) => {
                let file = self.files.last().expect("one");
                file.0.write().expect("not poisoned").extend(bytes);
                self.at_end = false;
            }
            Act::Rotate => {
                self.files.push(Arc::default());
                self.at_end = false;
            }
            Act::Search(steps) => {
                self.scan.extend(&self.history());
                let asked = std::cell::Cell::new(0);
                let stop = || {
                    asked.set(asked.get() + 1);
                    asked.get() > steps
                };
                self.scan.work(&mut self.scan.worker(), &stop).expect("searched");
            }
            Act::Up(rows) => {
                let Some((from, to)) = self.stretch else { return };
                let picked = self.picked(|history, counts, pick| {
                    window(history, counts, None, pick, Anchor::At(from), rows, 0).expect("read")
                });
                let (start, _) = picked.stretch.expect("something");
                assert!(key(start) < key(from) || picked.at_start, "it comes further: {picked:?}");
                let mut rows = self.rows_of(&picked);
                assert!(rows.iter().all(|row| row.0 < key(from)));
                rows.append(&mut self.rows);
                (self.rows, self.stretch) = (rows, Some((start, to)));
                if picked.at_start {
                    let first = self.model().first().map(|row| row.0);
                    assert!(first.is_none_or(|first| key(start) <= first));
                }
            }
            Act::Down(rows) => {
                let Some((start, to)) = self.stretch else { return };
                let picked = self.picked(|history, counts, pick| {
                    window(history, counts, None, pick, Anchor::At(to), 0, rows).expect("read")
                });
                let (from, end) = picked.stretch.expect("something");
                assert!(key(end) > key(to) || picked.at_end, "it comes further: {picked:?}");
                self.rows.retain(|row| row.0 < key(from));
                self.rows.extend(self.rows_of(&picked));
                let start = if key(from) < key(start) { from } else { start };
                (self.stretch, self.at_end) = (Some((start, end)), picked.at_end);
            }
            Act::Jump(fraction, before, after) => {
                let picked = self.picked(|history, counts, pick| {
                    let anchor = Anchor::Fraction(fraction);
                    window(history, counts, None, pick, anchor, before, after).expect("read")
                });
                self.replace(picked);
            }
            Act::End(rows) => {
                let picked = self.picked(|history, counts, pick| {
                    window(history, counts, None, pick, Anchor::End, rows, 0).expect("read")
                });
                assert!(picked.at_end);
                self.replace(picked);
            }
            Act::Frame(rows) => {
                // A page that follows stands at the end: it is where its frames are.
                let from = self.at;
                let picked = self.picked(|history, counts, pick| {
                    tail(history, counts, pick, from, rows).expect("read")
                });
                self.at = picked.end.map(|end| end.position);
                let Some((start, to)) = picked.rows.stretch else { return };
                let known = self.stretch.filter(|_| picked.continues && from.is_some());
                match known {
                    Some((first, stood)) if key(stood) >= key(start) => {
                        self.rows.retain(|row| row.0 < key(start));
                        self.rows.extend(self.rows_of(&picked.rows));
                        (self.stretch, self.at_end) =
                            (Some((if key(start) < key(first) { start } else { first }, to)), true);
                    }
                    _ => self.replace(picked.rows),
                }
            }
            Act::Count => {
                let (from, sum) = self.counted;
                let ((tally, upto), history) = self.picked(|history, _, pick| {
                    let passed = passed(history, pick, from, 1000).expect("read");
                    (passed, history.clone())
                });
                assert!(key(upto) >= key(from));
                self.counted = (upto, sum + tally.lines);
                let last = history.generations.last();
                let model = self.model();
                let matches = model.iter().filter(|row| row.0 < key(upto) && row.2 == Some(true));
                // A row that had no end when its generation was the last is counted when it ends.
                assert_eq!(self.counted.1, matches.count() as u64, "before {upto} in {last:?}");
            }
        }
        self.check();
    }
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        3 => "[a-c]{0,6}",
        1 => "[a-c]{0,3}x",
        1 => "X[a-c]{0,90}",
    ];
    (text, prop::bool::weighted(0.9)).prop_map(|(text, ended)| {
        let mut bytes = text.into_bytes();
        bytes.extend(ended.then_some(b'\n'));
        bytes
    })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => prop::collection::vec(line(), 0..12).prop_map(|lines| Act::Append(lines.concat())),
        1 => Just(Act::Rotate),
        2 => (0_u32..6).prop_map(Act::Search),
        3 => (1_u16..9).prop_map(Act::Up),
        3 => (9_u16..20).prop_map(Act::Down),
        2 => (0.0..1.0_f64, 0_u16..8, 1_u16..8).prop_map(|(at, before, after)| Act::Jump(at, before, after)),
        1 => (1_u16..9).prop_map(Act::End),
        3 => (1_u16..30).prop_map(Act::Frame),
        2 => Just(Act::Count),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_page_has_what_matches_and_its_company_each_once(
        start in prop::collection::vec(line(), 0..60),
        context in 0_u16..4,
        budget in prop_oneof![Just(1_u64), 20..200_u64, Just(1 << 20)],
        kept in prop_oneof![Just(0_usize), Just(1 << 20)],
        acts in prop::collection::vec(act(), 1..25),
    ) {
        let mut world = World::new(context, budget, kept);
        world.act(Act::Append(start.concat()));
        for act in acts {
            world.act(act);
        }
    }
}
