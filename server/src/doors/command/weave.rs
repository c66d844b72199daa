//! Two streams of one program, woven into one log: whole lines, each of its own stream, in the
//! order in which they came.
//!
//! A line that is not finished is held back for a moment, lest the other stream's line stand in its
//! middle; then it is shown as far as it goes, since it may be a question or a progress bar. While it
//! stands open in the log the other stream waits, for a while and up to a bound. After that the open
//! line is ended, and goes on in a line of its own: the one place where a newline is written that the program
//! did not write.

use std::time::{Duration, Instant};

use tailwater_engine::unwrap::Stream;

/// How long an unfinished line is held back.
const HOLD: Duration = Duration::from_millis(200);

/// How long the other stream waits for an open line.
const WAIT: Duration = Duration::from_secs(1);

/// Bytes of one stream that wait.
const MOST: usize = 64 * 1024;

/// What is to be written, in order.
pub(super) type Woven = Vec<(Stream, Vec<u8>)>;

#[derive(Debug, Default)]
pub(super) struct Weave {
    /// Whose line stands unfinished at the end of the log.
    open: Option<Stream>,
    out: Held,
    err: Held,
}

/// What of a stream is not written yet.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    since: Option<Instant>,
}

impl Weave {
    /// Bytes came by `stream`.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8], now: Instant) -> Woven {
        let held = self.held(stream);
        held.bytes.extend_from_slice(bytes);
        held.since.get_or_insert(now);
        self.weave(stream, now)
    }

    /// What has waited long enough by now.
    pub(super) fn tick(&mut self, now: Instant) -> Woven {
        let mut woven = Woven::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            woven.extend(self.weave(stream, now));
        }
        woven
    }

    /// When [`Self::tick`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = |stream, held: &Held| {
            let wait = if self.open == Some(other(stream)) { WAIT } else { HOLD };
            held.since.map(|since| since + wait)
        };
        due(Stream::Stdout, &self.out).into_iter().chain(due(Stream::Stderr, &self.err)).min()
    }

    /// The rest, when nothing comes any more.
    pub(super) fn finish(&mut self) -> Woven {
        let mut woven = Woven::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let bytes = std::mem::take(self.held(stream)).bytes;
            if !bytes.is_empty() {
                self.put(stream, bytes, &mut woven);
            }
        }
        woven
    }

    fn weave(&mut self, stream: Stream, now: Instant) -> Woven {
        let mut woven = Woven::new();
        let blocked = self.open == Some(other(stream));
        let held = self.held(stream);
        let Some(since) = held.since else { return woven };
        let overdue = |wait| now.saturating_duration_since(since) >= wait;
        let much = held.bytes.len() >= MOST;
        if blocked && !much && !overdue(WAIT) {
            return woven;
        }
        let line = memchr::memrchr(b'\n', &held.bytes).map_or(0, |at| at + 1);
        // What goes on an open line of its own is not held back: it stands there already.
        let all = much || overdue(HOLD) || self.open == Some(stream);
        let held = self.held(stream);
        let rest = if all { Vec::new() } else { held.bytes.split_off(line) };
        let bytes = std::mem::replace(&mut held.bytes, rest);
        held.since = (!held.bytes.is_empty()).then_some(if line > 0 { now } else { since });
        if !bytes.is_empty() {
            self.put(stream, bytes, &mut woven);
        }
        if self.open.is_none() {
            // Whole lines of the other may have waited for this one to end.
            let other = other(stream);
            let waiting = self.held(other);
            let line = memchr::memrchr(b'\n', &waiting.bytes).map_or(0, |at| at + 1);
            if line > 0 {
                let rest = waiting.bytes.split_off(line);
                let bytes = std::mem::replace(&mut waiting.bytes, rest);
                waiting.since = (!waiting.bytes.is_empty()).then_some(now);
                self.put(other, bytes, &mut woven);
            }
        }
        woven
    }

    fn put(&mut self, stream: Stream, bytes: Vec<u8>, woven: &mut Woven) {
        if let Some(open) = self.open.filter(|&open| open != stream) {
            woven.push((open, b"\n".to_vec()));
        }
        self.open = (bytes.last() != Some(&b'\n')).then_some(stream);
        woven.push((stream, bytes));
    }

    fn held(&mut self, stream: Stream) -> &mut Held {
        match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        }
    }
}

fn other(stream: Stream) -> Stream {
    match stream {
        Stream::Stdout => Stream::Stderr,
        Stream::Stderr => Stream::Stdout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stream::{Stderr, Stdout};
    use proptest::prelude::*;

    /// What stands in the log, each line after the sign of its stream; `+` is what goes on.
    fn shown(woven: Woven) -> String {
        let sign = |stream| if stream == Stdout { 'o' } else { 'e' };
        let parts = woven.into_iter().map(|(stream, bytes)| {
            format!("{}:{}|", sign(stream), String::from_utf8(bytes).expect("text"))
        });
        parts.collect()
    }

    #[test]
    fn lines_stay_whole() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut weave = Weave::default();
        assert_eq!(shown(weave.take(Stdout, b"one\ntw", at(0))), "o:one\n|");
        assert_eq!(shown(weave.take(Stderr, b"oops\n", at(1))), "e:oops\n|");
        assert_eq!(shown(weave.take(Stdout, b"o\n", at(2))), "o:two\n|");
        // A question is shown after a moment, and what comes meanwhile waits for its answer.
        assert_eq!(shown(weave.take(Stdout, b"sure? ", at(10))), "");
        assert_eq!(weave.due(), Some(at(210)));
        assert_eq!(shown(weave.tick(at(210))), "o:sure? |");
        assert_eq!(shown(weave.take(Stderr, b"warned\n", at(300))), "");
        assert_eq!(shown(weave.take(Stdout, b"yes\n", at(400))), "o:yes\n|e:warned\n|");
        // Unless it takes too long.
        assert_eq!(shown(weave.take(Stdout, b"50 %", at(500))), "");
        assert_eq!(shown(weave.tick(at(700))), "o:50 %|");
        assert_eq!(shown(weave.take(Stderr, b"late\n", at(800))), "");
        assert_eq!(weave.due(), Some(at(1800)));
        assert_eq!(shown(weave.tick(at(1800))), "o:\n|e:late\n|");
        assert_eq!(shown(weave.take(Stdout, b" 60 %", at(1900))), "");
        assert_eq!(shown(weave.finish()), "o: 60 %|");
        assert_eq!(weave.due(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_lost_and_only_newlines_are_added(
            came in prop::collection::vec((any::<bool>(), "[ab\n]{1,12}", 0_u64..600), 0..40),
        ) {
            let mut weave = Weave::default();
            let mut now = Instant::now();
            let mut given = [String::new(), String::new()];
            let mut log = Woven::new();
            for (err, text, wait) in came {
                now += Duration::from_millis(wait);
                while let Some(due) = weave.due().filter(|&due| due <= now) {
                    log.extend(weave.tick(due));
                }
                given[usize::from(err)].push_str(&text);
                log.extend(weave.take(if err { Stderr } else { Stdout }, text.as_bytes(), now));
                // Whoever waits for what is due is not kept waiting in vain.
                let mut ticks = 0;
                while weave.due().is_some_and(|due| due <= now) {
                    log.extend(weave.tick(now));
                    ticks += 1;
                    prop_assert!(ticks < 4);
                }
            }
            log.extend(weave.finish());
            let mut line: Option<Stream> = None;
            let mut got = [String::new(), String::new()];
            for (stream, bytes) in &log {
                prop_assert!(line.is_none() || line == Some(*stream), "in the middle of another line");
                line = (bytes.last() != Some(&b'\n')).then_some(*stream);
                got[usize::from(*stream == Stderr)].push_str(std::str::from_utf8(bytes).expect("text"));
            }
            for (got, given) in got.iter().zip(&given) {
                // Every newline that was added divides a line: taking some out gives what came.
                let mut rest = given.chars().peekable();
                for c in got.chars() {
                    if rest.next_if_eq(&c).is_none() {
                        prop_assert_eq!(c, '\n');
                    }
                }
                prop_assert_eq!(rest.next(), None);
            }
        }
    }
}
