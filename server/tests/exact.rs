//! Every door out under fire, through the real command: a hundred thousand numbered lines, each once
//! and in order, over rotations; with readers that break off and a server that is killed; and with
//! readers that do not read, for whom nothing may be kept.

mod started;

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use started::{Started, TOKEN, folder, wait_for};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

const LINES: usize = 100_000;

/// What never comes makes a test fail rather than hang.
const PATIENCE: Duration = Duration::from_secs(120);

fn line(number: usize) -> String {
    // Not all as long as each other.
    format!("line {number} {}", "x".repeat(number % 97))
}

/// A door that is plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Text,
    Records,
    Events,
}

/// One reader's connection.
struct Reading {
    door: Door,
    stream: BufReader<TcpStream>,
    /// What to say to come back after the line that came last.
    id: String,
}

impl Reading {
    /// Begins at the end, or after what `id` says.
    fn open(port: u16, door: Door, id: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (format, from, last) = match (door, id) {
            (Door::Text, _) => ("text", "n=0".to_owned(), String::new()),
            (Door::Records, "") => ("ndjson", "n=0".to_owned(), String::new()),
            (Door::Records, id) => ("ndjson", format!("from={id}"), String::new()),
            (Door::Events, "") => ("events", "n=0".to_owned(), String::new()),
            (Door::Events, id) => ("events", "n=0".to_owned(), format!("Last-Event-ID: {id}\r\n")),
        };
        let mut reading = Self { door, stream: BufReader::new(stream), id: id.to_owned() };
        write!(
            reading.stream.get_mut(),
            "GET /s/app?format={format}&follow=1&{from} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n{last}\r\n"
        )?;
        let status = reading.raw()?;
        assert!(status.contains(" 200 "), "{door:?} after `{id}`: {status}");
        while !reading.raw()?.is_empty() {}
        Ok(reading)
    }

    fn raw(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next line of the log.
    fn next(&mut self) -> std::io::Result<String> {
        match self.door {
            Door::Text => self.raw(),
            Door::Records => loop {
                let raw = self.raw()?;
                // The end of the connection may have come amid a record.
                let record: serde_json::Value = serde_json::from_str(&raw)?;
                assert_ne!(record["notice"], "lost", "{record}");
                if let Some(text) = record["text"].as_str() {
                    self.id = record["id"].as_str().expect("an id").to_owned();
                    return Ok(text.to_owned());
                }
            },
            Door::Events => loop {
                let (mut data, mut id, mut kind) = (None, None, String::new());
                loop {
                    match self.raw()?.split_once(": ") {
                        Some(("data", text)) => data = Some(text.to_owned()),
                        Some(("id", text)) => id = Some(text.to_owned()),
                        Some(("event", text)) => kind = text.to_owned(),
                        Some(_) => {}
                        None => break,
                    }
                }
                assert_ne!(kind, "lost", "{data:?}");
                if let (Some(data), Some(id), "") = (data, id, kind.as_str()) {
                    self.id = id;
                    return Ok(data);
                }
            },
        }
    }
}

struct Site {
    folder: tempfile::TempDir,
    log: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = folder();
        let log = folder.path().join("app");
        std::fs::write(&log, "").expect("made");
        Self { folder, log }
    }

    fn start(&self) -> Started {
        Started::with(self.folder.path(), &["app=app"], Stdio::null())
    }

    /// Writes the lines of that range in heaps, as programs do.
    fn write(&self, from: usize, to: usize) {
        let mut file = OpenOptions::new().append(true).open(&self.log).expect("there");
        let mut heap = String::new();
        for number in from..to {
            heap.push_str(&line(number));
            heap.push('\n');
            if number % 61 == 0 {
                // Sometimes in the middle of a line.
                let (whole, rest) = heap.split_at(heap.len() - number % 7);
                file.write_all(whole.as_bytes()).expect("written");
                heap = rest.to_owned();
            }
        }
        file.write_all(heap.as_bytes()).expect("written");
    }

    fn rotate(&self) {
        let beside = |age: usize| self.folder.path().join(format!("app.{age}"));
        if beside(1).exists() {
            std::fs::rename(beside(1), beside(2)).expect("renamed");
        }
        std::fs::rename(&self.log, beside(1)).expect("renamed");
        std::fs::write(&self.log, "").expect("made");
    }
}

#[test]
fn every_line_comes_through_every_door_once_and_in_order() {
    let site = Site::new();
    let started = site.start();
    let port = started.port;
    let readers = [Door::Text, Door::Records, Door::Events].map(|door| {
        let mut reading = Reading::open(port, door, "").expect("in");
        std::thread::spawn(move || {
            for number in 0..LINES {
                assert_eq!(reading.next().expect("a line"), line(number), "{door:?}");
            }
        })
    });
    let mut socket = socket(port);
    let by_socket = std::thread::spawn(move || {
        for number in 0..LINES {
            let text = loop {
                if let Message::Text(text) = socket.read().expect("a message") {
                    break text;
                }
            };
            assert_eq!(text.as_str(), line(number));
        }
    });
    site.write(0, 40_000);
    site.rotate();
    site.write(40_000, 70_000);
    site.rotate();
    site.write(70_000, LINES);
    for reader in readers {
        reader.join().expect("all came");
    }
    by_socket.join().expect("all came");
    assert_eq!(started.stop(), Some(0));
}

fn socket(port: u16) -> tungstenite::WebSocket<TcpStream> {
    let mut request =
        format!("ws://127.0.0.1:{port}/ws/app?tail=1&n=0").into_client_request().expect("sound");
    let token = format!("Bearer {TOKEN}").parse().expect("plain");
    request.headers_mut().insert("authorization", token);
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    tungstenite::client(request, stream).expect("a socket").0
}

#[test]
fn readers_that_break_off_come_back_exactly_also_to_a_server_that_was_killed() {
    let site = Site::new();
    let mut started = site.start();
    let port: &'static AtomicU16 = Box::leak(Box::new(AtomicU16::new(started.port)));
    let readers = [Door::Records, Door::Events].map(|door| {
        let mut reading = Reading::open(started.port, door, "").expect("in");
        std::thread::spawn(move || {
            // Breaks off after another number of lines each time, and in the middle of bytes that are
            // on their way.
            let (mut id, mut number, mut until) = (String::new(), 0, 1);
            while number < LINES {
                match reading.next() {
                    Ok(text) => {
                        assert_eq!(text, line(number), "{door:?}");
                        id.clone_from(&reading.id);
                        number += 1;
                        until -= 1;
                    }
                    Err(_broken) => until = 0,
                }
                if until == 0 && number < LINES {
                    until = 1 + number * 7919 % 9001;
                    // While it is being started anew nobody answers.
                    wait_for(|| {
                        let port = port.load(Ordering::Relaxed);
                        let again = Reading::open(port, door, &id);
                        again.map(|again| reading = again).is_ok()
                    });
                }
            }
        })
    });
    site.write(0, 30_000);
    site.rotate();
    site.write(30_000, 60_000);
    started.kill();
    site.rotate();
    site.write(60_000, 80_000);
    started = site.start();
    port.store(started.port, Ordering::Relaxed);
    site.write(80_000, LINES);
    for reader in readers {
        reader.join().expect("all came");
    }
    assert_eq!(started.stop(), Some(0));
}

/// The most memory that the process ever had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.expect("there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn for_readers_that_do_not_read_nothing_is_kept() {
    const BYTES: usize = 192 * 1024 * 1024;
    let site = Site::new();
    let started = site.start();
    // Some of each door, which take nothing.
    let mut idle = Vec::new();
    for door in [Door::Text, Door::Records, Door::Events] {
        for _ in 0..4 {
            idle.push(Reading::open(started.port, door, "").expect("in"));
        }
    }
    let sockets: Vec<_> = (0..4).map(|_| socket(started.port)).collect();
    let mut awake = Reading::open(started.port, Door::Text, "").expect("in");
    let before = peak(started.child.id());
    let reader = std::thread::spawn(move || {
        let (mut left, mut buf) = (BYTES, vec![0; 1024 * 1024]);
        while left > 0 {
            let read = awake.stream.read(&mut buf).expect("bytes");
            assert_ne!(read, 0, "{left} bytes are missing");
            left -= read;
        }
    });
    let heap = format!("{}\n", "y".repeat(127)).repeat(8 * 1024);
    let mut file = OpenOptions::new().append(true).open(&site.log).expect("there");
    for _ in 0..BYTES / heap.len() {
        file.write_all(heap.as_bytes()).expect("written");
    }
    // All of it has passed the server, in front of those who sleep.
    reader.join().expect("all came");
    let grown = peak(started.child.id()).saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB for sixteen readers that sleep");
    // And one of them wakes, and misses nothing.
    let mut woken = idle.swap_remove(4);
    for _ in 0..100_000 {
        assert_eq!(woken.next().expect("a line").len(), 127);
    }
    drop((idle, sockets));
    assert_eq!(started.stop(), Some(0));
}
