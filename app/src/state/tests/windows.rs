//! Windows: what is asked for, what becomes of the answers, and what the address says.

use super::super::keys::Action;
use super::super::list::{DRAWN, HELD};
use super::super::view::Follow;
use super::*;

#[test]
fn the_whole_log_can_be_read_backwards_and_forwards() {
    let mut bench = Bench::following(10_000);
    let mut lowest = 9_980;
    while lowest > 0 {
        bench.on(Input::Act(Action::Pages(-1.0)));
        bench.answer();
        let seen = bench.seen();
        assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{seen:?}");
        let first = *seen.first().expect("rows");
        assert!(first < lowest && seen.contains(&(lowest - 1)), "{lowest}: {seen:?}");
        lowest = first;
    }
    bench.sees(0);
    bench.on(Input::Act(Action::Pages(600.0)));
    for _ in 0..600 {
        bench.answer();
        bench.on(Input::Act(Action::Pages(1.0)));
    }
    bench.sees(9_980);
    assert_eq!(bench.view().follow(), Follow::On);
}

#[test]
fn a_page_up_beyond_what_is_loaded_arrives_with_the_lines() {
    let mut bench = Bench::following(10_000);
    bench.on(Input::Act(Action::Pages(-20.0)));
    for _ in 0..5 {
        bench.answer();
    }
    let first = bench.seen()[0];
    assert!(first <= 10_000 - 200, "{first}");
}

#[test]
fn no_more_is_held_or_drawn_than_the_bounds_say() {
    let mut bench = Bench::following(1_000_000);
    for round in 0..300 {
        let input = match round % 3 {
            0 => Input::Act(Action::Pages(-3.0)),
            1 => Input::Scroll(-333.3),
            _ => Input::Scroll(20.5),
        };
        bench.on(input);
        bench.answer();
        assert!(bench.view().drawn().items.len() <= DRAWN);
        assert!(bench.view().list().held() <= HELD);
    }
    bench.on(Input::Resize { height: 1.0e9, row: 1.0 });
    assert!(bench.view().drawn().items.len() <= DRAWN);
}

#[test]
fn following_holds_a_bound_too() {
    let mut bench = Bench::following(100);
    for _ in 0..500 {
        bench.grow(7);
        bench.answer();
        assert!(bench.view().list().held() <= HELD);
    }
    bench.sees(100 + 3500 - PAGE);
}

#[test]
fn only_the_last_of_many_jumps_is_asked_for() {
    let mut bench = Bench::following(100_000);
    bench.take_windows();
    for step in 1..=500 {
        bench.on(Input::Drag(f64::from(step) / 1000.0));
    }
    let asked = bench.take_windows();
    assert_eq!(asked.len(), 1, "one is under way");
    let window = bench.window(&asked[0]);
    bench.on(Input::Message(ServerMessage::Window(window)));
    bench.answer();
    bench.sees(50_000);
}

#[test]
fn answers_that_nobody_waits_for_are_ignored() {
    let mut bench = Bench::following(100_000);
    bench.answer();
    bench.on(Input::Drag(0.1));
    let stale = bench.take_windows();
    bench.on(Input::Act(Action::Follow));
    bench.frame();
    let before = bench.view().drawn();
    for request in stale {
        let window = bench.window(&request);
        bench.on(Input::Message(ServerMessage::Window(window)));
    }
    assert_eq!(bench.view().drawn(), before);
}

#[test]
fn a_link_leads_to_its_line_and_marks_it() {
    for fragment in ["#@00000001:50000", "#L5001"] {
        let bench = Bench::at(fragment, 100_000);
        assert_eq!(bench.view().follow(), Follow::Off, "{fragment}");
        assert_eq!(bench.view().pointed_out(), Some(at(5000)));
        assert_eq!(bench.seen()[6], 5000, "a third down");
    }
}

#[test]
fn a_link_to_what_is_gone_ends_at_the_end() {
    let mut bench = Bench::following(100);
    let view = bench.view().id();
    bench.on(Input::Open(LogName("other.log".into())));
    bench.on(Input::Went {
        path: "/s/app.log".into(),
        query: String::new(),
        fragment: "#@00000009:70".into(),
    });
    let asked = bench.take_windows();
    let request = asked.last().expect("a jump").request;
    assert_ne!(bench.view().id(), view);
    let view = bench.view().id();
    let refusal = tailwater_protocol::Refusal::Failed("gone".into());
    bench.on(Input::Message(ServerMessage::Refused { view, request: Some(request), refusal }));
    assert_eq!(bench.view().follow(), Follow::On);
}

#[test]
fn the_address_holds_the_view() {
    let mut bench = Bench::following(100_000);
    bench.on(Input::Act(Action::Line(500)));
    bench.answer();
    bench.now += 1000;
    bench.on(Input::Tick);
    let text = "/s/app.log#@00000001:4990".to_owned();
    assert_eq!(bench.effects.last(), Some(&Effect::Address { text, push: false }));
    bench.on(Input::Act(Action::Follow));
    bench.now += 1000;
    bench.on(Input::Tick);
    let text = "/s/app.log".to_owned();
    assert_eq!(bench.effects.last(), Some(&Effect::Address { text, push: false }));
}

#[test]
fn an_address_that_was_left_shows_the_same_rows_again() {
    let mut bench = Bench::following(100_000);
    bench.on(Input::Drag(0.4));
    bench.answer();
    bench.on(Input::Scroll(7.0 * ROW));
    let seen = bench.seen();
    bench.now += 1000;
    bench.on(Input::Tick);
    let Some(Effect::Address { text, .. }) = bench.effects.last() else { panic!("no address") };
    let (_, fragment) = text.split_once('#').expect("a place");
    assert_eq!(Bench::at(&format!("#{fragment}"), 100_000).seen(), seen);
}

#[test]
fn another_log_is_a_step_in_the_history() {
    let mut bench = Bench::following(10);
    let old = bench.view().id();
    bench.on(Input::Open(LogName("b/c d.log".into())));
    let text = "/s/b/c%20d.log".to_owned();
    assert!(bench.effects.contains(&Effect::Address { text, push: true }));
    assert!(bench.sent.contains(&ClientMessage::Close { view: old }));
    bench.on(Input::Went { path: "/".into(), query: String::new(), fragment: String::new() });
    assert_eq!(bench.page.log(), None);
}

#[test]
fn a_number_that_was_guessed_is_corrected_when_lines_are_counted() {
    let mut bench = Bench::following(100_000);
    bench.on(Input::Drag(0.5));
    let mut request = bench.take_windows();
    let request = request.pop().expect("a jump");
    let mut window = bench.window(&request);
    window.blocks[0].number = Number::Estimate(7);
    window.outline.spans[0].lines = Lines::Estimate(90_000);
    bench.on(Input::Message(ServerMessage::Window(window)));
    bench.sent.clear();
    bench.grow(1);
    bench.answer();
    let line = bench.view().list().top_line().expect("a line").clone();
    assert_eq!(line.number, Number::Exact(line.position.offset / LINE + 1));
}

#[test]
fn a_link_is_copied_for_the_row_that_was_pointed_out() {
    let mut bench = Bench::following(100);
    bench.on(Input::PointOut(at(90)));
    bench.on(Input::Act(Action::CopyLink));
    let link = "/s/app.log#@00000001:900".to_owned();
    assert_eq!(bench.effects.last(), Some(&Effect::CopyAddress(link)));
    bench.on(Input::Act(Action::CopyLine));
    assert_eq!(bench.effects.last(), Some(&Effect::CopyText("000000090".into())));
}
