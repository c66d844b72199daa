//! The page's state through its one door: inputs in, effects out, and what would be drawn.

mod filtering;
mod finding;
mod follow;
mod model;
mod reading;
mod resume;
mod windows;

use tailwater_protocol::row::RowsBuilder;
use tailwater_protocol::{
    Attention, Began, Bookmark, ClientMessage, Fingerprint, Frame, GenerationId, Level, Lines,
    LogName, LogState, Number, Outline, PROTOCOL, Position, Row, Rows, ServerMessage, Span, Tally,
    ViewId, Window, WindowRequest, message,
};

use super::input::{Effect, Input};
use super::list::Item;
use super::page::Page;
use super::view::{Follow, View};
use crate::boot::Boot;

/// Bytes of each line of the logs here, their newline included.
const LINE: u64 = 10;
/// Rows that the viewport holds.
const PAGE: u64 = 20;
const ROW: f64 = 20.0;
const ONE: GenerationId = GenerationId(1);

fn tally(lines: u64) -> Tally {
    Tally { bytes: lines * LINE, lines, ..Tally::default() }
}

fn at(line: u64) -> Position {
    Position { generation: ONE, offset: line * LINE }
}

fn bookmark(line: u64) -> Bookmark {
    Bookmark { position: at(line), before: Fingerprint(line) }
}

/// Rows of the lines `from..to`, each of which says its own index.
fn rows(generation: GenerationId, from: u64, to: u64) -> Rows {
    let mut builder = RowsBuilder::new(generation, from * LINE, Number::Exact(from + 1));
    for line in from..to {
        let text = format!("{line:09}");
        builder.push(&Row {
            position: Position::start(generation),
            length: LINE,
            number: Number::Unknown,
            text: &text,
            level: Level::None,
            cut: 0,
            continued: false,
            unfinished: false,
            stderr: false,
            invalid: 0,
            nuls: 0,
            styles: &[],
            hits: &[],
            time: None,
            within: false,
        });
    }
    builder.finish()
}

fn span(id: GenerationId, lines: u64, began: Began) -> Span {
    let (bytes, lines) = (lines * LINE, Lines::Exact(lines));
    Span {
        id,
        bytes,
        lines,
        began,
        since: 0,
        file: format!("log.{}", id.0),
        lost: None,
        over: None,
    }
}

/// A page, and a server that has one log of one generation.
struct Bench {
    page: Page,
    lines: u64,
    told: u64,
    stands: Option<u64>,
    sequence: u64,
    sent: Vec<ClientMessage>,
    effects: Vec<Effect>,
    now: u64,
    guesses: bool,
}

impl Bench {
    /// A page that follows a log of so many lines, its first frame shown.
    fn following(lines: u64) -> Self {
        Self::at("", lines)
    }

    fn at(fragment: &str, lines: u64) -> Self {
        let log = Some(LogName("app.log".into()));
        let page = Page::new(Boot { log, ..Boot::default() });
        let mut bench = Self {
            page,
            lines,
            told: lines,
            stands: None,
            sequence: 0,
            sent: Vec::new(),
            effects: Vec::new(),
            now: 1_000_000,
            guesses: false,
        };
        bench.on(Input::Resize { height: PAGE as f64 * ROW, row: ROW });
        bench.on(Input::Start {
            wall: 0,
            zone: 0,
            seed: 1,
            path: "/s/app.log".into(),
            query: String::new(),
            fragment: fragment.to_owned(),
        });
        bench.connect();
        bench.answer();
        bench
    }

    fn connect(&mut self) {
        self.stands = None;
        self.on(Input::Opened);
        let build = String::new();
        let welcome = ServerMessage::Welcome { protocol: PROTOCOL, build, heartbeat: 20 };
        self.sent.clear();
        self.on(Input::Message(welcome));
        let open = self.sent.iter().find_map(|message| match message {
            ClientMessage::Open { from, .. } => Some(*from),
            _ => None,
        });
        self.stands = open.flatten().map(|mark| mark.position.offset / LINE);
        if let Some(line) = self.stands {
            self.told = line;
        }
        self.frame();
    }

    fn on(&mut self, input: Input) {
        self.now += 1;
        let effects = self.page.on(input, self.now);
        for effect in effects {
            match effect {
                Effect::Send(message) => {
                    // A view that was only counting is sent the newest rows, wherever it stands.
                    if matches!(message, ClientMessage::Attend { .. }) {
                        self.stands = None;
                    }
                    self.sent.push(message);
                }
                other => self.effects.push(other),
            }
        }
    }

    fn view(&self) -> &View {
        self.page.view().expect("a log is open")
    }

    /// What the server would send now, by the last attention it was told.
    fn frame(&mut self) {
        let rows = self.attention();
        self.frame_of(rows);
    }

    fn frame_of(&mut self, wanted: u64) {
        self.sequence += 1;
        let from = self.lines.saturating_sub(wanted);
        let continues = self.stands.is_some_and(|stands| stands >= from);
        let from = if continues { self.stands.unwrap_or(from) } else { from };
        let blocks = if wanted == 0 { Vec::new() } else { vec![rows(ONE, from, self.lines)] };
        // A server that has just started can only guess how many lines a reader has missed.
        let guess = u64::from(self.guesses && self.stands.is_some()) * 5;
        let passed = tally((self.lines - self.told).saturating_sub(guess));
        self.told = self.lines;
        self.stands = Some(self.lines);
        let frame = Frame {
            sequence: self.sequence,
            outline: Outline { spans: vec![span(ONE, self.lines, Began::Found)] },
            state: LogState::Live,
            passed,
            continues: wanted > 0 && continues,
            blocks,
            end: Some(bookmark(self.lines)),
            age: 5,
            picked: None,
        };
        let view = self.view().id();
        self.on(Input::Message(ServerMessage::Frame { view, frame }));
    }

    fn attention(&self) -> u64 {
        let told = self.sent.iter().rev().find_map(|message| match message {
            ClientMessage::Attend { attention, .. } | ClientMessage::Open { attention, .. } => {
                Some(*attention)
            }
            _ => None,
        });
        match told {
            Some(Attention::Rows(rows)) => rows.into(),
            Some(Attention::Counts | Attention::News) => 0,
            None if self.view().follow() == Follow::On => PAGE * 2,
            None => 0,
        }
    }

    fn grow(&mut self, lines: u64) {
        self.lines += lines;
        self.frame();
    }

    /// Answers all windows that were asked for, and those that are asked for then.
    fn answer(&mut self) {
        for _ in 0..50 {
            let asked = self.take_windows();
            if asked.is_empty() {
                return;
            }
            for request in asked {
                let window = self.window(&request);
                self.on(Input::Message(ServerMessage::Window(window)));
            }
        }
        panic!("the page never has enough");
    }

    fn take_windows(&mut self) -> Vec<WindowRequest> {
        let (windows, rest) = std::mem::take(&mut self.sent)
            .into_iter()
            .partition(|message| matches!(message, ClientMessage::Window(_)));
        self.sent = rest;
        let window = |message| match message {
            ClientMessage::Window(request) => Some(request),
            _ => None,
        };
        let windows: Vec<ClientMessage> = windows;
        windows.into_iter().filter_map(window).collect()
    }

    fn window(&self, request: &WindowRequest) -> Window {
        use tailwater_protocol::Anchor;
        let line = match request.anchor {
            Anchor::Start => 0,
            Anchor::End => self.lines,
            Anchor::At(position) => (position.offset / LINE).min(self.lines),
            Anchor::Fraction(fraction) => (fraction * self.lines as f64) as u64,
            Anchor::Line(line) => line.saturating_sub(1).min(self.lines),
            // These lines say nothing of time.
            Anchor::Time(_) => 0,
        };
        let from = line.saturating_sub(request.before.into());
        let to = (line + u64::from(request.after)).min(self.lines);
        Window {
            request: request.request,
            view: request.view,
            blocks: vec![rows(ONE, from, to)],
            anchor: (line - from) as u32,
            at_start: from == 0,
            at_end: to == self.lines,
            outline: Outline { spans: vec![span(ONE, self.lines, Began::Found)] },
            picked: None,
        }
    }

    /// The lines in the viewport, whole ones.
    fn seen(&self) -> Vec<u64> {
        let drawn = self.view().drawn();
        let rows = drawn.items.iter().enumerate().filter_map(|(index, item)| {
            let y = f64::from(drawn.offset) + index as f64 * ROW;
            let whole = y >= 0.0 && y + ROW <= PAGE as f64 * ROW;
            match item {
                Item::Line(line) if whole => line.text.parse().ok(),
                _ => None,
            }
        });
        rows.collect()
    }

    fn sees(&self, from: u64) {
        let expected: Vec<u64> = (from..(from + PAGE).min(self.lines)).collect();
        assert_eq!(self.seen(), expected);
    }

    fn attended(&self) -> Option<Attention> {
        self.sent.iter().rev().find_map(|message| match message {
            ClientMessage::Attend { attention, .. } => Some(*attention),
            _ => None,
        })
    }
}

#[test]
fn a_frame_of_another_view_is_ignored() {
    let mut bench = Bench::following(50);
    let before = bench.view().drawn();
    let frame = Frame {
        sequence: 9,
        outline: Outline::default(),
        state: LogState::Waiting,
        passed: tally(3),
        continues: true,
        blocks: vec![rows(ONE, 0, 3)],
        end: None,
        age: 0,
        picked: None,
    };
    bench.on(Input::Message(ServerMessage::Frame { view: ViewId(900), frame }));
    assert_eq!(bench.view().drawn(), before);
}

#[test]
fn what_the_server_closes_for_is_said() {
    let mut bench = Bench::following(5);
    bench.on(Input::Closed(message::close::LOGIN));
    assert_eq!(bench.page.login(), "/login?next=/s/app.log");
    assert!(bench.page.ending().is_some());
}
