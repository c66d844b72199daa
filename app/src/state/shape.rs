//! The shape of what is loaded: in how many rows each line is drawn, what is folded into its event,
//! what is shown once for many.
//!
//! Made anew from the lines whenever they change, so it can be wrong about nothing for longer than
//! a frame. Hides no more than [`MOST`] lines behind one row: however much is folded, a screen of
//! rows stands for no more lines than the list may hold.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tailwater_protocol::{Level, Position};

use super::list::Line;
use super::seam::Seam;
use super::wrap;

/// Lines that are hidden behind one row, at most.
pub(crate) const MOST: usize = 100;

/// Fewer lines than this are not worth a row that stands for them.
const LEAST: usize = 3;

/// Folds that a person has opened or shut, at most; then all are as they were at first.
const TOGGLED: usize = 1000;

/// Bytes at the start of a line in which two that say the same may differ by digits: its time.
const STAMP: usize = 40;

/// How lines are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Characters in a row, where long lines go on in the next; 0: they do not.
    pub(crate) columns: u16,
    /// Whether the lines of an event fold into its first.
    pub(crate) fold: bool,
    /// Whether lines that say the same are shown once.
    pub(crate) collapse: bool,
    pub(crate) beside: Beside,
}

/// What stands beside each line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum Beside {
    #[default]
    Nothing,
    /// The time since the line before.
    Delta,
    /// Its time, by the reader's clock.
    Local,
    Utc,
}

/// Why lines are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// They belong to the event of the line above.
    Within,
    /// They say what the line above says.
    Same,
}

/// A row that stands for lines, or above them when it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) why: Why,
    /// The first of the lines: what it is opened and shut by.
    pub(crate) at: Position,
    pub(crate) lines: u32,
    pub(crate) open: bool,
    /// The gravest level of the lines.
    pub(crate) level: Level,
    /// Hits in them.
    pub(crate) hits: u32,
}

/// What is drawn at a place of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The line `Slot::line`.
    Line,
    /// The notice of that index.
    Notice(usize),
    Fold(Fold),
}

/// A place of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    /// The line that is drawn, the first that is hidden, or the one that follows.
    pub(crate) line: usize,
    /// Rows above it.
    pub(crate) top: u32,
    /// Rows that it takes.
    pub(crate) rows: u32,
}

/// Folds that a person has opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opened(HashSet<Position>);

impl Opened {
    pub(crate) fn toggle(&mut self, at: Position) {
        if self.0.len() >= TOGGLED {
            self.0.clear();
        }
        if !self.0.remove(&at) {
            self.0.insert(at);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The places of `lines`, with the notices between them.
pub(crate) fn slots(
    lines: &VecDeque<Arc<Line>>,
    seams: &[Seam],
    shape: Shape,
    opened: &Opened,
) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::with_capacity(lines.len() + seams.len());
    let mut top = 0;
    let mut put = |kind: Kind, line: usize, rows: u32| {
        slots.push(Slot { kind, line, top, rows });
        top += rows;
    };
    let mut seams = seams.iter().enumerate().peekable();
    let mut at = 0;
    while at < lines.len() {
        while let Some((index, _)) = seams.next_if(|(_, seam)| seam.before <= at) {
            put(Kind::Notice(index), at, 1);
        }
        let height = |index: usize| lines.get(index).map_or(1, |line| rows_of(line, shape));
        put(Kind::Line, at, height(at));
        at += 1;
        // A notice stands where it belongs: nothing is hidden across it.
        let until = seams.peek().map_or(lines.len(), |(_, seam)| seam.before.min(lines.len()));
        let (why, hidden) = hidden(lines, at, until, shape);
        let mut from = at;
        while hidden >= LEAST && from < at + hidden {
            let count = (at + hidden - from).min(MOST);
            let Some(fold) = fold(lines, from, count, why, opened) else { break };
            put(Kind::Fold(fold), from, 1);
            if fold.open {
                for index in from..from + count {
                    put(Kind::Line, index, height(index));
                }
            }
            from += count;
        }
        if hidden >= LEAST {
            at += hidden;
        }
    }
    for (index, _) in seams {
        put(Kind::Notice(index), lines.len(), 1);
    }
    slots
}

fn rows_of(line: &Line, shape: Shape) -> u32 {
    if shape.columns == 0 { 1 } else { wrap::rows(&line.text, shape.columns) }
}

/// How many lines from `at` on go with the line before it, and why.
fn hidden(lines: &VecDeque<Arc<Line>>, at: usize, until: usize, shape: Shape) -> (Why, usize) {
    let Some(head) = at.checked_sub(1).and_then(|head| lines.get(head)) else {
        return (Why::Within, 0);
    };
    let rest = || lines.range(at.min(until)..until);
    if shape.fold && !head.within {
        let mut end = head.end();
        let within = rest().take_while(|line| {
            let joined = line.position == end && (line.within || line.continued);
            end = line.end();
            joined
        });
        let count = within.count();
        if count > 0 {
            return (Why::Within, count);
        }
    }
    if shape.collapse && !head.within {
        let mut same = rest().take_while(|line| says_the_same(head, line)).count();
        // Of the last that is the same the trace may follow: then it is not the same.
        if lines.get(at + same).is_some_and(|next| next.within) {
            same = same.saturating_sub(1);
        }
        return (Why::Same, same);
    }
    (Why::Within, 0)
}

/// Whether two lines say the same but for when they say it.
fn says_the_same(one: &Line, other: &Line) -> bool {
    let (one_text, other_text) = (one.text.as_bytes(), other.text.as_bytes());
    let timed = one.time.is_some() && other.time.is_some();
    one_text.len() == other_text.len()
        && (one.level, one.within, one.cut) == (other.level, other.within, other.cut)
        && one_text.iter().zip(other_text).enumerate().all(|(at, (a, b))| {
            a == b || (timed && at < STAMP && a.is_ascii_digit() && b.is_ascii_digit())
        })
}

fn fold(
    lines: &VecDeque<Arc<Line>>,
    from: usize,
    count: usize,
    why: Why,
    opened: &Opened,
) -> Option<Fold> {
    let at = lines.get(from)?.position;
    let hidden = || lines.range(from..(from + count).min(lines.len()));
    Some(Fold {
        why,
        at,
        lines: count as u32,
        open: opened.0.contains(&at),
        level: hidden().map(|line| line.level).max().unwrap_or_default(),
        hits: hidden().map(|line| line.hits.len() as u32).sum(),
    })
}
