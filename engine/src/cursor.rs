//! Every byte of a log from a position on, exactly once: for those who want all lines.
//!
//! A cursor reads generation after generation, and goes over to the next as soon as it has read
//! one to its end, in between lines. A generation that is not ended may still be written to by
//! whoever held it open over a rotation: the cursor remembers where it left it, and goes back for
//! the whole lines that came late. So nobody waits for the linger, and nothing is missed. The
//! price: while an earlier generation lingers, one bookmark does not say all; see
//! [`Cursor::bookmarks`].
//!
//! Keeps no lines. Every read verifies afterwards that the generation was still itself; if not,
//! nothing of it is given out.

use std::io;

use tailwater_protocol::{Bookmark, Fingerprint, GenerationId, Loss, Position};

use crate::history::{Generation, History};
use crate::read::{is_doubt, read_exact_at, stands_before};

/// Bytes in which the end of a late line is looked for.
const LATE: u64 = 64 * 1024;

/// Generations remembered that were left: more than a history has.
const LEFT: usize = 64;

/// Reads all bytes of a log.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// Where it stands in the newest generation that it has come to; `None` before the first.
    front: Option<Stand>,
    /// Where it stands in an earlier one that it went back to.
    back: Option<Stand>,
    /// Where it left earlier ones.
    left: Vec<Stand>,
    /// The generations as it last saw them: what comes after one that is no longer told of.
    order: Vec<GenerationId>,
}

/// What became of going on in a generation.
enum Went {
    Step(Step),
    /// Nothing is left there, but perhaps the beginning of a line.
    ToTheEnd,
}

/// Where it stands in one generation.
#[derive(Debug, Clone)]
struct Stand {
    position: Position,
    /// The at most [`Fingerprint::REACH`] bytes before; unknown until the first step.
    before: Option<Vec<u8>>,
    /// What those bytes must be, when it came back with a bookmark.
    expected: Option<Fingerprint>,
    /// Whether all was read of a generation that had ended. It may grow all the same, as long as
    /// it is there.
    settled: bool,
    /// Whether it was said what is missing from here on.
    told: bool,
}

/// What became of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Bytes were added to the buffer.
    Bytes,
    /// What comes next is of that generation. An unfinished line before it has ended so.
    Turned {
        /// Which.
        generation: GenerationId,
    },
    /// Bytes are missing here. What can be read goes on at [`Cursor::position`].
    Lost {
        /// How, and at least how many.
        loss: Loss,
    },
    /// There is nothing more for now.
    End,
    /// The log was changed under the reader: look at it again, and read on with what is found.
    Doubt,
}

/// What became of coming back.
#[derive(Debug, Clone)]
pub enum Resumed {
    /// The log still holds what was read: on from there.
    Exact(Cursor),
    /// It does not, as far as the history knows: the follower may recognise it.
    Unknown,
}

impl Cursor {
    /// A cursor at `position`, trusting that it is one of the log's.
    pub fn new(position: Position) -> Self {
        Self { front: Some(Stand::at(position)), ..Self::at_start() }
    }

    /// A cursor before everything that can be read, also of a log that is not there yet.
    pub fn at_start() -> Self {
        Self { front: None, back: None, left: Vec::new(), order: Vec::new() }
    }

    /// A cursor that comes back to `bookmark`.
    pub fn at(bookmark: Bookmark) -> Self {
        Self { front: Some(Stand::back_at(bookmark)), ..Self::at_start() }
    }

    /// A cursor that also goes back for what comes late in an earlier generation, which was left
    /// at `bookmark`.
    #[must_use]
    pub fn and_late(mut self, bookmark: Bookmark) -> Self {
        self.leave(Stand::back_at(bookmark));
        self
    }

    /// A cursor where a reader stood, if the bytes it read last are still before it.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn resume(history: &History, bookmark: Bookmark) -> io::Result<Resumed> {
        let Bookmark { position, before } = bookmark;
        let Some(generation) = history.get(position.generation) else {
            return Ok(Resumed::Unknown);
        };
        // What was there and is gone cannot be compared; the id alone has to do.
        let gone = position.offset > generation.bytes && position.offset <= generation.once();
        // Whoever has read nothing of it has nothing to compare.
        let known = gone
            || position == generation.start()
            || (position.offset <= generation.bytes
                && stands_before(generation.file.as_ref(), position.offset, before)?);
        Ok(if known { Resumed::Exact(Self::at(bookmark)) } else { Resumed::Unknown })
    }

    /// Where it stands.
    pub fn position(&self) -> Option<Position> {
        self.stand().map(|stand| stand.position)
    }

    /// Where it stands, to be come back to. Before the first step of a cursor that was made from a
    /// bare position, it says no more than that.
    pub fn bookmark(&self) -> Option<Bookmark> {
        self.stand().map(Stand::bookmark)
    }

    /// The at most [`Fingerprint::REACH`] bytes before where it stands, once it has read there.
    pub fn before(&self) -> Option<&[u8]> {
        self.stand()?.before.as_deref()
    }

    /// All that is needed to miss nothing and get nothing twice: where it stands in the newest
    /// generation it has come to, and where in earlier ones, from the first on that may still
    /// grow. Mostly one.
    pub fn bookmarks(&self) -> Vec<Bookmark> {
        let age = |stand: &Stand| {
            let generation = stand.position.generation;
            self.order.iter().position(|&id| id == generation).unwrap_or(0)
        };
        let open = self.back.iter().chain(self.left.iter().filter(|stand| !stand.settled));
        let first = open.map(age).min().unwrap_or(usize::MAX);
        let left = self.left.iter().filter(|stand| age(stand) >= first);
        let stands = self.front.iter().chain(&self.back).chain(left);
        stands.map(Stand::bookmark).collect()
    }

    fn stand(&self) -> Option<&Stand> {
        self.back.as_ref().or(self.front.as_ref())
    }

    /// Adds at most `max` bytes to `buf`.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn read(&mut self, history: &History, buf: &mut Vec<u8>, max: usize) -> io::Result<Step> {
        match self.step(history, buf, max.max(1)) {
            Err(error) if is_doubt(&error) => Ok(Step::Doubt),
            outcome => outcome,
        }
    }

    fn step(&mut self, history: &History, buf: &mut Vec<u8>, max: usize) -> io::Result<Step> {
        let Some(first) = history.generations.first() else { return Ok(Step::End) };
        let gone = |stand: &Stand| history.get(stand.position.generation).is_none();
        self.left.retain(|stand| !(stand.settled && gone(stand)));
        if self.back.as_ref().is_some_and(gone) || self.left.iter().any(gone) {
            // It may have grown and been let go in between; that cannot be told any more.
            self.back = self.back.take().filter(|stand| !gone(stand));
            self.left.retain(|stand| !gone(stand));
            return Ok(Step::Lost { loss: Loss::Unknown });
        }
        if self.back.is_some() {
            return self.step_back(history, buf, max);
        }
        let Some(front) = &self.front else {
            self.front = Some(Stand::at(first.start()));
            return Ok(Step::Turned { generation: first.id });
        };
        let Some(index) = history.index(front.position.generation) else {
            return Ok(self.begin_anew(history));
        };
        let between = self.note_order(history, index);
        self.left.extend(between.into_iter().map(Stand::at));
        let Some(generation) = history.generations.get(index) else { return Ok(Step::End) };
        let Some(front) = &mut self.front else { return Ok(Step::End) };
        if !front.learn(generation)? {
            return Ok(Step::Lost { loss: Loss::Unknown });
        }
        let in_line = front.in_line(generation);
        for stand in &mut self.left {
            let known = history.get(stand.position.generation);
            stand.settled = known.is_some_and(|known| stand.has_all_of(known));
        }
        if !in_line && let Some(late) = late(&self.left, history)? {
            return Ok(self.go_back(late));
        }
        let last = index + 1 == history.generations.len();
        match front.go_on(generation, last, buf, max)? {
            Went::Step(step) => Ok(step),
            Went::ToTheEnd => {
                let Some(next) = history.generations.get(index + 1) else { return Ok(Step::End) };
                // The next may go on with the file of an earlier one, behind what that still has.
                if let Some(late) = late(&self.left, history)? {
                    return Ok(self.go_back(late));
                }
                // After a restart the order may be another, and this one be known already.
                let known = self.left.iter().position(|s| s.position.generation == next.id);
                let stand = known.map(|known| self.left.remove(known));
                let stand = stand.unwrap_or_else(|| Stand::at(next.start()));
                if let Some(before) = self.front.replace(stand) {
                    self.leave(before);
                }
                Ok(Step::Turned { generation: next.id })
            }
        }
    }

    fn go_back(&mut self, left: usize) -> Step {
        let stand = self.left.remove(left);
        let generation = stand.position.generation;
        self.back = Some(stand);
        Step::Turned { generation }
    }

    /// A step in an earlier generation.
    fn step_back(&mut self, history: &History, buf: &mut Vec<u8>, max: usize) -> io::Result<Step> {
        let (Some(back), Some(front)) = (&mut self.back, &self.front) else {
            return Ok(Step::End);
        };
        let Some(generation) = history.get(back.position.generation) else { return Ok(Step::End) };
        let front = front.position.generation;
        if !back.learn(generation)? {
            return Ok(Step::Lost { loss: Loss::Unknown });
        }
        match back.go_on(generation, false, buf, max)? {
            Went::Step(step) => Ok(step),
            Went::ToTheEnd => {
                if let Some(back) = self.back.take() {
                    self.leave(back);
                }
                Ok(Step::Turned { generation: front })
            }
        }
    }

    /// The newest generation it had come to is no longer told of: on with what came after it.
    fn begin_anew(&mut self, history: &History) -> Step {
        let gone = self.front.as_ref().map(|front| front.position.generation);
        let after = self.order.iter().position(|&id| Some(id) == gone).map_or(0, |at| at + 1);
        let known = self.order.iter().skip(after).find_map(|&id| history.get(id));
        let new = || history.generations.iter().find(|new| !self.order.contains(&new.id));
        let next = known.or_else(new).or(history.generations.last());
        self.front = next.map(|next| Stand::at(next.start()));
        Step::Lost { loss: Loss::Unknown }
    }

    /// Notes the generations in their order. What was found lately among those that had been
    /// passed: starts to be gone back to. What was found before the first of them is older than
    /// where the reader began, and not for it.
    fn note_order(&mut self, history: &History, front: usize) -> Vec<Position> {
        let ids = || history.generations.iter().map(|generation| generation.id);
        if ids().eq(self.order.iter().copied()) {
            return Vec::new();
        }
        // Who comes back has been in those that it has places in, and in no other after the first.
        if self.order.is_empty() {
            self.order.extend(self.left.iter().map(|stand| stand.position.generation));
        }
        let passed = history.generations.iter().take(front);
        let passed = passed.skip_while(|generation| !self.order.contains(&generation.id));
        let found = passed.filter(|generation| !self.order.contains(&generation.id));
        let found = found.map(Generation::start).collect();
        self.order = ids().collect();
        found
    }

    fn leave(&mut self, stand: Stand) {
        if self.left.len() == LEFT {
            self.left.remove(0);
        }
        self.left.push(stand);
    }
}

impl Stand {
    fn at(position: Position) -> Self {
        let before = (position.offset == 0).then(Vec::new);
        Self { position, before, expected: None, settled: false, told: false }
    }

    fn back_at(bookmark: Bookmark) -> Self {
        let Bookmark { position, before } = bookmark;
        let expected = (position.offset == 0 || before != Fingerprint::EMPTY).then_some(before);
        Self { expected, ..Self::at(position) }
    }

    /// Finds out what stands before it, if that is not known. Whether it is what was expected.
    fn learn(&mut self, generation: &Generation) -> io::Result<bool> {
        let offset = self.position.offset;
        if self.before.is_some() || generation.is_empty() || offset > generation.bytes {
            return Ok(true);
        }
        let reach = offset.min(Fingerprint::REACH);
        let mut before = vec![0; reach as usize];
        read_exact_at(generation.file.as_ref(), &mut before, offset - reach)?;
        generation.verify()?;
        let found = Fingerprint::of(&before);
        self.before = Some(before);
        Ok(self.expected.take().is_none_or(|expected| expected == found))
    }

    /// Where it has read nothing yet, the position has to do.
    fn bookmark(&self) -> Bookmark {
        let before = self.before.as_ref().map(|before| Fingerprint::of(before));
        let before = before.or(self.expected).unwrap_or(Fingerprint::EMPTY);
        Bookmark { position: self.position, before }
    }

    /// Whether all of a generation that has ended was read.
    fn has_all_of(&self, generation: &Generation) -> bool {
        generation.ended && (self.told || self.position.offset >= generation.once())
    }

    /// Whether it stands in the middle of a line, as far as it knows.
    fn in_line(&self, generation: &Generation) -> bool {
        let before = self.before.as_ref().filter(|before| !before.is_empty());
        let ends =
            |before: &Vec<u8>| generation.file.encoding().ends_line(before, self.position.offset);
        before.is_some_and(|before| !ends(before))
    }

    /// On by a step, to the end of the generation and what was lost there.
    fn go_on(
        &mut self,
        generation: &Generation,
        last: bool,
        buf: &mut Vec<u8>,
        max: usize,
    ) -> io::Result<Went> {
        if self.position.offset < generation.bytes
            && let Some(step) = self.take(generation, last, buf, max)?
        {
            return Ok(Went::Step(step));
        }
        // A line that was begun may be finished yet; one that was not is no reason to wait.
        if last || (!generation.ended && self.in_line(generation)) {
            return Ok(Went::Step(Step::End));
        }
        let missed = generation.once().saturating_sub(self.position.offset);
        if generation.ended && missed > 0 && !self.told {
            self.told = true;
            return Ok(Went::Step(Step::Lost { loss: with_bytes(generation.lost, missed) }));
        }
        Ok(Went::ToTheEnd)
    }

    /// Reads from where it stands, below the extent. `None`: there is only a part of a line, to
    /// be left until it is whole.
    fn take(
        &mut self,
        generation: &Generation,
        last: bool,
        buf: &mut Vec<u8>,
        max: usize,
    ) -> io::Result<Option<Step>> {
        let offset = self.position.offset;
        let rest = generation.bytes - offset;
        let len = rest.min(max as u64);
        let reach = offset.min(Fingerprint::REACH);
        let mut read = vec![0; (reach + len) as usize];
        read_exact_at(generation.file.as_ref(), &mut read, offset - reach)?;
        // Verified last, and so true of what was read before. A read that reaches the end has
        // the marker in its own last bytes.
        let marked = read.len().saturating_sub(Fingerprint::REACH as usize);
        match read.get(marked..) {
            Some(end) if len == rest && (marked > 0 || offset == reach) => {
                if Fingerprint::of(end) != generation.marker {
                    return Ok(Some(Step::Doubt));
                }
            }
            _ => generation.verify()?,
        }
        let (before, mut bytes) = read.split_at(reach as usize);
        if self.before.as_ref().is_some_and(|known| known.as_slice() != before) {
            // The generation goes on as it was, but not what stood before: edited in place.
            self.before = Some(before.to_vec());
            return Ok(Some(Step::Lost { loss: Loss::Unknown }));
        }
        if !last && !generation.ended {
            match generation.file.encoding().last_newline(bytes, offset) {
                Some(end) => bytes = bytes.get(..end).unwrap_or_default(),
                None if len == rest => return Ok(None),
                None => {}
            }
        }
        buf.extend_from_slice(bytes);
        let taken = bytes.len();
        let end = reach as usize + taken;
        let tail = read.get(end.saturating_sub(Fingerprint::REACH as usize)..end);
        self.before = Some(tail.unwrap_or_default().to_vec());
        self.position = self.position.forward(taken as u64);
        Ok(Some(Step::Bytes))
    }
}

/// One of those that were left that now has whole lines more, or has lost some; the oldest.
fn late(left: &[Stand], history: &History) -> io::Result<Option<usize>> {
    for generation in history.generations.iter() {
        let stood = left.iter().enumerate().find(|(_, s)| s.position.generation == generation.id);
        let Some((index, stand)) = stood else { continue };
        let rest = generation.bytes.saturating_sub(stand.position.offset);
        let lost = generation.ended && !stand.has_all_of(generation);
        if lost || rest > LATE {
            return Ok(Some(index));
        }
        if rest == 0 {
            continue;
        }
        let (file, offset) = (generation.file.as_ref(), stand.position.offset);
        let mut bytes = vec![0; rest as usize];
        read_exact_at(file, &mut bytes, offset)?;
        if file.encoding().first_newline(&bytes, offset).is_some() {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// `loss`, of so many bytes.
fn with_bytes(loss: Option<Loss>, bytes: u64) -> Loss {
    match loss {
        Some(Loss::Truncated(_)) => Loss::Truncated(bytes),
        Some(Loss::Deleted(_)) => Loss::Deleted(bytes),
        Some(Loss::LetGo(_)) => Loss::LetGo(bytes),
        Some(Loss::Damaged(damage)) => Loss::Damaged(damage),
        Some(Loss::Unknown | Loss::Full(_)) | None => Loss::Unknown,
    }
}
