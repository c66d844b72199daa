//! What a view shows of its log: taken up, told of as more of the log is looked through.

use tailwater_protocol::{Filter, FilterId, Refusal, ServerMessage, ViewId};
use tokio_stream::wrappers::WatchStream;

use super::{End, Session};
use crate::filter::Filtered;

impl Session {
    /// Shows of a view that was just opened what `filter` takes.
    pub(super) async fn begin_filtered(
        &mut self,
        id: ViewId,
        number: FilterId,
        filter: &Filter,
    ) -> Result<(), End> {
        self.take_up(id, number, filter, super::view::View::begin_filtered).await
    }

    /// Shows of a view what `filter` takes from now on.
    pub(super) async fn filter(
        &mut self,
        id: ViewId,
        number: FilterId,
        filter: &Filter,
    ) -> Result<(), End> {
        self.take_up(id, number, filter, super::view::View::set_filter).await
    }

    async fn take_up(
        &mut self,
        id: ViewId,
        number: FilterId,
        filter: &Filter,
        set: fn(&mut super::view::View, Option<Filtered>),
    ) -> Result<(), End> {
        let Some(view) = self.views.get_mut(&id) else {
            return self.refuse(id, None, Refusal::NoSuchView).await;
        };
        if filter.is_empty() {
            self.filters.remove(&id);
            set(view, None);
            return Ok(());
        }
        match Filtered::begin(&self.shared, view.log(), number, filter).await {
            Ok(filter) => {
                // With what is so now: a short log may have been looked through already.
                self.filters.insert(id, WatchStream::new(filter.search().subscribe()));
                set(view, Some(filter));
                Ok(())
            }
            // What was shown is shown on.
            Err(filtering) => {
                self.send(&ServerMessage::Filtering { view: id, id: number, filtering }).await
            }
        }
    }

    /// Says how the filter of a view stands.
    pub(super) async fn tell_filtering(&mut self, id: ViewId) -> Result<(), End> {
        let Some(filter) = self.views.get(&id).and_then(|view| view.filter()) else {
            return Ok(());
        };
        let (number, filtering) = (filter.id(), filter.filtering());
        self.send(&ServerMessage::Filtering { view: id, id: number, filtering }).await
    }
}
