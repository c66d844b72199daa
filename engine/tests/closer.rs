//! Lines looked at closely, stretches taken, and the course of a log, over logs in memory.

use std::io;
use std::sync::Arc;

use proptest::prelude::*;
use tailwater_engine::closer::{closer, take};
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_engine::time::{Clock, Reference, course};
use tailwater_protocol::look::{DETAIL_BYTES, DETAIL_TEXT, MAX_TAKEN};
use tailwater_protocol::{Began, GenerationId, Level, Position, Stretch};

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

fn history(generations: &[&[u8]]) -> History {
    let generations = generations.iter().zip(1..).map(|(bytes, id)| Generation {
        id: GenerationId(id),
        marker: fingerprint_before(&bytes.to_vec(), bytes.len() as u64).expect("memory"),
        file: Arc::new(Memory(bytes.to_vec())),
        from: 0,
        bytes: bytes.len() as u64,
        began: Began::Rotated,
        since: 0,
        name: "log".to_owned(),
        lost: None,
        ended: true,
        unfinished: bytes.last().is_some_and(|&byte| byte != b'\n'),
    });
    History::new(generations.collect())
}

fn at(generation: u32, offset: u64) -> Position {
    Position { generation: GenerationId(generation), offset }
}

#[test]
fn a_line_says_all_it_has() {
    let line =
        r#"{"time":"2026-11-21T10:32:07Z","level":"error","http":{"status":502},"m":"a\tb"}"#;
    let log = history(&[format!("first\n{line}\r\nlast").as_bytes()]);
    let clock = Clock::learn([line.as_bytes()], Reference::utc(0)).expect("a time");
    let found = closer(&log, Some(&clock), at(1, 20)).expect("memory").expect("a line");
    assert_eq!((found.at, found.length), (at(1, 6), line.len() as u64 + 2));
    assert_eq!((found.text.as_str(), found.cut, found.level), (line, 0, Level::Error));
    assert_eq!(found.time, Some(1_795_257_127_000_000_000));
    let field = |name: &str| {
        let own = found.fields.iter().find(|(field, _)| field == name);
        own.map(|(_, value)| value.as_str())
    };
    assert_eq!((field("http.status"), field("m")), (Some("502"), Some("a\tb")));
    assert_eq!(found.bytes.last(), Some(&b'\r'), "bytes are as they stand");
    assert_eq!(closer(&log, None, at(1, 9999)).expect("memory"), None);
    assert_eq!(closer(&log, None, at(7, 0)).expect("memory"), None);
}

#[test]
fn a_giant_line_is_cut_and_says_by_how_much() {
    let giant = vec![b'x'; DETAIL_TEXT * 3];
    let log = history(&[&giant]);
    let found = closer(&log, None, at(1, 500_000)).expect("memory").expect("a line");
    assert_eq!(found.text.len(), DETAIL_TEXT);
    assert_eq!(found.cut, giant.len() as u64 - DETAIL_TEXT as u64);
    assert_eq!(found.bytes.len(), DETAIL_BYTES);
    let stretch = Stretch { first: at(1, 5), last: at(1, 6) };
    let many = vec![stretch; 9];
    let (taken, left) = take(&log, &many).expect("memory");
    assert_eq!(taken.len(), MAX_TAKEN);
    assert!(left > 0);
}

proptest! {
    #[test]
    fn a_stretch_is_the_lines_it_touches(
        texts in prop::collection::vec("[a-z]{0,6}", 1..30),
        split in 0_usize..30,
        (a, b) in (0_usize..30, 0_usize..30),
    ) {
        let split = split.min(texts.len());
        let join = |texts: &[String]| texts.iter().map(|text| format!("{text}\n")).collect::<String>();
        let (old, new) = texts.split_at(split);
        let log = history(&[join(old).as_bytes(), join(new).as_bytes()]);
        let (a, b) = (a % texts.len(), b % texts.len());
        let (first, last) = (a.min(b), a.max(b));
        // Any byte of a line means the line.
        let place = |line: usize| {
            let (generation, from) = if line < split { (1, 0) } else { (2, split) };
            let before: usize = texts[from..line].iter().map(|text| text.len() + 1).sum();
            at(generation, (before + texts[line].len()) as u64)
        };
        let stretch = Stretch { first: place(first), last: place(last) };
        let (taken, left) = take(&log, &[stretch]).expect("memory");
        prop_assert_eq!(String::from_utf8(taken).expect("text"), join(&texts[first..=last]));
        prop_assert_eq!(left, 0);
    }

    #[test]
    fn no_line_is_too_hostile(line: Vec<u8>, offset in 0_u64..50) {
        let log = history(&[&line]);
        if let Some(found) = closer(&log, None, at(1, offset)).expect("memory") {
            prop_assert!(found.text.chars().all(|char| char == '\t' || !char.is_control()));
        }
    }

    #[test]
    fn a_course_counts_each_line_once(count in 1_usize..3000, parts in 1_u16..600) {
        let line = |n: usize| format!("{} line {n}\n", 1_795_257_127 + n);
        let text: String = (0..count).map(|n| format!("[{}", line(n))).collect();
        let log = history(&[text.as_bytes()]);
        let clock = Clock::learn(text.lines().map(str::as_bytes), Reference::utc(0)).expect("times");
        let course = course(&log, &clock, parts).expect("memory");
        prop_assert_eq!(course.parts.len(), usize::from(parts));
        prop_assert_eq!(course.end, (1_795_257_127 + count as i64 - 1) * 1_000_000_000);
        prop_assert!(course.parts.is_sorted_by_key(|part| part.time));
        if text.len() / usize::from(parts) < 16_000 {
            let lines: u64 = course.parts.iter().map(|part| u64::from(part.lines)).sum();
            prop_assert_eq!(lines, count as u64);
        }
    }
}

#[test]
fn a_log_without_times_has_no_course() {
    let clock = Clock::learn([&b"2026-11-21T10:32:07Z x"[..]], Reference::utc(0)).expect("a time");
    let log = history(&[b"one\ntwo\n"]);
    assert!(course(&log, &clock, 8).expect("memory").parts.is_empty());
    assert!(course(&history(&[]), &clock, 8).expect("memory").parts.is_empty());
}
