//! What can happen to the page, and what it can decide to do: the whole traffic between the state
//! and the browser.

use tailwater_protocol::{ClientMessage, LogName, Position, ServerMessage};

use super::filter::Change;
use super::keys::Action;
use crate::boot::Theme;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// The page begins to live.
    Start {
        wall: u64,
        zone: i32,
        seed: u64,
        path: String,
        query: String,
        fragment: String,
    },
    Opened,
    Message(ServerMessage),
    Closed(u16),
    /// The server asks for a sign-in.
    SignedOut,
    /// The network is back.
    Online,
    Hidden,
    Visible,
    Tick,
    /// A picture of the state as it is was put on the screen.
    Shown,
    Act(Action),
    /// The viewport's height and that of a row, in pixels.
    Resize {
        height: f64,
        row: f64,
    },
    /// Characters that fit beside the numbers.
    Width(u16),
    /// What this browser has kept under that name.
    Kept(Keep, String),
    /// Pixels down.
    Scroll(f64),
    /// The ruler's handle was drawn to that fraction of its way.
    Drag(f64),
    /// Text was selected among the lines.
    Selected,
    Open(LogName),
    PointOut(Position),
    /// The number of a row was pressed.
    Link(Position),
    /// It was pressed with Shift: all lines from the last one up to there are meant.
    Choose(Position),
    /// What is chosen, copied in some way; `None`: let go.
    Chosen(Option<Copying>),
    /// The row was pressed that stands for what is folded.
    Fold(Position),
    /// The word at the cursor, or the text that is selected.
    Word(String),
    /// Goes to a line that is marked.
    GoTo(Position),
    /// What is written of a marked line.
    Note(Position, String),
    /// The mark at a line is taken away.
    Unmark(Position),
    UnmarkAll,
    /// The marked lines become a file.
    DownloadMarked,
    /// That query is to be looked for.
    FindQuery(String),
    /// A text is to be copied.
    Copy(String),
    /// An instant to go to, in nanoseconds since 1970.
    Time(i64),
    /// What stands in the palette's field.
    Palette(String),
    /// Another entry of the palette is chosen.
    PaletteStep(i32),
    /// The entry of that number is meant; `None`: the chosen one.
    PaletteTake(Option<usize>),
    Filter(String),
    /// What stands in the field for what is looked for.
    Find(String),
    /// The field is put away, and nothing looked for.
    FindClose,
    /// What is shown of the log changes.
    Narrow(Change),
    Toggle(String),
    Panel(Panel),
    Theme,
    /// The reader went back or forth.
    Went {
        path: String,
        query: String,
        fragment: String,
    },
    Retry,
    Reload,
}

/// Something to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    Dial,
    HangUp,
    Send(ClientMessage),
    /// Find out whether the server asks for a sign-in.
    AskWhy,
    /// The address is this now; a new entry of the history, or the old one changed.
    Address {
        text: String,
        push: bool,
    },
    Title(String),
    /// The icon tells of errors, or of none.
    Icon(Mood),
    /// To the clipboard, as it is.
    CopyText(String),
    /// To the clipboard, after the page's own origin.
    CopyAddress(String),
    /// To the clipboard: the first, the page's own origin, the second.
    CopyAround(String, String),
    /// A file of that name, of that text.
    Download {
        name: String,
        text: String,
    },
    /// To be kept by this browser under that name.
    Keep(Keep, String),
    /// Find out which word is meant.
    AskWord,
    /// Characters to the right.
    Columns(i32),
    Theme(Theme),
    Reload,
}

/// What the page's icon tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Calm,
    Alert,
}

/// What lies over the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Panel {
    #[default]
    None,
    /// The sources, where there is no room for them beside the lines.
    Drawer,
    Help,
    Palette,
    Marks,
}

/// What a browser keeps for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// How lines are drawn.
    Shape,
    Marks,
}

impl Keep {
    pub(crate) const ALL: [Self; 2] = [Self::Shape, Self::Marks];

    /// The name it is kept under.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Marks => "marks",
        }
    }
}

/// As what chosen lines are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copying {
    Lines,
    Link,
    /// A command that fetches them.
    Curl,
    /// A command that prints them where the log lies.
    Tail,
}
