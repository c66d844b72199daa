//! Who gets in, and to what: every door with the wrong name, the wrong page and no key.

mod common;

use common::{Site, TOKEN, create};
use std::os::unix::fs::symlink;

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

async fn site() -> (Site, common::Running) {
    let site = Site::new(&["."]);
    create(&site.path("app.log"), "one\ntwo\n");
    create(&site.folder.path().join("secret"), "SECRET\n");
    symlink(site.folder.path().join("secret"), site.path("link.log")).expect("linked");
    symlink("../secret", site.path("relative.log")).expect("linked");
    symlink("/etc", site.path("etc")).expect("linked");
    let running = site.start().await;
    (site, running)
}

#[tokio::test]
async fn without_a_proof_there_is_nothing() {
    let (_site, running) = site().await;
    for path in ["/", "/s/logs/app.log", "/s/logs/app.log?follow=1", "/api/v1/view", "/nothing"] {
        let answer =
            running.raw(&format!("GET {path} HTTP/1.1\nHost: HOST\nConnection: close")).await;
        assert!([401, 404].contains(&status(&answer)), "{path}: {answer}");
        assert!(!answer.contains("app.log") && !answer.contains("one\n"), "{path}: {answer}");
    }
    let page = running
        .raw("GET /s/logs/app.log HTTP/1.1\nHost: HOST\nAccept: text/html\nConnection: close")
        .await;
    assert_eq!(status(&page), 303, "a person is led to the form: {page}");
    let wrong = running
        .raw("GET /s/logs/app.log HTTP/1.1\nHost: HOST\nAuthorization: Bearer x\nConnection: close")
        .await;
    assert_eq!(status(&wrong), 401);
    running.stop().await;
}

#[tokio::test]
async fn another_host_gets_nothing() {
    let (_site, running) = site().await;
    for host in [
        "evil.example",
        "evil.example:8245",
        "127.0.0.1.evil.example",
        "",
        "localhost@evil.example",
    ] {
        for path in ["/", "/s/logs/app.log", "/healthz", "/login", "/pkg/tailwater.css"] {
            let answer = running
                .raw(&format!(
                    "GET {path} HTTP/1.1\nHost: {host}\nAuthorization: Bearer {TOKEN}\nConnection: close"
                ))
                .await;
            assert!([400, 421].contains(&status(&answer)), "{host} {path}: {answer}");
        }
    }
    let two = running
        .raw(&format!(
            "GET / HTTP/1.1\nHost: HOST\nHost: evil.example\nAuthorization: Bearer {TOKEN}\nConnection: close"
        ))
        .await;
    assert_eq!(status(&two), 400, "{two}");
    running.stop().await;
}

#[tokio::test]
async fn another_page_opens_no_socket() {
    let (_site, running) = site().await;
    let cookie = running.cookie().await;
    let upgrade = |headers: &str| {
        format!(
            "GET /api/v1/view HTTP/1.1\nHost: HOST\nUpgrade: websocket\nConnection: Upgrade, close\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n{headers}"
        )
    };
    for headers in [
        format!("Cookie: {cookie}"),
        format!("Cookie: {cookie}\nOrigin: null"),
        format!("Cookie: {cookie}\nOrigin: https://evil.example"),
        format!("Cookie: {cookie}\nOrigin: http://127.0.0.1:1"),
        format!("Cookie: {cookie}\nOrigin: http://HOST\nSec-Fetch-Site: cross-site"),
        format!("Authorization: Bearer {TOKEN}\nOrigin: https://evil.example"),
        "Cookie: tailwater-session=anything\nOrigin: http://HOST".to_owned(),
        "Origin: http://HOST".to_owned(),
    ] {
        let answer = running.raw(&upgrade(&headers)).await;
        assert!([401, 403].contains(&status(&answer)), "{headers}: {answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn the_form_is_for_own_pages_and_the_right_key() {
    let (_site, running) = site().await;
    for (origin, key, expected) in [
        ("http://HOST", TOKEN, 303),
        ("http://HOST", "wrong", 403),
        ("https://evil.example", TOKEN, 403),
        ("null", TOKEN, 403),
    ] {
        let body = format!("key={key}&next=//evil.example");
        let answer = running
            .raw(&format!(
                "POST /login HTTP/1.1\nHost: HOST\nOrigin: {origin}\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {}\nConnection: close\n\n{body}",
                body.len()
            ))
            .await;
        assert_eq!(status(&answer), expected, "{origin} {key}: {answer}");
        assert!(!answer.contains("location: //"), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn nothing_but_what_was_named_is_read() {
    let (_site, running) = site().await;
    assert!(
        running.get("/s/logs/app.log").await.ends_with("one\r\ntwo\r\n")
            || running.get("/s/logs/app.log").await.contains("one\ntwo\n")
    );
    for path in [
        "/s/../secret",
        "/s/logs/../secret",
        "/s/logs/..%2fsecret",
        "/s/logs/%2e%2e/secret",
        "/s/logs/%252e%252e/secret",
        "/s/logs/..%5csecret",
        "/s//etc/passwd",
        "/s/%2fetc%2fpasswd",
        "/s/logs//app.log",
        "/s/logs/./app.log",
        "/s/logs/app.log%00",
        "/s/logs/app.log/",
        "/s/logs/%c0%ae%c0%ae/secret",
        "/s/logs/etc/passwd",
        "/s/logs/secret",
        "/s/secret",
        "/pkg/../../Cargo.toml",
        "/pkg/..%2f..%2fCargo.toml",
        "/pkg/%2e%2e/x",
    ] {
        let answer = running.get(path).await;
        assert!([400, 403, 404].contains(&status(&answer)), "{path}: {answer}");
        assert!(!answer.contains("SECRET") && !answer.contains("root:"), "{path}: {answer}");
    }
    // Links that lead out are listed with the reason, and not read.
    for path in ["/s/logs/link.log", "/s/logs/relative.log"] {
        let answer = running.get(path).await;
        assert_eq!(status(&answer), 403, "{path}: {answer}");
        assert!(answer.contains("outside") && !answer.contains("SECRET"), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_may_be_done_with_it() {
    let (_site, running) = site().await;
    for path in ["/", "/s/logs/app.log", "/healthz", "/nothing"] {
        let answer = running.get(path).await.to_lowercase();
        for header in [
            "x-content-type-options: nosniff",
            "referrer-policy:",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.contains(header), "{path} lacks {header}: {answer}");
        }
    }
    let page = running
        .raw(&format!(
            "GET /s/logs/app.log HTTP/1.1\nHost: HOST\nAccept: text/html\nAuthorization: Bearer {TOKEN}\nConnection: close"
        ))
        .await;
    assert!(page.contains("'nonce-") && page.contains("frame-ancestors 'none'"), "{page}");
    assert!(!page.contains("unsafe-inline") && page.contains(">one"), "{page}");
    running.stop().await;
}

#[tokio::test]
async fn too_much_is_refused() {
    let (_site, running) = site().await;
    let long = "x".repeat(40_000);
    let answer = running.get(&format!("/s/{long}")).await;
    assert!([400, 414, 431].contains(&status(&answer)), "{}", answer.len());
    let body = "x".repeat(3_000_000);
    let answer = running
        .raw(&format!(
            "POST /login HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {}\nConnection: close\n\nkey={}",
            body.len(),
            body.get(..70_000).expect("long enough")
        ))
        .await;
    assert_eq!(status(&answer), 413, "{answer}");
    running.stop().await;
}

#[tokio::test]
async fn below_a_base_path_everything_lies_below_it() {
    let mut site = Site::new(&["."]);
    site.config.base = "/ops/logs".to_owned();
    create(&site.path("app.log"), "one\n");
    let running = site.start().await;
    assert!(running.get("/ops/logs/s/logs/app.log").await.contains("one\n"));
    for path in ["/s/logs/app.log", "/", "/ops/logsx/s/logs/app.log", "/healthz"] {
        assert_eq!(status(&running.get(path).await), 404, "{path}");
    }
    assert!(running.get("/ops/logs").await.contains("location: /ops/logs/"));
    let page = running
        .raw(&format!(
            "GET /ops/logs/s/logs/app.log HTTP/1.1\nHost: HOST\nAccept: text/html\nAuthorization: Bearer {TOKEN}\nConnection: close"
        ))
        .await;
    assert!(
        page.contains("\"/ops/logs/pkg/tailwater.css\"") && !page.contains("\"/pkg/"),
        "{page}"
    );
    let person = running
        .raw("GET /ops/logs/s/logs/app.log?n=1 HTTP/1.1\nHost: HOST\nAccept: text/html\nConnection: close")
        .await;
    assert!(person.contains("location: /ops/logs/login?next=/s/logs/app.log%3Fn%3D1"), "{person}");
    running.stop().await;
}
