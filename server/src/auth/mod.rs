//! Who is let in: one answer for page, API and socket alike.
//!
//! A one-time key, printed at start-up, or a configured token is exchanged for a session cookie;
//! the token also serves as a bearer for programs. Secrets are compared in constant time and kept
//! as hashes. What somebody who is in may see is not decided here.

mod pass;
mod sessions;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

use crate::config::Login;
pub use pass::Pass;
pub use sessions::Sessions;

/// Seconds a session lasts: a week.
pub const SESSION_SECONDS: u64 = 7 * 24 * 3600;

/// The door.
#[derive(Debug)]
pub struct Access {
    login: Login,
    key: Mutex<String>,
    sessions: Sessions,
    cookie: String,
    path: String,
    /// Raised when a session was ended before its time.
    ended: watch::Sender<u64>,
}

/// How a request proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// No proof is asked for.
    Open,
    /// By the cookie, which a browser sends whoever's page makes the request: the origin has to
    /// be looked at, too.
    Cookie,
    /// By a token in the request, which no foreign page can know.
    Bearer,
}

impl Access {
    /// The door of a server on `port` (browsers do not keep cookies of two ports apart, so the
    /// cookie's name does), under the path `base`, its sessions kept in `state` over a restart.
    pub fn new(login: Login, port: u16, base: &str, state: Option<PathBuf>) -> Self {
        Self {
            login,
            key: Mutex::new(secret()),
            sessions: Sessions::load(state.map(|folder| folder.join(format!("sessions-{port}")))),
            cookie: format!("tailwater-session-{port}"),
            path: format!("{base}/"),
            ended: watch::Sender::new(0),
        }
    }

    /// Whether anybody is let in.
    pub fn is_open(&self) -> bool {
        self.login == Login::Open
    }

    /// The key that the next sign-in takes. It is good once.
    pub fn key(&self) -> String {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What lets the request with these headers in; `None` keeps it out.
    pub fn admit(&self, headers: &HeaderMap) -> Option<Proof> {
        if self.is_open() {
            return Some(Proof::Open);
        }
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if bearer.is_some_and(|token| self.is_token(token.trim())) {
            return Some(Proof::Bearer);
        }
        let session = cookie(headers, &self.cookie)?;
        self.sessions.knows(session).then_some(Proof::Cookie)
    }

    /// Exchanges the one-time key or the token for a session: the `Set-Cookie` to answer with.
    pub fn sign_in(&self, secret_given: &str) -> Option<HeaderValue> {
        if !self.is_token(secret_given) && !self.take_key(secret_given) {
            return None;
        }
        let session = secret();
        self.sessions.add(&session);
        let (name, path) = (&self.cookie, &self.path);
        // Lax, so that a link to a line that a colleague sends opens; what changes anything, and
        // the socket, looks at the origin.
        let text = format!(
            "{name}={session}; Path={path}; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax"
        );
        HeaderValue::from_str(&text).ok()
    }

    /// Ends the session of the request with these headers: the `Set-Cookie` to answer with.
    pub fn sign_out(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Some(session) = cookie(headers, &self.cookie) {
            self.sessions.remove(session);
            self.ended.send_modify(|ended| *ended += 1);
        }
        let (name, path) = (&self.cookie, &self.path);
        let text = format!("{name}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax");
        HeaderValue::from_str(&text).ok()
    }

    fn is_token(&self, given: &str) -> bool {
        match &self.login {
            Login::Token(token) => same(token, given),
            Login::Key | Login::Open => false,
        }
    }

    fn take_key(&self, given: &str) -> bool {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let right = same(&key, given);
        if right {
            *key = secret();
        }
        right
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

/// The value of the cookie `name`.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(n, value)| (n == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("plain"))])
    }

    fn cookie_of(set: &HeaderValue) -> HeaderMap {
        let text = set.to_str().expect("plain");
        headers(header::COOKIE, text.split(';').next().expect("a pair"))
    }

    #[test]
    fn the_key_is_good_once_and_its_session_stays() {
        let access = Access::new(Login::Key, 1, "", None);
        let key = access.key();
        assert_eq!(access.sign_in("wrong"), None);
        let set = access.sign_in(&key).expect("the right key");
        assert_eq!(access.sign_in(&key), None, "a second time");
        assert_eq!(access.admit(&cookie_of(&set)), Some(Proof::Cookie));
        access.sign_out(&cookie_of(&set));
        assert_eq!(access.admit(&cookie_of(&set)), None);
    }

    #[test]
    fn a_token_is_a_bearer_and_a_password() {
        let access = Access::new(Login::Token("0123456789abcdef".into()), 1, "", None);
        let bearer =
            |token: &str| access.admit(&headers(header::AUTHORIZATION, &format!("Bearer {token}")));
        assert_eq!(bearer("0123456789abcdef"), Some(Proof::Bearer));
        for wrong in ["", "0123456789abcdeF", "0123456789abcdef0", "0123456789abcde"] {
            assert_eq!(bearer(wrong), None, "{wrong}");
        }
        assert!(access.sign_in("0123456789abcdef").is_some());
    }

    #[test]
    fn a_session_outlives_the_server() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = || Some(folder.path().join("state"));
        let first = Access::new(Login::Key, 7, "", state());
        let set = first.sign_in(&first.key()).expect("signed in");
        let second = Access::new(Login::Key, 7, "", state());
        assert_eq!(second.admit(&cookie_of(&set)), Some(Proof::Cookie));
        second.sign_out(&cookie_of(&set));
        let third = Access::new(Login::Key, 7, "", state());
        assert_eq!(third.admit(&cookie_of(&set)), None);
    }

    #[test]
    fn nobody_is_let_in_for_any_cookie() {
        let access = Access::new(Login::Key, 1, "", None);
        for value in ["tailwater-session-1=anything", "tailwater-session-1=", "x", "=;=", ""] {
            assert_eq!(access.admit(&headers(header::COOKIE, value)), None, "{value}");
        }
    }
}
