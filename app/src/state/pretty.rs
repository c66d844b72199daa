//! A line shown in other ways: its JSON with an element a line, its bytes as numbers.
//!
//! Neither judges: JSON that is torn is laid out as far as it goes, and nothing of it is changed
//! but the blanks between its parts.

/// Bytes in a row of the hex view.
const ROW: usize = 16;

/// How deep what is laid out is indented at most.
const DEEPEST: usize = 40;

/// The JSON in `text`, laid out; `None` when it holds none.
pub(crate) fn json(text: &str) -> Option<String> {
    let start = text.find(['{', '['])?;
    let rest = text.get(start..)?;
    // A bracketed time or level is no array.
    let mut ahead = rest.chars().skip(1).filter(|char| !char.is_whitespace());
    let object = rest.starts_with('{');
    let begins = matches!((object, ahead.next()?), (true, '"' | '}') | (false, '{'));
    begins.then(|| lay_out(rest))
}

fn lay_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    let mut escaped = false;
    while let Some(char) = chars.next() {
        if quoted {
            out.push(char);
            quoted = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        match char {
            '"' => {
                quoted = true;
                out.push(char);
            }
            '{' | '[' => {
                out.push(char);
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char);
                if depth == 0 {
                    // What follows the object is not of it.
                    out.push_str(chars.collect::<String>().trim_end());
                    break;
                }
            }
            ',' => {
                out.push(char);
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                line(&mut out, depth);
            }
            ':' => {
                out.push_str(": ");
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
            }
            char if char.is_whitespace() => {}
            char => out.push(char),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
}

/// `bytes` as a hex dump: offset, numbers, signs.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: usize| char::from(DIGITS[n & 15]);
    let mut out = String::with_capacity(bytes.len() * 5);
    for (row, chunk) in bytes.chunks(ROW).enumerate() {
        let offset = row * ROW;
        out.extend([offset >> 12, offset >> 8, offset >> 4, offset].map(digit));
        for at in 0..ROW {
            out.push_str(if at == ROW / 2 { "  " } else { " " });
            match chunk.get(at) {
                Some(&byte) => out.extend([digit(usize::from(byte) >> 4), digit(byte.into())]),
                None => out.push_str("  "),
            }
        }
        out.push_str("  ");
        let sign =
            |&byte: &u8| if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '·' };
        out.extend(chunk.iter().map(sign));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_object_is_laid_out() {
        let text = r#"12:00 {"a":1,"b":{"c":[1, 2],"d":{}},"e":"x,{\"y\":1}"}"#;
        let expected = [
            "{",
            "  \"a\": 1,",
            "  \"b\": {",
            "    \"c\": [",
            "      1,",
            "      2",
            "    ],",
            "    \"d\": {}",
            "  },",
            "  \"e\": \"x,{\\\"y\\\":1}\"",
            "}",
        ];
        assert_eq!(json(text).as_deref(), Some(expected.join("\n").as_str()));
        assert_eq!(json("[12:00:01] GET / {x}"), None);
        assert_eq!(json("plain"), None);
        assert!(json(r#"{"torn":"of"#).is_some());
    }

    #[test]
    fn bytes_stand_in_rows_of_sixteen() {
        let dump = hex(b"0123456789abcdef\xff\n");
        let rows: Vec<&str> = dump.lines().collect();
        assert_eq!(
            rows[0],
            "0000 30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef"
        );
        assert!(rows[1].starts_with("0010 ff 0a ") && rows[1].ends_with("  ··"));
        assert_eq!(rows.len(), 2);
    }

    proptest! {
        #[test]
        fn only_blanks_are_changed(text in "[\\[\\]{}\",:a1\\\\ ]{0,80}") {
            if let Some(out) = json(&text) {
                let start = text.find(['{', '[']).expect("it begins");
                let given = text.get(start..).expect("a character begins there");
                let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(bare(&out), bare(given));
            }
        }
    }
}
