//! What was asked for, resolved: flags over `TAILWATER_*` over `tailwater.toml` over defaults.
//!
//! (The environment is read by [`crate::cli`], which already puts flags before it.)
//! Nothing is opened here but the configuration file, and nothing is listened on.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::auth::{Rules, proxy, rules, token};
use crate::cli::Options;
use crate::doors::{self, CommandFile, DoorsFile};
use crate::limits::Limits;
use crate::sources::SourceSpec;
use crate::spool::SpoolFile;
use crate::tls;

/// T-A-I-L on the keys of a telephone.
pub const PORT: u16 = 8245;

/// Lines a text reader is given first, when nothing else was said.
const LINES: u32 = 1000;

/// A shorter token could be guessed.
const TOKEN_MIN: usize = 16;

/// A browser that was closed for a weekend may have to log in again.
const SESSION_IDLE_HOURS: u32 = 48;

/// Whoever has a stolen cookie has it no longer than this.
const SESSION_DAYS: u32 = 7;

/// Everything the server is told.
#[derive(Debug, Clone)]
pub struct Config {
    pub bind: IpAddr,
    pub port: Port,
    /// Empty, or a path that starts with a slash and does not end with one.
    pub base: String,
    pub login: Login,
    /// Names beside the loopback ones by which the server may be addressed, in lower case.
    pub hosts: Vec<String>,
    /// Origins beside the server's own whose pages may open the socket.
    pub origins: Vec<String>,
    pub lines: u32,
    pub open: bool,
    /// Whether to go by the clock alone.
    pub poll: bool,
    /// Where sessions and line counts are kept over a restart; `None`: in memory alone.
    pub state: Option<PathBuf>,
    pub sources: Vec<SourceSpec>,
    /// What makes logs that are no files.
    pub doors: doors::Settings,
    /// The certificate to speak TLS with; `None`: plain HTTP.
    pub tls: Option<tls::Files>,
    pub limits: Limits,
    /// The file of those who log in by name.
    pub users: Option<PathBuf>,
    /// Whose tokens are believed.
    pub jwt: Option<token::Settings>,
    pub proxy: proxy::Settings,
    pub rules: Rules,
    /// Hours after which a session that nobody used is ended.
    pub session_idle_hours: u32,
    /// Days after which a session is ended however it was used.
    pub session_days: u32,
    /// The configuration file that was read, if there was one.
    pub file: Option<PathBuf>,
}

/// Which port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// This one and no other.
    Exactly(u16),
    /// [`PORT`], or the next that is free.
    NextFree,
}

/// Who is let in.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// Whoever has the one-time key that is printed at start-up.
    Key,
    /// Whoever has the key, or this token.
    Token(String),
    /// Anybody, by explicit consent.
    Open,
}

impl std::fmt::Debug for Login {
    /// Without the token: what is logged must not let anybody in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key => "one-time key",
            Self::Token(_) => "token, one-time key",
            Self::Open => "none",
        })
    }
}

/// `tailwater.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    sources: Vec<String>,
    bind: Option<IpAddr>,
    port: Option<u16>,
    base_path: Option<String>,
    state: Option<PathBuf>,
    lines: Option<u32>,
    no_auth: Option<bool>,
    poll: Option<bool>,
    token: Option<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    limits: Limits,
    spool: SpoolFile,
    command: BTreeMap<String, CommandFile>,
    control: Option<bool>,
    push: doors::PushFile,
    users: Option<PathBuf>,
    jwt: Option<token::Settings>,
    proxy: proxy::Settings,
    rule: Vec<rules::Rule>,
    session_idle_hours: Option<u32>,
    session_days: Option<u32>,
}

impl Default for Config {
    /// Loopback, the one-time key, nothing kept, nothing offered.
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: Port::NextFree,
            base: String::new(),
            login: Login::Key,
            hosts: Vec::new(),
            origins: Vec::new(),
            lines: LINES,
            open: false,
            poll: false,
            state: None,
            sources: Vec::new(),
            doors: doors::Settings::default(),
            tls: None,
            limits: Limits::default(),
            users: None,
            jwt: None,
            proxy: proxy::Settings::default(),
            rules: Rules::default(),
            session_idle_hours: SESSION_IDLE_HOURS,
            session_days: SESSION_DAYS,
            file: None,
        }
    }
}

impl Config {
    /// Resolves `options` with the environment and the configuration file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or understood, or when what was asked for would be unsafe.
    pub fn resolve(options: &Options) -> anyhow::Result<Self> {
        let (file, path) = File::find(options.config.as_deref())?;
        let token = std::env::var("TAILWATER_TOKEN").ok().or(file.token);
        let by = if options.sources.is_empty() && options.run.is_empty() {
            doors::Named::Elsewhere
        } else {
            doors::Named::OnTheCommandLine
        };
        let named = if options.sources.is_empty() && options.run.is_empty() {
            sources_of_environment()
        } else {
            options.sources.clone()
        };
        let named = if named.is_empty() && options.run.is_empty() { file.sources } else { named };
        let tables = DoorsFile {
            spool: file.spool,
            commands: file.command,
            control: file.control,
            push: file.push,
        };
        let (doors, named) = doors::Settings::resolve(tables, named, &options.run, by)?;
        // Without any source this machine's logs are meant, unless there are others.
        let none = named.is_empty() && doors.bring_logs();
        let sources = if none { Vec::new() } else { SourceSpec::parse_all(&named)? };
        let state = options.state.clone().or(file.state).or_else(state_folder);
        let config = Self {
            bind: options.bind.or(file.bind).unwrap_or(Ipv4Addr::LOCALHOST.into()),
            port: options.port.or(file.port).map_or(Port::NextFree, Port::Exactly),
            base: base_path(options.base_path.clone().or(file.base_path).unwrap_or_default())?,
            login: match token {
                _ if options.no_auth || file.no_auth == Some(true) => Login::Open,
                Some(token) => Login::Token(token),
                None => Login::Key,
            },
            hosts: hosts(either(&options.hosts, file.hosts), options.bind.or(file.bind)),
            origins: either(&options.origins, file.origins),
            lines: options.lines.or(file.lines).unwrap_or(LINES),
            open: options.open,
            poll: options.poll || file.poll == Some(true),
            users: users_file(options.users.clone().or(file.users), state.as_deref()),
            state,
            sources,
            doors,
            tls: tls_files(
                options.tls_cert.clone().or(file.tls_cert),
                options.tls_key.clone().or(file.tls_key),
            )?,
            limits: file.limits,
            jwt: file.jwt,
            proxy: file.proxy,
            rules: Rules::new(file.rule)?,
            session_idle_hours: file.session_idle_hours.unwrap_or(SESSION_IDLE_HOURS),
            session_days: file.session_days.unwrap_or(SESSION_DAYS),
            file: path,
        };
        config.limits.check()?;
        config.refuse_unsafe()?;
        Ok(config)
    }

    fn refuse_unsafe(&self) -> anyhow::Result<()> {
        if let Login::Token(token) = &self.login {
            ensure!(
                token.len() >= TOKEN_MIN,
                "the token has fewer than {TOKEN_MIN} characters; make one with `openssl rand -hex 16`"
            );
        }
        for (name, value) in
            [("session_idle_hours", self.session_idle_hours), ("session_days", self.session_days)]
        {
            ensure!((1..=100_000).contains(&value), "`{name}` is {value}; it can be 1 to 100000");
        }
        if !self.bind.is_loopback() && self.login == Login::Key && !self.others_log_in()? {
            bail!(
                "refusing to listen on {} where others can reach it, since no way to log in is configured. Either\n\
                 \x20 - keep it on this machine, and reach it by `ssh -NL 8245:127.0.0.1:8245 {}`,\n\
                 \x20 - add users by `tailwater user add NAME`,\n\
                 \x20 - set a token in TAILWATER_TOKEN (`openssl rand -hex 16` makes one), or\n\
                 \x20 - let anybody in by `--no-auth`",
                self.bind,
                crate::start::machine_name(),
            );
        }
        Ok(())
    }
}

/// The file of users that `options` mean, for who changes it.
///
/// # Errors
///
/// When the configuration cannot be read, or there is nowhere to keep users.
pub fn where_users_are(options: &Options) -> anyhow::Result<PathBuf> {
    let (file, _) = File::find(options.config.as_deref())?;
    let state = options.state.clone().or(file.state).or_else(state_folder);
    users_file(options.users.clone().or(file.users), state.as_deref())
        .context("there is no folder to keep users in; name a file by `--users FILE`")
}

impl Config {
    /// The sources as they were named.
    pub fn named(&self) -> Vec<&str> {
        self.sources.iter().map(|source| source.written.as_str()).collect()
    }

    /// Whether there is a way to log in beside key and token.
    fn others_log_in(&self) -> anyhow::Result<bool> {
        let users = self.users.as_deref().map(crate::auth::users::load).transpose()?;
        let proxies = proxy::Proxies::new(&self.proxy)?;
        Ok(users.is_some_and(|users| !users.is_empty())
            || self.jwt.is_some()
            || proxies.name_users())
    }
}

impl File {
    /// The file named, or the first of the usual ones that exists.
    fn find(named: Option<&Path>) -> anyhow::Result<(Self, Option<PathBuf>)> {
        if let Some(path) = named {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration `{}`", path.display()))?;
            return Ok((Self::parse(&text, path)?, Some(path.to_owned())));
        }
        let home = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
        let usual = [
            Some(PathBuf::from("tailwater.toml")),
            home.map(|folder| folder.join("tailwater/tailwater.toml")),
            Some(PathBuf::from("/etc/tailwater/tailwater.toml")),
        ];
        for path in usual.into_iter().flatten() {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Ok((Self::parse(&text, &path)?, Some(path))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("cannot read the configuration `{}`", path.display())
                    });
                }
            }
        }
        Ok((Self::default(), None))
    }

    fn parse(text: &str, path: &Path) -> anyhow::Result<Self> {
        toml::from_str(text).with_context(|| format!("in the configuration `{}`", path.display()))
    }
}

/// `named` in lower case, and the machine's own name where others can reach it: who rebinds a name
/// of his own does not have that one.
fn hosts(named: Vec<String>, bind: Option<IpAddr>) -> Vec<String> {
    let own = bind.filter(|bind| !bind.is_loopback()).map(|_| crate::start::machine());
    named.into_iter().chain(own).map(|host| host.to_lowercase()).collect()
}

/// The file named, or `users` in the state folder.
fn users_file(named: Option<PathBuf>, state: Option<&Path>) -> Option<PathBuf> {
    named.or_else(|| Some(state?.join("users")))
}

/// Both files or neither.
fn tls_files(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> anyhow::Result<Option<tls::Files>> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(tls::Files { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("a certificate needs its key: add `--tls-key FILE`"),
        (None, Some(_)) => bail!("a key needs its certificate: add `--tls-cert FILE`"),
    }
}

/// `first`, unless it says nothing.
fn either(first: &[String], second: Vec<String>) -> Vec<String> {
    if first.is_empty() { second } else { first.to_vec() }
}

/// Sources for a server that somebody else starts, such as `cargo leptos watch`.
fn sources_of_environment() -> Vec<String> {
    let named = std::env::var("TAILWATER_SOURCES").unwrap_or_default();
    named.split_whitespace().map(str::to_owned).collect()
}

/// `path` with one slash before and none after.
fn base_path(path: String) -> anyhow::Result<String> {
    let path = path.trim_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    ensure!(
        path.is_empty()
            || path.chars().all(plain)
                && path.split('/').all(|part| !matches!(part, "" | "." | "..")),
        "the base path `/{path}` may hold letters, digits and `-._~` between single slashes"
    );
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}

fn state_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").filter(|folder| !folder.is_empty());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    given.map(PathBuf::from).or_else(home).map(|folder| folder.join("tailwater"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_brought_into_shape() {
        for (given, expected) in [("", ""), ("/", ""), ("logs", "/logs"), ("/a/b/", "/a/b")] {
            assert_eq!(base_path(given.into()).expect("plain"), expected);
        }
        for given in ["a//b", "../x", "a b", "a?b", "ä"] {
            assert!(base_path(given.into()).is_err(), "{given}");
        }
    }

    #[test]
    fn another_address_needs_a_login() {
        let options =
            Options { bind: Some("0.0.0.0".parse().expect("address")), ..Options::default() };
        let refused = Config::resolve(&options).expect_err("no login").to_string();
        assert!(refused.contains("TAILWATER_TOKEN") && refused.contains("--no-auth"), "{refused}");
        let consented = Options { no_auth: true, ..options };
        assert_eq!(Config::resolve(&consented).expect("consented").login, Login::Open);
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tailwater.toml");
        std::fs::write(&path, "port = 9000\nlines = 5\nbase_path = 'x'").expect("written");
        let options = Options { config: Some(path), port: Some(9001), ..Options::default() };
        let config = Config::resolve(&options).expect("resolved");
        assert_eq!(
            (config.port, config.lines, config.base.as_str()),
            (Port::Exactly(9001), 5, "/x")
        );
    }

    #[test]
    fn a_wrong_word_in_the_file_is_named() {
        let error = File::parse("prot = 1", Path::new("tailwater.toml")).expect_err("a typo");
        assert!(format!("{error:#}").contains("prot"));
    }
}
