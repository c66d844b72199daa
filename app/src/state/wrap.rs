//! How many rows a text takes that is broken wherever a row is full, as the style sheet has it
//! broken: by columns of a fixed width, wide signs taking two.
//!
//! Counts rather too much than too little where a font may differ, so that nothing is cut off.

/// Columns between two stops of the tabulator, as the style sheet has it.
const TAB: u32 = 8;

/// Rows that `text` takes in rows of `columns`, at least one.
pub(crate) fn rows(text: &str, columns: u16) -> u32 {
    let columns = u32::from(columns.max(2));
    if plain(text) {
        return (text.len() as u32).div_ceil(columns).max(1);
    }
    let (mut rows, mut at) = (1, 0);
    for char in text.chars() {
        let width = match char {
            '\t' => TAB - at % TAB,
            char => width(char),
        };
        if at > 0 && at + width > columns {
            rows += 1;
            at = width.min(columns);
        } else {
            at = (at + width).min(columns);
        }
    }
    rows
}

fn plain(text: &str) -> bool {
    text.is_ascii() && !text.as_bytes().contains(&b'\t')
}

/// Columns of a sign: none for what stands upon the one before, two for what is wide.
fn width(char: char) -> u32 {
    match u32::from(char) {
        0..0x300 => 1,
        0x300..0x370 | 0x483..0x48a | 0x591..0x5be | 0x610..0x61b | 0x64b..0x660 => 0,
        0x200c | 0x200d | 0x20d0..0x2100 | 0xfe00..0xfe10 | 0xfe20..0xfe30 => 0,
        0x1100..0x1160 | 0x2e80..0x303f | 0x3041..0x4dc0 | 0x4e00..0xa4d0 => 2,
        0xa960..0xa980 | 0xac00..0xd7a4 | 0xf900..0xfb00 | 0xfe30..0xfe70 | 0xff00..0xff61 => 2,
        0xffe0..0xffe7 | 0x1f000..0x1fb00 | 0x20000..0x40000 => 2,
        0x231a..0x231c | 0x23e9..0x23f4 | 0x25fd..0x27c0 | 0x2b00..0x2c00 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_to_their_last_column() {
        for (text, columns, expected) in [
            ("", 10, 1),
            ("0123456789", 10, 1),
            ("0123456789a", 10, 2),
            ("\tx", 10, 1),
            ("\t\tx", 10, 2),
            ("日本語日本", 10, 1),
            ("日本語日本語", 10, 2),
            // The wide one does not fit into the last column.
            ("012345678日", 10, 2),
            ("e\u{301}e\u{301}", 2, 1),
        ] {
            assert_eq!(rows(text, columns), expected, "{text:?} in {columns}");
        }
    }

    #[test]
    fn no_width_is_too_small() {
        assert_eq!(rows("日本", 0), 2);
        assert_eq!(rows("\t\t", 0), 2);
    }
}
