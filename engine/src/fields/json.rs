//! Fields of a JSON object, found by walking over its bytes.
//!
//! Builds no tree and validates nothing: what cannot be understood ends the walk, and what stood
//! before counts. Depth costs a counter and no stack, so a line of a hundred thousand brackets is
//! passed over like any other.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::{Field, MAX_DEPTH};

/// A value as it stands in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Between quotes.
    Text(&'a [u8]),
    /// Between quotes, with escapes to be decoded.
    Escaped(&'a [u8]),
    /// A number, a word such as `true` or `NaN`, an object, an array.
    Raw(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn decoded(self) -> Cow<'a, [u8]> {
        match self {
            Self::Text(bytes) | Self::Raw(bytes) => Cow::Borrowed(bytes),
            Self::Escaped(bytes) => Cow::Owned(decode(bytes)),
        }
    }
}

/// The value at `path` in the object or array that begins with `bytes`.
pub(crate) fn find<'a>(bytes: &'a [u8], path: &[u8]) -> Option<Value<'a>> {
    find_within(bytes, path, MAX_DEPTH)
}

fn find_within<'a>(bytes: &'a [u8], path: &[u8], depth: usize) -> Option<Value<'a>> {
    let mut members = Members::new(bytes)?;
    let mut found = None;
    while let Some(key) = members.key() {
        match rest_of(path, key) {
            Some(Below::Here) => found = members.value().or(found),
            Some(Below::Within(rest)) if depth > 0 => {
                let inner = find_within(members.rest(), rest, depth - 1);
                found = inner.or(found);
                members.skip();
            }
            _ => members.skip(),
        }
    }
    found
}

/// What is made of the members of the object that somebody wants, in their order: by the name as it
/// is written, and its value.
pub(crate) fn wanted<'a, T>(
    bytes: &'a [u8],
    wanted: impl Fn(&'a [u8], &mut dyn FnMut() -> Option<Value<'a>>) -> Option<T>,
) -> impl Iterator<Item = T> {
    let mut members = Members::new(bytes);
    std::iter::from_fn(move || {
        let members = members.as_mut()?;
        while let Some(Key::Name(Value::Text(name) | Value::Escaped(name))) = members.key() {
            let at = members.at;
            let found = wanted(name, &mut || value(bytes, at).0);
            members.skip();
            if found.is_some() {
                return found;
            }
        }
        None
    })
}

/// Where a path leads that begins with a key.
enum Below<'p> {
    /// To its value.
    Here,
    /// Into its value, by this path: an empty one leads to a key without letters.
    Within(&'p [u8]),
}

/// Where `path` leads below `key`. `None` when it does not lead there.
fn rest_of<'p>(path: &'p [u8], key: Key<'_>) -> Option<Below<'p>> {
    let below = match key {
        Key::Name(Value::Escaped(raw)) => path.strip_prefix(&*decode(raw))?,
        Key::Name(Value::Text(raw) | Value::Raw(raw)) => path.strip_prefix(raw)?,
        Key::Index(index) => {
            let digits = path.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, below) = path.split_at(digits);
            let padded = number.len() > 1 && number.first() == Some(&b'0');
            let number = super::decimal(number).filter(|&number| number == index && !padded);
            number.map(|_| below)?
        }
    };
    match below {
        [] => Some(Below::Here),
        [b'.', rest @ ..] => Some(Below::Within(rest)),
        _ => None,
    }
}

/// The members of the object that go by these names, without escapes in them; of several of one
/// name the last.
pub(crate) fn members<'a, const N: usize>(
    object: &'a [u8],
    names: [&str; N],
) -> [Option<Value<'a>>; N] {
    let mut found = [None; N];
    let Some(mut members) = Members::new(object) else { return found };
    while let Some(key) = members.key() {
        let is = |name: &&str| matches!(key, Key::Name(Value::Text(key)) if key == name.as_bytes());
        match names.iter().position(is).and_then(|index| found.get_mut(index)) {
            Some(found) => *found = members.value(),
            None => members.skip(),
        }
    }
    found
}

/// Whether an object begins at `at`, and not only a brace that happens to stand before a quote.
pub(crate) fn begins(bytes: &[u8], at: usize) -> bool {
    bytes.get(at) == Some(&b'{') && name(bytes, at + 1).is_some()
}

/// What a member goes by.
#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Name(Value<'a>),
    Index(u64),
}

/// The members of one object or array, one after another: after each key its value is taken or
/// skipped.
struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next index, in an array.
    index: Option<u64>,
}

impl<'a> Members<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let index = match bytes.first()? {
            b'{' => None,
            b'[' => Some(0),
            _ => return None,
        };
        Some(Self { bytes, at: 1, index })
    }

    /// The key of the next member; the walk stands on its value then.
    fn key(&mut self) -> Option<Key<'a>> {
        self.at = past(self.bytes, self.at, |byte| is_blank(byte) || byte == b',');
        if let Some(index) = &mut self.index {
            if matches!(self.bytes.get(self.at)?, b']' | b'}') {
                return None;
            }
            let key = Key::Index(*index);
            *index += 1;
            return Some(key);
        }
        let (name, next) = name(self.bytes, self.at)?;
        self.at = next;
        Some(Key::Name(name))
    }

    /// The value, taken. `None`, and the end of the walk, if it is torn off.
    fn value(&mut self) -> Option<Value<'a>> {
        let (value, next) = value(self.bytes, self.at);
        self.at = next;
        value
    }

    fn skip(&mut self) {
        self.at = end_of(self.bytes, self.at);
    }

    /// All from the value on.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// The name that begins at `at`, and where its value does.
fn name(bytes: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let (name, end) = text(bytes, at + 1);
    let colon = past(bytes, end, is_blank);
    if bytes.get(colon) != Some(&b':') {
        return None;
    }
    Some((name, past(bytes, colon + 1, is_blank)))
}

/// The value that begins at `at`, and what follows it.
fn value(bytes: &[u8], at: usize) -> (Option<Value<'_>>, usize) {
    match bytes.get(at) {
        Some(b'"') => {
            let (value, end) = text(bytes, at + 1);
            (Some(value), end)
        }
        Some(_) => {
            let end = end_of(bytes, at);
            // A number that ends with the line may have had more digits.
            let whole = end < bytes.len() || matches!(bytes.last(), Some(b'}' | b']'));
            let raw = bytes.get(at..end).filter(|raw| whole && !raw.is_empty());
            (raw.map(Value::Raw), end)
        }
        None => (None, at),
    }
}

/// The text from behind the opening quote at `from`, and what follows the closing one. A text that
/// is torn off is given as far as it goes.
fn text(bytes: &[u8], from: usize) -> (Value<'_>, usize) {
    let mut at = from;
    let mut escaped = false;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            let raw = bytes.get(from..at).unwrap_or_default();
            return (if escaped { Value::Escaped(raw) } else { Value::Text(raw) }, at + 1);
        }
        escaped = true;
        at += 2;
    }
    let raw = bytes.get(from..).unwrap_or_default();
    (if escaped { Value::Escaped(raw) } else { Value::Text(raw) }, bytes.len())
}

/// Where the value that begins at `at` ends.
fn end_of(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => text_end(bytes, at + 1),
        Some(b'{' | b'[') => container_end(bytes, at),
        _ => past(bytes, at, |byte| !is_blank(byte) && !matches!(byte, b',' | b'}' | b']')),
    }
}

/// What the text says that begins with `bytes`, its opening quote left out.
pub(crate) fn text_from(bytes: &[u8]) -> Cow<'_, [u8]> {
    text(bytes, 0).0.decoded()
}

fn text_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn container_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_u64;
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = text_end(bytes, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

fn past(bytes: &[u8], from: usize, pass: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from.min(bytes.len()) + rest.iter().take_while(|&&byte| pass(byte)).count()
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Every leaf of an object with the path that leads to it, in order. What lies deeper than
/// [`MAX_DEPTH`] comes as one leaf, as it stands.
#[derive(Debug)]
pub(crate) struct Leaves<'a> {
    bytes: &'a [u8],
    at: usize,
    name: Vec<u8>,
    /// For every object or array that is open: how much of `name` leads to it, and the next index
    /// in it if it is an array.
    open: Vec<(usize, Option<u64>)>,
}

impl<'a> Leaves<'a> {
    /// The leaves of the object that begins with `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let open = if bytes.first() == Some(&b'{') { vec![(0, None)] } else { Vec::new() };
        Self { bytes, at: 1, name: Vec::new(), open }
    }
}

impl<'a> Iterator for Leaves<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let depth = self.open.len();
            let (stem, index) = self.open.last_mut()?;
            self.name.truncate(*stem);
            self.at = past(self.bytes, self.at, |byte| is_blank(byte) || byte == b',');
            if matches!(self.bytes.get(self.at)?, b'}' | b']') {
                self.at += 1;
                self.open.pop();
                continue;
            }
            // Not by the name: a key may have no letters.
            if depth > 1 {
                self.name.push(b'.');
            }
            match index {
                Some(index) => {
                    self.name.extend(index.to_string().bytes());
                    *index += 1;
                }
                None => {
                    let (name, next) = name(self.bytes, self.at)?;
                    self.name.extend_from_slice(&name.decoded());
                    self.at = next;
                }
            }
            let opens = self.bytes.get(self.at).copied();
            let inside = past(self.bytes, self.at + 1, is_blank);
            let empty = matches!(self.bytes.get(inside), Some(b'}' | b']'));
            if matches!(opens, Some(b'{' | b'[')) && !empty && depth <= MAX_DEPTH {
                self.at += 1;
                let index = (opens == Some(b'[')).then_some(0);
                self.open.push((self.name.len(), index));
                continue;
            }
            let (value, next) = value(self.bytes, self.at);
            self.at = next;
            return Some((Cow::Owned(self.name.clone()), value?.decoded()));
        }
    }
}

/// What escapes stand for. One that is none stays as it is; half a surrogate becomes U+FFFD.
pub(super) fn decode(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(escape) = memchr(b'\\', rest) {
        let (plain, after) = rest.split_at(escape);
        out.extend_from_slice(plain);
        let (simple, taken) = match after.get(1) {
            Some(b'n') => (b'\n', 2),
            Some(b't') => (b'\t', 2),
            Some(b'r') => (b'\r', 2),
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(&byte @ (b'"' | b'\\' | b'/')) => (byte, 2),
            Some(b'u') => match unicode(after) {
                Some((char, taken)) => {
                    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = after.get(taken..).unwrap_or_default();
                    continue;
                }
                None => (b'\\', 1),
            },
            Some(_) => (b'\\', 1),
            // The line was torn within an escape.
            None => return out,
        };
        out.push(simple);
        rest = after.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// The character of `\u00e9`, or of two halves in a row, and how many bytes say it.
fn unicode(escape: &[u8]) -> Option<(char, usize)> {
    let first = hex(escape)?;
    if let 0xd800..=0xdbff = first
        && let Some(second @ 0xdc00..=0xdfff) = escape.get(6..).and_then(hex)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return char::from_u32(code).map(|char| (char, 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

fn hex(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |code, &digit| Some(code * 16 + char::from(digit).to_digit(16)?))
}
