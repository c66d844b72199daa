//! What a page and the server say to each other over `/api/v1/view`.
//!
//! A page says where it stands and is sent what it can show. Requests carry an id that the answer
//! repeats; each view has at most one [`Frame`] in flight, and the next is made when that one is
//! acknowledged, so a slow page gets fewer, fresher frames and the server keeps nothing for it.

use serde::{Deserialize, Serialize};

use crate::filter::{Filter, FilterId, Filtering, Picked};
use crate::find::{Direction, FindId, Finding, Sought};
use crate::log::{LogName, LogState, Order, Outline, Source, Tally};
use crate::look::{Course, Details, Grave, Stretch, Survey, Taken};
use crate::position::{Bookmark, Position};
use crate::row::Rows;

/// A view of the page, numbered by the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ViewId(pub u16);

/// A request of the page, numbered by the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// From the page to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The first message: the version the page speaks, and the build it came from.
    Hello {
        /// [`PROTOCOL`](crate::PROTOCOL).
        protocol: u16,
        /// Told apart from the server's own, to advise a reload.
        build: String,
    },
    /// Begin `view` on `log`, or turn it to that log. Frames follow as `attention` says.
    Open {
        /// Which view.
        view: ViewId,
        /// On which log.
        log: LogName,
        /// Where the page stands, when it comes back: the first frame starts there. `None`: at
        /// the end.
        from: Option<Bookmark>,
        /// What the frames are to hold.
        attention: Attention,
        /// What is to be shown of it; `None`: all of it.
        filter: Option<(FilterId, Filter)>,
    },
    /// What the coming frames of `view` are to hold.
    Attend {
        /// Which view.
        view: ViewId,
        /// From now on.
        attention: Attention,
    },
    /// Rows around an anchor; answered by [`ServerMessage::Window`] or a refusal.
    Window(WindowRequest),
    /// From now on mark in the rows of `view` what `query` finds, and count it in the whole log;
    /// answered by [`ServerMessage::Finding`] again and again. No query ends the search.
    Find {
        /// Which view.
        view: ViewId,
        /// Repeated in all that is said of this search.
        find: FindId,
        /// As it was typed, at most [`MAX_BYTES`](crate::query::MAX_BYTES) bytes.
        query: Option<String>,
    },
    /// Look for the next row that the view's search finds; answered by [`ServerMessage::Sought`].
    Seek {
        /// Which view.
        view: ViewId,
        /// Which search.
        find: FindId,
        /// From where, without the row that holds it; `None`: from the end of the log.
        from: Option<Position>,
        /// Which way.
        direction: Direction,
    },
    /// The frame was shown: the next may come.
    Ack {
        /// Which view.
        view: ViewId,
        /// [`Frame::sequence`].
        sequence: u64,
    },
    /// End `view`.
    Close {
        /// Which view.
        view: ViewId,
    },
    /// Answered at once by a pong with the same number.
    Ping(u32),
    /// The answer to the server's ping.
    Pong(u32),
    /// All that the line at a position says; answered by [`ServerMessage::Details`] or a refusal.
    Details {
        /// Repeated in the answer.
        request: RequestId,
        /// Which view.
        view: ViewId,
        /// In which line.
        at: Position,
    },
    /// The lines of stretches as they stand; answered by [`ServerMessage::Taken`] or a refusal.
    Take {
        /// Repeated in the answer.
        request: RequestId,
        /// Which view.
        view: ViewId,
        /// In the order in which they are wanted, at most
        /// [`MAX_STRETCHES`](crate::look::MAX_STRETCHES).
        stretches: Vec<Stretch>,
    },
    /// From now on say where the errors and warnings of the view's log are; answered by
    /// [`ServerMessage::Surveyed`] again and again.
    Survey {
        /// Which view.
        view: ViewId,
    },
    /// Look for the next error or warning of a view that is surveyed; answered by
    /// [`ServerMessage::SoughtGrave`].
    SeekGrave {
        /// Repeated in the answer.
        request: RequestId,
        /// Which view.
        view: ViewId,
        /// What.
        grave: Grave,
        /// As [`ClientMessage::Seek`].
        from: Option<Position>,
        /// Which way.
        direction: Direction,
    },
    /// How the view's log lies in time; answered by [`ServerMessage::Course`] or a refusal.
    Course {
        /// Repeated in the answer.
        request: RequestId,
        /// Which view.
        view: ViewId,
    },
    /// Tell the command that writes a log what to do. What comes of it is seen in the log and in
    /// the list of sources.
    Command {
        /// The log.
        log: LogName,
        /// What.
        order: Order,
    },
    /// From now on show of `view` what `filter` takes; answered by [`ServerMessage::Filtering`]
    /// again and again, and by a frame if the view follows.
    Filter {
        /// Which view.
        view: ViewId,
        /// Repeated in all that is picked by it.
        id: FilterId,
        /// An empty one shows all.
        filter: Filter,
    },
}

/// What a view wants its frames to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attention {
    /// The newest rows, at most that many (bounded by the server): the view follows.
    Rows(u16),
    /// Only what is needed to say how much has come: the view is elsewhere or paused.
    Counts,
    /// Only how much has come, of a log that nobody reads: nothing else is counted or looked up
    /// for it, and of a torrent it is told late. A view that begins so stays so.
    News,
}

/// Asks for rows around an anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowRequest {
    /// Repeated in the answer.
    pub request: RequestId,
    /// Of which view.
    pub view: ViewId,
    /// Around what.
    pub anchor: Anchor,
    /// Rows wanted before the anchor's row.
    pub before: u16,
    /// Rows wanted from the anchor's row on, itself included.
    pub after: u16,
}

/// What a window hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Anchor {
    /// The first row of the log.
    Start,
    /// The end of the log, after its last row.
    End,
    /// The row that holds this position.
    At(Position),
    /// The row that holds the byte at this fraction (0 to 1) of all generations.
    Fraction(f64),
    /// The line of this number, from 1, in the current generation.
    Line(u64),
    /// The first line written at this instant or after, in nanoseconds since 1970; the end when
    /// there is none, and the start of a log whose lines have no times.
    Time(i64),
}

/// The answer to a [`WindowRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The request's.
    pub request: RequestId,
    /// The request's.
    pub view: ViewId,
    /// In order, one block or more for each generation that the window touches.
    pub blocks: Vec<Rows>,
    /// The row (of all blocks together, from 0) that the anchor meant; the number of rows when it
    /// meant the end.
    pub anchor: u32,
    /// Whether nothing stands before the first row.
    pub at_start: bool,
    /// Whether nothing stood after the last row when this was read.
    pub at_end: bool,
    /// The log when this was read.
    pub outline: Outline,
    /// How the rows were picked; `None` in a view that shows all.
    pub picked: Option<Picked>,
}

/// What has happened at the end of a log since the last frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// To be acknowledged.
    pub sequence: u64,
    /// The log now.
    pub outline: Outline,
    /// Its condition.
    pub state: LogState,
    /// What came since the last frame of this view (since [`ClientMessage::Open`]'s bookmark, in
    /// the first), shown or not.
    pub passed: Tally,
    /// Whether `blocks` go on exactly where the page stands: its rows from the first block's
    /// start on are replaced, or of a filtered view those from the start of what was looked
    /// through. Otherwise rows were skipped, and `blocks` stand alone.
    pub continues: bool,
    /// The newest rows, in order; none when only counts were asked for.
    pub blocks: Vec<Rows>,
    /// Where the page stands when it has this frame: what it comes back with.
    pub end: Option<Bookmark>,
    /// Milliseconds from when the newest growth was noticed to when this frame was made.
    pub age: u32,
    /// How the rows were picked, and what `passed` counts; `None` in a view that shows all.
    pub picked: Option<Picked>,
}

/// From the server to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The answer to `Hello`. Another protocol, or another build: the page should be loaded anew.
    Welcome {
        /// [`PROTOCOL`](crate::PROTOCOL) of the server.
        protocol: u16,
        /// The server's build.
        build: String,
        /// Seconds between the server's pings; twice that in silence means the line is dead.
        heartbeat: u16,
    },
    /// Sources that are new or have changed, and names that are gone. The first after `Welcome`
    /// holds all, and replaces what the page knew.
    Sources {
        /// Whether this is the whole list.
        all: bool,
        /// New or changed.
        changed: Vec<Source>,
        /// No longer offered.
        gone: Vec<LogName>,
    },
    /// Rows that were asked for.
    Window(Window),
    /// Growth.
    Frame {
        /// Of which view.
        view: ViewId,
        /// What.
        frame: Frame,
    },
    /// How a search stands.
    Finding {
        /// Of which view.
        view: ViewId,
        /// Which search.
        find: FindId,
        /// How.
        finding: Finding,
    },
    /// What came of looking for the next hit.
    Sought {
        /// Of which view.
        view: ViewId,
        /// Which search.
        find: FindId,
        /// What.
        sought: Sought,
    },
    /// A view or request that cannot be served.
    Refused {
        /// Which view.
        view: ViewId,
        /// Which request, if it was one.
        request: Option<RequestId>,
        /// Why.
        refusal: Refusal,
    },
    /// To be answered at once by a pong with the same number.
    Ping(u32),
    /// The answer to the page's ping.
    Pong(u32),
    /// All that a line says.
    Details(Details),
    /// Lines as they stand.
    Taken(Taken),
    /// Where the errors and warnings of a view's log are.
    Surveyed {
        /// Of which view.
        view: ViewId,
        /// As far as it is known.
        survey: Survey,
    },
    /// What came of looking for the next error or warning.
    SoughtGrave {
        /// The request's.
        request: RequestId,
        /// Of which view.
        view: ViewId,
        /// What.
        sought: Sought,
    },
    /// How a view's log lies in time.
    Course {
        /// The request's.
        request: RequestId,
        /// Of which view.
        view: ViewId,
        /// How.
        course: Course,
    },
    /// How a filter stands.
    Filtering {
        /// Of which view.
        view: ViewId,
        /// Which filter.
        id: FilterId,
        /// How.
        filtering: Filtering,
    },
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No log of that name is offered.
    NoSuchLog,
    /// The view was not opened.
    NoSuchView,
    /// More views, or more requests at once, than a page may have.
    TooMany,
    /// Reading failed: the system's words.
    Failed(String),
}

/// Why the server closed the socket: the code of the close frame. Texts are for people, codes for
/// the page.
pub mod close {
    /// The server is going down or starting again: come back and resume.
    pub const RESTARTING: u16 = 1012;
    /// As many connections as the server takes: come back later.
    pub const BUSY: u16 = 1013;
    /// A message that is none, or too large.
    pub const MALFORMED: u16 = 1007;
    /// The login is missing or has ended.
    pub const LOGIN: u16 = 4401;
    /// Nothing was heard for too long.
    pub const SILENT: u16 = 4408;
    /// The page speaks another version: load it anew.
    pub const RELOAD: u16 = 4426;
}
