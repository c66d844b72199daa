//! Random rotation, compression, deletion and new beginnings: whatever is done, the history is
//! what lies in the files, in order, and every text keeps its id.

use std::collections::HashMap;

use proptest::prelude::*;
use tailwater_protocol::GenerationId;

use crate::folder::{Folder, LOG, Log, lines};

#[derive(Debug, Clone, Copy)]
enum Op {
    Append(usize),
    /// Everything one further; the oldest goes beyond so many.
    Rotate {
        keep: usize,
    },
    /// The newest that is not.
    Compress {
        at_least: usize,
    },
    Look,
    Settle,
    Wait,
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1_usize..120).prop_map(Op::Append),
        3 => (2_usize..6).prop_map(|keep| Op::Rotate { keep }),
        3 => (1_usize..3).prop_map(|at_least| Op::Compress { at_least }),
        3 => Just(Op::Look),
        4 => Just(Op::Settle),
        1 => Just(Op::Wait),
        1 => Just(Op::Restart),
    ]
}

struct World {
    folder: Folder,
    log: Option<Log>,
    /// What each file beside the log holds: its name, and its life; the newest first.
    beside: Vec<(String, u32)>,
    life: u32,
    written: HashMap<u32, usize>,
    ids: HashMap<u32, GenerationId>,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write(LOG, &lines(0, 30));
        let log = Some(folder.log());
        let written = HashMap::from([(0, 30)]);
        Self { folder, log, beside: Vec::new(), life: 0, written, ids: HashMap::new() }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().expect("running")
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Append(count) => {
                let before = self.written.entry(self.life).or_default();
                let text = lines(self.life, *before + count);
                self.folder.append(LOG, &text[lines(self.life, *before).len()..]);
                *before += count;
            }
            Op::Rotate { keep } => self.rotate(keep),
            Op::Compress { at_least } => {
                let plain = self
                    .beside
                    .iter_mut()
                    .skip(at_least - 1)
                    .find(|(name, _)| !name.ends_with(".gz"));
                if let Some((name, _)) = plain {
                    self.folder.compress(name);
                    name.push_str(".gz");
                }
            }
            Op::Look => self.log().look(),
            Op::Settle => self.judge(),
            Op::Wait => {
                self.log().wait(20_000);
                self.log().look();
            }
            Op::Restart => {
                self.judge();
                let records = self.log.take().expect("running").end();
                self.log = Some(self.folder.log_with(records));
            }
        }
    }

    fn rotate(&mut self, keep: usize) {
        // The follower has seen what it shall go on with: that is its own matter, tried elsewhere.
        self.log().look();
        while self.beside.len() >= keep {
            let (name, _) = self.beside.pop().expect("there are some");
            self.folder.remove(&name);
        }
        for (index, (name, _)) in self.beside.iter_mut().enumerate().rev() {
            let ending = if name.ends_with(".gz") { ".gz" } else { "" };
            let next = format!("{LOG}.{}{ending}", index + 2);
            self.folder.rename(name, &next);
            *name = next;
        }
        let first = format!("{LOG}.1");
        self.folder.rename(LOG, &first);
        self.beside.insert(0, (first, self.life));
        self.life += 1;
        self.written.insert(self.life, 30);
        self.folder.write(LOG, &lines(self.life, 30));
        self.log().look();
    }

    fn judge(&mut self) {
        // What was deleted is let go, so that its compressed file takes its place.
        for _step in 0..3 {
            self.log().wait(20_000);
            self.log().settle();
        }
        let lives: Vec<u32> =
            self.beside.iter().rev().map(|(_, life)| *life).chain([self.life]).collect();
        let expected: Vec<u8> =
            lives.iter().flat_map(|life| lines(*life, self.written[life])).collect();
        let log = self.log.as_ref().expect("running");
        let text = log.text();
        assert!(text == expected, "not the text of {:?}: {}", self.beside, text.len());
        let history = log.history();
        let known = history.generations.iter().filter(|generation| !generation.is_empty());
        let ids: Vec<GenerationId> = known.map(|generation| generation.id).collect();
        assert_eq!(ids.len(), lives.len());
        for (life, id) in lives.iter().zip(&ids) {
            assert_eq!(self.ids.entry(*life).or_insert(*id), id, "life {life} has another id");
        }
        let mut all: Vec<u32> = history.generations.iter().map(|g| g.id.0).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), history.generations.len(), "an id was given twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_history_is_what_lies_in_the_files(ops in prop::collection::vec(op(), 1..40)) {
        let mut world = World::new();
        for op in ops {
            world.act(op);
        }
        world.judge();
    }
}
