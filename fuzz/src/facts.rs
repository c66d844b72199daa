//! Times and levels: no line breaks what reads them, a time that was written down is read as what
//! it was, and where a log is sought by time the answer is a line of it.

use jiff::Timestamp;
use tailwater_engine::encoding::Encoding;
use tailwater_engine::event::EventRule;
use tailwater_engine::level::{REACH, level};
use tailwater_engine::lines::Lines;
use tailwater_engine::sample::Sample;
use tailwater_engine::time::{Clock, Reference, seek};

use crate::choice::Choices;
use crate::file::{encoding, lines, log};

pub fn facts(data: &[u8]) {
    let mut choices = Choices::of(data);
    let mut number = || (0..8).fold(0_i64, |sum, _| sum << 8 | i64::from(choices.byte()));
    let (instant, seen) = (number(), number());
    let bytes = choices.rest();
    for line in lines(bytes) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut longer = line.to_vec();
        longer.resize(line.len().max(REACH), b' ');
        let level_of = level(&longer);
        longer.extend_from_slice(b" FATAL");
        assert_eq!(level(&longer), level_of, "nothing behind its reach is looked at");
        let _any = level(line);
        as_written(line, instant);
    }
    let history = log(bytes);
    let sample = Sample::of(&history).expect("in memory");
    events(bytes, EventRule::learn(sample.lines()));
    let Some(clock) = Clock::learn(sample.lines(), Reference::utc(seen)) else { return };
    let times = |line: &[u8]| clock.at(line.strip_suffix(b"\n").unwrap_or(line));
    let all: Vec<i64> = lines(bytes).filter_map(times).collect();
    for instant in all.iter().copied().take(5).chain([instant, i64::MIN, i64::MAX]) {
        let found = seek(&history, &clock, instant).expect("in memory");
        let Some(found) = found else { continue };
        let at = found.offset as usize;
        let newline = |at: usize| bytes[at - 1] == b'\n' || encoding(bytes) != Encoding::Utf8;
        assert!(at < bytes.len() && (at == 0 || newline(at)), "{at} begins no line");
    }
}

/// A line that begins with an instant, however that is spelt, is of that instant.
fn as_written(line: &[u8], instant: i64) {
    let Ok(time) = Timestamp::from_nanosecond(i128::from(instant)) else { return };
    // A blank or a full stop: what follows is no part of the time.
    let mut written = format!("{time} . ").into_bytes();
    if written.first() == Some(&b'-') {
        return;
    }
    written.extend_from_slice(line);
    let clock = Clock::learn([written.as_slice()], Reference::utc(instant));
    let clock = clock.expect("there is a time");
    assert_eq!(clock.at(&written), Some(instant), "{}", written.escape_ascii());
}

/// Events tile the log.
fn events(bytes: &[u8], rule: EventRule) {
    let extent = bytes.len() as u64;
    let file = bytes.to_vec();
    let mut found = Lines::new(&file, 0, extent);
    let mut at = 0;
    // Each costs a look in both directions.
    for _ in 0..50 {
        if at >= extent {
            break;
        }
        let event = rule.event(&mut found, at).expect("in memory");
        assert!(event.start == at && event.end > at && event.end <= extent, "{event:?} at {at}");
        let within = rule.event(&mut found, event.end - 1).expect("in memory");
        assert_eq!(within, event, "whichever of its bytes is asked for");
        at = event.end;
    }
}
