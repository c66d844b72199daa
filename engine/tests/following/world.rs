//! What writers and rotators do, and the truth about what they wrote.
//!
//! A life is what one file held until it was cut. Each life's bytes tell which life it is, from
//! the first byte on and in every stretch, so that what is delivered can be put to its life. A
//! life is owed to the reader as far as the follower could reach it at one of its looks.

mod judge;

use std::collections::BTreeMap;
use std::time::Duration;

use tailwater_engine::file::{Identity, Place};
use tailwater_engine::follow::{Follower, Limits, Now};
use tailwater_engine::history::Generation;
use tailwater_protocol::Bookmark;

use crate::faulty::Faulty;
use crate::reader::{Reader, Stepped};

/// The name of the log.
pub(crate) const LOG: &str = "app.log";

/// Rotated files that are kept.
const KEPT: usize = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Handle(pub(crate) usize);

/// A file system.
pub(crate) trait Disk {
    fn tick(&mut self, nanos: u64);
    fn wall(&self) -> u64;
    fn create(&mut self, name: &str) -> Handle;
    fn close(&mut self, handle: Handle);
    fn append(&mut self, handle: Handle, bytes: &[u8]);
    fn write_at(&mut self, handle: Handle, bytes: &[u8], offset: u64);
    fn cut(&mut self, handle: Handle);
    fn rename(&mut self, from: &str, to: &str);
    fn unlink(&mut self, name: &str);
    fn link(&mut self, target: &str, name: &str);
    fn identity(&self, handle: Handle) -> Identity;
    fn place(&self) -> Box<dyn Place>;
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Append(u16),
    /// By the descriptor that was held over the last rotation.
    AppendLate(u16),
    Look,
    Read {
        steps: u8,
        max: u16,
    },
    ReadAll,
    Wait(u16),
    /// Rename (or turn the link) and create; the writer goes over at once or later.
    Rotate {
        reopen: bool,
    },
    Reopen,
    Copy,
    CutAfterCopy,
    CutAndGrow(u16),
    /// Other bytes, as many, in place.
    Rewrite,
    /// The writer goes on at its own offset, and leaves a hole.
    CutUnderWriter(u16),
    Delete,
    Create,
    RenameBack,
    Fail(u8),
    Forbid(bool),
    Restart,
}

#[derive(Debug, Default)]
struct Life {
    bytes: Vec<u8>,
    /// What is still to be written of what was begun.
    ahead: Vec<u8>,
    lines: usize,
    file: usize,
    over: bool,
    /// Whether it was over at a look already: then nothing more is found of it.
    settled: bool,
    /// Where the follower may have ended it, at its looks.
    looks: Vec<usize>,
    /// As much as could be reached at one look.
    owed: usize,
}

#[derive(Debug)]
struct Filed {
    handle: Handle,
    life: usize,
    /// A copy of so many bytes of another life, rather than a life of its own.
    copy: bool,
    copied: usize,
    /// Whether the follower holds it.
    held: bool,
    /// Whether it lay beside the log from the start, and so is none that was missed.
    seen: bool,
}

pub(crate) struct World {
    disk: Box<dyn Disk>,
    files: Vec<Filed>,
    lives: Vec<Life>,
    names: BTreeMap<String, usize>,
    /// The target of the link, in a world with one.
    target: Option<String>,
    turned: usize,
    writer: Option<usize>,
    late: Option<usize>,
    failing: u8,
    forbidden: Option<usize>,
    clock: Duration,
    limits: Limits,
    follower: Follower,
    /// Whether late writing is left out, since what lingers does not linger long.
    hasty: bool,
    /// Whether the follower knows what lay beside the log from the start.
    begun: bool,
    reader: Reader,
    coming_back: Option<Vec<Bookmark>>,
    restarted: bool,
}

impl World {
    pub(crate) fn new(disk: Box<dyn Disk>, limits: Limits, linked: bool, hasty: bool) -> Self {
        let mut world = Self {
            disk,
            files: Vec::new(),
            lives: Vec::new(),
            names: BTreeMap::new(),
            target: linked.then(|| "app-0.log".to_owned()),
            turned: 0,
            writer: None,
            late: None,
            failing: 0,
            forbidden: None,
            clock: Duration::ZERO,
            limits,
            follower: Follower::new(limits),
            hasty,
            begun: false,
            reader: Reader::new(),
            coming_back: None,
            restarted: false,
        };
        world.disk.tick(1_000_000_000_000);
        if let Some(target) = &world.target {
            world.disk.link(target, LOG);
        }
        world
    }

    pub(crate) fn run(mut self, ops: &[Op]) {
        for op in ops {
            self.disk.tick(3_000_000);
            self.clock += Duration::from_millis(3);
            self.act(op);
        }
        self.failing = 0;
        self.forbidden = None;
        self.create();
        self.finish_line();
        for _settling in 0..4 {
            self.wait(self.limits.linger);
            self.look();
            self.read_all();
        }
        self.judge();
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Append(len) => self.append(self.writer, len),
            Op::AppendLate(_) if self.hasty => {}
            Op::AppendLate(len) => self.append(self.late, len),
            Op::Look => self.look(),
            Op::Read { steps, max } => self.read(steps.into(), max.into()),
            Op::ReadAll => self.read_all(),
            Op::Wait(millis) => self.wait(Duration::from_millis(millis.into())),
            Op::Rotate { reopen } => self.rotate(reopen || self.hasty),
            Op::Reopen => self.reopen(),
            Op::Copy => drop(self.copy()),
            Op::CutAfterCopy => self.cut(0),
            Op::CutAndGrow(len) => {
                self.cut(0);
                self.append(self.named(), len);
            }
            Op::Rewrite => self.rewrite(),
            Op::CutUnderWriter(len) => self.cut_under_writer(len),
            Op::Delete => self.delete(),
            Op::Create => self.create(),
            Op::RenameBack => self.rename_back(),
            Op::Fail(times) => self.failing = times,
            Op::Forbid(on) => self.forbidden = self.named().filter(|_| on),
            Op::Restart => self.restart(),
        }
    }

    // What is done to files.

    fn base(&self) -> String {
        self.target.clone().unwrap_or(LOG.to_owned())
    }

    fn named(&self) -> Option<usize> {
        self.names.get(&self.base()).copied()
    }

    fn create(&mut self) {
        if self.named().is_none() {
            let base = self.base();
            let file = self.create_file(&base);
            self.writer = Some(file);
        }
    }

    fn create_file(&mut self, name: &str) -> usize {
        let handle = self.disk.create(name);
        let (life, file) = (self.lives.len(), self.files.len());
        self.lives.push(Life { file, ..Life::default() });
        self.files.push(Filed { handle, life, copy: false, copied: 0, held: false, seen: false });
        self.names.insert(name.to_owned(), file);
        file
    }

    /// What comes late of other files is delivered between lines of the newest.
    fn finish_line(&mut self) {
        let Some(file) = self.named() else { return };
        let life = &self.lives[self.files[file].life];
        if life.bytes.last().is_some_and(|&byte| byte != b'\n') {
            let rest = life.ahead.iter().position(|&byte| byte == b'\n');
            let rest = rest.map_or(0, |newline| newline as u16 + 1);
            self.append(Some(file), rest);
        }
    }

    fn append(&mut self, file: Option<usize>, len: u16) {
        let Some(file) = file else { return };
        let bytes = self.written(file, len.into());
        self.disk.append(self.files[file].handle, &bytes);
    }

    /// The next bytes of the life of `file`, noted as written.
    fn written(&mut self, file: usize, len: usize) -> Vec<u8> {
        let number = self.files[file].life;
        let life = &mut self.lives[number];
        while life.ahead.len() < len {
            // No other life within reach has the same letter, and no stretch lacks it.
            let letter = char::from(b'!' + (number % 90) as u8);
            let filler = if life.lines % 7 == 6 { 300 } else { (life.lines * 13 + number) % 40 };
            let line = format!(
                "{letter}{number:03}.{}{}\n",
                life.lines,
                letter.to_string().repeat(filler)
            );
            life.ahead.extend(line.bytes());
            life.lines += 1;
        }
        let bytes: Vec<u8> = life.ahead.drain(..len).collect();
        life.bytes.extend(&bytes);
        bytes
    }

    fn begin_life(&mut self, file: usize) {
        let ended = self.files[file].life;
        self.lives[ended].over = true;
        self.files[file].life = self.lives.len();
        self.lives.push(Life { file, ..Life::default() });
    }

    fn cut(&mut self, grow: usize) {
        let Some(file) = self.named() else { return };
        if self.lives[self.files[file].life].bytes.is_empty() {
            return;
        }
        self.disk.cut(self.files[file].handle);
        self.begin_life(file);
        if grow > 0 {
            let bytes = self.written(file, grow);
            self.disk.append(self.files[file].handle, &bytes);
        }
    }

    fn rewrite(&mut self) {
        let Some(file) = self.named() else { return };
        let len = self.lives[self.files[file].life].bytes.len();
        if len > 0 {
            self.cut(len);
        }
    }

    fn cut_under_writer(&mut self, len: u16) {
        let Some(file) = self.named() else { return };
        let offset = self.lives[self.files[file].life].bytes.len();
        if offset == 0 {
            return;
        }
        self.cut(0);
        let life = self.files[file].life;
        self.lives[life].bytes.resize(offset, 0);
        let bytes = self.written(file, len.into());
        self.disk.write_at(self.files[file].handle, &bytes, offset as u64);
    }

    /// Moves the rotated files on by one, and drops the last.
    fn shift(&mut self) {
        let base = self.base();
        let name = |number: usize| format!("{base}.{number}");
        if self.names.contains_key(&name(KEPT)) {
            self.unlink(&name(KEPT));
        }
        for number in (1..KEPT).rev() {
            self.rename(&name(number), &name(number + 1));
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(file) = self.names.remove(from) {
            self.disk.rename(from, to);
            self.names.insert(to.to_owned(), file);
        }
    }

    fn unlink(&mut self, name: &str) {
        let Some(file) = self.names.remove(name) else { return };
        self.disk.unlink(name);
        if self.writer != Some(file) && self.late != Some(file) {
            self.disk.close(self.files[file].handle);
        }
    }

    fn rotate(&mut self, reopen: bool) {
        let Some(file) = self.named() else { return };
        if self.target.is_some() {
            self.turned += 1;
            let target = format!("app-{}.log", self.turned);
            self.create_file(&target);
            self.disk.link(&target, LOG);
            self.target = Some(target);
        } else {
            self.shift();
            self.rename(LOG, &format!("{LOG}.1"));
            self.create_file(LOG);
        }
        self.late = Some(file);
        if reopen {
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        if let Some(file) = self.named() {
            self.writer = Some(file);
        }
    }

    fn copy(&mut self) -> Option<()> {
        let life = self.files[self.named()?].life;
        self.shift();
        let name = format!("{}.1", self.base());
        let handle = self.disk.create(&name);
        let bytes = self.lives[life].bytes.clone();
        self.disk.append(handle, &bytes);
        self.names.insert(name, self.files.len());
        self.files.push(Filed {
            handle,
            life,
            copy: true,
            copied: bytes.len(),
            held: false,
            seen: false,
        });
        Some(())
    }

    fn delete(&mut self) {
        self.late = self.named().or(self.late);
        self.writer = None;
        self.unlink(&self.base());
    }

    fn rename_back(&mut self) {
        let base = self.base();
        let earlier = format!("{base}.1");
        let Some(&file) = self.names.get(&earlier) else { return };
        // After a restart nobody remembers how far a file was read that lay beside the log.
        let remembered = !self.restarted && !self.files[file].copy;
        if remembered && !self.lives[self.files[file].life].over {
            self.unlink(&base);
            self.rename(&earlier, &base);
            self.writer = Some(file);
        }
    }

    // What the server does.

    fn wait(&mut self, time: Duration) {
        self.disk.tick(time.as_nanos() as u64);
        self.clock += time;
    }

    fn now(&self) -> Now {
        Now { monotonic: self.clock, wall: self.disk.wall() }
    }

    fn look(&mut self) {
        let inner = self.disk.place();
        let barred = self.forbidden.is_some() && self.forbidden == self.named();
        let failing = std::cell::Cell::new(self.failing);
        let place =
            Faulty { inner, failing: &failing, failed: std::cell::Cell::new(false), barred };
        let now = self.now();
        self.follower.reconcile(&place, now);
        let again = self.follower.reconcile(&place, now);
        let failed = place.failed.get();
        assert!(failed || (!again.changed && again.grown == 0), "a look is idempotent: {again:?}");
        self.failing = failing.get();
        if self.coming_back.is_some() {
            self.forget();
        }
        let unheld = self.named().is_some_and(|file| !self.files[file].held);
        let clean = !(failed || barred && unheld);
        if clean {
            self.note_reach();
        }
        self.note_held(!failed);
        if !self.follower.history().generations.is_empty() && clean {
            self.come_back();
        }
        self.reader.see(&self.follower.history());
        if self.reader.has_not_begun() && !self.follower.history().generations.is_empty() {
            self.read(1, 1);
        }
    }

    /// Files that lie beside the log, and the log.
    fn beside(&self) -> Vec<usize> {
        let base = self.base();
        let beside = self.names.iter().filter(|(name, _)| name.starts_with(&base));
        beside.map(|(_, &file)| file).collect()
    }

    /// Notes what the follower could reach just now: what it holds, what the name leads to, and,
    /// when it had reason to go through what lies beside the log, all of that.
    fn note_reach(&mut self) {
        let begun = std::mem::replace(&mut self.begun, true);
        if !begun {
            self.beside().into_iter().for_each(|file| self.files[file].seen = true);
        }
        let Some(named) = self.named() else { return };
        let life = &self.lives[self.files[named].life];
        let cut = self.lives.iter().any(|life| {
            let marked = life.looks.iter().any(|&end| end > 0);
            life.file == named && life.over && !life.settled && marked
        });
        let was_empty = life.looks.last().is_none_or(|&end| end == 0) && !life.bytes.is_empty();
        let gone_through = begun && (!self.files[named].held || cut || was_empty);
        self.files[named].held = true;
        let beside = self.beside();
        for &file in beside.iter().filter(|_| gone_through) {
            self.files[file].held |= !self.files[file].copy && !self.files[file].seen;
        }
        for number in 0..self.lives.len() {
            let life = &self.lives[number];
            if !life.over || life.settled {
                continue;
            }
            let copies = beside.iter().map(|&file| &self.files[file]);
            let copies = copies.filter(|file| file.copy && file.life == number);
            let unmarked = life.looks.iter().all(|&end| end == 0);
            let found = |copy: &&Filed| match unmarked {
                true => gone_through && !copy.seen,
                false => copy.copied > 0,
            };
            let copied = copies.filter(found).map(|copy| copy.copied).max();
            let settled = !unmarked || gone_through;
            let life = &mut self.lives[number];
            life.owed = life.owed.max(copied.unwrap_or(0));
            life.settled = settled;
        }
    }

    /// Notes what the follower holds, and how far it has come in it.
    fn note_held(&mut self, clean: bool) {
        let history = self.follower.history();
        for file in self.files.iter_mut().filter(|file| !file.copy) {
            let identity = self.disk.identity(file.handle);
            let of_file = |g: &&Generation| {
                g.lost.is_none() && g.file.stat().is_ok_and(|stat| stat.identity == identity)
            };
            let life = &mut self.lives[file.life];
            // In haste, what was let go is out of reach.
            file.held &= !self.hasty;
            if let Some(known) = history.generations.iter().rev().find(of_file) {
                file.held = true;
                if life.bytes.len() as u64 >= known.bytes {
                    life.looks.push(known.bytes as usize);
                }
            }
            if file.held && clean {
                life.owed = life.owed.max(life.bytes.len());
            }
        }
    }

    fn read(&mut self, steps: usize, max: usize) {
        if self.coming_back.is_some() {
            return;
        }
        for _step in 0..steps {
            let history = self.follower.history();
            match self.reader.step(&history, max) {
                Stepped::On => {}
                Stepped::End => break,
                Stepped::Doubt => self.look(),
            }
        }
    }

    fn read_all(&mut self) {
        self.read(20_000, 512);
        if self.coming_back.is_none() {
            let history = self.follower.history();
            assert!(self.reader.step(&history, 512) != Stepped::On, "it would read for ever");
        }
    }

    /// The server ends and begins anew; so does the reader's connection.
    fn restart(&mut self) {
        if self.coming_back.is_some() {
            return;
        }
        let Some(bookmarks) = self.reader.bookmarks() else { return };
        self.coming_back = Some(bookmarks);
        self.restarted = true;
        self.follower = Follower::new(self.limits);
        self.begun = false;
        for life in &mut self.lives {
            life.looks.clear();
            life.settled = false;
        }
        for file in &mut self.files {
            file.held = false;
            file.seen = false;
        }
    }

    /// Nobody knows any more of files without a name, nor of lives that were cut.
    fn forget(&mut self) {
        let named: Vec<usize> = self.names.values().copied().collect();
        for life in &mut self.lives {
            if life.over || !named.contains(&life.file) {
                life.owed = 0;
            }
        }
    }

    fn come_back(&mut self) {
        let Some(bookmarks) = self.coming_back.take() else { return };
        let place = self.disk.place();
        let now = self.now();
        let mut found: Vec<_> = Vec::new();
        // The oldest first: what came after it is found along with it.
        for bookmark in bookmarks.into_iter().rev() {
            found.insert(0, (bookmark, self.follower.recognise(place.as_ref(), bookmark, now)));
        }
        self.reader.resume(&found);
        self.note_held(true);
        // What came after the oldest was found along with it.
        let Some(oldest) = self.reader.oldest().filter(|_| !self.reader.lost_its_place) else {
            return;
        };
        let oldest = self.life_of(&oldest);
        let first = self.lives[oldest].file;
        for file in self.beside() {
            let file = &mut self.files[file];
            if file.copy && file.life >= oldest {
                let life = &mut self.lives[file.life];
                life.owed = life.owed.max(file.copied);
            }
        }
        for file in self.beside().into_iter().filter(|&file| file >= first) {
            self.files[file].held |= !self.files[file].copy;
        }
        self.note_held(true);
    }
}
