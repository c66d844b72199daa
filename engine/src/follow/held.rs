//! One generation that a follower holds open, and what has become of it since the last look.
//!
//! Decides whether a file only grew. The order of its questions is what makes the answer right:
//! size first, then the marker at the new end, and last whether the old marker still stands. A
//! log grows at its end, and whoever cuts or overwrites it does away with the old marker; so what
//! was read before that marker was seen to stand, is of this life.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tailwater_protocol::{Began, Fingerprint, GenerationId, Loss};

use super::Now;
use crate::file::{File, Identity, Stat};
use crate::history::Generation;
use crate::read::{ReadAt, is_doubt, read_exact_at, stands_before};

/// Earlier markers that are remembered, to know a copy that was made before the last growth.
const MARKERS: usize = 64;

/// A change younger than this may share its time stamp with another: the kernel's clock for files
/// ticks every few milliseconds.
const TICK: u64 = 50_000_000;

/// A generation that is held.
pub(super) struct Held {
    pub(super) generation: Generation,
    pub(super) identity: Identity,
    pub(super) links: u64,
    /// When it last grew or was replaced.
    pub(super) stirred: Duration,
    /// Its file was let go.
    pub(super) gone: bool,
    /// The last look at it failed: it may be longer than it is known to be.
    pub(super) unsettled: bool,
    /// What comes now belongs to another generation of the same file.
    pub(super) sealed: bool,
    /// Whether there is that other generation.
    pub(super) resumed: bool,
    /// The time of change when it was last verified; `None` if that may be shared by a later one.
    verified: Option<u64>,
    /// Where it ended at earlier looks, and what stood before: denser towards the end.
    markers: Vec<(u64, Fingerprint)>,
    /// How it begins.
    head: Vec<u8>,
}

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// As before.
    Same,
    /// So many bytes more.
    Grown(u64),
    /// Cut short or overwritten: this life is over.
    Cut,
    /// Nothing, for now.
    Failed,
}

/// How a generation begins.
pub(super) struct Beginning {
    pub(super) id: GenerationId,
    pub(super) began: Began,
    pub(super) since: u64,
    pub(super) name: String,
    pub(super) from: u64,
}

impl Held {
    pub(super) fn new(file: Arc<dyn File>, stat: Stat, beginning: Beginning, now: Now) -> Self {
        let Beginning { id, began, since, name, from } = beginning;
        let generation = Generation {
            id,
            file,
            from,
            bytes: 0,
            marker: Fingerprint::EMPTY,
            began,
            since,
            name,
            lost: None,
            ended: false,
            unfinished: false,
        };
        Self {
            generation,
            identity: stat.identity,
            links: stat.links,
            stirred: now.monotonic,
            gone: false,
            unsettled: false,
            sealed: false,
            resumed: false,
            verified: None,
            markers: Vec::new(),
            head: Vec::new(),
        }
    }

    /// Whether its file is longer than it was, or may have been in between.
    pub(super) fn was_touched(&self) -> bool {
        self.generation.file.stat().is_ok_and(|stat| {
            stat.bytes > self.generation.bytes || self.verified != Some(stat.changed)
        })
    }

    /// Whether its file holds it no more.
    pub(super) fn is_past(&self) -> io::Result<bool> {
        let Generation { file, bytes, marker, .. } = &self.generation;
        Ok(self.gone || !stands_before(file.as_ref(), *bytes, *marker)?)
    }

    pub(super) fn look(&mut self, now: Now) -> Found {
        if self.gone {
            return Found::Same;
        }
        // Shorter than it said a moment ago: the next look has a new size to go by.
        let found = self.try_look(now).unwrap_or(Found::Failed);
        self.unsettled = found == Found::Failed;
        found
    }

    fn try_look(&mut self, now: Now) -> io::Result<Found> {
        let file = Arc::clone(&self.generation.file);
        let stat = file.stat()?;
        self.links = stat.links;
        let known = self.generation.bytes;
        if stat.bytes < known {
            return Ok(Found::Cut);
        }
        if self.verified == Some(stat.changed) && (self.sealed || stat.bytes == known) {
            return Ok(Found::Same);
        }
        let end = if self.sealed { known } else { stat.bytes };
        let before = match bytes_before(file.as_ref(), end) {
            Err(error) if is_doubt(&error) => return self.try_again(known),
            read => read?,
        };
        let mut head = Vec::new();
        if (self.head.len() as u64) < end.min(Fingerprint::REACH) {
            head = bytes_before(file.as_ref(), end.min(Fingerprint::REACH))?;
        }
        if !stands_before(file.as_ref(), known, self.generation.marker)? {
            return Ok(Found::Cut);
        }
        let settled = stat.changed.saturating_add(TICK) < now.wall.saturating_mul(1_000_000);
        self.verified = settled.then_some(stat.changed);
        if end == known {
            return Ok(Found::Same);
        }
        self.remember(known);
        if !head.is_empty() {
            self.head = head;
        }
        self.generation.bytes = end;
        self.generation.marker = Fingerprint::of(&before);
        self.generation.unfinished = !file.encoding().ends_line(&before, end);
        self.stirred = now.monotonic;
        Ok(Found::Grown(end - known))
    }

    /// It shrank between two questions: below what is known of it, or only below what is not.
    fn try_again(&self, known: u64) -> io::Result<Found> {
        let cut = self.generation.file.stat()?.bytes < known;
        Ok(if cut { Found::Cut } else { Found::Failed })
    }

    fn remember(&mut self, known: u64) {
        if known == 0 {
            return;
        }
        if self.markers.len() == MARKERS {
            let mut index = 0;
            self.markers.retain(|_| {
                index += 1;
                index > MARKERS / 2 || index % 2 == 0
            });
        }
        self.markers.push((known, self.generation.marker));
    }

    /// Whether the first `bytes` bytes of `file` are a copy of this generation as it was at some
    /// time: by the last marker that such a copy can hold, or, if that will do, by how it begins
    /// when it was made before the first.
    pub(super) fn is_copied_by(
        &self,
        file: &dyn ReadAt,
        bytes: u64,
        by_head: bool,
    ) -> io::Result<bool> {
        let markers = self.markers.iter().copied();
        let mut markers = markers.chain([(self.generation.bytes, self.generation.marker)]).rev();
        match markers.find(|&(offset, marker)| offset <= bytes && tells(offset, marker)) {
            Some((offset, marker)) => stands_before(file, offset, marker),
            None if !by_head => Ok(false),
            None => {
                let common = self.head.get(..bytes as usize).unwrap_or(&self.head);
                let mut head = vec![0; common.len()];
                match read_exact_at(file, &mut head, 0) {
                    Err(error) if is_doubt(&error) => Ok(false),
                    read => read.map(|()| !is_blank(common) && head == common),
                }
            }
        }
    }

    /// Its file was cut, but `copy` holds what it was up to `bytes`.
    pub(super) fn move_to(
        &mut self,
        copy: Arc<dyn File>,
        stat: Stat,
        name: String,
    ) -> io::Result<()> {
        let end = if self.sealed { stat.bytes.min(self.generation.bytes) } else { stat.bytes };
        let before = bytes_before(copy.as_ref(), end)?;
        self.remember(self.generation.bytes);
        let generation = &mut self.generation;
        let missing = generation.bytes.saturating_sub(end);
        generation.lost = (missing > 0).then_some(Loss::Truncated(missing));
        generation.bytes = end;
        generation.marker = Fingerprint::of(&before);
        generation.unfinished = end > 0 && !copy.encoding().ends_line(&before, end);
        generation.file = copy;
        generation.name = name;
        generation.ended = true;
        self.identity = stat.identity;
        self.links = stat.links;
        self.verified = None;
        Ok(())
    }

    /// Lets go of the file. What can no more be read is said.
    pub(super) fn let_go(&mut self, loss: fn(u64) -> Loss) {
        self.remember(self.generation.bytes);
        let generation = &mut self.generation;
        let gone = generation.once().saturating_sub(generation.from);
        self.gone = true;
        generation.lost = (gone > 0).then(|| loss(gone));
        if self.unsettled && gone == 0 {
            generation.lost = Some(Loss::Unknown);
        }
        generation.bytes = generation.from;
        generation.marker = Fingerprint::EMPTY;
        generation.unfinished = false;
        generation.ended = true;
        generation.file = Arc::new(Gone { identity: self.identity });
    }
}

/// Whether the bytes before `offset` say which file they are of. No bytes do not, nor do the NULs
/// of a hole.
pub(super) fn tells(offset: u64, before: Fingerprint) -> bool {
    let reach = offset.min(Fingerprint::REACH) as usize;
    let blank = [0; Fingerprint::REACH as usize];
    before != Fingerprint::of(blank.get(..reach).unwrap_or_default())
}

/// Whether `bytes` are none, or those of a hole.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// The at most [`Fingerprint::REACH`] bytes before `offset`.
fn bytes_before(file: &dyn ReadAt, offset: u64) -> io::Result<Vec<u8>> {
    let reach = offset.min(Fingerprint::REACH);
    let mut bytes = vec![0; reach as usize];
    read_exact_at(file, &mut bytes, offset - reach)?;
    Ok(bytes)
}

/// What is left of a file that was let go.
struct Gone {
    identity: Identity,
}

impl ReadAt for Gone {
    fn read_at(&self, _buf: &mut [u8], _offset: u64) -> io::Result<usize> {
        Ok(0)
    }
}

impl File for Gone {
    fn stat(&self) -> io::Result<Stat> {
        Ok(Stat { identity: self.identity, bytes: 0, links: 0, written: 0, changed: 0 })
    }
}
