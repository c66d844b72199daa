//! What the view does to find: asks, has its rows marked, goes to hits.

use tailwater_protocol::{Anchor, ClientMessage, Direction, FindId, Finding, RequestId, Sought};

use super::{Follow, Jump, View};
use crate::state::find::Find;
use crate::state::list::Landing;

impl View {
    pub(crate) fn find(&self) -> &Find {
        &self.find
    }

    pub(crate) fn find_mut(&mut self) -> &mut Find {
        &mut self.find
    }

    /// Looks for `text` from now on; for nothing, when it is empty.
    pub(crate) fn look_for(&mut self, text: String, out: &mut Vec<ClientMessage>) {
        if self.find.set(text) {
            self.ask_find(out);
            self.repaint(out);
        }
    }

    /// Says what is looked for.
    pub(super) fn ask_find(&mut self, out: &mut Vec<ClientMessage>) {
        let (find, query) = self.find.asked();
        self.painted = self.requests;
        out.push(ClientMessage::Find { view: self.id, find, query });
    }

    /// Has the rows in sight sent again, with their hits. Who follows is sent them without asking.
    pub(super) fn repaint(&mut self, out: &mut Vec<ClientMessage>) {
        if self.follow == Follow::On || self.asked.jump.is_some() {
            return;
        }
        let Some(top) = self.list.top_line().map(|line| line.position) else { return };
        let (before, after) = self.around();
        let request = self.ask(Anchor::At(top), before, after, out);
        self.asked.paint = Some(request);
        // What they bring would join on to lines that are about to go.
        (self.asked.before, self.asked.after) = (None, None);
    }

    /// Whether the answer to `request` bears the hits of what is looked for now.
    pub(super) fn is_painted(&self, request: RequestId) -> bool {
        request.0.wrapping_sub(self.painted).cast_signed() > 0
    }

    /// Goes to the next hit that way. Who follows stands at the end: for him the next is the
    /// newest.
    pub(crate) fn seek(&mut self, direction: Direction, out: &mut Vec<ClientMessage>) {
        self.seek_nth(direction, 0, out);
    }

    /// Goes to the hit that comes `more` hits after the next.
    pub(crate) fn seek_nth(
        &mut self,
        direction: Direction,
        more: u32,
        out: &mut Vec<ClientMessage>,
    ) {
        if !self.find.seek() {
            return;
        }
        self.more = more;
        let follows = self.follow == Follow::On;
        let direction = if follows { Direction::Backward } else { direction };
        let seen = |at: &_| self.list.sees(*at);
        let stands = self.find.at().filter(seen).or(self.current.filter(seen));
        let top = || self.list.top_line().map(|line| line.position);
        let from = if follows { None } else { stands.or_else(top) };
        self.sought = direction;
        let (find, _) = self.find.asked();
        out.push(ClientMessage::Seek { view: self.id, find, from, direction });
    }

    /// How a search stands.
    pub(crate) fn heard_finding(&mut self, find: FindId, finding: Finding) {
        self.find.hear(find, finding);
    }

    /// Goes where a hit was found. A row in sight is not moved.
    pub(crate) fn heard_sought(
        &mut self,
        find: FindId,
        sought: Sought,
        out: &mut Vec<ClientMessage>,
    ) {
        let Some(at) = self.find.sought(find, sought, self.sought) else { return };
        if let Some(more) = self.more.checked_sub(1)
            && self.find.seek()
        {
            self.more = more;
            let (find, _) = self.find.asked();
            let (from, direction) = (Some(at), self.sought);
            out.push(ClientMessage::Seek { view: self.id, find, from, direction });
            return;
        }
        if self.list.sees(at) {
            self.leave(out);
            self.point_out(Some(at));
        } else {
            let jump = Jump { anchor: Anchor::At(at), landing: Landing::Third, mark: true };
            self.jump(jump, out);
        }
    }
}
