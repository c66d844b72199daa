//! What a page looks for: begun, told of as it comes further, gone to.

use std::sync::Arc;

use tailwater_protocol::{
    Direction, FindId, Finding, Position, Refusal, ServerMessage, Sought, ViewId,
};
use tokio_stream::wrappers::WatchStream;

use super::{Done, End, Session};
use crate::search::{Rank, Search};

impl Session {
    /// Looks for `query` in `view` from now on.
    pub(super) async fn find(
        &mut self,
        id: ViewId,
        find: FindId,
        query: Option<String>,
    ) -> Result<(), End> {
        let Some(view) = self.views.get_mut(&id) else {
            return self.refuse(id, None, Refusal::NoSuchView).await;
        };
        self.searches.remove(&id);
        let Some(query) = query else {
            view.set_search(None);
            return Ok(());
        };
        // What is not shown is not found.
        let within = view.filter().map(|filter| filter.query().clone());
        let begun =
            Search::begin(&self.shared, view.log(), find, &query, within.as_ref(), Rank::Asked);
        match begun.await {
            Ok(search) => {
                // With what is so now: a short log may have been searched already.
                self.searches.insert(id, WatchStream::new(search.subscribe()));
                view.set_search(Some(search));
                Ok(())
            }
            Err(wrong) => {
                view.set_search(None);
                self.send(&ServerMessage::Finding { view: id, find, finding: wrong }).await
            }
        }
    }

    /// Says how the search of a view stands.
    pub(super) async fn tell_finding(&mut self, id: ViewId) -> Result<(), End> {
        let Some(search) = self.views.get(&id).and_then(|view| view.search()) else {
            return Ok(());
        };
        let (find, finding) = (search.id(), search.finding());
        self.send(&ServerMessage::Finding { view: id, find, finding }).await
    }

    /// Looks for the next hit. Who asks for another search than the one under way is told nothing:
    /// he has asked for that one meanwhile.
    pub(super) fn seek(
        &mut self,
        id: ViewId,
        find: FindId,
        from: Option<Position>,
        direction: Direction,
    ) {
        let search = self.views.get(&id).and_then(|view| view.search());
        let Some(search) = search.filter(|search| search.id() == find).map(Arc::clone) else {
            return;
        };
        self.work.spawn(async move {
            let sought = search.seek(from, direction).await;
            Done::Sought(id, find, sought)
        });
    }

    /// Says what came of looking.
    pub(super) async fn tell_sought(
        &mut self,
        view: ViewId,
        find: FindId,
        sought: std::io::Result<Option<Sought>>,
    ) -> Result<(), End> {
        match sought {
            Ok(Some(sought)) => self.send(&ServerMessage::Sought { view, find, sought }).await,
            // It was ended, and another has taken its place.
            Ok(None) => Ok(()),
            Err(error) => {
                let finding = Finding::Failed(error.to_string());
                self.send(&ServerMessage::Finding { view, find, finding }).await
            }
        }
    }
}
