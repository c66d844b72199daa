//! Scans of small logs with small units, held against asking every row in turn.

use std::borrow::Cow;
use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};

use proptest::prelude::*;
use tailwater_protocol::query::{Now, Query, Zone};
use tailwater_protocol::{Began, Fingerprint, GenerationId, Level};

use super::*;
use crate::file::{File, Identity, Stat};
use crate::history::Generation;
use crate::lines::Lines;
use crate::query::{Before, Found, PACE, Searcher};
use crate::read::{ReadAt, fingerprint_before, is_doubt};

const SIZES: Sizes = Sizes { unit: 64, read: 16, held: 48, kept: 1 << 20, break_every: 128 };

/// A file of memory that can be written, and counts what is read of it.
#[derive(Default)]
struct Memory {
    bytes: RwLock<Vec<u8>>,
    read: AtomicU64,
}

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        self.bytes.read().expect("not poisoned").read_at(buf, offset)
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        let bytes = self.bytes.read().expect("not poisoned").len() as u64;
        Ok(Stat { identity, bytes, links: 1, written: 0, changed: 0 })
    }
}

/// Fields are `name=value`, the time is the field `t`.
struct Plain;

impl Facts for Plain {
    fn level(&self, _: &[u8]) -> Level {
        Level::None
    }

    fn field<'a>(&self, line: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
        let mut words = line.split(|&byte| byte == b' ');
        let value = words.find_map(|word| word.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        value.map(Cow::Borrowed)
    }

    fn time(&self, line: &[u8]) -> Option<i64> {
        std::str::from_utf8(&self.field(line, "t")?).ok()?.parse().ok()
    }
}

struct Nothing;

impl Before for Nothing {
    fn time_before(&mut self, _: &dyn Facts, _: u64, _: u64) -> Option<(u64, i64)> {
        None
    }
}

fn generation(id: u32, file: &Arc<Memory>, from: u64, ended: bool) -> Generation {
    let bytes = file.bytes.read().expect("not poisoned").clone();
    let end = bytes.len() as u64;
    Generation {
        id: GenerationId(id),
        file: Arc::clone(file) as Arc<dyn File>,
        from: from.min(end),
        bytes: end,
        marker: fingerprint_before(&bytes, end).expect("read"),
        began: Began::Rotated,
        since: 0,
        name: "log".to_owned(),
        lost: None,
        ended,
        unfinished: bytes.last().is_some_and(|&byte| byte != b'\n'),
    }
}

fn matcher(query: &str) -> Arc<Matcher> {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let now = Now { nanos: 0, zone: Zone(0) };
    Arc::new(Matcher::new(&query, now).expect("a pattern"))
}

/// Where the rows begin that match: each by itself, all of its bytes at once, but with those
/// before it for the time.
fn model(history: &History, query: &str, sizes: &Sizes) -> Vec<Position> {
    let matcher = matcher(query);
    let mut found = Vec::new();
    for generation in history.generations.iter() {
        let mut bytes = vec![0; generation.bytes as usize];
        generation.file.read_at(&mut bytes, 0).expect("read");
        let mut lines = Lines::of(generation).breaking_every(sizes.break_every);
        let mut at = generation.from;
        while at < generation.bytes {
            let (end, how) = lines.end_of(at).expect("read");
            // A newline for whoever ends without: it is the border for what stands before.
            let mut before = bytes[generation.from as usize..at as usize].to_vec();
            if before.last().is_some_and(|&byte| byte != b'\n') {
                before.push(b'\n');
            }
            let row = &bytes[at as usize..end as usize];
            let broken = how == crate::lines::End::Break;
            let start = before.len();
            before.extend_from_slice(row);
            if broken {
                before.push(b'\n');
            }
            let mut searcher = Searcher::new(Arc::clone(&matcher), Arc::new(Plain));
            let mut pace = Pace::new(&|| false);
            let mut matches = false;
            let how = searcher.search(&before, 0, &mut Nothing, &mut pace, &mut |found| {
                matches |= found == start as u64;
                ControlFlow::Continue(())
            });
            assert_eq!(how, Found::All);
            if matches {
                found.push(Position { generation: generation.id, offset: at });
            }
            at = end;
        }
    }
    found
}

const QUERIES: [&str; 12] = [
    "ab",
    "Ab",
    "-ab",
    "/a+b/",
    "/^a/",
    "/b$/",
    "a b",
    "k=5 OR /b.a/",
    "since:1970-01-01T00:00:00Z",
    "until:1970-01-01T00:00:00Z ab",
    "",
    "nothing",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "Ab",
        " ",
        "k=5 ",
        "t=-5 ",
        "t=5 ",
        "xxxxxxxxxxxxxxxx",
        "\n",
        "\n",
        "\n",
        "\r\n",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Works until nothing is left, stopped after every so many questions.
fn finish(scan: &Scan, questions: u32) {
    let mut worker = scan.worker();
    loop {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > questions
        };
        match scan.work(&mut worker, &stop).expect("read") {
            Worked::Nothing => return,
            Worked::Stopped => {}
        }
    }
}

/// Everything that can be asked, against what it should be.
fn check(scan: &Scan, history: &History, expected: &[Position]) {
    let mut worker = scan.worker();
    let progress = scan.progress();
    assert_eq!(progress.matches, expected.len() as u64);
    assert_eq!(progress.searched, progress.bytes);
    for (number, &position) in expected.iter().enumerate() {
        let found = scan.nth(&mut worker, number as u64).expect("read");
        assert_eq!(found, Some(position));
        let ordinal = scan.ordinal(&mut worker, position).expect("read");
        assert_eq!(ordinal, Some(number as u64));
    }
    assert_eq!(scan.nth(&mut worker, expected.len() as u64).expect("read"), None);
    let order = |position: Position| (history.index(position.generation), position.offset);
    for generation in history.generations.iter() {
        for offset in (generation.from..=generation.bytes).step_by(7) {
            let at = Position { generation: generation.id, offset };
            let ahead = expected.iter().find(|&&found| order(found) >= order(at));
            let behind = expected.iter().rev().find(|&&found| order(found) < order(at));
            let near = |found: Option<&Position>| found.map_or(Near::Nothing, |&at| Near::At(at));
            let mut ask = |direction| scan.near(&mut worker, at, direction).expect("read");
            assert_eq!(ask(Direction::Forward), near(ahead), "{at}");
            assert_eq!(ask(Direction::Backward), near(behind), "{at}");
            let before = expected.iter().filter(|&&found| order(found) < order(at)).count();
            let ordinal = scan.ordinal(&mut worker, at).expect("read");
            assert_eq!(ordinal, Some(before as u64));
        }
    }
    for count in [1, 3, 50] {
        let buckets = scan.buckets(count);
        assert_eq!(buckets.len(), usize::from(count));
        assert_eq!(buckets.iter().map(|bucket| bucket.bytes).sum::<u64>(), progress.bytes);
        assert_eq!(buckets.iter().map(|bucket| bucket.searched).sum::<u64>(), progress.bytes);
        assert_eq!(buckets.iter().map(|bucket| bucket.matches).sum::<u64>(), progress.matches);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_scan_finds_what_asking_every_row_finds(
        generations in prop::collection::vec((text(), 0_u64..40), 0..3),
        appends in prop::collection::vec(text(), 0..4),
        query in prop::sample::select(QUERIES.to_vec()),
        questions in 0_u32..4, kept in prop_oneof![Just(0_usize), Just(1 << 20)],
        around in any::<Option<u16>>(),
    ) {
        let sizes = Sizes { kept, ..SIZES };
        let mut files: Vec<(Arc<Memory>, u64)> = Vec::new();
        let last = generations.len();
        for (bytes, from) in generations {
            let file = Arc::new(Memory { bytes: RwLock::new(bytes), read: AtomicU64::new(0) });
            files.push((file, from));
        }
        files.push((Arc::new(Memory::default()), 0));
        let history = |files: &[(Arc<Memory>, u64)]| History::new(files.iter().zip(1..).map(|((file, from), id)| {
            generation(id, file, *from, id as usize <= last)
        }).collect());
        let order = around.map_or(Order::Newest, |at| {
            Order::Around(Position { generation: GenerationId(1), offset: u64::from(at) })
        });
        let first = history(&files);
        let scan = Scan::sized(matcher(query), Arc::new(Plain), &first, order, sizes);
        for append in appends {
            // Half of the time with something left to do.
            if append.len() % 2 == 0 {
                finish(&scan, questions.max(1));
            } else {
                let mut worker = scan.worker();
                let asked = Cell::new(0);
                let stop = || { asked.set(asked.get() + 1); asked.get() > 2 };
                scan.work(&mut worker, &stop).expect("read");
            }
            let (file, _) = files.last().expect("one at least");
            file.bytes.write().expect("not poisoned").extend(append);
            scan.extend(&history(&files));
        }
        finish(&scan, questions.max(1));
        let now = history(&files);
        check(&scan, &now, &model(&now, query, &sizes));
    }

    #[test]
    fn the_next_match_is_found_without_a_scan(
        generations in prop::collection::vec((text(), 0_u64..40), 1..4),
        query in prop::sample::select(QUERIES.to_vec()),
        at in any::<prop::sample::Index>(), which in 0_u32..5, budget in 1_u64..300,
    ) {
        let files: Vec<_> = generations.into_iter().map(|(bytes, from)| {
            (Arc::new(Memory { bytes: RwLock::new(bytes), read: AtomicU64::new(0) }), from)
        }).collect();
        let history = History::new(files.iter().zip(1..).map(|((file, from), id)| {
            generation(id, file, *from, true)
        }).collect());
        let expected = model(&history, query, &SIZES);
        let order = |position: Position| (history.index(position.generation), position.offset);
        let offset = at.index(400) as u64;
        let from = Position { generation: GenerationId(which), offset };
        let mut worker = Worker::new(matcher(query), Arc::new(Plain));
        worker.sizes = SIZES;
        let mut walk = |direction| {
            let mut from = from;
            for _ in 0..2000 {
                let step = next(&mut worker, &history, from, direction, budget, &|| false).expect("read");
                match step {
                    Step::At(position) => return Some(position),
                    Step::Nothing => return None,
                    Step::Onward(on) => from = on,
                }
            }
            panic!("it does not come on");
        };
        let known = history.get(from.generation).is_some();
        let ahead = expected.iter().find(|&&at| !known || order(at) >= order(from));
        let behind = expected.iter().rev().find(|&&at| !known || order(at) < order(from));
        prop_assert_eq!(walk(Direction::Forward), ahead.copied());
        prop_assert_eq!(walk(Direction::Backward), behind.copied());
    }
}

#[test]
fn several_threads_find_each_match_once() {
    let line = |n: u32| format!("line {n} {}\n", if n.is_multiple_of(7) { "seven" } else { "" });
    let bytes: Vec<u8> = (0..3000).map(line).collect::<String>().into_bytes();
    let file = Arc::new(Memory { bytes: RwLock::new(bytes), read: AtomicU64::new(0) });
    let history = History::new(vec![generation(1, &file, 0, false)]);
    let scan = Scan::sized(matcher("seven"), Arc::new(Plain), &history, Order::Newest, SIZES);
    let errors = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                if let Err(error) = scan.work(&mut scan.worker(), &|| false) {
                    errors.lock().expect("not poisoned").push(error);
                }
            });
        }
    });
    assert!(errors.into_inner().expect("not poisoned").is_empty());
    check(&scan, &history, &model(&history, "seven", &SIZES));
}

#[test]
fn what_was_cut_below_the_scan_is_not_kept() {
    let text = "seven\n".repeat(100).into_bytes();
    let file = Arc::new(Memory { bytes: RwLock::new(text), read: AtomicU64::new(0) });
    let history = History::new(vec![generation(1, &file, 0, false)]);
    let scan = Scan::sized(matcher("seven"), Arc::new(Plain), &history, Order::Newest, SIZES);
    let mut worker = scan.worker();
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 4
    };
    assert_eq!(scan.work(&mut worker, &stop).expect("read"), Worked::Stopped);
    let found = scan.progress().matches;
    assert!(found > 0);
    file.bytes.write().expect("not poisoned").truncate(300);
    let error = scan.work(&mut worker, &|| false).expect_err("it was cut");
    assert!(is_doubt(&error));
    assert_eq!(scan.progress().matches, found, "nothing of that unit counts");
    // Rewritten, it is as long as it was: only the marker tells.
    *file.bytes.write().expect("not poisoned") = "eight\n".repeat(100).into_bytes();
    let error = scan.work(&mut worker, &|| false).expect_err("it was overwritten");
    assert!(is_doubt(&error));
    // What was lost is known now: the shorter life is searched anew, and the new one too.
    file.bytes.write().expect("not poisoned").truncate(0);
    let mut cut = generation(1, &file, 0, true);
    cut.marker = Fingerprint::EMPTY;
    let new = Arc::new(Memory::default());
    new.bytes.write().expect("not poisoned").extend(b"eight\nseven\n");
    let history = History::new(vec![cut, generation(2, &new, 0, false)]);
    scan.extend(&history);
    assert_eq!(scan.work(&mut worker, &|| false).expect("read"), Worked::Nothing);
    check(&scan, &history, &model(&history, "seven", &SIZES));
}

#[test]
fn growth_costs_what_is_new() {
    let text = "some line or other\n".repeat(2_000_000).into_bytes();
    let file = Arc::new(Memory { bytes: RwLock::new(text), read: AtomicU64::new(0) });
    let history = |file| History::new(vec![generation(1, file, 0, false)]);
    let scan = Scan::new(matcher("other"), Arc::new(Plain), &history(&file), Order::Newest);
    assert_eq!(scan.work(&mut scan.worker(), &|| false).expect("read"), Worked::Nothing);
    let mut lines = 2_000_000;
    for append in ["one mo", "re\nother ", "thing", "\n"] {
        file.bytes.write().expect("not poisoned").extend(append.as_bytes());
        scan.extend(&history(&file));
        let before = file.read.load(Ordering::Relaxed);
        assert_eq!(scan.work(&mut scan.worker(), &|| false).expect("read"), Worked::Nothing);
        let read = file.read.load(Ordering::Relaxed) - before;
        assert!(read < 4096, "{read} bytes for {append:?}");
        lines += u64::from(append.contains("other"));
        assert_eq!(scan.progress().matches, lines);
    }
}

#[test]
fn a_scan_is_stopped_within_some_bytes() {
    let text = "some line or other\n".repeat(1_000_000).into_bytes();
    let file = Arc::new(Memory { bytes: RwLock::new(text), read: AtomicU64::new(0) });
    let history = History::new(vec![generation(1, &file, 0, false)]);
    for query in ["other", "-nothing", "absent", "/o[a-z]+r$/", "k=5"] {
        let scan = Scan::new(matcher(query), Arc::new(Plain), &history, Order::Newest);
        let mut worker = scan.worker();
        let last = Cell::new(file.read.load(Ordering::Relaxed));
        let most = Cell::new(0);
        let stop = || {
            let read = file.read.load(Ordering::Relaxed);
            most.set(most.get().max(read - last.get()));
            last.set(read);
            false
        };
        scan.work(&mut worker, &stop).expect("read");
        let most = most.get();
        assert!(most <= PACE + 2 * READ, "{query}: {most} bytes without a question");
    }
}

/// A hole of `bytes`, then a line.
struct Sparse {
    bytes: u64,
    read: AtomicU64,
}

impl ReadAt for Sparse {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = self.bytes + 6;
        let len = end.saturating_sub(offset).min(buf.len() as u64) as usize;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        for (at, byte) in (offset..).zip(&mut buf[..len]) {
            *byte = at.checked_sub(self.bytes).map_or(0, |at| b"other\n"[at as usize]);
        }
        Ok(len)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok((offset < self.bytes + 6).then(|| offset.max(self.bytes / 4096 * 4096)))
    }
}

impl File for Sparse {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        Ok(Stat { identity, bytes: self.bytes + 6, links: 1, written: 0, changed: 0 })
    }
}

#[test]
fn a_hole_is_not_read() {
    let file = Sparse { bytes: 1 << 30, read: AtomicU64::new(0) };
    let end = file.bytes + 6;
    let marker = fingerprint_before(&file, end).expect("read");
    let file = Arc::new(file);
    let memory = Arc::new(Memory::default());
    let generation = Generation {
        file: Arc::clone(&file) as Arc<dyn File>,
        bytes: end,
        marker,
        unfinished: false,
        ..generation(1, &memory, 0, false)
    };
    let history = History::new(vec![generation]);
    let scan = Scan::new(matcher("other"), Arc::new(Plain), &history, Order::Newest);
    scan.work(&mut scan.worker(), &|| false).expect("read");
    let progress = scan.progress();
    assert_eq!((progress.matches, progress.searched), (1, end));
    let read = file.read.load(Ordering::Relaxed);
    assert!(read < 256 * READ, "{read} bytes");
}
