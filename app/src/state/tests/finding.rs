//! Finding: what the page asks, what it makes of the answers.

use tailwater_protocol::{Direction, FindId, Finding, Progress, Sought};

use super::super::keys::Action;
use super::super::view::Follow;
use super::*;

fn asked(bench: &Bench) -> Option<(FindId, Option<String>)> {
    bench.sent.iter().rev().find_map(|message| match message {
        ClientMessage::Find { find, query, .. } => Some((*find, query.clone())),
        _ => None,
    })
}

fn seeks(bench: &Bench) -> Vec<(Option<Position>, Direction)> {
    let seek = |message: &ClientMessage| match message {
        ClientMessage::Seek { from, direction, .. } => Some((*from, *direction)),
        _ => None,
    };
    bench.sent.iter().filter_map(seek).collect()
}

fn hear(bench: &mut Bench, finding: Finding) {
    let (find, _) = asked(bench).expect("a search");
    let view = bench.view().id();
    bench.on(Input::Message(ServerMessage::Finding { view, find, finding }));
}

fn found(bench: &mut Bench, line: u64) {
    let (find, _) = asked(bench).expect("a search");
    let view = bench.view().id();
    let sought = Sought::Hit { at: at(line), ordinal: Some(line) };
    bench.on(Input::Message(ServerMessage::Sought { view, find, sought }));
    bench.answer();
}

#[test]
fn what_is_typed_is_asked_and_stands_in_the_address() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Find));
    assert!(bench.view().find().is_open());
    bench.on(Input::Find("time out".into()));
    assert_eq!(asked(&bench).expect("a search").1.as_deref(), Some("time out"));
    bench.now += 1000;
    bench.on(Input::Tick);
    let address = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Address { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(address.as_deref(), Some("/s/app.log?q=time%20out"));
    bench.on(Input::FindClose);
    assert_eq!(asked(&bench).expect("an end").1, None);
    assert!(!bench.view().find().is_open());
}

#[test]
fn who_follows_is_led_to_the_newest_hit_and_from_there_both_ways() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Find("x".into()));
    bench.on(Input::Act(Action::NextHit));
    assert_eq!(seeks(&bench), [(None, Direction::Backward)]);
    found(&mut bench, 500);
    assert_eq!(bench.view().follow(), Follow::Off);
    assert_eq!(bench.view().pointed_out(), Some(at(500)));
    bench.on(Input::Act(Action::NextHit));
    bench.on(Input::Act(Action::NextHit));
    assert_eq!(seeks(&bench).last(), Some(&(Some(at(500)), Direction::Forward)));
    assert_eq!(seeks(&bench).len(), 2, "one at a time");
}

#[test]
fn a_hit_in_sight_does_not_move_the_lines() {
    let mut bench = Bench::following(100);
    bench.on(Input::Find("x".into()));
    bench.on(Input::Act(Action::PreviousHit));
    found(&mut bench, 90);
    bench.sees(80);
    assert_eq!(bench.view().pointed_out(), Some(at(90)));
}

#[test]
fn rows_that_stand_still_are_sent_again_where_they_stand() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Act(Action::Pages(-3.0)));
    bench.answer();
    let seen = bench.seen();
    bench.on(Input::Find("x".into()));
    bench.answer();
    assert_eq!(bench.seen(), seen);
    bench.on(Input::Scroll(-300.0));
    bench.answer();
    bench.on(Input::Scroll(300.0));
    assert_eq!(bench.seen(), seen);
}

#[test]
fn a_search_goes_on_over_a_new_connection() {
    let mut bench = Bench::following(100);
    bench.on(Input::Find("x".into()));
    let before = asked(&bench).expect("a search").0;
    let progress = Progress { hits: 3, complete: true, ..Progress::default() };
    hear(&mut bench, Finding::Progress(progress));
    assert!(bench.view().find().progress().is_some());
    bench.on(Input::Closed(1006));
    bench.now += 60_000;
    bench.on(Input::Tick);
    bench.connect();
    let (find, query) = asked(&bench).expect("the search again");
    assert_eq!(query.as_deref(), Some("x"));
    assert_ne!(find, before);
}
