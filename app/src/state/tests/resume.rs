//! Coming back: after a cut line, a hidden tab, a rotation.

use tailwater_protocol::Loss;

use super::super::keys::Action;
use super::super::seam::Notice;
use super::super::view::Follow;
use super::*;

fn notices(bench: &Bench) -> Vec<Notice> {
    let items = bench.view().drawn().items.into_iter();
    items
        .filter_map(|item| match item {
            Item::Notice(notice) => Some(notice),
            Item::Line(_) | Item::Fold(_) => None,
        })
        .collect()
}

fn cut(bench: &mut Bench) {
    bench.on(Input::Closed(1006));
    bench.now += 40_000;
    bench.on(Input::Tick);
}

#[test]
fn after_a_cut_line_the_page_goes_on_where_it_stood() {
    let mut bench = Bench::following(100);
    cut(&mut bench);
    bench.lines += 12;
    bench.guesses = true;
    bench.connect();
    assert_eq!(bench.told, 112);
    // The notice of where the reader was takes the height of a row.
    assert_eq!(bench.seen(), (93..112).collect::<Vec<u64>>());
    assert_eq!(bench.page.note(), Some("caught up 12 lines"));
    assert!(
        matches!(notices(&bench).as_slice(), [Notice::Here { passed, .. }] if passed.lines == 12)
    );
}

#[test]
fn the_bookmark_is_the_last_frames() {
    let mut bench = Bench::following(100);
    bench.grow(5);
    cut(&mut bench);
    bench.sent.clear();
    bench.on(Input::Opened);
    let welcome =
        ServerMessage::Welcome { protocol: PROTOCOL, build: String::new(), heartbeat: 20 };
    bench.on(Input::Message(welcome));
    let open = bench.sent.iter().find_map(|message| match message {
        ClientMessage::Open { from, .. } => *from,
        _ => None,
    });
    assert_eq!(open, Some(bookmark(105)));
}

#[test]
fn a_reader_elsewhere_stays_there_and_is_told() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Act(Action::Line(500)));
    bench.answer();
    let seen = bench.seen();
    cut(&mut bench);
    bench.lines += 70;
    bench.connect();
    bench.answer();
    assert_eq!(bench.seen(), seen);
    assert_eq!((bench.view().follow(), bench.view().missed().lines), (Follow::Off, 70));
}

#[test]
fn what_was_asked_on_a_line_that_broke_is_asked_again() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Act(Action::Line(500)));
    bench.take_windows();
    cut(&mut bench);
    bench.connect();
    bench.answer();
    assert!(bench.seen().contains(&499));
}

#[test]
fn nothing_is_sent_while_the_line_is_down() {
    let mut bench = Bench::following(1000);
    cut(&mut bench);
    bench.sent.clear();
    bench.on(Input::Act(Action::Line(500)));
    bench.on(Input::Act(Action::Follow));
    assert_eq!(bench.sent, []);
}

#[test]
fn a_tab_that_was_hidden_shows_where_the_reader_was() {
    let mut bench = Bench::following(100);
    bench.on(Input::Hidden);
    bench.grow(3);
    bench.on(Input::Visible);
    bench.grow(4);
    let passed = match notices(&bench).as_slice() {
        [Notice::Here { passed, .. }] => passed.lines,
        other => panic!("{other:?}"),
    };
    assert_eq!(passed, 7);
    bench.now += 60_000;
    bench.grow(5);
    assert!(
        matches!(notices(&bench).as_slice(), [Notice::Here { passed, .. }] if passed.lines == 7)
    );
}

#[test]
fn a_quiet_log_marks_no_place() {
    let mut bench = Bench::following(100);
    bench.on(Input::Hidden);
    bench.on(Input::Visible);
    bench.now += 60_000;
    bench.grow(5);
    assert_eq!(notices(&bench), []);
}

fn send(bench: &mut Bench, spans: Vec<Span>, blocks: Vec<Rows>, continues: bool) {
    let end = spans.last().map(|span| Bookmark {
        position: Position { generation: span.id, offset: span.bytes },
        before: Fingerprint::EMPTY,
    });
    let frame = Frame {
        sequence: 90,
        outline: Outline { spans },
        state: LogState::Live,
        passed: Tally::default(),
        continues,
        blocks,
        end,
        age: 0,
        picked: None,
    };
    let view = bench.view().id();
    bench.on(Input::Message(ServerMessage::Frame { view, frame }));
}

#[test]
fn a_rotation_is_a_row_between_the_last_line_and_the_first() {
    let mut bench = Bench::following(100);
    let two = GenerationId(2);
    let spans = |lines| vec![span(ONE, 100, Began::Found), span(two, lines, Began::Rotated)];
    send(&mut bench, spans(0), Vec::new(), true);
    assert!(matches!(
        notices(&bench).as_slice(),
        [Notice::Began { began: Began::Rotated, previous: Some(file), .. }] if file == "log.1"
    ));
    send(&mut bench, spans(2), vec![rows(two, 0, 2)], true);
    assert_eq!(notices(&bench).len(), 1);
    let seen = bench.seen();
    assert_eq!(seen[seen.len() - 3..], [99, 0, 1]);
}

#[test]
fn a_truncation_keeps_what_was_read_and_says_what_is_lost() {
    let mut bench = Bench::following(100);
    let two = GenerationId(2);
    let gone = Span { lost: Some(Loss::Truncated(1000)), bytes: 0, ..span(ONE, 0, Began::Found) };
    let spans = vec![gone, span(two, 1, Began::Truncated)];
    send(&mut bench, spans, vec![rows(two, 0, 1)], true);
    assert!(matches!(
        notices(&bench).as_slice(),
        [
            Notice::Lost { loss: Loss::Truncated(1000), .. },
            Notice::Began { began: Began::Truncated, .. }
        ]
    ));
    assert!(bench.seen().contains(&99));
    assert_eq!(bench.page.status(0).lost, 1000);
}

#[test]
fn a_deleted_log_says_so_after_its_last_line() {
    let mut bench = Bench::following(30);
    let frame = Frame {
        sequence: 90,
        outline: Outline { spans: vec![span(ONE, 30, Began::Found)] },
        state: LogState::Deleted(5),
        passed: Tally::default(),
        continues: true,
        blocks: Vec::new(),
        end: Some(bookmark(30)),
        age: 0,
        picked: None,
    };
    let view = bench.view().id();
    bench.on(Input::Message(ServerMessage::Frame { view, frame }));
    assert!(matches!(notices(&bench).as_slice(), [Notice::Deleted { since: 5, .. }]));
}
