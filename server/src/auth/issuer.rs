//! The keys of those whose tokens are believed, kept at hand and fetched again: when they are old,
//! and when a token names one that is not there, as after the issuer has changed its keys.
//!
//! A fetch that fails changes nothing for a day; the keys that are there go on being good. Who sends
//! tokens with invented names causes one fetch in half a minute and no more.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::identity::Identity;
use super::keys::{self, Key};
use super::token::{self, Settings, Unbelieved};

/// Keys older than this are fetched again.
const OLD: Duration = Duration::from_secs(600);

/// Keys older than this are not believed any more.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Between two fetches.
const REST: Duration = Duration::from_secs(30);

/// For one fetch, from its first word to its last.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a set of keys.
const MAX_SET: u64 = 256 * 1024;

/// Somebody whose tokens are believed.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: Settings,
    held: RwLock<Held>,
    tried: Mutex<Option<Instant>>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Held {
    keys: Arc<Vec<Key>>,
    since: Option<Instant>,
}

impl Issuer {
    /// Reads what lies in files; what lies at an address is fetched when it is first needed.
    ///
    /// # Errors
    ///
    /// When there are no keys, or they cannot be read.
    pub(super) fn new(settings: Settings) -> anyhow::Result<Self> {
        ensure!(
            settings.keys.is_some() || settings.secret.is_some(),
            "`[jwt]` needs `keys` or `secret`"
        );
        ensure!(
            !settings.issuer.is_empty() && !settings.audience.is_empty(),
            "`[jwt]` needs `issuer` and `audience`: a token for somebody else must not be good here"
        );
        if let Some(address) = settings.address() {
            ensure!(
                is_safe(address),
                "the keys at `{address}` could be changed on their way; use an `https` address"
            );
        }
        let keys = settings.of_files()?;
        let held = RwLock::new(Held { keys: Arc::new(keys), since: None });
        Ok(Self {
            settings,
            held,
            tried: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// Who `token` says somebody is.
    ///
    /// # Errors
    ///
    /// Why it is not believed.
    pub(super) fn verify(&self, token: &str, now: u64) -> Result<Identity, Unbelieved> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let (keys, since) = (Arc::clone(&held.keys), held.since);
        drop(held);
        let fetched = self.settings.address().is_some();
        if fetched && since.is_none_or(|since| since.elapsed() > STALE) {
            return Err(Unbelieved::UnknownKey);
        }
        token::verify(token, &keys, &self.settings, now)
    }

    /// Whether the keys should be fetched again, and may be.
    pub(super) fn is_due(&self) -> bool {
        let since = self.held.read().unwrap_or_else(PoisonError::into_inner).since;
        let tried = *self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        self.settings.address().is_some()
            && since.is_none_or(|since| since.elapsed() > OLD)
            && tried.is_none_or(|tried| tried.elapsed() >= REST)
    }

    /// Fetches the keys, if that was not done just now: whether there are new ones. Whoever comes
    /// meanwhile waits for the same fetch.
    pub(super) async fn renew(self: Arc<Self>) -> bool {
        let asked = Instant::now();
        let _one_at_a_time = self.renewing.lock().await;
        let since = self.held.read().unwrap_or_else(PoisonError::into_inner).since;
        if since.is_some_and(|since| since >= asked) {
            return true;
        }
        let this = Arc::clone(&self);
        tokio::task::spawn_blocking(move || this.renew_at(Instant::now())).await.unwrap_or(false)
    }

    fn renew_at(&self, now: Instant) -> bool {
        let Some(address) = self.settings.address() else { return false };
        {
            let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
            if tried.is_some_and(|tried| now.saturating_duration_since(tried) < REST) {
                return false;
            }
            *tried = Some(now);
        }
        let fetched = fetch(address, self.settings.keys_ca.as_deref())
            .and_then(|bytes| keys::parse(&bytes))
            .and_then(|mut keys| {
                // From an address come public keys: a secret there would be everybody's.
                keys.retain(|key| key.algorithm != keys::Algorithm::Hs256);
                keys.extend(self.settings.of_secret()?);
                Ok(keys)
            });
        match fetched {
            Ok(keys) => {
                let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
                *held = Held { keys: Arc::new(keys), since: Some(now) };
                true
            }
            Err(error) => {
                tracing::warn!("the keys for tokens could not be fetched: {error:#}");
                false
            }
        }
    }
}

impl Settings {
    fn address(&self) -> Option<&str> {
        let keys = self.keys.as_deref()?;
        (keys.starts_with("https://") || keys.starts_with("http://")).then_some(keys)
    }

    fn of_files(&self) -> anyhow::Result<Vec<Key>> {
        let mut all: Vec<Key> = self.of_secret()?.into_iter().collect();
        if let Some(path) = self.keys.as_deref().filter(|_| self.address().is_none()) {
            all.extend(keys::read(Path::new(path))?);
        }
        Ok(all)
    }

    fn of_secret(&self) -> anyhow::Result<Option<Key>> {
        let Some(path) = &self.secret else { return Ok(None) };
        let bytes = crate::tls::read_file(path, |mode| crate::tls::kept_secret(path, mode))?;
        Ok(Some(Key::secret(bytes.trim_ascii(), None)?))
    }
}

/// Whether nobody on the way can change what comes from there.
fn is_safe(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return true };
    let authority = rest.split('/').next().unwrap_or_default();
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn fetch(address: &str, authorities: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
    let mut tls = TlsConfig::builder().provider(TlsProvider::Rustls);
    if let Some(path) = authorities {
        let pem = crate::tls::read_file(path, |_| Ok(()))?;
        let certificates: Vec<Certificate<'static>> = CertificateDer::pem_slice_iter(&pem)
            .map(|der| der.map(|der| Certificate::from_der(&der).to_owned()))
            .collect::<Result<_, _>>()
            .with_context(|| format!("`{}` is no certificate in PEM", path.display()))?;
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .tls_config(tls.build())
        .build()
        .into();
    let mut answer =
        agent.get(address).call().with_context(|| format!("`{address}` cannot be reached"))?;
    ensure!(answer.status() == 200, "`{address}` answers {}", answer.status());
    let body = answer.body_mut().with_config().limit(MAX_SET).read_to_vec();
    body.with_context(|| format!("`{address}` cannot be read"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    /// An issuer that gives out `sets`, one after the other, and then nothing.
    fn issuer(sets: Vec<String>) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/keys", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for set in sets {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut head = [0; 4096];
                let _read = stream.read(&mut head);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", set.len());
                let _sent = write!(stream, "{head}Connection: close\r\n\r\n{set}");
            }
        });
        address
    }

    fn pair(id: &str) -> (Ed25519KeyPair, String) {
        let random = ring::rand::SystemRandom::new();
        let der = Ed25519KeyPair::generate_pkcs8(&random).expect("made");
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let web = format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"{x}"}}"#);
        (pair, format!(r#"{{"keys":[{web}]}}"#))
    }

    fn token(pair: &Ed25519KeyPair, id: &str) -> String {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{id}"}}"#);
        let claims = r#"{"iss":"i","aud":"a","exp":1000,"sub":"alice"}"#;
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())))
    }

    #[test]
    fn keys_that_the_issuer_changes_are_followed() {
        let ((first, set), (second, other)) = (pair("1"), pair("2"));
        let keys = issuer(vec![set, other, "broken".to_owned()]);
        let settings = toml::from_str(&format!("keys = '{keys}'\nissuer = 'i'\naudience = 'a'"));
        let issuer = Issuer::new(settings.expect("sound")).expect("an issuer");
        let good = |token: String| issuer.verify(&token, 900).map(|identity| identity.name);
        let start = Instant::now();
        assert_eq!(good(token(&first, "1")), Err(Unbelieved::UnknownKey), "none is there yet");
        assert!(issuer.is_due() && issuer.renew_at(start));
        assert_eq!(good(token(&first, "1")).as_deref(), Ok("alice"));
        assert_eq!(good(token(&second, "2")), Err(Unbelieved::UnknownKey));
        assert!(!issuer.renew_at(start + REST / 2), "not again so soon");
        assert!(issuer.renew_at(start + REST));
        assert_eq!(good(token(&second, "2")).as_deref(), Ok("alice"));
        assert_eq!(good(token(&first, "1")), Err(Unbelieved::UnknownKey), "taken back");
        assert!(!issuer.renew_at(start + 2 * REST), "what came is no set");
        assert_eq!(good(token(&second, "2")).as_deref(), Ok("alice"), "what was good stays");
    }

    #[test]
    fn keys_come_by_safe_ways_alone() {
        for address in
            ["https://login.example.org/keys", "http://127.0.0.1:9/k", "http://[::1]:80/k"]
        {
            assert!(is_safe(address), "{address}");
        }
        for address in [
            "http://login.example.org/keys",
            "http://127.0.0.1.example.org:80/",
            "http://127.0.0.1@example.org:80/",
            "http://localhost:80@example.org:80/",
        ] {
            assert!(!is_safe(address), "{address}");
        }
    }
}
