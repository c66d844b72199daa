//! What comes in logs that are not open: how many lines, warnings and errors nobody has read, and
//! how busy each log is.
//!
//! The logs that were written last are looked at beside the one that is open, for counts alone; no
//! line travels for it. A frame of counts is acknowledged once a second, so the busiest log costs
//! one small message a second.

use tailwater_protocol::{
    Attention, ClientMessage, Frame, LogName, LogState, Source, Tally, ViewId,
};

use super::sources::Sources;

/// Logs looked at at once: with the open one, fewer than the views that a page may have.
const WATCHED: usize = 12;

/// The first id of a view of these: those of open logs are counted up from 1.
const FIRST: u16 = 0xf000;

/// Logs of which it is known what nobody has read, at most.
const KEPT: usize = 200;

/// Milliseconds between two acknowledgements.
const ACK: u64 = 1000;

/// Milliseconds in a part of the sparkline, and how many it has: two minutes.
const PART: u64 = 5000;
pub(crate) const PARTS: usize = 24;

/// What nobody has read of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) tally: Tally,
    /// Lines in the parts of time, as a ring.
    parts: [u32; PARTS],
    newest: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Watches {
    slots: [Option<LogName>; WATCHED],
    /// Frames to be acknowledged, and when.
    frames: Vec<(ViewId, u64)>,
    due: Option<u64>,
    unread: Vec<(LogName, Unread)>,
    /// Logs that the server would not have looked at.
    refused: Vec<LogName>,
    /// Slots whose first frame has not come: it tells of nothing new.
    fresh: [bool; WATCHED],
}

impl Unread {
    fn add(&mut self, passed: Tally, now: u64) {
        self.tally = self.tally.plus(passed);
        self.turn(now);
        if let Some(part) = self.parts.get_mut((self.newest as usize) % PARTS) {
            *part = part.saturating_add(u32::try_from(passed.lines).unwrap_or(u32::MAX));
        }
    }

    fn turn(&mut self, now: u64) {
        let part = now / PART;
        for stale in (self.newest + 1).max((part + 1).saturating_sub(PARTS as u64))..=part {
            if let Some(stale) = self.parts.get_mut((stale as usize) % PARTS) {
                *stale = 0;
            }
        }
        self.newest = self.newest.max(part);
    }

    /// Lines in the parts of time up to `now`, the oldest first; none when nothing came.
    pub(crate) fn spark(&self, now: u64) -> Vec<u32> {
        let mut turned = self.clone();
        turned.turn(now);
        let order = (1..=PARTS).map(|at| (turned.newest as usize + at) % PARTS);
        let parts: Vec<u32> = order.filter_map(|at| turned.parts.get(at).copied()).collect();
        if parts.iter().all(|lines| *lines == 0) { Vec::new() } else { parts }
    }
}

impl Watches {
    pub(crate) fn of(&self, log: &LogName) -> Option<&Unread> {
        self.unread.iter().find(|(own, _)| own == log).map(|(_, unread)| unread)
    }

    /// Errors that nobody has read, in all logs together.
    pub(crate) fn errors(&self) -> u64 {
        self.unread.iter().map(|(_, unread)| unread.tally.errors).sum()
    }

    pub(crate) fn due(&self) -> Option<u64> {
        self.due
    }

    /// The log is read now.
    pub(crate) fn read(&mut self, log: &LogName) {
        // How busy it was goes on to be shown.
        for (_, unread) in self.unread.iter_mut().filter(|(own, _)| own == log) {
            unread.tally = Tally::default();
        }
    }

    /// Another connection: nothing is looked at yet.
    pub(crate) fn begin_anew(&mut self) {
        self.slots = Default::default();
        self.frames.clear();
        self.refused.clear();
        self.fresh = Default::default();
        self.due = None;
    }

    /// Looks at the logs that were written last, but for `open`.
    pub(crate) fn choose(
        &mut self,
        sources: &Sources,
        open: Option<&LogName>,
        out: &mut Vec<ClientMessage>,
    ) {
        let wanted = self.wanted(sources, open);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|log| !wanted.contains(&log)) {
                let view = view(index);
                *slot = None;
                self.frames.retain(|(id, _)| *id != view);
                out.push(ClientMessage::Close { view });
            }
        }
        for log in wanted {
            if self.slots.iter().flatten().any(|own| own == log) {
                continue;
            }
            let Some(index) = self.slots.iter().position(Option::is_none) else { return };
            let view = view(index);
            if let Some(slot) = self.slots.get_mut(index) {
                *slot = Some(log.clone());
            }
            if let Some(fresh) = self.fresh.get_mut(index) {
                *fresh = true;
            }
            let (log, attention) = (log.clone(), Attention::News);
            out.push(ClientMessage::Open { view, log, from: None, attention, filter: None });
        }
    }

    fn wanted<'a>(&self, sources: &'a Sources, open: Option<&LogName>) -> Vec<&'a LogName> {
        let fit = |source: &&Source| {
            matches!(source.state, LogState::Live | LogState::Polling(_))
                && Some(&source.name) != open
                && !self.refused.contains(&source.name)
        };
        let mut all: Vec<&Source> = Vec::new();
        // Those that are looked at stay so while they are among the newest twice as many: none is
        // opened and closed all the time.
        for source in sources.all().filter(fit) {
            let at = all.partition_point(|other| other.written >= source.written);
            if at < 2 * WATCHED {
                all.insert(at, source);
                all.truncate(2 * WATCHED);
            }
        }
        let near = all.iter().map(|source| &source.name);
        let held = |log: &&LogName| self.slots.iter().flatten().any(|own| own == *log);
        let mut wanted: Vec<&LogName> = near.clone().filter(held).collect();
        for log in near {
            if wanted.len() < WATCHED && !wanted.contains(&log) {
                wanted.push(log);
            }
        }
        wanted
    }

    /// A frame of counts; whether it was of one of these.
    pub(crate) fn heard(&mut self, id: ViewId, frame: &Frame, now: u64) -> bool {
        let Some(at) = index(id) else { return false };
        let (Some(slot), Some(fresh)) = (self.slots.get(at), self.fresh.get_mut(at)) else {
            return false;
        };
        if let Some(log) = slot {
            self.frames.push((id, frame.sequence));
            self.due.get_or_insert(now + ACK);
            if !std::mem::take(fresh) {
                let known = self.unread.iter().position(|(own, _)| own == log);
                let known = known.unwrap_or_else(|| {
                    if self.unread.len() >= KEPT {
                        self.unread.remove(0);
                    }
                    self.unread.push((log.clone(), Unread::default()));
                    self.unread.len() - 1
                });
                if let Some((_, unread)) = self.unread.get_mut(known) {
                    unread.add(frame.passed, now);
                }
            }
        }
        true
    }

    /// The server would not; whether it was about one of these.
    pub(crate) fn refused(&mut self, id: ViewId) -> bool {
        let Some(slot) = index(id).and_then(|index| self.slots.get_mut(index)) else {
            return false;
        };
        self.refused.extend(slot.take());
        true
    }

    pub(crate) fn tick(&mut self, now: u64, out: &mut Vec<ClientMessage>) {
        if self.due.take_if(|due| now >= *due).is_some() {
            let acks = self.frames.drain(..);
            out.extend(acks.map(|(view, sequence)| ClientMessage::Ack { view, sequence }));
        }
    }
}

fn view(index: usize) -> ViewId {
    ViewId(FIRST + index as u16)
}

fn index(id: ViewId) -> Option<usize> {
    id.0.checked_sub(FIRST).map(usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_protocol::Outline;

    fn sources(count: u64) -> Sources {
        let source = |n: u64| Source {
            name: LogName(format!("{n}.log")),
            state: LogState::Live,
            bytes: 1,
            written: Some(n),
            command: None,
        };
        Sources::new((0..count).map(source).collect())
    }

    fn opened(out: &[ClientMessage]) -> Vec<(ViewId, String)> {
        let open = |message: &ClientMessage| match message {
            ClientMessage::Open { view, log, .. } => Some((*view, log.0.clone())),
            _ => None,
        };
        out.iter().filter_map(open).collect()
    }

    fn frame(lines: u64, errors: u64) -> Frame {
        Frame {
            sequence: 1,
            outline: Outline::default(),
            state: LogState::Live,
            passed: Tally { lines, errors, ..Tally::default() },
            continues: false,
            blocks: Vec::new(),
            end: None,
            age: 0,
            picked: None,
        }
    }

    #[test]
    fn the_logs_written_last_are_looked_at_but_for_the_open_one() {
        let mut watches = Watches::default();
        let mut out = Vec::new();
        watches.choose(&sources(30), Some(&LogName("29.log".into())), &mut out);
        let logs: Vec<String> = opened(&out).into_iter().map(|(_, log)| log).collect();
        assert_eq!(logs.len(), WATCHED);
        assert_eq!((logs[0].as_str(), logs[11].as_str()), ("28.log", "17.log"));
        out.clear();
        // Another one is written a little later: nothing is closed for it.
        watches.choose(&sources(32), Some(&LogName("31.log".into())), &mut out);
        assert_eq!(out, []);
        watches.choose(&sources(32), Some(&LogName("20.log".into())), &mut out);
        assert!(matches!(
            out.as_slice(),
            [ClientMessage::Close { .. }, ClientMessage::Open { .. }]
        ));
    }

    #[test]
    fn what_came_is_counted_until_it_is_read() {
        let mut watches = Watches::default();
        let mut out = Vec::new();
        watches.choose(&sources(2), None, &mut out);
        let (view, log) = opened(&out)[0].clone();
        let log = LogName(log);
        assert!(watches.heard(view, &frame(500, 9), 1000), "what was there is no news");
        assert!(watches.heard(view, &frame(5, 1), 2000));
        assert_eq!(
            watches.of(&log).map(|unread| (unread.tally.lines, watches.errors())),
            Some((5, 1))
        );
        out.clear();
        watches.tick(1500, &mut out);
        assert_eq!(out, [], "not sooner than a second after the first");
        watches.tick(2000, &mut out);
        assert_eq!(out.len(), 2);
        let spark = watches.of(&log).map(|unread| unread.spark(2000)).expect("busy");
        assert_eq!((spark.len(), spark.last()), (PARTS, Some(&5)));
        assert!(watches.of(&log).expect("known").spark(500_000).is_empty());
        watches.read(&log);
        assert_eq!(watches.errors(), 0);
        assert!(!watches.heard(ViewId(3), &frame(1, 1), 0), "that is the open log's");
    }

    #[test]
    fn what_is_refused_is_not_asked_for_again() {
        let mut watches = Watches::default();
        let mut out = Vec::new();
        watches.choose(&sources(1), None, &mut out);
        assert!(watches.refused(opened(&out)[0].0));
        out.clear();
        watches.choose(&sources(1), None, &mut out);
        assert_eq!(out, []);
        watches.begin_anew();
        watches.choose(&sources(1), None, &mut out);
        assert_eq!(opened(&out).len(), 1);
    }
}
