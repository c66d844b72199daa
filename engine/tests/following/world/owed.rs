//! What is owed to the reader: of each life as much as the follower could reach at one of its
//! looks.
//!
//! A follower can reach what it holds open, what the name leads to, and, when it has reason to go
//! through what lies beside the log, all of that. What was written and done away with between two
//! looks, with no copy left, is out of anybody's reach; the judge counts it.

use tailwater_engine::history::History;
use tailwater_engine::read::stands_before;

use super::World;
use super::files::Files;

impl Files {
    /// Notes what could be reached just now. `begun`: whether there was a look before.
    fn note_reach(&mut self, begun: bool) {
        let Some(named) = self.visible() else { return };
        let life = self.life(named);
        let cut = self.lives.iter().any(|life| {
            let marked = life.looks.iter().any(|&(end, _)| end > 0);
            life.file == named && life.over && !life.settled && marked
        });
        let was_empty =
            life.looks.last().is_none_or(|&(end, _)| end == 0) && !life.bytes.is_empty();
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
            let unmarked = life.looks.iter().all(|&(end, _)| end == 0);
            let found = |copy: &&super::files::Filed| match unmarked {
                true => gone_through && !copy.seen,
                // That a file from before begins alike proves nothing.
                false => {
                    let marks = |&(end, _): &(usize, usize)| end > 0 && end <= copy.copied;
                    copy.copied > 0 && (!copy.seen || life.looks.iter().any(marks))
                }
            };
            let copied = copies.filter(found).map(|copy| copy.copied).max();
            let settled = !unmarked || gone_through;
            let life = &mut self.lives[number];
            life.kept = life.kept.max(copied.unwrap_or(0));
            life.owed = life.owed.max(life.kept);
            life.settled = settled;
        }
    }

    /// A copy is looked for when the cut is seen, and while the folder is away, none is.
    fn settle_cut(&mut self) {
        for life in self.lives.iter_mut().filter(|life| life.over) {
            life.settled |= self.files[life.file].held;
        }
    }

    /// What lies beside the log is there from the start.
    pub(super) fn see_beside(&mut self) {
        self.beside().into_iter().for_each(|file| self.files[file].seen = true);
    }

    /// Notes what the follower holds, and how far it has come in it.
    fn note_held(&mut self, history: &History, clean: bool) {
        let looks = self.looks;
        let mut noticed = Vec::new();
        for file in self.files.iter_mut().filter(|file| !file.copy) {
            let identity = self.disk.identity(file.handle);
            let of_file = |g: &&tailwater_engine::history::Generation| {
                g.lost.is_none() && g.file.stat().is_ok_and(|stat| stat.identity == identity)
            };
            let life = &mut self.lives[file.life];
            // In haste, what was let go is out of reach.
            file.held &= !self.setting.hasty;
            if let Some(known) = history.generations.iter().rev().find(of_file) {
                file.held = true;
                // It may not have noticed yet that this is another life.
                if stands_before(&life.bytes, known.bytes, known.marker).is_ok_and(|stands| stands)
                {
                    life.looks.push((known.bytes as usize, looks));
                    noticed.push(file.life);
                }
            }
            if file.held && clean {
                life.owed = life.owed.max(life.bytes.len());
            }
        }
        for number in noticed {
            let file = self.lives[number].file;
            for life in self.lives.iter_mut().take(number).filter(|life| life.file == file) {
                life.settled |= life.looks.iter().any(|&(end, _)| end > 0);
            }
        }
    }

    /// Nobody knows any more of files without a name, nor of lives that were cut.
    fn forget(&mut self) {
        for number in 0..self.lives.len() {
            let file = self.lives[number].file;
            // What has two names is taken for older than it is.
            let unknown = !self.is_linked(file) || self.files[file].twice;
            if self.lives[number].over || unknown {
                let life = &mut self.lives[number];
                (life.owed, life.kept) = (0, 0);
            }
        }
    }

    /// The server was begun anew.
    pub(super) fn forget_looks(&mut self) {
        self.restarted = true;
        for life in &mut self.lives {
            life.looks.clear();
            life.settled = false;
        }
        for file in &mut self.files {
            (file.held, file.seen) = (false, false);
        }
    }

    /// A reader came back that had stood in that life: what came after it was found along.
    fn note_found(&mut self, oldest: usize) {
        let first = self.lives[oldest].file;
        self.lives.iter_mut().take(oldest).for_each(|life| life.passed = true);
        for file in self.beside() {
            let file = &self.files[file];
            let twice = self.files[self.lives[file.life].file].twice;
            if file.copy && file.life >= oldest && !twice {
                let life = &mut self.lives[file.life];
                life.owed = life.owed.max(file.copied);
            }
        }
        for file in self.beside().into_iter().filter(|&file| file >= first) {
            self.files[file].held |= !self.files[file].copy && !self.files[file].twice;
        }
    }
}

impl World {
    /// Notes a look. Whether nothing stood in its way.
    pub(super) fn note_look(&mut self, failed: bool) -> bool {
        let coming_back = self.coming_back.is_some();
        let begun = self.begun;
        let history = self.follower.history();
        let mut files = self.files();
        files.looks += 1;
        if coming_back {
            files.forget();
        }
        let unheld = files.visible().is_some_and(|file| !files.files[file].held);
        let clean = !(failed || files.is_barred() && unheld);
        let begins = clean || !history.generations.is_empty();
        if files.was_away {
            files.settle_cut();
        }
        files.was_away = files.away;
        if begins && !begun {
            files.see_beside();
        }
        if clean {
            files.note_reach(begun);
        }
        files.note_held(&history, !failed);
        drop(files);
        self.begun |= begins;
        clean
    }

    pub(super) fn note_come_back(&mut self) {
        let history = self.follower.history();
        self.files().note_held(&history, true);
        let Some(oldest) = self.reader.oldest().filter(|_| !self.reader.lost_its_place) else {
            return;
        };
        let mut files = self.files();
        let oldest = files.life_of(&oldest);
        files.note_found(oldest);
        files.note_held(&history, true);
    }
}
