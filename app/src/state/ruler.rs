//! The ruler: the whole log on one line of bytes, whatever its size.

use tailwater_protocol::{Outline, Survey};

use super::view::View;

/// Rotations and marks drawn, each at most.
const TICKS: usize = 64;

/// Fractions, in millionths so that two rulers can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ruler {
    /// Where the viewport's top is on its way from the first screen to the last.
    pub(crate) at: u32,
    /// How much of the log the viewport holds.
    pub(crate) size: u32,
    /// Where generations begin.
    pub(crate) ticks: Vec<u32>,
    /// Where the reader was.
    pub(crate) here: Option<u32>,
    /// How many hits each part of the log holds, as the server says it.
    pub(crate) hits: Vec<u8>,
    /// How many errors and warnings each part holds, in the same way.
    pub(crate) errors: Vec<u8>,
    pub(crate) warnings: Vec<u8>,
    /// Where lines are marked.
    pub(crate) marks: Vec<u32>,
    /// Whether there is anything to measure.
    pub(crate) empty: bool,
}

pub(crate) const WHOLE: u32 = 1_000_000;

pub(crate) fn ruler(view: Option<&View>) -> Ruler {
    let Some(view) = view else { return Ruler { empty: true, ..Ruler::default() } };
    let (list, outline) = (view.list(), view.outline());
    let whole = outline.bytes();
    let (Some(top), Some(bottom)) = (list.top_line(), list.bottom_line()) else {
        return Ruler { empty: true, ..Ruler::default() };
    };
    let place = |position| outline.place(position).unwrap_or(0);
    let (start, end) = (place(top.position), place(bottom.end()));
    let size = end.saturating_sub(start).min(whole);
    let way = whole - size;
    let at_end = list.at_bottom() && list.edges().1 == super::list::Edge::Reached;
    let at = if at_end { WHOLE } else { share(start, way) };
    Ruler {
        at,
        size: share(size, whole).max(1),
        ticks: ticks(outline, whole),
        hits: view.find().progress().map(|progress| progress.density.clone()).unwrap_or_default(),
        errors: graves(view, |survey| &survey.errors),
        warnings: graves(view, |survey| &survey.warnings),
        marks: marks(view, whole),
        here: view.here().map(|here| share(place(here.position), whole)),
        empty: whole == 0,
    }
}

fn graves(view: &View, of: impl Fn(&Survey) -> &Vec<u32>) -> Vec<u8> {
    let parts = view.closer().survey().map(|survey| of(survey).as_slice()).unwrap_or_default();
    parts.iter().map(|count| count.checked_ilog2().map_or(0, |log| log as u8 + 1)).collect()
}

fn marks(view: &View, whole: u64) -> Vec<u32> {
    let mut marks = Vec::new();
    for place in view.marked().filter_map(|at| view.outline().place(*at)) {
        let mark = share(place, whole);
        if marks.len() < TICKS && !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    marks
}

fn share(part: u64, whole: u64) -> u32 {
    if whole == 0 {
        return 0;
    }
    (u128::from(part.min(whole)) * u128::from(WHOLE) / u128::from(whole)) as u32
}

fn ticks(outline: &Outline, whole: u64) -> Vec<u32> {
    let mut before = 0;
    let mut ticks = Vec::new();
    for (index, span) in outline.spans.iter().enumerate() {
        if index > 0 {
            ticks.push(share(before, whole));
        }
        before += span.bytes;
    }
    ticks.dedup();
    let over = ticks.len().saturating_sub(TICKS);
    ticks.drain(..over);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_largest_log_does_not_overflow() {
        assert_eq!(share(u64::MAX, u64::MAX), WHOLE);
        assert_eq!(share(u64::MAX / 2, u64::MAX), WHOLE / 2 - 1);
        assert_eq!((share(5, 0), share(9, 3)), (0, WHOLE));
    }
}
