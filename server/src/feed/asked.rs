//! What an address asks of a reader: `n`, `follow` and `from`, the same for every door.

use tailwater_protocol::{Bookmark, Position};

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
        Self { lines, follow, from: Vec::new() }
    }

    /// What `query` says, and else what is given.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub fn parse(query: &str, given: Self) -> Result<Self, &'static str> {
        let mut asked = given;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "n" => {
                    let lines = value.parse().ok().filter(|&lines| lines <= MAX_LINES);
                    asked.lines = lines.ok_or("`n` is a number of lines, at most 10000000\n")?;
                }
                "follow" => asked.follow = matches!(value, "" | "1" | "true"),
                "from" => {
                    let value = value.replace("%3A", ":").replace("%3a", ":").replace("%2C", ",");
                    asked.from = Self::places(&value)
                        .ok_or("`from` is a position such as 9f3a01c2:18842711\n")?;
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
        for query in ["n=x", "n=-1", "n=99999999999", "from=7", "from=", "from=9f3a:1,"] {
            assert!(Asked::parse(query, given.clone()).is_err(), "{query}");
        }
    }
}
