//! What writers and rotators do to files, and the truth about what they wrote.
//!
//! Knows nothing of who follows. Each life's bytes tell which life it is, from the first byte on
//! and in every stretch, so that what is delivered can be put to its life.

use std::collections::BTreeMap;

use super::{Disk, Handle, Layout, Naming, Op, Setting};

/// Rotated files that are kept.
const KEPT: usize = 4;

/// What one file held until it was cut.
#[derive(Debug, Default)]
pub(crate) struct Life {
    pub(super) bytes: Vec<u8>,
    /// What is still to be written of what was begun.
    ahead: Vec<u8>,
    lines: usize,
    pub(super) file: usize,
    /// How many looks there were before it began.
    pub(super) born: usize,
    /// Whether its file had been given its name back: when that was cut, before or after, cannot
    /// be told from what is there.
    pub(super) undated: bool,
    pub(super) over: bool,
    /// Whether it was over at a look already: then nothing more is found of it.
    pub(super) settled: bool,
    /// Where the follower had come at its looks, and at the how many-th.
    pub(super) looks: Vec<(usize, usize)>,
    /// As much as could be reached at one look.
    pub(super) owed: usize,
    /// Whether it is older than where a reader came back to a server that knew nothing: then it is
    /// not owed.
    pub(super) passed: bool,
    /// As much of it as was found in copies after it was over.
    pub(super) kept: usize,
}

impl Life {
    /// Whether it begins with nothing that tells. Holes are all alike: what was lost of one may
    /// have been found in its copy.
    pub(super) fn is_hole(&self) -> bool {
        self.bytes.iter().take(256).all(|&byte| byte == 0)
    }

    pub(super) fn begins_blank(&self) -> bool {
        self.bytes.first() == Some(&0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Filed {
    pub(super) handle: Handle,
    pub(super) life: usize,
    /// A copy of so many bytes of another life, rather than a life of its own.
    pub(super) copy: bool,
    pub(super) copied: usize,
    /// Whether the follower holds it.
    pub(super) held: bool,
    /// Whether it lay beside the log from the start, and so is none that was missed.
    pub(super) seen: bool,
    /// Whether it has or had two names: then that beside the log says nothing of its age.
    pub(super) twice: bool,
    /// Whether it was given its name back.
    pub(super) came_back: bool,
}

pub(crate) struct Files {
    pub(super) disk: Box<dyn Disk + Send>,
    pub(super) setting: Setting,
    pub(super) files: Vec<Filed>,
    pub(super) lives: Vec<Life>,
    pub(super) names: BTreeMap<String, usize>,
    turned: usize,
    dated: usize,
    writer: Option<usize>,
    late: Option<usize>,
    pub(super) forbidden: Option<usize>,
    /// Whether the folder was moved away.
    pub(super) away: bool,
    /// Whether it was at any time since the last look.
    pub(super) was_away: bool,
    pub(super) looks: usize,
    /// Whether the server was begun anew: then nobody remembers how far a file was read that lay
    /// beside the log.
    pub(super) restarted: bool,
}

impl Files {
    pub(super) fn new(disk: Box<dyn Disk + Send>, setting: Setting) -> Self {
        let mut files = Self {
            disk,
            setting,
            files: Vec::new(),
            lives: Vec::new(),
            names: BTreeMap::new(),
            turned: 0,
            dated: 0,
            writer: None,
            late: None,
            forbidden: None,
            away: false,
            was_away: false,
            looks: 0,
            restarted: false,
        };
        files.disk.tick(1_000_000_000_000);
        files.make_folder();
        files
    }

    /// An empty folder, but for the links.
    fn make_folder(&mut self) {
        let target = self.base();
        match self.setting.layout {
            Layout::Plain => {}
            Layout::Link => self.disk.link(&target, "app.log"),
            Layout::Chain => {
                self.disk.link(&target, "current");
                self.disk.link("current", "app.log");
            }
            Layout::Folder => {
                let version = format!("v{}", self.turned);
                self.disk.folder(&version);
                self.disk.link(&version, "data");
            }
        }
    }

    /// What is done to files; `false` if `op` is nothing of the kind.
    pub(crate) fn act(&mut self, op: &Op) -> bool {
        let hasty = self.setting.hasty;
        match *op {
            Op::Append(len) => self.append(self.writer, len),
            // What lingers does not linger long.
            Op::AppendLate(len) => self.append(self.late.filter(|_| !hasty), len),
            Op::FolderAway(away) => self.move_folder(away),
            Op::JumpClock(millis) => self.disk.jump(millis.into()),
            Op::Reopen => self.reopen(),
            Op::Forbid(on) => self.forbidden = self.named().filter(|_| on),
            Op::Rotate { .. }
            | Op::Turn { .. }
            | Op::Copy
            | Op::CutAfterCopy
            | Op::CutAndGrow(_)
            | Op::Rewrite
            | Op::CutUnderWriter(_)
            | Op::Delete
            | Op::Create
            | Op::Replace(_)
            | Op::HardLink
            | Op::FolderNew
            | Op::RenameBack
                if self.away => {}
            Op::Rotate { reopen } => self.rotate(reopen || hasty),
            Op::Turn { reopen } => self.turn(reopen || hasty),
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
            Op::Replace(len) => self.replace(len),
            Op::HardLink => drop(self.hard_link()),
            Op::FolderNew => self.new_folder(),
            Op::RenameBack => self.rename_back(),
            Op::Look
            | Op::Read { .. }
            | Op::ReadAll
            | Op::Wait(_)
            | Op::Fail(_)
            | Op::FailReads(_)
            | Op::Restart
            | Op::Reconnect
            | Op::Amid(_) => return false,
        }
        true
    }

    /// All is in order again.
    pub(super) fn settle(&mut self) {
        self.move_folder(false);
        self.forbidden = None;
        self.create();
        self.finish_line();
    }

    /// The path that the log has now, links followed.
    pub(super) fn base(&self) -> String {
        match self.setting.layout {
            Layout::Plain => "app.log".to_owned(),
            Layout::Link | Layout::Chain => format!("app-{}.log", self.turned),
            Layout::Folder => format!("v{}/app.log", self.turned),
        }
    }

    pub(super) fn named(&self) -> Option<usize> {
        self.names.get(&self.base()).copied()
    }

    /// What the name leads to, for who comes by it.
    pub(super) fn visible(&self) -> Option<usize> {
        self.named().filter(|_| !self.away)
    }

    /// Files that lie beside the log, and the log.
    pub(super) fn beside(&self) -> Vec<usize> {
        let base = self.base();
        let beside = self.names.iter().filter(|(name, _)| name.starts_with(&base) && !self.away);
        beside.map(|(_, &file)| file).collect()
    }

    /// Whether what the name leads to may not be opened.
    pub(crate) fn is_barred(&self) -> bool {
        self.forbidden.is_some() && self.forbidden == self.visible()
    }

    pub(super) fn is_linked(&self, file: usize) -> bool {
        self.names.values().any(|&named| named == file)
    }

    pub(super) fn life(&self, file: usize) -> &Life {
        &self.lives[self.files[file].life]
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
        self.lives.push(Life { file, born: self.looks, ..Life::default() });
        self.files.push(Filed { handle, life, ..Filed::default() });
        self.names.insert(name.to_owned(), file);
        file
    }

    /// What comes late of other files is delivered between lines of the newest.
    fn finish_line(&mut self) {
        let Some(file) = self.named() else { return };
        let life = self.life(file);
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
            let letter = b'!' + (number % 90) as u8;
            let filler = if life.lines % 7 == 6 { 300 } else { (life.lines * 13 + number) % 40 };
            life.ahead.push(letter);
            life.ahead.extend(format!("{number:03}.{}", life.lines).bytes());
            life.ahead.resize(life.ahead.len() + filler, letter);
            life.ahead.push(b'\n');
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
        let undated = self.files[file].came_back;
        self.lives.push(Life { file, born: self.looks, undated, ..Life::default() });
    }

    fn cut(&mut self, grow: usize) {
        let Some(file) = self.named() else { return };
        // To cut a copy that was given the log's name would begin no life of ours.
        if self.life(file).bytes.is_empty() || self.files[file].copy {
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
        let len = self.life(file).bytes.len();
        if len > 0 {
            self.cut(len);
        }
    }

    fn cut_under_writer(&mut self, len: u16) {
        let Some(file) = self.named() else { return };
        let offset = self.life(file).bytes.len();
        // Once a generation is let go, a copy that begins with so long a hole is not known for one.
        let untold = self.setting.hasty && offset >= 256;
        if offset == 0 || untold {
            return;
        }
        self.cut(0);
        let life = self.files[file].life;
        self.lives[life].bytes.resize(offset, 0);
        let bytes = self.written(file, len.into());
        self.disk.write_at(self.files[file].handle, &bytes, offset as u64);
    }

    /// Makes room for another rotated file, and says under which name.
    fn shift(&mut self) -> String {
        let base = self.base();
        if self.setting.naming == Naming::Dated {
            self.dated += 1;
            let prefix = format!("{base}-");
            let dated = self.names.keys().filter(|name| name.starts_with(&prefix));
            let dated: Vec<String> = dated.cloned().collect();
            for old in dated.iter().rev().skip(KEPT - 1) {
                self.unlink(old);
            }
            return format!("{prefix}2026{:04}", self.dated);
        }
        let name = |number: usize| format!("{base}.{number}");
        if self.names.contains_key(&name(KEPT)) {
            self.unlink(&name(KEPT));
        }
        for number in (1..KEPT).rev() {
            self.rename(&name(number), &name(number + 1));
        }
        name(1)
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(file) = self.names.remove(from) {
            self.disk.rename(from, to);
            if let Some(replaced) = self.names.insert(to.to_owned(), file) {
                self.close(replaced);
            }
        }
    }

    fn unlink(&mut self, name: &str) {
        let Some(file) = self.names.remove(name) else { return };
        self.disk.unlink(name);
        self.close(file);
    }

    fn close(&mut self, file: usize) {
        if self.writer != Some(file) && self.late != Some(file) && !self.is_linked(file) {
            self.disk.close(self.files[file].handle);
        }
    }

    fn rotate(&mut self, reopen: bool) {
        let Some(file) = self.named() else { return };
        let base = self.base();
        let to = self.shift();
        self.rename(&base, &to);
        self.create_file(&base);
        self.late = Some(file);
        if reopen {
            self.reopen();
        }
    }

    /// Turns the link to a new file, or to a new folder.
    fn turn(&mut self, reopen: bool) {
        let file = self.named();
        match self.setting.layout {
            Layout::Plain => return self.rotate(reopen),
            _ if file.is_none() => return,
            _ => self.turned += 1,
        }
        let target = self.base();
        match self.setting.layout {
            Layout::Folder => {
                let version = format!("v{}", self.turned);
                self.disk.folder(&version);
                self.create_file(&target);
                self.disk.link(&version, "data");
            }
            layout => {
                self.create_file(&target);
                let link = if layout == Layout::Chain { "current" } else { "app.log" };
                self.disk.link(&target, link);
            }
        }
        self.late = file;
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
        let name = self.shift();
        let handle = self.disk.create(&name);
        let bytes = self.lives[life].bytes.clone();
        self.disk.append(handle, &bytes);
        self.names.insert(name, self.files.len());
        let copied = bytes.len();
        self.files.push(Filed { handle, life, copy: true, copied, ..Filed::default() });
        Some(())
    }

    fn delete(&mut self) {
        self.late = self.named().or(self.late);
        self.writer = None;
        self.unlink(&self.base());
    }

    /// A new file is written aside and takes the name.
    fn replace(&mut self, len: u16) {
        let base = self.base();
        let aside = format!("{}new", base.strip_suffix("app.log").unwrap_or_default());
        let (late, file) = (self.named(), self.create_file(&aside));
        self.append(Some(file), len);
        self.late = late.or(self.late);
        self.writer = Some(file);
        self.rename(&aside, &base);
    }

    /// Gives the log a second name, which rotation might have given it.
    fn hard_link(&mut self) -> Option<()> {
        let file = self.named()?;
        self.files[file].twice = true;
        let name = self.shift();
        self.disk.hard_link(&self.base(), &name);
        self.names.insert(name, file);
        Some(())
    }

    fn move_folder(&mut self, away: bool) {
        if self.away != away {
            self.disk.away(away);
            self.away = away;
            self.was_away |= away;
        }
    }

    /// The folder is removed with all that is in it, and made anew.
    fn new_folder(&mut self) {
        self.late = self.named().or(self.late);
        self.writer = None;
        let names: Vec<String> = self.names.keys().cloned().collect();
        names.iter().for_each(|name| self.unlink(name));
        self.disk.clear();
        self.make_folder();
    }

    fn rename_back(&mut self) {
        let base = self.base();
        let beside = self.names.keys().filter(|name| name.starts_with(&base) && **name != base);
        let earlier = match self.setting.naming {
            Naming::Numbered => beside.min(),
            Naming::Dated => beside.max(),
        };
        let Some(earlier) = earlier.cloned() else { return };
        let file = self.names[&earlier];
        let remembered = !self.restarted && !self.files[file].copy;
        if remembered && !self.life(file).over {
            self.unlink(&base);
            self.rename(&earlier, &base);
            self.files[file].came_back = true;
            self.writer = Some(file);
        }
    }
}
