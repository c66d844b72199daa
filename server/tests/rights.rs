//! Every route, for everybody who may come: nobody, a stranger, somebody who may read one log, the
//! owner. The routes are the router's own: one that is not known here fails.
//!
//! And what happens to those who are in when their rights change.

mod common;

use std::path::PathBuf;

use common::{Page, Running, Site, TOKEN, append, create, texts};
use futures_util::StreamExt as _;
use tailwater::auth::rules::{Rule, Rules};
use tailwater::auth::users::{self, Table, User};
use tailwater::routes::{Behind, paths};
use tailwater_protocol::{Attention, Refusal, ServerMessage};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const PASSWORD: &str = "correct horse";

fn rules(text: &str) -> Rules {
    #[derive(serde::Deserialize)]
    struct File {
        rule: Vec<Rule>,
    }
    Rules::new(toml::from_str::<File>(text).expect("rules").rule).expect("sound")
}

const ALICE_READS_OPEN: &str =
    "[[rule]]\nusers = ['alice']\nsources = ['logs/open*']\nactions = ['read', 'download']\n";

fn users_file(site: &Site) -> PathBuf {
    let path = site.folder.path().join("users");
    let user = |group: &str| User {
        hash: users::hash(PASSWORD).expect("hashed"),
        groups: vec![group.into()],
    };
    let table =
        Table::from([("alice".to_owned(), user("dev")), ("stranger".to_owned(), user("none"))]);
    users::store(&path, &table).expect("kept");
    path
}

fn site() -> Site {
    let mut site = Site::new(&["."]);
    create(&site.path("open.log"), "shown\n");
    create(&site.path("closed.log"), "SECRET\n");
    site.config.users = Some(users_file(&site));
    site.config.rules = rules(ALICE_READS_OPEN);
    site
}

async fn sign_in(running: &Running, name: &str) -> String {
    let body = format!("name={name}&key={}&next=%2F", PASSWORD.replace(' ', "+"));
    let answer = running
        .raw(&format!(
            "POST /login HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {}\nConnection: close\n\n{body}",
            body.len()
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let set = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    set.split(';').next().expect("a pair").to_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// What makes a request a WebSocket's.
const SOCKET: &str = "\nUpgrade: websocket\nConnection: Upgrade, close\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nOrigin: http://HOST";

/// A request to the route for the log `name`, and the statuses of who may see it and who may not.
fn request(path: &'static str, name: &str) -> (String, &'static str, u16, u16) {
    match path {
        "/" => ("/".into(), "", 200, 200),
        "/s/{*name}" => (format!("/s/{name}"), "", 200, 404),
        "/api/v1/events" => (format!("/api/v1/events?n=5&follow=0&log={name}"), "", 200, 404),
        "/api/v1/logs" => ("/api/v1/logs".into(), "", 200, 200),
        "/api/v1/logs/{*name}" => (format!("/api/v1/logs/{name}"), "", 200, 404),
        "/api/v1/download/{*name}" => (format!("/api/v1/download/{name}"), "", 200, 404),
        "/api/v1/openapi.json" => ("/api/v1/openapi.json".into(), "", 200, 200),
        "/ws/{*name}" => (format!("/ws/{name}"), SOCKET, 101, 404),
        "/api/v1/push/{*name}" => ("/api/v1/push/x".into(), "", 405, 405),
        "/loki/api/v1/push" => ("/loki/api/v1/push".into(), "", 405, 405),
        "/v1/logs" => ("/v1/logs".into(), "", 405, 405),
        "/api/v1/commands" => ("/api/v1/commands".into(), "", 200, 200),
        "/api/v1/commands/{name}/{order}" => ("/api/v1/commands/x/start".into(), "", 405, 405),
        "/api/v1/view" => ("/api/v1/view".into(), SOCKET, 101, 101),
        "/logout" => ("/logout".into(), "", 405, 405),
        "/login" => ("/login".into(), "", 200, 200),
        "/readyz" => ("/readyz".into(), "", 200, 200),
        // Alice may not administer; neither may a stranger.
        "/metrics" => ("/metrics".into(), "", 200, 404),
        "/healthz" => ("/healthz".into(), "", 200, 200),
        // There when the page was built into the binary: the same for everybody.
        "/pkg/{file}" => ("/pkg/nothing.css".into(), "", 404, 404),
        "/icon.svg" | "/icon-alert.svg" | "/manifest.webmanifest" => {
            ("/pkg/nothing".into(), "", 404, 404)
        }
        // Calls are sent: `tests/grpc.rs` and below have who may make them.
        "/tailwater.v1.LogService/{method}" => {
            ("/tailwater.v1.LogService/ListLogs".into(), "", 405, 405)
        }
        path if path.starts_with("/grpc.") => (path.replace("{method}", "x"), "", 405, 405),
        path => panic!("{path} is a new route: say here who may come to it"),
    }
}

/// The answer; of one that turns into a socket, its head.
async fn answer(running: &Running, path: &str, headers: &str) -> String {
    let stream = TcpStream::connect(running.address).await.expect("connected");
    let (read, mut write) = stream.into_split();
    let close = if headers.contains("Upgrade") { "" } else { "\nConnection: close" };
    let head = format!("GET {path} HTTP/1.1\nHost: HOST{close}{headers}\n\n");
    let head = head.replace("HOST", &running.address.to_string()).replace('\n', "\r\n");
    write.write_all(head.as_bytes()).await.expect("sent");
    let mut read = BufReader::new(read);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(read.read_line(&mut text).await.expect("read"), 0, "{text}");
    }
    if status(&text) != 101 {
        read.read_to_string(&mut text).await.expect("read");
    }
    text
}

#[tokio::test]
async fn every_route_asks_who_comes() {
    let site = site();
    let running = site.start().await;
    let (alice, stranger) = (sign_in(&running, "alice").await, sign_in(&running, "stranger").await);
    let cookie = |cookie: &str| format!("\nCookie: {cookie}");
    let forged = format!("{}0", alice.get(..alice.len() - 1).expect("a cookie"));
    for (behind, path) in paths() {
        for (log, secret, for_alice) in
            [("logs/open.log", "shown", true), ("logs/closed.log", "SECRET", false)]
        {
            let (path, headers, allowed, hidden) = request(path, log);
            let ask = async |who: &str| answer(&running, &path, &format!("{headers}{who}")).await;
            for nobody in ["", &cookie(&forged), "\nAuthorization: Bearer wrong"] {
                let answer = ask(nobody).await;
                match behind {
                    Behind::SignedIn => assert_eq!(status(&answer), 401, "{path} {nobody}"),
                    Behind::OwnPage | Behind::Nothing => {
                        assert_eq!(status(&answer), allowed, "{path}");
                    }
                }
                assert!(!answer.contains(secret) && !answer.contains(".log"), "{path}: {answer}");
            }
            if behind != Behind::SignedIn {
                continue;
            }
            let owner = ask(&format!("\nAuthorization: Bearer {TOKEN}")).await;
            assert_eq!(status(&owner), allowed, "{path}: {owner}");
            let seen = ask(&cookie(&alice)).await;
            let for_alice = for_alice && path != "/metrics";
            assert_eq!(status(&seen), if for_alice { allowed } else { hidden }, "{path}: {seen}");
            assert!(!seen.contains("closed") && !seen.contains("SECRET"), "{path}: {seen}");
            let refused = ask(&cookie(&stranger)).await;
            assert_eq!(status(&refused), hidden, "{path}: {refused}");
            assert!(!refused.contains(secret) && !refused.contains(".log"), "{path}: {refused}");
        }
    }
    // What is hidden and what is not there are told in the same words.
    let hidden = running.get_with("/s/logs/closed.log", &cookie(&alice)).await;
    let missing = running.get_with("/s/logs/nothing.log", &cookie(&alice)).await;
    let body = |answer: &str| answer.split("\r\n\r\n").nth(1).map(str::to_owned);
    assert_eq!(body(&hidden), body(&missing));
    running.stop().await;
}

#[tokio::test]
async fn a_page_sees_what_its_user_may() {
    let site = site();
    let running = site.start().await;
    let cookie = sign_in(&running, "alice").await;
    let page = running.get_with("/", &format!("\nAccept: text/html\nCookie: {cookie}")).await;
    assert!(page.contains("logs/open.log") && !page.contains("closed"), "{page}");
    let origin = format!("http://{}", running.address);
    let proof = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    let mut page = Page::connect_with(running.address, tailwater_protocol::PROTOCOL, &proof)
        .await
        .expect("in");
    loop {
        match page.next().await.expect("the line holds") {
            ServerMessage::Sources { changed, .. } => {
                let names: Vec<_> = changed.iter().map(|source| source.name.as_str()).collect();
                assert_eq!(names, ["logs/open.log"]);
                break;
            }
            ServerMessage::Welcome { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    page.open("logs/closed.log", None, Attention::Rows(10)).await.expect("asked");
    loop {
        match page.next().await.expect("the line holds") {
            ServerMessage::Refused { refusal, .. } => {
                assert_eq!(refusal, Refusal::NoSuchLog);
                break;
            }
            ServerMessage::Frame { frame, .. } => panic!("{:?}", texts(&frame)),
            _ => {}
        }
    }
    page.open("logs/open.log", None, Attention::Rows(10)).await.expect("asked");
    let frame = page.frame_when(|frame| !frame.blocks.is_empty()).await;
    assert_eq!(texts(&frame), ["shown"]);
    running.stop().await;
}

#[tokio::test]
async fn rights_that_are_taken_end_what_is_under_way() {
    let mut site = site();
    let running = site.start().await;
    let cookie = sign_in(&running, "alice").await;
    let stream = TcpStream::connect(running.address).await.expect("connected");
    let (read, mut write) = stream.into_split();
    let head = format!(
        "GET /s/logs/open.log?follow=1 HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n",
        running.address
    );
    write.write_all(head.as_bytes()).await.expect("sent");
    let mut lines = BufReader::new(read).lines();
    while lines.next_line().await.expect("read").expect("more") != "shown" {}
    let origin = format!("http://{}", running.address);
    let proof = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    let protocol = tailwater_protocol::PROTOCOL;
    let mut page = Page::connect_with(running.address, protocol, &proof).await.expect("in");
    page.open("logs/open.log", None, Attention::Rows(10)).await.expect("asked");
    page.frame_when(|frame| !frame.blocks.is_empty()).await;
    let mut owner = running.page().await;
    owner.open("logs/open.log", None, Attention::Rows(10)).await.expect("asked");
    owner.frame_when(|frame| !frame.blocks.is_empty()).await;

    site.config.rules = rules(&ALICE_READS_OPEN.replace("open*", "other*"));
    running.shared.access.reload(&site.config).expect("reloaded");
    // Both of hers end, by what was decided and not by what comes.
    while page.socket.next().await.is_some_and(|message| message.is_ok()) {}
    append(&site.path("open.log"), "after\n");
    let mut rest = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        rest.push_str(&line);
    }
    assert!(!rest.contains("after"), "{rest}");
    let again = running.get_with("/s/logs/open.log", &format!("\nCookie: {cookie}")).await;
    assert_eq!(status(&again), 404, "{again}");
    // Nobody else notices.
    let frame = owner.frame_when(|frame| texts(frame).iter().any(|text| text == "after")).await;
    assert!(!frame.blocks.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_of_that_user() {
    let site = site();
    let running = site.start().await;
    let (first, second) = (sign_in(&running, "alice").await, sign_in(&running, "alice").await);
    let other = sign_in(&running, "stranger").await;
    let leave = async |cookie: &str, body: &str| {
        running
            .raw(&format!(
                "POST /logout HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nCookie: {cookie}\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {}\nConnection: close\n\n{body}",
                body.len()
            ))
            .await
    };
    let is_in = async |cookie: &str| {
        status(&running.get_with("/", &format!("\nCookie: {cookie}")).await) == 200
    };
    assert!(is_in(&first).await && is_in(&second).await);
    leave(&first, "everywhere=1").await;
    assert!(!is_in(&first).await && !is_in(&second).await, "both have ended");
    assert!(is_in(&other).await, "others are not hers to end");
    leave(&other, "").await;
    assert!(!is_in(&other).await);
    running.stop().await;
}
