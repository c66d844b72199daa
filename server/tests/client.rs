//! The client on the terminal against a real server: all bytes, each once and in order, whatever
//! becomes of the connection.

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use common::{PATIENCE, Running, Site, TOKEN, append};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

fn client(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
    command.args(arguments).env("TAILWATER_TOKEN", TOKEN);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = client(arguments);
    let run = tokio::task::spawn_blocking(move || command.output());
    let run = tokio::time::timeout(PATIENCE, run).await;
    run.expect("in time").expect("joined").expect("run")
}

fn url(running: &Running) -> String {
    format!("http://{}/s/logs/app.log", running.address)
}

#[tokio::test]
async fn cat_and_tail_print_the_bytes() {
    let site = Site::new(&["app.log"]);
    let mut log = b"one\r\n\xff\xfe broken\n\n\ttabbed \x1b[31mred\n".to_vec();
    log.extend(vec![b'x'; 2_500_000]);
    log.extend(b"\nlast without an end");
    std::fs::write(site.path("app.log"), &log).expect("written");
    let running = site.start().await;
    let all = run(&["cat", &url(&running)]).await;
    assert!(all.status.success(), "{}", String::from_utf8_lossy(&all.stderr));
    assert!(all.stdout == log, "{} of {} bytes", all.stdout.len(), log.len());
    let last = run(&["tail", "-n", "1", &url(&running)]).await;
    assert_eq!(String::from_utf8_lossy(&last.stdout), "last without an end");
    // Rotated away, and still a part of it.
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
    append(&site.path("app.log"), "new\n");
    log.extend(b"\nnew\n");
    let mut all = run(&["cat", &url(&running)]).await;
    while !all.stdout.ends_with(b"new\n") {
        all = run(&["cat", &url(&running)]).await;
    }
    assert!(all.stdout == log, "{} of {} bytes", all.stdout.len(), log.len());
    for wrong in [format!("http://{}/s/nothing", running.address), "http://127.0.0.1:1/s/x".into()]
    {
        let refused = run(&["cat", &wrong]).await;
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{wrong}");
        assert!(!refused.stderr.is_empty());
    }
    running.stop().await;
}

/// Passes bytes on to `to`, and breaks every connection after another number of them.
async fn cutting(to: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut limit = 3000_usize;
        while let Ok((mut client, _)) = listener.accept().await {
            limit = limit * 7 % 400_009 + 2000;
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else { return };
                let mut head = vec![0; 4096];
                let Ok(len) = client.read(&mut head).await else { return };
                let head = String::from_utf8_lossy(head.get(..len).unwrap_or_default())
                    .replace(&address.to_string(), &to.to_string());
                if server.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                let mut left = limit;
                let mut buf = vec![0; 16 * 1024];
                while left > 0 {
                    let most = left.min(buf.len());
                    let Ok(len @ 1..) = server.read(&mut buf[..most]).await else { break };
                    if client.write_all(&buf[..len]).await.is_err() {
                        break;
                    }
                    left -= len;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn nothing_is_missing_and_nothing_comes_twice_over_cuts_and_restarts() {
    const LINES: usize = 20_000;
    let site = Site::new(&["app.log"]);
    let all: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
    let (first, rest) = all.split_at(all.len() / 2 + 3);
    site.append("app.log", first);
    let running = site.start().await;
    let address = running.address;
    let cut = cutting(address).await;
    let url = format!("http://{cut}/s/logs/app.log");
    let mut tail = client(&["tail", "-n", "10000000", "-f", &url]).spawn().expect("started");
    let out = BufReader::new(tail.stdout.take().expect("piped"));
    let (give, mut lines) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if give.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let next = async |lines: &mut mpsc::Receiver<String>| {
        tokio::time::timeout(PATIENCE, lines.recv()).await.expect("in time").expect("a line")
    };
    for n in 0..LINES / 4 {
        assert_eq!(next(&mut lines).await, format!("line {n}"));
    }
    running.stop().await;
    append(&site.path("app.log"), rest);
    let running = site.start_at(address).await;
    for n in LINES / 4..LINES {
        assert_eq!(next(&mut lines).await, format!("line {n}"));
    }
    tail.kill().expect("ended");
    tail.wait().expect("waited for");
    // All at once over the same line, that breaks again and again.
    let cat = run(&["cat", &url]).await;
    assert!(cat.stdout == all.as_bytes(), "{} of {} bytes", cat.stdout.len(), all.len());
    running.stop().await;
}
