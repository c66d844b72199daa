//! The fields that a line names: those of a JSON object, and `key=value` as logfmt writes it.
//!
//! What a container runtime wrapped around the line ([`crate::unwrap`]) is taken off first; the
//! wrapper's own fields are found where the line has none of that name. An object may stand
//! behind a prefix, as it does behind that of syslog.
//!
//! A name given twice means the last, as it does to those who parse JSON into a map. Validates
//! nothing: of a line that is torn, or was never well formed, the fields up to there are found.
//! Text that was torn off is given as far as it goes; a number is not, as it may have had more
//! digits. Numbers are given as they are written, `1e999` and `NaN` too.

pub(crate) mod json;
mod logfmt;

use std::borrow::Cow;

use memchr::memmem;

use crate::unwrap::{self, Wrapper};

/// How deep a path leads into objects and arrays: more than anybody writes on purpose.
pub const MAX_DEPTH: usize = 32;

/// Fields of a line that are told, at most: what a page can show of one line.
pub const MAX_FIELDS: usize = 1024;

/// The name of a field and its value, both decoded.
pub type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The value of the field `name`: of a text what it says, without quotes and with its escapes
/// decoded; of all else the bytes as they stand.
///
/// A dot in the name leads into an object (`http.status`) or into an array by index (`tags.0`),
/// unless a key has the dot itself.
pub fn find<'a>(line: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    if name.is_empty() {
        return None;
    }
    match unwrap::wrapper(line) {
        Some(Wrapper::Docker) => {
            let text = unwrap::unwrap(line).map(|unwrapped| unwrapped.text.into_owned());
            let inner = text.and_then(|text| {
                find_in_text(&text, name.as_bytes()).map(Cow::into_owned).map(Cow::Owned)
            });
            inner.or_else(|| find_in_text(line, name.as_bytes()))
        }
        Some(Wrapper::Cri(text)) => find_in_text(line.get(text..)?, name.as_bytes()),
        None => find_in_text(line, name.as_bytes()),
    }
}

fn find_in_text<'a>(text: &'a [u8], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let (prefix, object) = split(text);
    if !object.is_empty()
        && let Some(value) = json::find(object, name)
    {
        return Some(value.decoded());
    }
    let found = logfmt::Pairs::new(prefix).filter(|(key, _)| *key == name).last();
    found.map(|(_, value)| value.decoded())
}

/// The fields of a line in their order, at most [`MAX_FIELDS`]. Of objects within objects the
/// leaves, under the names by which [`find`] finds them.
pub fn all(line: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut owned = Vec::new();
    let mut text = line;
    match unwrap::wrapper(line) {
        Some(Wrapper::Docker) => {
            if let Some(unwrapped) = unwrap::unwrap(line) {
                let own = |(name, value): Field<'_>| {
                    (Cow::Owned(name.into_owned()), Cow::Owned(value.into_owned()))
                };
                owned.extend(all_in_text(&unwrapped.text).take(MAX_FIELDS).map(own));
            }
        }
        Some(Wrapper::Cri(start)) => text = line.get(start..).unwrap_or_default(),
        None => {}
    }
    owned.into_iter().chain(all_in_text(text)).take(MAX_FIELDS)
}

fn all_in_text(text: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let (prefix, object) = split(text);
    let pairs = logfmt::Pairs::new(prefix);
    pairs.map(|(key, value)| (Cow::Borrowed(key), value.decoded())).chain(json::Leaves::new(object))
}

/// What stands before the object of a line, and all from it on; no object is empty.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let blank = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if text.get(blank) == Some(&b'{') {
        return text.split_at(blank);
    }
    let mut objects = memmem::find_iter(text, b"{\"");
    text.split_at(objects.find(|&at| json::begins(text, at)).unwrap_or(text.len()))
}

/// Digits as a number.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests;
