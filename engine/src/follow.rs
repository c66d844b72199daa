//! Following a log through growth, rotation, truncation, deletion and its return.
//!
//! A follower is told nothing of what happened, only that something may have: it looks at the
//! state of the files it holds and of the name, and whatever it finds, the same look brings the
//! history up to it. It may be called too often and too late. Late looks cost no lines: files
//! that came and went meanwhile are found beside the log, and a file that was copied and cut is
//! finished from its copy. What cannot be found is said to be lost.
//!
//! Knows no time but what it is told, opens nothing but through [`Place`], and reads no more than
//! a few hundred bytes of a file at a look.

mod held;
mod recognise;
mod siblings;
mod take_over;

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tailwater_protocol::{Began, GenerationId, Loss};

use crate::archive::record::Record;
use crate::file::{Absent, File, Identity, Place, Stat};
use crate::history::History;
use crate::read::stands_before;
use held::{Beginning, Found, Held};
pub(crate) use recognise::tells;
use siblings::{Opened, Unread, find_copy, is_copy};

/// How often a look begins anew because the name led elsewhere meanwhile.
const TRIES: u32 = 5;

/// Generations that are gone and still listed, for the notice of what was lost.
const GONE: usize = 16;

/// When to try again what failed for want of something that others may give back.
const RETRY: Duration = Duration::from_millis(100);

/// How long a file beside the log may fail to be read before it is done without.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bounds of a follower.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a generation is expected to grow after it was replaced, from its last growth on.
    pub linger: Duration,
    /// Ended generations that are kept open to be read. Four times as many may linger.
    pub held: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { linger: Duration::from_secs(5), held: 8 }
    }
}

/// The time.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since some start; never goes back.
    pub monotonic: Duration,
    /// Milliseconds since 1970, by the clock that dates the files.
    pub wall: u64,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Whether the history or the condition is another than before.
    pub changed: bool,
    /// Bytes that came.
    pub grown: u64,
    /// When to look again though nothing rings.
    pub look_again: Option<Duration>,
}

/// The condition of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There.
    Present,
    /// Named, but not there.
    Waiting,
    /// Found to be deleted at that time (milliseconds since 1970); what is held can be read.
    Deleted(u64),
    /// There, but not to be read.
    Unreadable {
        /// Why, in a few words.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// Follows one log.
pub struct Follower {
    limits: Limits,
    current: Option<Held>,
    /// Oldest first.
    earlier: Vec<Held>,
    /// Siblings that are accounted for: there from the start, or generations that are known.
    seen: HashSet<Identity>,
    /// What was noted of its generations when it was followed before.
    noted: Vec<Record>,
    /// How often a file was cut.
    cuts: HashMap<Identity, u32>,
    /// Whether the siblings that were there from the start are known.
    begun: bool,
    /// Since when every look has failed for want of what others may give back.
    failing: Option<Duration>,
    unread: Unread,
    /// Whether a file that is held could not be looked at just now.
    unsettled: bool,
    condition: Condition,
    history: History,
}

impl Follower {
    /// A follower that has not looked yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            current: None,
            earlier: Vec::new(),
            seen: HashSet::new(),
            noted: Vec::new(),
            cuts: HashMap::new(),
            begun: false,
            failing: None,
            unread: Unread::Waits,
            unsettled: false,
            condition: Condition::Waiting,
            history: History::default(),
        }
    }

    /// Generations that were noted when the log was followed before keep their ids, and no other
    /// life is given one of those. To be said before the first look.
    pub fn remember(&mut self, noted: Vec<Record>) {
        self.noted = noted;
    }

    /// What can be read.
    pub fn history(&self) -> History {
        self.history.clone()
    }

    /// The condition at the last look.
    pub fn state(&self) -> Condition {
        self.condition.clone()
    }

    /// Brings the history up to what the file system shows. Idempotent: to be called at every
    /// event and every tick, with no matter what in between.
    pub fn reconcile(&mut self, place: &dyn Place, now: Now) -> Reconciled {
        let condition = self.condition.clone();
        let failing = self.failing.take();
        let tired = failing.is_some_and(|since| now.monotonic >= since + PATIENCE);
        self.unread = if tired { Unread::Passed } else { Unread::Waits };
        self.unsettled = false;
        let mut look_again = None;
        let looked = place.look();
        let led_to = looked.as_ref().ok().map(|stat| stat.identity);
        let mut grown = self.look_at_earlier(place, led_to, now);
        let named = looked.as_ref().is_ok_and(|stat| self.is_current(stat.identity));
        let other = looked.is_ok() && !named;
        let came = if other {
            self.take_over(place, now)
        } else {
            self.look_at_current(place, now, named)
        };
        match (came, looked) {
            (Ok(bytes), looked) => {
                grown += bytes;
                match looked {
                    Ok(_) => self.condition = Condition::Present,
                    Err(absent) => look_again = self.without_name(absent, place, now),
                }
            }
            (Err(absent), _) => {
                look_again = self.without_name(absent, place, now);
                // What cannot be taken over yet keeps nobody from writing to what is held.
                grown += self.look_at_current(place, now, named).unwrap_or_default();
                grown += self.look_at_earlier(place, None, now);
            }
        }
        if look_again.is_some() || self.unsettled {
            look_again = Some(RETRY);
            self.failing = failing.or(Some(now.monotonic));
        }
        let lingers = self.let_time_pass(now);
        let look_again = look_again.into_iter().chain(lingers).min();
        let published = self.publish();
        Reconciled { changed: published || condition != self.condition, grown, look_again }
    }

    fn is_current(&self, identity: Identity) -> bool {
        self.current.as_ref().is_some_and(|current| current.identity == identity)
    }

    fn look_at_earlier(&mut self, place: &dyn Place, led_to: Option<Identity>, now: Now) -> u64 {
        let mut grown = 0;
        let taken = self.held_identities();
        // What goes on with a file that came back may have gone over to the copy already.
        let goes_on = |held: &&Held| held.generation.from > 0;
        let shared: Vec<Identity> = self.all().filter(goes_on).map(|held| held.identity).collect();
        let taken_else = |id: &&Identity| !shared.contains(id);
        let taken_else: Vec<Identity> = taken.iter().filter(taken_else).copied().collect();
        let mut looked_at = Vec::with_capacity(self.earlier.len());
        for mut held in mem::take(&mut self.earlier) {
            // A file that came back after its generation had ended grows in the next.
            let named = Some(held.identity) == led_to;
            let came_back = named && !self.is_current(held.identity);
            held.sealed = held.resumed || (held.generation.ended && named);
            let lingers = !held.generation.ended;
            let mut next = None;
            match held.look(now) {
                Found::Grown(bytes) => grown += bytes,
                // What it holds now comes last, once it is current again.
                Found::Cut if came_back && lingers => {}
                // What cannot be settled now is settled at the next look: it stays cut.
                Found::Cut => match self.copy_of(
                    place,
                    &held,
                    if held.resumed { &taken_else } else { &taken },
                ) {
                    Ok(copy) => {
                        // Cut, it does not go on in the next.
                        held.sealed = held.resumed;
                        next = lingers.then(|| self.next_life(&held, now, &looked_at));
                        // What it holds now may have been the log's while nobody looked.
                        self.seen.remove(&held.identity);
                        self.finish(&mut held, copy);
                    }
                    Err(_) => self.unsettled = true,
                },
                Found::Failed => self.unsettled = true,
                Found::Same => {}
            }
            looked_at.push(held);
            if let Some(mut next) = next {
                if let Found::Grown(bytes) = next.look(now) {
                    grown += bytes;
                }
                looked_at.push(next);
            }
        }
        self.earlier = looked_at;
        grown
    }

    /// The life that the file of `held` has since it was cut.
    fn next_life(&mut self, held: &Held, now: Now, others: &[Held]) -> Held {
        let identity = held.identity;
        *self.cuts.entry(identity).or_default() += 1;
        let id = self.new_id(identity, others);
        let (began, name) = (Began::Truncated, held.generation.name.clone());
        let beginning = Beginning { id, began, since: now.wall, name, from: 0 };
        let links = held.links;
        let stat = Stat { identity, bytes: 0, links, written: 0, changed: 0 };
        Held::new(Arc::clone(&held.generation.file), stat, beginning, now)
    }

    /// Brings the current generation up to its file, through as many lives as that had; `named`
    /// if the name leads to it. What fails leaves all as it was.
    fn look_at_current(&mut self, place: &dyn Place, now: Now, named: bool) -> Result<u64, Absent> {
        for _try in 0..TRIES {
            let Some(current) = &mut self.current else { break };
            // An empty file has no marker: that it was written to, copied and cut since the last
            // look can be seen only by the copy.
            if named && current.generation.bytes == 0 && current.was_touched() {
                let (file, identity) = (Arc::clone(&current.generation.file), current.identity);
                let missed = self.missed(place, &file, identity)?;
                if !missed.is_empty() {
                    self.begin_next_life(None, missed, now);
                    continue;
                }
            }
            let Some(current) = &mut self.current else { break };
            match current.look(now) {
                Found::Cut => {
                    let (copy, missed) = self.copies_of_current(place, named)?;
                    self.begin_next_life(copy, missed, now);
                }
                Found::Grown(bytes) => return Ok(bytes),
                Found::Failed => {
                    self.unsettled = true;
                    break;
                }
                Found::Same => break,
            }
        }
        Ok(0)
    }

    /// What became of the current generation, whose file was cut: the copy of it, and copies of
    /// lives that were written, copied and cut after it.
    fn copies_of_current(
        &mut self,
        place: &dyn Place,
        named: bool,
    ) -> Result<(Option<Opened>, Vec<Opened>), Absent> {
        let Some(current) = &self.current else { return Ok((None, Vec::new())) };
        let taken = self.held_identities();
        let copy = self.copy_of(place, current, &taken)?;
        if !named {
            // What lies beside the log is gone through when the name leads to a file again.
            return Ok((copy, Vec::new()));
        }
        let (file, identity) = (Arc::clone(&current.generation.file), current.identity);
        let mut missed = self.missed(place, &file, identity)?;
        if let Some(current) = &self.current {
            let bytes = copy.as_ref().map_or(0, |copy| copy.stat.bytes);
            missed = self.without(missed, |opened| {
                let file = opened.file.as_ref();
                Ok(current.is_copied_by(file, opened.stat.bytes, true)?
                    || match &copy {
                        Some(copy) => is_copy(opened, copy.file.as_ref(), bytes)?,
                        None => false,
                    })
            })?;
        }
        Ok((copy, missed))
    }

    /// The current generation is over, and goes on in `copy` if there is one; an empty one in the
    /// first that was `missed`. What its file holds now is its next life.
    fn begin_next_life(&mut self, copy: Option<Opened>, missed: Vec<Opened>, now: Now) {
        let Some(mut held) = self.current.take() else { return };
        let mut missed = missed.into_iter();
        let copy = if held.generation.bytes == 0 { missed.next() } else { copy };
        let missed: Vec<Opened> = missed.collect();
        let next = self.next_life(&held, now, &[]);
        self.finish(&mut held, copy);
        self.earlier.push(held);
        self.adopt_all(missed, Began::Truncated, now);
        self.current = Some(next);
    }

    /// The copy that was made of `held` before it was cut.
    fn copy_of(
        &self,
        place: &dyn Place,
        held: &Held,
        taken: &[Identity],
    ) -> Result<Option<Opened>, Absent> {
        let mut siblings = place.siblings();
        siblings.retain(|sibling| !taken.contains(&sibling.stat.identity));
        find_copy(place, held, &siblings, &self.seen, self.unread)
    }

    /// `held` was cut, and goes on in `copy` or is lost.
    fn finish(&mut self, held: &mut Held, copy: Option<Opened>) {
        if let Some(Opened { name, file, stat }) = copy
            && held.move_to(file, stat, name).is_ok()
        {
            self.seen.insert(stat.identity);
        } else {
            held.let_go(Loss::Truncated);
        }
    }

    fn without_name(&mut self, absent: Absent, place: &dyn Place, now: Now) -> Option<Duration> {
        match absent {
            Absent::Missing => {
                if !self.begun {
                    self.begin(&place.siblings());
                }
                let deleted = self.current.as_ref().is_some_and(|current| current.links == 0);
                if !deleted {
                    self.condition = Condition::Waiting;
                } else if !matches!(self.condition, Condition::Deleted(_)) {
                    self.condition = Condition::Deleted(now.wall);
                }
                None
            }
            Absent::Forbidden { reason, remedy } => {
                self.condition = Condition::Unreadable { reason, remedy };
                None
            }
            Absent::Failed(_) => Some(RETRY),
        }
    }

    /// Ends what has lingered, and lets go of what is gone or too much. When the next will end.
    fn let_time_pass(&mut self, now: Now) -> Option<Duration> {
        let (mut next, linger): (Option<Duration>, _) = (None, self.limits.linger);
        // A file that came back is held for its later generation, deleted or not.
        let mut later: Vec<Identity> = self.current.iter().map(|held| held.identity).collect();
        for held in self.earlier.iter_mut().rev() {
            let rested = now.monotonic.saturating_sub(held.stirred);
            // Of what cannot be looked at, nobody knows whether it rests.
            held.generation.ended |= rested >= linger && !held.unsettled;
            // Ended, it stays as long again, so that whoever follows can read its last bytes.
            let kept = held.links > 0 || later.contains(&held.identity);
            let over = rested >= linger * 2 && !held.unsettled;
            if held.generation.ended && !held.gone && !kept && over {
                held.let_go(Loss::Deleted);
            }
            let waits = !held.gone && (!kept || !held.generation.ended);
            let ends = [linger, linger * 2].into_iter().find(|&end| end > rested);
            next = next.into_iter().chain(ends.filter(|_| waits).map(|end| end - rested)).min();
            if !held.gone {
                later.push(held.identity);
            }
        }
        // Of those that ended the oldest go, and if that is not enough, the oldest of all.
        for (bound, of_all) in
            [(self.limits.held, false), (self.limits.held.saturating_mul(4), true)]
        {
            let of = |held: &Held| !held.gone && (of_all || held.generation.ended);
            let over = self.earlier.iter().filter(|held| of(held)).count().saturating_sub(bound);
            let oldest = self.earlier.iter_mut().filter(|held| of(held)).take(over);
            for held in oldest {
                self.seen.insert(held.identity);
                held.let_go(Loss::LetGo);
            }
        }
        let gone = self.earlier.iter().filter(|held| held.gone).count();
        let mut drop = gone.saturating_sub(GONE);
        self.earlier.retain(|held| {
            let dropped = held.gone && drop > 0;
            drop -= usize::from(dropped);
            !dropped
        });
        next
    }

    fn all(&self) -> impl Iterator<Item = &Held> {
        self.earlier.iter().chain(&self.current)
    }

    fn held_identities(&self) -> Vec<Identity> {
        // What is sealed may share its file, or its copy, with the generation that goes on with it.
        self.all().filter(|held| !held.gone && !held.sealed).map(|held| held.identity).collect()
    }

    /// The id under which the life that a file holds was noted, if that is free.
    fn noted_id(&self, file: &dyn File, stat: Stat) -> Option<GenerationId> {
        let of_file = self.noted.iter().filter(|record| {
            record.identity == stat.identity
                && stands_before(file, record.bytes, record.marker).unwrap_or(false)
        });
        let id = of_file.max_by_key(|record| record.bytes)?.id;
        self.all().all(|held| held.generation.id != id).then_some(id)
    }

    /// An id for the present life of a file, unlike all that are in use.
    fn new_id(&self, identity: Identity, others: &[Held]) -> GenerationId {
        let cuts = self.cuts.get(&identity).copied().unwrap_or(0);
        let used = |id| {
            self.all().chain(others).any(|held| held.generation.id == id)
                || self.noted.iter().any(|record| record.id == id)
        };
        (0..)
            .map(|try_| id_of(identity, cuts, try_))
            .find(|&id| !used(id))
            .unwrap_or(GenerationId(0))
    }

    /// Whether the history is another than before.
    fn publish(&mut self) -> bool {
        let generations = self.all().map(|held| held.generation.clone()).collect();
        let history = History::new(generations);
        let changed = !history.same_as(&self.history);
        if changed {
            self.history = history;
        }
        changed
    }
}

/// The id of a file's life: the same after a restart, as long as the file was not cut.
pub(crate) fn id_of(identity: Identity, cuts: u32, again: u32) -> GenerationId {
    let Identity { device, inode, birth } = identity;
    let words = [device, inode, birth, cuts.into(), again.into()];
    // The finaliser of SplitMix64 after each word.
    let hash = words.iter().fold(0_u64, |hash, word| {
        let mixed = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    GenerationId((hash >> 32) as u32)
}
