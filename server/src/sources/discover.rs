//! Which logs the sources yield at this moment.
//!
//! Looks at names and kinds of directory entries only; no log is opened. Every walk is bounded in
//! depth and number, goes through a directory once, and enters a linked one only when it lies
//! within what was named.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobMatcher};
use rustix::fs::{Dir, FileType, OFlags, fstat};

use super::MAX_LOGS;
use super::place::FilePlace;
use super::resolve::{Beneath, Root, Roots};
use super::spec::{SourceKind, SourceSpec};
use tailwater_engine::archive::name::age;
use tailwater_protocol::LogName;

/// Folders below a source that are entered: deeper ones are a mistake or a loop.
const MAX_DEPTH: usize = 32;

/// What was found.
#[derive(Debug, Default)]
pub struct Discovered {
    /// In the order of the sources, then by name.
    pub logs: Vec<(LogName, FilePlace)>,
    /// Whether [`MAX_LOGS`] cut the list.
    pub cut: bool,
}

/// Finds the logs of `specs`.
pub fn discover(specs: &[SourceSpec], roots: &Roots) -> Discovered {
    let mut found = Discovered::default();
    let mut names = HashSet::new();
    for spec in specs {
        match &spec.kind {
            SourceKind::File { path, .. } => {
                let place = FilePlace::named(path.clone());
                found.add(&mut names, spec.name_of(""), place);
            }
            SourceKind::Glob { root, pattern } => {
                let wanted =
                    |relative: &Path, _: &HashSet<&OsStr>| pattern.is_match(root.join(relative));
                let parts = Parts::of(pattern, root);
                walk(spec, root, roots, &parts, &wanted, &mut found, &mut names);
            }
            SourceKind::Directory { root } => {
                let wanted = |relative: &Path, beside: &HashSet<&OsStr>| {
                    relative.file_name().is_some_and(|name| is_log(name, beside))
                };
                walk(spec, root, roots, &Parts::Any, &wanted, &mut found, &mut names);
            }
        }
    }
    found
}

impl Discovered {
    fn add(&mut self, names: &mut HashSet<String>, name: String, place: FilePlace) {
        if self.logs.len() >= MAX_LOGS {
            self.cut = true;
            return;
        }
        // The same file named twice keeps its first name; two files whose names differ only in
        // bytes that are no text are told apart by a number.
        if names.contains(&name) && self.logs.iter().any(|(_, known)| *known == place) {
            return;
        }
        let mut own = name.clone();
        let mut number = 2;
        while !names.insert(own.clone()) {
            own = format!("{name}~{number}");
            number += 1;
        }
        self.logs.push((LogName(own), place));
    }
}

/// Whether a file of that name below the root is wanted, given all names beside it.
type Wanted<'a> = dyn Fn(&Path, &HashSet<&OsStr>) -> bool + 'a;

fn walk(
    spec: &SourceSpec,
    root: &Path,
    roots: &Roots,
    parts: &Parts,
    wanted: &Wanted<'_>,
    found: &mut Discovered,
    names: &mut HashSet<String>,
) {
    let Some(root) = roots.iter().find(|known| known.path() == root) else { return };
    let mut seen = HashSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let place = Beneath { root: Arc::clone(root), relative: folder };
        // A folder that vanished or may not be entered yields nothing; `check` says why.
        let Ok(mut entries) = entries(&place, roots, &mut seen) else { continue };
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let beside: HashSet<&OsStr> = entries.iter().map(|entry| entry.name.as_os_str()).collect();
        let depth = place.relative.components().count();
        let mut inner = Vec::new();
        for entry in &entries {
            if found.cut {
                return;
            }
            let relative = place.relative.join(&entry.name);
            let beneath = || Beneath { root: Arc::clone(root), relative: relative.clone() };
            match entry.kind(&beneath, roots) {
                Kind::Folder if depth < MAX_DEPTH && parts.admit(depth, &entry.name) => {
                    inner.push(relative);
                }
                Kind::File if !hidden(&entry.name) && wanted(&relative, &beside) => {
                    let name = spec.name_of(&relative.to_string_lossy());
                    found.add(names, name, FilePlace::beneath(beneath(), Arc::clone(roots)));
                }
                _ => {}
            }
        }
        folders.extend(inner.into_iter().rev());
    }
}

struct Entry {
    name: std::ffi::OsString,
    listed: FileType,
}

enum Kind {
    File,
    Folder,
    Neither,
}

impl Entry {
    /// A link is what it leads to, when that is within what was named; a link that leads out is
    /// listed as a file, so that the page can say why it is not read.
    fn kind(&self, beneath: &dyn Fn() -> Beneath, roots: &Roots) -> Kind {
        let kind = match self.listed {
            FileType::Symlink | FileType::Unknown => {
                match beneath().open(roots, OFlags::PATH).map(|file| fstat(&file)) {
                    Ok(Ok(stat)) => FileType::from_raw_mode(stat.st_mode),
                    _ => FileType::RegularFile,
                }
            }
            listed => listed,
        };
        match kind {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            _ => Kind::Neither,
        }
    }
}

/// The entries of a folder; none when it was gone through already.
fn entries(
    place: &Beneath,
    roots: &Roots,
    seen: &mut HashSet<(u64, u64)>,
) -> io::Result<Vec<Entry>> {
    let folder = place.open(roots, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let stat = fstat(&folder)?;
    if !seen.insert((stat.st_dev, stat.st_ino)) {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            entries.push(Entry { name: name.to_owned(), listed: entry.file_type() });
        }
    }
    Ok(entries)
}

/// The wild parts of a glob, to enter only folders that can hold a match.
enum Parts {
    /// Every folder may.
    Any,
    /// A folder at depth n must match part n; beyond the last there is nothing.
    Each(Vec<GlobMatcher>),
}

impl Parts {
    fn of(pattern: &GlobMatcher, root: &Path) -> Self {
        let text = pattern.glob().glob();
        let depth = root.components().count();
        let rest = Path::new(text).components().skip(depth);
        let mut parts = Vec::new();
        for part in rest {
            let part = part.as_os_str().to_string_lossy();
            // `**` reaches any depth, and braces may hold a slash that was split here.
            let Ok(glob) = Glob::new(&part) else { return Self::Any };
            if part.contains("**") || part.contains(['{', '}']) {
                return Self::Any;
            }
            parts.push(glob.compile_matcher());
        }
        Self::Each(parts)
    }

    fn admit(&self, depth: usize, name: &OsStr) -> bool {
        match self {
            Self::Any => !hidden(name),
            Self::Each(parts) => {
                // As in a shell, a wild part stands for no hidden name.
                let meant = |part: &GlobMatcher| {
                    part.is_match(name) && (!hidden(name) || part.glob().glob().starts_with('.'))
                };
                depth + 1 < parts.len() && parts.get(depth).is_some_and(meant)
            }
        }
    }
}

fn hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

/// Names that hold secrets more likely than lines.
const SECRET: [&str; 3] = [".key", ".pem", ".p12"];

/// Binary records that `last`, `faillog` and `journalctl` read.
const BINARY: [&str; 5] = ["wtmp", "btmp", "lastlog", "faillog", "tallylog"];

/// Endings of what holds no lines as it lies there.
const PACKED: [&str; 10] =
    [".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip", ".tar", ".tgz", ".journal", ".journal~"];

/// Whether a file found in a directory is a log of its own: not a secret, not binary, not packed,
/// and not an earlier generation of a log beside it.
fn is_log(name: &OsStr, beside: &HashSet<&OsStr>) -> bool {
    let text = name.to_string_lossy();
    let ends = |endings: &[&str]| endings.iter().any(|ending| text.ends_with(ending));
    let secret = ends(&SECRET) || text.starts_with("id_") || text.starts_with("shadow");
    let binary = BINARY.iter().any(|known| {
        text.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    !(secret || binary || ends(&PACKED) || is_earlier(&text, beside))
}

/// Whether `name` is that of an earlier generation of one of the logs beside it: `app.log.1`,
/// `app.log-20261121` or `app-2026-11-21.log` beside `app.log`.
fn is_earlier(name: &str, beside: &HashSet<&OsStr>) -> bool {
    let belongs = |base: &str| beside.contains(OsStr::new(base)) && age(base, name).is_some();
    // Where a name may have been cut in two: there begins what rotation put into it.
    let cuts = |text: &str| -> Vec<String> {
        let at = text.char_indices().filter(|(_, c)| matches!(c, '.' | '-' | '_' | '0'..='9'));
        at.filter_map(|(at, _)| text.get(..at)).map(str::to_owned).collect()
    };
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    cuts(name).iter().any(|base| belongs(base))
        || cuts(stem).iter().any(|stem| belongs(&format!("{stem}.{ending}")))
}

/// The folders that `specs` may lead into.
impl Root {
    pub fn all_of(specs: &[SourceSpec]) -> Roots {
        let mut roots: Vec<Arc<Self>> = Vec::new();
        for spec in specs {
            // A single file is opened by its own path and gives no right to its folder.
            if !matches!(spec.kind, SourceKind::File { .. })
                && !roots.iter().any(|known| known.path() == spec.root())
            {
                roots.push(Arc::new(Self::new(spec.root().to_owned())));
            }
        }
        Roots::from(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(folder: &Path, sources: &[&str]) -> Vec<String> {
        let written: Vec<String> = sources
            .iter()
            .map(|source| {
                folder.join(source).to_string_lossy().into_owned()
                    + if source.ends_with('/') { "/" } else { "" }
            })
            .collect();
        let specs = SourceSpec::parse_all(&written).expect("sound");
        let found = discover(&specs, &Root::all_of(&specs));
        found.logs.into_iter().map(|(name, _)| name.0).collect()
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "line\n").expect("written");
        }
        folder
    }

    #[test]
    fn a_directory_yields_its_logs_and_nothing_else() {
        let folder = folder(&[
            "d/b.log",
            "d/a.log",
            "d/a.log.1",
            "d/a.log.2.gz",
            "d/a.log-20261120",
            "d/a-2026-11-19.log",
            "d/.hidden",
            "d/wtmp",
            "d/tls.key",
            "d/sub/c",
            "d/.git/x.log",
            "d/lone.1",
        ]);
        assert_eq!(names(folder.path(), &["d"]), ["d/a.log", "d/b.log", "d/lone.1", "d/sub/c"]);
    }

    #[test]
    fn a_glob_yields_what_matches() {
        let folder = folder(&[
            "x/a/logs/1.log",
            "x/b/logs/2.log",
            "x/b/logs/3.txt",
            "x/b/4.log",
            "x/.c/logs/5.log",
        ]);
        assert_eq!(names(folder.path(), &["x/*/logs/*.log"]), ["x/a/logs/1.log", "x/b/logs/2.log"]);
        assert_eq!(
            names(folder.path(), &["x/**/*.log"]),
            ["x/a/logs/1.log", "x/b/4.log", "x/b/logs/2.log"]
        );
    }

    #[test]
    fn a_linked_folder_is_entered_once_and_only_within() {
        let folder = folder(&["d/real/a.log", "out/secret.log"]);
        symlink(folder.path().join("d/real"), folder.path().join("d/again")).expect("linked");
        symlink("..", folder.path().join("d/real/up")).expect("linked");
        symlink("../out", folder.path().join("d/out")).expect("linked");
        let names = names(folder.path(), &["d"]);
        assert_eq!(names.iter().filter(|name| name.ends_with("a.log")).count(), 1, "{names:?}");
        assert!(!names.iter().any(|name| name.contains("secret")), "{names:?}");
    }

    #[test]
    fn a_file_named_twice_is_one_log() {
        let folder = folder(&["d/a.log"]);
        assert_eq!(names(folder.path(), &["d/a.log", "d/a.log", "later.log"]).len(), 2);
    }
}
