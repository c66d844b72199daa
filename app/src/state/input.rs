//! What can happen to the page, and what it can decide to do: the whole traffic between the state
//! and the browser.

use tailwater_protocol::{ClientMessage, LogName, Order, Position, ServerMessage};

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
    Filter(String),
    /// What stands in the field for what is looked for.
    Find(String),
    /// The field is put away, and nothing looked for.
    FindClose,
    Toggle(String),
    Panel(Panel),
    Theme,
    /// Tell the command that writes the log.
    Order(Order),
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
    /// To the clipboard, as it is.
    CopyText(String),
    /// To the clipboard, after the page's own origin.
    CopyAddress(String),
    /// Characters to the right.
    Columns(i32),
    Theme(Theme),
    Reload,
}

/// What lies over the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Panel {
    #[default]
    None,
    /// The sources, where there is no room for them beside the lines.
    Drawer,
    Help,
}
