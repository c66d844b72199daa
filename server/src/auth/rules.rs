//! Who may see and do what: `[[rule]]` of the configuration, asked at one place by every door.
//!
//! Without rules whoever is let in may do everything. With rules nothing is allowed that none of
//! them grants, but to the owner. Rules only ever grant: what one gives none takes away, so that
//! their order means nothing.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use tailwater_protocol::LogName;

use super::identity::{Identity, Standing};

/// Rules of a configuration: each is asked about once per visitor.
const MAX_RULES: usize = 1000;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// See that a log exists, and its lines, by whatever door.
    Read,
    /// Take a log away as a file.
    Download,
    /// Start and stop a command.
    Run,
    /// Send lines.
    Push,
    /// See how the server does.
    Administer,
}

/// A rule as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Names; `*` for everybody who is let in.
    pub users: Vec<String>,
    pub groups: Vec<String>,
    /// One of the values of one of the claims.
    pub claims: std::collections::BTreeMap<String, Vec<String>>,
    /// Globs over names of logs: `*` stays within a part of the name, `**` does not.
    pub sources: Vec<String>,
    pub actions: Vec<Action>,
}

/// All rules of a configuration, found sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// # Errors
    ///
    /// When a rule grants nothing, to nobody, or a glob is none.
    pub fn new(rules: Vec<Rule>) -> anyhow::Result<Self> {
        ensure!(rules.len() <= MAX_RULES, "there are more than {MAX_RULES} rules");
        for (index, rule) in rules.iter().enumerate() {
            let number = index + 1;
            let somebody =
                !rule.users.is_empty() || !rule.groups.is_empty() || !rule.claims.is_empty();
            ensure!(somebody, "rule {number} names nobody; give it `users`, `groups` or `claims`");
            ensure!(!rule.actions.is_empty(), "rule {number} has no `actions`, such as `read`");
            let on_logs = rule.actions.iter().any(|action| *action != Action::Administer);
            ensure!(
                !on_logs || !rule.sources.is_empty(),
                "rule {number} has no `sources`; `**` is all of them"
            );
            for glob in &rule.sources {
                compile(glob).with_context(|| format!("in rule {number}"))?;
            }
        }
        Ok(Self(rules))
    }

    /// What `identity` may do.
    pub fn grants(&self, identity: &Identity) -> Grants {
        if self.0.is_empty() || identity.standing == Standing::Owner {
            return Grants(Granted::Everything);
        }
        let mut granted: Vec<(Action, Vec<String>)> = Vec::new();
        for rule in self.0.iter().filter(|rule| rule.is_about(identity)) {
            for &action in &rule.actions {
                match granted.iter_mut().find(|(known, _)| *known == action) {
                    Some((_, globs)) => globs.extend(rule.sources.iter().cloned()),
                    None => granted.push((action, rule.sources.clone())),
                }
            }
        }
        let of_action = |(action, globs): (Action, Vec<String>)| {
            let mut set = GlobSetBuilder::new();
            // Each was compiled before: one that fails here would grant nothing.
            globs.iter().filter_map(|glob| compile(glob).ok()).for_each(|glob| {
                set.add(glob);
            });
            Some((action, globs, set.build().ok()?))
        };
        Grants(Granted::These(granted.into_iter().filter_map(of_action).collect()))
    }
}

impl Rule {
    fn is_about(&self, identity: &Identity) -> bool {
        // A name is one that was proved: who has none is met by `*` alone.
        let named = identity.standing == Standing::Named && !identity.name.is_empty();
        self.users.iter().any(|user| user == "*" || named && *user == identity.name)
            || self.groups.iter().any(|group| identity.groups.contains(group))
            || self.claims.iter().any(|(claim, wanted)| {
                let said = identity.claims.get(claim).map(Vec::as_slice).unwrap_or_default();
                wanted.iter().any(|value| said.contains(value))
            })
    }
}

fn compile(glob: &str) -> anyhow::Result<globset::Glob> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .with_context(|| format!("`{glob}` is no glob"))
}

/// What somebody may do.
#[derive(Debug)]
pub struct Grants(Granted);

#[derive(Debug)]
enum Granted {
    Everything,
    /// For each action the globs as they are written, and compiled.
    These(Vec<(Action, Vec<String>, GlobSet)>),
}

impl PartialEq for Grants {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Granted::Everything, Granted::Everything) => true,
            (Granted::These(some), Granted::These(others)) => {
                let written =
                    |(action, globs, _): &(Action, Vec<String>, GlobSet)| (*action, globs.clone());
                some.iter().map(written).eq(others.iter().map(written))
            }
            _ => false,
        }
    }
}

/// Somebody who was let in, and what he may do: what every door asks.
#[derive(Debug, Clone)]
pub struct Visitor {
    identity: Arc<Identity>,
    grants: Arc<Grants>,
}

impl Visitor {
    pub fn new(identity: Identity, rules: &Rules) -> Self {
        let grants = Arc::new(rules.grants(&identity));
        Self { identity: Arc::new(identity), grants }
    }

    /// Who runs the server, who may do everything.
    pub fn owner() -> Self {
        Self::new(Identity::owner(), &Rules::default())
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether he may do `action` with the log of that name.
    pub fn may(&self, action: Action, log: &LogName) -> bool {
        match &self.grants.0 {
            Granted::Everything => true,
            Granted::These(these) => {
                let granted = these.iter().find(|(known, ..)| *known == action);
                granted.is_some_and(|(_, _, globs)| globs.is_match(log.as_str()))
            }
        }
    }

    /// Whether he may see how the server does.
    pub fn administers(&self) -> bool {
        match &self.grants.0 {
            Granted::Everything => self.identity.standing != Standing::Anybody,
            Granted::These(these) => these.iter().any(|(known, ..)| *known == Action::Administer),
        }
    }

    /// Whether he is the same, and may do the same.
    pub fn is_as(&self, other: &Self) -> bool {
        self.grants == other.grants && self.identity.name == other.identity.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> anyhow::Result<Rules> {
        #[derive(Deserialize)]
        struct File {
            rule: Vec<Rule>,
        }
        Rules::new(toml::from_str::<File>(text)?.rule)
    }

    fn may(rules: &Rules, identity: &Identity, action: Action, log: &str) -> bool {
        Visitor::new(identity.clone(), rules).may(action, &LogName(log.to_owned()))
    }

    #[test]
    fn nothing_is_allowed_that_no_rule_grants() {
        let rules = rules(
            "[[rule]]\nusers = ['alice']\nsources = ['web/*', 'db/**']\nactions = ['read']\n\
             [[rule]]\ngroups = ['ops']\nsources = ['**']\nactions = ['read', 'run']\n\
             [[rule]]\nclaims = { 'realm.roles' = ['log'] }\nsources = ['web/a']\nactions = ['push']\n\
             [[rule]]\nusers = ['*']\nsources = ['public']\nactions = ['read']\n",
        )
        .expect("sound");
        let alice = Identity::named("alice".into(), vec![]);
        let olga = Identity::named("olga".into(), vec!["ops".into()]);
        let mut carl = Identity::named("carl".into(), vec![]);
        carl.claims.insert("realm.roles".into(), vec!["x".into(), "log".into()]);
        use Action::{Push, Read, Run};
        for (identity, action, log, expected) in [
            (&alice, Read, "web/a", true),
            (&alice, Read, "web/a/b", false),
            (&alice, Read, "db/a/b", true),
            (&alice, Read, "web", false),
            (&alice, Read, "xweb/a", false),
            (&alice, Run, "web/a", false),
            (&alice, Read, "public", true),
            (&olga, Read, "anything/at/all", true),
            (&olga, Run, "web/a", true),
            (&olga, Push, "web/a", false),
            (&carl, Push, "web/a", true),
            (&carl, Read, "web/a", false),
            (&Identity::anybody(), Read, "public", true),
            (&Identity::anybody(), Read, "web/a", false),
            (&Identity::owner(), Push, "web/a", true),
        ] {
            assert_eq!(may(&rules, identity, action, log), expected, "{identity} {action:?} {log}");
        }
        // An empty name is nobody's, also where a rule by mistake names it.
        let nameless = Identity::named(String::new(), vec![]);
        assert!(!may(&rules, &nameless, Read, "web/a"));
        assert!(!Visitor::new(olga, &rules).administers());
    }

    #[test]
    fn without_rules_everything_is_allowed() {
        let rules = Rules::default();
        assert!(may(&rules, &Identity::named("x".into(), vec![]), Action::Run, "a"));
        assert!(!Visitor::new(Identity::anybody(), &rules).administers());
    }

    #[test]
    fn rules_that_mean_nothing_are_refused() {
        for (text, word) in [
            ("[[rule]]\nsources = ['**']\nactions = ['read']", "names nobody"),
            ("[[rule]]\nusers = ['a']\nactions = ['read']", "no `sources`"),
            ("[[rule]]\nusers = ['a']\nsources = ['**']", "no `actions`"),
            ("[[rule]]\nusers = ['a']\nsources = ['[']\nactions = ['read']", "no glob"),
            ("[[rule]]\nuser = ['a']\nsources = ['**']\nactions = ['read']", "user"),
            ("[[rule]]\nusers = ['a']\nsources = ['**']\nactions = ['write']", "write"),
        ] {
            let error = format!("{:#}", rules(text).expect_err(text));
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
