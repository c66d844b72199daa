//! What a view shows of its log: the lines that a filter takes, and some around them.
//!
//! A filter is made of parts, each of which a reader sees as a chip and can take away. Both sides,
//! and every door of the server, read it from an address and put it together here, so that it
//! cannot mean two things. It travels as text; only the server understands patterns.

use serde::{Deserialize, Serialize};

use crate::find::Progress;
use crate::position::{Bookmark, Position};
use crate::query::{
    Expr, MAX_TERMS, Order, Problem, Query, QueryError, Span, Term, When, level_of,
};
use crate::row::Level;

/// A filter of a view, numbered by the page: what was picked by an earlier one is told by it.
/// 0 is no filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FilterId(pub u32);

/// Queries of a filter: as many chips as fit above the lines.
pub const MAX_PARTS: usize = 16;

/// Lines shown on each side of a line that is taken. They are looked at for every line that is
/// shown, so it is a few screens at most.
pub const MAX_CONTEXT: u16 = 50;

/// What the lines must be like that a view shows. Without any part: all lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Queries of which every one must hold.
    pub include: Vec<String>,
    /// Queries of which none may hold.
    pub exclude: Vec<String>,
    /// That level or a worse one.
    pub level: Option<Level>,
    /// Not older than that time, as [`When`] reads it.
    pub since: Option<String>,
    /// Not younger than that time.
    pub until: Option<String>,
    /// Lines shown before and after each that is taken.
    pub context: u16,
}

/// A part of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Chip {
    /// One of those that must hold.
    Include(u16),
    /// One of those that may not.
    Exclude(u16),
    /// The level.
    Level,
    /// The older end.
    Since,
    /// The younger end.
    Until,
    /// All together.
    Whole,
}

/// A filter that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct FilterError {
    /// Which part.
    pub part: Chip,
    /// What is wrong with it, and where in its text.
    pub error: QueryError,
}

/// How a filter stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filtering {
    /// It is none; the view shows what it showed before.
    Wrong {
        /// Which part.
        part: Chip,
        /// Bytes of the part's text before what is wrong.
        start: u32,
        /// Bytes of the part's text before the end of that.
        end: u32,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The log could not be looked through: the system's words.
    Failed(String),
    /// How far the log was looked through, and how many lines were taken.
    Progress(Progress),
}

/// Of which part of a log rows were picked, by which filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// By which.
    pub filter: FilterId,
    /// From where to where the log was looked through: what of it is to be shown is there, all of
    /// it. Rows behind the second may come with it, and may be others when they are asked for
    /// again. `None`: the log is empty.
    pub stretch: Option<(Position, Position)>,
    /// Which rows, of all blocks together, only stand beside one that was taken.
    pub aside: Vec<u32>,
}

impl Filter {
    /// Whether it takes every line.
    pub fn is_empty(&self) -> bool {
        self.parts() == 0
    }

    /// How many parts it has.
    pub fn parts(&self) -> usize {
        let single = [self.level.is_some(), self.since.is_some(), self.until.is_some()];
        self.include.len() + self.exclude.len() + single.into_iter().filter(|&there| there).count()
    }

    /// The text of a part, as it was written.
    pub fn text(&self, part: Chip) -> Option<&str> {
        match part {
            Chip::Include(nth) => self.include.get(usize::from(nth)).map(String::as_str),
            Chip::Exclude(nth) => self.exclude.get(usize::from(nth)).map(String::as_str),
            Chip::Since => self.since.as_deref(),
            Chip::Until => self.until.as_deref(),
            Chip::Level | Chip::Whole => None,
        }
    }

    /// All of it as one query.
    ///
    /// # Errors
    ///
    /// What is wrong with which part.
    pub fn query(&self) -> Result<Query, FilterError> {
        let whole = |problem| {
            let error = QueryError { at: Span { start: 0, end: 0 }, problem };
            FilterError { part: Chip::Whole, error }
        };
        if self.parts() > MAX_PARTS {
            return Err(whole(Problem::TooMany));
        }
        let mut all = Vec::new();
        for (nth, text) in (0..).zip(&self.include) {
            all.push(read(text, Chip::Include(nth))?);
        }
        for (nth, text) in (0..).zip(&self.exclude) {
            let expr = read(text, Chip::Exclude(nth))?;
            // Nothing is nothing to be hidden, though a query of nothing is every line.
            if !matches!(&expr, Expr::And(none) if none.is_empty()) {
                all.push(Expr::Not(Box::new(expr)));
            }
        }
        if let Some(level) = self.level {
            all.push(Expr::Term(Term::Level(Order::AtLeast, level)));
        }
        if let Some(text) = &self.since {
            all.push(Expr::Term(Term::Since(time(text, Chip::Since)?)));
        }
        if let Some(text) = &self.until {
            all.push(Expr::Term(Term::Until(time(text, Chip::Until)?)));
        }
        let expr = Expr::and(all);
        if terms(&expr) > MAX_TERMS {
            return Err(whole(Problem::TooMany));
        }
        Ok(Query { expr })
    }

    /// What an address says, whose names and values are decoded. What is of no filter is passed
    /// over; so is a `from` that is a position, which readers of every line bring.
    pub fn of_address<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut filter = Self::default();
        let (mut patterns, mut any_case) = (false, false);
        let yes = |value: &str| matches!(value, "" | "1" | "true");
        for (name, value) in pairs {
            match name {
                "re" => patterns = yes(&value),
                "i" => any_case = yes(&value),
                "c" => filter.context = value.parse().unwrap_or(0).min(MAX_CONTEXT),
                _ if value.trim().is_empty() => {}
                "f" => filter.include.push(value),
                "x" => filter.exclude.push(value),
                "lv" => filter.level = level(&value),
                "from" if !is_place(&value) => filter.since = Some(value),
                // A log that is followed has no younger end.
                "to" if value != "now" => filter.until = Some(value),
                _ => {}
            }
        }
        for text in filter.include.iter_mut().chain(&mut filter.exclude) {
            if patterns {
                let flag = if any_case { "i" } else { "" };
                *text = ["/", &text.replace('/', "\\/"), "/", flag].concat();
            } else if any_case {
                *text = text.to_lowercase();
            }
        }
        filter
    }

    /// What an address is to say of it: names and values, to be encoded.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.include.iter().map(|text| ("f", text.clone())));
        pairs.extend(self.exclude.iter().map(|text| ("x", text.clone())));
        pairs.extend(self.level.map(|level| ("lv", level.name().to_owned())));
        pairs.extend(self.since.iter().map(|text| ("from", text.clone())));
        pairs.extend(self.until.iter().map(|text| ("to", text.clone())));
        if self.context > 0 && !self.is_empty() {
            pairs.push(("c", self.context.to_string()));
        }
        pairs
    }
}

/// The names by which an address speaks of a filter.
pub const NAMES: [&str; 8] = ["f", "x", "lv", "from", "to", "c", "re", "i"];

/// Whether `text`, behind `from`, is a place rather than a time.
pub fn is_place(text: &str) -> bool {
    // Times such as `10:30` could be positions of a generation that nobody has ever had.
    let place = |text: &str| text.parse::<Position>().is_ok() || text.parse::<Bookmark>().is_ok();
    When::parse(text).is_none() && text.split(',').all(place)
}

fn read(text: &str, part: Chip) -> Result<Expr, FilterError> {
    Query::parse(text).map(|query| query.expr).map_err(|error| FilterError { part, error })
}

fn time(text: &str, part: Chip) -> Result<When, FilterError> {
    When::parse(text.trim()).ok_or_else(|| {
        let at = Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) };
        let error = QueryError { at, problem: Problem::NotATime(text.to_owned()) };
        FilterError { part, error }
    })
}

/// The level of that name.
fn level(name: &str) -> Option<Level> {
    level_of(name).filter(|level| *level != Level::None)
}

fn terms(expr: &Expr) -> usize {
    match expr {
        Expr::And(all) | Expr::Or(all) => all.iter().map(terms).sum(),
        Expr::Not(inner) => terms(inner),
        Expr::Term(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(address: &str) -> Filter {
        let pairs = address.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Filter::of_address(pairs.map(|(name, value)| (name, value.to_owned())))
    }

    fn query(address: &str) -> String {
        of(address).query().expect("sound").to_string()
    }

    #[test]
    fn parts_are_put_together_without_touching_one_another() {
        for (address, expected) in [
            ("f=timeout", "timeout"),
            ("f=a OR b&f=c&x=d e", "(a OR b) c -(d e)"),
            ("x=healthz&lv=warn", "-healthz level>=warn"),
            ("f=5xx&from=-15m&to=now&n=5&q=z&follow=1", "5xx since:-15m"),
            ("to=10:30", "until:10:30"),
            ("re=1&i=1&f=a/b|c", "/a\\/b|c/i"),
            ("i=1&f=Timeout", "timeout"),
            ("", ""),
            ("f=&x= &lv=grave&from=9f3a01c2:77", ""),
        ] {
            assert_eq!(query(address), expected, "{address}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_its_part() {
        for (address, part, start) in [
            ("f=fine&f=a (b", Chip::Include(1), 2),
            ("x=)", Chip::Exclude(0), 0),
            ("from=soon", Chip::Since, 0),
            ("to=later", Chip::Until, 0),
        ] {
            let error = of(address).query().expect_err(address);
            assert_eq!((error.part, error.error.at.start), (part, start), "{address}");
        }
        let many = vec!["f=a"; MAX_PARTS + 1].join("&");
        assert_eq!(of(&many).query().expect_err("too many").part, Chip::Whole);
        let long = ["f=", &vec!["a"; 40].join(" "), "&x=", &vec!["b"; 40].join(" ")].concat();
        assert_eq!(of(&long).query().expect_err("too many").part, Chip::Whole);
    }

    #[test]
    fn a_place_is_no_time() {
        for text in ["9f3a01c2:18842711", "9f3a01c2:7:00000000000000ff", "9f3a:1,9f3b:2"] {
            assert!(is_place(text), "{text}");
        }
        for text in ["-15m", "10:30", "12:30:45", "2026-11-21T10:30", "soon", ""] {
            assert!(!is_place(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_says_the_same_filter(
            include in prop::collection::vec("[a-z/()\"]{1,5}", 0..4),
            exclude in prop::collection::vec("[a-z ]{0,4}[a-z]", 0..4),
            level in prop::option::of(prop::sample::select(vec![Level::Trace, Level::Info, Level::Fatal])),
            since in prop::option::of(Just("-15m".to_owned())),
            context in 0_u16..60,
        ) {
            let filter = Filter { include, exclude, level, since, until: None, context: context.min(MAX_CONTEXT) };
            let again = Filter::of_address(filter.pairs());
            let expected = if filter.is_empty() { Filter::default() } else { filter };
            prop_assert_eq!(again, expected);
        }
    }
}
