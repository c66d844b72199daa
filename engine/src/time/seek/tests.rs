//! The search by time, against all lines one after another.

use std::sync::Arc;

use super::*;
use crate::file::{File, Identity, Stat};
use crate::read::{ReadAt, fingerprint_before};
use crate::time::Reference;
use jiff::Timestamp;
use proptest::prelude::*;
use tailwater_protocol::{Began, GenerationId};

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
        Ok(Stat { identity, bytes, links: 1, written: 0, changed: 0 })
    }
}

fn generation(id: u32, bytes: Vec<u8>) -> Generation {
    let extent = bytes.len() as u64;
    Generation {
        id: GenerationId(id),
        marker: fingerprint_before(&bytes, extent).expect("memory"),
        unfinished: bytes.last().is_some_and(|&byte| byte != b'\n'),
        file: Arc::new(Memory(bytes)),
        from: 0,
        bytes: extent,
        began: Began::Found,
        since: 0,
        name: "log".into(),
        lost: None,
        ended: false,
    }
}

fn clock() -> Clock {
    let line: &[u8] = b"2026-11-21T10:32:07Z x";
    Clock::learn([line], Reference::utc(0)).expect("a time")
}

const SECOND: i64 = 1_000_000_000;

/// Lines that are `None` have no time.
fn log(lines: &[(Option<i64>, usize)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(second, padding) in lines {
        match second {
            Some(second) => {
                let time = Timestamp::from_second(second).expect("in range");
                bytes.extend(format!("{time} {}\n", "x".repeat(padding)).bytes());
            }
            None => bytes.extend(format!("\tat {}\n", "y".repeat(padding)).bytes()),
        }
    }
    bytes
}

/// Every timed line of a log: where it starts, and its second.
fn timed(lines: &[(Option<i64>, usize)]) -> Vec<(u64, i64)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in lines {
        found.extend(line.0.map(|second| (start, second)));
        start += log(&[*line]).len() as u64;
    }
    found
}

/// How far apart two lines are out of order, at most.
fn disorder(timed: &[(u64, i64)]) -> u64 {
    let mut most = 0;
    for (index, &(start, second)) in timed.iter().enumerate() {
        let late = timed.iter().skip(index + 1).rfind(|later| later.1 < second);
        most = most.max(late.map_or(0, |later| later.0 - start));
    }
    most
}

fn lines(jitter: i64) -> impl Strategy<Value = Vec<(Option<i64>, usize)>> {
    let line = (0..4_i64, -jitter..=jitter, 0_usize..60, prop::bool::weighted(0.7));
    let untimed = prop_oneof![4 => Just(0_usize), 1 => 0_usize..40];
    prop::collection::vec((line, untimed), 0..100).prop_map(|given| {
        let mut now = 1_795_257_127;
        let mut lines = Vec::new();
        for ((step, off, padding, has), untimed) in given {
            now += step;
            lines.push((has.then_some(now + off), padding));
            lines.extend(std::iter::repeat_n((None, padding), untimed));
        }
        lines
    })
}

/// The answer of a search with little room for disorder, as logs of a test are small.
fn found(bytes: &[u8], second: i64, room: u64, look_on: u64) -> Option<u64> {
    let (generation, clock) = (generation(1, bytes.to_vec()), clock());
    let seeker = Seeker { generation: &generation, clock: &clock, disorder: room, look_on };
    seeker.seek(second * SECOND).expect("memory")
}

proptest! {
    #[test]
    fn a_sorted_log_is_searched_exactly(lines in lines(0), at in any::<prop::sample::Index>(), off in -1..=1_i64) {
        let (bytes, timed) = (log(&lines), timed(&lines));
        let of = timed.get(at.index(timed.len().max(1))).map_or(0, |&(_, second)| second);
        let expected = timed.iter().find(|(_, second)| *second >= of + off).map(|(start, _)| *start);
        prop_assert_eq!(found(&bytes, of + off, 0, 100), expected);
    }

    #[test]
    fn disorder_within_the_room_changes_nothing(lines in lines(9), at in any::<prop::sample::Index>()) {
        let (bytes, timed) = (log(&lines), timed(&lines));
        let of = timed.get(at.index(timed.len().max(1))).map_or(0, |&(_, second)| second);
        let expected = timed.iter().find(|(_, second)| *second >= of).map(|(start, _)| *start);
        prop_assert_eq!(found(&bytes, of, disorder(&timed), 100), expected);
    }

    #[test]
    fn more_disorder_leads_astray_by_no_more_than_itself(
        lines in lines(60),
        at in any::<prop::sample::Index>(),
        room in 200_u64..1000,
    ) {
        let (bytes, timed) = (log(&lines), timed(&lines));
        let of = timed.get(at.index(timed.len().max(1))).map_or(0, |&(_, second)| second);
        let end = bytes.len() as u64;
        // A time is found wherever it is looked for.
        let starts = || timed.iter().map(|&(start, _)| start).chain([end]);
        let look_on = starts().zip(starts().skip(1)).map(|(a, b)| b - a).max().unwrap_or(end) + 100;
        let look_on = look_on.max(starts().next().unwrap_or(0));
        let answer = found(&bytes, of, room, look_on);
        if let Some(answer) = answer {
            prop_assert!(timed.iter().any(|&(start, second)| start == answer && second >= of));
        }
        let answer = answer.unwrap_or(end);
        for &(start, second) in &timed {
            if start < answer && second >= of {
                prop_assert!(answer - start <= disorder(&timed) + room + room.max(2 * look_on));
            }
        }
    }

    #[test]
    fn generations_are_searched_as_one(lines in lines(0), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4), at in any::<prop::sample::Index>()) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).collect();
        cuts.extend([0, lines.len()]);
        cuts.sort_unstable();
        let parts: Vec<_> = cuts.windows(2).map(|cut| &lines[cut[0]..cut[1]]).collect();
        let generations = parts.iter().zip(1..).map(|(part, id)| generation(id, log(part)));
        let history = History::new(generations.collect());
        let all = timed(&lines);
        let of = all.get(at.index(all.len().max(1))).map_or(0, |&(_, second)| second);
        let expected = parts.iter().zip(1..).find_map(|(part, id)| {
            let first = timed(part).into_iter().find(|(_, second)| *second >= of)?;
            Some(Position { generation: GenerationId(id), offset: first.0 })
        });
        prop_assert_eq!(seek(&history, &clock(), of * SECOND).expect("memory"), expected);
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..2000), instant in any::<i64>()) {
        let history = History::new(vec![generation(1, bytes)]);
        prop_assert_eq!(seek(&history, &clock(), instant).expect("memory"), None);
    }
}

#[test]
fn a_log_without_lines_has_none_at_any_time() {
    assert_eq!(seek(&History::default(), &clock(), 0).expect("memory"), None);
    let empty = History::new(vec![generation(1, Vec::new())]);
    assert_eq!(seek(&empty, &clock(), i64::MIN).expect("memory"), None);
}

#[test]
fn a_gigabyte_costs_a_few_reads() {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A line every 64 bytes, a second each.
    struct Endless(AtomicU64);

    impl ReadAt for Endless {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            self.0.fetch_add(buf.len() as u64, Ordering::Relaxed);
            let mut at = offset;
            let mut filled = 0;
            while filled < buf.len() {
                let line = log(&[(Some(1_000_000_000 + (at / 64) as i64), 42)]);
                let piece = &line[(at % 64) as usize..];
                let len = piece.len().min(buf.len() - filled);
                buf[filled..filled + len].copy_from_slice(&piece[..len]);
                filled += len;
                at += len as u64;
            }
            Ok(buf.len())
        }
    }

    impl File for Endless {
        fn stat(&self) -> io::Result<Stat> {
            Err(io::Error::other("nobody asks"))
        }
    }

    assert_eq!(log(&[(Some(1_000_000_000), 42)]).len(), 64);
    let file = Arc::new(Endless(AtomicU64::new(0)));
    let mut endless = generation(1, Vec::new());
    endless.bytes = 64 << 30;
    endless.marker = fingerprint_before(file.as_ref(), endless.bytes).expect("made up");
    endless.file = Arc::clone(&file) as Arc<dyn File>;
    let line = 123_456_789;
    let instant = (1_000_000_000 + line) * SECOND;
    let found = seek(&History::new(vec![endless]), &clock(), instant).expect("made up");
    assert_eq!(found.map(|found| found.offset), Some(line as u64 * 64));
    let read = file.0.load(Ordering::Relaxed);
    assert!(read < 4 << 20, "{read} bytes were read");
}
