//! When the name leads to another file: that becomes the current generation, after whatever came
//! and went beside the log between two looks.
//!
//! Decides by content which of the files beside the log were missed. Looks at none of those that
//! are held but to end them: growing is the business of every look.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use tailwater_protocol::Began;

use super::held::{Beginning, Found, Held};
use super::siblings::{Opened, Unread, is_copy, unknown};
use super::{Follower, Now, TRIES};
use crate::file::{Absent, File, Identity, Place, Sibling};

impl Follower {
    /// The name leads to another file than the current: that one becomes current, and after it
    /// whatever the name leads to by then.
    pub(super) fn take_over(&mut self, place: &dyn Place, now: Now) -> Result<u64, Absent> {
        let mut grown = 0;
        for _try in 0..TRIES {
            let first_look = !self.begun;
            let file = place.open()?;
            let stat = file.stat().map_err(|error| Absent::Failed(error.to_string()))?;
            if self.is_current(stat.identity) {
                break;
            }
            // Whatever was written to the old one before it was replaced is there by now.
            grown += self.look_at_current(place, now, false)?;
            let name = place.name();
            let missed = self.missed(place, &file, stat.identity)?;
            self.end_cut(place, stat.identity, now)?;
            let mut began = self.retire_current(first_look, now);
            // If the name still leads there, then all that lies beside it came before.
            let stands = place.look().is_ok_and(|again| again.identity == stat.identity);
            if stands {
                began = self.adopt_all(missed, began, now);
            }
            grown += self.begin_current(Opened { name, file, stat }, began, now);
            if stands {
                break;
            }
        }
        Ok(grown)
    }

    fn begin_current(&mut self, opened: Opened, began: Began, now: Now) -> u64 {
        let Opened { name, file, stat } = opened;
        let from = self.resume_after(stat.identity, now);
        let id = self.noted_id(file.as_ref(), stat);
        let id = id.unwrap_or_else(|| self.new_id(stat.identity, &[]));
        let beginning = Beginning { id, began, since: now.wall, name, from: 0 };
        let mut held = Held::new(file, stat, beginning, now);
        let grown = match held.look(now) {
            Found::Grown(bytes) => bytes.saturating_sub(from),
            Found::Same | Found::Cut | Found::Failed => 0,
        };
        self.unsettled |= held.unsettled;
        held.generation.from = from;
        self.seen.insert(stat.identity);
        self.current = Some(held);
        grown
    }

    /// The earlier generation of a file that came back, cut: it is over.
    fn end_cut(&mut self, place: &dyn Place, identity: Identity, now: Now) -> Result<(), Absent> {
        let taken = self.held_identities();
        let cut = self.earlier.iter_mut().rposition(|held| {
            held.identity == identity && !held.gone && held.look(now) == Found::Cut
        });
        let Some(cut) = cut else { return Ok(()) };
        let copy = match self.earlier.get(cut) {
            Some(held) => self.copy_of(place, held, &taken)?,
            None => None,
        };
        let mut held = self.earlier.remove(cut);
        self.finish(&mut held, copy);
        self.earlier.insert(cut, held);
        *self.cuts.entry(identity).or_default() += 1;
        Ok(())
    }

    /// The current generation becomes an earlier one. How the next begins.
    fn retire_current(&mut self, first_look: bool, now: Now) -> Began {
        match self.current.take() {
            Some(mut held) => {
                let began = if held.links == 0 { Began::Recreated } else { Began::Rotated };
                held.stirred = now.monotonic;
                self.earlier.push(held);
                began
            }
            None if first_look => Began::Found,
            None => Began::Appeared,
        }
    }

    /// A file that is held as an earlier generation came back under the name: what it was until
    /// now stays that generation's, and the next begins behind it. Where.
    fn resume_after(&mut self, identity: Identity, now: Now) -> u64 {
        let back = self.earlier.iter_mut().rev();
        let back = back.filter(|held| held.identity == identity && !held.gone);
        for held in back {
            if held.resumed {
                continue;
            }
            if held.look(now) != Found::Cut {
                (held.sealed, held.resumed) = (true, true);
                held.generation.ended = true;
                return held.generation.bytes;
            }
        }
        0
    }

    /// Notes which siblings are there from the start: they are no generations that were missed.
    pub(super) fn begin(&mut self, siblings: &[Sibling]) {
        self.begun = true;
        self.seen.extend(siblings.iter().map(|sibling| sibling.stat.identity));
    }

    /// Generations beside the log that came and went unseen, oldest first; `current` is the file
    /// that the name leads to.
    pub(super) fn missed(
        &mut self,
        place: &dyn Place,
        current: &Arc<dyn File>,
        identity: Identity,
    ) -> Result<Vec<Opened>, Absent> {
        let siblings = place.siblings();
        if !self.begun {
            self.begin(&siblings);
            return Ok(Vec::new());
        }
        if self.unsettled && self.unread == Unread::Waits {
            // What is not known of what is held, cannot be known to be copied.
            return Err(Absent::Failed("a file that is held cannot be read".to_owned()));
        }
        let mut taken = self.held_identities();
        taken.push(identity);
        // What is neither there nor held will not be seen again.
        let there: HashSet<Identity> = siblings.iter().map(|s| s.stat.identity).collect();
        let known = |identity: &Identity| there.contains(identity) || taken.contains(identity);
        self.seen.retain(|identity| known(identity));
        self.cuts.retain(|identity, _| known(identity));
        taken.extend(&self.seen);
        let bytes = current.stat().map_or(0, |stat| stat.bytes);
        let missed = unknown(place, &siblings, &taken, self.unread)?;
        // An empty one may yet be written to, by whoever holds it open.
        self.without(missed, |opened| {
            Ok(is_copy(opened, current.as_ref(), bytes)? || self.is_copy_of_known(opened)?)
        })
    }

    /// `opened` without those of which that is so.
    pub(super) fn without(
        &self,
        opened: Vec<Opened>,
        so: impl Fn(&Opened) -> io::Result<bool>,
    ) -> Result<Vec<Opened>, Absent> {
        let settled = opened.into_iter().map(|opened| {
            let is = self.unread.settle(so(&opened))?;
            Ok((opened, is))
        });
        let settled: Vec<_> = settled.collect::<Result<_, _>>()?;
        Ok(settled.into_iter().filter_map(|(opened, is)| (!is).then_some(opened)).collect())
    }

    /// Makes generations of what was missed, the first of which began as said. How the next begins.
    pub(super) fn adopt_all(&mut self, missed: Vec<Opened>, began: Began, now: Now) -> Began {
        missed.into_iter().fold(began, |began, opened| {
            let held = self.adopt(opened, began, now, &[]);
            self.earlier.push(held);
            if began == Began::Truncated { began } else { Began::Rotated }
        })
    }

    pub(super) fn adopt(
        &mut self,
        opened: Opened,
        began: Began,
        now: Now,
        others: &[Held],
    ) -> Held {
        let Opened { name, file, stat } = opened;
        let id = self.noted_id(file.as_ref(), stat);
        let id = id.filter(|id| others.iter().all(|held| held.generation.id != *id));
        let id = id.unwrap_or_else(|| self.new_id(stat.identity, others));
        self.seen.insert(stat.identity);
        let beginning = Beginning { id, began, since: stat.written, name, from: 0 };
        let mut held = Held::new(file, stat, beginning, now);
        // Whoever wrote it may still hold it open: it lingers like one that was current.
        self.unsettled |= held.look(now) == Found::Failed;
        held
    }

    pub(super) fn is_copy_of_known(&self, opened: &Opened) -> io::Result<bool> {
        for held in self.all() {
            let known = &held.generation;
            let remembered = || held.is_copied_by(opened.file.as_ref(), opened.stat.bytes, true);
            let copy = is_copy(opened, known.file.as_ref(), known.bytes)?;
            if copy || (held.is_past()? && remembered()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
