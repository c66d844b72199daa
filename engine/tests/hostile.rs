//! Logs that mean harm, or are none: each is data, and all go through one check.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tailwater_engine::counts::Counts;
use tailwater_engine::cursor::{Cursor, Step};
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_engine::row::CAP;
use tailwater_engine::tally::Tallier;
use tailwater_engine::window::{WindowRows, window};
use tailwater_protocol::{Anchor, Began, GenerationId, Lines, Number, Rows};

/// A file of `fill` up to a place, and then of bytes; holes are known when it is filled with NULs.
struct Virtual {
    fill: u8,
    filled: u64,
    end: Vec<u8>,
    read: AtomicU64,
}

impl Virtual {
    fn new(fill: u8, filled: u64, end: &[u8]) -> Self {
        Self { fill, filled, end: end.to_vec(), read: AtomicU64::new(0) }
    }

    fn bytes(&self) -> u64 {
        self.filled + self.end.len() as u64
    }
}

impl ReadAt for Virtual {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        let fill = self.filled.saturating_sub(offset).min(buf.len() as u64) as usize;
        let (filled, rest) = buf.split_at_mut(fill);
        filled.fill(self.fill);
        let past = (offset + fill as u64).saturating_sub(self.filled);
        Ok(fill + if rest.is_empty() { 0 } else { self.end.as_slice().read_at(rest, past)? })
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        let data = if self.fill == 0 { offset.max(self.filled) } else { offset };
        Ok((data < self.bytes()).then_some(data))
    }
}

impl File for Virtual {
    fn stat(&self) -> io::Result<Stat> {
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        Ok(Stat { identity, bytes: self.bytes(), links: 1, written: 0, changed: 0 })
    }
}

fn log(file: Virtual) -> (History, Arc<Virtual>) {
    let file = Arc::new(file);
    let bytes = file.bytes();
    let generation = Generation {
        id: GenerationId(1),
        file: file.clone(),
        from: 0,
        bytes,
        marker: fingerprint_before(file.as_ref(), bytes).expect("read"),
        began: Began::Found,
        since: 0,
        name: "log".to_owned(),
        lost: None,
        ended: false,
        unfinished: file.end.last().is_none_or(|&byte| byte != b'\n'),
    };
    (History::new(vec![generation]), file)
}

/// What holds for the rows of any log.
fn check_rows(name: &str, found: &WindowRows) {
    for rows in &found.blocks {
        assert_eq!(rows.text.matches('\n').count(), rows.len(), "{name}");
        for row in rows.iter() {
            assert!(row.length > 0, "{name}: a row of nothing");
            assert!(row.text.len() <= CAP, "{name}: {} bytes of text", row.text.len());
            let harm = row.text.chars().find(|&c| {
                (c.is_control() && c != '\t')
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            });
            assert_eq!(harm, None, "{name}: {:?}", row.text);
            assert!(row.styles.iter().all(|run| run.end as usize <= row.text.len()), "{name}");
            assert!(row.cut + row.nuls <= row.length, "{name}");
        }
    }
}

/// The log can be read, anywhere and as a whole, and every answer says the same.
fn check(name: &str, bytes: &[u8]) {
    let (history, _) = log(Virtual::new(0, 0, bytes));
    let generation = &history.generations[0];
    let table = Arc::new(Counts::new());
    assert!(table.catch_up(generation, u64::MAX).expect("read"), "{name}");
    let newlines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let lines = table.lines_before(generation.file.as_ref(), generation.bytes).expect("read");
    assert_eq!(lines, Some(Lines::Exact(newlines)), "{name}");
    let counts = |_| Some(Arc::clone(&table));

    // From the start to the end by windows.
    let (mut anchor, mut at, mut rows) = (Anchor::Start, 0, 0);
    loop {
        let found = window(&history, &counts, anchor, 0, 100).expect("read");
        check_rows(name, &found);
        for block in &found.blocks {
            assert_eq!(block.start.offset, at, "{name}");
            assert_eq!(block.number, Number::Exact(rows + 1), "{name}");
            at = block.end().offset;
            rows += block.len() as u64;
        }
        if found.at_end {
            break;
        }
        anchor = Anchor::At(found.blocks.last().map(Rows::end).expect("more to come"));
    }
    let wide = bytes.starts_with(b"\xff\xfe");
    let newline: &[u8] = if wide { b"\n\0" } else { b"\n" };
    let whole = bytes.is_empty() || bytes.ends_with(newline);
    let lines = newlines + u64::from(!whole);
    assert_eq!((at, rows), (bytes.len() as u64, lines), "{name}");

    for anchor in [Anchor::End, Anchor::Fraction(0.5), Anchor::Fraction(f64::NAN), Anchor::Line(2)]
    {
        check_rows(name, &window(&history, &counts, anchor, 50, 50).expect("read"));
    }

    // And all of it by a cursor, in small pieces.
    let mut cursor = Cursor::at_start();
    let (mut all, mut tallier) = (Vec::new(), Tallier::new());
    loop {
        let mut piece = Vec::new();
        match cursor.read(&history, &mut piece, 7001).expect("read") {
            Step::Bytes => tallier.feed_in(generation.encoding(), &piece),
            Step::Turned { .. } => {}
            Step::End => break,
            step @ (Step::Lost { .. } | Step::Doubt) => panic!("{name}: {step:?}"),
        }
        all.extend(piece);
    }
    assert!(all == bytes, "{name}");
    tallier.end_line();
    assert_eq!(tallier.total().lines, lines, "{name}");
}

#[test]
fn whatever_it_holds_a_log_can_be_read() {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let utf16 = |text: &str, bom: &[u8]| {
        bom.iter()
            .copied()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect::<Vec<u8>>()
    };
    let parameters = format!("\x1b[{}mtext\n", "1;".repeat(1_000_000));
    let overflow = b"\x1b[38;2;99999999999999999999;0;0mx\x1b[38;5m\x1b[38m\x1b[;;;;m\n".to_vec();
    let cases: &[(&str, Vec<u8>)] = &[
        ("empty", vec![]),
        ("one byte", b"x".to_vec()),
        ("one newline", b"\n".to_vec()),
        ("no final newline", b"one\ntwo".to_vec()),
        ("newlines alone", b"\n".repeat(50_000)),
        ("lines of one character", b"x\n".repeat(50_000)),
        ("crlf", b"one\r\ntwo\r\n".to_vec()),
        ("lone cr", b"10%\r20%\r30%".to_vec()),
        ("mixed ends", b"a\nb\r\nc\rd\n\re\r\r\n".to_vec()),
        ("nul in the middle", b"a\0b\n\0\0c\n".to_vec()),
        ("all nul", vec![0; 300_000]),
        ("every byte", every.repeat(9)),
        (
            "torn characters",
            "é€😀"
                .bytes()
                .scan(Vec::new(), |seen, byte| {
                    seen.push(byte);
                    Some([seen.as_slice(), b"\n"].concat())
                })
                .flatten()
                .collect(),
        ),
        (
            "overlong, surrogates, beyond",
            b"\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80\xef\xbf\xbe\xf8\x88\x80\x80\x80\n"
                .to_vec(),
        ),
        ("bom, and one in the middle", b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n".to_vec()),
        ("utf-16 with bom", utf16("one\ntwo\n", b"\xff\xfe")),
        ("utf-16 of odd length", [utf16("one\n", b""), b"x".to_vec()].concat()),
        ("latin-1", b"\xe4\xf6\xfc\xdf \x9b31m \x85\n".to_vec()),
        ("shift-jis", b"\x83\x8d\x83O\x0a".to_vec()),
        ("ebcdic", b"\xc8\x85\x93\x93\x96\x25".repeat(99)),
        ("elf", [b"\x7fELF\x02\x01\x01\0".as_slice(), &every.repeat(40)].concat()),
        ("gzip", [b"\x1f\x8b\x08\0".as_slice(), &every.repeat(3)].concat()),
        ("unterminated csi", b"a\x1b[31;1\nb\x1b[\n\x1b".to_vec()),
        ("unterminated osc", b"\x1b]0;all of this\nis text\n\x1b]8;;\n".to_vec()),
        ("unterminated dcs, apc, pm, sos", b"\x1bPa\n\x1b_b\n\x1b^c\n\x1bXd\n".to_vec()),
        ("nested strings", b"\x1b]0;\x1b]0;\x1b]0;\x07\x1b\\\n".repeat(500)),
        ("escapes alone", b"\x1b".repeat(100_000)),
        ("a million parameters", parameters.into_bytes()),
        ("parameters too large", overflow),
        ("c1 in utf-8", "\u{9b}31m\u{90}x\u{9c}\u{85}\n".as_bytes().to_vec()),
        ("bidi", "\u{202e}gnp.exe\u{2066}\u{2069}\u{200f}\u{61c}\n".as_bytes().to_vec()),
        ("line separators", "a\u{2028}b\u{2029}c\u{85}d\x0be\x0cf\n".as_bytes().to_vec()),
        ("html", b"<script>alert(1)</script><img src=x onerror=alert(1)>\n{{7*7}}\n".to_vec()),
        ("deep json", format!("{}\n", "[".repeat(100_000)).into_bytes()),
        ("priority out of range", b"<999>x\n<-1>x\n<>x\n<99999999999>x\n".to_vec()),
        ("five megabytes without an end", vec![b'x'; 5 << 20]),
        ("signs that grow", "\u{ad}".repeat(40_000).into_bytes()),
        (
            "many long rows of signs",
            format!("{}\n", "\u{ad}".repeat(3000)).repeat(300).into_bytes(),
        ),
    ];
    for (name, bytes) in cases {
        check(name, bytes);
    }
}

/// A window costs little however large the log is. Returns what was found.
fn check_large(name: &str, file: Virtual, anchor: Anchor, budget: u64) -> WindowRows {
    let (history, file) = log(file);
    file.read.store(0, Ordering::Relaxed);
    let found = window(&history, &|_| None, anchor, 20, 20).expect("read");
    check_rows(name, &found);
    let read = file.read.load(Ordering::Relaxed);
    assert!(read <= budget, "{name}: {read} bytes were read");
    found
}

#[test]
fn a_hole_of_100_gigabytes_is_no_obstacle() {
    let sparse = || Virtual::new(0, 100 << 30, b"after the hole\nlast\n");
    for anchor in [Anchor::Start, Anchor::End, Anchor::Fraction(0.5)] {
        check_large("sparse", sparse(), anchor, 32 << 20);
    }
    let found = check_large("sparse", sparse(), Anchor::End, 32 << 20);
    let texts: Vec<&str> = found.blocks[0].iter().map(|row| row.text).collect();
    assert_eq!(texts.last_chunk(), Some(&["after the hole", "last"]));
    check_large(
        "sparse, beyond what a double holds",
        Virtual::new(0, 1 << 60, b"x\n"),
        Anchor::End,
        32 << 20,
    );
}

#[test]
fn a_line_of_a_gigabyte_is_shown_by_pieces() {
    let endless = || Virtual::new(b'x', 1 << 30, b"\nlast\n");
    for anchor in [Anchor::Start, Anchor::End, Anchor::Fraction(0.5)] {
        let found = check_large("endless", endless(), anchor, 600 << 20);
        assert!(!found.blocks.is_empty());
    }
    let found = check_large("endless", endless(), Anchor::Fraction(0.5), 600 << 20);
    assert!(found.blocks[0].iter().all(|row| row.continued || row.position.offset == 0));
    let found = check_large("endless", endless(), Anchor::End, 600 << 20);
    let last = found.blocks[0].iter().last().expect("a row");
    assert_eq!((last.text, last.continued), ("last", false));
}

#[test]
fn a_line_of_50_megabytes_is_one_row_with_its_rest_counted() {
    let (history, _) = log(Virtual::new(b'x', 50 << 20, b"\nnext\n"));
    let found = window(&history, &|_| None, Anchor::Start, 0, 2).expect("read");
    let rows: Vec<_> = found.blocks[0].iter().collect();
    assert_eq!(rows[0].text.len() as u64 + rows[0].cut, 50 << 20);
    assert_eq!((rows[0].text.len(), rows[1].text), (CAP, "next"));
}
