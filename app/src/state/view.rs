//! One view of one log: it follows or stands still, asks for the windows it comes near, and counts
//! what it does not show. It knows no socket: what it wants to say it puts into `out`.

use tailwater_protocol::{
    Anchor, Attention, Bookmark, ClientMessage, Direction, Frame, LogName, LogState, Outline,
    Position, Tally, ViewId,
};

mod asking;
pub(crate) mod closer;
pub(crate) mod cursor;
mod filtering;
mod finding;

use std::collections::HashSet;

use self::asking::Asked;
use self::closer::Closer;
use self::cursor::Chosen;
use super::filter::Filters;
use super::find::Find;
use super::list::{Edge, Landing, List, lines_of};
use super::rate::Rate;
use super::seam::Here;

/// Pixels owed at most to a reader who scrolls up faster than lines come.
const OWED: f64 = 20_000.0;

/// Whether new lines are shown as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    On,
    /// The reader is elsewhere.
    Off,
    /// The reader has frozen the picture.
    Paused,
}

/// An interruption of looking.
#[derive(Debug, Clone, Copy)]
struct Away {
    here: Here,
    /// Until when the next frame belongs to it; `None` while it lasts.
    until: Option<u64>,
}

/// Milliseconds after an interruption in which the first frame tells what was missed. A later one
/// only tells what has come since.
const RETURN: u64 = 3000;

/// A place to go to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Jump {
    pub(crate) anchor: Anchor,
    pub(crate) landing: Landing,
    /// Whether the row becomes the current one.
    pub(crate) mark: bool,
}

#[derive(Debug)]
pub(crate) struct View {
    id: ViewId,
    log: LogName,
    list: List,
    follow: Follow,
    outline: Outline,
    state: Option<LogState>,
    bookmark: Option<Bookmark>,
    /// What came while the view did not follow.
    missed: Tally,
    /// What came while nobody could look: the line was down, or the tab hidden.
    here: Option<Here>,
    away: Option<Away>,
    /// Whether the next frame is the first of a connection.
    resuming: bool,
    /// Whether the last frame went on where the one before ended.
    calm: bool,
    /// Pixels that were scrolled up beyond what is loaded.
    owed: f64,
    /// The row whose number was asked for last: never twice for the same.
    numbered: Option<Position>,
    caught_up: Option<Tally>,
    asked: Asked,
    requests: u32,
    current: Option<Position>,
    rate: Rate,
    lag: Option<u32>,
    /// The age of a frame that is not on the screen yet.
    fresh: Option<u32>,
    failed: Option<String>,
    filters: Filters,
    /// Whether what is shown is of an earlier filter.
    stale: bool,
    /// Of a filtered view: up to where the log was looked through, when that was its end.
    seen_end: Option<Position>,
    find: Find,
    /// The way in which the next hit is looked for.
    sought: Direction,
    /// How many more hits after the one that is looked for.
    more: u32,
    marked: HashSet<Position>,
    chosen: Option<Chosen>,
    /// What stands before it was let go, and is not shown.
    floor: Option<Position>,
    closer: Closer,
    /// The last request whose answer may not bear the hits of what is looked for now.
    painted: u32,
}

impl View {
    /// A view of `log` that stands at `jump`, or follows.
    pub(crate) fn new(id: ViewId, log: LogName, jump: Option<Jump>) -> Self {
        Self {
            id,
            log,
            list: List::default(),
            follow: if jump.is_some() { Follow::Off } else { Follow::On },
            outline: Outline::default(),
            state: None,
            bookmark: None,
            missed: Tally::default(),
            here: None,
            away: None,
            resuming: false,
            calm: true,
            owed: 0.0,
            numbered: None,
            caught_up: None,
            asked: Asked { next: jump, ..Asked::default() },
            requests: 0,
            current: None,
            rate: Rate::default(),
            lag: None,
            fresh: None,
            failed: None,
            filters: Filters::default(),
            stale: false,
            seen_end: None,
            find: Find::default(),
            sought: Direction::Forward,
            more: 0,
            marked: HashSet::new(),
            chosen: None,
            floor: None,
            closer: Closer::default(),
            painted: 0,
        }
    }

    pub(crate) fn id(&self) -> ViewId {
        self.id
    }
    pub(crate) fn log(&self) -> &LogName {
        &self.log
    }
    pub(crate) fn list(&self) -> &List {
        &self.list
    }
    pub(crate) fn follow(&self) -> Follow {
        self.follow
    }
    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }
    /// The log's condition; `None` until the server has said it.
    pub(crate) fn state(&self) -> Option<&LogState> {
        self.state.as_ref()
    }
    pub(crate) fn missed(&self) -> Tally {
        self.missed
    }
    pub(crate) fn lag(&self) -> Option<u32> {
        self.lag
    }
    pub(crate) fn rate(&self) -> &Rate {
        &self.rate
    }
    pub(crate) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }
    pub(crate) fn here(&self) -> Option<Here> {
        self.here.filter(|here| here.passed.lines > 0)
    }

    /// What was missed by the last interruption, once.
    pub(crate) fn take_caught_up(&mut self) -> Option<Tally> {
        self.caught_up.take()
    }

    /// The row that `y` and `Y` mean: the one pointed out, else the first in sight.
    pub(crate) fn current(&self) -> Option<Position> {
        self.current.or_else(|| self.list.top_line().map(|line| line.position))
    }

    /// Where a link to this view leads: to the row pointed out if it is in sight, else to the row
    /// that stands where a link puts its line.
    pub(crate) fn address(&self) -> Option<Position> {
        let seen = |at: &Position| self.list.sees(*at);
        self.current.filter(seen).or_else(|| self.list.third_line().map(|line| line.position))
    }

    /// Pixels from the viewport's top to the row pointed out, and its height.
    pub(crate) fn current_place(&self) -> Option<(i32, i32)> {
        let at = self.current?;
        let height = f64::from(self.list.rows_at(at)) * self.list.row_height();
        Some((self.list.y(at)?, height.round() as i32))
    }

    /// Whether the view is on its way to somewhere.
    pub(crate) fn jumping(&self) -> bool {
        self.asked.jump.is_some()
    }

    /// The last frame was on the screen `took` milliseconds after it came.
    pub(crate) fn shown(&mut self, took: u32) {
        if let Some(lag) = self.fresh.take() {
            self.lag = Some(lag.saturating_add(took));
        }
    }

    pub(crate) fn pointed_out(&self) -> Option<Position> {
        self.current
    }

    pub(crate) fn point_out(&mut self, position: Option<Position>) {
        self.current = position;
    }

    /// The connection stands: begins the view, or goes on where it stood. What was asked on the
    /// last one will not be answered.
    pub(crate) fn open(&mut self, out: &mut Vec<ClientMessage>) {
        // Where rows of another filter ended nothing goes on.
        let from = self.bookmark.filter(|_| !self.stale);
        self.resuming = from.is_some();
        self.hide();
        let jump = self.asked.next.or(self.asked.jump.map(|(_, jump)| jump));
        self.asked = Asked::default();
        self.filters.begin_anew();
        let filter = Some(self.filters.ask());
        out.push(ClientMessage::Open {
            view: self.id,
            log: self.log.clone(),
            from,
            attention: self.attention(),
            filter: filter.filter(|(_, filter)| !filter.is_empty()),
        });
        out.push(ClientMessage::Survey { view: self.id });
        self.closer.begin_anew();
        self.find.begin_anew();
        if !self.find.text().is_empty() {
            self.ask_find(out);
        }
        if let Some(jump) = jump {
            self.jump(jump, out);
        }
        self.want(out);
    }

    /// Nobody looks from now on.
    pub(crate) fn hide(&mut self) {
        if self.away.is_none() {
            let here = |at: Bookmark| Here { position: at.position, passed: Tally::default() };
            self.away = self.bookmark.map(|at| Away { here: here(at), until: None });
        }
    }

    /// Somebody looks again.
    pub(crate) fn show(&mut self, now: u64) {
        if let Some(away) = &mut self.away {
            away.until = Some(now + RETURN);
            let here = away.here;
            self.mark_here(here);
            self.settle();
        }
    }

    pub(crate) fn resize(&mut self, height: f64, row: f64, out: &mut Vec<ClientMessage>) {
        let before = self.attention();
        self.list.resize(height, row, self.follow == Follow::On);
        if self.attention() != before && self.follow == Follow::On {
            self.attend(out);
        }
        self.want(out);
    }

    /// Moves what is seen by `pixels`: upwards leaves the following, downwards to the true end
    /// returns to it.
    pub(crate) fn scroll(&mut self, pixels: f64, out: &mut Vec<ClientMessage>) {
        if pixels < 0.0 {
            self.leave(out);
        } else if self.follow == Follow::On {
            return;
        }
        if !self.list.is_empty() {
            self.forget_jump();
        }
        let more = self.list.edges().0 == Edge::More;
        let lacking = -(pixels + self.list.top());
        self.owed = if more { lacking.clamp(0.0, OWED) } else { 0.0 };
        let broken_below = self.list.edges().1 == Edge::Broken && self.list.at_bottom();
        self.list.scroll(pixels);
        if pixels > 0.0 && self.list.at_bottom() && self.list.edges().1 == Edge::Reached {
            self.follow_on(out);
        } else if pixels > 0.0 && broken_below {
            // What stands here is no longer part of the log; the way on is its oldest line.
            self.go(Anchor::Start, Landing::Top, out);
        }
        self.want(out);
    }

    pub(crate) fn scroll_rows(&mut self, rows: f64, out: &mut Vec<ClientMessage>) {
        self.scroll(rows * self.list.row_height().max(1.0), out);
    }

    /// Shows new lines as they come, from now on.
    pub(crate) fn follow_on(&mut self, out: &mut Vec<ClientMessage>) {
        (self.asked.next, self.asked.jump, self.asked.paint) = (None, None, None);
        self.missed = Tally::default();
        self.current = None;
        self.list.show_bottom();
        if self.follow != Follow::On {
            self.follow = Follow::On;
            self.attend(out);
        }
    }

    /// Leaves the following; what is read stays where it is.
    pub(crate) fn leave(&mut self, out: &mut Vec<ClientMessage>) {
        if self.follow == Follow::On {
            self.follow = Follow::Off;
            self.missed = Tally::default();
            self.attend(out);
        } else if self.follow == Follow::Paused {
            self.follow = Follow::Off;
        }
    }

    /// Freezes the picture, or lets it go on.
    pub(crate) fn pause(&mut self, out: &mut Vec<ClientMessage>) {
        match self.follow {
            Follow::On => {
                self.leave(out);
                self.follow = Follow::Paused;
            }
            Follow::Paused => self.follow_on(out),
            Follow::Off => self.follow = Follow::Paused,
        }
    }

    /// Goes to the log's first line.
    pub(crate) fn go_to_start(&mut self, out: &mut Vec<ClientMessage>) {
        self.leave(out);
        if self.floor.take().is_none() && self.list.edges().0 == Edge::Reached {
            self.forget_jump();
            self.list.show_top();
            self.want(out);
        } else {
            self.go(Anchor::Start, Landing::Top, out);
        }
    }

    /// Goes to a line that may be anywhere.
    pub(crate) fn go(&mut self, anchor: Anchor, landing: Landing, out: &mut Vec<ClientMessage>) {
        self.jump(Jump { anchor, landing, mark: false }, out);
    }

    /// Goes to a line that a link or a person has named.
    pub(crate) fn jump(&mut self, jump: Jump, out: &mut Vec<ClientMessage>) {
        self.leave(out);
        self.floor = None;
        if let Anchor::At(position) = jump.anchor
            && !self.stale
            && self.list.land(position, jump.landing)
        {
            self.landed(position, jump.mark);
            self.want(out);
            return;
        }
        if self.asked.jump.is_some() {
            self.asked.next = Some(jump);
            return;
        }
        let (before, after) = self.around();
        let request = self.ask(jump.anchor, before, after, out);
        self.asked.jump = Some((request, jump));
        self.asked.paint = None;
        // What they bring would join on to lines that are about to go.
        (self.asked.before, self.asked.after) = (None, None);
    }

    /// What has happened at the end of the log.
    pub(crate) fn frame(&mut self, frame: Frame, now: u64, out: &mut Vec<ClientMessage>) {
        let first = std::mem::take(&mut self.resuming);
        let opened = self.state.is_none();
        if !first && !opened {
            self.rate.add(now, frame.passed.lines);
            if frame.passed.bytes > 0 {
                self.fresh = Some(frame.age);
            }
        }
        self.outline.clone_from(&frame.outline);
        self.state = Some(frame.state.clone());
        self.failed = None;
        if !self.takes(frame.picked.as_ref()) {
            // It was made by the filter before.
            return;
        }
        self.bookmark = frame.end.or(self.bookmark);
        if self.follow == Follow::On
            && let Some(picked) = &frame.picked
        {
            self.frame_picked(&frame, picked);
            self.come_back(first, frame.passed, now);
            self.settle();
            self.list.show_bottom();
        } else if self.follow == Follow::On {
            let lines = self.above_floor(lines_of(&frame.blocks));
            if !lines.is_empty() {
                let start = lines.first().map(|line| line.position);
                let fresh = self.stale || self.list.stretch().is_some();
                self.stale = false;
                self.calm =
                    !fresh && self.list.splice(lines.clone(), &self.outline, frame.continues);
                if !self.calm {
                    (self.asked.before, self.asked.after) = (None, None);
                    let oldest = self.outline.spans.first().map(|span| Position::start(span.id));
                    let edge = if start == oldest { Edge::Reached } else { Edge::More };
                    self.list.replace(lines, edge, Edge::Reached);
                }
            } else if self.outline.bytes() == 0 && self.list.is_empty() {
                self.list.replace(Vec::new(), Edge::Reached, Edge::Reached);
            }
            self.come_back(first, frame.passed, now);
            self.settle();
            self.list.show_bottom();
        } else {
            self.come_back(first, frame.passed, now);
            if !opened {
                self.missed = self.missed.plus(frame.passed);
            }
            self.counted(&frame);
            self.settle();
        }
        self.want(out);
    }

    /// Counts what passed during an interruption, and ends it.
    fn come_back(&mut self, first: bool, passed: Tally, now: u64) {
        let Some(away) = &mut self.away else { return };
        if !first && away.until.is_some_and(|until| now > until) {
            self.away = None;
            return;
        }
        away.here.passed = away.here.passed.plus(passed);
        if first || away.until.is_some() {
            let mut here = away.here;
            self.away = None;
            // Where all of it is loaded, what is seen counts: the server may have had to guess.
            if let Some(passed) = self.list.passed_since(here.position) {
                here.passed = passed;
            }
            self.mark_here(here);
            self.caught_up = (first && here.passed.lines > 0).then_some(here.passed);
        }
    }

    /// Marks where the reader was. Not where he stands still: he has the lines before his eyes,
    /// and the mark would push them aside.
    fn mark_here(&mut self, here: Here) {
        if here.passed.lines > 0 && self.follow == Follow::On {
            self.here = Some(here);
        }
    }

    /// What a drag of the ruler to `fraction` (0 to 1) of its way means.
    pub(crate) fn drag(&mut self, fraction: f64, out: &mut Vec<ClientMessage>) {
        if fraction >= 1.0 {
            self.follow_on(out);
        } else {
            self.go(Anchor::Fraction(fraction.max(0.0)), Landing::Top, out);
        }
    }

    /// Tells what the coming frames are to hold.
    fn attend(&self, out: &mut Vec<ClientMessage>) {
        out.push(ClientMessage::Attend { view: self.id, attention: self.attention() });
    }

    fn attention(&self) -> Attention {
        match self.follow {
            // In steps, so that dragging the window's corner is no stream of requests.
            Follow::On => Attention::Rows((self.list.page().next_multiple_of(32) + 32) as u16),
            Follow::Off | Follow::Paused => Attention::Counts,
        }
    }

    fn landed(&mut self, position: Position, mark: bool) {
        self.current = mark.then_some(position).or(self.current);
    }

    /// Scrolls up what could not be scrolled before the lines had come.
    fn pay(&mut self) {
        let paid = self.owed.min(self.list.top());
        self.list.scroll(-paid);
        let more = self.list.edges().0 == Edge::More;
        self.owed = if more { self.owed - paid } else { 0.0 };
    }

    fn forget_jump(&mut self) {
        self.owed = 0.0;
        (self.asked.jump, self.asked.next) = (None, None);
    }

    /// Brings the list in line with the outline.
    fn settle(&mut self) {
        if let Some(end) = self.outline.end() {
            let whole = match self.list.stretch() {
                Some(_) => self.seen_end == Some(end),
                None => self.list.last().is_some_and(|last| {
                    let own = self.outline.place(last.end());
                    own == Some(self.outline.bytes())
                        || (last.end().generation == end.generation
                            && last.end().offset >= end.offset)
                }),
            };
            let broken = self.list.edges().1 == Edge::Broken;
            if whole {
                self.list.set_after(Edge::Reached);
            } else if !broken {
                self.list.set_after(Edge::More);
            }
        }
        let deleted = match self.state {
            Some(LogState::Deleted(since)) => Some(since),
            _ => None,
        };
        self.list.trim(&self.outline, deleted, self.here);
    }
}
