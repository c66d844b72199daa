//! Following, modelled: random schedules of what writers and rotators do to files, over a file
//! system of memory and over the real one, read by readers that come and go.
//!
//! The oracle is the truth about what was written, kept beside: every byte that could be read is
//! delivered once, in its place, and whatever could not be is reported.
//!
//! `TAILWATER_CASES` sets how many schedules are tried, `TAILWATER_DISK_CASES` how many of them
//! on the real file system, `PROPTEST_RNG_SEED` which: the same number, the same schedules.

mod broken;
mod chance;
mod disk;
mod fake;
mod faulty;
mod found;
mod reader;
mod schedule;
mod world;

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use schedule::{Schedule, schedule, shrink};
use world::{Balance, World};

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

thread_local! {
    /// Whether a panic is expected here, and not to be printed.
    static TRYING: Cell<bool> = const { Cell::new(false) };
}

/// What the judge says of a schedule.
fn tried(play: impl FnOnce() -> Balance) -> Result<Balance, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !TRYING.get() {
                usual(info);
            }
        }));
    });
    TRYING.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(play));
    TRYING.set(false);
    outcome.map_err(|panic| match panic.downcast::<String>() {
        Ok(said) => *said,
        Err(panic) => panic.downcast::<&str>().map_or("a panic", |said| *said).to_owned(),
    })
}

/// Tries schedule after schedule. The first that fails is made as short as it will go.
fn try_all(first: u64, cases: u64, play: &dyn Fn(&Schedule) -> Balance) -> Balance {
    let mut sum = Balance::default();
    for seed in first..first + cases {
        let schedule = schedule(seed);
        match tried(|| play(&schedule)) {
            Ok(balance) => sum.add(balance),
            Err(_) => {
                let fails = &mut |schedule: &Schedule| tried(|| play(schedule)).is_err();
                let Schedule { setting, ops } = shrink(&schedule, fails);
                eprintln!("schedule {seed}: {setting:?}, &{ops:?}");
                // Once more, for its message.
                play(&Schedule { setting, ops });
                panic!("it fails only at times: {:?}", schedule.ops);
            }
        }
        if (seed - first + 1).is_multiple_of(100_000) {
            eprintln!("{} schedules: {sum:?}", seed - first + 1);
        }
    }
    eprintln!("{cases} schedules: {sum:?}");
    sum
}

/// The number of the first schedule. Those of neighbouring seeds do not overlap.
fn first() -> u64 {
    setting("PROPTEST_RNG_SEED", 0) << 32
}

#[test]
fn every_byte_is_delivered_once_or_reported() {
    let cases = setting("TAILWATER_CASES", 4000);
    let sum = try_all(first(), cases, &|schedule| {
        World::new(Box::new(fake::Fake::new()), schedule.setting).run(&schedule.ops)
    });
    assert!(
        sum.delivered * 3 > sum.written || cases < 1000,
        "the schedules let something be delivered: {sum:?}"
    );
}

#[test]
fn the_real_file_system_is_no_other() {
    let cases = setting("TAILWATER_DISK_CASES", 64);
    try_all(first(), cases, &|schedule| {
        let folder = tempfile::tempdir().expect("a folder");
        let setting = world::Setting { hasty: false, ..schedule.setting };
        World::new(Box::new(disk::Disk::new(folder.path())), setting).run(&schedule.ops)
    });
}
