//! What an address asks of a reader: `n`, `follow`, `from` and a filter, the same for every door.

use tailwater_protocol::filter::is_place;
use tailwater_protocol::{Bookmark, Filter, Position};

/// Lines from the end that may be asked for: beyond it, start at a position.
const MAX_LINES: u32 = 10_000_000;

/// Places that a reader comes back to: one, and one for each rotation that was just then.
const MAX_PLACES: usize = 16;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Lines from the end to begin with.
    pub lines: u32,
    /// Whether to go on with what is appended.
    pub follow: bool,
    /// Where to start instead: where the reader stands, and then where it left generations that
    /// may have grown since.
    pub from: Vec<From>,
    /// Which lines are given.
    pub filter: Filter,
}

/// Where to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Position(Position),
    Bookmark(Bookmark),
}

impl From {
    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        match self {
            Self::Bookmark(bookmark) => Some(*bookmark),
            Self::Position(_) => None,
        }
    }
}

impl Asked {
    /// From the end, `lines` of it.
    pub fn last(lines: u32, follow: bool) -> Self {
        Self { lines, follow, from: Vec::new(), filter: Filter::default() }
    }

    /// What `query` says, and else what is given.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub fn parse(query: &str, given: Self) -> Result<Self, &'static str> {
        let mut asked = given;
        asked.filter = Filter::of_address(pairs(query));
        for (name, value) in pairs(query) {
            match name {
                "n" => {
                    let lines = value.parse().ok().filter(|&lines| lines <= MAX_LINES);
                    asked.lines = lines.ok_or("`n` is a number of lines, at most 10000000\n")?;
                }
                "follow" => asked.follow = matches!(value.as_str(), "" | "1" | "true"),
                // Else it is a time, which is part of the filter.
                "from" if is_place(&value) => {
                    asked.from = Self::places(&value)
                        .ok_or("`from` names as many places as a reader can have left\n")?;
                }
                // What pages ask for means nothing here.
                _ => {}
            }
        }
        Ok(asked)
    }

    /// The places in `text`, as they were given out: separated by commas.
    pub fn places(text: &str) -> Option<Vec<From>> {
        let one = |text: &str| {
            let bookmark = text.parse().map(From::Bookmark);
            bookmark.or_else(|_| text.parse().map(From::Position)).ok()
        };
        let places: Option<Vec<From>> = text.split(',').map(one).collect();
        places.filter(|places| (1..=MAX_PLACES).contains(&places.len()))
    }
}

/// What an address says, name by name.
pub fn pairs(query: &str) -> impl Iterator<Item = (&str, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name, decode(value))
    })
}

/// What an address's encoding stands for.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        match (first, after) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_to_read() {
        let given = Asked::last(10, false);
        let asked = Asked::parse("n=5&follow=1&from=9f3a%3A77&q=x", given.clone()).expect("sound");
        assert_eq!((asked.lines, asked.follow), (5, true));
        assert!(matches!(asked.from[..], [From::Position(position)] if position.offset == 77));
        assert_eq!(Asked::parse("", given.clone()).expect("sound"), given);
        let asked = Asked::parse("f=a+b&x=%2Fc%2F&from=-15m", given.clone()).expect("sound");
        let filter = Filter { since: Some("-15m".to_owned()), ..Filter::default() };
        let (include, exclude) = (vec!["a b".to_owned()], vec!["/c/".to_owned()]);
        assert_eq!(asked.filter, Filter { include, exclude, ..filter });
        assert!(asked.from.is_empty());
        let many = ["from=", &vec!["9f3a:1"; 17].join(",")].concat();
        for query in ["n=x", "n=-1", "n=99999999999", &many] {
            assert!(Asked::parse(query, given.clone()).is_err(), "{query}");
        }
    }
}
