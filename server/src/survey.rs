//! Where the errors and warnings of a log are: two searches that go on as long as a page shows the
//! log, shared by all pages that do.
//!
//! They give way to what a person looks for, and begin with the end of the log, which most look at.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tailwater_protocol::{Direction, FindId, Grave, Position, Sought, Survey};

use crate::log::Log;
use crate::routes::Shared;
use crate::search::{Looking, Rank, Search};

/// The number under which the searches go; no page has asked for them.
const UNASKED: FindId = FindId(u32::MAX);

/// The survey of a log.
pub struct Surveying {
    errors: Looking,
    warnings: Looking,
}

/// The survey of one log, while a page shows it.
#[derive(Debug, Default)]
pub struct Surveyed(Mutex<Weak<Surveying>>);

impl Surveying {
    /// The survey of `log`: the one that goes on, or else a new one. `None` when it cannot be
    /// begun; the ruler then says nothing of errors, and nothing worse.
    pub async fn of(shared: &Shared, log: &Arc<Log>) -> Option<Arc<Self>> {
        if let Some(known) = log.surveyed().get() {
            return Some(known);
        }
        let begin = |query| Search::begin(shared, log, UNASKED, query, None, Rank::Survey);
        let errors = begin("level>=error").await.ok()?;
        let warnings = begin("level:warn").await.ok()?;
        let made = Arc::new(Self { errors, warnings });
        Some(log.surveyed().keep(made))
    }

    fn search(&self, grave: Grave) -> &Arc<Search> {
        match grave {
            Grave::Errors => &self.errors,
            Grave::Warnings => &self.warnings,
        }
    }

    /// Hears when it has come further.
    pub fn subscribe(&self, grave: Grave) -> tokio::sync::watch::Receiver<u64> {
        self.search(grave).subscribe()
    }

    /// The log may have grown.
    pub fn go_on(&self) {
        self.errors.go_on();
        self.warnings.go_on();
    }

    /// How it stands.
    pub fn survey(&self) -> Survey {
        let (errors, warnings) = (self.errors.counted(), self.warnings.counted());
        Survey {
            searched: errors.searched + warnings.searched,
            bytes: errors.bytes + warnings.bytes,
            errors: errors.parts,
            warnings: warnings.parts,
        }
    }

    /// Looks for the next of that kind; `None` when the survey was ended.
    ///
    /// # Errors
    ///
    /// The system's, from reading.
    pub async fn seek(
        &self,
        grave: Grave,
        from: Option<Position>,
        direction: Direction,
    ) -> io::Result<Option<Sought>> {
        self.search(grave).seek(from, direction).await
    }
}

impl Surveyed {
    fn get(&self) -> Option<Arc<Surveying>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Keeps `made`, or gives the one that somebody else has made meanwhile.
    fn keep(&self, made: Arc<Surveying>) -> Arc<Surveying> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.upgrade() {
            return known;
        }
        *held = Arc::downgrade(&made);
        made
    }
}

impl std::fmt::Debug for Surveying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surveying").field("errors", &*self.errors).finish_non_exhaustive()
    }
}
