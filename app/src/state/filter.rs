//! The filter of a view, as the page knows it: its chips, what is typed for the next, what the
//! server says of it, and which rows are its own. It knows no pattern: the server picks the rows.

use tailwater_protocol::filter::MAX_CONTEXT;
use tailwater_protocol::{Chip as At, Filter, FilterId, Filtering, Level, Progress};

/// Chips above the lines, at most; those of the level and of times besides.
pub(crate) const MAX_CHIPS: usize = 12;

/// What the lines are to be of a chip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only those are shown.
    #[default]
    Only,
    /// They are hidden.
    Hide,
}

/// A query, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) on: bool,
}

/// A change of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// What stands in the field.
    Draft(String),
    /// What stands in the field becomes a chip.
    Add,
    /// The last chip goes back into the field.
    TakeBack,
    Toggle(usize),
    Remove(usize),
    /// That level and worse; once more, all.
    Level(Level),
    Since(String),
    Until(String),
    Context(u16),
    /// All off, or on again.
    Switch,
    /// All away.
    Clear,
    /// The field is put away.
    Close,
    /// Lines like this one are hidden.
    HideLike(String),
}

/// What is shown of a view.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    chips: Vec<Chip>,
    level: Option<Level>,
    since: String,
    until: String,
    context: u16,
    /// Whether none of it counts for the moment.
    off: bool,
    open: bool,
    asked_for: u32,
    draft: String,
    draft_kind: Kind,
    id: u32,
    /// By which the rows are picked that the server sends, if it does not say otherwise.
    asked: Option<FilterId>,
    /// What was asked for.
    sent: Filter,
    heard: Option<Filtering>,
    began: u64,
    now: u64,
    took: Option<u64>,
}

impl Filters {
    /// The filter that an address names.
    pub(crate) fn of(filter: Filter) -> Self {
        let mut filters = Self::default();
        filters.put(filter);
        filters.sent = filters.wanted();
        filters
    }

    pub(crate) fn chips(&self) -> &[Chip] {
        &self.chips
    }
    pub(crate) fn level(&self) -> Option<Level> {
        self.level
    }
    pub(crate) fn since(&self) -> &str {
        &self.since
    }
    pub(crate) fn until(&self) -> &str {
        &self.until
    }
    pub(crate) fn context(&self) -> u16 {
        self.context
    }
    pub(crate) fn is_off(&self) -> bool {
        self.off
    }
    pub(crate) fn draft(&self) -> &str {
        &self.draft
    }
    pub(crate) fn draft_kind(&self) -> Kind {
        self.draft_kind
    }
    /// Changes whenever the field is asked for.
    pub(crate) fn asked_for(&self) -> u32 {
        self.asked_for
    }
    /// Milliseconds that it took to look through the whole log.
    pub(crate) fn took(&self) -> Option<u64> {
        self.took
    }

    /// Whether the bar is shown.
    pub(crate) fn is_open(&self) -> bool {
        self.open || !self.is_empty()
    }

    /// Whether there is nothing that could be switched off.
    pub(crate) fn is_empty(&self) -> bool {
        self.chips.is_empty()
            && self.level.is_none()
            && self.since.is_empty()
            && self.until.is_empty()
    }

    /// It is that late.
    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// Shows the field, or comes back to it.
    pub(crate) fn open(&mut self) {
        self.open = true;
        self.asked_for = self.asked_for.wrapping_add(1);
    }

    /// Whether lines are hidden, as far as was asked.
    pub(crate) fn is_on(&self) -> bool {
        !self.sent.is_empty()
    }

    /// What is to be shown.
    pub(crate) fn wanted(&self) -> Filter {
        let mut filter = Filter { context: self.context, ..Filter::default() };
        let draft = self.draft.trim();
        if !draft.is_empty() {
            self.queries(&mut filter, self.draft_kind).push(draft.to_owned());
        }
        if self.off {
            return filter;
        }
        for chip in self.chips.iter().filter(|chip| chip.on) {
            self.queries(&mut filter, chip.kind).push(chip.text.clone());
        }
        let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        filter.level = self.level;
        (filter.since, filter.until) = (some(&self.since), some(&self.until));
        filter
    }

    fn queries<'a>(&self, filter: &'a mut Filter, kind: Kind) -> &'a mut Vec<String> {
        match kind {
            Kind::Only => &mut filter.include,
            Kind::Hide => &mut filter.exclude,
        }
    }

    /// What the address is to say.
    pub(crate) fn address(&self) -> &Filter {
        &self.sent
    }

    /// The filter is this now; whether that is another. Chips that are off stay.
    pub(crate) fn put(&mut self, filter: Filter) -> bool {
        if filter == self.wanted() {
            return false;
        }
        if filter.is_empty() && !self.is_empty() {
            self.off = true;
            self.draft.clear();
            return true;
        }
        let chip = |kind| move |text| Chip { kind, text, on: true };
        let only = filter.include.into_iter().map(chip(Kind::Only));
        let hide = filter.exclude.into_iter().map(chip(Kind::Hide));
        self.chips = only.chain(hide).take(MAX_CHIPS).collect();
        self.level = filter.level;
        self.since = filter.since.unwrap_or_default();
        self.until = filter.until.unwrap_or_default();
        self.context = filter.context;
        self.draft.clear();
        self.off = false;
        true
    }

    /// Makes `change`; whether other lines are to be shown.
    pub(crate) fn change(&mut self, change: Change) -> bool {
        let before = self.wanted();
        match change {
            Change::Draft(text) => match text.strip_prefix('!') {
                // As `&!` of a pager. No query begins so, and the field may hold it until the next
                // character.
                Some(rest) => (self.draft, self.draft_kind) = (rest.to_owned(), Kind::Hide),
                None => self.draft = text,
            },
            Change::Add => self.add(),
            Change::TakeBack if self.draft.is_empty() && self.draft_kind == Kind::Hide => {
                self.draft_kind = Kind::Only;
            }
            Change::TakeBack => {
                if let Some(chip) = self.chips.pop() {
                    (self.draft, self.draft_kind) = (chip.text, chip.kind);
                }
            }
            Change::Toggle(at) => {
                let off = std::mem::take(&mut self.off);
                if let Some(chip) = self.chips.get_mut(at) {
                    chip.on = off || !chip.on;
                }
            }
            Change::Remove(at) => {
                if at < self.chips.len() {
                    self.chips.remove(at);
                }
            }
            Change::Level(level) => {
                let again = self.level == Some(level) && !self.off;
                self.level = (!again).then_some(level);
                self.off = false;
            }
            Change::Since(text) => (self.since, self.off) = (text, false),
            Change::Until(text) => (self.until, self.off) = (text, false),
            Change::Context(lines) => self.context = lines.min(MAX_CONTEXT),
            Change::Switch => self.off = !self.off && !self.is_empty(),
            Change::Clear => {
                *self = Self {
                    open: self.open,
                    asked_for: self.asked_for,
                    context: self.context,
                    id: self.id,
                    now: self.now,
                    asked: self.asked,
                    ..Self::default()
                };
            }
            Change::Close => {
                self.open = false;
                self.draft.clear();
                self.draft_kind = Kind::Only;
            }
            Change::HideLike(text) => {
                let chip = Chip { kind: Kind::Hide, text, on: true };
                if self.chips.len() < MAX_CHIPS && !self.chips.contains(&chip) {
                    self.chips.push(chip);
                    self.off = false;
                }
            }
        }
        self.wanted() != before
    }

    fn add(&mut self) {
        let text = self.draft.trim().to_owned();
        // One that is wrong stays where it can be mended.
        let wrong = self.wrong().is_some_and(|(at, ..)| self.is_draft(at));
        if text.is_empty() || wrong || self.chips.len() >= MAX_CHIPS {
            return;
        }
        let chip = Chip { kind: self.draft_kind, text, on: true };
        if !self.chips.contains(&chip) {
            self.chips.push(chip);
        }
        self.draft.clear();
        (self.draft_kind, self.off) = (Kind::Only, false);
    }

    /// Asks for what is wanted: under which number, and for what.
    pub(crate) fn ask(&mut self) -> (FilterId, Filter) {
        self.id = self.id.wrapping_add(1).max(1);
        self.sent = self.wanted();
        let id = FilterId(self.id);
        self.asked = (!self.sent.is_empty()).then_some(id);
        (self.heard, self.took, self.began) = (None, None, self.now);
        (id, self.sent.clone())
    }

    /// A new connection: nothing is known there of what was asked before.
    pub(crate) fn begin_anew(&mut self) {
        (self.asked, self.heard) = (None, None);
    }

    /// Whether rows picked by `by` are those that are to be shown.
    pub(crate) fn accepts(&self, by: Option<FilterId>) -> bool {
        // Then the server goes on with the last that was none.
        matches!(self.heard, Some(Filtering::Wrong { .. })) || by == self.asked
    }

    /// The server says how it stands.
    pub(crate) fn hear(&mut self, id: FilterId, filtering: Filtering) {
        if self.asked != Some(id) {
            return;
        }
        if let Filtering::Progress(progress) = &filtering
            && progress.complete
            && self.took.is_none()
        {
            self.took = Some(self.now.saturating_sub(self.began));
        }
        self.heard = Some(filtering);
    }

    /// How far the log was looked through.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        match &self.heard {
            Some(Filtering::Progress(progress)) => Some(progress),
            _ => None,
        }
    }

    /// Why it cannot go on.
    pub(crate) fn failed(&self) -> Option<&str> {
        match &self.heard {
            Some(Filtering::Failed(why)) => Some(why),
            _ => None,
        }
    }

    /// What is wrong with which part: its text, from where to where, and why.
    pub(crate) fn wrong(&self) -> Option<(At, &str, u32, u32, &str)> {
        match &self.heard {
            Some(Filtering::Wrong { part, start, end, why }) => {
                Some((*part, self.sent.text(*part).unwrap_or_default(), *start, *end, why))
            }
            _ => None,
        }
    }

    /// Whether that part of what was sent stands in the field. It goes first.
    pub(crate) fn is_draft(&self, at: At) -> bool {
        let own = match self.draft_kind {
            Kind::Only => At::Include(0),
            Kind::Hide => At::Exclude(0),
        };
        at == own && !self.draft.trim().is_empty()
    }
}

/// A query that takes lines which differ from `line` in their numbers, times and names of things
/// alone.
pub(crate) fn like(line: &str) -> Option<String> {
    /// Words that make two lines alike, and bytes of them: a pattern has its bounds.
    const WORDS: usize = 16;
    const BYTES: usize = 400;
    let mut pattern = String::from("/^\\s*");
    let mut literal = 0;
    for (nth, word) in line.split_whitespace().take(WORDS).enumerate() {
        if nth > 0 {
            pattern.push_str("\\s+");
        }
        let varies = word.find(|c: char| c.is_ascii_digit());
        let (kept, rest) = match varies {
            // `id=17` differs from `id=18` behind the sign.
            Some(at) => {
                let (before, _) = word.split_at(at);
                let cut = before.rfind(['=', ':', '[', '(', '"', '/']).map_or(0, |sign| sign + 1);
                (before.split_at(cut).0, "\\S*")
            }
            None => (word, ""),
        };
        for c in kept.chars() {
            literal += usize::from(c.is_alphabetic());
            if !c.is_alphanumeric() && !matches!(c, '_' | '"' | '\'' | ',' | ':' | '=' | '<' | '>')
            {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push_str(rest);
        if pattern.len() > BYTES {
            break;
        }
    }
    pattern.push('/');
    // Of a line that is nothing but numbers every other would be taken.
    (literal > 2).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Filter {
        Filter { include: vec![text.to_owned()], ..Filter::default() }
    }

    #[test]
    fn what_is_typed_counts_at_once_and_becomes_a_chip() {
        let mut filters = Filters::default();
        assert!(filters.change(Change::Draft("5xx".into())));
        assert_eq!(filters.wanted(), only("5xx"));
        assert!(!filters.change(Change::Add), "the same lines");
        assert_eq!((filters.chips().len(), filters.draft()), (1, ""));
        assert!(filters.change(Change::Draft("!healthz".into())));
        assert_eq!(filters.draft_kind(), Kind::Hide);
        assert_eq!(filters.wanted().exclude, ["healthz"]);
        assert!(!filters.change(Change::Add));
        assert!(filters.change(Change::Toggle(0)));
        assert!(filters.wanted().include.is_empty());
        assert!(filters.change(Change::Switch));
        assert!(filters.wanted().is_empty() && filters.is_open());
        assert!(filters.change(Change::Switch));
        assert!(filters.change(Change::Remove(1)) && filters.wanted().is_empty());
    }

    #[test]
    fn rows_of_another_filter_are_not_taken() {
        let mut filters = Filters::default();
        assert!(filters.accepts(None));
        filters.change(Change::Draft("a".into()));
        let (first, _) = filters.ask();
        assert!(filters.accepts(Some(first)) && !filters.accepts(None));
        filters.change(Change::Draft("a (".into()));
        let (second, _) = filters.ask();
        assert!(!filters.accepts(Some(first)));
        let why = "unclosed".to_owned();
        let wrong = Filtering::Wrong { part: At::Include(0), start: 2, end: 3, why };
        filters.hear(second, wrong);
        // The server shows what it showed before.
        assert!(filters.accepts(Some(first)));
        assert!(filters.is_draft(At::Include(0)));
        filters.change(Change::Add);
        assert!(filters.chips().is_empty(), "it is to be mended");
        filters.change(Change::Draft(String::new()));
        filters.ask();
        assert!(filters.accepts(None));
    }

    #[test]
    fn how_long_the_whole_took_is_told_once() {
        let mut filters = Filters::of(only("a"));
        filters.set_now(100);
        let (id, _) = filters.ask();
        let progress = |complete| Filtering::Progress(Progress { complete, ..Progress::default() });
        filters.hear(id, progress(false));
        assert_eq!(filters.took(), None);
        filters.set_now(2200);
        filters.hear(id, progress(true));
        filters.set_now(9000);
        filters.hear(id, progress(true));
        assert_eq!(filters.took(), Some(2100));
    }

    #[test]
    fn an_address_without_a_filter_switches_it_off() {
        let mut filters = Filters::of(only("a"));
        assert!(filters.put(Filter::default()));
        assert!(filters.is_off() && filters.chips().len() == 1);
        assert!(filters.put(only("b")));
        assert_eq!(filters.wanted(), only("b"));
        assert!(!filters.put(only("b")));
    }

    #[test]
    fn lines_alike_differ_in_their_numbers() {
        for (line, expected) in [
            (
                "10:32:07.1 INFO GET /cart 200 12ms",
                Some(r"/^\s*\S*\s+INFO\s+GET\s+\/cart\s+\S*\s+\S*/"),
            ),
            ("worker[17]: took id=5 (done)", Some(r"/^\s*worker\[\S*\s+took\s+id=\S*\s+\(done\)/")),
            ("17 18 19", None),
            ("", None),
        ] {
            assert_eq!(like(line).as_deref(), expected, "{line}");
        }
    }
}
