//! Tokens of an issuer at the door of a real server: what is believed, what is not, and keys that
//! the issuer changes.

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::{Running, Site, create};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use tailwater::auth::Action;
use tailwater::auth::rules::{Rule, Rules};
use tailwater::auth::token::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn settings() -> Settings {
    toml::from_str("issuer = 'https://issuer.example'\naudience = 'tailwater'").expect("sound")
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

fn claims(more: &str) -> String {
    let good = format!(
        r#""iss":"https://issuer.example","aud":"tailwater","exp":{},"sub":"alice""#,
        now() + 600
    );
    // What comes last of two claims of the same name is what counts.
    format!("{{{good}{more}}}")
}

fn token(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn by_secret(message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message).as_ref().to_vec()
}

async fn status(running: &Running, token: &str) -> u16 {
    let answer = running
        .raw(&format!(
            "GET /s/logs/app.log HTTP/1.1\nHost: HOST\nAuthorization: Bearer {token}\nConnection: close"
        ))
        .await;
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status")
}

fn secret_in(site: &Site) -> std::path::PathBuf {
    let path = site.folder.path().join("secret");
    std::fs::write(&path, SECRET).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    path
}

fn site() -> Site {
    let site = Site::new(&["app.log"]);
    create(&site.path("app.log"), "one\n");
    site
}

#[tokio::test]
async fn a_token_is_believed_when_everything_about_it_is_right() {
    let mut site = site();
    site.config.jwt = Some(Settings { secret: Some(secret_in(&site)), ..settings() });
    let running = site.start().await;
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let in_time = now();
    for (more, expected) in [
        (String::new(), 200),
        (r#","aud":["else","tailwater"]"#.into(), 200),
        (r#","aud":"else""#.into(), 401),
        (r#","aud":["else"]"#.into(), 401),
        (r#","aud":null"#.into(), 401),
        (r#","iss":"https://issuer.example.evil""#.into(), 401),
        (r#","iss":["https://issuer.example"]"#.into(), 401),
        (format!(r#","exp":{}"#, in_time - 30), 200),
        (format!(r#","exp":{}"#, in_time - 3600), 401),
        (r#","exp":null"#.into(), 401),
        (format!(r#","exp":"{}""#, in_time + 600), 401),
        (format!(r#","nbf":{}"#, in_time + 30), 200),
        (format!(r#","nbf":{}"#, in_time + 3600), 401),
        (format!(r#","nbf":"{}""#, in_time + 3600), 401),
        (r#","sub":"""#.into(), 401),
        (r#","sub":7"#.into(), 401),
    ] {
        let token = token(header, &claims(&more), by_secret);
        assert_eq!(status(&running, &token).await, expected, "{more}");
    }
    let without_end = r#"{"iss":"https://issuer.example","aud":"tailwater","sub":"alice"}"#;
    assert_eq!(status(&running, &token(header, without_end, by_secret)).await, 401);
    let good = token(header, &claims(""), by_secret);
    let (signed, _) = good.rsplit_once('.').expect("three parts");
    for forged in [
        token(r#"{"alg":"none"}"#, &claims(""), |_| Vec::new()),
        token(r#"{"alg":"None"}"#, &claims(""), |_| Vec::new()),
        token(r#"{"alg":"HS512"}"#, &claims(""), by_secret),
        token(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, &claims(""), by_secret),
        token(header, &claims(""), |_| Vec::new()),
        token(header, &claims(""), |message| by_secret(message).into_iter().rev().collect()),
        format!("{signed}."),
        signed.to_owned(),
        good.replace('.', ""),
        "..".to_owned(),
        format!("{good}.{good}"),
        "a".repeat(14_000),
    ] {
        assert_eq!(status(&running, &forged).await, 401, "{forged}");
    }
    running.stop().await;
}

struct Pair {
    id: &'static str,
    key: EcdsaKeyPair,
}

impl Pair {
    fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(scheme, &random).expect("made");
        Self { id, key: EcdsaKeyPair::from_pkcs8(scheme, der.as_ref(), &random).expect("a key") }
    }

    fn web(&self) -> String {
        let point = self.key.public_key().as_ref();
        let part = |range| URL_SAFE_NO_PAD.encode(point.get(range).expect("a point"));
        format!(
            r#"{{"kty":"EC","crv":"P-256","kid":"{}","x":"{}","y":"{}"}}"#,
            self.id,
            part(1..33),
            part(33..65)
        )
    }

    fn token(&self, id: &str) -> String {
        let header = format!(r#"{{"alg":"ES256","kid":"{id}"}}"#);
        token(&header, &claims(""), |message| {
            self.key.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec()
        })
    }
}

#[tokio::test]
async fn a_key_is_good_for_its_own_algorithm_alone() {
    let mut site = site();
    let (pair, der) = {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("made");
        (Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key"), Pair::new("ec"))
    };
    let public = pair.public_key().as_ref().to_vec();
    let okp = format!(
        r#"{{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(&public)
    );
    let keys = site.folder.path().join("keys.json");
    let set = format!(r#"{{"keys":[{},{okp}]}}"#, der.web());
    std::fs::write(&keys, &set).expect("written");
    site.config.jwt =
        Some(Settings { keys: Some(keys.to_string_lossy().into_owned()), ..settings() });
    let running = site.start().await;
    let by_ed = |message: &[u8]| pair.sign(message).as_ref().to_vec();
    assert_eq!(status(&running, &der.token("ec")).await, 200);
    let header = |text: &str| text.to_owned();
    let good = token(&header(r#"{"alg":"EdDSA","kid":"ed"}"#), &claims(""), by_ed);
    assert_eq!(status(&running, &good).await, 200);
    let unnamed = token(&header(r#"{"alg":"EdDSA"}"#), &claims(""), by_ed);
    assert_eq!(status(&running, &unnamed).await, 200, "there is one key that can be meant");
    assert_eq!(status(&running, &der.token("other")).await, 401, "a key that is not known");
    assert_eq!(status(&running, &der.token("ed")).await, 401, "a key of another kind");
    // The public key, which everybody has, taken for a secret.
    for material in [public.clone(), set.into_bytes(), STANDARD.encode(&public).into_bytes()] {
        for kid in ["ed", "ec", "x"] {
            let confused =
                token(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &claims(""), |message| {
                    let key = hmac::Key::new(hmac::HMAC_SHA256, &material);
                    hmac::sign(&key, message).as_ref().to_vec()
                });
            assert_eq!(status(&running, &confused).await, 401, "{kid}");
        }
    }
    // A key that the token brings along.
    let stranger = Pair::new("ec");
    let brought = format!(r#"{{"alg":"ES256","kid":"ec","jwk":{}}}"#, stranger.web());
    let brought = token(&brought, &claims(""), |message| {
        stranger.key.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec()
    });
    assert_eq!(status(&running, &brought).await, 401);
    running.stop().await;
}

/// An issuer that says its keys over HTTP, and how often it was asked.
async fn issuer(set: Arc<Mutex<String>>) -> (String, Arc<Mutex<u32>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).await;
            *counted.lock().expect("whole") += 1;
            let body = set.lock().expect("whole").clone();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _sent = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, asked)
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_needed() {
    let mut site = site();
    let (pair, secret) = (Pair::new("first"), URL_SAFE_NO_PAD.encode(SECRET));
    // A set that anybody may read holds no secret that is one.
    let set = format!(r#"{{"keys":[{},{{"kty":"oct","kid":"s","k":"{secret}"}}]}}"#, pair.web());
    let (address, asked) = issuer(Arc::new(Mutex::new(set))).await;
    site.config.jwt = Some(Settings { keys: Some(address), ..settings() });
    let running = site.start().await;
    assert_eq!(status(&running, &pair.token("first")).await, 200);
    assert_eq!(status(&running, &Pair::new("x").token("first")).await, 401);
    let shared = token(r#"{"alg":"HS256","kid":"s"}"#, &claims(""), by_secret);
    assert_eq!(status(&running, &shared).await, 401);
    for _ in 0..20 {
        assert_eq!(status(&running, &pair.token("invented")).await, 401);
    }
    let asked = *asked.lock().expect("whole");
    assert!(asked <= 2, "invented names made it ask {asked} times");
    running.stop().await;
}

#[tokio::test]
async fn the_rules_say_what_a_token_allows() {
    let mut site = Site::new(&["app.log", "other.log"]);
    create(&site.path("app.log"), "one\n");
    create(&site.path("other.log"), "two\n");
    site.config.jwt = Some(Settings { secret: Some(secret_in(&site)), ..settings() });
    let rule = |text: &str| toml::from_str::<Rule>(text).expect("a rule");
    let read = rule(
        "claims = { 'realm.roles' = ['reader'] }\nsources = ['logs/app.log']\nactions = ['read']",
    );
    assert_eq!(read.actions, [Action::Read]);
    site.config.rules = Rules::new(vec![read]).expect("sound");
    let running = site.start().await;
    let header = r#"{"alg":"HS256"}"#;
    let reader = token(header, &claims(r#","realm":{"roles":["x","reader"]}"#), by_secret);
    let nobody = token(header, &claims(r#","roles":["reader"],"realm":"reader""#), by_secret);
    assert_eq!(status(&running, &reader).await, 200);
    assert_eq!(status(&running, &nobody).await, 404);
    running.stop().await;
}
