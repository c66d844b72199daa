//! Who is let in, and what he may see and do: one answer for every door.
//!
//! A one-time key, printed at start-up, a configured token, or a name with its password is exchanged
//! for a session cookie. Programs send the token, or one that a trusted issuer made, as a bearer. A
//! trusted proxy may say whom it let in. However it was proved, what comes of it is a [`Visitor`],
//! whom the rules say what he may do, and whom every way to a log asks for.
//!
//! Secrets are compared in constant time and kept as hashes. Nothing is sent from here.

mod attempts;
mod identity;
mod issuer;
mod keys;
mod pass;
pub mod proxy;
pub mod rules;
mod sessions;
mod sign_in;
pub mod token;
pub mod users;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::{Semaphore, watch};

use self::attempts::Attempts;
use self::issuer::Issuer;
use self::proxy::{Client, Proxies};
use self::sessions::{Lasting, Sessions, Whose};
use self::token::Unbelieved;
use self::users::Users;
use crate::config::{Config, Login};
use crate::connection::{Security, Via};
pub use identity::{Identity, Standing};
pub use pass::{Ending, Pass};
pub use rules::{Action, Rules, Visitor};
pub use sign_in::SignIn;

/// The door.
#[derive(Debug)]
pub struct Access {
    policy: RwLock<Arc<Policy>>,
    users: Users,
    key: Mutex<String>,
    sessions: Sessions,
    lasting: Lasting,
    attempts: Attempts,
    /// Passwords that are being checked.
    checking: Arc<Semaphore>,
    /// Passwords that are being checked, or wait for it.
    waiting: Arc<Semaphore>,
    port: u16,
    base: String,
    /// Raised when a session was ended before its time, and when the rules change.
    changed: watch::Sender<u64>,
}

/// What a configuration says of it; changes when that is read again.
#[derive(Debug)]
struct Policy {
    login: Login,
    rules: Rules,
    issuer: Option<Arc<Issuer>>,
    proxies: Proxies,
}

impl Policy {
    fn new(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            login: config.login.clone(),
            rules: config.rules.clone(),
            issuer: config.jwt.clone().map(Issuer::new).transpose()?.map(Arc::new),
            proxies: Proxies::new(&config.proxy)?,
        })
    }
}

/// How a request proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// No proof is asked for.
    Open,
    /// By the cookie, or by a proxy that knows the browser: both are sent whoever's page makes the
    /// request, so the origin has to be looked at, too.
    Cookie,
    /// By a token in the request, which no foreign page can know.
    Bearer,
}

/// Of a request, what proves something; it is looked at again for as long as the answer goes on.
#[derive(Debug, Clone)]
pub struct Credentials {
    headers: HeaderMap,
    via: Via,
}

/// Who was let in, and by what. Every request that is let in bears this.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub visitor: Visitor,
    pub proof: Proof,
    pub credentials: Credentials,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nothing that was sent is good.
    Unknown,
    /// A token was signed by a key that is not at hand: it may be had.
    UnknownKey,
}

impl Access {
    /// The door of a server on `port` (browsers do not keep cookies of two ports apart, so the
    /// cookie's name does).
    ///
    /// # Errors
    ///
    /// When keys or users cannot be read.
    pub fn new(config: &Config, port: u16) -> anyhow::Result<Self> {
        if let Some(path) = &config.users {
            users::load(path)?;
        }
        let lasting = Lasting {
            at_most: u64::from(config.session_days) * 24 * 3600,
            unused: u64::from(config.session_idle_hours) * 3600,
        };
        let kept = config.state.as_ref().map(|folder| folder.join(format!("sessions-{port}")));
        Ok(Self {
            policy: RwLock::new(Arc::new(Policy::new(config)?)),
            users: Users::new(config.users.clone()),
            key: Mutex::new(secret()),
            sessions: Sessions::load(kept, lasting),
            lasting,
            attempts: Attempts::default(),
            checking: Arc::new(Semaphore::new(sign_in::CHECKING)),
            waiting: Arc::new(Semaphore::new(sign_in::WAITING)),
            port,
            base: config.base.clone(),
            changed: watch::Sender::new(0),
        })
    }

    /// Goes by what `config` says from now on: whoever is let in already is looked at again.
    ///
    /// # Errors
    ///
    /// When it cannot be gone by; then all stays as it was.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        let policy = Arc::new(Policy::new(config)?);
        if let Some(path) = &config.users {
            users::load(path)?;
        }
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
        self.users.look();
        self.changed.send_modify(|changed| *changed += 1);
        Ok(())
    }

    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether anybody is let in.
    pub fn is_open(&self) -> bool {
        self.policy().login == Login::Open
    }

    /// Whether there are users who log in by name.
    pub fn has_users(&self) -> bool {
        !self.users.table().is_empty()
    }

    /// Whether what comes from `address` stands for many.
    pub fn trusts_proxy(&self, address: std::net::IpAddr) -> bool {
        self.policy().proxies.trusts(address)
    }

    /// The key that the next sign-in takes. It is good once.
    pub fn key(&self) -> String {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of a request, what proves something.
    pub fn credentials(&self, parts: &Parts) -> Credentials {
        self.credentials_of(&parts.headers, &parts.extensions)
    }

    /// The same, of its headers and what it came over.
    pub fn credentials_of(&self, headers: &HeaderMap, extensions: &Extensions) -> Credentials {
        let mut kept = HeaderMap::new();
        let own = [header::COOKIE, header::AUTHORIZATION];
        for name in own.into_iter().chain(self.policy().proxies.headers()) {
            for value in headers.get_all(&name) {
                kept.append(name.clone(), value.clone());
            }
        }
        // What came over nothing that is known is a stranger's.
        let nowhere =
            Via { peer: std::net::Ipv4Addr::UNSPECIFIED.into(), security: Security::Plain };
        Credentials { headers: kept, via: extensions.get().copied().unwrap_or(nowhere) }
    }

    /// Who is at the other end.
    pub fn client(&self, credentials: &Credentials) -> Client {
        self.policy().proxies.client(credentials.via, &credentials.headers)
    }

    /// Lets in who proves who he is.
    ///
    /// # Errors
    ///
    /// Why he is kept out.
    pub fn admit(&self, credentials: &Credentials) -> Result<Admitted, Denied> {
        let policy = self.policy();
        let (identity, proof) = self.prove(&policy, credentials)?;
        let visitor = Visitor::new(identity, &policy.rules);
        Ok(Admitted { visitor, proof, credentials: credentials.clone() })
    }

    fn prove(
        &self,
        policy: &Policy,
        credentials: &Credentials,
    ) -> Result<(Identity, Proof), Denied> {
        let Credentials { headers, via } = credentials;
        if let Some(identity) = policy.proxies.user(*via, headers) {
            return Ok((identity, Proof::Cookie));
        }
        let mut denied = Denied::Unknown;
        if let Some(bearer) = bearer(headers) {
            match self.bearer(policy, bearer) {
                Ok(identity) => return Ok((identity, Proof::Bearer)),
                Err(why) => denied = why,
            }
        }
        if let Some(identity) = self.session(credentials) {
            return Ok((identity, Proof::Cookie));
        }
        if policy.login == Login::Open {
            return Ok((Identity::anybody(), Proof::Open));
        }
        Err(denied)
    }

    fn bearer(&self, policy: &Policy, bearer: &str) -> Result<Identity, Denied> {
        if is_token(policy, bearer) {
            return Ok(Identity::owner());
        }
        let issuer = policy.issuer.as_ref().ok_or(Denied::Unknown)?;
        issuer.verify(bearer, now()).map_err(|why| match why {
            Unbelieved::UnknownKey => Denied::UnknownKey,
            why => {
                tracing::debug!(%why, "a token is not believed");
                Denied::Unknown
            }
        })
    }

    fn session(&self, credentials: &Credentials) -> Option<Identity> {
        let cookie = cookie(&credentials.headers, &self.cookie(self.client(credentials)))?;
        match self.sessions.of(cookie)? {
            Whose::Owner => Some(Identity::owner()),
            Whose::User { name, stamp } => {
                let user = self.users.get(&name).filter(|user| user.stamp() == stamp)?;
                Some(Identity::named(name, user.groups))
            }
        }
    }

    /// Fetches the keys of tokens again, if that may help: whether it has.
    pub async fn renew_keys(&self) -> bool {
        match self.policy().issuer.clone() {
            Some(issuer) => issuer.renew().await,
            None => false,
        }
    }

    /// Fetches them behind the scenes, when they are old.
    pub fn renew_old_keys(&self) {
        if let Some(issuer) = self.policy().issuer.clone().filter(|issuer| issuer.is_due()) {
            tokio::spawn(issuer.renew());
        }
    }
}

fn is_token(policy: &Policy, given: &str) -> bool {
    match &policy.login {
        Login::Token(token) => same(token, given),
        Login::Key | Login::Open => false,
    }
}

/// Compares two secrets by their hashes, in a time that tells nothing of either.
fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a).ct_eq(&Sha256::digest(b)).into()
}

/// 128 random bits in hexadecimal.
fn secret() -> String {
    let mut bytes = [0_u8; 16];
    // Without the kernel's randomness nothing could be kept secret: better not to run at all.
    #[expect(clippy::expect_used, reason = "there is no safe way to go on")]
    getrandom::fill(&mut bytes).expect("the kernel gives randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The token that a request bears.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of the cookie `name`.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(n, value)| (n == name).then_some(value))
}

#[cfg(test)]
mod tests;
