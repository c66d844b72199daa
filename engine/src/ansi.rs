//! Escape sequences in a line: what is text, what sets a style, what is dropped.
//!
//! A log is shown, not executed: of all sequences only SGR means anything here; cursor movement,
//! titles, links (OSC 8) and device strings are dropped. A sequence that is not whole is no
//! sequence: its bytes are text, so that an unterminated OSC hides nothing of the line.
//!
//! The cutting is done here rather than by a terminal's parser, since that would neither say how
//! many bytes a sequence took nor give back what an unterminated string had swallowed. Every byte
//! is looked at twice at most, whatever the line holds.

use memchr::{memchr, memchr3};
use tailwater_protocol::{Colour, Style};

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CAN: u8 = 0x18;

/// A piece of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// To be shown, bytes as they are; a lone ESC among them.
    Text(&'a [u8]),
    /// The parameters of an SGR sequence, which took that many bytes.
    Sgr(&'a [u8], usize),
    /// Some other sequence, of that many bytes.
    Other(usize),
}

/// Cuts `line` into pieces.
pub fn pieces(line: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let piece = first(rest)?;
        rest = rest.get(piece.len()..).unwrap_or_default();
        Some(piece)
    })
}

/// `line` without its escape sequences.
pub fn strip(line: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(line.len());
    for piece in pieces(line) {
        if let Piece::Text(bytes) = piece {
            text.extend_from_slice(bytes);
        }
    }
    text
}

impl Piece<'_> {
    /// Bytes of the line that it takes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) => bytes.len(),
            Self::Sgr(_, len) | Self::Other(len) => *len,
        }
    }

    /// Never: a piece takes one byte at least.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn first(line: &[u8]) -> Option<Piece<'_>> {
    if line.is_empty() {
        return None;
    }
    match memchr(ESC, line) {
        None => Some(Piece::Text(line)),
        Some(0) => sequence(line).or_else(|| line.get(..1).map(Piece::Text)),
        Some(at) => line.get(..at).map(Piece::Text),
    }
}

/// The whole sequence at the start of `line`, which begins with ESC.
fn sequence(line: &[u8]) -> Option<Piece<'_>> {
    match line.get(1)? {
        b'[' => control_sequence(line),
        b']' | b'P' | b'X' | b'^' | b'_' => string(line),
        // Character sets and the like: intermediate bytes, then a final one.
        0x20..=0x2f => {
            let between = run(line, 1, 0x20..=0x2f);
            let last = line.get(1 + between)?;
            (0x30..=0x7e).contains(last).then_some(Piece::Other(2 + between))
        }
        0x30..=0x7e => Some(Piece::Other(2)),
        _ => None,
    }
}

fn control_sequence(line: &[u8]) -> Option<Piece<'_>> {
    let parameters = run(line, 2, 0x30..=0x3f);
    let between = run(line, 2 + parameters, 0x20..=0x2f);
    let len = 3 + parameters + between;
    let parameters = line.get(2..2 + parameters)?;
    match line.get(len - 1)? {
        b'm' if between == 0 && parameters.first().is_none_or(|&first| first < b'<') => {
            Some(Piece::Sgr(parameters, len))
        }
        0x40..=0x7e => Some(Piece::Other(len)),
        _ => None,
    }
}

/// OSC, DCS, SOS, PM, APC: up to `ESC \`, or BEL after an OSC. Another ESC or CAN within it means
/// that its writer was interrupted.
fn string(line: &[u8]) -> Option<Piece<'_>> {
    let bell_ends = line.get(1) == Some(&b']');
    let mut at = 2;
    loop {
        at += memchr3(ESC, BEL, CAN, line.get(at..)?)?;
        match (line.get(at)?, line.get(at + 1)) {
            (&ESC, Some(b'\\')) => return Some(Piece::Other(at + 2)),
            (&BEL, _) if bell_ends => return Some(Piece::Other(at + 1)),
            (&BEL, _) => at += 1,
            _ => return None,
        }
    }
}

/// How many bytes from `from` on are within `range`.
fn run(line: &[u8], from: usize, range: std::ops::RangeInclusive<u8>) -> usize {
    line.get(from..).unwrap_or_default().iter().take_while(|byte| range.contains(byte)).count()
}

/// Changes `style` as an SGR sequence with these parameters does. Unknown ones change nothing.
pub fn apply(style: &mut Style, parameters: &[u8]) {
    let mut items = parameters.split(|&byte| byte == b';');
    while let Some(item) = items.next() {
        let mut parts = item.split(|&byte| byte == b':').map(number);
        let code = parts.next().unwrap_or(0);
        match code {
            38 | 48 | 58 => {
                // `38:2::r:g:b` keeps its parts to itself; `38;2;r;g;b` goes on in the next items.
                let colour = if item.contains(&b':') {
                    let parts: Vec<u16> = parts.take(6).collect();
                    colour_of_parts(&parts)
                } else {
                    colour_of_items(&mut items)
                };
                match (code, colour) {
                    (38, Some(colour)) => style.fg = colour,
                    (48, Some(colour)) => style.bg = colour,
                    _ => {}
                }
            }
            4 => set(style, Style::UNDERLINE, parts.next() != Some(0)),
            _ => simple(style, code),
        }
    }
}

fn simple(style: &mut Style, code: u16) {
    match code {
        0 => *style = Style::default(),
        1 => set(style, Style::BOLD, true),
        2 => set(style, Style::DIM, true),
        3 => set(style, Style::ITALIC, true),
        7 => set(style, Style::INVERSE, true),
        8 => set(style, Style::CONCEALED, true),
        9 => set(style, Style::STRIKE, true),
        21 => set(style, Style::UNDERLINE, true),
        22 => set(style, Style::BOLD | Style::DIM, false),
        23 => set(style, Style::ITALIC, false),
        24 => set(style, Style::UNDERLINE, false),
        27 => set(style, Style::INVERSE, false),
        28 => set(style, Style::CONCEALED, false),
        29 => set(style, Style::STRIKE, false),
        30..=37 => style.fg = Colour::Palette((code - 30) as u8),
        39 => style.fg = Colour::Default,
        40..=47 => style.bg = Colour::Palette((code - 40) as u8),
        49 => style.bg = Colour::Default,
        90..=97 => style.fg = Colour::Palette((code - 90 + 8) as u8),
        100..=107 => style.bg = Colour::Palette((code - 100 + 8) as u8),
        _ => {}
    }
}

fn set(style: &mut Style, flags: u8, on: bool) {
    if on {
        style.flags |= flags;
    } else {
        style.flags &= !flags;
    }
}

/// What follows `38:`, the number of a colour space between 2 and red being optional.
fn colour_of_parts(parts: &[u16]) -> Option<Colour> {
    match *parts {
        [5, index, ..] => Some(Colour::Palette(u8::try_from(index).ok()?)),
        [2, _, red, green, blue, ..] | [2, red, green, blue] => rgb(red, green, blue),
        _ => None,
    }
}

/// What follows `38;`. Takes from `items` what belongs to the colour, valid or not.
fn colour_of_items<'a>(items: &mut impl Iterator<Item = &'a [u8]>) -> Option<Colour> {
    match number(items.next()?) {
        5 => Some(Colour::Palette(u8::try_from(number(items.next()?)).ok()?)),
        2 => {
            let (red, green, blue) = (items.next()?, items.next()?, items.next()?);
            rgb(number(red), number(green), number(blue))
        }
        _ => None,
    }
}

fn rgb(red: u16, green: u16, blue: u16) -> Option<Colour> {
    let part = |part| u8::try_from(part).ok();
    Some(Colour::Rgb(part(red)?, part(green)?, part(blue)?))
}

/// Digits as a number, as large as it goes. No digits are 0.
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |sum: u16, digit| {
        sum.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_whole_sequences_are_taken_out() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"plain", b"plain"),
            (b"\x1b[1;31mred\x1b[0m", b"red"),
            (b"a\x1b[2Kb\x1b[10;20Hc\x1b[?25ld", b"abcd"),
            (b"\x1b]0;title\x07text", b"text"),
            (b"\x1b]8;;javascript:x\x1b\\link\x1b]8;;\x1b\\.", b"link."),
            (b"\x1bP1$q\x07m\x1b\\text", b"text"),
            (b"\x1b_app\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\.", b"."),
            (b"\x1b(B\x1b7\x1bc.", b"."),
            // Not whole: text.
            (b"\x1b[31", b"\x1b[31"),
            (b"\x1b[31\ttext", b"\x1b[31\ttext"),
            (b"\x1b]0;title of all the rest", b"\x1b]0;title of all the rest"),
            (b"\x1bPdevice\x07", b"\x1bPdevice\x07"),
            (b"\x1b]0;a\x1b[1mb", b"\x1b]0;ab"),
            (b"\x1b", b"\x1b"),
            (b"\x1b\x1b[1m", b"\x1b"),
            (b"\x1b\xff", b"\x1b\xff"),
        ];
        for (line, text) in cases {
            assert_eq!(strip(line), *text, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn styles_are_those_of_a_terminal() {
        let style = |fg, bg, flags| Style { fg, bg, flags };
        let (plain, palette) = (Colour::Default, Colour::Palette);
        let cases: &[(&str, Style)] = &[
            ("", style(plain, plain, 0)),
            ("1;31", style(palette(1), plain, Style::BOLD)),
            ("1;2;22", style(plain, plain, 0)),
            ("97;104", style(palette(15), palette(12), 0)),
            ("38;5;208;1", style(palette(208), plain, Style::BOLD)),
            ("48;2;1;2;3;4", style(plain, Colour::Rgb(1, 2, 3), Style::UNDERLINE)),
            ("38:2:1:2:3", style(Colour::Rgb(1, 2, 3), plain, 0)),
            ("38:2::1:2:3;9", style(Colour::Rgb(1, 2, 3), plain, Style::STRIKE)),
            ("38:5:7", style(palette(7), plain, 0)),
            ("4:3", style(plain, plain, Style::UNDERLINE)),
            ("4;4:0", style(plain, plain, 0)),
            ("58;2;1;2;3;3", style(plain, plain, Style::ITALIC)),
            ("38;2;256;0;0", style(plain, plain, 0)),
            ("38;2;99999999;0;0;7", style(plain, plain, Style::INVERSE)),
            ("38;5", style(plain, plain, 0)),
            ("31;;1", style(plain, plain, Style::BOLD)),
            ("999;8", style(plain, plain, Style::CONCEALED)),
        ];
        for (parameters, expected) in cases {
            let mut found = Style::default();
            apply(&mut found, parameters.as_bytes());
            assert_eq!(found, *expected, "{parameters}");
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_the_line(line in prop::collection::vec(
            prop_oneof![Just(0x1b_u8), Just(b'['), Just(b']'), Just(b'm'), Just(b';'), Just(7), any::<u8>()],
            0..200,
        )) {
            let all: Vec<Piece<'_>> = pieces(&line).collect();
            prop_assert!(all.iter().all(|piece| !piece.is_empty()));
            prop_assert_eq!(all.iter().map(Piece::len).sum::<usize>(), line.len());
        }
    }
}
