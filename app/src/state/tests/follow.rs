//! The follow rules, one after another.

use super::super::keys::Action;
use super::super::view::Follow;
use super::*;

fn upward() -> Vec<(&'static str, Input)> {
    vec![
        ("wheel", Input::Scroll(-1.0)),
        ("page up", Input::Act(Action::Pages(-1.0))),
        ("k", Input::Act(Action::Rows(-1))),
        ("home", Input::Act(Action::Top)),
        ("a place on the ruler", Input::Drag(0.3)),
        ("selecting text", Input::Selected),
        ("a line by its number", Input::Act(Action::Line(3))),
        ("a link of a line", Input::Link(at(95))),
    ]
}

#[test]
fn following_is_on_at_the_start_and_shows_the_end() {
    let mut bench = Bench::following(100);
    assert_eq!(bench.view().follow(), Follow::On);
    bench.sees(80);
    bench.grow(7);
    bench.sees(87);
    bench.grow(5000);
    bench.sees(5087);
}

#[test]
fn any_upward_intent_leaves_it_at_once() {
    for (name, input) in upward() {
        let mut bench = Bench::following(100);
        bench.on(input);
        assert_eq!(bench.view().follow(), Follow::Off, "{name}");
        assert_eq!(bench.attended(), Some(Attention::Counts), "{name}");
    }
}

#[test]
fn downward_intent_at_the_end_changes_nothing() {
    for input in [Input::Scroll(50.0), Input::Act(Action::Rows(1)), Input::Act(Action::Pages(1.0))]
    {
        let mut bench = Bench::following(100);
        bench.on(input);
        assert_eq!(bench.view().follow(), Follow::On);
        bench.sees(80);
    }
}

#[test]
fn new_lines_never_move_what_is_read() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Pages(-1.0)));
    bench.answer();
    let seen = bench.seen();
    for _ in 0..30 {
        bench.grow(400);
        bench.answer();
        assert_eq!(bench.seen(), seen);
    }
    let missed = bench.view().missed();
    assert_eq!(missed.lines, 12_000);
    assert_eq!(crate::text::pill(missed), "12\u{2009}000 new");
}

#[test]
fn a_frame_under_way_does_not_move_what_is_read() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Rows(-3)));
    let seen = bench.seen();
    bench.lines += 1000;
    bench.frame_of(60);
    assert_eq!(bench.seen(), seen);
    assert_eq!(bench.view().missed().lines, 1000);
}

#[test]
fn following_returns_by_four_ways() {
    for action in [Action::Follow, Action::End] {
        let mut bench = Bench::following(100);
        bench.on(Input::Act(Action::Top));
        bench.grow(900);
        bench.on(Input::Act(action));
        assert_eq!(bench.view().follow(), Follow::On);
        assert!(matches!(bench.attended(), Some(Attention::Rows(_))));
        bench.stands = None;
        bench.frame();
        bench.sees(980);
        assert_eq!(bench.view().missed(), Tally::default());
    }
    let mut bench = Bench::following(100);
    bench.on(Input::Drag(0.2));
    bench.answer();
    bench.on(Input::Drag(1.0));
    assert_eq!(bench.view().follow(), Follow::On);
}

#[test]
fn scrolling_returns_only_at_the_true_end() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Rows(-30)));
    bench.answer();
    bench.grow(300);
    bench.on(Input::Scroll(30.0 * ROW));
    assert_eq!(bench.view().follow(), Follow::Off, "there is more below");
    for _ in 0..100 {
        bench.answer();
        if bench.view().follow() == Follow::On {
            break;
        }
        bench.on(Input::Scroll(5.0 * ROW));
    }
    assert_eq!(bench.view().follow(), Follow::On);
    bench.sees(380);
}

#[test]
fn nothing_else_returns_to_it() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Rows(-2)));
    bench.answer();
    bench.grow(10);
    for input in [
        Input::Hidden,
        Input::Visible,
        Input::Resize { height: 300.0, row: ROW },
        Input::Act(Action::Help),
        Input::Act(Action::Leave),
        Input::Act(Action::CopyLine),
        Input::PointOut(at(85)),
    ] {
        bench.on(input);
        assert_eq!(bench.view().follow(), Follow::Off);
    }
}

#[test]
fn a_pause_freezes_the_picture_and_discards_nothing() {
    for action in [Action::Pause, Action::PauseOrPage] {
        let mut bench = Bench::following(100);
        bench.on(Input::Act(action));
        assert_eq!(bench.view().follow(), Follow::Paused);
        let seen = bench.seen();
        bench.grow(5000);
        bench.answer();
        assert_eq!(bench.seen(), seen);
        // Everything is still there to be read.
        for _ in 0..400 {
            bench.on(Input::Act(Action::Pages(1.0)));
            bench.answer();
        }
        assert_eq!(bench.view().follow(), Follow::On);
        bench.sees(5080);
    }
}

#[test]
fn a_pause_ends_where_it_began() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Pause));
    bench.grow(5);
    bench.on(Input::Act(Action::Pause));
    assert_eq!(bench.view().follow(), Follow::On);
    bench.frame();
    bench.sees(85);
}

#[test]
fn a_frame_is_acknowledged_when_it_was_shown_and_only_then() {
    let mut bench = Bench::following(100);
    let acks = |bench: &Bench| {
        bench.sent.iter().filter(|m| matches!(m, ClientMessage::Ack { .. })).count()
    };
    bench.sent.clear();
    bench.grow(1);
    assert_eq!(acks(&bench), 0);
    bench.on(Input::Shown);
    bench.on(Input::Shown);
    assert_eq!(acks(&bench), 1);
    bench.on(Input::Hidden);
    bench.grow(1);
    bench.on(Input::Shown);
    assert_eq!(acks(&bench), 1, "nobody has seen it");
    bench.on(Input::Visible);
    bench.on(Input::Shown);
    assert_eq!(acks(&bench), 2);
}
