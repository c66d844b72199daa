//! Fields written as `key=value` and `key="a value"`, alone or in the midst of a sentence.
//!
//! A key begins the line or follows a blank or a bracket, so the parameters of an address
//! (`/cart?user=5`) are none of the line's fields. A quote that is never closed reaches to the end
//! of the line. Refuses to guess at `a == b` and `a => b`.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::json::decode;

/// The fields of a line, in order.
#[derive(Debug, Clone)]
pub(super) struct Pairs<'a> {
    line: &'a [u8],
    at: usize,
}

/// A value as it stands in the line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Plain(&'a [u8]),
    Escaped(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn decoded(self) -> Cow<'a, [u8]> {
        match self {
            Self::Plain(bytes) => Cow::Borrowed(bytes),
            Self::Escaped(bytes) => Cow::Owned(decode(bytes)),
        }
    }
}

impl<'a> Pairs<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    fn quoted(&mut self, from: usize) -> Value<'a> {
        let mut at = from;
        let mut escaped = false;
        let raw = loop {
            match self.line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
                None => {
                    self.at = self.line.len();
                    break self.line.get(from..);
                }
                Some(found) if self.line.get(at + found) == Some(&b'"') => {
                    self.at = at + found + 1;
                    break self.line.get(from..at + found);
                }
                Some(found) => {
                    escaped = true;
                    at += found + 2;
                }
            }
        };
        let raw = raw.unwrap_or_default();
        if escaped { Value::Escaped(raw) } else { Value::Plain(raw) }
    }

    fn bare(&mut self, from: usize) -> Value<'a> {
        let rest = self.line.get(from..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        self.at = from + length;
        Value::Plain(without_punctuation(rest.get(..length).unwrap_or_default()))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let from = self.at;
            let equals = from + memchr(b'=', self.line.get(from..)?)?;
            self.at = equals + 1;
            let before = self.line.get(from..equals).unwrap_or_default();
            let length = before.iter().rev().take_while(|&&byte| of_key(byte)).count();
            let (edge, key) = before.split_at(before.len() - length);
            if key.is_empty() || edge.last().is_some_and(|&byte| !may_precede(byte)) {
                continue;
            }
            match self.line.get(equals + 1) {
                Some(b'=' | b'>' | b'~') => {}
                Some(b'"') => return Some((key, self.quoted(equals + 2))),
                _ => return Some((key, self.bare(equals + 1))),
            }
        }
    }
}

const fn of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'/' | b':')
        || byte >= 0x80
}

const fn may_precede(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'[' | b'(' | b'{' | b',' | b';' | b'|' | b'"')
}

/// A value in a sentence, without the comma or the bracket that ends it there.
fn without_punctuation(value: &[u8]) -> &[u8] {
    let opening = match value.last() {
        Some(b',' | b';') => 0,
        Some(b')') => b'(',
        Some(b']') => b'[',
        Some(b'}') => b'{',
        _ => return value,
    };
    let counted = |bracket| value.iter().filter(|&&byte| byte == bracket).count();
    if opening != 0 && counted(opening) >= value.last().map_or(0, |&last| counted(last)) {
        return value;
    }
    without_punctuation(value.split_last().map_or(value, |(_, rest)| rest))
}
