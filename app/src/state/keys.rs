//! Keys and what they do: one table, from which both the page and its help are made.
//!
//! Keys of the browser are left alone: whatever is pressed with Ctrl, Alt or Meta is not ours, but
//! for Ctrl-F, whose place the page takes (pressed again in the field it is the browser's), and for
//! those of the palette and of clearing.

use tailwater_protocol::{Grave, Order};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Action {
    /// Rows down; up when negative.
    Rows(i64),
    /// Pages down.
    Pages(f64),
    /// Characters to the right.
    Columns(i32),
    Top,
    End,
    Line(u64),
    Percent(u64),
    Follow,
    Pause,
    /// Pauses at the end, else a page down.
    PauseOrPage,
    /// Sources further in the list.
    Source(i32),
    CopyLink,
    CopyLine,
    CopyMarked,
    /// Shows the field for what is looked for.
    Find,
    NextHit,
    PreviousHit,
    /// Shows the field for what is to be shown alone.
    Narrow,
    /// All filters off, or on again.
    SwitchFilters,
    /// The line among all others.
    Unfiltered,
    /// Hides lines like this one.
    HideLike,
    /// Hits further; back when negative.
    Hits(i32),
    /// Looks for the word under the cursor.
    Word,
    /// Errors or warnings further; back when negative.
    Graves(Grave, i32),
    Mark,
    /// Marks further; back when negative.
    Marks(i32),
    MarkList,
    Details,
    /// Opens or shuts what is folded at the cursor.
    Fold,
    FoldAll,
    Collapse,
    Wrap,
    Delta,
    /// Goes on to the next way of showing times beside the lines.
    Times,
    GoToTime,
    Timeline,
    /// Lets what was shown go, and keeps the log.
    Clear,
    Sidebar,
    Theme,
    Palette,
    Help,
    /// Tells the command that writes the log.
    Order(Order),
    Leave,
}

/// What an action is about: the parts of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Moving,
    Finding,
    Reading,
    Keeping,
    Page,
}

/// A line of the table.
pub(crate) struct Binding {
    pub(crate) action: Action,
    /// As the browser calls them.
    pub(crate) keys: &'static [&'static str],
    /// As the help writes them.
    pub(crate) shown: &'static str,
    pub(crate) help: &'static str,
    /// What does the same in a terminal.
    pub(crate) unix: &'static str,
    pub(crate) about: About,
}

const fn bind(
    about: About,
    action: Action,
    keys: &'static [&'static str],
    shown: &'static str,
    help: &'static str,
    unix: &'static str,
) -> Binding {
    Binding { action, keys, shown, help, unix, about }
}

use About::{Finding, Keeping, Moving, Page, Reading};

/// All keys. Numbers before them are counts: `20j`, `50G`, `75%`.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(Moving, Action::Rows(1), &["j", "ArrowDown"], "j ↓", "line down", "less: j"),
    bind(Moving, Action::Rows(-1), &["k", "ArrowUp"], "k ↑", "line up", "less: k"),
    bind(
        Moving,
        Action::PauseOrPage,
        &[" "],
        "Space",
        "page down; at the end, pause",
        "less: Space",
    ),
    bind(Moving, Action::Pages(1.0), &["PageDown"], "PgDn", "page down", "less: f"),
    bind(Moving, Action::Pages(-1.0), &["b", "PageUp"], "b PgUp", "page up", "less: b"),
    bind(Moving, Action::Pages(0.5), &["d"], "d", "half a page down", "less: d"),
    bind(Moving, Action::Pages(-0.5), &["D"], "Shift-D", "half a page up", "less: u"),
    bind(Moving, Action::Columns(-8), &["h", "ArrowLeft"], "h ←", "to the left", "less: ←"),
    bind(Moving, Action::Columns(8), &["l", "ArrowRight"], "l →", "to the right", "less: →"),
    bind(Moving, Action::Top, &["g", "Home"], "g Home", "first line", "head"),
    bind(
        Moving,
        Action::End,
        &["G", "End"],
        "G End",
        "end, and follow; 50G goes to line 50",
        "sed -n 50p",
    ),
    bind(Moving, Action::Percent(0), &["%"], "75%", "to 75 % of the log", "less: 75%"),
    bind(Moving, Action::GoToTime, &["t"], "t", "to a time", "sed -n '/10:32/,$p'"),
    bind(Moving, Action::Follow, &["F", "f"], "F f", "follow", "tail -F"),
    bind(Moving, Action::Pause, &["="], "=", "pause, go on", "Ctrl-S, Ctrl-Q"),
    bind(Moving, Action::Source(1), &["]"], "]", "next source", "less: :n"),
    bind(Moving, Action::Source(-1), &["["], "[", "previous source", "less: :p"),
    bind(Finding, Action::Find, &["/", "Ctrl-F"], "/ Ctrl-F", "find", "grep"),
    bind(
        Finding,
        Action::NextHit,
        &["n", "F3"],
        "n F3",
        "next hit; while following, the newest",
        "less: n",
    ),
    bind(Finding, Action::PreviousHit, &["N", "Shift-F3"], "N Shift-F3", "previous hit", "less: N"),
    bind(Finding, Action::Word, &["*"], "*", "find the word under the cursor", "vim: *"),
    bind(Finding, Action::Graves(Grave::Errors, 1), &["e"], "e", "next error", "grep -i error"),
    bind(
        Finding,
        Action::Graves(Grave::Errors, -1),
        &["E"],
        "E",
        "previous error",
        "tac | grep -i error",
    ),
    bind(Finding, Action::Graves(Grave::Warnings, 1), &["w"], "w", "next warning", "grep -i warn"),
    bind(
        Finding,
        Action::Graves(Grave::Warnings, -1),
        &["W"],
        "W",
        "previous warning",
        "tac | grep -i warn",
    ),
    bind(
        Finding,
        Action::Narrow,
        &["&"],
        "& &!",
        "show only lines that match; hide them",
        "grep, grep -v",
    ),
    bind(Finding, Action::SwitchFilters, &["x"], "x", "all filters off, on", ""),
    bind(Finding, Action::Unfiltered, &["o"], "o", "the line among all others", "grep -C"),
    bind(Finding, Action::HideLike, &["X"], "X", "hide lines like this one", "grep -v"),
    bind(Reading, Action::Details, &["p", "Enter"], "p Enter", "details of the line", "jq ."),
    bind(Reading, Action::Wrap, &["S"], "S", "wrap long lines", "fold, less -S"),
    bind(Reading, Action::Fold, &["z"], "z", "open or fold the event", "vim: za"),
    bind(Reading, Action::FoldAll, &["Z"], "Z", "fold stack traces, or none", "vim: zi"),
    bind(Reading, Action::Collapse, &[], "", "show repeated lines once", "uniq -c"),
    bind(Reading, Action::Delta, &["T"], "T", "time since the line before", "ts -i"),
    bind(Reading, Action::Times, &[], "", "times beside the lines: none, since, local, UTC", "ts"),
    bind(Reading, Action::Timeline, &["i"], "i", "timeline", "uniq -c"),
    bind(
        Reading,
        Action::Clear,
        &["Ctrl-Shift-L"],
        "Ctrl-Shift-L",
        "clear the view, keep the log",
        "clear",
    ),
    bind(Keeping, Action::Mark, &["m"], "m", "mark the line, or unmark it", "less: m"),
    bind(Keeping, Action::Marks(1), &["u"], "u", "next mark", "less: '"),
    bind(Keeping, Action::Marks(-1), &["U"], "U", "previous mark", "less: '"),
    bind(Keeping, Action::MarkList, &["M"], "M", "list of marks and notes", ""),
    bind(Keeping, Action::CopyLine, &["Y"], "Y", "copy the line", "sed -n 50p"),
    bind(Keeping, Action::CopyMarked, &["c"], "c", "copy the marked lines", "sed -n '7p;9p'"),
    bind(Keeping, Action::CopyLink, &["y"], "y", "copy a link to the line", ""),
    bind(
        Page,
        Action::Palette,
        &[":", "Ctrl-K"],
        ": Ctrl-K",
        "all commands; :50 goes to a line, :75% to a place",
        "less: 50g",
    ),
    bind(Page, Action::Theme, &[], "", "theme: as the system, light, dark, high contrast", ""),
    bind(Page, Action::Sidebar, &["\\"], "\\", "show or hide the sources", ""),
    bind(Page, Action::Order(Order::Start), &[], "", "start the command of this log", ""),
    bind(Page, Action::Order(Order::Stop), &[], "", "stop the command of this log", "kill"),
    bind(Page, Action::Order(Order::Restart), &[], "", "start the command anew", ""),
    bind(Page, Action::Help, &["?"], "?", "this help", "less: h"),
    bind(Page, Action::Leave, &["Escape"], "Esc", "close, let go", "q"),
];

/// A key as it was pressed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Press<'a> {
    pub(crate) key: &'a str,
    /// Ctrl, Alt or Meta was held.
    pub(crate) reserved: bool,
}

/// What has been typed of a command.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    count: Option<u64>,
}

/// What a press came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Pressed {
    /// It is not ours: the browser may have it.
    Foreign,
    /// It is part of a command.
    Pending,
    Done(Action),
}

/// Counts are held below this, which is more lines than a disk holds.
const MOST: u64 = 1 << 50;

/// Each of so many is gone to in its turn, by asking.
const MANY: u64 = 100;

impl Keys {
    pub(crate) fn press(&mut self, press: Press<'_>) -> Pressed {
        if press.reserved {
            return Pressed::Foreign;
        }
        if let [digit @ b'0'..=b'9'] = press.key.as_bytes()
            && (self.count.is_some() || *digit != b'0')
        {
            let count = self.count.unwrap_or(0).saturating_mul(10) + u64::from(digit - b'0');
            self.count = Some(count.min(MOST));
            return Pressed::Pending;
        }
        let binding = BINDINGS.iter().find(|binding| binding.keys.contains(&press.key));
        let Some(binding) = binding else {
            // A bare Shift comes before every capital letter.
            if press.key != "Shift" {
                self.count = None;
            }
            return Pressed::Foreign;
        };
        let count = self.count.take();
        match (binding.action, count) {
            (Action::Percent(_), None) => Pressed::Foreign,
            (action, count) => Pressed::Done(counted(action, count)),
        }
    }

    /// The count so far, to be shown.
    pub(crate) fn pending(&self) -> Option<u64> {
        self.count
    }
}

fn counted(action: Action, count: Option<u64>) -> Action {
    let Some(count) = count else { return action };
    let times = count.clamp(1, 1_000_000);
    match action {
        Action::Rows(rows) => Action::Rows(rows * times as i64),
        Action::Pages(pages) => Action::Pages(pages * times as f64),
        Action::PauseOrPage => Action::Pages(times as f64),
        Action::Columns(columns) => Action::Columns(columns * times.min(10_000) as i32),
        Action::Source(step) => Action::Source(step * times.min(10_000) as i32),
        Action::NextHit => Action::Hits(times.min(MANY) as i32),
        Action::PreviousHit => Action::Hits(-(times.min(MANY) as i32)),
        Action::Graves(grave, step) => Action::Graves(grave, step * times.min(MANY) as i32),
        Action::Marks(step) => Action::Marks(step * times.min(MANY) as i32),
        Action::Top | Action::End => Action::Line(count.max(1)),
        Action::Percent(_) => Action::Percent(count.min(100)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_all(keys: &[&str]) -> Pressed {
        let mut state = Keys::default();
        keys.iter().fold(Pressed::Foreign, |_, key| state.press(Press { key, reserved: false }))
    }

    #[test]
    fn counts_go_before_keys() {
        for (keys, expected) in [
            (&["2", "0", "j"][..], Action::Rows(20)),
            (&["5", "0", "Shift", "G"], Action::Line(50)),
            (&["7", "5", "%"], Action::Percent(75)),
            (&["3", "PageUp"], Action::Pages(-3.0)),
            (&["5", "x", "j"], Action::Rows(1)),
            (&["G"], Action::End),
            (&["1", "0", "g"], Action::Line(10)),
            (&["9", "9", "9", "%"], Action::Percent(100)),
            (&["3", "e"], Action::Graves(Grave::Errors, 3)),
            (&["2", "W"], Action::Graves(Grave::Warnings, -2)),
            (&["4", "n"], Action::Hits(4)),
            (&["n"], Action::NextHit),
        ] {
            assert_eq!(type_all(keys), Pressed::Done(expected), "{keys:?}");
        }
    }

    #[test]
    fn keys_of_the_browser_are_left_alone() {
        let mut keys = Keys::default();
        assert_eq!(keys.press(Press { key: "f", reserved: true }), Pressed::Foreign);
        for key in ["F5", "Tab", "0", "%", "q", "é"] {
            assert_eq!(type_all(&[key]), Pressed::Foreign, "{key}");
        }
    }

    #[test]
    fn an_absurd_count_is_held_in_bounds() {
        assert_eq!(type_all(&[&["9"; 40][..], &["G"]].concat()), Pressed::Done(Action::Line(MOST)));
        assert_eq!(
            type_all(&[&["9"; 40][..], &["k"]].concat()),
            Pressed::Done(Action::Rows(-1_000_000))
        );
    }

    #[test]
    fn no_key_stands_for_two_things() {
        let mut all: Vec<&str> =
            BINDINGS.iter().flat_map(|binding| binding.keys).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
