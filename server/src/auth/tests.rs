//! The door: who gets in by what, and how long.

use super::*;
use axum::http::HeaderValue;

fn access(login: Login, state: Option<std::path::PathBuf>) -> Access {
    Access::new(&Config { login, state, ..Config::default() }, 7).expect("a door")
}

fn at(access: &Access, peer: &str, security: Security, headers: &[(&str, &str)]) -> Credentials {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: axum::http::HeaderName = name.parse().expect("a name");
        map.append(name, HeaderValue::from_str(value).expect("plain"));
    }
    let mut extensions = Extensions::new();
    extensions.insert(Via { peer: peer.parse().expect("an address"), security });
    access.credentials_of(&map, &extensions)
}

fn with(access: &Access, headers: &[(&str, &str)]) -> Credentials {
    at(access, "127.0.0.1", Security::Plain, headers)
}

fn cookie_of(set: &HeaderValue) -> String {
    set.to_str().expect("plain").split(';').next().expect("a pair").to_owned()
}

async fn sign_in(access: &Access, name: &str, secret: &str) -> Option<String> {
    match access.sign_in(name, secret, &with(access, &[])).await {
        SignIn::Good(set) => Some(cookie_of(&set)),
        SignIn::Wrong | SignIn::Wait(_) => None,
    }
}

fn proof(access: &Access, headers: &[(&str, &str)]) -> Option<Proof> {
    access.admit(&with(access, headers)).ok().map(|admitted| admitted.proof)
}

#[tokio::test]
async fn the_key_is_good_once_and_its_session_stays() {
    let access = access(Login::Key, None);
    let key = access.key();
    assert_eq!(sign_in(&access, "", "wrong").await, None);
    assert_eq!(sign_in(&access, "root", &key).await, None, "the key is no user's password");
    let cookie = sign_in(&access, "", &key).await.expect("the right key");
    assert_eq!(sign_in(&access, "", &key).await, None, "a second time");
    assert_eq!(proof(&access, &[("cookie", &cookie)]), Some(Proof::Cookie));
    access.sign_out(&with(&access, &[("cookie", &cookie)]), false);
    assert_eq!(proof(&access, &[("cookie", &cookie)]), None);
}

#[tokio::test]
async fn a_token_is_a_bearer_and_a_password() {
    let access = access(Login::Token("0123456789abcdef".into()), None);
    let bearer = |token: &str| proof(&access, &[("authorization", &format!("Bearer {token}"))]);
    assert_eq!(bearer("0123456789abcdef"), Some(Proof::Bearer));
    for wrong in ["", "0123456789abcdeF", "0123456789abcdef0", "0123456789abcde"] {
        assert_eq!(bearer(wrong), None, "{wrong}");
    }
    assert!(sign_in(&access, "", "0123456789abcdef").await.is_some());
}

#[tokio::test]
async fn a_session_outlives_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = || Some(folder.path().join("state"));
    let first = access(Login::Key, state());
    let cookie = sign_in(&first, "", &first.key()).await.expect("signed in");
    let second = access(Login::Key, state());
    assert_eq!(proof(&second, &[("cookie", &cookie)]), Some(Proof::Cookie));
    second.sign_out(&with(&second, &[("cookie", &cookie)]), false);
    assert_eq!(proof(&access(Login::Key, state()), &[("cookie", &cookie)]), None);
}

#[test]
fn nobody_is_let_in_for_any_cookie() {
    let access = access(Login::Key, None);
    for value in ["tailwater-session-7=anything", "tailwater-session-7=", "x", "=;=", ""] {
        assert_eq!(proof(&access, &[("cookie", value)]), None, "{value}");
    }
}

#[tokio::test]
async fn a_user_gets_in_while_he_is_one_with_that_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users");
    let user = |password: &str, group: &str| users::User {
        hash: users::hash(password).expect("hashed"),
        groups: vec![group.to_owned()],
    };
    let table = |user| users::Table::from([("alice".to_owned(), user)]);
    let keep = |access: &Access, table: &users::Table| {
        users::store(&path, table).expect("kept");
        access.users.look();
    };
    let config = Config { users: Some(path.clone()), ..Config::default() };
    let access = Access::new(&config, 7).expect("a door");
    keep(&access, &table(user("correct horse", "ops")));
    for (name, password) in
        [("alice", "correct hors"), ("alice", ""), ("bob", "correct horse"), ("", "correct horse")]
    {
        assert_eq!(sign_in(&access, name, password).await, None, "{name} {password}");
    }
    let cookie = sign_in(&access, "alice", "correct horse").await.expect("signed in");
    let groups = |access: &Access| {
        let admitted = access.admit(&with(access, &[("cookie", &cookie)])).ok()?;
        Some(admitted.visitor.identity().groups.clone())
    };
    assert_eq!(groups(&access), Some(vec!["ops".to_owned()]));
    let mut moved = users::load(&path).expect("read");
    if let Some(alice) = moved.get_mut("alice") {
        alice.groups = vec!["dev".to_owned()];
    }
    keep(&access, &moved);
    assert_eq!(groups(&access), Some(vec!["dev".to_owned()]), "groups are looked up live");
    keep(&access, &table(user("another horse", "dev")));
    assert_eq!(groups(&access), None, "another password ends what the first began");
    keep(&access, &users::Table::new());
    assert_eq!(sign_in(&access, "alice", "another horse").await, None, "she is gone");
}

#[tokio::test]
async fn guessing_is_slowed() {
    let access = access(Login::Token("0123456789abcdef".into()), None);
    for _ in 0..5 {
        let tried = access.sign_in("", "wrong", &with(&access, &[])).await;
        assert_eq!(tried, SignIn::Wrong);
    }
    let tried = access.sign_in("", "0123456789abcdef", &with(&access, &[])).await;
    assert!(matches!(tried, SignIn::Wait(_)), "also what would be right: {tried:?}");
}

#[tokio::test]
async fn an_encrypted_session_has_a_cookie_of_its_own() {
    let access = access(Login::Token("0123456789abcdef".into()), None);
    let tls = |headers: &[(&str, &str)]| at(&access, "127.0.0.1", Security::Tls, headers);
    let SignIn::Good(set) = access.sign_in("", "0123456789abcdef", &tls(&[])).await else {
        panic!("signed in")
    };
    let text = set.to_str().expect("plain");
    assert!(text.starts_with("__Host-tailwater-session-7="), "{text}");
    assert!(text.contains("; Path=/;") && text.ends_with("; Secure"), "{text}");
    let cookie = cookie_of(&set);
    assert!(access.admit(&tls(&[("cookie", &cookie)])).is_ok());
    // What a page of another name could have put there is not looked at.
    let plain = cookie.trim_start_matches("__Host-");
    assert!(access.admit(&tls(&[("cookie", plain)])).is_err());
    // A session that was there before is not gone on with.
    let again = access.sign_in("", "0123456789abcdef", &tls(&[("cookie", &cookie)])).await;
    assert!(matches!(&again, SignIn::Good(set) if cookie_of(set) != cookie));
    assert!(access.admit(&tls(&[("cookie", &cookie)])).is_err(), "the one before has ended");
}

#[test]
fn a_proxys_word_is_a_trusted_proxys_alone() {
    let proxy = proxy::Settings {
        trusted: vec!["192.0.2.1".into()],
        user_header: Some("x-user".into()),
        groups_header: None,
    };
    let access = Access::new(&Config { proxy, ..Config::default() }, 7).expect("a door");
    let from = |peer| access.admit(&at(&access, peer, Security::Plain, &[("x-user", "alice")]));
    assert_eq!(from("192.0.2.1").map(|admitted| admitted.proof), Ok(Proof::Cookie));
    assert_eq!(from("192.0.2.2").map(|admitted| admitted.proof), Err(Denied::Unknown));
}
