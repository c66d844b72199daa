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

use memchr::{memchr, memrchr};
use tailwater_protocol::{Bookmark, Fingerprint, GenerationId, Loss, Position};

use crate::history::{Generation, History};
use crate::read::{is_doubt, read_exact_at, stands_before};

/// Bytes in which the end of a late line is looked for.
const LATE: u64 = 64 * 1024;

/// Generations remembered that were left before they had ended. They end within seconds.
const LEFT: usize = 64;

/// Reads all bytes of a log.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// `None`: before the first generation, whichever that will be.
    now: Option<Stand>,
    /// Where it left generations that had not ended.
    left: Vec<Stand>,
}

/// Where it stands in one generation.
#[derive(Debug, Clone)]
struct Stand {
    position: Position,
    /// The at most [`Fingerprint::REACH`] bytes before; unknown until the first read.
    before: Option<Vec<u8>>,
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
    /// Bytes are missing here; what can be read goes on at the next step.
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
        Self { now: Some(Stand::at(position)), left: Vec::new() }
    }

    /// A cursor before everything that can be read, also of a log that is not there yet.
    pub fn at_start() -> Self {
        Self { now: None, left: Vec::new() }
    }

    /// A cursor that also goes back for what comes late in an earlier generation, which had been
    /// read up to `position`.
    #[must_use]
    pub fn and_late(mut self, position: Position) -> Self {
        self.leave(Stand::at(position));
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
        let known = gone
            || (position.offset <= generation.bytes
                && stands_before(generation.file.as_ref(), position.offset, before)?);
        Ok(if known { Resumed::Exact(Self::new(position)) } else { Resumed::Unknown })
    }

    /// Where it stands.
    pub fn position(&self) -> Option<Position> {
        self.now.as_ref().map(|now| now.position)
    }

    /// Where it stands, to be come back to. `None` before the first read of a cursor that was
    /// made from a bare position, or from none.
    pub fn bookmark(&self) -> Option<Bookmark> {
        self.now.as_ref()?.bookmark()
    }

    /// All that is needed to miss nothing and get nothing twice: where it stands, and where it
    /// left earlier generations that may still grow. Mostly one.
    pub fn bookmarks(&self) -> Vec<Bookmark> {
        self.now.iter().chain(&self.left).filter_map(Stand::bookmark).collect()
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
        self.left.retain(|stand| stand.may_grow(history));
        let Some(now) = &mut self.now else {
            self.now = Some(Stand::at(first.start()));
            return Ok(Step::Turned { generation: first.id });
        };
        let Some(index) = history.index(now.position.generation) else {
            return Ok(self.begin_anew(history));
        };
        let last = index + 1 == history.generations.len();
        let Some(generation) = history.generations.get(index) else { return Ok(Step::End) };
        let in_line = now.in_line();
        if !in_line && let Some(late) = late(&self.left, history)? {
            return Ok(self.turn_to(late));
        }
        if now.position.offset < generation.bytes
            && let Some(step) = now.take(generation, last, buf, max)?
        {
            return Ok(step);
        }
        if last {
            return Ok(Step::End);
        }
        if !generation.ended {
            // A line that was begun may be finished yet; one that was not is no reason to wait.
            return Ok(if in_line { Step::End } else { self.go_over(history, index) });
        }
        let missed = generation.once().saturating_sub(now.position.offset);
        if missed > 0 {
            now.position.offset = generation.once();
            now.before = None;
            return Ok(Step::Lost { loss: with_bytes(generation.lost, missed) });
        }
        Ok(self.go_over(history, index))
    }

    /// Goes on where it left a generation, leaving the one where it stands.
    fn turn_to(&mut self, left: usize) -> Step {
        let stand = self.left.remove(left);
        let generation = stand.position.generation;
        if let Some(before) = self.now.replace(stand) {
            self.leave(before);
        }
        Step::Turned { generation }
    }

    /// On to what follows the generation at `index`, which is read to its end.
    fn go_over(&mut self, history: &History, index: usize) -> Step {
        let ended = history.generations.get(index).is_none_or(|generation| generation.ended);
        let last = history.generations.len() - 1;
        for (at, next) in history.generations.iter().enumerate().skip(index + 1) {
            let left = self.left.iter().position(|stand| stand.position.generation == next.id);
            let stand = match left {
                Some(left) if at == last => self.left.remove(left),
                // Read to its end already; what comes late there is gone back for.
                Some(_) => continue,
                None => Stand::at(next.start()),
            };
            if let Some(before) = self.now.replace(stand)
                && !ended
            {
                self.leave(before);
            }
            return Step::Turned { generation: next.id };
        }
        Step::End
    }

    /// The generation where it stood is no longer told of: on with the oldest it has not read.
    fn begin_anew(&mut self, history: &History) -> Step {
        let read = |id| self.left.iter().any(|stand| stand.position.generation == id);
        let next = history.generations.iter().find(|generation| !read(generation.id));
        match next.or(history.generations.last()) {
            Some(next) => {
                let left = self.left.iter().position(|s| s.position.generation == next.id);
                self.now = Some(match left {
                    Some(left) => self.left.remove(left),
                    None => Stand::at(next.start()),
                });
                Step::Lost { loss: Loss::Unknown }
            }
            None => Step::End,
        }
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
        Self { position, before }
    }

    fn bookmark(&self) -> Option<Bookmark> {
        let before = Fingerprint::of(self.before.as_ref()?);
        Some(Bookmark { position: self.position, before })
    }

    /// Whether it stands in the middle of a line, as far as it knows.
    fn in_line(&self) -> bool {
        self.before.as_ref().and_then(|before| before.last()).is_some_and(|&byte| byte != b'\n')
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
            match memrchr(b'\n', bytes) {
                Some(at) => bytes = bytes.get(..=at).unwrap_or_default(),
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

    /// Whether something may still come where it stands.
    fn may_grow(&self, history: &History) -> bool {
        history
            .get(self.position.generation)
            .is_some_and(|generation| !generation.ended || self.position.offset < generation.bytes)
    }
}

/// A generation that it left, and that now has whole lines more.
fn late(left: &[Stand], history: &History) -> io::Result<Option<usize>> {
    for (index, stand) in left.iter().enumerate() {
        let Some(generation) = history.get(stand.position.generation) else { continue };
        let rest = generation.bytes.saturating_sub(stand.position.offset);
        if rest == 0 {
            continue;
        }
        let mut bytes = vec![0; rest.min(LATE) as usize];
        read_exact_at(generation.file.as_ref(), &mut bytes, stand.position.offset)?;
        if generation.ended || rest > LATE || memchr(b'\n', &bytes).is_some() {
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
        Some(Loss::Unknown) | None => Loss::Unknown,
    }
}
