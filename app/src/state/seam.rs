//! Notices between rows: what happened to the log where one generation ends and the next begins,
//! and where the reader was. They are derived from the outline each time, never stored with rows.

use std::collections::VecDeque;
use std::sync::Arc;

use tailwater_protocol::{Began, Ended, GenerationId, Loss, Outline, Position, Span, Tally};

use super::list::{Edge, Key, Line};

/// Nanoseconds without a line that are worth a word.
const SILENCE: i64 = 60_000_000_000;

/// So many times longer than the pauses beside it a silence is.
const LONGER: i64 = 5;

/// Lines looked at around one for the times beside it.
const AROUND: usize = 30;

/// A notice before the line of that index, or after all lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seam {
    pub(crate) before: usize,
    pub(crate) notice: Notice,
}

/// A row that is no line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A generation begins.
    Began {
        generation: GenerationId,
        began: Began,
        since: u64,
        /// The file that holds what came before, if it can be read.
        previous: Option<String>,
    },
    /// What is lost at a generation's end.
    Lost { generation: GenerationId, loss: Loss },
    /// How what wrote a generation has ended.
    Over { generation: GenerationId, ended: Ended },
    /// The log is gone by name since then.
    Deleted { generation: GenerationId, since: u64 },
    /// Nothing was written for so long (nanoseconds) before the line at that offset.
    Silence { generation: GenerationId, offset: u64, nanos: i64 },
    /// Where the reader was, and what has come since.
    Here { generation: GenerationId, passed: Tally },
}

/// Where the reader was when the picture stood still for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Here {
    /// The end of what had been shown.
    pub(crate) position: Position,
    /// What came since.
    pub(crate) passed: Tally,
}

impl Notice {
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Began { generation, previous, .. } => {
                Key::Notice(*generation, 0, previous.as_ref().map_or(0, |name| name.len() as u64))
            }
            Self::Lost { generation, .. } => Key::Notice(*generation, 1, 0),
            Self::Deleted { generation, since } => Key::Notice(*generation, 2, *since),
            Self::Silence { generation, offset, .. } => Key::Notice(*generation, 4, *offset),
            Self::Here { generation, passed } => Key::Notice(*generation, 3, passed.lines),
            Self::Over { generation, ended } => Key::Notice(*generation, 4, ended.at),
        }
    }
}

/// The notices for `lines`, which in a filtered view are not all, ordered by where they stand.
pub(crate) fn seams(
    lines: &VecDeque<Arc<Line>>,
    (start, end): (Edge, Edge),
    picked: bool,
    outline: &Outline,
    deleted: Option<u64>,
    here: Option<Here>,
) -> Vec<Seam> {
    let mut seams = Vec::new();
    let (Some(first), Some(last)) = (lines.front(), lines.back()) else { return seams };
    let mut put = |before: usize, notice: Notice| seams.push(Seam { before, notice });
    let spans = outline.spans.as_slice();
    let index = |id: GenerationId| spans.iter().position(|span| span.id == id);

    // Of a filtered view the first row may be any.
    if start == Edge::Reached && (picked || first.position.offset == 0) {
        let own = index(first.position.generation).unwrap_or(0);
        began(spans, 0, own, 0, &mut put);
    }
    let mut generation = first.position.generation;
    for (at, line) in lines.iter().enumerate() {
        if here.is_some_and(|here| here.passed.lines > 0 && here.position == line.position) {
            let passed = here.map(|here| here.passed).unwrap_or_default();
            put(at, Notice::Here { generation: line.position.generation, passed });
        }
        if line.position.generation != generation {
            let old = index(generation);
            lost(spans, old, at, &mut put);
            if let Some(new) = index(line.position.generation) {
                let from = old.map_or(new, |old| old + 1);
                began(spans, from, new, at, &mut put);
            }
            generation = line.position.generation;
        } else if let Some(nanos) = silence(lines, at) {
            put(at, Notice::Silence { generation, offset: line.position.offset, nanos });
        }
    }
    // Behind the last line: generations that hold nothing yet, and an end that is known.
    let Some(own) = index(generation) else {
        let empty = spans.iter().all(|span| span.bytes == 0);
        if let (true, Some(newest)) = (empty, spans.len().checked_sub(1)) {
            began(spans, newest, newest, lines.len(), &mut put);
        }
        return seams;
    };
    let whole = match picked {
        true => end == Edge::Reached,
        false => spans.get(own).is_some_and(|span| last.end().offset >= span.bytes),
    };
    if whole {
        lost(spans, Some(own), lines.len(), &mut put);
        let rest = spans.get(own + 1..).unwrap_or_default();
        let empty = rest.iter().take_while(|span| picked || span.bytes == 0).count();
        if empty > 0 {
            began(spans, own + 1, own + empty, lines.len(), &mut put);
            over(spans, Some(own + empty), lines.len(), &mut put);
        }
        if let (Some(since), true) = (deleted, empty == rest.len()) {
            put(lines.len(), Notice::Deleted { generation, since });
        }
    }
    seams
}

/// How long nothing was written before the line of that index, where that is much longer than
/// around it.
fn silence(lines: &VecDeque<Arc<Line>>, at: usize) -> Option<i64> {
    let time = |index: usize| lines.get(index).and_then(|line| line.time);
    let now = time(at)?;
    let mut before = lines.range(at.saturating_sub(AROUND)..at).rev().filter_map(|line| line.time);
    let gap = now.checked_sub(before.next()?).filter(|gap| *gap >= SILENCE)?;
    let earlier = before.next().zip(now.checked_sub(gap)).map(|(earlier, last)| last - earlier);
    let after = (at + 1..lines.len().min(at + AROUND)).find_map(time).map(|after| after - now);
    let usual = earlier.into_iter().chain(after).max().unwrap_or(0);
    (usual.saturating_mul(LONGER) <= gap).then_some(gap)
}

fn began(
    spans: &[Span],
    from: usize,
    to: usize,
    before: usize,
    put: &mut impl FnMut(usize, Notice),
) {
    for at in from..=to {
        let Some(span) = spans.get(at) else { return };
        let old = at.checked_sub(1).and_then(|old| spans.get(old));
        // What is found one after another at the start was rotated, only earlier.
        let began =
            if old.is_some() && span.began == Began::Found { Began::Rotated } else { span.began };
        if began != Began::Found {
            let previous = old.filter(|old| !old.file.is_empty() && old.file != span.file);
            let previous = previous.map(|old| old.file.clone());
            put(before, Notice::Began { generation: span.id, began, since: span.since, previous });
        }
        if at < to {
            lost(spans, Some(at), before, put);
        }
    }
}

fn over(spans: &[Span], at: Option<usize>, before: usize, put: &mut impl FnMut(usize, Notice)) {
    if let Some(span) = at.and_then(|at| spans.get(at))
        && let Some(ended) = span.over
    {
        put(before, Notice::Over { generation: span.id, ended });
    }
}

fn lost(spans: &[Span], at: Option<usize>, before: usize, put: &mut impl FnMut(usize, Notice)) {
    let Some(span) = at.and_then(|at| spans.get(at)) else { return };
    if let Some(loss) = span.lost {
        put(before, Notice::Lost { generation: span.id, loss });
    }
    over(spans, at, before, put);
}
