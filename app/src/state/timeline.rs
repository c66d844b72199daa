//! The timeline: how many lines, warnings and errors were written when, of the whole log.
//!
//! It is made of parts of equal size in bytes, each spread evenly over the time that it took: exact
//! where lines are dense, and coarse where nothing happens. It reads no line.

use tailwater_protocol::{Course, Survey};

/// Bars drawn at most: what a wide screen can tell apart.
pub(crate) const BARS: usize = 240;

/// A part that takes more bars than this, and so many times longer than others, is a silence.
const WIDE: f64 = 3.0;
const LONGER: f64 = 8.0;

/// What was written in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bar {
    pub(crate) lines: f64,
    pub(crate) warnings: f64,
    pub(crate) errors: f64,
}

impl Bar {
    fn half(self) -> Self {
        let Self { lines, warnings, errors } = self;
        Self { lines: lines / 2.0, warnings: warnings / 2.0, errors: errors / 2.0 }
    }
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Timeline {
    /// From the first line's time to the last's, in nanoseconds since 1970.
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) bars: Vec<Bar>,
}

impl Timeline {
    /// Where on its way from the first to the last line an instant is, from 0 to 1.
    pub(crate) fn place(&self, time: i64) -> f64 {
        let whole = self.to.saturating_sub(self.from).max(1) as f64;
        (time.saturating_sub(self.from) as f64 / whole).clamp(0.0, 1.0)
    }

    /// The instant at `place` of the way.
    pub(crate) fn time(&self, place: f64) -> i64 {
        let whole = self.to.saturating_sub(self.from) as f64;
        self.from.saturating_add((whole * place.clamp(0.0, 1.0)) as i64)
    }
}

/// `course` as bars; `None` of a log without times.
pub(crate) fn timeline(course: &Course, survey: Option<&Survey>) -> Option<Timeline> {
    let first = course.parts.first()?.time;
    // Clocks are set back, and threads write out of order: time only goes on.
    let mut latest = first;
    let times: Vec<i64> = course
        .parts
        .iter()
        .map(|part| {
            latest = latest.max(part.time);
            latest
        })
        .collect();
    let to = course.end.max(latest);
    let mut line = Timeline { from: first, to, bars: vec![Bar::default(); BARS] };
    let of = |parts: Option<&Vec<u32>>, at: usize| {
        parts.and_then(|parts| parts.get(at)).copied().map_or(0.0, f64::from)
    };
    let usual = 1.0 / times.len() as f64;
    for (at, part) in course.parts.iter().enumerate() {
        let from = times.get(at).copied().unwrap_or(first);
        let until = times.get(at + 1).copied().unwrap_or(to);
        let (from, until) = (line.place(from), line.place(until));
        let bar = Bar {
            lines: f64::from(part.lines),
            warnings: of(survey.map(|survey| &survey.warnings), at),
            errors: of(survey.map(|survey| &survey.errors), at),
        };
        if (until - from) * BARS as f64 > WIDE && until - from > usual * LONGER {
            // Mostly nothing happened here: what did stands at its borders.
            for place in [from, until] {
                spread(&mut line.bars, place, place, bar.half());
            }
        } else {
            spread(&mut line.bars, from, until, bar);
        }
    }
    Some(line)
}

/// Adds `bar` to the bars between two places, to each its share.
fn spread(bars: &mut [Bar], from: f64, until: f64, bar: Bar) {
    let count = bars.len() as f64;
    let (from, until) = (from * count, (until * count).max(from * count + 1e-9));
    let (first, last) = (from.floor() as usize, until.ceil() as usize);
    for at in first.min(bars.len() - 1)..last.clamp(first + 1, bars.len().max(first + 1)) {
        let Some(own) = bars.get_mut(at) else { return };
        let reach = (until.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
        // At the very end there is no room left beside the border.
        let share = if from >= count { 1.0 } else { reach / (until - from) };
        own.lines += bar.lines * share;
        own.warnings += bar.warnings * share;
        own.errors += bar.errors * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailwater_protocol::Part;

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_counted_twice(
            parts in prop::collection::vec((0_i64..1_000_000, 0_u32..1000), 1..600),
            end in 0_i64..2_000_000,
        ) {
            let course = Course {
                parts: parts.iter().map(|&(time, lines)| Part { time, lines }).collect(),
                end,
            };
            let counts: Vec<u32> = parts.iter().map(|part| part.1 / 10).collect();
            let survey = Survey { errors: counts.clone(), warnings: counts, ..Survey::default() };
            let timeline = timeline(&course, Some(&survey)).expect("times");
            let sum = |of: fn(&Bar) -> f64| timeline.bars.iter().map(of).sum::<f64>();
            let lines: u64 = parts.iter().map(|part| u64::from(part.1)).sum();
            let errors: u64 = parts.iter().map(|part| u64::from(part.1 / 10)).sum();
            prop_assert!((sum(|bar| bar.lines) - lines as f64).abs() < 1e-3);
            prop_assert!((sum(|bar| bar.errors) - errors as f64).abs() < 1e-3);
            prop_assert!((sum(|bar| bar.warnings) - errors as f64).abs() < 1e-3);
        }
    }

    #[test]
    fn a_burst_stands_where_it_was() {
        let part = |time, lines| Part { time, lines };
        let course = Course { parts: vec![part(0, 10), part(900, 90), part(910, 0)], end: 1000 };
        let timeline = timeline(&course, None).expect("times");
        let (at, _) = timeline
            .bars
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.lines.total_cmp(&b.1.lines))
            .expect("bars");
        assert!((BARS * 9 / 10..=BARS * 9 / 10 + 2).contains(&at), "{at}");
        assert_eq!(timeline.time(0.5), 500);
    }

    #[test]
    fn nothing_is_drawn_into_a_silence() {
        let time = |n: i64| if n < 50 { n } else { n + 900 };
        let parts = (0..100).map(|n| Part { time: time(n), lines: 10 }).collect();
        let timeline = timeline(&Course { parts, end: 1000 }, None).expect("times");
        let silent = timeline.bars.iter().filter(|bar| bar.lines == 0.0).count();
        assert!(silent > BARS * 8 / 10, "{silent}");
    }

    #[test]
    fn a_log_without_times_has_none() {
        assert_eq!(timeline(&Course::default(), None), None);
    }
}
