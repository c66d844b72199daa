//! What the view does to show some lines only: asks, keeps the reader's place, takes what was
//! picked, and looks on until a screen is full.

use tailwater_protocol::{
    Anchor, ClientMessage, FilterId, Filtering, Frame, Lines, Number, Picked, Position, RequestId,
    Window,
};

use super::{Follow, Jump, View};
use crate::state::filter::{Change, Filters};
use crate::state::list::{Edge, Landing, lines_picked};

impl View {
    pub(crate) fn filters(&self) -> &Filters {
        &self.filters
    }

    pub(crate) fn filters_mut(&mut self) -> &mut Filters {
        &mut self.filters
    }

    /// Makes a change of the filter, and shows what it takes.
    pub(crate) fn narrow(&mut self, change: Change, out: &mut Vec<ClientMessage>) {
        if self.filters.change(change) {
            self.refit(None, out);
        }
    }

    /// Shows the line at `position` among all lines.
    pub(crate) fn widen(&mut self, position: Position, out: &mut Vec<ClientMessage>) {
        self.leave(out);
        self.filters.put(tailwater_protocol::Filter::default());
        self.refit(Some(position), out);
    }

    /// Shows what the filter takes now. The line before the reader's eyes stays where it is, or the
    /// next one that is shown takes its place.
    pub(crate) fn refit(&mut self, mark: Option<Position>, out: &mut Vec<ClientMessage>) {
        let (id, filter) = self.filters.ask();
        out.push(ClientMessage::Filter { view: self.id, id, filter });
        // What is not shown is not to be found either.
        self.find.begin_anew();
        if !self.find.text().is_empty() {
            self.ask_find(out);
        }
        // Rows on their way are of another filter, and what is shown is nowhere to go on from.
        let pending = self.asked.next.or(self.asked.jump.map(|(_, jump)| jump));
        self.asked = super::Asked::default();
        self.stale = true;
        self.missed = tailwater_protocol::Tally::default();
        if self.follow == Follow::On {
            return;
        }
        let seen = |at: &Position| self.list.sees(*at);
        let eyes = mark.or(self.current.filter(seen));
        let eyes = eyes.or_else(|| self.list.top_line().map(|line| line.position));
        let jump = match (pending, eyes) {
            (Some(jump), _) if mark.is_none() => jump,
            (_, Some(at)) => {
                let y = self.list.y(at).unwrap_or_default();
                Jump { anchor: Anchor::At(at), landing: Landing::Kept(y), mark: mark.is_some() }
            }
            // Nothing was shown: then from the end.
            _ => {
                let landing = Landing::Top;
                Jump { anchor: Anchor::End, landing, mark: false }
            }
        };
        let (before, after) = self.around();
        let request = self.ask(jump.anchor, before, after, out);
        self.asked.jump = Some((request, jump));
    }

    /// How the filter stands.
    pub(crate) fn heard_filtering(&mut self, id: FilterId, filtering: Filtering) {
        self.filters.hear(id, filtering);
    }

    /// Whether rows that were picked so are to be shown.
    pub(super) fn takes(&self, picked: Option<&Picked>) -> bool {
        self.filters.accepts(picked.map(|picked| picked.filter))
    }

    /// The newest rows of those that are shown.
    pub(super) fn frame_picked(&mut self, frame: &Frame, picked: &Picked) {
        let Some(stretch) = picked.stretch else {
            if self.outline.bytes() == 0 {
                self.list.replace(Vec::new(), Edge::Reached, Edge::Reached);
            }
            return;
        };
        let lines = self.above_floor(lines_picked(&frame.blocks, Some(picked)));
        let known = lines.first().is_some_and(|first| self.list.holds_row(first.position));
        let joins = !self.stale && self.list.stretch().is_some() && (frame.continues || known);
        if joins {
            self.list.append_picked(lines, stretch, &self.outline, Edge::Reached);
        } else {
            (self.asked.before, self.asked.after) = (None, None);
            let oldest = self.outline.spans.first().map(|span| Position::start(span.id));
            let edge = if Some(stretch.0) == oldest { Edge::Reached } else { Edge::More };
            self.list.replace(lines, edge, Edge::Reached);
            self.list.set_stretch(Some(stretch));
        }
        self.stale = false;
        self.calm = true;
        self.seen_end = self.outline.end();
    }

    /// What has come while rows are not shown as they come.
    pub(super) fn counted(&mut self, frame: &Frame) {
        let quiet = frame.passed.lines == 0 && self.filters.context() == 0;
        if quiet && self.list.stretch().is_some() && self.list.edges().1 == Edge::Reached {
            // None of it is to be shown.
            self.seen_end = self.outline.end();
        }
    }

    /// Where the answer to a request for more rows of a filtered view goes.
    pub(super) fn window_picked(&mut self, window: &Window, picked: &Picked) {
        let edge = |reached: bool| if reached { Edge::Reached } else { Edge::More };
        let lines = self.above_floor(lines_picked(&window.blocks, Some(picked)));
        let request = Some(window.request);
        let Some(stretch) = picked.stretch else { return };
        if self.asked.before == request {
            self.asked.before = None;
            self.list.prepend_picked(&lines, stretch, edge(window.at_start));
            self.pay();
        } else if self.asked.after == request {
            self.asked.after = None;
            self.list.append_picked(lines, stretch, &self.outline, edge(window.at_end));
            if window.at_end {
                self.seen_end = self.outline.end();
            }
        }
    }

    /// Asks for what comes near, and on until there is enough of it.
    pub(super) fn want_picked(
        &mut self,
        (from, to): (Position, Position),
        out: &mut Vec<ClientMessage>,
    ) {
        if self.stale || self.asked.paint.is_some() {
            return;
        }
        let (above, below) = self.list.margins();
        let near = self.near();
        let (before, after) = self.list.edges();
        let rows = self.reach();
        if above < near && before == Edge::More && self.asked.before.is_none() {
            self.asked.before = Some(self.ask(Anchor::At(from), rows, 0, out));
        }
        let still = self.follow != Follow::On;
        if still && below < near && after == Edge::More && self.asked.after.is_none() {
            self.asked.after = Some(self.ask(Anchor::At(to), 0, rows, out));
        }
    }

    /// Once the lines are counted, asks for the numbers of rows that have none.
    pub(super) fn want_picked_numbers(&mut self, out: &mut Vec<ClientMessage>) {
        let counted = self.outline.spans.iter().filter(|s| matches!(s.lines, Lines::Exact(_)));
        let line = counted.map(|span| span.id).find_map(|id| self.list.unnumbered(id));
        let Some(at) = line.map(|line| line.position) else { return };
        if self.numbered != Some(at) {
            self.numbered = Some(at);
            let rows = self.reach();
            let request = self.ask(Anchor::At(at), 0, rows, out);
            self.asked.number = Some((request, at.generation));
        }
    }

    /// Whether that is the answer about numbers; it changes nothing else.
    pub(super) fn numbers_picked(&mut self, request: RequestId, window: &Window) -> bool {
        if self.asked.number.map(|(id, _)| id) != Some(request) {
            return false;
        }
        self.asked.number = None;
        let lines = lines_picked(&window.blocks, None);
        if self.list.stretch().is_none() {
            if let Some(line) = lines.get(window.anchor as usize)
                && matches!(line.number, Number::Exact(_))
            {
                self.list.set_number(line.position, line.number);
            }
            return true;
        }
        // A generation that is not counted to its end yet is asked about again.
        let exact = |line: &std::sync::Arc<super::super::list::Line>| {
            matches!(line.number, Number::Exact(_))
        };
        if lines.iter().any(exact) {
            self.numbered = None;
        }
        self.list.set_numbers(&lines);
        true
    }

    /// Whether nothing of the whole log is shown, and all of it was looked through.
    pub(crate) fn shows_nothing(&self) -> bool {
        let all = self.list.edges() == (Edge::Reached, Edge::Reached);
        let whole = self.filters.progress().is_some_and(|known| known.complete && known.hits == 0);
        self.list.is_empty() && !self.stale && (all || whole)
    }
}
