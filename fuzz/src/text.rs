//! What becomes of a line's bytes on the way to the page: sequences are cut out whole, and what is
//! left is text that does no harm.

use tailwater_engine::ansi::{Piece, apply, pieces, strip};
use tailwater_engine::row::CAP;
use tailwater_engine::window::window;
use tailwater_protocol::wire::{decode, encode};
use tailwater_protocol::{Anchor, Hit, Rows, Style};

use crate::file::log;

pub fn ansi(data: &[u8]) {
    let mut text = Vec::new();
    let mut at = 0;
    let mut style = Style::default();
    for piece in pieces(data) {
        assert!(!piece.is_empty());
        let bytes = &data[at..at + piece.len()];
        at += piece.len();
        match piece {
            Piece::Text(same) => {
                assert_eq!(same, bytes);
                assert!(!same[1..].contains(&0x1b), "at most the first is one");
                text.extend_from_slice(same);
            }
            Piece::Sgr(parameters, len) => {
                assert!(bytes.starts_with(b"\x1b[") && bytes.ends_with(b"m"));
                assert_eq!(parameters, &bytes[2..2 + parameters.len()]);
                assert_eq!(len, bytes.len());
                apply(&mut style, parameters);
            }
            Piece::Other(_) => assert_eq!(bytes[0], 0x1b),
        }
    }
    assert_eq!(at, data.len());
    assert_eq!(strip(data), text);
    rows(data);
}

/// Rows of these bytes are text without harm, and travel.
fn rows(bytes: &[u8]) {
    let history = log(bytes);
    let mut found = window(&history, &|_| None, Anchor::Start, 0, 200).expect("in memory");
    let mut at = 0;
    for block in &mut found.blocks {
        assert_eq!(block.start.offset, at);
        for row in block.iter() {
            assert!(row.length > 0 && row.text.len() <= CAP);
            let harm = row.text.chars().find(|&char| {
                (char.is_control() && char != '\t')
                    || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            });
            assert_eq!(harm, None, "{:?}", row.text);
            let mut before = 0;
            for run in row.styles {
                assert!(run.start >= before && run.start < run.end);
                assert!(row.text.get(run.start as usize..run.end as usize).is_some());
                before = run.end;
            }
            assert!(row.cut + row.nuls <= row.length);
        }
        at = block.end().offset;
        let all = |text: &str| {
            let hit = |(at, char): (usize, char)| Hit {
                start: at as u32,
                end: (at + char.len_utf8()) as u32,
            };
            text.char_indices().step_by(3).take(9).map(hit).collect()
        };
        block.mark(all);
        assert_eq!(decode::<Rows>(&encode(block)).as_ref(), Ok(&*block));
    }
    assert!(at == bytes.len() as u64 || !found.at_end);
}
