//! What a socket or a stream was let in by: it is looked at again for as long as it is open, since
//! a login that has ended, or a right that was taken, must not go on reading through a door that was
//! opened before.

use std::sync::Arc;
use std::time::Duration;

use tailwater_protocol::LogName;
use tokio::sync::watch;

use super::{Action, Admitted, Credentials, Visitor};
use crate::routes::Shared;

/// Between two looks at a session that may have come to its time.
const LOOK: Duration = Duration::from_secs(60);

/// The proof of a request that goes on.
pub struct Pass {
    shared: Arc<Shared>,
    credentials: Credentials,
    visitor: Visitor,
    /// The log that is read, where it is one.
    log: Option<LogName>,
    changed: watch::Receiver<u64>,
    due: tokio::time::Interval,
}

/// Why a pass is good no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The login has ended.
    SignedOut,
    /// The visitor may do something else than before: who comes again is told what.
    OtherRights,
}

impl Pass {
    /// The pass of a request that was let in just now.
    pub fn of(shared: &Arc<Shared>, admitted: &Admitted) -> Self {
        let mut changed = shared.access.changed.subscribe();
        // What changed since the request was let in is looked at with the first look.
        changed.mark_changed();
        let due = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
        Self {
            shared: Arc::clone(shared),
            credentials: admitted.credentials.clone(),
            visitor: admitted.visitor.clone(),
            log: None,
            changed,
            due,
        }
    }

    /// The same, for reading one log: it is good as long as that may be read.
    #[must_use]
    pub fn for_log(self, log: LogName) -> Self {
        Self { log: Some(log), ..self }
    }

    /// Who has it.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// Waits until it is good no longer. May be dropped and called again.
    pub async fn ended(&mut self) -> Ending {
        loop {
            tokio::select! {
                changed = self.changed.changed() => {
                    if changed.is_err() {
                        return Ending::SignedOut;
                    }
                }
                _ = self.due.tick() => {}
            }
            let Ok(admitted) = self.shared.access.admit(&self.credentials) else {
                return Ending::SignedOut;
            };
            let as_before = match &self.log {
                Some(log) => admitted.visitor.may(Action::Read, log),
                None => admitted.visitor.is_as(&self.visitor),
            };
            if !as_before {
                return Ending::OtherRights;
            }
        }
    }
}
