//! The spool: what is no file is first written here, and is then a log like any other.
//!
//! A log is a folder of segments: the newest under its own name, earlier ones beside it under
//! dated names, as rotation would leave them, so that whoever reads logs reads these. Nothing that
//! was written is ever changed: lines stay as they came, and what is to be said about them stands
//! in notes of its own. It is bounded by size, number and age; on a full disk the oldest segments
//! go first, and what finds no room even so is counted.
//!
//! It survives the death of the process as it is, since all it holds is files. It does not wait for
//! the disk before it acknowledges, unless it is told to.

mod limits;
mod notes;
mod registry;
mod segments;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tailwater_engine::history::{Generation, History};
use tailwater_engine::unwrap::Stream;
use tailwater_protocol::{
    Began, CommandState, Ended, Ending, GenerationId, LogName, LogState, Loss, Outline,
};

pub(crate) use self::limits::duration;
pub use self::limits::{Disk, Limits, Room, SpoolFile};
use self::notes::{Note, Notes};
pub(crate) use self::registry::is_name;
pub use self::registry::{Keep, Spools};
use self::segments::{Earlier, Segments};
use crate::sources::identity_of;

/// Room is asked for in steps of this size, lest every line ask.
const STEP: u64 = 256 * 1024;

/// What is written to a log: messages of their own, or one program's stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Whole lines, each acknowledged when it is there: a torn one is cut, its sender has it.
    Messages,
    /// Bytes as they come. A run that nobody ended was broken off.
    Stream,
}

/// The spool of one log.
pub struct Spool {
    name: LogName,
    framing: Framing,
    limits: Limits,
    room: Box<dyn Room>,
    path: PathBuf,
    state: Mutex<State>,
    /// What the command does that writes here, where it may be told to.
    command: Mutex<Option<CommandState>>,
    bell: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Held locked for as long as this process writes here.
    _lock: File,
}

struct State {
    segments: Segments,
    /// The newest segment; `None` when writing to it failed half-way: the next goes to another.
    file: Option<Arc<File>>,
    bytes: u64,
    /// Bytes for which there is room.
    room: u64,
    /// When the newest segment was begun.
    begun: u64,
    notes: Notes,
    notes_file: Option<File>,
    stream: Stream,
    /// Whether the last byte is a newline, or there is none.
    whole: bool,
    /// Bytes that found no room since the last that did.
    missing: u64,
    /// Bytes lost since the process started.
    lost: u64,
    ended: Option<Ended>,
    /// Which segment a generation lies in.
    known: HashMap<GenerationId, Option<u64>>,
}

impl Spool {
    /// Opens the spool of `name` in `folder`, or begins it.
    ///
    /// # Errors
    ///
    /// The system's; `WouldBlock` when another process writes there.
    pub fn open(
        folder: &Path,
        name: LogName,
        framing: Framing,
        limits: Limits,
        room: Box<dyn Room>,
    ) -> io::Result<Self> {
        let lock = segments::lock(folder)?;
        let base = name.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        let path = folder.join(&base);
        let segments = Segments::find(folder, &base)?;
        let mut notes = segments.notes(segments.number);
        let file = segments.open()?;
        let bytes = segments::mend(&file, framing)?;
        let mut ended = notes.ended;
        if framing == Framing::Stream && bytes > 0 && ended.is_none() {
            let note = Note::Ended(Ended { how: Ending::Broken, at: now() });
            segments.notes_file()?.write_all(note.line().as_bytes())?;
            notes.take(note);
            ended = notes.ended;
        }
        segments.tidy()?;
        let state = State {
            file: Some(Arc::new(file)),
            bytes,
            room: bytes,
            begun: now(),
            notes_file: None,
            stream: notes.stream_at(bytes),
            notes,
            whole: true,
            missing: 0,
            lost: 0,
            ended,
            known: HashMap::new(),
            segments,
        };
        let spool = Self {
            name,
            framing,
            limits,
            room,
            path,
            state: Mutex::new(state),
            command: Mutex::default(),
            bell: OnceLock::new(),
            _lock: lock,
        };
        spool.retain(&mut spool.state());
        Ok(spool)
    }

    /// The name of the log.
    pub fn name(&self) -> &LogName {
        &self.name
    }

    /// The file in which the newest lines are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is called when something changed that the file does not tell of.
    pub(crate) fn on_change(&self, bell: impl Fn() + Send + Sync + 'static) {
        // Whoever came first hears it: a spool is one log.
        let _taken = self.bell.set(Box::new(bell));
    }

    /// Adds `bytes` that came by `stream`.
    ///
    /// # Errors
    ///
    /// When there is no room, although the earlier segments were let go, or the system's. The
    /// beginning of `bytes` may have been written.
    pub fn write(&self, bytes: &[u8], stream: Stream) -> io::Result<()> {
        let mut state = self.state();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.is_full(&state) {
                self.turn(&mut state)?;
            }
            let part = part(rest, self.limits.segment().saturating_sub(state.bytes));
            let (now, later) = rest.split_at_checked(part).unwrap_or((rest, &[]));
            self.put(&mut state, now, stream)?;
            rest = later;
        }
        let file = state.file.clone();
        // Whoever reads does not wait for the disk along with the writer.
        drop(state);
        match file {
            Some(file) if self.limits.sync => file.sync_data(),
            _ => Ok(()),
        }
    }

    /// A run begins: what comes next is a generation of its own.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn begin(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.bytes > 0 || state.notes.ended.is_some() {
            self.turn(&mut state)?;
        }
        self.note(&mut state, Note::Began(now()))?;
        state.ended = None;
        drop(state);
        self.ring();
        Ok(())
    }

    /// The run has ended; nothing comes until another begins.
    ///
    /// # Errors
    ///
    /// The system's, when it could not be noted. It is known until the process ends all the same.
    pub fn end(&self, how: Ending) -> io::Result<()> {
        let mut state = self.state();
        let ended = Ended { how, at: now() };
        state.ended = Some(ended);
        let missing = std::mem::take(&mut state.missing);
        let noted = match missing {
            0 => Ok(()),
            bytes => self.note(&mut state, Note::Lost(bytes)),
        };
        let noted = noted.and(self.note(&mut state, Note::Ended(ended)));
        drop(state);
        self.ring();
        noted
    }

    /// Counts bytes that came and found no room.
    pub fn lose(&self, bytes: u64) {
        let mut state = self.state();
        state.missing = state.missing.saturating_add(bytes);
        state.lost = state.lost.saturating_add(bytes);
        drop(state);
        self.ring();
    }

    /// Bytes lost since the process started.
    pub fn lost(&self) -> u64 {
        self.state().lost
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        let state = self.state();
        state.segments.bytes().saturating_add(state.bytes)
    }

    /// Which segment is written to, and how long it is.
    pub(crate) fn stands(&self) -> (u64, u64) {
        let state = self.state();
        (state.segments.number, state.bytes)
    }

    /// Cuts the newest segment there, if it is the one: for who gets again what came after. Only
    /// before anybody follows it, to whom it would look truncated.
    pub(crate) fn cut(&self, segment: u64, bytes: u64) {
        let mut state = self.state();
        let file = state.file.clone().filter(|_| state.segments.number == segment);
        if let Some(file) = file.filter(|_| bytes < state.bytes) {
            match file.set_len(bytes) {
                Ok(()) => (state.bytes, state.room) = (bytes, bytes),
                Err(error) => {
                    tracing::warn!(log = %self.name, %error, "lines may be there twice");
                }
            }
        }
    }

    /// How the last run ended, when none is under way.
    pub fn ended(&self) -> Option<Ended> {
        self.state().ended
    }

    /// Says what the command does that writes here.
    pub(crate) fn set_command(&self, state: CommandState) {
        *self.command.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }

    /// What the command does that writes here, if there is one that may be told to.
    pub(crate) fn command(&self) -> Option<CommandState> {
        *self.command.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of what is too old; to be called now and then.
    pub fn tick(&self) {
        let mut state = self.state();
        let age = self.limits.age.map_or(u64::MAX, |age| age.as_millis() as u64);
        let old = now().saturating_sub(state.begun) > age / 8;
        if old && state.bytes > 0 && self.framing == Framing::Messages && state.whole {
            // What is written to for ever would be kept for ever.
            if let Err(error) = self.turn(&mut state) {
                tracing::warn!(log = %self.name, %error, "a spool could not begin another segment");
            }
        }
        self.retain(&mut state);
    }

    /// The state of the log, given what its follower says.
    pub(crate) fn state_of(&self, followed: LogState) -> LogState {
        match (self.ended(), followed) {
            (Some(ended), LogState::Live | LogState::Polling(_) | LogState::Waiting) => {
                LogState::Ended(ended)
            }
            (_, followed) => followed,
        }
    }

    /// Adds to the outline of `history` what the notes say of its generations.
    pub(crate) fn dress(&self, history: &History, outline: &mut Outline) {
        let mut state = self.state();
        let all = &history.generations;
        state.known.retain(|id, _| all.iter().any(|generation| generation.id == *id));
        for (generation, span) in all.iter().zip(&mut outline.spans) {
            let Some(number) = state.number_of(generation) else { continue };
            let (missing, newest) = (state.missing, number == state.segments.number);
            let Some(notes) = state.notes_of(number) else { continue };
            if let Some(began) = notes.began {
                (span.began, span.since) = (Began::Started, began);
            }
            span.over = notes.ended;
            let lost = notes.lost.saturating_add(if newest { missing } else { 0 });
            if lost > 0 && span.lost.is_none() {
                span.lost = Some(Loss::Full(lost));
            }
        }
    }

    /// Of which streams the lines are that start at `offsets` of a generation; `None` when all of
    /// it is of standard output.
    pub(crate) fn streams(&self, generation: &Generation, offsets: &[u64]) -> Option<Vec<Stream>> {
        let mut state = self.state();
        let number = state.number_of(generation)?;
        let notes = state.notes_of(number).filter(|notes| notes.has_errors())?;
        Some(offsets.iter().map(|&offset| notes.stream_at(offset)).collect())
    }

    /// Writes `bytes`, for which the newest segment has place.
    fn put(&self, state: &mut State, bytes: &[u8], stream: Stream) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.make_room(state, bytes.len() as u64)?;
        if state.missing > 0 {
            // The gap becomes the seam of two generations, where everybody sees it.
            let missing = std::mem::take(&mut state.missing);
            self.note(state, Note::Lost(missing))?;
            self.turn(state)?;
            self.make_room(state, bytes.len() as u64)?;
        }
        if state.stream != stream {
            let at = state.bytes;
            self.note(state, Note::Turn(at))?;
            state.stream = stream;
        }
        let Some(file) = &state.file else {
            return Err(io::Error::other("the segment is broken"));
        };
        let written = file.as_ref().write_all(bytes);
        let len = file.metadata().map(|found| found.len());
        match (written, len) {
            (Ok(()), _) => state.bytes += bytes.len() as u64,
            (Err(error), len) => {
                // Never cut: a follower has seen it. The next line stands in another segment.
                state.bytes = len.unwrap_or(state.bytes);
                state.file = None;
                return Err(error);
            }
        }
        state.whole = bytes.last() == Some(&b'\n');
        Ok(())
    }

    fn is_full(&self, state: &State) -> bool {
        let segment = self.limits.segment();
        let full = state.bytes >= segment || state.notes.is_full();
        state.file.is_none()
            || (full && state.bytes > 0 && (state.whole || state.bytes >= segment * 2))
    }

    /// Goes on in another segment.
    fn turn(&self, state: &mut State) -> io::Result<()> {
        state.notes_file = None;
        let segment = Earlier {
            number: state.segments.number,
            bytes: state.bytes,
            written: now(),
            name: String::new(),
            notes: std::mem::take(&mut state.notes),
        };
        if let Some(file) = state.file.take()
            && state.room > state.bytes
            && let Err(error) = file.set_len(state.bytes)
        {
            tracing::debug!(%error, "room set aside was not given back");
        }
        match state.segments.turn(segment) {
            Ok(file) => state.file = Some(Arc::new(file)),
            Err((segment, error)) => {
                if let Some(segment) = segment {
                    state.notes = segment.notes;
                }
                return Err(error);
            }
        }
        (state.bytes, state.room, state.whole, state.begun) = (0, 0, true, now());
        state.stream = Stream::Stdout;
        self.retain(state);
        Ok(())
    }

    /// Has room for `bytes` more, at the price of the oldest segments if need be.
    fn make_room(&self, state: &mut State, bytes: u64) -> io::Result<()> {
        loop {
            let Some(file) = &state.file else {
                return Err(io::Error::other("the segment is broken"));
            };
            let end = state.bytes.saturating_add(bytes);
            if end <= state.room {
                return Ok(());
            }
            let from = state.room.max(state.bytes);
            let wanted = [STEP.max(end - from), end - from];
            let given = wanted.into_iter().map(|more| {
                self.room.set_aside(file, from, more).map(|()| from.saturating_add(more))
            });
            let mut error = None;
            let mut got = None;
            for given in given {
                match given {
                    Ok(room) => {
                        got = Some(room);
                        break;
                    }
                    Err(why) => error = Some(why),
                }
            }
            match (got, error) {
                (Some(room), _) => {
                    state.room = room;
                    return Ok(());
                }
                (None, Some(error)) if is_full(&error) => {
                    if !state.segments.drop_oldest()? {
                        return Err(error);
                    }
                }
                (None, error) => return Err(error.unwrap_or(io::ErrorKind::StorageFull.into())),
            }
        }
    }

    /// Lets go of what is too much or too old.
    fn retain(&self, state: &mut State) {
        let now = now();
        let age = self.limits.age.map_or(u64::MAX, |age| age.as_millis() as u64);
        let most = self.limits.bytes.saturating_sub(self.limits.segment().max(state.bytes));
        loop {
            let old = state.segments.oldest().is_some_and(|oldest| {
                now.saturating_sub(oldest) > age
                    || state.segments.bytes() > most
                    || state.segments.count() > limits::MAX_SEGMENTS
            });
            match old.then(|| state.segments.drop_oldest()) {
                Some(Ok(true)) => {}
                Some(Err(error)) => {
                    tracing::warn!(log = %self.name, %error, "a segment of the spool stays");
                    return;
                }
                Some(Ok(false)) | None => return,
            }
        }
    }

    fn note(&self, state: &mut State, note: Note) -> io::Result<()> {
        state.notes.take(note);
        if state.notes_file.is_none() {
            state.notes_file = Some(state.segments.notes_file()?);
        }
        match &mut state.notes_file {
            Some(file) => file.write_all(note.line().as_bytes()),
            None => Ok(()),
        }
    }

    fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The number of the segment that a generation lies in.
    fn number_of(&mut self, generation: &Generation) -> Option<u64> {
        if let Some(&number) = self.known.get(&generation.id) {
            return number;
        }
        let identity = generation.file.stat().ok()?.identity;
        let newest = self.file.as_ref().and_then(|file| identity_of(file).ok());
        let number = if newest == Some(identity) {
            Some(self.segments.number)
        } else {
            self.segments.number_of(identity)
        };
        // Also that it lies in none: it was let go, and is held by its readers.
        self.known.insert(generation.id, number);
        number
    }

    fn notes_of(&self, number: u64) -> Option<&Notes> {
        if number == self.segments.number {
            return Some(&self.notes);
        }
        self.segments.earlier_notes(number)
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How much of `bytes` goes into a segment that has place for `place`: whole lines, and all when
/// there is no end of one.
fn part(bytes: &[u8], place: u64) -> usize {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    if bytes.len() <= place {
        return bytes.len();
    }
    let newline = bytes.get(place.saturating_sub(1)..).and_then(|rest| memchr::memchr(b'\n', rest));
    newline.map_or(bytes.len(), |at| place.saturating_sub(1) + at + 1)
}

/// Whether there was no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
