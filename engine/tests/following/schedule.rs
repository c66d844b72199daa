//! Random schedules, and the shortest that still fail.
//!
//! Each schedule favours some of the things that can happen and leaves out others: what only
//! comes about by many of one kind would else be drowned by the rest.

use crate::chance::Chance;
use crate::world::{Layout, Naming, Op, Setting};

/// Operations in a schedule, at most.
const LONGEST: u32 = 60;

#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) setting: Setting,
    pub(crate) ops: Vec<Op>,
}

/// How an operation is drawn.
type Draw = fn(&mut Chance) -> Op;

/// What can happen, and how often it does.
const OPS: &[(u32, Draw)] = &[
    (20, |c| Op::Append(bytes(c))),
    (4, |c| Op::AppendLate(bytes(c))),
    (16, |_| Op::Look),
    (16, |c| Op::Read {
        steps: c.within(1, 6) as u8,
        max: if c.one_in(2) { c.within(1, 40) } else { c.within(200, 2000) } as u16,
    }),
    (6, |_| Op::ReadAll),
    (2, |c| Op::Wait(c.within(1, 800) as u16)),
    (6, |c| Op::Rotate { reopen: c.one_in(2) }),
    (4, |c| Op::Turn { reopen: c.one_in(2) }),
    (2, |_| Op::Reopen),
    (4, |_| Op::Copy),
    (5, |_| Op::CutAfterCopy),
    (2, |c| Op::CutAndGrow(bytes(c))),
    (2, |_| Op::Rewrite),
    (2, |c| Op::CutUnderWriter(bytes(c))),
    (2, |_| Op::Delete),
    (4, |_| Op::Create),
    (2, |c| Op::Replace(bytes(c))),
    (2, |_| Op::HardLink),
    (2, |_| Op::RenameBack),
    (2, |c| Op::FolderAway(c.one_in(2))),
    (1, |_| Op::FolderNew),
    (2, |c| Op::Fail(c.within(0, 4) as u8)),
    (2, |c| Op::FailReads(c.within(1, 8) as u8)),
    (2, |c| Op::Forbid(c.one_in(2))),
    (1, |c| Op::JumpClock(c.within(0, 8_000_000) as i32 - 4_000_000)),
    (2, |_| Op::Restart),
    (3, |_| Op::Reconnect),
    (8, |c| Op::Amid(c.within(1, 12) as u8)),
];

fn bytes(chance: &mut Chance) -> u16 {
    let most = [80, 80, 80, 80, 700, 700, 3];
    let most = most[chance.within(0, 7) as usize];
    chance.within(1, most) as u16
}

/// The schedule of that number.
pub(crate) fn schedule(seed: u64) -> Schedule {
    let chance = &mut Chance::new(seed);
    let setting = Setting {
        layout: [Layout::Plain, Layout::Plain, Layout::Link, Layout::Chain, Layout::Folder]
            [chance.within(0, 5) as usize],
        naming: if chance.one_in(3) { Naming::Dated } else { Naming::Numbered },
        hasty: chance.one_in(3),
    };
    let favour =
        |chance: &mut Chance, weight: u32| weight * [0, 1, 1, 4][chance.within(0, 4) as usize];
    // Without growth and looks there is nothing to be lost.
    let weights: Vec<u32> = OPS
        .iter()
        .enumerate()
        .map(|(at, (weight, _))| if at < 4 { *weight } else { favour(chance, *weight) })
        .collect();
    let len = chance.within(1, LONGEST);
    let ops = (0..len).map(|_| OPS[chance.weighed(&weights)].1(chance)).collect();
    Schedule { setting, ops }
}

/// The shortest schedule found that still `fails`.
pub(crate) fn shrink(schedule: &Schedule, fails: &mut dyn FnMut(&Schedule) -> bool) -> Schedule {
    let mut least = schedule.clone();
    let mut smaller = true;
    while std::mem::take(&mut smaller) {
        let mut len = least.ops.len();
        while len > 0 {
            let mut at = 0;
            while at < least.ops.len() {
                let mut tried = least.clone();
                tried.ops.drain(at..(at + len).min(least.ops.len()));
                if fails(&tried) {
                    (least, smaller) = (tried, true);
                } else {
                    at += len;
                }
            }
            len /= 2;
        }
        for at in 0..least.ops.len() {
            for simpler in simpler(&least.ops[at]) {
                let mut tried = least.clone();
                tried.ops[at] = simpler;
                if fails(&tried) {
                    (least, smaller) = (tried, true);
                    break;
                }
            }
        }
        let Setting { layout, naming, hasty } = least.setting;
        let settings = [
            Setting { layout: Layout::Plain, ..least.setting },
            Setting { naming: Naming::Numbered, ..least.setting },
            Setting { hasty: false, ..least.setting },
        ];
        let other = |s: &&Setting| (s.layout, s.naming, s.hasty) != (layout, naming, hasty);
        for setting in settings.iter().filter(other) {
            let tried = Schedule { setting: *setting, ops: least.ops.clone() };
            if fails(&tried) {
                (least, smaller) = (tried, true);
                break;
            }
        }
    }
    least
}

/// The same with smaller numbers.
fn simpler(op: &Op) -> Vec<Op> {
    let less = |number: u16| -> Vec<u16> {
        let less = [1, number / 2, number - number / 8, number.saturating_sub(1)];
        less.into_iter().filter(|&less| less > 0 && less < number).collect()
    };
    let each = |number: u16, op: fn(u16) -> Op| less(number).into_iter().map(op).collect();
    match *op {
        Op::Append(len) => each(len, Op::Append),
        Op::AppendLate(len) => each(len, Op::AppendLate),
        Op::CutAndGrow(len) => each(len, Op::CutAndGrow),
        Op::CutUnderWriter(len) => each(len, Op::CutUnderWriter),
        Op::Replace(len) => each(len, Op::Replace),
        Op::Wait(millis) => each(millis, Op::Wait),
        Op::Fail(times) => each(times.into(), |times| Op::Fail(times as u8)),
        Op::FailReads(times) => each(times.into(), |times| Op::FailReads(times as u8)),
        Op::Amid(calls) => each(calls.into(), |calls| Op::Amid(calls as u8)),
        Op::Rotate { reopen: false } => vec![Op::Rotate { reopen: true }],
        Op::Turn { reopen } => vec![Op::Rotate { reopen }],
        Op::ReadAll => vec![Op::Read { steps: 3, max: 200 }],
        Op::Read { steps, max } => {
            let fewer = less(steps.into()).into_iter().map(|s| Op::Read { steps: s as u8, max });
            let shorter = less(max).into_iter().map(|max| Op::Read { steps, max });
            fewer.chain(shorter).collect()
        }
        _ => Vec::new(),
    }
}
