//! Who somebody is, however it was proved: what rules are asked about.

use std::collections::BTreeMap;

/// How somebody stands to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Has the key that was printed where the server runs, or the configured token: may do
    /// everything, since who has those runs the server.
    Owner,
    /// Is known by name; the rules say the rest.
    Named,
    /// Nobody was asked who he is (`--no-auth`).
    Anybody,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub standing: Standing,
    /// Empty where there is no name.
    pub name: String,
    pub groups: Vec<String>,
    /// What a token says of him: the values of each claim, those within others by `outer.inner`.
    pub claims: BTreeMap<String, Vec<String>>,
}

impl Identity {
    /// Who runs the server.
    pub fn owner() -> Self {
        Self::new(Standing::Owner, String::new(), Vec::new())
    }

    /// Whoever comes.
    pub fn anybody() -> Self {
        Self::new(Standing::Anybody, String::new(), Vec::new())
    }

    /// Somebody of that name, in these groups.
    pub fn named(name: String, groups: Vec<String>) -> Self {
        Self::new(Standing::Named, name, groups)
    }

    fn new(standing: Standing, name: String, groups: Vec<String>) -> Self {
        Self { standing, name, groups, claims: BTreeMap::new() }
    }
}

impl std::fmt::Display for Identity {
    /// For a log line: a name may hold anything, and a line of a log is a line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.standing {
            Standing::Owner => f.write_str("(owner)"),
            Standing::Anybody => f.write_str("(anybody)"),
            Standing::Named => write!(f, "{:?}", self.name),
        }
    }
}
