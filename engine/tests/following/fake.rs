//! A file system of memory: inodes whose numbers are given out again, names, links, holes, and a
//! clock for files that ticks every four milliseconds.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tailwater_engine::file::{Absent, File, Identity, Place, Sibling, Stat};
use tailwater_engine::read::ReadAt;

use crate::world::{Disk, Handle};

#[derive(Default)]
pub(crate) struct Fake {
    tree: Arc<Mutex<Tree>>,
    open: Vec<Option<Arc<Inode>>>,
}

#[derive(Default)]
struct Tree {
    names: BTreeMap<String, Entry>,
    /// By number; one that nobody holds any more is free.
    inodes: Vec<Weak<Inode>>,
    born: u64,
    now: u64,
    /// The folder was moved away.
    away: bool,
}

enum Entry {
    File(Arc<Inode>),
    Link(String),
}

struct Inode {
    number: u64,
    birth: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    data: Vec<u8>,
    links: u64,
    written: u64,
    changed: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while it was held")
}

fn last_component(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Inode {
    fn change(&self, now: u64, written: bool, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        state.changed = now / 4_000_000 * 4_000_000;
        if written {
            state.written = state.changed / 1_000_000;
        }
    }
}

impl Tree {
    fn create(&mut self, name: &str) -> Arc<Inode> {
        let free = self.inodes.iter().position(|inode| inode.upgrade().is_none());
        let number = free.unwrap_or(self.inodes.len());
        self.born += 1;
        let inode =
            Arc::new(Inode { number: number as u64, birth: self.born, state: Mutex::default() });
        inode.change(self.now, true, |state| state.links = 1);
        if free.is_some() {
            self.inodes[number] = Arc::downgrade(&inode);
        } else {
            self.inodes.push(Arc::downgrade(&inode));
        }
        self.names.insert(name.to_owned(), Entry::File(Arc::clone(&inode)));
        inode
    }

    fn remove(&mut self, name: &str) {
        let now = self.now;
        if let Some(Entry::File(inode)) = self.names.remove(name) {
            inode.change(now, false, |state| state.links -= 1);
        }
    }

    /// The path to which links lead, and its file.
    fn target(&self, path: &str) -> (String, Option<Arc<Inode>>) {
        let mut path = path.to_owned();
        if self.away {
            return (path, None);
        }
        loop {
            if let Some((folder, name)) = path.split_once('/')
                && let Some(Entry::Link(target)) = self.names.get(folder)
            {
                path = format!("{target}/{name}");
            }
            match self.names.get(&path) {
                Some(Entry::Link(target)) => path.clone_from(target),
                Some(Entry::File(inode)) => return (path, Some(Arc::clone(inode))),
                None => return (path, None),
            }
        }
    }
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn inode(&self, handle: Handle) -> &Arc<Inode> {
        self.open[handle.0].as_ref().expect("open")
    }

    fn change(&self, handle: Handle, change: impl FnOnce(&mut State)) {
        let now = lock(&self.tree).now;
        self.inode(handle).change(now, true, change);
    }
}

impl Disk for Fake {
    fn tick(&mut self, nanos: u64) {
        lock(&self.tree).now += nanos;
    }

    fn jump(&mut self, millis: i64) {
        let mut tree = lock(&self.tree);
        tree.now = tree.now.saturating_add_signed(millis * 1_000_000);
    }

    fn wall(&self) -> u64 {
        lock(&self.tree).now / 1_000_000
    }

    fn create(&mut self, name: &str) -> Handle {
        let inode = lock(&self.tree).create(name);
        self.open.push(Some(inode));
        Handle(self.open.len() - 1)
    }

    fn close(&mut self, handle: Handle) {
        self.open[handle.0] = None;
    }

    fn append(&mut self, handle: Handle, bytes: &[u8]) {
        self.change(handle, |state| state.data.extend(bytes));
    }

    fn write_at(&mut self, handle: Handle, bytes: &[u8], offset: u64) {
        self.change(handle, |state| {
            let end = (offset as usize + bytes.len()).max(state.data.len());
            state.data.resize(end, 0);
            state.data[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        });
    }

    fn cut(&mut self, handle: Handle) {
        self.change(handle, |state| state.data.clear());
    }

    fn rename(&mut self, from: &str, to: &str) {
        let mut tree = lock(&self.tree);
        tree.remove(to);
        let entry = tree.names.remove(from).expect("it was there");
        if let Entry::File(inode) = &entry {
            inode.change(tree.now, false, |_| {});
        }
        tree.names.insert(to.to_owned(), entry);
    }

    fn unlink(&mut self, name: &str) {
        lock(&self.tree).remove(name);
    }

    fn link(&mut self, target: &str, name: &str) {
        lock(&self.tree).names.insert(name.to_owned(), Entry::Link(target.to_owned()));
    }

    fn hard_link(&mut self, file: &str, name: &str) {
        let mut tree = lock(&self.tree);
        let (_, inode) = tree.target(file);
        let inode = inode.expect("it was there");
        inode.change(tree.now, false, |state| state.links += 1);
        tree.names.insert(name.to_owned(), Entry::File(inode));
    }

    fn folder(&mut self, _name: &str) {}

    fn away(&mut self, away: bool) {
        lock(&self.tree).away = away;
    }

    fn clear(&mut self) {
        lock(&self.tree).names.clear();
    }

    fn identity(&self, handle: Handle) -> Identity {
        match &self.open[handle.0] {
            Some(inode) => Identity { device: 1, inode: inode.number, birth: inode.birth },
            None => Identity { device: 0, inode: 0, birth: 0 },
        }
    }

    fn place(&self, log: &'static str) -> Box<dyn Place> {
        Box::new(FakePlace { tree: Arc::clone(&self.tree), log })
    }
}

struct FakePlace {
    tree: Arc<Mutex<Tree>>,
    log: &'static str,
}

struct OpenFake {
    inode: Arc<Inode>,
}

impl Place for FakePlace {
    fn look(&self) -> Result<Stat, Absent> {
        let (_, inode) = lock(&self.tree).target(self.log);
        OpenFake { inode: inode.ok_or(Absent::Missing)? }.stat().map_err(|_| Absent::Missing)
    }

    fn open(&self) -> Result<Arc<dyn File>, Absent> {
        let (_, inode) = lock(&self.tree).target(self.log);
        Ok(Arc::new(OpenFake { inode: inode.ok_or(Absent::Missing)? }))
    }

    fn siblings(&self) -> Vec<Sibling> {
        let tree = lock(&self.tree);
        let (base, _) = tree.target(self.log);
        if tree.away {
            return Vec::new();
        }
        let from = tree.names.range(base.clone()..);
        let beside = from.take_while(|(path, _)| path.starts_with(&base));
        let beside = beside.filter_map(|(path, entry)| match entry {
            Entry::File(inode) if *path != base => {
                let stat = OpenFake { inode: Arc::clone(inode) }.stat().ok()?;
                Some(Sibling { name: last_component(path).to_owned(), stat })
            }
            _ => None,
        });
        beside.collect()
    }

    fn open_sibling(&self, name: &str) -> Result<Arc<dyn File>, Absent> {
        let tree = lock(&self.tree);
        let (base, _) = tree.target(self.log);
        let folder = base.rsplit_once('/').map(|(folder, _)| folder);
        let path = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
        match tree.names.get(&path).filter(|_| !tree.away) {
            Some(Entry::File(inode)) => Ok(Arc::new(OpenFake { inode: Arc::clone(inode) })),
            _ => Err(Absent::Missing),
        }
    }

    fn name(&self) -> String {
        last_component(&lock(&self.tree).target(self.log).0).to_owned()
    }
}

impl ReadAt for OpenFake {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        // Short reads happen.
        let len = buf.len().min(100);
        lock(&self.inode.state).data.read_at(&mut buf[..len], offset)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        let state = lock(&self.inode.state);
        let rest = state.data.get(offset as usize..).unwrap_or_default();
        Ok(rest.iter().position(|&byte| byte != 0).map(|at| offset + at as u64))
    }
}

impl File for OpenFake {
    fn stat(&self) -> io::Result<Stat> {
        let state = lock(&self.inode.state);
        let identity = Identity { device: 1, inode: self.inode.number, birth: self.inode.birth };
        let bytes = state.data.len() as u64;
        let State { links, written, changed, .. } = *state;
        Ok(Stat { identity, bytes, links, written, changed })
    }
}
