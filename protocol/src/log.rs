//! What is known of a log: its name, its state, the generations that can be read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::position::{GenerationId, Position};

/// The name by which a log is addressed, such as `nginx/access.log`. Never a path of the server:
/// the server looks it up among the logs it offers, and does not open it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogName(pub String);

/// A log in the list of sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// How it is addressed.
    pub name: LogName,
    /// Its condition.
    pub state: LogState,
    /// Bytes in its current generation; 0 when it cannot be read.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970, if that can be told.
    pub written: Option<u64>,
    /// What the command that writes it does now; `None` when there is none, or none that the page
    /// may start and stop.
    pub command: Option<CommandState>,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandState {
    /// It does not run.
    Over,
    /// It runs.
    Running,
    /// It was asked to end.
    Stopping,
}

/// What a command is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Run, unless it does.
    Start,
    /// End, and stay so.
    Stop,
    /// End if it runs, and run again.
    Restart,
}

/// The condition of a log, as the status bar and the list of sources say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogState {
    /// Followed: growth is announced by the kernel.
    Live,
    /// Followed by looking at it again and again, for the reason given (`network mount`).
    Polling(String),
    /// Named, but not there yet.
    Waiting,
    /// Gone by name since that time (milliseconds since 1970); what was held can still be read.
    Deleted(u64),
    /// There, but not to be read.
    Unreadable {
        /// Why, in a few words: `permission denied`.
        reason: String,
        /// What to do about it, often a command; empty when there is nothing to advise.
        remedy: String,
    },
    /// Nothing writes to it any more: what was piped in has ended, or the command has. It can be
    /// read as before.
    Ended(Ended),
}

/// That something which wrote a log has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub how: Ending,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// How what wrote a log has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It was closed: the end of what was piped in.
    Closed,
    /// The command ended with this code.
    Exited(i32),
    /// The command was ended by this signal.
    Killed(i32),
    /// The command could not be started.
    Failed,
    /// The server ended before it did.
    Broken,
}

/// The generations of a log that can be read, oldest first; the last is the current one.
///
/// Empty while a log waits to appear. Notices between rows (rotated, truncated, lost) are not
/// messages of their own: they are what [`Span::began`] and [`Span::lost`] say at the seams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Oldest first.
    pub spans: Vec<Span>,
}

/// One generation in an [`Outline`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Which generation.
    pub id: GenerationId,
    /// Readable bytes in it.
    pub bytes: u64,
    /// Lines in it.
    pub lines: Lines,
    /// How it began: the notice before its first row.
    pub began: Began,
    /// When it began or was found, in milliseconds since 1970.
    pub since: u64,
    /// The file it lies in now, by its last name component: `access.log.1` after a rotation.
    pub file: String,
    /// What is known to be lost at its end: the notice after its last row.
    pub lost: Option<Loss>,
    /// How what wrote it has ended: a notice after its last row, too.
    pub over: Option<Ended>,
}

/// How a generation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Began {
    /// It was there when the log was first looked at.
    Found,
    /// The log was named, and then came to be.
    Appeared,
    /// The file before it was renamed away, or the name came to lead elsewhere.
    Rotated,
    /// The file was cut short or overwritten in place.
    Truncated,
    /// The file before it was deleted.
    Recreated,
    /// A program began to write, or something to be piped in.
    Started,
}

/// What cannot be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// The file was truncated and no copy of it was found: that many bytes had been there at
    /// least.
    Truncated(u64),
    /// The file was deleted, and has been let go.
    Deleted(u64),
    /// Earlier bytes were let go to keep within the bound on open files.
    LetGo(u64),
    /// What came before it is unknown: a reader came back to a generation that is not known here.
    Unknown,
    /// It lies in a compressed file that can be read up to here and no further.
    Damaged(Damage),
    /// So many bytes came and found no room on the server's disk.
    Full(u64),
}

/// What is wrong with a compressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Damage {
    /// It ends in the middle.
    #[error("the compressed file ends in the middle")]
    Truncated,
    /// Its text is there, and is not what its checksum says.
    #[error("the checksum of the compressed file does not match what it holds")]
    Checksum,
    /// It breaks the rules of its format.
    #[error("the compressed file is damaged")]
    Corrupt,
    /// It was packed so that a reader needs more memory than it is given.
    #[error(
        "the compressed file needs a window above 8 MiB; pack it without `--long` and `--ultra`"
    )]
    Window,
    /// It needs a dictionary.
    #[error("the compressed file needs a dictionary; pack it without one")]
    Dictionary,
    /// It is one large piece, and there is no room to unpack it.
    #[error(
        "the compressed file has to be unpacked, and there is no room; free some in the state folder"
    )]
    Room,
    /// It holds far more than a log of its size could.
    #[error("the compressed file swells to more than 200 times its size")]
    Ratio,
}

/// How many lines there are: counted, or guessed from the part that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lines {
    /// Counted.
    Exact(u64),
    /// From the mean length of the lines counted so far.
    Estimate(u64),
}

/// A running count of what has passed at the end of a log. Two of them, subtracted, say what came
/// in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Bytes.
    pub bytes: u64,
    /// Finished lines.
    pub lines: u64,
    /// Lines of level warning.
    pub warnings: u64,
    /// Lines of level error or worse.
    pub errors: u64,
}

impl Outline {
    /// Bytes of all generations together: the length of the ruler.
    pub fn bytes(&self) -> u64 {
        self.spans.iter().fold(0, |sum, span| sum.saturating_add(span.bytes))
    }

    /// Where `position` lies on the ruler: the bytes before it in all generations. `None` when its
    /// generation is not listed.
    pub fn place(&self, position: Position) -> Option<u64> {
        let mut before = 0_u64;
        for span in &self.spans {
            if span.id == position.generation {
                return Some(before.saturating_add(position.offset.min(span.bytes)));
            }
            before = before.saturating_add(span.bytes);
        }
        None
    }

    /// The position that has `bytes` before it on the ruler, the end when there are not so many.
    /// `None` only for an empty outline.
    pub fn at(&self, bytes: u64) -> Option<Position> {
        let mut before = 0_u64;
        for span in &self.spans {
            if bytes < before.saturating_add(span.bytes) {
                return Some(Position { generation: span.id, offset: bytes - before });
            }
            before = before.saturating_add(span.bytes);
        }
        self.end()
    }

    /// The end of the current generation.
    pub fn end(&self) -> Option<Position> {
        self.spans.last().map(|span| Position { generation: span.id, offset: span.bytes })
    }

    /// Lines of all generations together.
    pub fn lines(&self) -> Lines {
        let sum: u64 = self.spans.iter().map(|span| span.lines.number()).sum();
        let exact = self.spans.iter().all(|span| matches!(span.lines, Lines::Exact(_)));
        if exact { Lines::Exact(sum) } else { Lines::Estimate(sum) }
    }
}

impl Lines {
    /// The number, counted or not.
    pub fn number(self) -> u64 {
        match self {
            Self::Exact(n) | Self::Estimate(n) => n,
        }
    }
}

impl Tally {
    /// What came after `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            lines: self.lines.saturating_sub(earlier.lines),
            warnings: self.warnings.saturating_sub(earlier.warnings),
            errors: self.errors.saturating_sub(earlier.errors),
        }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            lines: self.lines.saturating_add(other.lines),
            warnings: self.warnings.saturating_add(other.warnings),
            errors: self.errors.saturating_add(other.errors),
        }
    }
}

impl LogName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outline(sizes: &[u32]) -> Outline {
        let spans = sizes.iter().zip(1..).map(|(&bytes, id)| Span {
            id: GenerationId(id),
            bytes: bytes.into(),
            lines: Lines::Exact(0),
            began: Began::Rotated,
            since: 0,
            file: String::new(),
            lost: None,
            over: None,
        });
        Outline { spans: spans.collect() }
    }

    proptest! {
        #[test]
        fn a_place_leads_back_to_its_position(sizes in prop::collection::vec(0_u32..50, 1..6), at in 0_u64..400) {
            let outline = outline(&sizes);
            let position = outline.at(at).expect("not empty");
            prop_assert_eq!(outline.place(position), Some(at.min(outline.bytes())));
        }
    }

    #[test]
    fn an_unknown_generation_has_no_place() {
        assert_eq!(outline(&[3]).place(Position::start(GenerationId(9))), None);
        assert_eq!(Outline::default().at(0), None);
    }
}
