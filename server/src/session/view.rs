//! One view of a page: when a frame is made, and from where.
//!
//! At most one frame is under way, being made or not yet acknowledged. What happens meanwhile is
//! one more reason for the next, and nothing more: the frame is read when it is made.

use std::sync::Arc;
use std::time::Duration;

use tailwater_protocol::{Attention, Bookmark};
use tokio::time::Instant;

use super::closer::SURVEY;
use crate::filter::Filtered;
use crate::log::{Log, Watching};
use crate::logs::Logs;
use crate::read::{Sight, Standing};
use crate::search::{Looking, Search};
use crate::survey::Surveying;

/// Between two frames, however fast they are acknowledged: about what a display shows.
const FRAME: Duration = Duration::from_millis(12);

pub(super) struct View {
    log: Arc<Log>,
    _watching: Watching,
    attention: Attention,
    standing: Standing,
    /// Whether the next frame is to hold the newest rows, wherever the page stands.
    afresh: bool,
    /// Told apart from an earlier view of the same number.
    opened: u64,
    sequence: u64,
    state: State,
    /// Whether something happened that no frame has told of.
    news: bool,
    last: Option<Instant>,
    search: Option<Looking>,
    survey: Option<Arc<Surveying>>,
    /// When the survey is to take in what has come, and when it last did.
    survey_due: Option<Instant>,
    surveyed: Instant,
    filter: Option<Filtered>,
    /// Whether what passed is counted by another filter from now on.
    recount: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The page has shown what it was sent.
    Idle,
    /// A frame is being made.
    Making,
    /// A frame of that number was sent.
    Sent(u64),
}

impl View {
    /// Opens a view on `log`, where `from` says the page stands.
    pub(super) async fn open(
        logs: &Logs,
        log: Arc<Log>,
        from: Option<Bookmark>,
        attention: Attention,
    ) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let watching = match attention {
            Attention::News => logs.glance(&log).await,
            Attention::Rows(_) | Attention::Counts => logs.attend(&log).await,
        };
        let at = match from {
            Some(bookmark) => crate::read::resume(logs, &log, bookmark).await,
            None => None,
        };
        Self {
            log,
            _watching: watching,
            attention,
            standing: Standing { at, ..Standing::default() },
            afresh: false,
            opened: OPENED.fetch_add(1, Ordering::Relaxed),
            sequence: 0,
            state: State::Idle,
            news: true,
            last: None,
            search: None,
            survey: None,
            survey_due: None,
            surveyed: Instant::now(),
            filter: None,
            recount: false,
        }
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    /// What is looked for in it.
    pub(super) fn search(&self) -> Option<&Arc<Search>> {
        self.search.as_deref()
    }

    /// Something else is looked for, or nothing: the newest rows are to be sent with its hits.
    pub(super) fn set_search(&mut self, search: Option<Looking>) {
        self.search = search;
        self.afresh |= matches!(self.attention, Attention::Rows(_));
        self.news = true;
    }

    /// Where the errors of its log are, if that is wanted.
    pub(super) fn survey(&self) -> Option<&Arc<Surveying>> {
        self.survey.as_ref()
    }

    pub(super) fn set_survey(&mut self, survey: Arc<Surveying>) {
        self.survey = Some(survey);
        // It may have been made before the newest lines.
        self.survey_due = Some(Instant::now());
    }

    pub(super) fn survey_due(&self) -> Option<Instant> {
        self.survey_due
    }

    /// Has the survey take in what has come, if it is time.
    pub(super) fn survey_on(&mut self) {
        let now = Instant::now();
        if let (Some(survey), Some(due)) = (&self.survey, self.survey_due)
            && due <= now
        {
            (self.survey_due, self.surveyed) = (None, now);
            survey.go_on();
        }
    }

    /// What picks its rows.
    pub(super) fn filter(&self) -> Option<&Filtered> {
        self.filter.as_ref()
    }

    /// How its rows are looked at.
    pub(super) fn sight(&self) -> Sight {
        let filter = self.filter.as_ref().map(Filtered::picker);
        Sight { search: self.search().cloned(), filter }
    }

    /// The filter by which it begins: where the page stands, it stands by that one.
    pub(super) fn begin_filtered(&mut self, filter: Option<Filtered>) {
        self.filter = filter;
    }

    /// Other rows are shown from now on.
    pub(super) fn set_filter(&mut self, filter: Option<Filtered>) {
        self.filter = filter;
        self.recount = true;
        self.afresh |= self.attention != Attention::Counts;
        self.news = true;
    }

    /// Something happened in the log.
    pub(super) fn ring(&mut self) {
        self.news = true;
        if let Some(filter) = &self.filter {
            filter.search().go_on();
        }
        if self.survey.is_some() {
            self.survey_due.get_or_insert(self.surveyed + SURVEY);
        }
        if let Some(search) = &self.search {
            search.go_on();
        }
    }

    /// The page wants something else from now on.
    pub(super) fn attend(&mut self, attention: Attention) {
        let was_counting = !matches!(self.attention, Attention::Rows(_));
        // It was told of what passed, not shown it.
        self.afresh |= was_counting && matches!(attention, Attention::Rows(_));
        self.attention = attention;
        self.news = true;
    }

    /// The page has shown a frame.
    pub(super) fn acknowledge(&mut self, sequence: u64) {
        if self.state == State::Sent(sequence) {
            self.state = State::Idle;
        }
    }

    /// When a frame may be made that is wanted but would come too soon.
    pub(super) fn due(&self) -> Option<Instant> {
        let soon = self.last.map(|last| last + FRAME)?;
        (self.state == State::Idle && self.news && soon > Instant::now()).then_some(soon)
    }

    /// What the next frame is to be made of, if one is to be made now.
    pub(super) fn begin(&mut self) -> Option<(Standing, Attention, u64)> {
        if self.state != State::Idle || !self.news || self.due().is_some() {
            return None;
        }
        self.state = State::Making;
        self.news = false;
        self.last = Some(Instant::now());
        self.sequence += 1;
        if std::mem::take(&mut self.afresh) {
            self.standing.at = None;
        }
        if std::mem::take(&mut self.recount) {
            self.standing.counted = None;
        }
        Some((self.standing.clone(), self.attention, self.sequence))
    }

    /// The frame is on its way, and the page will stand at `standing`.
    pub(super) fn sent(&mut self, sequence: u64, standing: Standing) {
        self.state = State::Sent(sequence);
        self.news |= standing.more;
        self.standing = standing;
    }

    /// The frame could not be made; the next ring tries again.
    pub(super) fn failed(&mut self) {
        self.state = State::Idle;
    }
}
