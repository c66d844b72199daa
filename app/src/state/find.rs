//! Finding, as the page knows it: what is typed, what the server says of it, and at which hit the
//! reader stands. It knows no pattern: rows come with their hits marked.

use tailwater_protocol::{Direction, FindId, Finding, Position, Progress, Sought};

/// What is looked for in a view.
#[derive(Debug, Default)]
pub(crate) struct Find {
    /// How often the field was asked for; it is shown from the first time on until it is closed.
    asked_for: u32,
    open: bool,
    text: String,
    id: u32,
    finding: Option<Finding>,
    /// The hit the reader stands at.
    at: Option<Position>,
    ordinal: Option<u64>,
    /// The way in which there was none.
    nothing: Option<Direction>,
    seeking: bool,
}

impl Find {
    /// A search that the address has named.
    pub(crate) fn of(text: String) -> Self {
        Self { open: !text.is_empty(), id: 1, text, ..Self::default() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }
    /// Changes whenever the field is asked for.
    pub(crate) fn asked_for(&self) -> u32 {
        self.asked_for
    }
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
    pub(crate) fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }
    pub(crate) fn at(&self) -> Option<Position> {
        self.at
    }
    pub(crate) fn ordinal(&self) -> Option<u64> {
        self.ordinal
    }
    pub(crate) fn nothing(&self) -> Option<Direction> {
        self.nothing
    }

    /// How far the search has come, if it is one.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        match &self.finding {
            Some(Finding::Progress(progress)) => Some(progress),
            _ => None,
        }
    }

    /// What the server is to look for, and under which number.
    pub(crate) fn asked(&self) -> (FindId, Option<String>) {
        (FindId(self.id), (!self.text.is_empty()).then(|| self.text.clone()))
    }

    /// Shows the field, or comes back to it.
    pub(crate) fn open(&mut self) {
        self.open = true;
        self.asked_for = self.asked_for.wrapping_add(1);
    }

    /// Shows the field where it is, with the keyboard left where it was.
    pub(crate) fn show(&mut self) {
        self.open = true;
    }

    /// Puts the field away.
    pub(crate) fn close(&mut self) {
        self.open = false;
    }

    /// Something else is looked for; whether it is.
    pub(crate) fn set(&mut self, text: String) -> bool {
        if self.text == text {
            return false;
        }
        self.text = text;
        self.begin_anew();
        true
    }

    /// What is known is of another connection or another query.
    pub(crate) fn begin_anew(&mut self) {
        self.id = self.id.wrapping_add(1);
        (self.finding, self.at, self.ordinal) = (None, None, None);
        (self.nothing, self.seeking) = (None, false);
    }

    /// The server says how it stands; whether that is still wanted.
    pub(crate) fn hear(&mut self, id: FindId, finding: Finding) -> bool {
        if id.0 != self.id || self.text.is_empty() {
            return false;
        }
        if let Finding::Progress(progress) = &finding
            && self.at.is_some()
        {
            self.ordinal = progress.ordinal.or(self.ordinal);
        }
        self.finding = Some(finding);
        true
    }

    /// The next hit is looked for; `false` while one is or when there is nothing to look for.
    pub(crate) fn seek(&mut self) -> bool {
        let wrong = matches!(self.finding, Some(Finding::Wrong { .. } | Finding::Failed(_)));
        if self.text.is_empty() || self.seeking || wrong {
            return false;
        }
        self.seeking = true;
        self.nothing = None;
        true
    }

    /// What came of looking: where to go.
    pub(crate) fn sought(
        &mut self,
        id: FindId,
        sought: Sought,
        direction: Direction,
    ) -> Option<Position> {
        if id.0 != self.id || !std::mem::take(&mut self.seeking) {
            return None;
        }
        match sought {
            Sought::Hit { at, ordinal } => {
                (self.at, self.ordinal) = (Some(at), ordinal);
                Some(at)
            }
            Sought::Nothing => {
                self.nothing = Some(direction);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_protocol::GenerationId;

    const HIT: Sought =
        Sought::Hit { at: Position { generation: GenerationId(1), offset: 7 }, ordinal: Some(3) };

    #[test]
    fn what_is_said_of_an_earlier_search_is_not_heard() {
        let mut find = Find::of("one".into());
        let (old, text) = find.asked();
        assert_eq!(text.as_deref(), Some("one"));
        assert!(find.seek());
        assert!(find.set("two".into()));
        assert!(!find.hear(old, Finding::Progress(Progress::default())));
        assert_eq!(find.sought(old, HIT, Direction::Forward), None);
        assert!(find.progress().is_none() && find.at().is_none());
        assert!(find.hear(find.asked().0, Finding::Progress(Progress::default())));
    }

    #[test]
    fn one_hit_is_sought_at_a_time() {
        let mut find = Find::of("one".into());
        assert!(find.seek());
        assert!(!find.seek());
        let id = find.asked().0;
        assert!(find.sought(id, HIT, Direction::Forward).is_some());
        assert_eq!(find.ordinal(), Some(3));
        assert!(find.seek());
        assert_eq!(find.sought(id, Sought::Nothing, Direction::Forward), None);
        assert_eq!(find.nothing(), Some(Direction::Forward));
        // It stays where it was.
        assert_eq!(find.ordinal(), Some(3));
    }

    #[test]
    fn nothing_is_looked_for_without_a_query_or_with_a_wrong_one() {
        let mut find = Find::default();
        assert!(!find.seek());
        find.set("(".into());
        let wrong = Finding::Wrong { start: 0, end: 1, why: "unclosed".into() };
        find.hear(find.asked().0, wrong);
        assert!(!find.seek());
    }
}
