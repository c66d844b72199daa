//! The line is cut again and again and the server started anew, while the log grows: what a page
//! received, put together by position, is the log.

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use common::{Page, Site, VIEW, append};
use tailwater_protocol::{
    Anchor, Attention, Bookmark, ClientMessage, Position, RequestId, Rows, ServerMessage,
    WindowRequest,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A small generator of its own, so that a failure can be repeated by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

const CUTS: u32 = 100;
const RESTARTS: u32 = 10;

/// Passes bytes on until some random number of them, then cuts the line, [`CUTS`] times in all.
async fn cutting_proxy(
    listener: TcpListener,
    to: SocketAddr,
    mut random: Random,
    cuts: Arc<AtomicU32>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        let allowed =
            if cuts.load(Ordering::Relaxed) < CUTS { random.below(40_000) } else { u64::MAX };
        let cuts = Arc::clone(&cuts);
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(to).await else { return };
            let mut left = allowed;
            let (mut up, mut down) = ([0; 4096], [0; 4096]);
            loop {
                tokio::select! {
                    read = client.read(&mut up) => match read {
                        Ok(0) | Err(_) => return,
                        Ok(n) => if server.write_all(&up[..n]).await.is_err() { return },
                    },
                    read = server.read(&mut down) => match read {
                        Ok(0) | Err(_) => return,
                        Ok(n) => {
                            let n64 = n as u64;
                            if n64 > left {
                                // In the middle of a frame, most likely.
                                let _half = client.write_all(&down[..left as usize]).await;
                                cuts.fetch_add(1, Ordering::Relaxed);
                                return;
                            }
                            left -= n64;
                            if client.write_all(&down[..n]).await.is_err() { return }
                        }
                    },
                }
            }
        });
    }
}

/// What a page has received.
#[derive(Default)]
struct Received {
    rows: BTreeMap<u64, (String, u64)>,
    bookmark: Option<Bookmark>,
    requests: u32,
}

impl Received {
    fn take(&mut self, blocks: &[Rows]) {
        for row in blocks.iter().flat_map(|rows| rows.iter().collect::<Vec<_>>()) {
            if !row.unfinished {
                self.rows.insert(row.position.offset, (row.text.to_owned(), row.length));
            }
        }
    }

    /// The first byte that is not held although later ones may be.
    fn held_to(&self) -> u64 {
        let mut at = 0;
        for (&offset, (_, length)) in &self.rows {
            if offset != at {
                break;
            }
            at += length;
        }
        at
    }

    fn text(&self) -> String {
        self.rows.values().map(|(text, _)| format!("{text}\n")).collect()
    }
}

/// One life of a connection: frames as they come, holes filled by windows. Ends when the line is
/// cut, or when everything up to `whole` bytes is held.
async fn live(
    page: &mut Page,
    received: &mut Received,
    done: &AtomicBool,
    size: impl Fn() -> u64,
) -> Option<()> {
    let from = received.bookmark;
    page.open("logs/app.log", from, Attention::Rows(50)).await?;
    let mut asked: Option<u64> = None;
    loop {
        match page.next().await? {
            ServerMessage::Frame { frame, .. } => {
                received.take(&frame.blocks);
                received.bookmark = frame.end.or(received.bookmark);
                page.send(ClientMessage::Ack { view: VIEW, sequence: frame.sequence }).await?;
            }
            ServerMessage::Window(window) => {
                received.take(&window.blocks);
                asked = None;
            }
            ServerMessage::Refused { refusal, .. } => panic!("{refusal:?}"),
            _ => {}
        }
        let held = received.held_to();
        if done.load(Ordering::Relaxed) && held == size() {
            return Some(());
        }
        let Some(bookmark) = received.bookmark else { continue };
        if held < bookmark.position.offset && asked != Some(held) {
            asked = Some(held);
            received.requests += 1;
            page.send(ClientMessage::Window(WindowRequest {
                request: RequestId(received.requests),
                view: VIEW,
                anchor: Anchor::At(Position {
                    generation: bookmark.position.generation,
                    offset: held,
                }),
                before: 0,
                after: 300,
            }))
            .await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_cuts_and_ten_restarts_lose_and_repeat_nothing() {
    let seed = std::env::var("TAILWATER_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_121);
    let site = Site::new(&["app.log"]);
    let path = site.path("app.log");
    append(&path, "first\n");
    let mut running = site.start().await;
    let address = running.address;
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let front_address = front.local_addr().expect("an address");
    let cuts = Arc::new(AtomicU32::new(0));
    tokio::spawn(cutting_proxy(front, address, Random(seed), Arc::clone(&cuts)));

    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (path, done, cuts) = (path.clone(), Arc::clone(&done), Arc::clone(&cuts));
        std::thread::spawn(move || {
            let mut random = Random(seed + 1);
            let mut number = 0;
            // Until all cuts were made, and somewhat beyond.
            let mut after = 50;
            while after > 0 {
                if cuts.load(Ordering::Relaxed) >= CUTS {
                    after -= 1;
                }
                for _line in 0..random.below(120) {
                    number += 1;
                    let line =
                        format!("line {number} {}\n", "x".repeat(random.below(200) as usize));
                    // Now and then in two parts, the first without its newline.
                    let (head, tail) = line.split_at(random.below(line.len() as u64) as usize);
                    append(&path, head);
                    append(&path, tail);
                }
                std::thread::sleep(Duration::from_millis(random.below(8)));
            }
            done.store(true, Ordering::Relaxed);
        })
    };

    let mut received = Received::default();
    let mut restarts = 0;
    let size = || std::fs::metadata(&path).expect("there").len();
    loop {
        if cuts.load(Ordering::Relaxed) / (CUTS / RESTARTS) > restarts && restarts < RESTARTS {
            restarts += 1;
            running.stop().await;
            running = site.start_at(address).await;
        }
        let Some(mut page) = Page::connect(front_address).await else { continue };
        if live(&mut page, &mut received, &done, size).await.is_some() {
            break;
        }
    }
    writer.join().expect("the writer ends");
    assert_eq!((cuts.load(Ordering::Relaxed), restarts), (CUTS, RESTARTS), "seed {seed}");
    assert_eq!(received.text(), std::fs::read_to_string(&path).expect("there"), "seed {seed}");
    running.stop().await;
}
