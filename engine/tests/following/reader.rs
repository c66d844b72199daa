//! A reader of every line, and all it was given, by the life that it came from.

use std::collections::HashMap;

use tailwater_engine::cursor::{Cursor, Resumed, Step};
use tailwater_engine::file::Identity;
use tailwater_engine::history::History;
use tailwater_protocol::{Bookmark, GenerationId, Loss};

/// What was delivered of one life.
#[derive(Debug, Default, Clone)]
pub(crate) struct Part {
    /// Where in its life it begins: elsewhere than at the start only after a reported loss.
    pub(crate) base: usize,
    pub(crate) bytes: Vec<u8>,
    /// Whether the reader was told that something of it is missing.
    pub(crate) reported: bool,
    /// What it was told that is missing at the end.
    pub(crate) lost: Option<Loss>,
    /// Whether the reader came back since it began: what it was told is told again.
    pub(crate) was_left: bool,
}

impl Part {
    fn end(&self) -> usize {
        self.base + self.bytes.len()
    }
}

pub(crate) struct Reader {
    cursor: Cursor,
    pub(crate) parts: Vec<Part>,
    of: HashMap<GenerationId, usize>,
    /// In which file each generation began.
    files: HashMap<GenerationId, Identity>,
    now: Option<usize>,
    /// Whether it came back and was not known: what it read before may come again.
    pub(crate) lost_its_place: bool,
    /// Whether one of its places was not known: what a copy still has of it may come again.
    pub(crate) unfound: bool,
    /// Whether it came back at all.
    pub(crate) came_back: bool,
    /// Whether it was told that something unknown is missing.
    pub(crate) passed_unknown: bool,
}

/// What became of a step.
#[derive(PartialEq, Eq)]
pub(crate) enum Stepped {
    On,
    End,
    Doubt,
    /// The system failed.
    Failed,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let (parts, of) = (Vec::new(), HashMap::new());
        let cursor = Cursor::at_start();
        let (files, now) = (HashMap::new(), None);
        Self {
            cursor,
            parts,
            of,
            files,
            now,
            lost_its_place: false,
            came_back: false,
            unfound: false,
            passed_unknown: false,
        }
    }

    pub(crate) fn has_not_begun(&self) -> bool {
        self.cursor.position().is_none()
    }

    pub(crate) fn step(&mut self, history: &History, max: usize) -> Stepped {
        let mut bytes = Vec::new();
        let Ok(step) = self.cursor.read(history, &mut bytes, max) else {
            assert!(bytes.is_empty(), "what failed gives nothing");
            return Stepped::Failed;
        };
        match step {
            Step::Bytes => {
                assert!(!bytes.is_empty() && bytes.len() <= max);
                self.part().bytes.extend(&bytes);
                let position = self.cursor.position().expect("it has read");
                assert_eq!(self.part().end() as u64, position.offset, "{position}");
            }
            Step::Turned { generation } => self.turn(history, generation),
            Step::Lost { loss } => {
                assert_ne!(loss, Loss::Truncated(0));
                if loss == Loss::Unknown {
                    self.passed_unknown = true;
                    self.parts.iter_mut().for_each(|part| part.reported = true);
                    if let Some(position) = self.cursor.position() {
                        self.turn(history, position.generation);
                    }
                } else {
                    let part = self.part();
                    part.reported = true;
                    assert!(part.lost.is_none() || part.was_left, "told twice");
                    part.lost = Some(loss);
                }
            }
            Step::End => return Stepped::End,
            Step::Doubt => return Stepped::Doubt,
        }
        Stepped::On
    }

    /// Notes what there is.
    pub(crate) fn see(&mut self, history: &History) {
        for generation in history.generations.iter() {
            let identity = generation.file.stat().expect("open").identity;
            self.files.entry(generation.id).or_insert(identity);
        }
    }

    fn turn(&mut self, history: &History, id: GenerationId) {
        if let Some(&known) = self.of.get(&id) {
            self.now = Some(known);
            return;
        }
        let generation = history.get(id).expect("one that there is");
        // A file that came back goes on with the life that it had.
        let file = self.files.get(&id);
        let earlier = history.generations.iter().take_while(|other| other.id != id);
        let same = earlier.filter(|other| generation.from > 0 && self.files.get(&other.id) == file);
        let base = generation.from as usize;
        let known = same.last().and_then(|same| self.of.get(&same.id).copied());
        // Unless that was lost.
        let known = known.filter(|&part| self.parts[part].end() == base);
        let part = known.unwrap_or_else(|| {
            self.parts.push(Part { base, ..Part::default() });
            self.parts.len() - 1
        });
        self.of.insert(id, part);
        self.now = Some(part);
    }

    fn part(&mut self) -> &mut Part {
        let now = self.now.expect("it has turned to a generation");
        &mut self.parts[now]
    }

    /// What it has read of the oldest life that it still reads.
    pub(crate) fn oldest(&self) -> Option<Vec<u8>> {
        let oldest = &self.parts[*self.of.values().min()?];
        (oldest.base == 0).then(|| oldest.bytes.clone())
    }

    /// What it comes back with, oldest last.
    pub(crate) fn bookmarks(&self) -> Option<Vec<Bookmark>> {
        Some(self.cursor.bookmarks()).filter(|bookmarks| !bookmarks.is_empty())
    }

    /// The same; `None` if that would say too little to who knows nothing else: so few bytes that
    /// others could be the same.
    pub(crate) fn telling_bookmarks(&self) -> Option<Vec<Bookmark>> {
        let telling = |bookmark: &Bookmark| bookmark.position.offset > 4;
        self.bookmarks().filter(|bookmarks| bookmarks.iter().all(telling))
    }

    /// Comes back to a server that it left a moment ago.
    pub(crate) fn reconnect(&mut self, history: &History, bookmarks: &[Bookmark]) {
        let Some((front, late)) = bookmarks.split_first() else { return };
        let id = front.position.generation;
        // Of what was overwritten meanwhile, only a look can say what became.
        let Ok(Resumed::Exact(cursor)) = Cursor::resume(history, *front) else { return };
        self.cursor = late.iter().copied().fold(cursor, Cursor::and_late);
        self.now = Some(self.of[&id]);
        self.came_back = true;
        self.parts.iter_mut().for_each(|part| part.was_left = true);
    }

    /// Comes back to a server that was started anew: each bookmark, and where it was found.
    pub(crate) fn resume(&mut self, found: &[(Bookmark, Option<tailwater_protocol::Position>)]) {
        let parts = found.iter().map(|(bookmark, position)| {
            (self.of.get(&bookmark.position.generation).copied(), *position)
        });
        let parts: Vec<_> = parts.collect();
        self.of.clear();
        self.files.clear();
        self.now = None;
        self.parts.iter_mut().for_each(|part| part.was_left = true);
        for (part, position) in &parts {
            match (part, position) {
                (Some(part), Some(position)) => {
                    self.of.insert(position.generation, *part);
                }
                (Some(part), None) => {
                    self.parts[*part].reported = true;
                    self.unfound = true;
                }
                (None, _) => {}
            }
        }
        let mut back = found.iter().filter_map(|(bookmark, position)| {
            Some(Bookmark { position: (*position)?, before: bookmark.before })
        });
        match parts.first() {
            Some((Some(part), Some(_))) => {
                self.now = Some(*part);
                let front = back.next().map_or_else(Cursor::at_start, Cursor::at);
                self.cursor = back.fold(front, Cursor::and_late);
            }
            _ => {
                self.lost_its_place = true;
                self.of.clear();
                self.parts.iter_mut().for_each(|part| part.reported = true);
                self.cursor = Cursor::at_start();
            }
        }
    }
}
