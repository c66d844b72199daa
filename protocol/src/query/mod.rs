//! What a reader asks of the lines of a log: one language for finding and for filtering.
//!
//! [`Query::parse`] makes a small tree of a text; `docs/QUERY.md` is its description for readers.
//! Printing a query gives a text of the same meaning. What goes over the wire is the text: both
//! sides parse it, and the page can point at a mistake without asking the server.
//!
//! Knows no lines, no clock and no regular expressions. A pattern between slashes is carried as it
//! was written; whether it is one, the engine says.

mod error;
mod number;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod when;

use std::fmt;

pub use error::{Problem, QueryError};
pub use number::{Number, Unit};
pub use when::{Date, Now, TimeOfDay, When, Zone};

use crate::row::Level;

pub(crate) use parse::{level_name, level_of};

/// Bytes of a query: far more than anybody types, little enough to parse at every keystroke.
pub const MAX_BYTES: usize = 4096;

/// Bytes of a pattern. What a pattern of this length can cost is bounded by the engine.
pub const MAX_PATTERN: usize = 1024;

/// How deep parentheses and exclusions nest: the parser is recursive.
pub const MAX_DEPTH: usize = 32;

/// Terms of a query: each may be looked for in every line.
pub const MAX_TERMS: usize = 64;

/// A query that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What a line must be like.
    pub expr: Expr,
}

/// What a line must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All of these, of which none is an `And`. Without any: every line.
    And(Vec<Expr>),
    /// One of these at least, which are two or more, and none is an `Or`.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// This.
    Term(Term),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The line holds this text.
    Text(Text),
    /// The line holds a match of this pattern.
    Pattern(Pattern),
    /// The line's level stands so to this one.
    Level(Order, Level),
    /// The line has this field, and its value is so.
    Field(String, Test),
    /// The line is not older.
    Since(When),
    /// The line is not younger.
    Until(When),
}

/// What the value of a field must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Anything.
    Any,
    /// This, all of it.
    Is(Text),
    /// Not this.
    IsNot(Text),
    /// This, in which each `*` stands for any text, also none.
    Like(Text),
    /// A number that stands so to this one.
    Compare(Order, Number),
    /// It holds a match of this pattern.
    Matches(Pattern),
}

/// A text to find. One without capitals is found whatever the case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text(pub String);

/// A regular expression, not yet read as one.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As it stood between the slashes, but `\/` is `/`.
    pub source: String,
    /// Whether case matters: it does unless `i` says otherwise.
    pub case: Case,
    /// What may stand beside a match: with `w`, no part of a word.
    pub beside: Beside,
    /// Where its source stands in the query.
    pub at: Span,
}

/// Whether case matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// It does.
    Matters,
    /// It does not.
    Ignored,
}

/// What may stand beside a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Beside {
    /// Anything.
    Anything,
    /// No letter, digit or underscore.
    NoWord,
}

/// How one thing stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `!=`
    Differs,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

/// Bytes of a query's text, at the borders of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Bytes before it.
    pub start: u32,
    /// Bytes before its end.
    pub end: u32,
}

impl Query {
    /// Reads `text`. No text, or nothing but spaces, asks for every line.
    ///
    /// # Errors
    ///
    /// What is wrong, where, and what would be right.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text)
    }

    /// Whether it asks for every line.
    pub fn is_empty(&self) -> bool {
        matches!(&self.expr, Expr::And(all) if all.is_empty())
    }
}

impl Expr {
    /// All of `all`.
    pub fn and(all: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(all.len());
        for expr in all {
            match expr {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::And(flat) }
    }

    /// One of `any`, which must not be empty.
    pub fn or(any: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(any.len());
        for expr in any {
            match expr {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Or(flat) }
    }
}

impl Text {
    /// Whether case matters: it does for a text with a capital.
    pub fn case(&self) -> Case {
        if self.0.chars().any(char::is_uppercase) { Case::Matters } else { Case::Ignored }
    }
}

/// Where it stood does not make it another pattern.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        let said = |p: &Self| (p.case, p.beside);
        self.source == other.source && said(self) == said(other)
    }
}

impl Eq for Pattern {}

impl Order {
    /// Whether something that compares so to another stands to it as this says.
    pub fn holds(self, found: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::AtMost => found.is_le(),
            Self::Equal => found.is_eq(),
            Self::Differs => found.is_ne(),
            Self::AtLeast => found.is_ge(),
            Self::More => found.is_gt(),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::expr(f, &self.expr)
    }
}
