//! What a socket or a stream was let in by: it is looked at again for as long as it is open, since
//! a login that has ended must not go on reading through a door that was opened before.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use tokio::sync::watch;

use crate::routes::Shared;

/// Between two looks at a session that may have come to its time.
const LOOK: Duration = Duration::from_secs(60);

/// The proof of a request that goes on.
pub struct Pass {
    shared: Arc<Shared>,
    /// Of the request's headers, those that prove something.
    proof: HeaderMap,
    ended: watch::Receiver<u64>,
    due: tokio::time::Interval,
}

impl Pass {
    /// The pass of a request with these headers, which was let in just now.
    pub fn of(shared: &Arc<Shared>, headers: &HeaderMap) -> Self {
        let mut proof = HeaderMap::new();
        for name in [header::COOKIE, header::AUTHORIZATION] {
            for value in headers.get_all(&name) {
                proof.append(name.clone(), value.clone());
            }
        }
        let ended = shared.access.ended.subscribe();
        let due = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
        Self { shared: Arc::clone(shared), proof, ended, due }
    }

    /// Waits until it is good no longer. May be dropped and called again.
    pub async fn ended(&mut self) {
        loop {
            tokio::select! {
                changed = self.ended.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                _ = self.due.tick() => {}
            }
            if self.shared.access.admit(&self.proof).is_none() {
                return;
            }
        }
    }
}
