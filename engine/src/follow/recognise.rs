//! A reader comes back, perhaps to a server that was started anew, and a log that has gone on.
//!
//! Trusts bytes rather than ids: an id says which file was meant, the bytes before a bookmark that
//! it still holds them. Where the bytes tell nothing, the id has to.

use tailwater_protocol::{Began, Bookmark, GenerationId, Position};

use super::held;
use super::siblings::{Opened, unknown};
use super::{Follower, Now, id_of};
use crate::file::Place;
use crate::history::Generation;
use crate::read::stands_before;

impl Follower {
    /// Where a reader stands who comes back with `bookmark`: looked for in what is known, and then
    /// beside the log, by the bytes that it read last. What is found there becomes known, and so
    /// does every generation after it. `None`: those bytes are nowhere to be found.
    pub fn recognise(
        &mut self,
        place: &dyn Place,
        bookmark: Bookmark,
        now: Now,
    ) -> Option<Position> {
        let position = bookmark.position;
        if let Some(id) = self.among_known(bookmark) {
            return Some(Position { generation: id, ..position });
        }
        let held = self.held_identities();
        let siblings = unknown(place, &place.siblings(), &held, self.unread).ok()?;
        let mut siblings = self.without(siblings, |opened| self.is_copy_of_known(opened)).ok()?;
        let telling = tells(bookmark);
        let holds = |opened: &Opened| {
            let named = id_of(opened.stat.identity, 0, 0) == position.generation;
            let same = stands_before(opened.file.as_ref(), position.offset, bookmark.before);
            (named || telling) && same.unwrap_or(false)
        };
        let found = siblings.iter().rposition(holds)?;
        let mut adopted = Vec::new();
        for opened in siblings.drain(found..) {
            let began = if adopted.is_empty() { Began::Found } else { Began::Rotated };
            let held = self.adopt(opened, began, now, &adopted);
            adopted.push(held);
        }
        let generation = adopted.first()?.generation.id;
        if let Some(first) = self.earlier.first_mut().or(self.current.as_mut())
            && first.generation.began == Began::Found
        {
            first.generation.began = Began::Rotated;
        }
        self.earlier.splice(0..0, adopted);
        self.publish();
        Some(Position { generation, ..position })
    }

    /// The generation that holds what a reader has seen: the one it names, or else any.
    fn among_known(&self, bookmark: Bookmark) -> Option<GenerationId> {
        let Bookmark { position, before } = bookmark;
        let telling = tells(bookmark);
        let holds = |generation: &Generation| {
            let file = generation.file.as_ref();
            let named = generation.id == position.generation;
            let gone = named && position.offset > generation.bytes;
            (gone && position.offset <= generation.once())
                || position == generation.start()
                || ((named || telling)
                    && position.offset <= generation.bytes
                    && stands_before(file, position.offset, before).unwrap_or(false))
        };
        let all = || self.all().map(|held| &held.generation);
        let named = all().find(|generation| generation.id == position.generation);
        let named = named.filter(|generation| holds(generation));
        named.or_else(|| all().filter(|generation| holds(generation)).last()).map(|g| g.id)
    }
}

/// Whether the bytes before `bookmark` say where it stands. If not, the generation must be the one
/// that is named.
pub(crate) fn tells(bookmark: Bookmark) -> bool {
    held::tells(bookmark.position.offset, bookmark.before)
}
