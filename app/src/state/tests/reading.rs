//! Reading: the cursor, details, marks, choices, folds, wrapping, errors to go to.

use tailwater_protocol::{Details, Grave, Sought, Survey, Taken};

use super::super::input::{Copying, Keep, Panel};
use super::super::keys::Action;
use super::super::list::Item;
use super::super::view::Follow;
use super::*;

fn current(bench: &Bench) -> Option<u64> {
    bench.view().pointed_out().map(|at| at.offset / LINE)
}

/// The newest message of the page that `wanted` makes something of.
fn sent<T>(bench: &Bench, wanted: impl Fn(&ClientMessage) -> Option<T>) -> Option<T> {
    bench.sent.iter().rev().find_map(wanted)
}

fn details_of(bench: &Bench) -> Option<(tailwater_protocol::RequestId, Position)> {
    sent(bench, |message| match message {
        ClientMessage::Details { request, at, .. } => Some((*request, *at)),
        _ => None,
    })
}

fn answer_details(bench: &mut Bench) {
    let (request, at) = details_of(bench).expect("details were asked for");
    let details = Details {
        request,
        view: bench.view().id(),
        at,
        length: LINE,
        time: None,
        level: Level::None,
        fields: vec![("line".into(), (at.offset / LINE).to_string())],
        text: String::new(),
        cut: 0,
        bytes: Vec::new(),
    };
    bench.on(Input::Message(ServerMessage::Details(details)));
}

#[test]
fn details_leave_the_following_and_go_with_the_cursor() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Details));
    assert_eq!((bench.view().follow(), current(&bench)), (Follow::Off, Some(99)));
    answer_details(&mut bench);
    let shown = |bench: &Bench| bench.view().closer().details().map(|said| said.at);
    assert_eq!(shown(&bench), Some(at(99)));
    bench.on(Input::Act(Action::Rows(-3)));
    assert_eq!(current(&bench), Some(96));
    // What was shown stays until the next is there.
    assert_eq!(shown(&bench), Some(at(99)));
    answer_details(&mut bench);
    assert_eq!(shown(&bench), Some(at(96)));
    bench.on(Input::Act(Action::Leave));
    assert!(!bench.view().closer().is_open());
}

#[test]
fn many_steps_ask_for_one_line_at_a_time() {
    let mut bench = Bench::following(100);
    bench.on(Input::Act(Action::Details));
    for _ in 0..10 {
        bench.on(Input::Act(Action::Rows(-1)));
    }
    let asked = bench.sent.iter().filter(|m| matches!(m, ClientMessage::Details { .. })).count();
    assert_eq!(asked, 1);
    answer_details(&mut bench);
    assert_eq!(details_of(&bench).map(|(_, at)| at), Some(at(89)));
}

#[test]
fn the_cursor_moves_within_the_screen_and_then_the_screen_with_it() {
    let mut bench = Bench::following(1000);
    bench.on(Input::PointOut(at(985)));
    bench.on(Input::Act(Action::Rows(-1)));
    assert_eq!(current(&bench), Some(984));
    bench.sees(980);
    bench.on(Input::Act(Action::Rows(-10)));
    bench.answer();
    assert_eq!(current(&bench), Some(974));
    bench.sees(972);
    // Without one in sight the lines are moved.
    bench.on(Input::Act(Action::Leave));
    bench.on(Input::Act(Action::Rows(-1)));
    assert_eq!(current(&bench), None);
    bench.sees(971);
}

#[test]
fn errors_are_gone_to_as_often_as_was_said() {
    let mut bench = Bench::following(1000);
    let sought = |bench: &Bench| {
        sent(bench, |message| match message {
            ClientMessage::SeekGrave { request, grave, from, direction, .. } => {
                Some((*request, *grave, *from, *direction))
            }
            _ => None,
        })
    };
    let hit = |bench: &mut Bench, line: Option<u64>| {
        let request = sought(bench).expect("asked").0;
        let view = bench.view().id();
        let sought = match line {
            Some(line) => Sought::Hit { at: at(line), ordinal: None },
            None => Sought::Nothing,
        };
        bench.on(Input::Message(ServerMessage::SoughtGrave { request, view, sought }));
        bench.answer();
    };
    // Who follows means the newest.
    bench.on(Input::Act(Action::Graves(Grave::Errors, 2)));
    let (_, grave, from, direction) = sought(&bench).expect("asked");
    assert_eq!((grave, from), (Grave::Errors, None));
    assert_eq!(direction, tailwater_protocol::Direction::Backward);
    hit(&mut bench, Some(700));
    assert_eq!(sought(&bench).expect("the second").2, Some(at(700)));
    hit(&mut bench, Some(300));
    assert_eq!((current(&bench), bench.view().follow()), (Some(300), Follow::Off));
    bench.on(Input::Act(Action::Graves(Grave::Warnings, 1)));
    assert_eq!(sought(&bench).expect("asked").2, Some(at(300)));
    hit(&mut bench, None);
    assert_eq!(bench.page.note(), Some("no warning below"));
    assert_eq!(current(&bench), Some(300));
}

#[test]
fn marks_are_kept_gone_to_and_taken() {
    let mut bench = Bench::following(1000);
    bench.on(Input::PointOut(at(985)));
    bench.on(Input::Act(Action::Mark));
    assert_eq!(bench.view().follow(), Follow::Off);
    bench.on(Input::PointOut(at(990)));
    bench.on(Input::Act(Action::Mark));
    let kept = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Keep(Keep::Marks, text) => Some(text.clone()),
        _ => None,
    });
    let marked = |bench: &Bench| -> Vec<u64> {
        let drawn = bench.view().drawn();
        let lines = drawn.items.iter().filter_map(|item| match item {
            Item::Line(line) if line.dress.marked => line.text.parse().ok(),
            _ => None,
        });
        lines.collect()
    };
    assert_eq!(marked(&bench), [985, 990]);
    bench.on(Input::Act(Action::Marks(-1)));
    assert_eq!(current(&bench), Some(985));
    bench.on(Input::Act(Action::Marks(-1)));
    assert_eq!(bench.page.note(), Some("no mark above"));
    bench.on(Input::Act(Action::CopyMarked));
    let asked = sent(&bench, |message| match message {
        ClientMessage::Take { request, stretches, .. } => Some((*request, stretches.clone())),
        _ => None,
    });
    let (request, stretches) = asked.expect("lines were asked for");
    assert_eq!(stretches.iter().map(|one| one.first).collect::<Vec<_>>(), [at(985), at(990)]);
    let (view, text) = (bench.view().id(), "a\nb\n".to_owned());
    bench.on(Input::Message(ServerMessage::Taken(Taken { request, view, text, left: 0 })));
    assert!(bench.effects.contains(&Effect::CopyText("a\nb\n".into())));
    assert_eq!(bench.page.note(), Some("2 lines copied"));
    // Another page of the same browser has them.
    let mut other = Bench::following(1000);
    other.on(Input::Kept(Keep::Marks, kept.expect("kept")));
    assert_eq!(marked(&other), [985, 990]);
    assert_eq!(other.page.marks().len(), 2);
}

#[test]
fn lines_are_chosen_by_their_numbers_and_linked_to() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Link(at(985)));
    bench.on(Input::Choose(at(988)));
    let chosen = |bench: &Bench| -> Vec<u64> {
        let drawn = bench.view().drawn();
        let lines = drawn.items.iter().filter_map(|item| match item {
            Item::Line(line) if line.dress.chosen => line.text.parse().ok(),
            _ => None,
        });
        lines.collect()
    };
    assert_eq!(chosen(&bench), [985, 986, 987, 988]);
    bench.on(Input::Chosen(Some(Copying::Link)));
    let link = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::CopyAddress(text) => Some(text.clone()),
        _ => None,
    });
    let link = link.expect("a link");
    assert!(link.ends_with("#@00000001:9850-00000001:9880"), "{link}");
    bench.on(Input::Chosen(Some(Copying::Tail)));
    let command = Effect::CopyText("tail -n +986 app.log | head -n 4".into());
    assert!(bench.effects.contains(&command), "{:?}", bench.effects);
    let (_, fragment) = link.split_once('#').expect("a place");
    let other = Bench::at(fragment, 1000);
    assert_eq!(chosen(&other), [985, 986, 987, 988]);
    let other = Bench::at("L986-989", 1000);
    assert_eq!(chosen(&other), [985, 986, 987, 988]);
    bench.on(Input::Act(Action::Leave));
    assert!(chosen(&bench).is_empty());
}

/// Rows of which each tenth begins an event, and the others belong to it.
fn traces(from: u64, to: u64) -> Rows {
    let mut rows = rows(ONE, from, to);
    rows.tell(|text| {
        let line: u64 = text.parse().expect("a number");
        (None, !line.is_multiple_of(10))
    });
    rows
}

fn shows_traces(bench: &mut Bench, from: u64, to: u64) {
    bench.sequence += 1;
    let frame = Frame {
        sequence: bench.sequence,
        outline: Outline { spans: vec![span(ONE, bench.lines, Began::Found)] },
        state: LogState::Live,
        passed: tally(0),
        continues: false,
        blocks: vec![traces(from, to)],
        end: Some(bookmark(bench.lines)),
        age: 0,
        picked: None,
    };
    let view = bench.view().id();
    bench.on(Input::Message(ServerMessage::Frame { view, frame }));
}

fn heads(bench: &Bench) -> Vec<String> {
    let name = |item: &Item| match item {
        Item::Line(line) => line.text.trim_start_matches('0').to_owned(),
        Item::Fold(fold) => format!("{}{}", if fold.open { "v" } else { ">" }, fold.lines),
        Item::Notice(_) => "-".to_owned(),
    };
    bench.view().drawn().items.iter().map(name).collect()
}

#[test]
fn the_lines_of_an_event_fold_into_its_first() {
    let mut bench = Bench::following(5);
    bench.lines = 1000;
    shows_traces(&mut bench, 960, 1000);
    assert_eq!(heads(&bench), ["960", ">9", "970", ">9", "980", ">9", "990", ">9"]);
    // One is opened, and what stands above it stays.
    bench.on(Input::Fold(at(991)));
    let open = heads(&bench);
    assert_eq!(open[6..10], ["990", "v9", "991", "992"]);
    bench.on(Input::Fold(at(991)));
    assert_eq!(heads(&bench).len(), 8);
    // Going to a line that is folded away unfolds it.
    bench.on(Input::GoTo(at(985)));
    assert!(heads(&bench).contains(&"985".to_owned()));
    bench.on(Input::Act(Action::FoldAll));
    assert!(heads(&bench).iter().all(|name| !name.starts_with('>')));
}

#[test]
fn an_event_whose_beginning_is_not_loaded_is_not_folded() {
    let mut bench = Bench::following(5);
    bench.lines = 1000;
    shows_traces(&mut bench, 965, 1000);
    assert_eq!(heads(&bench)[..6], ["965", "966", "967", "968", "969", "970"]);
}

#[test]
fn wrapping_gives_a_line_the_rows_it_needs_and_keeps_its_place() {
    let mut bench = Bench::at("L500", 1000);
    bench.answer();
    let third = bench.seen()[6];
    let y = |bench: &Bench| bench.view().current_place().expect("in sight");
    let before = y(&bench);
    assert_eq!(before.1, ROW as i32);
    // So narrow a page wraps by itself, until it is told not to.
    bench.on(Input::Width(12));
    assert!(bench.page.looks().wrap);
    bench.on(Input::Act(Action::Wrap));
    bench.on(Input::Width(13));
    assert!(!bench.page.looks().wrap);
    bench.on(Input::Act(Action::Wrap));
    bench.answer();
    assert_eq!(y(&bench).1, ROW as i32, "nine characters fit");
    bench.on(Input::Act(Action::Delta));
    assert_eq!(bench.view().list().shape().columns, 10, "no fewer than ten");
    assert!(bench.seen().contains(&third));
    let kept = bench.effects.iter().rev().find_map(|effect| match effect {
        Effect::Keep(Keep::Shape, text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(kept.as_deref(), Some("wrap delta"));
}

#[test]
fn clearing_lets_go_of_what_is_shown_and_keeps_the_log() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Act(Action::Clear));
    assert!(bench.seen().is_empty());
    assert_eq!(bench.page.empty(), Some(super::super::status::Empty::Cleared));
    bench.grow(3);
    assert_eq!(bench.seen(), [1000, 1001, 1002]);
    // A page that lost its line comes back to no more than that.
    bench.stands = None;
    bench.frame_of(60);
    assert_eq!(bench.seen(), [1000, 1001, 1002]);
    bench.on(Input::Act(Action::Top));
    bench.answer();
    bench.sees(0);
}

#[test]
fn a_survey_stands_on_the_ruler() {
    let mut bench = Bench::following(1000);
    let mut survey = Survey { searched: 1, bytes: 1, errors: vec![0; 512], warnings: vec![0; 512] };
    (survey.errors[7], survey.warnings[9]) = (5, 1);
    let view = bench.view().id();
    bench.on(Input::Message(ServerMessage::Surveyed { view, survey }));
    let ruler = super::super::ruler::ruler(Some(bench.view()));
    assert_eq!((ruler.errors[7], ruler.warnings[9], ruler.errors[8]), (3, 1, 0));
}

#[test]
fn the_palette_does_what_is_chosen() {
    let mut bench = Bench::following(1000);
    bench.on(Input::Act(Action::Palette));
    assert_eq!(bench.page.panel(), Panel::Palette);
    bench.on(Input::Palette("wrap long".into()));
    bench.on(Input::PaletteTake(None));
    assert_eq!(bench.page.panel(), Panel::None);
    assert!(bench.page.looks().wrap);
    bench.on(Input::Act(Action::Palette));
    bench.on(Input::Palette(":500".into()));
    bench.on(Input::PaletteTake(None));
    bench.answer();
    assert_eq!(current(&bench), Some(499));
    bench.on(Input::Act(Action::GoToTime));
    bench.on(Input::Palette("nonsense".into()));
    bench.on(Input::PaletteTake(None));
    assert_eq!(bench.page.panel(), Panel::Palette, "it stays until something fits");
}

#[test]
fn a_silence_is_a_row_and_a_steady_beat_is_not() {
    const MINUTE: i64 = 60_000_000_000;
    let silences = |minutes: &[i64]| {
        let mut bench = Bench::following(minutes.len() as u64);
        let mut rows = rows(ONE, 0, minutes.len() as u64);
        rows.tell(|text| {
            let line: usize = text.parse().expect("a number");
            (minutes.get(line).map(|minute| minute * MINUTE), false)
        });
        let frame = Frame {
            sequence: 9,
            outline: Outline { spans: vec![span(ONE, bench.lines, Began::Found)] },
            state: LogState::Live,
            passed: tally(0),
            continues: false,
            blocks: vec![rows],
            end: Some(bookmark(bench.lines)),
            age: 0,
            picked: None,
        };
        let view = bench.view().id();
        bench.on(Input::Message(ServerMessage::Frame { view, frame }));
        heads(&bench).iter().filter(|name| *name == "-").count()
    };
    assert_eq!(silences(&[0, 0, 0, 14, 14, 14]), 1);
    assert_eq!(silences(&[0, 10, 20, 30, 40]), 0);
    assert_eq!(silences(&[0, 0, 0, 0]), 0);
}
