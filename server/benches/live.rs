//! Measures the server from outside, through real sockets, beside a reference in the same run:
//! opening, following, what a page costs as the log grows faster, and what idleness costs.
//!
//! `cargo bench -p tailwater` (or `make bench`) prints a table. Rounds of the two sides alternate
//! and medians are compared. `TAILWATER_BENCH_SECONDS` sets how long each rate is held (3).

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../../engine/benches/support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Page, Running, Site, TOKEN, VIEW, append};
use futures_util::StreamExt as _;
use support::{Budget, ROUNDS, cpu, in_terminal, median, missing, percentile, row};
use tailwater_protocol::{
    Anchor, Attention, ClientMessage, RequestId, ServerMessage, WindowRequest, wire,
};
use tokio_tungstenite::tungstenite::Message;

/// Logs to which nothing happens.
const QUIET: u32 = 10_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(open_large_and_small());
    runtime.block_on(window_anywhere());
    runtime.block_on(append_to_socket());
    runtime.block_on(cost_by_rate());
    runtime.block_on(every_line());
    runtime.block_on(quiet());
    for (id, what, program) in [
        ("P1", "first screen", "lnav"),
        ("P7", "append", "websocketd"),
        ("P7", "append", "frontail"),
    ] {
        if !support::exists(program) {
            missing(id, what, program);
        }
    }
}

fn line(number: u64) -> String {
    format!(
        "2026-11-21T09:00:00.{:03}Z INFO worker-{} request {number:012} done in {} ms, {}\n",
        number % 1000,
        number % 7,
        number % 311,
        "x".repeat(80)
    )
}

/// A file of `bytes`, real lines at its end, a hole before them.
fn sparse(site: &Site, name: &str, bytes: u64) {
    let mut file = std::fs::File::create(site.path(name)).expect("created");
    file.seek(SeekFrom::Start(bytes)).expect("sought");
    let lines: String = (0..2000).map(line).collect();
    file.write_all(format!("\n{lines}").as_bytes()).expect("written");
}

/// From connecting to the first full screen.
async fn first_screen(running: &Running, log: &str) -> Duration {
    let before = Instant::now();
    let mut page = Page::connect(running.address).await.expect("a socket");
    page.open(log, None, Attention::Rows(60)).await.expect("sent");
    let frame = page.frame_when(|frame| !frame.blocks.is_empty()).await;
    assert!(common::texts(&frame).len() >= 60);
    before.elapsed()
}

async fn open_large_and_small() {
    let site = Site::new(&["*.log"]);
    sparse(&site, "large.log", 10_000_000_000);
    sparse(&site, "small.log", 10_000_000);
    let (mut large, mut small, mut less) = (Vec::new(), Vec::new(), Vec::new());
    for _round in 0..ROUNDS {
        // Another server each time, without counts from the last.
        let _none_yet = std::fs::remove_dir_all(site.folder.path().join("state")).is_err();
        let running = site.start().await;
        large.push(first_screen(&running, "logs/large.log").await);
        small.push(first_screen(&running, "logs/small.log").await);
        running.stop().await;
        if support::exists("less") {
            let path = site.path("large.log");
            // Without being asked whether it is to show what begins with NULs.
            let arguments: [&OsStr; 4] =
                ["-f".as_ref(), "-PsSHOWN".as_ref(), "+G".as_ref(), path.as_ref()];
            less.push(in_terminal("less", &arguments, b"SHOWN"));
        }
    }
    let (large, small) = (median(large), median(small));
    let times = |a: Duration, b: Duration| Some(a.as_secs_f64() / b.as_secs_f64());
    row(
        "P1",
        "first screen at the end, 10 GB against 10 MB",
        format!("{large:.1?}"),
        format!("{small:.1?}"),
        times(large, small),
        Budget::AtMost(1.2),
    );
    if less.is_empty() {
        missing("P1", "first screen", "less");
    } else {
        let less = median(less);
        row(
            "P1",
            "first screen at the end of 10 GB, against `less +G`",
            format!("{large:.1?}"),
            format!("{less:.1?}"),
            times(large, less),
            Budget::AtMost(1.5),
        );
    }
}

async fn window_anywhere() {
    let site = Site::new(&["app.log"]);
    let lines: String = (0..500_000).map(line).collect();
    std::fs::write(site.path("app.log"), lines).expect("written");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Counts).await.expect("sent");
    let mut times = Vec::new();
    for round in 0..2000_u32 {
        let anchor =
            Anchor::Fraction(f64::from(round.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX));
        let asked =
            WindowRequest { request: RequestId(round), view: VIEW, anchor, before: 0, after: 200 };
        let before = Instant::now();
        page.send(ClientMessage::Window(asked)).await.expect("sent");
        while !matches!(page.next().await.expect("the line holds"), ServerMessage::Window(_)) {}
        times.push(before.elapsed());
    }
    for (percent, budget) in [(50, Budget::None), (99, Budget::AtMost(1.0))] {
        let time = percentile(times.clone(), percent);
        row(
            "P4",
            &format!("200 rows anywhere in 90 MB through the socket, p{percent} (ms)"),
            format!("{time:.1?}"),
            "",
            Some(time.as_secs_f64() * 1e3),
            budget,
        );
    }
    running.stop().await;
}

/// From the end of a write to the row in a client, against `tail -F` and a pipe.
async fn append_to_socket() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "first\n");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Rows(60)).await.expect("sent");
    page.frame().await.expect("a frame");
    let mut tail = Command::new("tail")
        .args(["-n0", "-F"])
        .arg(site.path("app.log"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("tail runs");
    let mut lines = BufReader::new(tail.stdout.take().expect("piped"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut text = String::new();
    // Until tail has its watch: it says nothing of that.
    site.append("app.log", "warm\n");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    site.append("app.log", "warmer\n");
    while !text.ends_with("warmer\n") {
        lines.read_line(&mut text).expect("a line");
    }
    page.frame_when(|frame| common::texts(frame).iter().any(|text| text == "warmer")).await;
    for number in 0..400 {
        // So that neither is still busy with the line before.
        tokio::time::sleep(Duration::from_millis(15)).await;
        let mark = format!("mark {number}");
        let before = Instant::now();
        append(&site.path("app.log"), &format!("{mark}\n"));
        if number % 2 == 0 {
            page.frame_when(|frame| common::texts(frame).contains(&mark)).await;
            ours.push(before.elapsed());
            text.clear();
            lines.read_line(&mut text).expect("a line");
        } else {
            text.clear();
            lines.read_line(&mut text).expect("a line");
            theirs.push(before.elapsed());
            page.frame_when(|frame| common::texts(frame).contains(&mark)).await;
        }
    }
    for (percent, budget) in [(50, Budget::AtMost(2.0)), (99, Budget::None)] {
        let ours = percentile(ours.clone(), percent);
        let theirs = percentile(theirs.clone(), percent);
        row(
            "P7",
            &format!("append to client, p{percent}, against `tail -F` and a pipe"),
            format!("{ours:.1?}"),
            format!("{theirs:.1?}"),
            Some(ours.as_secs_f64() / theirs.as_secs_f64()),
            budget,
        );
    }
    let p99 = percentile(ours, 99);
    row(
        "P7",
        "append to client, p99 (ms)",
        format!("{p99:.1?}"),
        "",
        Some(p99.as_secs_f64() * 1e3),
        Budget::AtMost(5.0),
    );
    tail.kill().expect("ended");
    tail.wait().expect("reaped");
    running.stop().await;
}

/// Appends about `rate` lines a second until told to stop; how many it wrote.
fn writer(site: &Site, rate: u64, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<u64> {
    let path = site.path("app.log");
    std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("opened");
        let (began, mut written) = (Instant::now(), 0);
        while !stop.load(Ordering::Relaxed) {
            let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
            let lines: String = (written..due.min(written + 20_000)).map(line).collect();
            file.write_all(lines.as_bytes()).expect("written");
            written = due.min(written + 20_000);
            std::thread::sleep(Duration::from_millis(1));
        }
        written
    })
}

fn seconds() -> u64 {
    std::env::var("TAILWATER_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// What a page that follows is sent, and what it is told passed, while a log grows at `rate`.
/// It acknowledges as a display of 60 frames a second would.
async fn follow_at(rate: u64) -> (f64, u64, u64) {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "first\n");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Rows(60)).await.expect("sent");
    page.frame().await.expect("a frame");
    let stop = Arc::new(AtomicBool::new(false));
    let writing = writer(&site, rate, Arc::clone(&stop));
    let (began, mut bytes, mut passed) = (Instant::now(), 0_u64, 0_u64);
    let held = Duration::from_secs(seconds());
    let mut written = None;
    let mut writing = Some(writing);
    loop {
        let message = tokio::time::timeout(common::PATIENCE, page.socket.next()).await;
        let Some(Ok(Message::Binary(message))) = message.expect("in time") else { continue };
        if began.elapsed() < held {
            bytes += message.len() as u64;
        } else if let Some(writing) = writing.take() {
            stop.store(true, Ordering::Relaxed);
            written = Some(writing.join().expect("it ends"));
        }
        if let Ok(ServerMessage::Frame { frame, .. }) = wire::decode(&message) {
            passed += frame.passed.lines;
            if written.is_some_and(|written| passed >= written) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(16)).await;
            page.send(ClientMessage::Ack { view: VIEW, sequence: frame.sequence })
                .await
                .expect("sent");
        }
    }
    running.stop().await;
    (bytes as f64 / held.as_secs_f64(), written.unwrap_or(0), passed)
}

async fn cost_by_rate() {
    let mut reference = None;
    for rate in [1_000, 10_000, 100_000, 1_000_000] {
        let (bytes, written, passed) = follow_at(rate).await;
        assert_eq!(written, passed, "every line is counted");
        let reference = *reference.get_or_insert(bytes);
        row(
            "P15",
            &format!("bytes/s to a page at {rate} lines/s, against the slowest"),
            format!("{:.0} kB", bytes / 1000.0),
            format!("{:.0} kB", reference / 1000.0),
            Some(bytes / reference),
            Budget::AtMost(1.2),
        );
    }
}

/// A text reader that wants every line, while a million a second are written.
async fn every_line() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "");
    std::fs::File::create(site.path("app.log")).expect("created");
    let running = site.start().await;
    let address = running.address;
    let received = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let reading = {
        let received = Arc::clone(&received);
        std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).expect("connected");
            let head = format!(
                "GET /s/logs/app.log?follow=1 HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).expect("sent");
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                received.fetch_add(read as u64, Ordering::Relaxed);
            }
        })
    };
    let began = Instant::now();
    let writing = writer(&site, 1_000_000, Arc::clone(&stop));
    tokio::time::sleep(Duration::from_secs(seconds())).await;
    stop.store(true, Ordering::Relaxed);
    let written = writing.join().expect("it ends");
    let whole = std::fs::metadata(site.path("app.log")).expect("there").len();
    while received.load(Ordering::Relaxed) < whole {
        assert!(began.elapsed() < common::PATIENCE, "lines are missing");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rate = written as f64 / began.elapsed().as_secs_f64();
    row(
        "P9",
        "every line as text while 1,000,000 a second are written",
        format!("{rate:.0}/s"),
        "1000000/s",
        Some(rate / 1e6),
        Budget::AtLeast(0.9),
    );
    let received = received.load(Ordering::Relaxed);
    row(
        "P12",
        "bytes on the wire of every line as text, head included",
        received,
        whole,
        Some(received as f64 / whole as f64),
        Budget::AtMost(1.01),
    );
    running.stop().await;
    reading.join().expect("it ends");
}

/// What it costs that nothing happens: to ten thousand logs, of which a page looks at one.
async fn quiet() {
    let site = Site::new(&["*.log"]);
    for number in 0..QUIET {
        std::fs::write(site.path(&format!("{number:05}.log")), "one line\n").expect("written");
    }
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/00007.log", None, Attention::Rows(60)).await.expect("sent");
    page.frame_when(|frame| !frame.blocks.is_empty()).await;
    // What was found at the start is looked at once more, and that is not what is measured.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (began, before) = (Instant::now(), cpu());
    tokio::time::sleep(Duration::from_secs(4 * seconds())).await;
    let part = (cpu() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    row(
        "P16",
        "idle, 10,000 logs, one looked at: percent of a core",
        format!("{:.2} %", part * 100.0),
        "",
        Some(part * 100.0),
        Budget::AtMost(0.5),
    );
    running.stop().await;
}
