//! Line numbers over a restart. One test, as it measures what the whole process reads.

mod common;

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use common::{Page, Site, VIEW};
use tailwater_protocol::{
    Anchor, Attention, ClientMessage, Frame, Lines, Number, RequestId, ServerMessage, WindowRequest,
};

/// Lines of the log, which together are more than what is worth to be kept.
const LINES: u64 = 1_000_000;

/// Bytes that this process has read so far.
fn bytes_read() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").expect("there");
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("said");
    read.parse().expect("a number")
}

fn is_counted(frame: &Frame) -> bool {
    matches!(frame.outline.spans.last().map(|span| span.lines), Some(Lines::Exact(n)) if n >= LINES)
}

/// The lines of the first frame, and of the first in which they are counted.
async fn open(page: &mut Page) -> (Lines, Lines) {
    page.open("logs/app.log", None, Attention::Rows(20)).await.expect("sent");
    let first = page.frame_when(|frame| !frame.outline.spans.is_empty()).await;
    let counted =
        if is_counted(&first) { first.clone() } else { page.frame_when(is_counted).await };
    (first.outline.lines(), counted.outline.lines())
}

/// The number of the row in the middle of the log, and its text.
async fn middle(page: &mut Page) -> (Number, String) {
    let anchor = Anchor::Fraction(0.5);
    let asked = WindowRequest { request: RequestId(1), view: VIEW, anchor, before: 0, after: 1 };
    page.send(ClientMessage::Window(asked)).await.expect("sent");
    loop {
        if let ServerMessage::Window(window) = page.next().await.expect("the line holds") {
            let rows = window.blocks.first().expect("a row");
            let text = rows.iter().next().expect("a row").text.to_owned();
            return (rows.number, text);
        }
    }
}

fn kept(state: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(state.join("counts")).expect("kept").flatten();
    files.map(|file| file.path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_opened_again_has_its_numbers_at_once() {
    let site = Site::new(&["app.log"]);
    let state = site.config.state.clone().expect("a state folder");
    let log: String =
        (1..=LINES).map(|n| format!("line number {n:09}, {}\n", "x".repeat(60))).collect();
    std::fs::write(site.path("app.log"), &log).expect("written");
    let right = |found: (Number, String)| {
        let (Number::Exact(number), text) = found else { panic!("{found:?} is no count") };
        assert!(text.contains(&format!(" {number:09},")), "{number}: {text}");
    };

    // The first time it is counted.
    let running = site.start().await;
    let mut page = running.page().await;
    let (_, counted) = open(&mut page).await;
    assert_eq!(counted, Lines::Exact(LINES));
    drop(page);
    running.stop().await;
    assert_eq!(kept(&state).len(), 1);

    // Then it is known, with little reading.
    let before = bytes_read();
    let running = site.start().await;
    let mut page = running.page().await;
    let (first, _) = open(&mut page).await;
    assert_eq!(first, Lines::Exact(LINES), "known in the first frame");
    right(middle(&mut page).await);
    let read = bytes_read() - before;
    assert!(read < log.len() as u64 / 20, "{read} bytes of {} were read", log.len());

    // What comes is counted on.
    site.append("app.log", "one more\n");
    page.frame_when(|frame| frame.outline.lines() == Lines::Exact(LINES + 1)).await;
    drop(page);
    running.stop().await;

    // What is damaged is thrown away, and counted anew.
    let file = kept(&state).remove(0);
    let mut bytes = std::fs::read(&file).expect("read");
    let middle_of_it = bytes.len() / 2;
    bytes[middle_of_it] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let running = site.start().await;
    let mut page = running.page().await;
    assert_eq!(open(&mut page).await.1, Lines::Exact(LINES + 1));
    right(middle(&mut page).await);
    drop(page);
    running.stop().await;

    // And so is what belongs to other lines in the same file.
    let other = log.replace("x\n", "\n\n").into_bytes();
    assert_eq!(other.len(), log.len());
    let whole = std::fs::OpenOptions::new().write(true).open(site.path("app.log")).expect("opened");
    whole.write_all_at(&other, 0).expect("overwritten");
    let running = site.start().await;
    let mut page = running.page().await;
    page.open("logs/app.log", None, Attention::Rows(20)).await.expect("sent");
    let wanted = Lines::Exact(2 * LINES + 1);
    page.frame_when(|frame| frame.outline.lines() == wanted).await;
    drop(page);
    running.stop().await;
}
