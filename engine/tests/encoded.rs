//! Logs in UTF-16: every way of reading one gives what it gives of the same text in UTF-8, at
//! positions of the file as it is.

use std::io;
use std::sync::Arc;

use proptest::prelude::*;
use tailwater_engine::counts::Counts;
use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::encoding::Encoding;
use tailwater_engine::event::EventRule;
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::lines::Lines;
use tailwater_engine::query::{LogFacts, Matcher};
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_engine::sample::Sample;
use tailwater_engine::scan::{Direction, Order, Scan, Step as Sought, next};
use tailwater_engine::tally::Tallier;
use tailwater_engine::time::{Clock, Reference, seek};
use tailwater_engine::window::window;
use tailwater_protocol::query::{Now, Query, Zone};
use tailwater_protocol::{Anchor, Began, GenerationId, Position};

struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        Ok(Stat { identity, bytes: self.0.len() as u64, links: 1, written: 0, changed: 0 })
    }
}

fn history(bytes: &[u8], extent: usize) -> History {
    let file = Arc::new(Memory(bytes.to_vec()));
    let extent = extent as u64;
    History::new(vec![Generation {
        id: GenerationId(1),
        marker: fingerprint_before(file.as_ref(), extent).expect("read"),
        file,
        from: 0,
        bytes: extent,
        began: Began::Found,
        since: 0,
        name: "log".to_owned(),
        lost: None,
        ended: false,
        unfinished: false,
    }])
}

/// The same text in three encodings, with the mark that each begins with.
#[derive(Debug)]
struct Log {
    text: String,
    big: bool,
}

impl Log {
    fn wide(&self) -> Vec<u8> {
        let unit = |unit: u16| if self.big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        format!("\u{feff}{}", self.text).encode_utf16().flat_map(unit).collect()
    }

    fn narrow(&self) -> Vec<u8> {
        format!("\u{feff}{}", self.text).into_bytes()
    }

    /// Where each line begins, in the one and in the other.
    fn starts(&self) -> Vec<(u64, u64)> {
        let (mut narrow, mut wide) = (3, 2);
        let mut starts = vec![(0, 0)];
        for char in self.text.chars() {
            narrow += char.len_utf8() as u64;
            wide += 2 * char.len_utf16() as u64;
            if char == '\n' {
                starts.push((narrow, wide));
            }
        }
        if starts.last().is_some_and(|&(narrow, _)| narrow == self.narrow().len() as u64) {
            starts.pop();
        }
        starts
    }
}

fn log() -> impl Strategy<Value = Log> {
    let word = prop_oneof![
        Just("error".to_owned()),
        Just("status=500".to_owned()),
        Just("\u{a0a}\u{a00}\u{10a}".to_owned()),
        Just("\u{1f40a}".to_owned()),
        Just("\x1b[31mERROR\x1b[0m".to_owned()),
        "[a-z]{0,6}",
        "[äßж語]{0,3}",
        "x{300}",
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n"), 1 => Just(" ")];
    let line =
        (0_u32..60, prop::collection::vec(word, 0..4), end).prop_map(|(second, words, end)| {
            format!("2026-11-21T10:32:{second:02}Z {}{end}", words.join(" "))
        });
    (prop::collection::vec(line, 0..40), any::<bool>())
        .prop_map(|(lines, big)| Log { text: lines.concat(), big })
}

/// Where the rows begin that a query finds.
fn found(history: &History, query: &str) -> Vec<u64> {
    let query = Query::parse(query).expect("a query");
    let matcher = Matcher::new(&query, Now { nanos: 0, zone: Zone(0) }).expect("a pattern");
    let clock = Clock::learn(Sample::of(history).expect("read").lines(), Reference::utc(0));
    let facts = Arc::new(LogFacts { clock });
    let scan = Scan::new(Arc::new(matcher), facts, history, Order::Newest);
    let mut worker = scan.worker();
    scan.work(&mut worker, &|| false).expect("read");
    let mut at = Position { generation: GenerationId(1), offset: 0 };
    let mut found = Vec::new();
    while let Sought::At(hit) =
        next(&mut worker, history, at, Direction::Forward, u64::MAX, &|| false).expect("read")
    {
        found.push(hit.offset);
        at.offset = hit.offset + 1;
    }
    assert_eq!(scan.progress().matches, found.len() as u64);
    found
}

/// All bytes, as a reader gets them that comes again after each growth.
fn read_growing(bytes: &[u8], steps: &[usize], encoding: Encoding) -> Vec<u8> {
    let mut cursor = Cursor::at_start();
    let mut read = Vec::new();
    let mut tallier = Tallier::new();
    let mut extent = 0;
    for step in steps.iter().copied().chain([bytes.len()]) {
        extent = (extent + step).min(bytes.len());
        let history = history(bytes, extent);
        loop {
            let had = read.len();
            match cursor.read(&history, &mut read, step).expect("read") {
                Step::Bytes => tallier.feed_in(encoding, &read[had..]),
                Step::Turned { .. } => {}
                Step::End => break,
                other => panic!("{other:?}"),
            }
        }
    }
    tallier.end_line();
    let mut whole = Tallier::new();
    whole.feed(&encoding.decode(bytes));
    whole.end_line();
    assert_eq!(tallier.total().lines, whole.total().lines);
    assert_eq!(tallier.total().errors, whole.total().errors);
    assert_eq!(tallier.total().bytes, bytes.len() as u64);
    read
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_reads_as_the_same_text(log in log(), steps in prop::collection::vec(1_usize..90, 0..9)) {
        let (wide, narrow) = (log.wide(), log.narrow());
        let (here, there) = (history(&wide, wide.len()), history(&narrow, narrow.len()));
        let encoding = here.generations[0].encoding();
        prop_assert_eq!(encoding, if log.big { Encoding::Utf16Be } else { Encoding::Utf16Le });
        let starts = log.starts();
        let across = |at: &u64| starts.iter().find(|(narrow, _)| narrow == at).expect("a line").1;

        // Rows, with their numbers.
        let counts = Arc::new(Counts::new());
        prop_assert!(counts.catch_up(&here.generations[0], u64::MAX).expect("read"));
        let all = |history: &History| {
            window(history, &|_| Some(Arc::clone(&counts)), Anchor::Start, 0, 500).expect("read")
        };
        let rows = |history: &History| {
            let blocks = all(history).blocks;
            let rows = blocks.iter().flat_map(|block| block.iter());
            rows.map(|row| (row.text.to_owned(), row.level, row.cut == 0)).collect::<Vec<_>>()
        };
        let (ours, theirs) = (rows(&here), rows(&there));
        prop_assert_eq!(&ours, &theirs);
        let begun: Vec<u64> = all(&here).blocks.iter().flat_map(|b| b.iter()).map(|r| r.position.offset).collect();
        prop_assert_eq!(&begun, &starts.iter().map(|start| start.1).collect::<Vec<_>>());
        let mut lines = Lines::of(&here.generations[0]);
        for offset in 0..wide.len() as u64 {
            let start = starts.iter().rfind(|start| start.1 <= offset).expect("the first").1;
            prop_assert_eq!(lines.start_of(offset).expect("read"), start, "of {}", offset);
        }

        // Searches, levels, times, events.
        for query in ["error", "\"x error\"", "/[äж]+ ?/", "status>=500", "level:error", "語", "-x", "since:2026-11-21T10:32:30Z", "/Z$/", "/ERROR$/"] {
            let theirs: Vec<u64> = found(&there, query).iter().map(across).collect();
            prop_assert_eq!(found(&here, query), theirs, "{}", query);
        }
        let sample = Sample::of(&here).expect("read");
        if let Some(clock) = Clock::learn(sample.lines(), Reference::utc(0)) {
            let instant = 1_795_257_127_000_000_000 + 13_000_000_000;
            let of = |history| seek(history, &clock, instant).expect("read").map(|at| at.offset);
            prop_assert_eq!(of(&here), of(&there).map(|at| across(&at)));
        }
        let rule = EventRule::learn(sample.lines());
        for &(narrow, wide) in &starts {
            let mut there = Lines::of(&there.generations[0]);
            let theirs = rule.event(&mut there, narrow).expect("read");
            let ours = rule.event(&mut lines, wide).expect("read");
            prop_assert_eq!(ours.start, across(&theirs.start));
        }

        // Every byte once, whenever it came.
        prop_assert!(read_growing(&wide, &steps, encoding) == wide);
    }

    /// Half a character at the end is no character and no loss.
    #[test]
    fn it_may_end_anywhere(log in log(), cut in any::<prop::sample::Index>()) {
        let wide = log.wide();
        let extent = cut.index(wide.len() + 1);
        let history = history(&wide, extent);
        let found = window(&history, &|_| None, Anchor::End, 500, 0).expect("read");
        let mut at = 0;
        for row in found.blocks.iter().flat_map(|block| block.iter()) {
            prop_assert_eq!(row.position.offset, at);
            prop_assert!(row.length > 0 && row.cut == 0, "{:?}", row);
            at += row.length;
        }
        prop_assert_eq!(at, extent as u64);
    }
}
