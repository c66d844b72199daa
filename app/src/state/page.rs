//! The whole page: its connection, its sources, its view. Inputs come in with the time they came
//! at; effects go out, for `browser` to carry out in their order.
//!
//! Messages are applied when they come, not queued for a frame: applying one costs less than
//! keeping it, and what is drawn once a frame is the state, so that a hundred messages between two
//! frames are one picture. The server sends the next frame only when this one was shown.

use tailwater_protocol::{ClientMessage, LogName, ViewId};

use self::narrowing::filter_of;
use super::address::{self, Address, Place};
use super::clock::Clock;
use super::connection::{Command, Connection, Ending, Event, Phase};
use super::find::Find;
use super::input::{Effect, Input, Panel};
use super::keys::{Action, Keys, Press, Pressed};
use super::list::Landing;
use super::looks::Looks;
use super::marks::{Mark, Marks};
use super::palette::Palette;
use super::sources::Sources;
use super::status::{self, Condition, Status};
use super::view::closer::Purpose;
use super::view::{Follow, Jump, View};
use super::watches::Watches;
use crate::boot::{Boot, Theme};
use crate::text;

mod acting;
mod hearing;
mod narrowing;
pub(crate) mod reading;

/// Milliseconds after the last movement before the address is brought up to date: browsers refuse
/// more than a few changes a second.
const ADDRESS: u64 = 400;
/// Milliseconds that a note stays.
const NOTE: u64 = 6_000;
/// Characters in a row, below which lines wrap by themselves.
const NARROW: u16 = 60;
/// Milliseconds between two looks at a rate that falls.
const RATE: u64 = 500;

/// A few words that go away by themselves.
#[derive(Debug)]
struct Note {
    text: String,
    until: u64,
}

#[derive(Debug)]
pub(crate) struct Page {
    base: String,
    version: String,
    query: String,
    connection: Connection,
    sources: Sources,
    watches: Watches,
    /// Errors that the title tells of.
    titled: u64,
    view: Option<View>,
    views: u16,
    keys: Keys,
    theme: Theme,
    looks: Looks,
    marks: Marks,
    palette: Palette,
    clock: Clock,
    panel: Panel,
    note: Option<Note>,
    /// The view and number of the frame that is not acknowledged yet, and when it came.
    unshown: Option<(ViewId, u64, u64)>,
    hidden: bool,
    address: String,
    address_due: Option<u64>,
    /// The viewport, for views to come.
    size: (f64, f64),
    /// Characters that fit beside the numbers.
    columns: u16,
    /// Whether a person has said how lines are drawn.
    kept_looks: bool,
    /// How often what the tree of sources shows has changed.
    listed: u32,
    /// The time of what happens now.
    now: u64,
}

impl Page {
    pub(crate) fn new(boot: Boot) -> Self {
        let mut page = Self {
            base: boot.base,
            version: boot.version,
            query: boot.address,
            connection: Connection::new(boot.build, 1),
            sources: Sources::new(boot.sources),
            watches: Watches::default(),
            titled: 0,
            view: None,
            views: 0,
            keys: Keys::default(),
            theme: boot.theme,
            looks: Looks::default(),
            marks: Marks::default(),
            palette: Palette::default(),
            clock: Clock::default(),
            panel: Panel::None,
            note: None,
            unshown: None,
            hidden: false,
            address: String::new(),
            address_due: None,
            size: (0.0, 0.0),
            columns: 80,
            kept_looks: false,
            listed: 0,
            now: 0,
        };
        page.view = boot.log.map(|log| page.new_view(log, None));
        // The bar stands above the first lines, too: nothing moves when the page comes to live.
        let filters = page.filters(filter_of(&page.query));
        if let Some(view) = &mut page.view {
            *view.filters_mut() = filters;
        }
        page
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }
    pub(crate) fn watches(&self) -> &Watches {
        &self.watches
    }
    pub(crate) fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }
    pub(crate) fn log(&self) -> Option<&LogName> {
        self.view.as_ref().map(View::log)
    }
    pub(crate) fn theme(&self) -> Theme {
        self.theme
    }
    pub(crate) fn looks(&self) -> Looks {
        self.looks
    }
    pub(crate) fn palette(&self) -> &Palette {
        &self.palette
    }
    /// The marks of the log that is open.
    pub(crate) fn marks(&self) -> &[Mark] {
        self.log().map(|log| self.marks.of(log)).unwrap_or_default()
    }
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }
    pub(crate) fn panel(&self) -> Panel {
        self.panel
    }
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_ref().map(|note| note.text.as_str())
    }
    pub(crate) fn count(&self) -> Option<u64> {
        self.keys.pending()
    }
    /// Digits of the largest line number that may come, for the width of the gutter.
    pub(crate) fn digits(&self) -> String {
        let spans = self.view.iter().flat_map(|view| &view.outline().spans);
        let most = spans.map(|span| span.lines.number()).max().unwrap_or(0);
        digits(most).to_string()
    }
    /// The viewport's height.
    pub(crate) fn height(&self) -> f64 {
        self.size.0
    }
    /// Whether a frame waits to be shown.
    pub(crate) fn unshown(&self) -> bool {
        self.unshown.is_some()
    }
    /// Where to sign in, to come back here.
    pub(crate) fn login(&self) -> String {
        let here = self.here().print("");
        self.base.clone() + "/login?next=" + &address::encode(&here)
    }
    pub(crate) fn newer(&self) -> bool {
        self.connection.newer()
    }
    pub(crate) fn ending(&self) -> Option<Ending> {
        match self.connection.phase() {
            Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }
    pub(crate) fn status(&self, now: u64) -> Status {
        status::status(self.view.as_ref(), self.connection.phase(), now)
    }
    pub(crate) fn empty(&self) -> Option<status::Empty> {
        let source = self.log().and_then(|log| self.sources.get(log));
        let written = source.and_then(|source| source.written);
        let loading = !self.sources.known() && self.sources.is_empty();
        let empty = status::empty(self.view.as_ref(), self.sources.tree(None).total, written);
        empty.map(|empty| match empty {
            status::Empty::NoSources if loading => status::Empty::Loading,
            other => other,
        })
    }

    /// Whether the list is ready to stand where the first lines stood.
    pub(crate) fn ready(&self) -> bool {
        let view = self.view.as_ref();
        view.is_none_or(|view| {
            !view.list().is_empty() || view.state().is_some() || view.failed().is_some()
        })
    }

    /// How often what the tree of sources shows has changed: it is looked at only then.
    pub(crate) fn listed(&self) -> u32 {
        self.listed
    }

    /// When to be told that time has passed, if at all.
    pub(crate) fn wake(&self, now: u64) -> Option<u64> {
        let status = self.status(now);
        let second = matches!(status.condition, Condition::Reconnecting { .. });
        [
            self.connection.due(),
            self.watches.due(),
            self.address_due,
            self.note.as_ref().map(|note| note.until),
            (status.rate > 0).then_some(now + RATE),
            second.then_some(now + 1000),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A key: whether it is ours, and what follows from it.
    pub(crate) fn press(&mut self, press: Press<'_>, now: u64) -> (bool, Vec<Effect>) {
        // Behind a panel only that which closes it is meant.
        match self.keys.press(press) {
            Pressed::Foreign => (false, Vec::new()),
            Pressed::Pending => (true, Vec::new()),
            Pressed::Done(action) => {
                let closes = match action {
                    Action::Leave => true,
                    Action::Help => self.panel == Panel::Help,
                    Action::MarkList => self.panel == Panel::Marks,
                    Action::Palette => self.panel == Panel::Palette,
                    Action::Source(_) => self.panel == Panel::Drawer,
                    _ => false,
                };
                let meant = self.panel == Panel::None || closes;
                (meant, if meant { self.on(Input::Act(action), now) } else { Vec::new() })
            }
        }
    }

    pub(crate) fn on(&mut self, input: Input, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut out = Vec::new();
        self.now = now;
        if let Some(view) = &mut self.view {
            view.filters_mut().set_now(now);
        }
        match input {
            Input::Start { wall, zone, seed, path, query, fragment } => {
                self.clock = Clock::new(wall, zone, now);
                self.connection.seed(seed);
                self.enter(&Address::parse(&path, &query, &fragment), &mut out);
                self.address = self.here().print(&self.base);
                self.connect(Event::Start, now, &mut effects, &mut out);
            }
            Input::Opened => self.connect(Event::Opened, now, &mut effects, &mut out),
            Input::Closed(code) => {
                self.connect(Event::Closed { code }, now, &mut effects, &mut out)
            }
            Input::Message(message) => {
                self.connect(Event::Heard(&message), now, &mut effects, &mut out);
                effects.extend(self.hear(message, now, &mut out));
            }
            Input::SignedOut => self.connect(Event::SignedOut, now, &mut effects, &mut out),
            Input::Online | Input::Retry => {
                self.connect(Event::Probe, now, &mut effects, &mut out);
            }
            Input::Hidden => {
                self.hidden = true;
                if let Some(view) = &mut self.view {
                    view.hide();
                }
                // While nobody looks, what comes into the open log is news as well.
                self.watch(&mut out);
            }
            Input::Visible => {
                self.hidden = false;
                if let Some(view) = &mut self.view {
                    view.show(now);
                }
                self.watch(&mut out);
                effects.extend(self.retitle());
                self.connect(Event::Probe, now, &mut effects, &mut out);
            }
            Input::Tick => self.tick(now, &mut effects, &mut out),
            Input::Shown => self.shown(now, &mut out),
            Input::Act(action) => self.act(action, now, &mut effects, &mut out),
            Input::Resize { height, row } => {
                self.size = (height, row);
                self.with_view(|view, out| view.resize(height, row, out), &mut out);
            }
            Input::Width(columns) => {
                self.columns = columns;
                // Where hardly anything of a line fits, lines wrap until a person says otherwise.
                if !self.kept_looks && columns < NARROW {
                    self.looks.wrap = true;
                }
                self.shape_view(&mut out);
            }
            Input::Kept(keep, kept) => self.kept(keep, &kept, &mut out),
            Input::Choose(at) => self.with_view(|view, out| view.choose(at, out), &mut out),
            Input::Chosen(None) => self.with_view(|view, _| view.set_chosen(None), &mut out),
            Input::Chosen(Some(copying)) => {
                self.copy_chosen(copying, now, &mut effects, &mut out);
            }
            Input::Fold(at) => self.with_view(|view, out| view.toggle_fold(at, out), &mut out),
            Input::Word(word) => {
                let word = word.trim();
                if word.is_empty() {
                    self.say(text::NO_WORD.to_owned(), now);
                } else {
                    self.find_query(reading::phrase(word), &mut out);
                    self.act(Action::NextHit, now, &mut effects, &mut out);
                }
            }
            Input::FindQuery(query) => self.find_query(query, &mut out),
            Input::GoTo(at) => {
                self.panel = Panel::None;
                self.with_view(|view, out| view.go_to_line(at, out), &mut out);
            }
            Input::Note(at, note) => self.note_mark(at, &note, &mut effects),
            Input::Unmark(at) => self.unmark(Some(at), &mut effects),
            Input::UnmarkAll => self.unmark(None, &mut effects),
            Input::DownloadMarked => {
                let name = self.file_name();
                self.take_marked(Purpose::Download(name), now, &mut out);
            }
            Input::Copy(copied) => {
                effects.push(Effect::CopyText(copied));
                self.say(text::COPIED.to_owned(), now);
            }
            Input::Time(time) => self.go_to_time(time, &mut out),
            Input::Palette(typed) => self.palette.set(&typed),
            Input::PaletteStep(step) => {
                let entries = self.entries(now).len();
                self.palette.step(step, entries);
            }
            Input::PaletteTake(entry) => self.take_entry(entry, now, &mut effects, &mut out),
            Input::Scroll(pixels) => self.with_view(|view, out| view.scroll(pixels, out), &mut out),
            Input::Drag(fraction) => self.with_view(|view, out| view.drag(fraction, out), &mut out),
            Input::Selected => self.with_view(|view, out| view.leave(out), &mut out),
            Input::Open(log) => self.open(log, &mut effects, &mut out),
            Input::PointOut(position) => {
                self.with_view(|view, _| view.point_out(Some(position)), &mut out);
            }
            Input::Link(position) => {
                self.with_view(
                    |view, out| {
                        view.leave(out);
                        view.point_out(Some(position));
                    },
                    &mut out,
                );
                self.copy_link(position, now, &mut effects);
                let text = self.here().print(&self.base);
                self.address.clone_from(&text);
                effects.push(Effect::Address { text, push: false });
            }
            Input::Filter(filter) => {
                self.sources.set_filter(filter);
                self.listed = self.listed.wrapping_add(1);
            }
            Input::Find(text) => {
                self.with_view(|view, out| view.look_for(text, out), &mut out);
                self.keep_query();
            }
            Input::FindClose => self.close_find(&mut out),
            Input::Narrow(change) => self.narrow(change, &mut out),
            Input::Toggle(path) => {
                self.sources.toggle(&path);
                self.listed = self.listed.wrapping_add(1);
            }
            Input::Panel(panel) => {
                self.panel = if self.panel == panel { Panel::None } else { panel }
            }
            Input::Theme => self.turn_theme(&mut effects),
            Input::Went { path, query, fragment } => {
                let address = Address::parse(&path, &query, &fragment);
                let other = address.log.as_ref() != self.log();
                self.enter(&address, &mut out);
                self.address = self.here().print(&self.base);
                if other {
                    effects.push(self.title());
                }
            }
            Input::Reload => effects.push(Effect::Reload),
        }
        if self.connection.is_up() {
            self.with_view(|view, out| view.keep_up(now, out), &mut out);
        }
        self.note_address(now);
        // Before the greeting nothing may be said but the greeting; views say it all again then.
        if self.connection.is_up() {
            effects.extend(out.into_iter().map(Effect::Send));
        }
        effects
    }

    fn with_view(
        &mut self,
        change: impl FnOnce(&mut View, &mut Vec<ClientMessage>),
        out: &mut Vec<ClientMessage>,
    ) {
        if let Some(view) = &mut self.view {
            change(view, out);
        }
    }

    fn connect(
        &mut self,
        event: Event<'_>,
        now: u64,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) {
        for command in self.connection.on(event, now) {
            match command {
                Command::Dial => effects.push(Effect::Dial),
                Command::HangUp => effects.push(Effect::HangUp),
                Command::AskWhy => effects.push(Effect::AskWhy),
                Command::Send(message) => effects.push(Effect::Send(message)),
                Command::Greeted => {
                    self.unshown = None;
                    self.with_view(|view, out| view.open(out), out);
                    self.watches.begin_anew();
                }
            }
        }
    }

    fn tick(&mut self, now: u64, effects: &mut Vec<Effect>, out: &mut Vec<ClientMessage>) {
        self.connect(Event::Tick, now, effects, out);
        self.note.take_if(|note| now >= note.until);
        self.watches.tick(now, out);
        if self.address_due.take_if(|due| now >= *due).is_some() {
            let text = self.here().print(&self.base);
            self.address.clone_from(&text);
            effects.push(Effect::Address { text, push: false });
        }
    }

    fn shown(&mut self, now: u64, out: &mut Vec<ClientMessage>) {
        if self.hidden {
            return;
        }
        if let Some((view, sequence, came)) = self.unshown.take() {
            out.push(ClientMessage::Ack { view, sequence });
            let took = now.saturating_sub(came).min(u64::from(u32::MAX)) as u32;
            self.with_view(|view, _| view.shown(took), out);
        }
    }

    /// Opens `log` at its end.
    fn open(&mut self, log: LogName, effects: &mut Vec<Effect>, out: &mut Vec<ClientMessage>) {
        if self.panel == Panel::Drawer {
            self.panel = Panel::None;
        }
        if self.log() == Some(&log) {
            return;
        }
        self.enter(&Address { log: Some(log), ..Address::default() }, out);
        let text = self.here().print(&self.base);
        self.address.clone_from(&text);
        self.address_due = None;
        effects.push(Effect::Address { text, push: true });
        effects.push(self.title());
        self.watch(out);
    }

    /// Brings the view to where `address` leads.
    fn enter(&mut self, address: &Address, out: &mut Vec<ClientMessage>) {
        self.query.clone_from(&address.query);
        let jump = address.place.map(|place| Jump {
            anchor: place.anchor(),
            landing: Landing::Third,
            mark: true,
        });
        let chosen = address.place.and_then(Place::chosen);
        let sought = address::get(&address.query, "q").unwrap_or_default();
        let filter = filter_of(&address.query);
        match (&address.log, &mut self.view) {
            (Some(log), Some(view)) if view.log() == log => {
                if !sought.is_empty() {
                    view.find_mut().show();
                }
                view.look_for(sought, out);
                if view.filters_mut().put(filter) {
                    view.refit(None, out);
                }
                view.set_chosen(chosen);
                match jump {
                    Some(jump) => view.jump(jump, out),
                    None => view.follow_on(out),
                }
            }
            (log, _) => {
                self.listed = self.listed.wrapping_add(1);
                if let Some(view) = self.view.take() {
                    out.push(ClientMessage::Close { view: view.id() });
                }
                if let Some(log) = log.clone() {
                    let mut view = self.new_view(log, jump);
                    *view.find_mut() = Find::of(sought);
                    *view.filters_mut() = self.filters(filter);
                    view.set_chosen(chosen);
                    view.open(out);
                    self.view = Some(view);
                    self.mark_view();
                }
            }
        }
    }

    fn new_view(&mut self, log: LogName, jump: Option<Jump>) -> View {
        self.views = self.views.wrapping_add(1);
        let mut view = View::new(ViewId(self.views), log, jump);
        view.resize(self.size.0, self.size.1, &mut Vec::new());
        view.set_shape(self.looks.shape(self.columns), &mut Vec::new());
        view.set_timeline(self.looks.timeline);
        view
    }

    /// What the address is to say now.
    fn here(&self) -> Address {
        let Some(view) = &self.view else {
            return Address { query: self.query.clone(), ..Address::default() };
        };
        let place = match view.follow() {
            Follow::On => None,
            Follow::Off | Follow::Paused => view.address().map(Place::Position),
        };
        Address { log: Some(view.log().clone()), query: self.query.clone(), place }
    }

    fn note_address(&mut self, now: u64) {
        let moved = self.view.as_ref().is_some_and(|view| !view.jumping())
            && self.here().print(&self.base) != self.address;
        match (moved, self.address_due) {
            (true, None) => self.address_due = Some(now + ADDRESS),
            (false, Some(_)) => self.address_due = None,
            _ => {}
        }
    }

    fn say(&mut self, text: String, now: u64) {
        self.note = Some(Note { text, until: now + NOTE });
    }
}

/// Digits of `lines`, in the steps that the gutter grows by.
pub(crate) fn digits(lines: u64) -> usize {
    (lines.max(1).ilog10() as usize + 1).clamp(4, 13)
}

/// The path of a log under `base`, for links.
pub(crate) fn link(base: &str, log: &LogName) -> String {
    base.to_owned() + &address::log_path(log)
}
