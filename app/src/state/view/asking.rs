//! The view's requests: what it asks for as an edge comes near, and what becomes of the answers.
//! An answer that nobody waits for any more is told by its id, and dropped.

use tailwater_protocol::{
    Anchor, ClientMessage, GenerationId, Lines, RequestId, Window, WindowRequest,
};

use super::{Follow, Jump, View};
use crate::state::list::{Edge, lines_picked};

/// Screens of lines wanted beyond each end of the viewport.
const PREFETCH: usize = 2;

/// Rows wanted beyond each end at most, and rows asked for at most. Both together and a screen
/// stay below what is held, or what is fetched at one end would be let go at the other.
const WANTED: usize = 200;
const WINDOW: usize = 300;

/// What is under way, by the id of its request.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) jump: Option<(RequestId, Jump)>,
    /// The newest wish while a jump is under way: of those in between nobody will see anything.
    pub(super) next: Option<Jump>,
    pub(super) before: Option<RequestId>,
    pub(super) after: Option<RequestId>,
    pub(super) number: Option<(RequestId, GenerationId)>,
    /// The rows in sight once more, with the hits of what is looked for now.
    pub(super) paint: Option<RequestId>,
}

impl View {
    /// Rows that were asked for.
    pub(crate) fn window(&mut self, window: Window, out: &mut Vec<ClientMessage>) {
        let request = Some(window.request);
        if !self.takes(window.picked.as_ref()) || self.numbers_picked(window.request, &window) {
            return;
        }
        let picked = window.picked.clone();
        let stretch = picked.as_ref().and_then(|picked| picked.stretch);
        let lines = self.above_floor(lines_picked(&window.blocks, picked.as_ref()));
        let edge = |reached: bool| if reached { Edge::Reached } else { Edge::More };
        let (start, end) = (edge(window.at_start), edge(window.at_end));
        if self.asked.jump.map(|(id, _)| id) == request {
            let jump = self.asked.jump.take().map(|(_, jump)| jump);
            self.outline = window.outline;
            let at = lines.get(window.anchor as usize).or(lines.last()).map(|line| line.position);
            self.list.replace(lines, start, end);
            self.list.set_stretch(stretch);
            self.stale = false;
            self.seen_end = if window.at_end { self.outline.end() } else { None };
            self.settle();
            if let (Some(jump), Some(at)) = (jump, at) {
                let exact = match jump.anchor {
                    Anchor::At(position) => position,
                    _ => at,
                };
                let place = if self.list.line_at(exact).is_some() { exact } else { at };
                self.list.land(place, jump.landing);
                self.landed(place, jump.mark);
            }
            if let Some(next) = self.asked.next.take() {
                self.jump(next, out);
            } else if !self.is_painted(window.request) {
                self.repaint(out);
            }
        } else if self.asked.paint == request {
            self.asked.paint = None;
            self.outline = window.outline;
            self.list.repaint(lines, start, end);
            self.list.set_stretch(stretch);
            self.seen_end = if window.at_end { self.outline.end() } else { None };
            self.settle();
        } else if let (Some(picked), true) = (&picked, self.list.stretch().is_some()) {
            self.outline.clone_from(&window.outline);
            self.window_picked(&window, picked);
            self.settle();
        } else if self.asked.before == request {
            self.asked.before = None;
            self.outline = window.outline;
            self.list.prepend(&lines, &self.outline, start);
            self.pay();
            self.settle();
        } else if self.asked.after == request {
            self.asked.after = None;
            self.outline = window.outline;
            self.list.append(lines, &self.outline, end);
            self.settle();
        } else {
            return;
        }
        self.failed = None;
        self.want(out);
    }

    /// What a request came to when it could not be answered.
    pub(crate) fn refused(
        &mut self,
        request: Option<RequestId>,
        why: String,
        out: &mut Vec<ClientMessage>,
    ) {
        if request.is_some_and(|request| self.refused_close(request, &why)) {
            return;
        }
        let asked = &mut self.asked;
        if request.is_some() && asked.jump.map(|(id, _)| id) == request {
            asked.jump = None;
            if self.list.is_empty() {
                self.follow_on(out);
            }
        }
        let asked = &mut self.asked;
        for one in [&mut asked.before, &mut asked.after, &mut asked.paint] {
            if request.is_some() && *one == request {
                *one = None;
            }
        }
        self.failed = Some(why);
    }

    /// Asks for what comes near.
    pub(super) fn want(&mut self, out: &mut Vec<ClientMessage>) {
        self.want_numbers(out);
        if self.asked.jump.is_some() {
            return;
        }
        if let Some(stretch) = self.list.stretch() {
            return self.want_picked(stretch, out);
        }
        let (Some(first), Some(last)) = (self.list.first(), self.list.last()) else { return };
        let (first, last) = (first.position, last.position);
        let (above, below) = self.list.margins();
        let near = self.near();
        let (before, after) = self.list.edges();
        let rows = self.reach();
        let still = self.follow != Follow::On;
        // Behind a torrent there is no use in looking back: the lines are gone when they come.
        let back = still || self.calm;
        if back && above < near && before == Edge::More && self.asked.before.is_none() {
            self.asked.before = Some(self.ask(Anchor::At(first), rows, 1, out));
        }
        if still && below < near && after == Edge::More && self.asked.after.is_none() {
            self.asked.after = Some(self.ask(Anchor::At(last), 0, rows, out));
        }
    }

    /// Once the lines are counted, asks for the number of one row; the others follow from it.
    fn want_numbers(&mut self, out: &mut Vec<ClientMessage>) {
        if self.asked.number.is_some() {
            return;
        }
        if self.list.stretch().is_some() {
            return self.want_picked_numbers(out);
        }
        let counted = self.outline.spans.iter().filter(|s| matches!(s.lines, Lines::Exact(_)));
        let line = counted.map(|span| span.id).find_map(|id| self.list.unnumbered(id));
        if let Some(position) = line.map(|line| line.position)
            && self.numbered != Some(position)
        {
            self.numbered = Some(position);
            let request = self.ask(Anchor::At(position), 0, 1, out);
            self.asked.number = Some((request, position.generation));
        }
    }

    pub(super) fn ask(
        &mut self,
        anchor: Anchor,
        before: u16,
        after: u16,
        out: &mut Vec<ClientMessage>,
    ) -> RequestId {
        self.requests = self.requests.wrapping_add(1);
        let request = RequestId(self.requests);
        let wanted = WindowRequest { request, view: self.id, anchor, before, after };
        out.push(ClientMessage::Window(wanted));
        request
    }

    /// Pixels of rows wanted beyond each end of the viewport.
    pub(super) fn near(&self) -> f64 {
        (PREFETCH * self.list.page()).min(WANTED) as f64 * self.list.row_height()
    }

    pub(super) fn reach(&self) -> u16 {
        (self.list.page() * 3).clamp(100, WINDOW) as u16
    }

    pub(super) fn around(&self) -> (u16, u16) {
        let page = self.list.page();
        ((page + 20).min(WINDOW) as u16, (page * 2 + 20).min(WINDOW) as u16)
    }
}
