//! Speaking TLS, HTTP/1.1 and HTTP/2: what is agreed on, what is refused, and renewing the
//! certificate under a server that runs.

mod common;

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use common::{PATIENCE, Site, TOKEN, create};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tailwater::tls::Files;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate of `localhost` in `folder`, in place of the one before; itself, for those who
/// trust it.
fn certify(folder: &Path) -> (Files, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let files = Files { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    for (path, text) in [(&files.key, key), (&files.certificate, certificate.clone())] {
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).expect("written");
        std::fs::set_permissions(&beside, Permissions::from_mode(0o600)).expect("set");
        std::fs::rename(beside, path).expect("renamed");
    }
    (files, CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate"))
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    speaks: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("added");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = speaks.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
    let head = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // Ending without a word of farewell is how some end.
    let _end =
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks for `uri` by HTTP/2.
async fn ask_two(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &str,
) -> (Response<()>, String) {
    let (mut client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::get(uri)
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .expect("a request");
    let (parts, body) = client.send_request(request).await.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("whole").to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8_lossy(&bytes).into_owned())
}

async fn site() -> (Site, common::Running, CertificateDer<'static>) {
    let mut site = Site::new(&["app.log"]);
    create(&site.path("app.log"), "one\ntwo\n");
    let (files, certificate) = certify(site.folder.path());
    site.config.tls = Some(files);
    let running = site.start().await;
    (site, running, certificate)
}

#[tokio::test]
async fn both_versions_are_spoken() {
    let (_site, running, trusted) = site().await;
    let head = format!(
        "GET /s/logs/app.log HTTP/1.1\nHost: localhost\nAuthorization: Bearer {TOKEN}\nConnection: close"
    );
    for speaks in [&["http/1.1"][..], &[]] {
        let stream = connect(running.address, &trusted, speaks).await.expect("encrypted");
        let answer = ask(stream, &head).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("two\n"), "{answer}");
    }
    let stream = connect(running.address, &trusted, &["h2", "http/1.1"]).await.expect("encrypted");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (answer, text) = ask_two(stream, "https://localhost/s/logs/app.log").await;
    assert_eq!((answer.status().as_u16(), text.as_str()), (200, "one\ntwo\n"));
    running.stop().await;
}

#[tokio::test]
async fn plainly_spoken_http_2_is_understood() {
    let site = Site::new(&["app.log"]);
    create(&site.path("app.log"), "one\ntwo\n");
    let running = site.start().await;
    let stream = TcpStream::connect(running.address).await.expect("connected");
    let (answer, text) =
        ask_two(stream, &format!("http://{}/s/logs/app.log", running.address)).await;
    assert_eq!((answer.status().as_u16(), text.as_str()), (200, "one\ntwo\n"));
    let stream = TcpStream::connect(running.address).await.expect("connected");
    let (answer, _) = ask_two(stream, "http://evil.example/s/logs/app.log").await;
    assert_eq!(answer.status().as_u16(), 421, "another name, by the other version");
    // What only begins like it is something else.
    let stream = TcpStream::connect(running.address).await.expect("connected");
    let answer = ask(stream, "PRI * HTTP/2.0\n\nno").await;
    assert!(!answer.contains("200"), "{answer}");
    running.stop().await;
}

#[tokio::test]
async fn who_speaks_plainly_is_led_to_tls() {
    let (_site, running, _) = site().await;
    let answer = running
        .raw(&format!("GET /s/logs/app.log?n=1 HTTP/1.1\nHost: HOST\nAuthorization: Bearer {TOKEN}\nConnection: close"))
        .await;
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert!(answer.contains(&format!("location: https://{}/s/logs/app.log?n=1", running.address)));
    assert!(!answer.contains("two\n"), "{answer}");
    let elsewhere = running.raw("GET / HTTP/1.1\nHost: evil.example\nConnection: close").await;
    assert!(elsewhere.starts_with("HTTP/1.1 400"), "{elsewhere}");
    running.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_used() {
    let (site, running, first) = site().await;
    connect(running.address, &first, &[]).await.expect("the first is good");
    let (files, second) = certify(site.folder.path());
    // One who trusts the second alone gets in as soon as it has been looked at.
    let connected = async {
        while connect(running.address, &second, &[]).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("renewed");
    // A renewal that cannot be used changes nothing.
    create(&files.key, "no key\n");
    let tls = tailwater::tls::Tls::load(files.clone());
    assert!(tls.is_err(), "it could not even have started");
    connect(running.address, &second, &[]).await.expect("the one before is kept");
    running.stop().await;
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, _) = certify(folder.path());
    for (mode, good) in
        [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false)]
    {
        std::fs::set_permissions(&files.key, Permissions::from_mode(mode)).expect("set");
        let loaded = tailwater::tls::Tls::load(files.clone());
        assert_eq!(loaded.is_ok(), good, "{mode:o}: {loaded:?}");
    }
    let other = tempfile::tempdir().expect("a folder");
    let mixed = Files { key: certify(other.path()).0.key, ..files };
    let refused = format!("{:#}", tailwater::tls::Tls::load(mixed).expect_err("of another"));
    assert!(refused.contains("do not go together"), "{refused}");
}

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let (_site, running, _) = site().await;
    let plain = Site::new(&["app.log"]);
    let plainly = plain.start().await;
    let silent = [
        (running.address, &b""[..]),
        (running.address, b"\x16\x03\x01"),
        (plainly.address, b""),
        (plainly.address, b"PRI * HT"),
        (plainly.address, b"GET / HTTP/1.1\r\nHost:"),
    ];
    let let_go = silent.map(|(address, said)| async move {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(said).await.expect("sent");
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "{said:?} is waited for without end");
        assert!(!String::from_utf8_lossy(&answer).contains("200"), "{said:?}");
    });
    futures_util::future::join_all(let_go).await;
    running.stop().await;
    plainly.stop().await;
}
