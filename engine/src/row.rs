//! From the bytes of a row to what is shown of it: text, colours, level, and what the text leaves
//! unsaid.
//!
//! The text is safe to put on a page as text: no control character but the tab (its width is the
//! page's affair), nothing that turns the direction of writing or takes no room. C0 controls and
//! DEL become their Unicode pictures (`␀` to `␡`), C1 controls and invisible characters become
//! their number in `‹U+202E›`, and bytes that are no UTF-8 become U+FFFD.
//!
//! Looks at no more than [`LOOK`] bytes of a row and shows no more than [`CAP`], however long the
//! row is. Joiners between letters of a script that needs them are left alone.

use std::io;

use tailwater_protocol::row::RowsBuilder;
use tailwater_protocol::{Level, Number, Position, Row, Style, StyleRun};

use crate::ansi::{self, Piece};
use crate::level::level;
use crate::lines::{End, Lines};

/// Bytes of text that are shown of a row.
pub const CAP: usize = 4 * 1024;

/// Bytes of a row that are looked at for its text.
pub const LOOK: u64 = 16 * 1024;

/// Runs of colour in a row. A rainbow of more is shown plain at its end.
const RUNS: usize = 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Makes rows, keeping its buffers from one to the next.
#[derive(Debug)]
pub struct RowMaker {
    cap: usize,
    text: String,
    styles: Vec<StyleRun>,
    style: Style,
    invalid: u32,
}

/// The text of `raw` as a row of at most `cap` bytes would have it, and how many bytes of `raw` are
/// in it: for one who wants more of a line than a row shows.
pub fn text_of(raw: &[u8], cap: usize) -> (String, usize) {
    let mut maker = RowMaker { cap, ..RowMaker::new() };
    let taken = maker.show(raw, true);
    (maker.text, taken)
}

impl Default for RowMaker {
    fn default() -> Self {
        let style = Style::default();
        Self { cap: CAP, text: String::new(), styles: Vec::new(), style, invalid: 0 }
    }
}

impl RowMaker {
    /// With empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to `rows` the row of `lines` from `start` to `end`.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt).
    pub fn add(
        &mut self,
        rows: &mut RowsBuilder,
        lines: &mut Lines<'_>,
        (start, end, how): (u64, u64, End),
        continued: bool,
    ) -> io::Result<()> {
        let encoding = lines.encoding();
        let newline = if how == End::Newline { encoding.width() } else { 0 };
        // Half a character at the end is of one that is still being written.
        let half = if how == End::Open { end - encoding.align(end).max(start) } else { 0 };
        let mut content = end - newline - half;
        let from = lines.skip_nuls(start, content)?;
        let seen = content.min(from.saturating_add(LOOK));
        let text = lines.text(from, seen)?;
        let mut raw: &[u8] = &text;
        let mut dropped = 0;
        if seen == content && how != End::Break && raw.last() == Some(&b'\r') {
            raw = raw.split_last().map_or(raw, |(_, rest)| rest);
            content -= encoding.width();
        }
        if start == 0
            && let Some(rest) = raw.strip_prefix(BOM)
        {
            raw = rest;
            dropped = encoding.mark();
        }
        let whole = from + dropped + encoding.taken(raw) == content;
        let level = if continued { Level::None } else { level(raw) };
        let shown = self.show(raw, whole);
        let taken = from + dropped + encoding.taken(raw.get(..shown).unwrap_or_default());
        rows.push(&Row {
            // What follows from the rows before it is not said again.
            position: Position::start(tailwater_protocol::GenerationId(0)),
            number: Number::Unknown,
            length: end - start,
            text: &self.text,
            level,
            cut: content - taken,
            continued,
            unfinished: how == End::Open,
            stderr: false,
            invalid: self.invalid,
            nuls: from - start,
            styles: &self.styles,
            hits: &[],
            time: None,
            within: false,
        });
        Ok(())
    }

    /// Puts the text of `raw` into the buffers; `whole` if the row ends with it. How many of its
    /// bytes are in the text now.
    fn show(&mut self, raw: &[u8], whole: bool) -> usize {
        self.text.clear();
        self.styles.clear();
        self.style = Style::default();
        self.invalid = 0;
        // A character that the look was cut in two by is not broken.
        let raw = if whole { raw } else { without_part(raw) };
        let mut taken = 0;
        for piece in ansi::pieces(raw) {
            match piece {
                Piece::Text(bytes) => {
                    let shown = self.show_text(bytes);
                    taken += shown;
                    if shown < bytes.len() {
                        break;
                    }
                }
                Piece::Sgr(parameters, len) => {
                    let before = self.style;
                    ansi::apply(&mut self.style, parameters);
                    if self.style != before {
                        self.turn_style();
                    }
                    taken += len;
                }
                Piece::Other(len) => taken += len,
            }
        }
        self.end_style();
        taken
    }

    fn show_text(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for chunk in bytes.utf8_chunks() {
            let valid = self.show_valid(chunk.valid());
            taken += valid;
            if valid < chunk.valid().len() {
                return taken;
            }
            let invalid = chunk.invalid().len();
            if invalid > 0 {
                if !self.push(char::REPLACEMENT_CHARACTER) {
                    return taken;
                }
                self.invalid += invalid as u32;
                taken += invalid;
            }
        }
        taken
    }

    fn show_valid(&mut self, valid: &str) -> usize {
        let mut rest = valid;
        loop {
            let plain = plain_length(rest.as_bytes());
            let room = self.cap.saturating_sub(self.text.len());
            // ASCII alone: any split is at a character's boundary.
            let (run, after) = rest.split_at(plain.min(room));
            self.text.push_str(run);
            if plain > room {
                return valid.len() - after.len();
            }
            let mut chars = after.chars();
            match chars.next() {
                Some(char) if self.push(char) => rest = chars.as_str(),
                _ => return valid.len() - after.len(),
            }
        }
    }

    /// Adds a character, or what stands for it, if there is room.
    fn push(&mut self, char: char) -> bool {
        let room = self.cap.saturating_sub(self.text.len());
        match sign(char, self.text.chars().next_back()) {
            Sign::Itself if char.len_utf8() <= room => self.text.push(char),
            Sign::Picture(picture) if picture.len_utf8() <= room => self.text.push(picture),
            Sign::Number => {
                let number = format!("‹U+{:04X}›", u32::from(char));
                if number.len() > room {
                    return false;
                }
                self.text.push_str(&number);
            }
            Sign::Itself | Sign::Picture(_) => return false,
        }
        true
    }

    /// From here on in another style.
    fn turn_style(&mut self) {
        self.end_style();
        if self.style != Style::default() && self.styles.len() < RUNS {
            let start = self.text.len() as u32;
            self.styles.push(StyleRun { start, end: u32::MAX, style: self.style });
        }
    }

    /// The run that goes on, if one does, ends here; one of no text never was.
    fn end_style(&mut self) {
        let here = self.text.len() as u32;
        if let Some(last) = self.styles.last_mut().filter(|last| last.end == u32::MAX) {
            last.end = here;
            if last.start == here {
                self.styles.pop();
            }
        }
    }
}

/// How a character is shown.
enum Sign {
    Itself,
    Picture(char),
    Number,
}

fn sign(char: char, before: Option<char>) -> Sign {
    match char {
        '\t' => Sign::Itself,
        '\0'..='\x1f' => Sign::Picture(char::from_u32(0x2400 + u32::from(char)).unwrap_or(char)),
        '\x7f' => Sign::Picture('\u{2421}'),
        // Joiners have their place within scripts and emoji, and none between ASCII.
        '\u{200c}' | '\u{200d}' if before.is_some_and(|before| !before.is_ascii()) => Sign::Itself,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Sign::Number,
        _ => Sign::Itself,
    }
}

/// How many bytes at the start are printable ASCII or tabs. Looks at 32 at a time, which the
/// compiler turns into a few vector instructions.
fn plain_length(bytes: &[u8]) -> usize {
    let plain = |&byte: &u8| (0x20..0x7f).contains(&byte) || byte == b'\t';
    let mut length = 0;
    for block in bytes.chunks(32) {
        if !block.iter().fold(true, |all, byte| all & plain(byte)) {
            return length + block.iter().take_while(|byte| plain(byte)).count();
        }
        length += block.len();
    }
    length
}

/// `bytes` without the beginning of a character at their end.
fn without_part(bytes: &[u8]) -> &[u8] {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needed = match bytes.get(at) {
            Some(0x80..=0xbf) => continue,
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 1,
        };
        return if needed > back { bytes.get(..at).unwrap_or(bytes) } else { bytes };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailwater_protocol::{Colour, GenerationId, Rows};

    fn rows(bytes: &[u8]) -> Rows {
        let mut rows = RowsBuilder::new(GenerationId(1), 0, Number::Exact(1));
        let bytes = bytes.to_vec();
        let extent = bytes.len() as u64;
        let mut lines = Lines::new(&bytes, 0, extent);
        let mut maker = RowMaker::new();
        let (mut start, mut continued) = (0, false);
        while start < extent {
            let (end, how) = lines.end_of(start).expect("read");
            maker.add(&mut rows, &mut lines, (start, end, how), continued).expect("read");
            (start, continued) = (end, how == End::Break);
        }
        rows.finish()
    }

    /// The text of a log of one line.
    fn text(line: &[u8]) -> String {
        let rows = rows(line);
        let mut texts = rows.iter().map(|row| row.text.to_owned());
        let text = texts.next().unwrap_or_default();
        assert_eq!(texts.next(), None, "{}", line.escape_ascii());
        text
    }

    #[test]
    fn what_would_do_harm_is_made_visible() {
        let cases: &[(&[u8], &str)] = &[
            (b"plain\ttext", "plain\ttext"),
            (b"crlf\r\n", "crlf"),
            (b"crlf open\r", "crlf open"),
            (b"50%\r100%\n", "50%\u{240d}100%"),
            (b"a\0b\x07\x7f", "a\u{2400}b\u{2407}\u{2421}"),
            (b"\xef\xbb\xbfbom\xef\xbb\xbf\n", "bom‹U+FEFF›"),
            ("a\u{202e}b\u{2069}\u{200b}".as_bytes(), "a‹U+202E›b‹U+2069›‹U+200B›"),
            ("a\u{2028}b\u{2029}".as_bytes(), "a‹U+2028›b‹U+2029›"),
            ("\u{9b}31mx\u{85}".as_bytes(), "‹U+009B›31mx‹U+0085›"),
            ("👨\u{200d}👩 a\u{200d}b".as_bytes(), "👨\u{200d}👩 a‹U+200D›b"),
            (b"\x9b31mlatin1 \xe9", "\u{fffd}31mlatin1 \u{fffd}"),
            (b"torn \xe2\x82", "torn \u{fffd}"),
            (b"surrogate \xed\xa0\x80", "surrogate \u{fffd}\u{fffd}\u{fffd}"),
            (b"overlong \xc0\xaf", "overlong \u{fffd}\u{fffd}"),
            (b"\x1b]0;unterminated", "\u{241b}]0;unterminated"),
            (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
            (b"\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"", ""),
            (b"\n", ""),
            (b"\r\n", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(text(line), *expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_hole_before_a_line_is_counted_and_not_shown() {
        let rows = rows(b"\0\0\0after\n\0\0");
        let found: Vec<_> = rows.iter().map(|row| (row.text, row.nuls, row.length)).collect();
        assert_eq!(found, [("after", 3, 9), ("", 2, 2)]);
    }

    #[test]
    fn colours_lie_over_the_text() {
        let rows = rows(b"\x1b[1;31mred\x1b[0m plain \x1b[48;5;7mgrey\x1b[m\x1b[4m\x1b[0m\n");
        let row = rows.iter().next().expect("a row");
        assert_eq!(row.text, "red plain grey");
        let red = Style { fg: Colour::Palette(1), bg: Colour::Default, flags: Style::BOLD };
        let grey = Style { fg: Colour::Default, bg: Colour::Palette(7), flags: 0 };
        let run = |start, end, style| StyleRun { start, end, style };
        assert_eq!(row.styles, [run(0, 3, red), run(10, 14, grey)]);
    }

    #[test]
    fn a_long_line_is_cut_at_a_character() {
        let mut line = "é".repeat(60_000).into_bytes();
        line.insert(0, b'x');
        let length = line.len() as u64;
        line.push(b'\n');
        let rows = rows(&line);
        let row = rows.iter().next().expect("a row");
        assert_eq!(row.text.len(), CAP - 1);
        assert_eq!(
            (row.cut, row.length, row.invalid),
            (length - row.text.len() as u64, length + 1, 0)
        );
    }

    #[test]
    fn a_rainbow_is_bounded() {
        let rainbow = b"\x1b[31mx\x1b[32my".repeat(2000);
        let rows = rows(&rainbow);
        let row = rows.iter().next().expect("a row");
        assert!(row.styles.len() <= RUNS && row.cut > 0);
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let given: &[&[u8]] = &[
            b"\n",
            b"\r\n",
            b"\r",
            b"\0",
            b"\0\0\0",
            b"\x1b[31m",
            b"\x1b[0m",
            b"\x1b]",
            b"\x07",
            b"\x1b\\",
            b"\x1b",
            b"\xef\xbb\xbf",
            "€".as_bytes(),
            b"\xe2\x82",
            b"\x80",
            b"\xff",
            "\u{202e}".as_bytes(),
            "\u{200d}".as_bytes(),
            "\u{9b}".as_bytes(),
            b"ERROR ",
            b"text ",
        ];
        let given: Vec<Vec<u8>> = given.iter().map(|bytes| bytes.to_vec()).collect();
        let long = (0_usize..6000).prop_map(|len| b"long".repeat(len / 4));
        prop_oneof![
            8 => prop::sample::select(given),
            2 => prop::collection::vec(any::<u8>(), 0..9),
            1 => long,
        ]
    }

    proptest! {
        #[test]
        fn whatever_a_log_holds_becomes_rows(pieces in prop::collection::vec(piece(), 0..30)) {
            let bytes = pieces.concat();
            let rows = rows(&bytes);
            prop_assert_eq!(rows.end().offset, bytes.len() as u64);
            let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
            prop_assert_eq!(rows.len(), lines.len());
            for (row, line) in rows.iter().zip(lines) {
                prop_assert_eq!(row.length, line.len() as u64);
                prop_assert_eq!(row.unfinished, !line.ends_with(b"\n"));
                prop_assert!(row.text.len() <= CAP);
                prop_assert!(row.text.chars().all(|c| c == '\t' || !c.is_control()));
                let hidden = row.text.contains(['\u{202e}', '\u{feff}', '\u{2028}']);
                prop_assert!(!hidden);
                prop_assert!(row.cut + row.nuls <= row.length);
                let mut end = 0;
                for run in row.styles {
                    prop_assert!(run.start >= end && run.start < run.end);
                    prop_assert!(row.text.is_char_boundary(run.start as usize));
                    prop_assert!(row.text.is_char_boundary(run.end as usize));
                    end = run.end;
                }
                if line.is_ascii() && !line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\n') {
                    let content = line.strip_suffix(b"\n").unwrap_or(line);
                    let shown = row.text.len();
                    prop_assert_eq!(row.text.as_bytes(), &content[..shown]);
                    prop_assert_eq!(shown as u64 + row.cut, content.len() as u64);
                }
            }
        }
    }
}
