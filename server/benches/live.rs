//! Measures the server from outside, through real sockets, beside a reference in the same run:
//! opening, following, and what a page costs as the log grows faster.
//!
//! `cargo bench -p tailwater` (or `make bench`) prints a table. Rounds of the two sides alternate,
//! medians are compared, and what a noisy machine cannot change (bytes on the wire) stands first.
//! `TAILWATER_BENCH_SECONDS` sets how long each rate is held (3).

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Page, Running, Site, TOKEN, VIEW, append};
use futures_util::StreamExt as _;
use tailwater_protocol::{
    Anchor, Attention, ClientMessage, RequestId, ServerMessage, WindowRequest, wire,
};
use tokio_tungstenite::tungstenite::Message;

const ROUNDS: usize = 9;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    println!("{:<54} {:>12} {:>12} {:>8}", "measure", "here", "reference", "ratio");
    runtime.block_on(open_large_and_small());
    runtime.block_on(window_anywhere());
    runtime.block_on(append_to_socket());
    runtime.block_on(cost_by_rate());
    runtime.block_on(every_line());
}

fn row(measure: &str, here: String, reference: String, ratio: Option<f64>) {
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    println!("{measure:<54} {here:>12} {reference:>12} {ratio:>8}");
}

fn median(times: &mut [Duration]) -> Duration {
    at(times, 50)
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
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
    let running = site.start().await;
    let (mut large, mut small) = (Vec::new(), Vec::new());
    for _round in 0..ROUNDS {
        large.push(first_screen(&running, "logs/large.log").await);
        small.push(first_screen(&running, "logs/small.log").await);
    }
    let (large, small) = (median(&mut large), median(&mut small));
    row(
        "P1 first screen, 10 GB against 10 MB",
        format!("{large:.1?}"),
        format!("{small:.1?}"),
        Some(large.as_secs_f64() / small.as_secs_f64()),
    );
    running.stop().await;
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
    row(
        "P4 200 rows anywhere in 90 MB, p50 | p99",
        format!("{:.1?}", at(&mut times, 50)),
        format!("{:.1?}", at(&mut times, 99)),
        None,
    );
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
    for percent in [50, 99] {
        let (ours, theirs) = (at(&mut ours, percent), at(&mut theirs, percent));
        row(
            &format!("P7 append to client, p{percent}, against `tail -F`"),
            format!("{ours:.1?}"),
            format!("{theirs:.1?}"),
            Some(ours.as_secs_f64() / theirs.as_secs_f64()),
        );
    }
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
    for rate in [10_000, 100_000, 1_000_000] {
        let (bytes, written, passed) = follow_at(rate).await;
        assert_eq!(written, passed, "every line is counted");
        let reference = *reference.get_or_insert(bytes);
        row(
            &format!("P15 page's bytes/s at {rate} lines/s ({} written)", written),
            format!("{:.0} kB", bytes / 1000.0),
            format!("{:.0} kB", reference / 1000.0),
            Some(bytes / reference),
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
            let mut head = true;
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                let mut bytes = &buffer[..read];
                if head {
                    let end =
                        bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("one head");
                    bytes = &bytes[end + 4..];
                    head = false;
                }
                received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
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
        "P9 every line by text, lines/s (bytes of the log)",
        format!("{:.0}", rate),
        format!("{} MB", whole / 1_000_000),
        Some(received.load(Ordering::Relaxed) as f64 / whole as f64),
    );
    running.stop().await;
    reading.join().expect("it ends");
}
