//! What the page does to show some lines only, and what of it stands in the address.

use tailwater_protocol::filter::NAMES;
use tailwater_protocol::{ClientMessage, Filter};

use super::Page;
use crate::state::address::{self, Place};
use crate::state::filter::{Change, Filters, like};
use crate::state::input::Effect;
use crate::state::keys::Action;
use crate::text;

/// The filter that the query string of an address names.
pub(super) fn filter_of(query: &str) -> Filter {
    Filter::of_address(address::pairs(query))
}

impl Page {
    /// Makes a change of what is shown.
    pub(super) fn narrow(&mut self, change: Change, out: &mut Vec<ClientMessage>) {
        self.with_view(|view, out| view.narrow(change, out), out);
        self.keep_query();
    }

    /// What changes which lines are shown; whether the action does.
    pub(super) fn act_on_filters(
        &mut self,
        action: Action,
        now: u64,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) -> bool {
        let Some(view) = &mut self.view else { return false };
        match action {
            Action::Narrow => view.filters_mut().open(),
            Action::SwitchFilters => self.narrow(Change::Switch, out),
            Action::Unfiltered => self.unfiltered(effects, out),
            Action::HideLike => {
                let line = view.current().and_then(|position| view.list().line_at(position));
                match line.and_then(|line| like(&line.text)) {
                    Some(query) => self.narrow(Change::HideLike(query), out),
                    None => self.say(text::NOTHING_ALIKE.to_owned(), now),
                }
            }
            _ => return false,
        }
        true
    }

    /// Shows the line that is pointed out among all others; the way back is the browser's.
    fn unfiltered(&mut self, effects: &mut Vec<Effect>, out: &mut Vec<ClientMessage>) {
        let Some(view) = self.view.as_mut().filter(|view| view.filters().is_on()) else { return };
        let Some(position) = view.current() else { return };
        view.widen(position, out);
        self.keep_query();
        let mut here = self.here();
        here.place = Some(Place::Position(position));
        let text = here.print(&self.base);
        self.address.clone_from(&text);
        effects.push(Effect::Address { text, push: true });
    }

    /// The filter of a view that begins.
    pub(super) fn filters(&self, filter: Filter) -> Filters {
        let mut filters = Filters::of(filter);
        filters.set_now(self.now);
        filters
    }

    /// Keeps in the address what is shown.
    pub(super) fn keep_filter(&mut self) {
        let pairs = self.view.as_ref().map(|view| view.filters().address().pairs());
        self.query = address::with_all(&self.query, &NAMES, pairs.unwrap_or_default());
    }
}
