//! The line under the cursor, what is chosen and marked, and how lines are drawn.

use std::collections::HashSet;

use tailwater_protocol::{ClientMessage, Number, Position, Stretch};

use super::{Follow, View};
use crate::state::list::{Drawn, Dress, Edge, Landing, Line};
use crate::state::shape::Shape;

/// An end of what is chosen: a line by its place, or by its number alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    At(Position, Option<u64>),
    Number(u64),
}

/// Lines that a person has chosen, from the one to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) from: End,
    pub(crate) to: End,
}

impl End {
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Self::At(_, number) => number,
            Self::Number(number) => Some(number),
        }
    }

    pub(crate) fn position(self) -> Option<Position> {
        match self {
            Self::At(position, _) => Some(position),
            Self::Number(_) => None,
        }
    }
}

impl Chosen {
    /// How many lines, where both ends are counted.
    pub(crate) fn lines(self) -> Option<u64> {
        let (from, to) = (self.from.number()?, self.to.number()?);
        Some(from.abs_diff(to) + 1)
    }
}

impl View {
    pub(crate) fn drawn(&self) -> Drawn {
        self.list.drawn(|line| Dress {
            marked: self.marked.contains(&line.position),
            chosen: self.is_chosen(line),
            ..Dress::default()
        })
    }

    pub(crate) fn set_shape(&mut self, shape: Shape, out: &mut Vec<ClientMessage>) {
        self.list.set_shape(shape);
        if self.follow == Follow::On {
            self.list.show_bottom();
        }
        self.want(out);
    }

    pub(crate) fn marked(&self) -> impl Iterator<Item = &Position> {
        self.marked.iter()
    }

    pub(crate) fn set_marked(&mut self, marked: HashSet<Position>) {
        self.marked = marked;
    }

    /// The line that is meant when a person asks for more of one: it becomes the cursor's. Who
    /// follows means the newest, and follows no more.
    pub(crate) fn take_cursor(&mut self, out: &mut Vec<ClientMessage>) -> Option<Position> {
        let seen = self.current.filter(|at| self.list.sees(*at));
        let line = match self.follow {
            Follow::On => self.list.last(),
            _ => self.list.top_line(),
        };
        let at = seen.or(line.map(|line| line.position));
        self.leave(out);
        self.current = at;
        at
    }

    /// Moves the cursor, if there is one in sight, or else the lines.
    pub(crate) fn step(&mut self, rows: i64, out: &mut Vec<ClientMessage>) {
        let seen = self.current.filter(|at| self.list.sees(*at));
        let next = seen.and_then(|at| self.list.neighbour(at, rows)).map(|line| line.position);
        let Some(next) = next else { return self.scroll_rows(rows as f64, out) };
        if rows < 0 {
            self.leave(out);
        }
        self.current = Some(next);
        if self.follow != Follow::On {
            self.forget_jump();
            self.list.bring(next);
            self.want(out);
        }
    }

    /// Opens or shuts the event at the cursor.
    pub(crate) fn fold(&mut self, out: &mut Vec<ClientMessage>) {
        let Some(at) = self.take_cursor(out) else { return };
        if let Some(fold) = self.list.fold_at(at) {
            self.toggle_fold(fold, out);
        }
    }

    /// Opens or shuts the fold whose lines begin at `at`.
    pub(crate) fn toggle_fold(&mut self, at: Position, out: &mut Vec<ClientMessage>) {
        self.leave(out);
        // The cursor is not left behind what is shut.
        if self.list.is_open(at)
            && let Some(head) = self.list.neighbour(at, -1).map(|line| line.position)
            && self.current.map(|at| self.outline.place(at)) >= Some(self.outline.place(at))
        {
            self.current = Some(head);
        }
        self.list.toggle(at);
        self.want(out);
    }

    /// Chooses from where the last choice began, or from the cursor, to the line at `at`.
    pub(crate) fn choose(&mut self, at: Position, out: &mut Vec<ClientMessage>) {
        self.leave(out);
        let from = self.chosen.map(|chosen| chosen.from);
        let from = from.or_else(|| self.current.map(|current| self.end(current)));
        let to = self.end(at);
        self.chosen = Some(Chosen { from: from.unwrap_or(to), to });
    }

    pub(crate) fn set_chosen(&mut self, chosen: Option<Chosen>) {
        self.chosen = chosen;
    }

    pub(crate) fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    /// What is chosen, in the order of the log; `None` while an end is known by its number alone.
    pub(crate) fn stretch(&self) -> Option<Stretch> {
        let chosen = self.chosen?;
        let one = self.located(chosen.from)?;
        let other = self.located(chosen.to)?;
        let place = |at| self.outline.place(at).unwrap_or(0);
        let (first, last) = if place(one) <= place(other) { (one, other) } else { (other, one) };
        Some(Stretch { first, last })
    }

    fn located(&self, end: End) -> Option<Position> {
        match end {
            End::At(position, _) => Some(position),
            End::Number(number) => self.list.numbered(number).map(|line| line.position),
        }
    }

    fn end(&self, at: Position) -> End {
        let number = self.list.line_at(at).and_then(|line| match line.number {
            Number::Exact(number) => Some(number),
            _ => None,
        });
        End::At(at, number)
    }

    fn is_chosen(&self, line: &Line) -> bool {
        let Some(chosen) = self.chosen else { return false };
        if let (Some(from), Some(to), Number::Exact(number)) =
            (chosen.from.number(), chosen.to.number(), line.number)
        {
            let own = chosen.from.position().or(chosen.to.position());
            let same = own.is_none_or(|at| at.generation == line.position.generation);
            return same && (from.min(to)..=from.max(to)).contains(&number);
        }
        let Some(stretch) = self.stretch() else { return false };
        let place = |at| self.outline.place(at).unwrap_or(0);
        (place(stretch.first)..=place(stretch.last)).contains(&place(line.position))
    }

    /// Goes to a mark further down, or up.
    pub(crate) fn go_to_mark(&mut self, step: i32, out: &mut Vec<ClientMessage>) -> bool {
        let stands = self.current.or_else(|| self.list.top_line().map(|line| line.position));
        let end = self.outline.bytes();
        let own = match (self.follow, stands) {
            (Follow::On, _) => end,
            (_, Some(at)) => self.outline.place(at).unwrap_or(0),
            (_, None) => 0,
        };
        let mut found = None;
        let mut from = own;
        for _ in 0..step.unsigned_abs() {
            let places = self.marked.iter().filter_map(|at| Some((self.outline.place(*at)?, *at)));
            let ahead =
                places.filter(|(place, _)| if step > 0 { *place > from } else { *place < from });
            let Some(next) = ahead.min_by_key(|(place, _)| place.abs_diff(from)) else { break };
            from = next.0;
            found = Some(next.1);
        }
        let Some(at) = found else { return false };
        self.go_to_line(at, out);
        true
    }

    /// Goes to a line that is known: one in sight is not moved.
    pub(crate) fn go_to_line(&mut self, at: Position, out: &mut Vec<ClientMessage>) {
        if self.list.sees(at) {
            self.leave(out);
            self.current = Some(at);
        } else {
            let anchor = tailwater_protocol::Anchor::At(at);
            self.jump(super::Jump { anchor, landing: Landing::Third, mark: true }, out);
        }
    }

    /// Lets go of all that is shown; only what comes from now on is, until a place is gone to.
    pub(crate) fn clear(&mut self, out: &mut Vec<ClientMessage>) {
        self.follow_on(out);
        self.floor = self.outline.end();
        self.here = None;
        (self.asked.before, self.asked.after) = (None, None);
        self.list.replace(Vec::new(), Edge::Reached, Edge::Reached);
    }

    /// Whether everything up to some place was let go.
    pub(crate) fn is_cleared(&self) -> bool {
        self.floor.is_some()
    }

    /// Of `lines` those that may be shown.
    pub(super) fn above_floor<L: std::ops::Deref<Target = Line>>(&self, lines: Vec<L>) -> Vec<L> {
        let Some(floor) = self.floor else { return lines };
        let place = |at| self.outline.place(at).unwrap_or(u64::MAX);
        let from = place(floor);
        lines.into_iter().filter(|line| place(line.position) >= from).collect()
    }
}
