//! Whatever a person, a writer and a bad line do in whatever order: rows stand in the log's order
//! without a gap, nothing moves that is read, bounds hold.

use proptest::prelude::*;

use super::super::keys::Action;
use super::super::list::{DRAWN, HELD};
use super::super::view::Follow;
use super::*;

#[derive(Debug, Clone)]
enum Move {
    Grow(u16),
    Scroll(i16),
    Drag(u8),
    Line(u16),
    Follow,
    Pause,
    Cut(u16),
    Hide,
    Show,
    Resize(u8),
    Answer,
    AnswerFirst,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (0_u16..900).prop_map(Move::Grow),
        4 => (-3000_i16..3000).prop_map(Move::Scroll),
        1 => any::<u8>().prop_map(Move::Drag),
        1 => (0_u16..5000).prop_map(Move::Line),
        1 => Just(Move::Follow),
        1 => Just(Move::Pause),
        1 => (0_u16..900).prop_map(Move::Cut),
        1 => Just(Move::Hide),
        1 => Just(Move::Show),
        1 => any::<u8>().prop_map(Move::Resize),
        4 => Just(Move::Answer),
        2 => Just(Move::AnswerFirst),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_those_of_the_log_in_their_order(first in 0_u64..3000, moves in moves()) {
        let mut bench = Bench::following(first);
        for step in moves {
            let still = bench.view().follow() != Follow::On;
            let (before, grew) = (bench.seen(), matches!(step, Move::Grow(_)));
            match step {
                Move::Grow(lines) => bench.grow(lines.into()),
                Move::Scroll(pixels) => bench.on(Input::Scroll(pixels.into())),
                Move::Drag(to) => bench.on(Input::Drag(f64::from(to) / 255.0)),
                Move::Line(line) => bench.on(Input::Act(Action::Line(line.into()))),
                Move::Follow => bench.on(Input::Act(Action::Follow)),
                Move::Pause => bench.on(Input::Act(Action::Pause)),
                Move::Cut(lines) => {
                    bench.on(Input::Closed(1006));
                    bench.now += 40_000;
                    bench.on(Input::Tick);
                    bench.lines += u64::from(lines);
                    bench.connect();
                }
                Move::Hide => bench.on(Input::Hidden),
                Move::Show => bench.on(Input::Visible),
                Move::Resize(rows) => {
                    bench.on(Input::Resize { height: f64::from(rows) * ROW, row: ROW });
                }
                Move::Answer => bench.answer(),
                Move::AnswerFirst => {
                    if let Some(request) = bench.take_windows().first() {
                        let window = bench.window(request);
                        bench.on(Input::Message(ServerMessage::Window(window)));
                    }
                }
            }
            let drawn = bench.view().drawn();
            let lines: Vec<u64> = drawn.items.iter().filter_map(|item| match item {
                Item::Line(line) => line.text.parse().ok(),
                Item::Notice(_) | Item::Fold(_) => None,
            }).collect();
            prop_assert!(lines.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{:?}", lines);
            prop_assert!(lines.last().is_none_or(|last| *last < bench.lines));
            prop_assert!(drawn.items.len() <= DRAWN && bench.view().list().held() <= HELD);
            if grew && still {
                prop_assert_eq!(bench.seen(), before);
            }
        }
        // Whatever happened, the end is one key away.
        bench.on(Input::Visible);
        bench.on(Input::Resize { height: PAGE as f64 * ROW, row: ROW });
        bench.on(Input::Act(Action::Follow));
        bench.stands = None;
        bench.frame_of(PAGE * 2);
        let seen = bench.seen();
        prop_assert_eq!(seen.last().copied(), bench.lines.checked_sub(1));
        // One row may tell where the reader was.
        prop_assert!(seen.len() as u64 + 1 >= bench.lines.min(PAGE));
    }
}
