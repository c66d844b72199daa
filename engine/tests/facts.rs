//! What lines say of themselves, through every door at once: hostile lines as data, and windows
//! that hang on an instant.

use std::io;
use std::sync::Arc;

use tailwater_engine::event::{self, EventRule};
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::level::level;
use tailwater_engine::lines::Lines;
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_engine::sample::Sample;
use tailwater_engine::time::{Clock, Reference};
use tailwater_engine::window::window;
use tailwater_engine::{fields, unwrap};
use tailwater_protocol::{Anchor, Began, GenerationId, Level};

/// 2026-11-21T10:32:07Z.
const NOW: i64 = 1_795_257_127_000_000_000;
const SECOND: i64 = 1_000_000_000;

struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for Memory {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        let bytes = self.0.len() as u64;
        Ok(Stat { identity, bytes, links: 1, written: (NOW / 1_000_000) as u64, changed: 0 })
    }
}

fn history(generations: &[&str]) -> History {
    let generations = generations.iter().zip(1..).map(|(text, id)| {
        let bytes = text.as_bytes().to_vec();
        let end = bytes.len() as u64;
        Generation {
            id: GenerationId(id),
            marker: fingerprint_before(&bytes, end).expect("memory"),
            file: Arc::new(Memory(bytes)),
            from: 0,
            bytes: end,
            began: Began::Rotated,
            since: 0,
            name: "log".to_owned(),
            lost: None,
            ended: true,
            unfinished: !text.ends_with('\n'),
        }
    });
    History::new(generations.collect())
}

/// The line that a window on that instant begins with, and whether that is the end.
fn at(history: &History, instant: i64) -> (String, bool) {
    let window = window(history, &|_| None, Anchor::Time(instant), 0, 1).expect("memory");
    let first = window.blocks.iter().flat_map(|block| block.iter()).next();
    (first.map(|row| row.text.to_owned()).unwrap_or_default(), window.at_end)
}

#[test]
fn a_window_hangs_on_an_instant() {
    let log = history(&[
        "2026-11-21T10:32:00Z a\n\tof a\n2026-11-21T10:32:02Z b\n",
        "2026-11-21T10:32:04Z c\n\tof c\n2026-11-21T10:32:06Z d\n\tof d\n",
    ]);
    let at = |second: i64| at(&log, NOW + (second - 7) * SECOND).0;
    assert_eq!(at(-99), "2026-11-21T10:32:00Z a");
    assert_eq!(at(0), "2026-11-21T10:32:00Z a");
    assert_eq!(at(1), "2026-11-21T10:32:02Z b");
    assert_eq!(at(3), "2026-11-21T10:32:04Z c");
    assert_eq!(at(5), "2026-11-21T10:32:06Z d");
    assert_eq!(at(7), "");
}

#[test]
fn years_are_taken_from_when_the_log_was_written() {
    let log = history(&["Nov 20 23:00:00 h a: x\nNov 21 10:32:00 h a: y\n"]);
    assert_eq!(at(&log, NOW - 60 * SECOND).0, "Nov 21 10:32:00 h a: y");
    assert_eq!(at(&log, NOW - 86_400 * SECOND).0, "Nov 20 23:00:00 h a: x");
}

#[test]
fn a_log_without_times_has_its_start_and_a_late_instant_the_end() {
    let log = history(&["one\ntwo\n"]);
    assert_eq!(at(&log, NOW), ("one".to_owned(), false));
    let log = history(&["2026-11-21T10:32:00Z a\n"]);
    assert_eq!(at(&log, NOW), (String::new(), true));
    assert_eq!(at(&history(&[]), NOW), (String::new(), true));
}

#[test]
fn a_sample_is_of_the_start_the_middle_and_the_end() {
    let filler = "filler filler filler filler\n".repeat(20_000);
    let log = format!("first\n{filler}middle\n{filler}last\n");
    let log = history(&[&log, ""]);
    let sample = Sample::of(&log).expect("memory");
    let lines: Vec<&[u8]> = sample.lines().collect();
    for expected in ["first", "middle", "last"] {
        assert!(lines.contains(&expected.as_bytes()), "{expected}");
    }
    assert!(lines.iter().all(|line| b"filler filler filler filler".starts_with(line)
        || [&b"first"[..], b"middle", b"last"].contains(line)));
}

#[test]
fn hostile_lines_are_lines() {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let lines: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0; 100],
        every,
        b"\xff\xfe{\0\"\0a\0\"\0".to_vec(),
        b"<999>Nov 21 10:32:07 h a: x".to_vec(),
        b"<99999999999999999999>1 2026-11-21T10:32:07Z x".to_vec(),
        b"{\"a\":".repeat(100_000),
        [b"[".repeat(100_000), b"]".repeat(100_000)].concat(),
        br#"{"level":"error","level":"info","level":{"level":"fatal"}}"#.to_vec(),
        br#"{"time":1e999,"level":NaN,"ts":-Infinity,"severity":99999999999999999999}"#.to_vec(),
        br#"{"time":"2026-11-21T10:32:07Z","level"#.to_vec(),
        br#"{"log":"\ud83d\ud83d\u","stream":"stdout","time":"2026-13-41T25:61:61Z"}"#.to_vec(),
        br#"{"log":"\"#.to_vec(),
        b"level=\"error msg=\"never closed".to_vec(),
        b"==\"=\"=====\"".to_vec(),
        b"2026-11-21T10:32:07.99999999999999999999999999999999999999+99:99 x".to_vec(),
        b"9999-12-31T23:59:60.999999999+00:00".to_vec(),
        b"0001-01-01T00:00:00Z".to_vec(),
        b"9999999999999999999 x".to_vec(),
        b"Feb 29 23:59:60 h a: x".to_vec(),
        b"Dec 31 23:59:59 h a: x".to_vec(),
        b"0000-W00-0T00:00:00".to_vec(),
        b"\x1b[".repeat(1000),
        [b"\x1b[".to_vec(), b"1;".repeat(100_000), b"mERROR".to_vec()].concat(),
        b"2026-11-21T10:32:07Z stdout P".to_vec(),
        "ERR\u{fffd}OR 2026\u{2212}11\u{2212}21".as_bytes().to_vec(),
    ];
    let seen = [i64::MIN, 0, NOW, i64::MAX];
    let clocks: Vec<Clock> = seen
        .iter()
        .filter_map(|&seen| Clock::learn(lines.iter().map(Vec::as_slice), Reference::utc(seen)))
        .collect();
    assert!(!clocks.is_empty());
    let rule = EventRule::learn(lines.iter().map(Vec::as_slice));
    for line in &lines {
        let _level = level(line);
        let _text = unwrap::unwrap(line);
        let _found = (fields::find(line, "a.a"), fields::find(line, "level"));
        assert!(fields::all(line).count() <= fields::MAX_FIELDS);
        let _begins = rule.begins(line);
        for clock in &clocks {
            let _time = clock.at(line);
        }
    }
    let log = lines.join(&b'\n');
    let mut rows = Lines::new(&log, 0, log.len() as u64);
    let mut at = 0;
    while at < log.len() as u64 {
        let event = rule.event(&mut rows, at).expect("memory");
        assert!(event.end > at);
        at = event.end;
    }
    assert!(!event::text(lines.iter().map(Vec::as_slice)).is_empty());
}

#[test]
fn of_levels_given_twice_the_last_counts() {
    let line = br#"{"level":"error","level":"info"}"#;
    // As a parser would have it, and so as whoever asks for the field is told.
    assert_eq!(level(line), Level::Info);
    assert_eq!(fields::find(line, "level").as_deref(), Some(&b"info"[..]));
}
