//! The list of sources: a tree by the segments of their names, a filter, and what is folded.

use std::collections::{BTreeMap, BTreeSet};

use tailwater_protocol::{LogName, Source};

/// Rows of the tree drawn at most; beyond that the filter is the way.
pub(crate) const SHOWN: usize = 400;

/// With more sources than this, folders begin folded.
const MANY: usize = 60;

#[derive(Debug, Default)]
pub(crate) struct Sources {
    all: BTreeMap<LogName, Source>,
    filter: String,
    /// Folders whose state a person has changed.
    toggled: BTreeSet<String>,
    /// Whether the server has sent its list.
    known: bool,
}

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) depth: u8,
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder { path: String, open: bool },
    Log { source: Source },
}

/// What is drawn of the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) branches: Vec<Branch>,
    /// Sources that fit the filter and are not drawn for want of room.
    pub(crate) more: usize,
    pub(crate) total: usize,
}

impl Sources {
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        let mut this = Self::default();
        this.apply(true, sources, &[]);
        this.known = false;
        this
    }

    pub(crate) fn apply(&mut self, all: bool, changed: Vec<Source>, gone: &[LogName]) {
        if all {
            self.all.clear();
        }
        self.known = true;
        self.all.extend(changed.into_iter().map(|source| (source.name.clone(), source)));
        for name in gone {
            self.all.remove(name);
        }
    }

    pub(crate) fn get(&self, name: &LogName) -> Option<&Source> {
        self.all.get(name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Source> {
        self.all.values()
    }

    /// The names of all.
    pub(crate) fn names(&self) -> impl Iterator<Item = &LogName> {
        self.all.keys()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether the server has sent its list.
    pub(crate) fn known(&self) -> bool {
        self.known
    }

    pub(crate) fn set_filter(&mut self, filter: String) {
        self.filter = filter;
    }

    pub(crate) fn toggle(&mut self, path: &str) {
        if !self.toggled.remove(path) {
            self.toggled.insert(path.to_owned());
        }
    }

    /// The source `step` further in the list than `from`, round its ends.
    pub(crate) fn neighbour(&self, from: Option<&LogName>, step: i32) -> Option<LogName> {
        let names: Vec<&LogName> = self.fitting().map(|source| &source.name).collect();
        let at = names.iter().position(|name| Some(*name) == from);
        let at = match (at, step > 0) {
            (Some(at), _) => at as i64 + i64::from(step),
            (None, true) => i64::from(step) - 1,
            (None, false) => i64::from(step),
        };
        let at = at.rem_euclid((names.len() as i64).max(1));
        names.get(at as usize).map(|name| (*name).clone())
    }

    /// The tree as it is to be drawn while `current` is open.
    pub(crate) fn tree(&self, current: Option<&LogName>) -> Tree {
        let fitting: Vec<&Source> = self.fitting().collect();
        let unfolded = !self.filter.is_empty() || self.all.len() <= MANY;
        let mut tree = Tree { total: self.all.len(), ..Tree::default() };
        let mut path: Vec<&str> = Vec::new();
        let mut folded: Option<usize> = None;
        for source in fitting {
            let mut segments: Vec<&str> = source.name.as_str().split('/').collect();
            let leaf = segments.pop().unwrap_or_default();
            let common = path.iter().zip(&segments).take_while(|(old, new)| old == new).count();
            path.truncate(common);
            if folded.is_some_and(|depth| common < depth) {
                folded = None;
            }
            for segment in segments.iter().skip(common) {
                path.push(segment);
                if folded.is_some() {
                    continue;
                }
                let whole = path.join("/");
                let own = current.is_some_and(|log| {
                    log.as_str().strip_prefix(&whole).is_some_and(|rest| rest.starts_with('/'))
                });
                let open = (unfolded || own) != self.toggled.contains(&whole);
                if !open {
                    folded = Some(path.len());
                }
                let depth = (path.len() - 1).min(8) as u8;
                let kind = Kind::Folder { path: whole, open };
                tree.push(Branch { depth, label: (*segment).to_owned(), kind });
            }
            if folded.is_none() {
                let kind = Kind::Log { source: source.clone() };
                let depth = path.len().min(8) as u8;
                tree.push(Branch { depth, label: leaf.to_owned(), kind });
            }
        }
        tree
    }

    fn fitting(&self) -> impl Iterator<Item = &Source> {
        let wanted = self.filter.to_lowercase();
        self.all.values().filter(move |source| fits(source.name.as_str(), &wanted))
    }
}

impl Tree {
    fn push(&mut self, branch: Branch) {
        if self.branches.len() < SHOWN {
            self.branches.push(branch);
        } else if matches!(branch.kind, Kind::Log { .. }) {
            self.more += 1;
        }
    }
}

/// Whether all characters of `wanted`, which is in lower case, stand in `name` in their order.
fn fits(name: &str, wanted: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    wanted.chars().filter(|c| !c.is_whitespace()).all(|c| name.any(|other| other == c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_protocol::LogState;

    fn sources(names: &[&str]) -> Sources {
        let source = |name: &&str| Source {
            name: LogName((*name).into()),
            state: LogState::Live,
            bytes: 1,
            written: None,
            command: None,
        };
        Sources::new(names.iter().map(source).collect())
    }

    fn drawn(sources: &Sources, current: Option<&str>) -> Vec<String> {
        let current = current.map(|name| LogName(name.into()));
        let tree = sources.tree(current.as_ref());
        let line = |branch: &Branch| {
            let mark = match &branch.kind {
                Kind::Folder { open: true, .. } => "v ",
                Kind::Folder { open: false, .. } => "> ",
                Kind::Log { .. } => "",
            };
            format!("{}{mark}{}", "  ".repeat(branch.depth.into()), branch.label)
        };
        tree.branches.iter().map(line).collect()
    }

    #[test]
    fn names_become_a_tree() {
        let mut sources = sources(&["app/a.log", "app/deep/b.log", "nginx/access.log", "syslog"]);
        let whole =
            ["v app", "  a.log", "  v deep", "    b.log", "v nginx", "  access.log", "syslog"];
        assert_eq!(drawn(&sources, None), whole);
        sources.toggle("app");
        assert_eq!(drawn(&sources, None), ["> app", "v nginx", "  access.log", "syslog"]);
        sources.set_filter("ac LOG".into());
        assert_eq!(drawn(&sources, None), ["v nginx", "  access.log"]);
    }

    #[test]
    fn among_many_only_the_own_folder_is_open() {
        let names: Vec<String> = (0..100).map(|n| format!("{}/{n}.log", n % 2)).collect();
        let sources = sources(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let drawn = drawn(&sources, Some("1/51.log"));
        assert_eq!((drawn.len(), drawn[0].as_str(), drawn[1].as_str()), (52, "> 0", "v 1"));
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let sources = sources(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let tree = sources.tree(None);
        assert_eq!((tree.branches.len(), tree.more), (SHOWN, 1000 - SHOWN));
    }

    #[test]
    fn neighbours_go_round() {
        let sources = sources(&["a", "b", "c"]);
        let next = |from: Option<&str>, step| {
            let from = from.map(|name| LogName(name.into()));
            sources.neighbour(from.as_ref(), step).expect("there are some").0
        };
        assert_eq!(next(Some("c"), 1), "a");
        assert_eq!(next(Some("a"), -1), "c");
        assert_eq!((next(None, 1), next(None, -1)), ("a".into(), "c".into()));
        assert_eq!(Sources::default().neighbour(None, 1), None);
    }
}
