//! Every word that the page says, in one place, so that another language is another such module.

use tailwater_protocol::{
    Began, Chip, Details, Direction, Ending as How, Grave, Level, Lines, LogState, Loss, Number,
    Order, Source, Tally,
};

use crate::boot::Theme;
use crate::state::clock::{Clock, Moment};
use crate::state::connection::Ending;
use crate::state::filter::Kind;
use crate::state::keys::{About, Action};
use crate::state::list::Line;
use crate::state::seam::Notice;
use crate::state::shape::{Beside, Fold, Why};
use crate::state::status::{Condition, Empty, Status, looked_through};
use crate::state::view::View;
use crate::state::view::cursor::Chosen;

pub(crate) const PRODUCT: &str = "tailwater";
pub(crate) const SOURCES: &str = "Sources";
pub(crate) const FILTER: &str = "Filter sources";
pub(crate) const NO_FIT: &str = "No source fits the filter.";
pub(crate) const LINES: &str = "Lines";
pub(crate) const FOLLOW: &str = "Follow";
pub(crate) const FOLLOWING: &str = "Following";
pub(crate) const THEME: &str = "Theme";
pub(crate) const HELP: &str = "Keys";
pub(crate) const FIND: &str = "Find";
pub(crate) const FIND_KEY: &str = "Find (/)";
pub(crate) const FIND_HINT: &str = "Find: words, \"a phrase\", /regex/, level:error";
pub(crate) const FIND_CLOSE: &str = "Close the search (Esc)";
pub(crate) const NEXT_HIT: &str = "Next hit (n, Enter)";
pub(crate) const PREVIOUS_HIT: &str = "Previous hit (N, Shift-Enter)";
pub(crate) const SEARCHED: &str = "Searched";
pub(crate) const NARROW: &str = "Show only";
pub(crate) const NARROW_KEY: &str = "Show only lines that match (&)";
pub(crate) const NARROW_HINT: &str = "Show only: words, /regex/, status>=500; !… hides";
pub(crate) const HIDE_HINT: &str = "Hide lines with…";
pub(crate) const NARROW_CLOSE: &str = "Show all lines, remove the filter";
pub(crate) const NARROW_SWITCH: &str = "Filter on or off (x)";
pub(crate) const NARROWED: &str = "Looked through";
pub(crate) const HIDING: &str = "not";
pub(crate) const LEVELS: &str = "Level and worse";
pub(crate) const SINCE: &str = "From";
pub(crate) const UNTIL: &str = "To";
pub(crate) const SPAN: &str = "Time range";
pub(crate) const SPAN_ANY: &str = "any time";
pub(crate) const SPAN_OTHER: &str = "from … to …";
pub(crate) const SPANS: [(&str, &str); 4] =
    [("-15m", "last 15 min"), ("-1h", "last hour"), ("-24h", "last 24 h"), ("-7d", "last 7 days")];
pub(crate) const TIME_HINT: &str = "10:30, 2026-11-21, -15m";
pub(crate) const CONTEXT: &str = "Lines around each";
pub(crate) const NOTHING_ALIKE: &str = "that line has nothing by which to know its like";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const MENU: &str = "Sources";
pub(crate) const RELOAD: &str = "Reload";
pub(crate) const RETRY: &str = "Try now";
pub(crate) const RULER: &str = "Place in the log";
pub(crate) const STATUS: &str = "Status";
pub(crate) const COUNTS: &str = "A number before a key is a count: 20j, 50G, 75%.";
pub(crate) const ENCODING: &str = "UTF-8";
pub(crate) const ENCODING_BROKEN: &str = "UTF-8, broken";
pub(crate) const LINK_COPIED: &str = "link copied";
pub(crate) const LINE_COPIED: &str = "line copied";
pub(crate) const STDERR: &str = "err";
const NOTHING_WRITTEN: &str = "It has written nothing yet.";
pub(crate) const DETAILS: &str = "Details";
pub(crate) const DETAILS_CLOSE: &str = "Close the details (Esc)";
pub(crate) const SHOW_AS: &str = "Show as";
pub(crate) const FIELDS: &str = "Fields";
pub(crate) const JSON: &str = "JSON";
pub(crate) const TEXT: &str = "Text";
pub(crate) const BYTES: &str = "Bytes";
pub(crate) const COPY: &str = "Copy";
pub(crate) const COMMANDS: &str = "Commands";
pub(crate) const COMMANDS_KEY: &str = "Commands (: or Ctrl-K)";
pub(crate) const NOTHING_FITS: &str = "Nothing fits.";
pub(crate) const OPEN: &str = "open ";
pub(crate) const MARKS: &str = "Marks";
pub(crate) const NOTE: &str = "Note";
pub(crate) const UNMARK: &str = "Unmark";
pub(crate) const UNMARK_ALL: &str = "Unmark all";
pub(crate) const COPY_ALL: &str = "Copy all";
pub(crate) const DOWNLOAD: &str = "Download";
pub(crate) const CHOSEN: &str = "Chosen lines";
pub(crate) const LINK: &str = "Link";
pub(crate) const AS_CURL: &str = "as curl";
pub(crate) const AS_TAIL: &str = "as tail";
pub(crate) const LET_GO: &str = "Let go (Esc)";
pub(crate) const TIMELINE: &str = "Timeline";
pub(crate) const NO_TIMES: &str = "These lines say nothing of time.";
pub(crate) const WRAP: &str = "wrap";
pub(crate) const WRAP_KEY: &str = "Wrap long lines (S)";
pub(crate) const TIMES: &str = "Times beside the lines";
pub(crate) const COPIED: &str = "copied";
pub(crate) const COMMAND_COPIED: &str = "command copied";
pub(crate) const NO_MARKS: &str = "no line is marked: m marks one";
pub(crate) const NOT_LOADED: &str = "go to the lines first";
pub(crate) const NOT_COUNTED: &str = "the lines are not counted yet";
pub(crate) const NO_WORD: &str = "select a word, or click one, first";
pub(crate) const NEWER: &str = "The server runs a newer build of this page.";
#[cfg(feature = "ssr")]
pub(crate) const SIGN_IN_HOW: &str = "Enter the key that tailwater printed when it started.";
#[cfg(feature = "ssr")]
pub(crate) const SIGN_IN_NAMED: &str = "Enter your name and password. With the key that tailwater printed when it started, leave the name empty.";
#[cfg(feature = "ssr")]
pub(crate) const NAME: &str = "Name";
#[cfg(feature = "ssr")]
pub(crate) const PASSWORD: &str = "Password, or key";
#[cfg(feature = "ssr")]
pub(crate) const KEY: &str = "Key";
#[cfg(feature = "ssr")]
pub(crate) const TO_THE_SOURCES: &str = "To the sources";
pub(crate) const SIGN_IN: &str = "Sign in";

/// Between groups of digits.
const GROUP: char = '\u{2009}';

/// The title of a page about `what`.
pub(crate) fn title(what: Option<&str>) -> String {
    match what {
        Some(what) => [what, " · ", PRODUCT].concat(),
        None => PRODUCT.to_owned(),
    }
}

/// The same, with the errors that came while nobody looked.
pub(crate) fn title_of(what: Option<&str>, errors: u64) -> String {
    let title = title(what);
    if errors == 0 { title } else { ["(", &number(errors), ") ", &title].concat() }
}

/// What is said of a source on its row: `+312`, and how many errors are among it.
pub(crate) fn unread(passed: Tally) -> Option<String> {
    (passed.lines > 0).then(|| "+".to_owned() + &short(passed.lines))
}

/// `950`, `12k`, `3.4M`: where there is no room for more.
pub(crate) fn short(n: u64) -> String {
    let (scale, unit) = match n {
        0..10_000 => return n.to_string(),
        10_000..1_000_000 => (1000, "k"),
        _ => (1_000_000, "M"),
    };
    (n / scale).to_string() + unit
}

pub(crate) fn unread_errors(passed: Tally) -> Option<String> {
    (passed.errors > 0).then(|| short(passed.errors) + " err")
}

pub(crate) fn unread_warnings(passed: Tally) -> Option<String> {
    (passed.errors == 0 && passed.warnings > 0).then(|| short(passed.warnings) + " warn")
}

/// All that is known of a source: `41.0 MB · written 3 minutes ago`.
pub(crate) fn source_facts(source: &Source, clock: &Clock, now: u64) -> String {
    let mut facts = [source.name.as_str(), "\n", &bytes(source.bytes)].concat();
    if let Some(written) = source.written {
        facts.push_str(" · written ");
        facts.push_str(&ago(written, clock.wall(now)));
    }
    facts
}

/// `1 234 567`.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(GROUP);
        }
        text.push(digit);
    }
    text
}

/// `1.8 GB`: powers of ten, as `ls --si` and disks have it; in whole numbers throughout, because
/// the machinery that prints fractions weighs more than this page's pictures.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = [" kB", " MB", " GB", " TB", " PB", " EB"];
    if n < 1000 {
        return n.to_string() + " B";
    }
    let mut scale = 1000_u64;
    for (unit, name) in UNITS.iter().enumerate() {
        let tenths = n.saturating_add(scale / 20) / (scale / 10);
        let whole = n.saturating_add(scale / 2) / scale;
        if tenths < 1000 {
            return [&(tenths / 10).to_string(), ".", &(tenths % 10).to_string(), name].concat();
        }
        if whole < 1000 || unit + 1 == UNITS.len() {
            return whole.to_string() + name;
        }
        scale *= 1000;
    }
    String::new()
}

/// `1 line`, `12 041 lines`.
pub(crate) fn lines(n: u64) -> String {
    number(n) + if n == 1 { " line" } else { " lines" }
}

/// The number of a line, as the gutter has it.
pub(crate) fn line_number(n: Number) -> String {
    match n {
        Number::Exact(n) | Number::Estimate(n) => number(n),
        Number::Unknown => String::new(),
    }
}

/// `312 new, 4 errors`.
pub(crate) fn news(passed: Tally) -> String {
    let mut text = number(passed.lines) + " new";
    if passed.errors > 0 {
        text.push_str(", ");
        text.push_str(&number(passed.errors));
        text.push_str(if passed.errors == 1 { " error" } else { " errors" });
    }
    text
}

pub(crate) fn caught_up(passed: Tally) -> String {
    "caught up ".to_owned() + &lines(passed.lines)
}

/// `3 days ago`.
pub(crate) fn ago(then: u64, now: u64) -> String {
    let seconds = now.saturating_sub(then) / 1000;
    let (n, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" })
}

/// `10:31:07`, with the day before it when that is not today.
pub(crate) fn time(clock: &Clock, at: u64, now: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Moment { year, month, day, hour, minute, second } = clock.local(at);
    let today = clock.local(clock.wall(now));
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if (year, month, day) == (today.year, today.month, today.day) {
        return time;
    }
    let month = MONTHS[usize::from(month.clamp(1, 12)) - 1];
    if year == today.year {
        format!("{day} {month} {time}")
    } else {
        format!("{day} {month} {year} {time}")
    }
}

/// A notice between rows.
pub(crate) fn notice(notice: &Notice, clock: &Clock, now: u64) -> String {
    match notice {
        Notice::Began { began, since, previous, .. } => {
            let what = match began {
                Began::Found => "found",
                Began::Appeared => "appeared",
                Began::Rotated => "rotated",
                Began::Truncated => "truncated",
                Began::Recreated => "deleted and created anew",
                Began::Started => "started",
            };
            let mut text = [what, " ", &time(clock, *since, now)].concat();
            if let Some(previous) = previous {
                text.push_str(" · previous file ");
                text.push_str(previous);
            }
            text
        }
        Notice::Lost { loss, .. } => match loss {
            Loss::Truncated(n) => bytes(*n) + " lost: the file was cut short and no copy was found",
            Loss::Deleted(n) => bytes(*n) + " gone: the file was deleted",
            Loss::LetGo(n) => bytes(*n) + " let go: too many earlier files to keep open",
            Loss::Unknown => "what came before this is not known".to_owned(),
            Loss::Damaged(damage) => format!("can't be read any further: {damage}"),
            Loss::Full(n) => bytes(*n) + " lost: no room on the server's disk",
        },
        Notice::Over { ended, .. } => [&over(ended.how), " ", &time(clock, ended.at, now)].concat(),
        Notice::Deleted { since, .. } => {
            ["deleted ", &time(clock, *since, now), ", still readable until closed"].concat()
        }
        Notice::Silence { nanos, .. } => "silence · ".to_owned() + &pause(*nanos),
        Notice::Here { passed, .. } => {
            let mut text = "you were here · ".to_owned() + &number(passed.lines) + " new";
            if passed.errors > 0 {
                text.push_str(" · ");
                text.push_str(&number(passed.errors));
                text.push_str(if passed.errors == 1 { " error" } else { " errors" });
            }
            text
        }
    }
}

/// `ended (exit 1)`.
fn over(how: How) -> String {
    "ended".to_owned() + &outcome(how)
}

/// ` (exit 1)`: with what something ended, if there is more to say than that it did.
fn outcome(how: How) -> String {
    match how {
        How::Closed => String::new(),
        How::Exited(code) => [" (exit ", &code.to_string(), ")"].concat(),
        How::Killed(signal) => match signal_name(signal) {
            Some(name) => [" (", name, ")"].concat(),
            None => [" (signal ", &signal.to_string(), ")"].concat(),
        },
        How::Failed => " (not started)".to_owned(),
        How::Broken => " (cut off: tailwater ended)".to_owned(),
    }
}

/// What a signal is called by who knows it.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// What the button says by which a command is told.
pub(crate) fn order(order: Order) -> &'static str {
    match order {
        Order::Start => "Start",
        Order::Stop => "Stop",
        Order::Restart => "Restart",
    }
}

/// What the status bar calls a condition.
pub(crate) fn condition(condition: &Condition) -> String {
    match condition {
        Condition::None => "READY".to_owned(),
        Condition::Connecting => "CONNECTING".to_owned(),
        Condition::Reconnecting { seconds } => format!("RECONNECTING {seconds} s"),
        Condition::Ended(Ending::Reload) => "RELOAD NEEDED".to_owned(),
        Condition::Ended(Ending::Login) => "SIGNED OUT".to_owned(),
        Condition::Live => "LIVE".to_owned(),
        Condition::Paused { new } => ["PAUSED ", &number(*new), " new"].concat(),
        Condition::CatchingUp => "CATCHING UP".to_owned(),
        Condition::Polling(reason) => ["POLLING (", reason, ")"].concat(),
        Condition::Waiting => "WAITING".to_owned(),
        Condition::Deleted(_) => "DELETED".to_owned(),
        Condition::Unreadable => "NOT READABLE".to_owned(),
        Condition::Over(how) => ["ENDED", &outcome(*how)].concat(),
    }
}

/// What stands where lines would be: a heading, and what to know about it.
pub(crate) fn empty(empty: &Empty, clock: &Clock, now: u64) -> (String, String) {
    let (heading, text) = match empty {
        Empty::Loading => ("Reading the end of the log", String::new()),
        Empty::Welcome => ("No log is open", "Choose a source to read it live.".to_owned()),
        Empty::NoSources => (
            "Nothing to read yet",
            "No source is known. Name files, quoted globs or directories on the command line; \
             what they come to match shows up here by itself."
                .to_owned(),
        ),
        Empty::NoBytes { written } => {
            let written = written.map(|then| ago(then, clock.wall(now)));
            let written = written.map(|ago| ["last written ", &ago, ", "].concat());
            return (
                ["0 bytes, ", &written.unwrap_or_default(), "waiting"].concat(),
                "Lines appear here as soon as they are written.".to_owned(),
            );
        }
        Empty::Waiting => (
            "Waiting for it to appear",
            "The file is not there yet. It is opened as soon as it is.".to_owned(),
        ),
        Empty::Deleted(since) => {
            return (
                "deleted ".to_owned() + &time(clock, *since, now),
                "If a file of that name appears, it is followed.".to_owned(),
            );
        }
        Empty::Unreadable { reason, .. } => {
            return ("Cannot be read: ".to_owned() + reason, String::new());
        }
        Empty::Cleared => (
            "Cleared",
            "New lines show up here. The log is as it was: g shows all of it again.".to_owned(),
        ),
        Empty::Refused(reason) => return (reason.clone(), String::new()),
        Empty::Over(how) => return (over(*how), NOTHING_WRITTEN.to_owned()),
        Empty::NoMatch { lines: of, took } => {
            let heading = match of {
                Lines::Exact(n) => ["no line of ", &number(*n), " matches"].concat(),
                Lines::Estimate(_) => "no line matches".to_owned(),
            };
            let took = took.map(|took| [", ", &duration(took)].concat()).unwrap_or_default();
            return (heading, ["whole log", &took, ". New lines that match appear here."].concat());
        }
        Empty::Looking { percent } => {
            ("none in the part looked at so far", [&percent.to_string(), " % of the log"].concat())
        }
    };
    (heading.to_owned(), text)
}

pub(crate) const REMEDY: &str = "This mends it:";
pub(crate) const NO_SUCH_LOG: &str = "No log of that name is offered";
pub(crate) const TOO_MANY: &str = "The server takes no more requests of this page";

/// What is said of a search: `3 of 1 204`, `1 204 so far`, `no hit in 10 482 113 lines`.
pub(crate) fn found(view: &View) -> String {
    let find = view.find();
    let Some(progress) = find.progress() else { return String::new() };
    let hits = number(progress.hits);
    if progress.hits == 0 {
        return match view.outline().lines() {
            Lines::Exact(n) if progress.complete => "no hit in ".to_owned() + &lines(n),
            _ if progress.complete => "no hit in the whole log".to_owned(),
            _ => "none so far".to_owned(),
        };
    }
    let mut text = match (find.ordinal(), progress.complete) {
        (Some(nth), true) => [&number(nth), " of ", &hits].concat(),
        (Some(nth), false) => [&number(nth), " of ", &hits, " so far"].concat(),
        (None, true) => hits + if progress.hits == 1 { " hit" } else { " hits" },
        (None, false) => hits + " so far",
    };
    match find.nothing() {
        Some(Direction::Forward) => text.push_str(" · none below"),
        Some(Direction::Backward) => text.push_str(" · none above"),
        None => {}
    }
    text
}

/// How many percent of the log were searched, while the search is under way.
pub(crate) fn searched(view: &View) -> Option<u64> {
    let progress = view.find().progress().filter(|progress| !progress.complete)?;
    Some(progress.searched.saturating_mul(100) / progress.bytes.max(1))
}

/// What is said of a filter: `1 204 of 10 482 113 lines`, `12 so far`, `none so far`.
pub(crate) fn picked(view: &View) -> String {
    let filters = view.filters();
    if let Some(why) = filters.failed() {
        return why.to_owned();
    }
    let Some(progress) = filters.progress() else { return String::new() };
    let hits = number(progress.hits);
    match (progress.complete, view.outline().lines()) {
        (false, _) if progress.hits == 0 => "none so far".to_owned(),
        (false, _) => hits + " so far",
        (true, Lines::Exact(n)) => [&hits, " of ", &lines(n)].concat(),
        (true, Lines::Estimate(_)) => lines(progress.hits),
    }
}

/// How many percent of the log were looked through for the filter, while that is under way.
pub(crate) fn narrowed(view: &View) -> Option<u64> {
    let under_way = view.filters().progress().is_some_and(|progress| !progress.complete);
    under_way.then(|| looked_through(view))
}

/// `2.1 s`, `40 ms`.
pub(crate) fn duration(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        return number(milliseconds) + " ms";
    }
    let tenths = milliseconds / 100;
    [&number(tenths / 10), ".", &(tenths % 10).to_string(), " s"].concat()
}

/// What is wrong with a part of a filter that has no text of its own to be shown.
pub(crate) fn chip(at: Chip) -> &'static str {
    match at {
        Chip::Include(_) | Chip::Exclude(_) | Chip::Level | Chip::Whole => "",
        Chip::Since => "from ",
        Chip::Until => "to ",
    }
}

/// What a chip says of itself to who hears it.
pub(crate) fn chip_label(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Only => ["Show only: ", text].concat(),
        Kind::Hide => ["Hide: ", text].concat(),
    }
}

pub(crate) fn chip_remove(text: &str) -> String {
    ["Remove ", text].concat()
}

/// The pill: what is new below, or only the way there.
pub(crate) fn pill(passed: Tally) -> String {
    if passed.lines == 0 { "to the end".to_owned() } else { news(passed) }
}

/// How the conditions are told apart by the style sheet and by those who listen: no numbers, which
/// change too often to be read aloud.
pub(crate) fn kind(condition: &Condition) -> &'static str {
    match condition {
        Condition::None => "ready",
        Condition::Connecting => "connecting",
        Condition::Reconnecting { .. } => "reconnecting",
        Condition::Ended(_) => "ended",
        Condition::Live => "live",
        Condition::Paused { .. } => "paused",
        Condition::CatchingUp => "catching up",
        Condition::Polling(_) => "polling",
        Condition::Waiting => "waiting",
        Condition::Deleted(_) => "deleted",
        Condition::Unreadable => "not readable",
        Condition::Over(_) => "over",
    }
}

pub(crate) fn lag(milliseconds: u32) -> String {
    if milliseconds < 10_000 {
        number(milliseconds.into()) + " ms"
    } else {
        number((milliseconds / 1000).into()) + " s"
    }
}

pub(crate) fn rate(lines: u64) -> String {
    number(lines) + " lines/s"
}

/// What was lost for good; always said, so that nothing is only hoped.
pub(crate) fn dropped(lost: u64) -> String {
    if lost == 0 { "0 dropped".to_owned() } else { bytes(lost) + " dropped" }
}

/// `line 481 993 · 46 %`.
pub(crate) fn place(status: &Status) -> String {
    let mut text = match status.line {
        Some(Number::Exact(n)) => "line ".to_owned() + &number(n),
        Some(Number::Estimate(n)) => "line ~".to_owned() + &number(n),
        Some(Number::Unknown) | None => String::new(),
    };
    if let Some(percent) = status.percent {
        if !text.is_empty() {
            text.push_str(" · ");
        }
        text.push_str(&percent.to_string());
        text.push_str(" %");
    }
    text
}

/// What a group of keys is about.
pub(crate) fn about(about: About) -> &'static str {
    match about {
        About::Moving => "Moving",
        About::Finding => "Finding",
        About::Reading => "Reading",
        About::Keeping => "Marks and copies",
        About::Page => "Page",
    }
}

pub(crate) fn palette_hint(time: bool) -> &'static str {
    if time {
        "10:32, 15 min ago, 2026-11-21T10:32:07Z"
    } else {
        "a command, a source, 50, 75%, 10:32"
    }
}

/// What an entry of the palette is called.
pub(crate) fn entry(action: Action, name: &str) -> String {
    match action {
        Action::Line(line) => "to line ".to_owned() + &number(line),
        Action::Percent(percent) => ["to ", &percent.to_string(), " %"].concat(),
        _ => name.to_owned(),
    }
}

pub(crate) fn to_time(at: i64, clock: &Clock, now: u64) -> String {
    "to ".to_owned() + &instant(at, clock, now)
}

/// `10:31:07.250`, with its day when that is not today; `at` in nanoseconds since 1970.
pub(crate) fn instant(at: i64, clock: &Clock, now: u64) -> String {
    let millis = u64::try_from(at / 1_000_000).unwrap_or(0);
    let mut text = time(clock, millis, now);
    let rest = millis % 1000;
    if rest > 0 {
        text.push('.');
        text.push_str(&three(rest));
    }
    text
}

/// `10:31:07.250`.
pub(crate) fn time_of_day(at: i64, clock: &Clock) -> String {
    let millis = u64::try_from(at / 1_000_000).unwrap_or(0);
    let Moment { hour, minute, second, .. } = clock.local(millis);
    format!("{hour:02}:{minute:02}:{second:02}.{}", three(millis % 1000))
}

fn three(n: u64) -> String {
    let digits = n.to_string();
    ["000".get(digits.len().min(3)..).unwrap_or_default(), &digits].concat()
}

/// `+12 ms`, `+3.4 s`, `+2 min 5 s`: since the line before.
pub(crate) fn delta(nanos: i64) -> String {
    let sign = if nanos < 0 { "\u{2212}" } else { "+" };
    let micros = nanos.unsigned_abs() / 1000;
    let size = match micros {
        0 => "0".to_owned(),
        1..1000 => micros.to_string() + " µs",
        1000..1_000_000 => (micros / 1000).to_string() + " ms",
        1_000_000..60_000_000 => {
            let tenths = micros / 100_000;
            [&(tenths / 10).to_string(), ".", &(tenths % 10).to_string(), " s"].concat()
        }
        _ => pause(nanos),
    };
    [sign, &size].concat()
}

/// What stands beside the lines, as its switch says it.
pub(crate) fn beside(beside: Beside) -> &'static str {
    match beside {
        Beside::Nothing => "times",
        Beside::Delta => "since",
        Beside::Local => "local",
        Beside::Utc => "UTC",
    }
}

/// The row that stands for lines.
pub(crate) fn fold(fold: &Fold) -> String {
    let count = number(fold.lines.into());
    match (fold.why, fold.open) {
        (Why::Within, false) => count + " more lines",
        (Why::Within, true) => count + " lines",
        (Why::Same, false) => ["\u{d7} ", &count, " the same"].concat(),
        (Why::Same, true) => count + " the same",
    }
}

pub(crate) fn hits_within(hits: u32) -> String {
    number(hits.into()) + if hits == 1 { " hit" } else { " hits" }
}

/// How much is chosen.
pub(crate) fn chosen(chosen: Chosen) -> String {
    match chosen.lines() {
        Some(count) => lines(count),
        None => "lines".to_owned(),
    }
}

/// What is known of a line beside its text.
pub(crate) fn facts(said: &Details, clock: &Clock, now: u64) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(at) = said.time {
        facts.push(("Time", instant(at, clock, now)));
        facts.push(("UTC", utc(at, clock)));
    }
    let level = match said.level {
        Level::None => "",
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warning",
        Level::Error => "error",
        Level::Fatal => "fatal",
    };
    if !level.is_empty() {
        facts.push(("Level", level.to_owned()));
    }
    facts.push(("Position", said.at.to_string()));
    facts.push(("Length", bytes(said.length)));
    facts
}

/// `2026-11-21T10:31:07.250Z`.
fn utc(at: i64, clock: &Clock) -> String {
    let millis = u64::try_from(at / 1_000_000).unwrap_or(0);
    let Moment { year, month, day, .. } = clock.utc().local(millis);
    format!("{year}-{month:02}-{day:02}T{}Z", time_of_day(at, &clock.utc()))
}

pub(crate) fn more_of_line(left: u64) -> String {
    bytes(left) + " more of this line are not shown"
}

/// `14 min 2 s`: how long nothing was written.
pub(crate) fn pause(nanos: i64) -> String {
    let seconds = nanos.unsigned_abs() / 1_000_000_000;
    let parts = [(86_400, " d"), (3600, " h"), (60, " min"), (1, " s")];
    let first = parts.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let mut text = String::new();
    for (index, (unit, name)) in parts.iter().enumerate().skip(first).take(2) {
        let whole = index.checked_sub(1).filter(|_| index > first).and_then(|at| parts.get(at));
        let count = whole.map_or(seconds, |(larger, _)| seconds % larger) / unit;
        if count > 0 || index == first {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&count.to_string());
            text.push_str(name);
        }
    }
    text
}

/// What came of looking for an error or a warning that is not there.
pub(crate) fn no_grave(grave: Grave, direction: Direction) -> &'static str {
    match (grave, direction) {
        (Grave::Errors, Direction::Forward) => "no error below",
        (Grave::Errors, Direction::Backward) => "no error above",
        (Grave::Warnings, Direction::Forward) => "no warning below",
        (Grave::Warnings, Direction::Backward) => "no warning above",
    }
}

pub(crate) fn no_mark(step: i32) -> &'static str {
    if step > 0 { "no mark below" } else { "no mark above" }
}

pub(crate) fn marked(marked: bool) -> &'static str {
    if marked { "marked" } else { "mark taken away" }
}

/// `12 lines copied`, and what of them was not.
pub(crate) fn taken(count: u64, left: u64, copied: bool) -> String {
    let done = if copied { " copied" } else { " downloaded" };
    let mut text = lines(count) + done;
    if left > 0 {
        text.push_str(", ");
        text.push_str(&bytes(left));
        text.push_str(" left out: too much for one piece");
    }
    text
}

/// How large the log of `view` is: `1.8 GB · 10 482 113 lines`.
pub(crate) fn size(view: Option<&View>) -> String {
    let Some(outline) = view.map(View::outline).filter(|outline| !outline.spans.is_empty()) else {
        return String::new();
    };
    let about = match outline.lines() {
        Lines::Exact(n) => lines(n),
        Lines::Estimate(n) => "~".to_owned() + &lines(n),
    };
    [&bytes(outline.bytes()), " · ", &about].concat()
}

/// What the switch says of the theme.
pub(crate) fn theme(theme: Theme) -> String {
    let is = match theme {
        Theme::System => "as the system",
        Theme::Light => "light",
        Theme::Dark => "dark",
        Theme::Contrast => "high contrast",
    };
    [THEME, ": ", is].concat()
}

pub(crate) fn more(n: u64) -> String {
    number(n) + " more: filter to find them"
}

/// The badges of a line, each with its explanation.
pub(crate) fn badges(line: &Line) -> Vec<(String, &'static str)> {
    let mut badges = Vec::new();
    if line.nuls > 0 {
        badges.push((number(line.nuls) + " NUL", "NUL bytes before the text, not shown"));
    }
    if line.invalid > 0 {
        badges.push((number(line.invalid.into()) + " invalid", "bytes that are no UTF-8"));
    }
    if line.cut > 0 {
        badges.push(("+".to_owned() + &bytes(line.cut), "more of this line, not shown"));
    }
    if line.stderr {
        badges.push((STDERR.to_owned(), "written to standard error"));
    }
    if line.unfinished {
        badges.push(("…".to_owned(), "no end of line yet"));
    }
    badges
}

/// Why a source of the list cannot be read, or what else is special about it.
pub(crate) fn source_note(state: &LogState) -> Option<String> {
    match state {
        LogState::Live => None,
        LogState::Polling(reason) => Some("polled: ".to_owned() + reason),
        LogState::Waiting => Some("not there yet".to_owned()),
        LogState::Deleted(_) => Some("deleted".to_owned()),
        LogState::Unreadable { reason, .. } => Some(reason.clone()),
        LogState::Ended(ended) => Some(over(ended.how)),
    }
}

/// The name of a source's condition, for those who do not see its dot.
pub(crate) fn source_state(state: &LogState) -> &'static str {
    match state {
        LogState::Live => "live",
        LogState::Polling(_) => "polling",
        LogState::Waiting => "waiting",
        LogState::Deleted(_) => "deleted",
        LogState::Unreadable { .. } => "unreadable",
        LogState::Ended(_) => "ended",
    }
}

/// The banner for an ending, and what its button says.
pub(crate) fn ending(ending: Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Reload => ("The server speaks a newer version than this page.", RELOAD),
        Ending::Login => ("You are signed out.", SIGN_IN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (n, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (18_900_000, "18.9 MB"),
            (1_840_000_000, "1.8 GB"),
            (999_499, "999 kB"),
            (999_999, "1.0 MB"),
            (99_960, "100 kB"),
            (7_765_833, "7.8 MB"),
            (100_000_000_000, "100 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(481_993), "481\u{2009}993");
        assert_eq!(number(12), "12");
        assert_eq!(lines(1), "1 line");
        assert_eq!(news(Tally { lines: 312, errors: 4, ..Tally::default() }), "312 new, 4 errors");
    }

    #[test]
    fn pauses_and_deltas_are_short() {
        const MS: i64 = 1_000_000;
        assert_eq!(pause(842_000 * MS), "14 min 2 s");
        assert_eq!(pause(3_600_000 * MS), "1 h");
        assert_eq!(pause(90_061_000 * MS), "1 d 1 h");
        for (nanos, text) in [
            (0, "+0"),
            (7_000, "+7 µs"),
            (12 * MS, "+12 ms"),
            (3_450 * MS, "+3.4 s"),
            (-5 * MS, "\u{2212}5 ms"),
            (125_000 * MS, "+2 min 5 s"),
        ] {
            assert_eq!(delta(nanos), text);
        }
        let clock = Clock::default();
        assert_eq!(time_of_day(1_795_257_127_005_000_000, &clock), "10:32:07.005");
        assert_eq!(utc(1_795_257_127_050_000_000, &clock), "2026-11-21T10:32:07.050Z");
    }

    #[test]
    fn ages_are_round() {
        let day = 86_400_000;
        assert_eq!(ago(0, 3 * day + 5), "3 days ago");
        assert_eq!(ago(0, 3_600_000), "1 hour ago");
        assert_eq!(ago(50, 0), "just now");
    }

    #[test]
    fn a_time_of_another_day_says_so() {
        // 2026-11-21 08:00:00 UTC, in a zone two hours ahead.
        let clock = Clock::new(1_795_248_000_000, 120, 0);
        assert_eq!(time(&clock, 1_795_248_000_000, 0), "10:00:00");
        assert_eq!(time(&clock, 1_795_248_000_000 - 86_400_000, 0), "20 Nov 10:00:00");
        assert_eq!(time(&clock, 0, 0), "1 Jan 1970 02:00:00");
    }
}
