//! A filtered view: what the page asks, which answers it takes, what it shows of them. The server
//! here has a log of which every tenth line is taken.

use tailwater_protocol::{Anchor, Filter, FilterId, Filtering, Picked, Progress};

use super::super::filter::Change;
use super::super::keys::Action;
use super::super::list::Edge;
use super::*;

/// Every so many lines is taken.
const STEP: u64 = 10;

fn asked(bench: &Bench) -> Option<(FilterId, Filter)> {
    bench.sent.iter().rev().find_map(|message| match message {
        ClientMessage::Filter { id, filter, .. } => Some((*id, filter.clone())),
        ClientMessage::Open { filter, .. } => filter.clone(),
        _ => None,
    })
}

/// The lines that are taken from `from` to before `to`, a block each.
fn blocks(from: u64, to: u64) -> Vec<Rows> {
    (from..to).filter(|line| line % STEP == 0).map(|line| rows(ONE, line, line + 1)).collect()
}

/// A page whose filter was asked for.
struct Narrowed {
    bench: Bench,
    id: FilterId,
    /// Lines that one answer looks through.
    reach: u64,
}

impl Narrowed {
    fn of(bench: Bench) -> Self {
        let mut narrowed = Self { bench, id: FilterId(0), reach: u64::MAX };
        narrowed.bench.on(Input::Narrow(Change::Draft("tenth".into())));
        narrowed.bench.on(Input::Narrow(Change::Add));
        narrowed.hear();
        narrowed
    }

    fn hear(&mut self) {
        self.id = asked(&self.bench).expect("a filter").0;
    }

    fn outline(&self) -> Outline {
        Outline { spans: vec![span(ONE, self.bench.lines, Began::Found)] }
    }

    fn picked(&self, from: u64, to: u64) -> Option<Picked> {
        let stretch = Some((at(from), at(to)));
        Some(Picked { filter: self.id, stretch, aside: Vec::new() })
    }

    /// The newest rows, which go on from the line `since` or stand alone.
    fn frame(&mut self, since: Option<u64>) {
        self.bench.sequence += 1;
        let from = since.unwrap_or(self.bench.lines.saturating_sub(PAGE * STEP));
        let passed = (self.bench.told..self.bench.lines).filter(|line| line % STEP == 0).count();
        self.bench.told = self.bench.lines;
        let follows = self.bench.attention() > 0;
        let frame = Frame {
            sequence: self.bench.sequence,
            outline: self.outline(),
            state: LogState::Live,
            passed: tally(passed as u64),
            continues: follows && since.is_some(),
            blocks: if follows { blocks(from, self.bench.lines) } else { Vec::new() },
            end: Some(bookmark(self.bench.lines)),
            age: 5,
            picked: match follows {
                true => self.picked(from, self.bench.lines),
                false => Some(Picked { filter: self.id, ..Picked::default() }),
            },
        };
        let view = self.bench.view().id();
        self.bench.on(Input::Message(ServerMessage::Frame { view, frame }));
    }

    fn answer(&mut self) {
        for _ in 0..500 {
            let asked = self.bench.take_windows();
            if asked.is_empty() {
                return;
            }
            for request in asked {
                let window = self.window(&request);
                self.bench.on(Input::Message(ServerMessage::Window(window)));
            }
        }
        panic!("the page never has enough");
    }

    fn window(&self, request: &WindowRequest) -> Window {
        let line = match request.anchor {
            Anchor::At(position) => position.offset / LINE,
            Anchor::Start => 0,
            _ => self.bench.lines,
        };
        let (before, after) = (u64::from(request.before) * STEP, u64::from(request.after) * STEP);
        let from = line.saturating_sub(before.min(self.reach));
        let to = line.saturating_add(after.min(self.reach)).min(self.bench.lines);
        Window {
            request: request.request,
            view: request.view,
            blocks: blocks(from, to),
            anchor: blocks(from, line).len() as u32,
            at_start: from == 0,
            at_end: to == self.bench.lines,
            outline: self.outline(),
            picked: self.picked(from, to),
        }
    }

    fn seen(&self) -> Vec<u64> {
        self.bench.seen()
    }
}

fn every(from: u64, count: u64) -> Vec<u64> {
    (0..count).map(|nth| from + nth * STEP).collect()
}

#[test]
fn a_follower_is_shown_what_is_taken_and_each_line_once() {
    let mut page = Narrowed::of(Bench::following(1000));
    // What is on its way was picked by no filter, and nothing is to be seen of it.
    page.bench.frame();
    assert!(page.bench.view().list().stretch().is_none());
    page.frame(None);
    page.answer();
    assert_eq!(page.seen(), every(800, PAGE));
    let numbers = page.bench.view().list().last().expect("a line").number;
    assert_eq!(numbers, Number::Exact(991));
    page.bench.lines += 25;
    page.frame(Some(1000));
    assert_eq!(page.seen(), every(830, PAGE));
    page.bench.on(Input::Act(Action::Pages(-2.0)));
    page.answer();
    assert_eq!(page.seen(), every(450, PAGE));
}

#[test]
fn the_line_before_the_eyes_stays_where_it_is() {
    let mut bench = Bench::following(2000);
    bench.on(Input::Act(Action::Line(1001)));
    bench.answer();
    let y = bench.view().list().y(at(1000)).expect("in sight");
    let mut page = Narrowed::of(bench);
    page.answer();
    assert_eq!(page.bench.view().list().y(at(1000)), Some(y));
    assert!(page.seen().contains(&1000) && page.seen().contains(&1010));
    // And when all are shown again.
    page.bench.on(Input::Act(Action::SwitchFilters));
    page.bench.answer();
    assert_eq!(page.bench.view().list().y(at(1000)), Some(y));
    assert!(page.bench.seen().contains(&1001));
}

#[test]
fn it_is_looked_on_until_a_screen_is_full() {
    let mut page = Narrowed::of(Bench::following(5000));
    page.reach = 3;
    page.bench.sequence += 1;
    // Nothing was found in what was looked at so far.
    page.frame(Some(4999));
    assert!(page.bench.view().list().is_empty());
    assert!(matches!(page.bench.page.empty(), Some(super::super::status::Empty::Looking { .. })));
    page.answer();
    assert!(page.seen().len() >= PAGE as usize);
    let held: Vec<u64> = page.seen();
    assert!(held.windows(2).all(|pair| pair[1] == pair[0] + STEP), "{held:?}");
}

#[test]
fn that_nothing_is_taken_is_said_only_of_the_whole() {
    let mut page = Narrowed::of(Bench::following(500));
    let nothing = |page: &Narrowed, from| Picked {
        stretch: Some((at(from), at(500))),
        ..page.picked(0, 0).expect("one")
    };
    page.bench.sequence += 1;
    let frame = Frame {
        sequence: page.bench.sequence,
        outline: page.outline(),
        state: LogState::Live,
        passed: tally(0),
        continues: false,
        blocks: Vec::new(),
        end: Some(bookmark(500)),
        age: 0,
        picked: Some(nothing(&page, 400)),
    };
    let view = page.bench.view().id();
    page.bench.on(Input::Message(ServerMessage::Frame { view, frame }));
    let said = |page: &Narrowed| page.bench.page.empty().expect("nothing is shown");
    assert!(matches!(said(&page), super::super::status::Empty::Looking { percent: 0 }));
    let known = |searched, complete| {
        Filtering::Progress(Progress { searched, bytes: 5000, complete, ..Progress::default() })
    };
    let hear = |page: &mut Narrowed, filtering| {
        let (view, id) = (page.bench.view().id(), page.id);
        page.bench.on(Input::Message(ServerMessage::Filtering { view, id, filtering }));
    };
    hear(&mut page, known(2500, false));
    assert!(matches!(said(&page), super::super::status::Empty::Looking { percent: 50 }));
    hear(&mut page, known(5000, true));
    assert!(matches!(said(&page), super::super::status::Empty::NoMatch { took: Some(_), .. }));
}

#[test]
fn what_is_shown_stands_in_the_address_and_is_read_from_it() {
    let mut page = Narrowed::of(Bench::following(500));
    page.bench.on(Input::Narrow(Change::Draft("!health z".into())));
    page.bench.on(Input::Narrow(Change::Add));
    page.bench.on(Input::Narrow(Change::Level(Level::Warn)));
    page.bench.now += 1000;
    page.bench.on(Input::Tick);
    let address = page.bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Address { text, .. } => Some(text.clone()),
        _ => None,
    });
    let query = "f=tenth&x=health%20z&lv=warn";
    assert_eq!(address.as_deref(), Some(["/s/app.log?", query].concat().as_str()));
    let went = Input::Went {
        path: "/s/app.log".into(),
        query: "?f=a&f=b&c=2&n=5".into(),
        fragment: String::new(),
    };
    page.bench.on(went);
    let (_, filter) = asked(&page.bench).expect("a filter");
    assert_eq!((filter.include, filter.context), (vec!["a".to_owned(), "b".to_owned()], 2));
    assert_eq!(page.bench.view().filters().chips().len(), 2);
}

#[test]
fn a_line_is_seen_among_all_others() {
    let mut bench = Bench::following(2000);
    bench.on(Input::Act(Action::Line(1001)));
    bench.answer();
    let mut page = Narrowed::of(bench);
    page.answer();
    page.bench.on(Input::PointOut(at(1010)));
    page.bench.on(Input::Act(Action::Unfiltered));
    assert!(asked(&page.bench).expect("another").1.is_empty());
    page.bench.answer();
    assert_eq!(page.bench.view().pointed_out(), Some(at(1010)));
    assert!(page.bench.seen().contains(&1009) && page.bench.seen().contains(&1011));
    let pushed = page.bench.effects.iter().any(
        |effect| matches!(effect, Effect::Address { text, push: true } if !text.contains("f=")),
    );
    assert!(pushed, "the way back is the browser's");
    assert_eq!(page.bench.view().filters().chips().len(), 1);
}

#[test]
fn a_filtered_page_comes_back_where_it_stood() {
    let mut page = Narrowed::of(Bench::following(1000));
    page.frame(None);
    page.answer();
    page.bench.on(Input::Closed(1006));
    page.bench.lines += 100;
    page.bench.now += 60_000;
    page.bench.on(Input::Tick);
    page.bench.on(Input::Opened);
    page.bench.sent.clear();
    let build = String::new();
    let welcome = ServerMessage::Welcome { protocol: PROTOCOL, build, heartbeat: 20 };
    page.bench.on(Input::Message(welcome));
    let from = page.bench.sent.iter().find_map(|message| match message {
        ClientMessage::Open { from, filter: Some(_), .. } => *from,
        _ => None,
    });
    assert_eq!(from, Some(bookmark(1000)));
    page.hear();
    page.frame(Some(1000));
    // One row says where the reader was.
    assert_eq!(page.seen(), every(910, PAGE - 1));
    assert_eq!(page.bench.page.note(), Some("caught up 10 lines"));
}

#[test]
fn lines_that_are_not_taken_are_nothing_new() {
    let mut page = Narrowed::of(Bench::following(1000));
    page.frame(None);
    page.answer();
    page.bench.on(Input::Act(Action::Rows(-5)));
    page.answer();
    let seen = page.seen();
    page.bench.lines += 8;
    page.bench.told = page.bench.lines;
    page.frame(None);
    page.answer();
    assert_eq!(page.bench.view().list().edges().1, Edge::Reached);
    page.bench.lines += 20;
    page.frame(None);
    page.answer();
    assert_eq!(page.bench.view().missed().lines, 2);
    assert_eq!(page.seen(), seen);
}
