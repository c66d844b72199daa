//! What actions do to the page, whether a key, the palette or a button has named them.

use tailwater_protocol::{Anchor, ClientMessage, Direction, Position, Stretch};

use super::Page;
use crate::boot::Theme;
use crate::state::address::{self, Address, Place};
use crate::state::input::{Effect, Panel};
use crate::state::keys::Action;
use crate::state::list::Landing;
use crate::state::shape::Beside;
use crate::state::view::closer::Purpose;
use crate::state::view::{Follow, Jump};
use crate::text;

impl Page {
    pub(super) fn act(
        &mut self,
        action: Action,
        now: u64,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) {
        if self.act_on_page(action, effects, out)
            || self.act_on_shape(action, effects, out)
            || self.act_on_filters(action, now, effects, out)
        {
            return;
        }
        let Some(view) = &mut self.view else { return };
        let page = view.list().page().saturating_sub(1).max(1) as f64;
        match action {
            Action::Rows(rows) => view.step(rows, out),
            Action::Pages(pages) => view.scroll_rows((pages * page).round(), out),
            Action::PauseOrPage if view.follow() == Follow::On => view.pause(out),
            Action::PauseOrPage => view.scroll_rows(page, out),
            Action::Top => view.go_to_start(out),
            Action::End | Action::Follow => view.follow_on(out),
            Action::Percent(percent) => view.drag(percent as f64 / 100.0, out),
            Action::Pause => view.pause(out),
            Action::Line(line) => {
                let anchor = Anchor::Line(line);
                view.jump(Jump { anchor, landing: Landing::Third, mark: true }, out);
            }
            Action::CopyLink => {
                if let Some(position) = view.current() {
                    self.copy_link(position, now, effects);
                }
            }
            Action::Order(order) => out.extend(self.order(order)),
            Action::CopyLine => self.copy_line(now, effects, out),
            Action::CopyMarked => self.take_marked(Purpose::Copy, now, out),
            Action::Find => view.find_mut().open(),
            Action::NextHit => view.seek(Direction::Forward, out),
            Action::PreviousHit => view.seek(Direction::Backward, out),
            Action::Hits(steps) => {
                let forward = steps > 0;
                let direction = if forward { Direction::Forward } else { Direction::Backward };
                view.seek_nth(direction, steps.unsigned_abs().saturating_sub(1), out);
            }
            Action::Word => effects.push(Effect::AskWord),
            Action::Graves(grave, steps) => view.seek_grave(grave, steps, out),
            Action::Mark => {
                if let Some(at) = view.take_cursor(out) {
                    self.mark(at, now, effects);
                }
            }
            Action::Marks(step) => {
                let found = view.go_to_mark(step, out);
                if !found {
                    self.say(text::no_mark(step).to_owned(), now);
                }
            }
            Action::Details => view.toggle_details(out),
            Action::Fold => view.fold(out),
            Action::Clear => view.clear(out),
            Action::Leave if view.find().is_open() => self.close_find(out),
            Action::Leave if view.closer().is_open() => view.shut_details(),
            Action::Leave if view.chosen().is_some() => view.set_chosen(None),
            Action::Leave => {
                view.point_out(None);
                self.note = None;
            }
            _ => {}
        }
    }

    /// What is not about a log; whether the action is.
    fn act_on_page(
        &mut self,
        action: Action,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) -> bool {
        match action {
            Action::Source(step) => {
                if let Some(log) = self.sources.neighbour(self.log(), step) {
                    self.open(log, effects, out);
                }
            }
            Action::Help => self.turn_panel(Panel::Help),
            Action::MarkList => self.turn_panel(Panel::Marks),
            Action::Palette => {
                self.palette.open(false);
                self.turn_panel(Panel::Palette);
            }
            Action::GoToTime if self.view.is_some() => {
                self.palette.open(true);
                self.panel = Panel::Palette;
            }
            Action::Columns(columns) => effects.push(Effect::Columns(columns)),
            Action::Theme => self.turn_theme(effects),
            Action::Leave if self.panel != Panel::None => self.panel = Panel::None,
            _ => return false,
        }
        true
    }

    /// What changes how lines are drawn; whether the action does.
    fn act_on_shape(
        &mut self,
        action: Action,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) -> bool {
        let looks = &mut self.looks;
        match action {
            Action::Wrap => looks.wrap = !looks.wrap,
            Action::FoldAll => looks.fold = !looks.fold,
            Action::Collapse => looks.collapse = !looks.collapse,
            Action::Delta if looks.beside == Beside::Delta => looks.beside = Beside::Nothing,
            Action::Delta => looks.beside = Beside::Delta,
            Action::Times => looks.beside = looks.beside.next(),
            Action::Timeline => looks.timeline = !looks.timeline,
            Action::Sidebar => looks.folded_side = !looks.folded_side,
            _ => return false,
        }
        self.keep_looks(effects);
        self.shape_view(out);
        true
    }

    fn turn_panel(&mut self, panel: Panel) {
        self.panel = if self.panel == panel { Panel::None } else { panel };
    }

    pub(super) fn turn_theme(&mut self, effects: &mut Vec<Effect>) {
        self.theme = Theme::next(self.theme);
        effects.push(Effect::Theme(self.theme));
    }

    /// Copies the line as it stands in the log; what is not all on the page is asked for.
    fn copy_line(&mut self, now: u64, effects: &mut Vec<Effect>, out: &mut Vec<ClientMessage>) {
        let Some(view) = &mut self.view else { return };
        let line = view.current().and_then(|position| view.list().line_at(position)).cloned();
        let Some(line) = line else { return };
        if line.cut > 0 || line.invalid > 0 || line.nuls > 0 {
            let stretch = Stretch { first: line.position, last: line.position };
            view.take(vec![stretch], Purpose::Copy, out);
            return;
        }
        effects.push(Effect::CopyText(line.text.to_string()));
        self.say(text::LINE_COPIED.to_owned(), now);
    }

    pub(super) fn close_find(&mut self, out: &mut Vec<ClientMessage>) {
        self.with_view(
            |view, out| {
                view.find_mut().close();
                view.look_for(String::new(), out);
            },
            out,
        );
        self.keep_query();
    }

    /// Keeps in the address what is looked for.
    pub(super) fn keep_query(&mut self) {
        let text = self.view.as_ref().map_or("", |view| view.find().text());
        self.query = address::with(&self.query, "q", text);
        self.keep_filter();
    }

    pub(super) fn copy_link(&mut self, position: Position, now: u64, effects: &mut Vec<Effect>) {
        let log = self.log().cloned();
        let place = Some(Place::Position(position));
        let address = Address { log, query: self.query.clone(), place };
        effects.push(Effect::CopyAddress(address.print(&self.base)));
        self.say(text::LINK_COPIED.to_owned(), now);
    }
}
