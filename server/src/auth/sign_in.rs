//! Signing in and out: a secret, or a name and its password, for a session's cookie.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderValue;

use super::proxy::Client;
use super::sessions::Whose;
use super::{Access, Credentials, cookie, is_token, same, secret, users};

/// Passwords checked at once: each takes 19 MiB and tens of milliseconds of a processor, and logs
/// have to be served meanwhile.
pub(super) const CHECKING: usize = 2;

/// Passwords that may wait for that: more than a second of work is refused.
pub(super) const WAITING: usize = 16;

/// What came of trying to sign in.
#[derive(Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The `Set-Cookie` to answer with.
    Good(HeaderValue),
    Wrong,
    /// Too much was tried: it may be tried again after this.
    Wait(Duration),
}

impl Access {
    /// Exchanges a name and its password, or without a name the one-time key or the token, for a
    /// session.
    pub async fn sign_in(&self, name: &str, given: &str, credentials: &Credentials) -> SignIn {
        let client = self.client(credentials);
        if let Err(wait) = self.attempts.begin(client.address, name, Instant::now()) {
            tracing::warn!(address = %client.address, name, "a sign-in has to wait");
            return SignIn::Wait(wait);
        }
        let whose = if name.is_empty() {
            self.is_owner(given).then_some(Whose::Owner)
        } else {
            match self.check_password(name, given).await {
                Some(checked) => checked,
                None => return SignIn::Wait(Duration::from_secs(1)),
            }
        };
        let Some(whose) = whose else {
            tracing::warn!(address = %client.address, name, "a sign-in failed");
            return SignIn::Wrong;
        };
        self.attempts.succeeded(client.address, name);
        tracing::info!(address = %client.address, name, "signed in");
        self.begin_session(whose, client, credentials).map_or(SignIn::Wrong, SignIn::Good)
    }

    /// Exchanges the one-time key of an address for a session.
    pub fn sign_in_by_key(&self, given: &str, credentials: &Credentials) -> Option<HeaderValue> {
        // It has 128 random bits: nobody guesses that, however often he may try.
        let client = self.client(credentials);
        self.is_owner(given).then(|| self.begin_session(Whose::Owner, client, credentials))?
    }

    fn is_owner(&self, given: &str) -> bool {
        is_token(&self.policy(), given) || self.take_key(given)
    }

    fn take_key(&self, given: &str) -> bool {
        let mut key = self.key.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let right = same(&key, given);
        if right {
            *key = secret();
        }
        right
    }

    /// Whose the password is, if it is right; `None` when too many are being checked.
    async fn check_password(&self, name: &str, given: &str) -> Option<Option<Whose>> {
        let _waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let checking = Arc::clone(&self.checking).acquire_owned().await.ok()?;
        let user = self.users.get(name);
        let whose =
            user.as_ref().map(|user| Whose::User { name: name.to_owned(), stamp: user.stamp() });
        let given = given.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            let _held = checking;
            users::verify(user.as_ref(), &given)
        });
        let right = checked.await.unwrap_or(false);
        Some(whose.filter(|_| right))
    }

    fn begin_session(
        &self,
        whose: Whose,
        client: Client,
        credentials: &Credentials,
    ) -> Option<HeaderValue> {
        // Whoever signs in has another session from now on: one that somebody else may have put
        // there is of no use to him.
        if let Some(before) = cookie(&credentials.headers, &self.cookie(client)) {
            self.sessions.remove(before);
            self.changed.send_modify(|changed| *changed += 1);
        }
        let session = secret();
        self.sessions.add(&session, whose);
        self.set_cookie(client, &session, self.lasting.at_most)
    }

    /// Ends the session of `credentials`, or all of the same user: the `Set-Cookie` to answer with.
    pub fn sign_out(&self, credentials: &Credentials, everywhere: bool) -> Option<HeaderValue> {
        let client = self.client(credentials);
        if let Some(session) = cookie(&credentials.headers, &self.cookie(client)) {
            if everywhere {
                self.sessions.remove_all(session);
            } else {
                self.sessions.remove(session);
            }
            self.changed.send_modify(|changed| *changed += 1);
        }
        self.set_cookie(client, "", 0)
    }

    /// The cookie's name. Where it is encrypted it bears a prefix that browsers take from nobody
    /// else: no page of another name, and none that came plainly, can put one in its place.
    pub(super) fn cookie(&self, client: Client) -> String {
        let prefix = if client.encrypted { "__Host-" } else { "" };
        format!("{prefix}tailwater-session-{}", self.port)
    }

    fn set_cookie(&self, client: Client, value: &str, seconds: u64) -> Option<HeaderValue> {
        let name = self.cookie(client);
        // The prefix demands the whole host.
        let (path, secure) = if client.encrypted {
            ("/".to_owned(), "; Secure")
        } else {
            (format!("{}/", self.base), "")
        };
        // Lax, so that a link to a line that a colleague sends opens; what changes anything, and
        // the socket, looks at the origin.
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        );
        HeaderValue::from_str(&text).ok()
    }
}
