//! What the user wrote, understood: a file, a glob, a directory, or this machine's logs.
//!
//! Understanding looks at the file system only to tell a directory or an existing name with odd
//! characters from a pattern; nothing is opened.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use globset::{GlobBuilder, GlobMatcher};

/// One source of the command line or the configuration.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// As it was written.
    pub written: String,
    /// The first part of its logs' names; the whole name of a single file given a name.
    pub label: String,
    pub kind: SourceKind,
}

/// What kind of source it is.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// One log, there already or to come. It may be a symbolic link: who names the link means
    /// what it leads to.
    File { path: PathBuf, name: String },
    /// Files beneath `root` whose whole path matches.
    Glob { root: PathBuf, pattern: GlobMatcher },
    /// Files beneath `root`, however deep.
    Directory { root: PathBuf },
}

/// Where Debian and its kin, Red Hat's and Alpine's keep logs.
const MACHINE: &str = "/var/log";

impl SourceSpec {
    /// Understands all of `written`; none of it means this machine's logs.
    ///
    /// # Errors
    ///
    /// When one is empty, no valid pattern, or no absolute path can be made of it.
    pub fn parse_all(written: &[String]) -> anyhow::Result<Vec<Self>> {
        if written.is_empty() {
            return Ok(vec![Self {
                written: MACHINE.to_owned(),
                label: "log".to_owned(),
                kind: SourceKind::Directory { root: MACHINE.into() },
            }]);
        }
        let mut specs: Vec<Self> = Vec::with_capacity(written.len());
        for text in written {
            let mut spec = Self::parse(text)?;
            spec.tell_apart(&specs);
            if !specs.iter().any(|known| known.same_as(&spec)) {
                specs.push(spec);
            }
        }
        Ok(specs)
    }

    fn parse(written: &str) -> anyhow::Result<Self> {
        ensure!(!written.is_empty(), "an empty source was named; leave it out or name a file");
        let (given, path) = match named(written) {
            Some((name, path)) => (Some(name), path),
            None => (None, written),
        };
        if let Some((scheme, _)) = path.split_once(':')
            && ["journal", "syslog", "docker", "http", "https"].contains(&scheme)
        {
            bail!(
                "`{written}`: `{scheme}:` is not a source of this version; files, globs and directories are"
            );
        }
        let wants_directory = path.ends_with('/');
        let path = std::path::absolute(path).with_context(|| format!("`{written}` is no path"))?;
        let kind = if path.is_dir() || wants_directory {
            SourceKind::Directory { root: path.components().collect() }
        } else if is_pattern(&path) && !path.exists() {
            glob(&path).with_context(|| format!("`{written}` is no valid pattern"))?
        } else {
            let name = given.map_or_else(|| last(&path), str::to_owned);
            SourceKind::File { path, name }
        };
        let label = given.map_or_else(|| label_of(&kind), str::to_owned);
        Ok(Self { written: written.to_owned(), label, kind })
    }

    /// The folder that holds everything the source may yield.
    pub fn root(&self) -> &Path {
        match &self.kind {
            SourceKind::File { path, .. } => path.parent().unwrap_or(path),
            SourceKind::Glob { root, .. } | SourceKind::Directory { root } => root,
        }
    }

    /// The name of the log at `relative` beneath the root.
    pub fn name_of(&self, relative: &str) -> String {
        match &self.kind {
            SourceKind::File { name, .. } if *name == self.label => name.clone(),
            SourceKind::File { name, .. } => format!("{}/{name}", self.label),
            SourceKind::Glob { .. } | SourceKind::Directory { .. } => {
                let deployed = super::kubernetes::name(relative);
                format!("{}/{}", self.label, deployed.as_deref().unwrap_or(relative))
            }
        }
    }

    /// Gives the source a label of its own when an earlier one with another root has the same:
    /// names must not depend on what the folders hold, or links would break.
    fn tell_apart(&mut self, earlier: &[Self]) {
        let taken = |label: &str| {
            earlier.iter().any(|known| known.label == label && known.root() != self.root())
        };
        let mut label = self.label.clone();
        let mut number = 2;
        while taken(&label) {
            label = format!("{}~{number}", self.label);
            number += 1;
        }
        self.label = label;
    }

    fn same_as(&self, other: &Self) -> bool {
        let same = match (&self.kind, &other.kind) {
            (SourceKind::File { path: a, .. }, SourceKind::File { path: b, .. }) => a == b,
            (SourceKind::Directory { root: a }, SourceKind::Directory { root: b }) => a == b,
            _ => self.written == other.written,
        };
        same && self.label == other.label
    }
}

/// `NAME=PATH`, unless there is a file called just that.
fn named(written: &str) -> Option<(&str, &str)> {
    let (name, path) = written.split_once('=')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let sound = !name.is_empty() && name.chars().all(plain) && !name.starts_with('.');
    (sound && !path.is_empty() && !Path::new(written).exists()).then_some((name, path))
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// The pattern, and the folder before its first wild part.
fn glob(path: &Path) -> anyhow::Result<SourceKind> {
    let text = path.to_str().context("a pattern must be valid UTF-8")?;
    let pattern = GlobBuilder::new(text).literal_separator(true).build()?.compile_matcher();
    let fixed = path.components().take_while(|part| !is_pattern(Path::new(part.as_os_str())));
    let root: PathBuf = fixed.collect();
    Ok(SourceKind::Glob { root, pattern })
}

/// The name of the folder that a source's logs lie in.
fn label_of(kind: &SourceKind) -> String {
    match kind {
        SourceKind::File { path, .. } => path.parent().map(last).unwrap_or_default(),
        SourceKind::Glob { root, .. } | SourceKind::Directory { root } => last(root),
    }
}

/// The last part of a path as a name; `root` for `/`.
fn last(path: &Path) -> String {
    match path.components().next_back() {
        Some(Component::Normal(part)) => part.to_string_lossy().into_owned(),
        _ => "root".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(written: &[&str]) -> Vec<SourceSpec> {
        let written: Vec<String> = written.iter().map(|&text| text.to_owned()).collect();
        SourceSpec::parse_all(&written).expect("sound sources")
    }

    #[test]
    fn logs_are_named_after_the_folder_they_lie_in() {
        let names = |written: &str, relative: &str| spec(&[written])[0].name_of(relative);
        assert_eq!(names("/var/log/nginx/access.log", "access.log"), "nginx/access.log");
        assert_eq!(names("/var/log/nginx/*.log", "access.log"), "nginx/access.log");
        assert_eq!(names("/nowhere/app/logs/", "a/b.log"), "logs/a/b.log");
        assert_eq!(names("web=/var/log/nginx/*.log", "access.log"), "web/access.log");
        assert_eq!(names("web=/var/log/nginx/access.log", "access.log"), "web");
        assert_eq!(names("/x.log", "x.log"), "root/x.log");
    }

    #[test]
    fn equal_labels_of_different_folders_are_told_apart() {
        let specs = spec(&["/a/logs/", "/b/logs/", "/b/logs/x.log", "/a/logs/"]);
        let labels: Vec<&str> = specs.iter().map(|spec| spec.label.as_str()).collect();
        assert_eq!(labels, ["logs", "logs~2", "logs~2"]);
    }

    #[test]
    fn a_pattern_is_rooted_before_its_first_wild_part() {
        let specs = spec(&["/srv/*/logs/{a,b}.log"]);
        let SourceKind::Glob { root, pattern } = &specs[0].kind else { panic!("a glob") };
        assert_eq!(root, Path::new("/srv"));
        assert!(pattern.is_match("/srv/app/logs/a.log"));
        assert!(!pattern.is_match("/srv/app/deeper/logs/a.log"), "`*` stays within a folder");
    }

    #[test]
    fn what_is_no_source_is_refused_with_the_reason() {
        for (text, reason) in [("", "empty"), ("journal:x", "not a source"), ("/a/[", "pattern")] {
            let error = SourceSpec::parse_all(&[text.to_owned()]).expect_err(text);
            assert!(format!("{error:#}").contains(reason), "{error:#}");
        }
    }
}
