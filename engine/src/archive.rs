//! The generations of a log that lie in files beside it: what was rotated away before anybody
//! looked, and what was compressed since.
//!
//! Looks at the names beside the log, opens what may be an earlier generation, goes through what
//! is compressed, and hands out a [`Past`] that a history is completed with. A generation keeps
//! its id while its file is renamed, compressed and forgotten by the follower: it is known by the
//! file's identity, and else by its bytes; see [`record`].
//!
//! Does nothing that anybody who looks at the log's end would have to wait for: a survey reads a
//! few hundred bytes of each new file, and the rest is done in steps, by whoever has the time.
//! Never shows one text twice: a copy of what is known is no generation.

pub mod name;
mod past;
pub mod record;
mod shelf;

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tailwater_protocol::{Began, Damage, Fingerprint, GenerationId, Loss};

use crate::file::{File, Identity, Sibling, Stat};
use crate::follow::{Now, id_of};
use crate::history::{Generation, History};
use crate::packed::{Packing, Pass, Stepped};
use crate::read::{ReadAt, fingerprint_before, read_exact_at, stands_before};

pub use past::Past;
pub use shelf::{SharedPlace, Shelf};

use name::{Age, age, in_order, unpacked};
use record::{Record, Records, head_of};
use shelf::Shelved;

/// Files beside a log that are taken for its earlier generations: the newest, if there are more.
/// Every one is a span in what each page is told.
const GENERATIONS: usize = 100;

/// A compressed file that ends in the middle is taken as it is when it was not written to for so
/// many milliseconds: until then, somebody may be at it.
const SETTLED: u64 = 2000;

/// How long after it was written a compressed file is looked at again and again, when the plain
/// one lies beside it: that will be deleted, or they stay together.
const COMPRESSING: u64 = 60_000;

/// Bytes by which two files are held to be copies of one another: fewer are a header.
const TELLING: u64 = Fingerprint::REACH;

/// The earlier generations of one log.
pub struct Archive {
    place: SharedPlace,
    shelf: Arc<Shelf>,
    /// Oldest first.
    entries: Vec<Entry>,
    records: Records,
    pass: Option<(Identity, Pass)>,
}

struct Entry {
    sibling: Sibling,
    content: Content,
}

impl Entry {
    /// When to look at it again: soon, while somebody is at it.
    fn look_again(&self, now: Now) -> Option<Duration> {
        let age = now.wall.saturating_sub(self.sibling.stat.written);
        let soon = matches!(self.content, Content::Unsettled) && age < COMPRESSING;
        soon.then_some(Duration::from_millis(SETTLED))
    }
}

/// What lies in a file.
enum Content {
    /// What the follower has, as that generation.
    Held(GenerationId),
    /// Nothing, a copy, or what must not be read.
    Nothing,
    /// Something that somebody is at.
    Unsettled,
    /// Something compressed, which is still to be gone through.
    Packed(Packing),
    /// A generation.
    Known(Box<Generation>),
}

/// What came of a survey, or of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether the past is another than before.
    pub changed: bool,
    /// Whether there is work to do.
    pub work: bool,
    /// When to look again though nothing happened.
    pub look_again: Option<Duration>,
}

impl Archive {
    /// The archive of the log at `place`, with what was noted of its generations earlier.
    pub fn new(place: SharedPlace, shelf: Arc<Shelf>, records: Vec<Record>) -> Self {
        let records = Records::new(records);
        Self { place, shelf, entries: Vec::new(), records, pass: None }
    }

    /// What a history is to be completed with.
    pub fn past(&self) -> Past {
        let known = self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Held(id) => Some(past::Part::Held(*id)),
            Content::Known(generation) => Some(past::Part::Here(generation.as_ref().clone())),
            Content::Nothing | Content::Unsettled | Content::Packed(_) => None,
        });
        Past::new(known.collect())
    }

    /// What is to be noted, so that generations keep their ids when all this begins anew.
    pub fn records(&self) -> &[Record] {
        self.records.all()
    }

    /// Looks at what lies beside the log. `live` is what the follower has.
    pub fn survey(&mut self, live: &History, now: Now) -> Found {
        let live: Vec<Live<'_>> = live.generations.iter().filter_map(Live::of).collect();
        live.iter().for_each(|live| self.records.note_live(live.generation, live.identity));
        let siblings = self.siblings();
        let was = self.told();
        let mut before = mem::take(&mut self.entries);
        let mut look_again = None;
        // The newest first: of two of the same text, it is the one that is shown.
        for sibling in siblings.iter().rev() {
            let identity = sibling.stat.identity;
            let known = before.iter().position(|entry| entry.sibling.stat.identity == identity);
            let known = known.map(|index| before.swap_remove(index));
            let held = live.iter().find(|live| live.identity == identity && !live.is_gone());
            let content = match held {
                Some(held) => Content::Held(held.generation.id),
                None => self.content(known, sibling, &siblings, &live),
            };
            let entry = Entry { sibling: sibling.clone(), content };
            look_again = look_again.or(entry.look_again(now));
            self.entries.insert(0, entry);
        }
        self.pass = self.pass.take().filter(|(identity, _)| self.waiting(*identity).is_some());
        let entries = &self.entries;
        self.records.trim(|identity| {
            live.iter().any(|live| live.identity == identity)
                || entries.iter().any(|entry| entry.sibling.stat.identity == identity)
        });
        Found { changed: was != self.told(), work: self.next().is_some(), look_again }
    }

    /// Goes on with what is still to be gone through, for about `budget` bytes; the newest first.
    pub fn work(&mut self, live: &History, now: Now, budget: u64) -> Found {
        let mut found = Found::default();
        let Some((identity, packing)) = self.next() else { return found };
        let stepped = self.step(identity, packing, budget);
        if !matches!(stepped, Ok(Stepped::More)) {
            let content = stepped.and_then(|_| self.finish(identity, live, now));
            // What was changed under the pass is gone through again, after the next survey.
            let content = content.unwrap_or(Content::Unsettled);
            found.changed = matches!(content, Content::Known(_));
            self.pass = None;
            if let Some(entry) = self.waiting(identity) {
                entry.content = content;
                found.look_again = entry.look_again(now);
            }
        }
        found.work = self.next().is_some();
        found
    }

    /// The files whose names say that they are earlier generations, oldest first.
    fn siblings(&self) -> Vec<Sibling> {
        let base = self.place.name();
        let siblings = self.place.siblings().into_iter();
        let mut aged: Vec<(Age, Sibling)> =
            siblings.filter_map(|sibling| Some((age(&base, &sibling.name)?, sibling))).collect();
        aged.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        let mut aged = in_order(aged, |(age, _)| *age, |(_, sibling)| sibling.stat.written);
        aged.drain(..aged.len().saturating_sub(GENERATIONS));
        let mut siblings: Vec<Sibling> = aged.into_iter().map(|(_, sibling)| sibling).collect();
        // Two names of one file are one file.
        let mut seen = Vec::new();
        siblings.retain(|sibling| {
            let new = !seen.contains(&sibling.stat.identity);
            seen.push(sibling.stat.identity);
            new
        });
        siblings
    }

    /// What is handed out, to be compared with what was.
    fn told(&self) -> Vec<(Identity, GenerationId, u64, String)> {
        let told = |entry: &Entry| {
            let (id, bytes) = match &entry.content {
                Content::Held(id) => (*id, 0),
                Content::Known(generation) => (generation.id, generation.bytes),
                Content::Nothing | Content::Unsettled | Content::Packed(_) => return None,
            };
            Some((entry.sibling.stat.identity, id, bytes, entry.sibling.name.clone()))
        };
        self.entries.iter().filter_map(told).collect()
    }

    fn content(
        &mut self,
        known: Option<Entry>,
        sibling: &Sibling,
        siblings: &[Sibling],
        live: &[Live<'_>],
    ) -> Content {
        if let Some(plain) = unpacked(&sibling.name)
            && siblings.iter().any(|other| other.name == plain)
        {
            // It is being made of the plain one, which will be deleted when it is whole.
            return Content::Unsettled;
        }
        if let Some(Entry { sibling: before, content }) = known {
            let as_before = |stat: &Stat| (stat.bytes, stat.written);
            let same = as_before(&before.stat) == as_before(&sibling.stat);
            match content {
                Content::Known(mut generation) if same => {
                    generation.name.clone_from(&sibling.name);
                    return Content::Known(generation);
                }
                Content::Nothing | Content::Packed(_) if same => return content,
                _ => {}
            }
        }
        // What cannot be opened now may be at the next survey.
        self.examine(sibling, live).unwrap_or(Content::Unsettled)
    }

    /// What lies in a file that was not looked at before.
    fn examine(&mut self, sibling: &Sibling, live: &[Live<'_>]) -> io::Result<Content> {
        let identity = sibling.stat.identity;
        let file: Arc<dyn File> = self.shelved(sibling);
        let bytes = match file.stat() {
            Ok(stat) => stat.bytes,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Ok(Content::Nothing);
            }
            Err(error) => return Err(error),
        };
        if bytes == 0 {
            return Ok(Content::Nothing);
        }
        let mut magic = [0; Packing::HEAD];
        let magic = magic.get_mut(..Packing::HEAD.min(bytes as usize)).unwrap_or_default();
        read_exact_at(file.as_ref(), magic, 0)?;
        if let Some(packing) = Packing::of(magic) {
            return Ok(Content::Packed(packing));
        }
        let text = Text { head: head_of(file.as_ref(), bytes)?, file, bytes };
        if self.is_copy(&text, identity, live)? {
            return Ok(Content::Nothing);
        }
        // What is not known by its file may be the copy of one that was cut.
        let by_text = || self.records.of_text(text.file.as_ref(), bytes);
        let noted = self.records.of_file(identity, text.file.as_ref(), bytes).or_else(by_text);
        let id = noted.filter(|&id| !self.is_used(id, identity, live));
        let id = id
            .unwrap_or_else(|| self.first_free(|again| id_of(identity, 0, again), identity, live));
        let generation = generation(id, text, sibling, None)?;
        self.records.note(&generation, identity);
        Ok(Content::Known(Box::new(generation)))
    }

    /// The next file to be gone through.
    fn next(&self) -> Option<(Identity, Packing)> {
        self.entries.iter().rev().find_map(|entry| match entry.content {
            Content::Packed(packing) => Some((entry.sibling.stat.identity, packing)),
            _ => None,
        })
    }

    fn waiting(&mut self, identity: Identity) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| {
            entry.sibling.stat.identity == identity && matches!(entry.content, Content::Packed(_))
        })
    }

    fn step(&mut self, identity: Identity, packing: Packing, budget: u64) -> io::Result<Stepped> {
        if self.pass.as_ref().is_none_or(|(of, _)| *of != identity) {
            let sibling = self.waiting(identity).map(|entry| entry.sibling.clone());
            let Some(sibling) = sibling else { return Ok(Stepped::More) };
            let pieces = Arc::clone(&self.shelf.pieces);
            self.pass = Some((identity, Pass::new(self.shelved(&sibling), packing, pieces)?));
        }
        match &mut self.pass {
            Some((_, pass)) => pass.step(budget),
            None => Ok(Stepped::More),
        }
    }

    /// The pass is done: what came of it.
    fn finish(&mut self, identity: Identity, live: &History, now: Now) -> io::Result<Content> {
        let Some((_, pass)) = self.pass.take() else { return Ok(Content::Unsettled) };
        let Some(sibling) = self.waiting(identity).map(|entry| entry.sibling.clone()) else {
            return Ok(Content::Unsettled);
        };
        let outcome = pass.finish()?;
        let young = now.wall.saturating_sub(sibling.stat.written) < SETTLED;
        if young && outcome.damage == Some(Damage::Truncated) {
            return Ok(Content::Unsettled);
        }
        let bytes = outcome.packed.bytes();
        if bytes == 0 && outcome.damage.is_none() {
            return Ok(Content::Nothing);
        }
        let live: Vec<Live<'_>> = live.generations.iter().filter_map(Live::of).collect();
        let file: Arc<dyn File> = Arc::new(outcome.packed);
        let text = Text { head: head_of(file.as_ref(), bytes)?, file, bytes };
        let noted = self.records.of_text(text.file.as_ref(), bytes);
        // The follower may hold the file of which it was made for a while, as that generation.
        let noted = noted.filter(|&id| !self.is_shown(id, identity));
        if noted.is_none() && self.is_copy(&text, identity, &live)? {
            return Ok(Content::Nothing);
        }
        let marker = fingerprint_before(text.file.as_ref(), bytes)?;
        let like = Identity { device: text.head.0, inode: marker.0, birth: bytes };
        let id = noted
            .unwrap_or_else(|| self.first_free(|again| id_of(like, 0, again), identity, &live));
        let generation = generation(id, text, &sibling, outcome.damage)?;
        self.records.note(&generation, identity);
        Ok(Content::Known(Box::new(generation)))
    }

    fn shelved(&self, sibling: &Sibling) -> Arc<dyn File> {
        let identity = sibling.stat.identity;
        Arc::new(Shelved::new(&self.shelf, &self.place, identity, &sibling.name))
    }

    /// Whether the text is known already, or a part of it is and this is no more than that.
    fn is_copy(&self, text: &Text, identity: Identity, live: &[Live<'_>]) -> io::Result<bool> {
        for live in live.iter().filter(|live| !live.is_gone()) {
            let known = live.generation;
            if is_same(
                text,
                known.file.as_ref(),
                known.bytes,
                head_of(known.file.as_ref(), known.bytes)?,
            )? {
                return Ok(true);
            }
        }
        for entry in self.entries.iter().filter(|entry| entry.sibling.stat.identity != identity) {
            if let Content::Known(known) = &entry.content {
                let record = self.records.all().iter().find(|record| record.id == known.id);
                let Some(head) = record.map(|record| record.head) else { continue };
                if is_same(text, known.file.as_ref(), known.bytes, head)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether another file shows the generation of that id.
    fn is_shown(&self, id: GenerationId, identity: Identity) -> bool {
        self.entries.iter().any(|entry| {
            let known = matches!(&entry.content, Content::Known(known) if known.id == id);
            known && entry.sibling.stat.identity != identity
        })
    }

    fn is_used(&self, id: GenerationId, identity: Identity, live: &[Live<'_>]) -> bool {
        let other = |live: &Live<'_>| live.generation.id == id && live.identity != identity;
        self.is_shown(id, identity) || live.iter().any(other)
    }

    fn first_free(
        &self,
        id: impl Fn(u32) -> GenerationId,
        identity: Identity,
        live: &[Live<'_>],
    ) -> GenerationId {
        // What was noted under an id and is not this text, is another, wherever it is now.
        let noted = |id| self.records.all().iter().any(|record| record.id == id);
        let free = (0..).map(id).find(|&id| !noted(id) && !self.is_used(id, identity, live));
        free.unwrap_or(GenerationId(0))
    }
}

/// A text that was opened.
struct Text {
    file: Arc<dyn File>,
    bytes: u64,
    head: Fingerprint,
}

/// A generation that the follower has, and the file it lies in.
struct Live<'a> {
    generation: &'a Generation,
    identity: Identity,
}

impl<'a> Live<'a> {
    fn of(generation: &'a Generation) -> Option<Self> {
        let identity = generation.file.stat().ok()?.identity;
        Some(Self { generation, identity })
    }

    fn is_gone(&self) -> bool {
        self.generation.is_empty() && self.generation.lost.is_some()
    }
}

/// Whether one of two texts is the beginning of the other.
fn is_same(text: &Text, known: &dyn ReadAt, bytes: u64, head: Fingerprint) -> io::Result<bool> {
    let common = text.bytes.min(bytes);
    if common < TELLING || text.head != head {
        return Ok(false);
    }
    stands_before(known, common, fingerprint_before(text.file.as_ref(), common)?)
}

/// The generation that `text` is.
fn generation(
    id: GenerationId,
    text: Text,
    sibling: &Sibling,
    damage: Option<Damage>,
) -> io::Result<Generation> {
    let Text { file, bytes, .. } = text;
    let unit = bytes.min(file.encoding().width());
    let mut last = vec![0; unit as usize];
    read_exact_at(file.as_ref(), &mut last, bytes - unit)?;
    Ok(Generation {
        id,
        from: 0,
        bytes,
        marker: fingerprint_before(file.as_ref(), bytes)?,
        began: Began::Found,
        since: sibling.stat.written,
        name: sibling.name.clone(),
        lost: damage.map(Loss::Damaged),
        ended: true,
        unfinished: bytes > 0 && !file.encoding().ends_line(&last, bytes),
        file,
    })
}
