//! Following, modelled: random schedules of what writers and rotators do to files, over a file
//! system of memory and over the real one, read by readers that come and go.
//!
//! The oracle is the truth about what was written, kept beside: every byte that could be read is
//! delivered once, in its place, and whatever could not be is reported.
//!
//! `TAILWATER_CASES` sets how many schedules are tried.

mod disk;
mod fake;
mod faulty;
mod found;
mod reader;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use std::time::Duration;
use tailwater_engine::follow::Limits;
use world::{Op, World};

fn cases(usual: u32) -> u32 {
    std::env::var("TAILWATER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

fn config(usual: u32) -> Config {
    let kept = FileFailurePersistence::Direct("tests/following/regressions.txt");
    Config {
        cases: cases(usual),
        failure_persistence: Some(Box::new(kept)),
        max_shrink_iters: 20_000,
        ..Config::default()
    }
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || prop_oneof![4 => 1_u16..80, 2 => 1_u16..700, 1 => 1_u16..3];
    prop_oneof![
        10 => bytes().prop_map(Op::Append),
        2 => bytes().prop_map(Op::AppendLate),
        8 => Just(Op::Look),
        8 => (1_u8..6, prop_oneof![1_u16..40, 200_u16..2000]).prop_map(|(steps, max)| Op::Read { steps, max }),
        3 => Just(Op::ReadAll),
        1 => (1_u16..800).prop_map(Op::Wait),
        3 => any::<bool>().prop_map(|reopen| Op::Rotate { reopen }),
        1 => Just(Op::Reopen),
        2 => Just(Op::Copy),
        3 => Just(Op::CutAfterCopy),
        1 => bytes().prop_map(Op::CutAndGrow),
        1 => Just(Op::Rewrite),
        1 => bytes().prop_map(Op::CutUnderWriter),
        1 => Just(Op::Delete),
        2 => Just(Op::Create),
        1 => Just(Op::RenameBack),
        1 => (0_u8..3).prop_map(Op::Fail),
        1 => any::<bool>().prop_map(Op::Forbid),
        1 => Just(Op::Restart),
    ]
}

fn schedule() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..60)
}

/// So long that nothing is let go within a schedule.
const PATIENT: Limits = Limits { linger: Duration::from_secs(3600), held: 64 };

/// So short that much is let go, which must be reported.
const HASTY: Limits = Limits { linger: Duration::from_millis(30), held: 2 };

#[test]
fn every_byte_is_delivered_once_or_reported() {
    let schedules = (schedule(), any::<bool>(), any::<bool>());
    let tests = |(ops, linked, hasty): (Vec<Op>, bool, bool)| {
        let limits = if hasty { HASTY } else { PATIENT };
        World::new(Box::new(fake::Fake::new()), limits, linked, hasty).run(&ops);
        Ok(())
    };
    if let Err(error) = proptest::test_runner::TestRunner::new(config(2000)).run(&schedules, tests)
    {
        panic!("{error}");
    }
}

#[test]
fn the_real_file_system_is_no_other() {
    let schedules = (schedule(), any::<bool>());
    let tests = |(ops, linked): (Vec<Op>, bool)| {
        let folder = tempfile::tempdir().expect("a folder");
        World::new(Box::new(disk::Disk::new(folder.path())), PATIENT, linked, false).run(&ops);
        Ok(())
    };
    if let Err(error) = proptest::test_runner::TestRunner::new(config(48)).run(&schedules, tests) {
        panic!("{error}");
    }
}
