//! Looking for a value behind a name: `shard=7`, `"shard": "7"`.
//!
//! A short value stands everywhere and its name in every other line; the two together are rare. The
//! name is looked for in many lines at once, and the few bytes behind each are looked at. Knows no
//! escapes: lines that may hold one are for others.

use memchr::memmem::Finder;

/// A name, and a value that stands behind it with nothing but signs between.
#[derive(Debug, Clone)]
pub(super) struct Behind {
    name: Box<Finder<'static>>,
    value: Box<[u8]>,
    either_case: bool,
}

/// What may stand between a name and its value: the quotes, the colon or equals sign, blanks, and
/// the backslashes of a line within a line.
pub(super) const BETWEEN: [u8; 6] = *b"\"\\ \t:=";

impl Behind {
    pub(super) fn new(name: &str, value: &str, either_case: bool) -> Self {
        let name = Box::new(Finder::new(name).into_owned());
        Self { name, value: value.as_bytes().into(), either_case }
    }

    /// The first place from `from` on where the name stands with the value behind it.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let name = at + self.name.find(text.get(at..)?)?;
            let end = name + self.name.needle().len();
            let rest = text.get(end..)?;
            let between = rest.iter().take_while(|byte| BETWEEN.contains(byte)).count();
            let value = rest.get(between..between + self.value.len());
            if between > 0 && value.is_some_and(|value| self.is(value)) {
                return Some(name);
            }
            at = name + 1;
        }
    }

    fn is(&self, value: &[u8]) -> bool {
        match self.either_case {
            true => value.eq_ignore_ascii_case(&self.value),
            false => *value == *self.value,
        }
    }
}
