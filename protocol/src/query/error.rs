//! What can be wrong with a query, said so that the reader can mend it.

use super::{MAX_BYTES, MAX_DEPTH, MAX_PATTERN, MAX_TERMS, Span};

/// A query that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct QueryError {
    /// Where.
    pub at: Span,
    /// What.
    pub problem: Problem,
}

/// What is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More than [`MAX_BYTES`].
    #[error("the query is too long; {MAX_BYTES} bytes are the most")]
    TooLong,
    /// More than [`MAX_DEPTH`].
    #[error("this is nested too deeply; {MAX_DEPTH} levels are the most")]
    TooDeep,
    /// More than [`MAX_TERMS`].
    #[error("these are too many terms; {MAX_TERMS} are the most, and a pattern `/a|b|c/` is one")]
    TooMany,
    /// A pattern of more than [`MAX_PATTERN`].
    #[error("the pattern is too long; {MAX_PATTERN} bytes are the most")]
    PatternTooLong,
    /// An operator with nothing on one side.
    #[error("`{0}` needs a term {side}; to find the word itself write `\"{0}\"`", side = .1.name())]
    Alone(&'static str, Side),
    /// A parenthesis that is not closed.
    #[error("this `(` is not closed; add `)`, or write `\"(\"` to find it")]
    Unclosed,
    /// A parenthesis that closes none.
    #[error("this `)` closes nothing; take it away, or write `\")\"` to find it")]
    Stray,
    /// Parentheses around nothing.
    #[error("there is nothing between `(` and `)`; write a term, or `\"()\"` to find them")]
    Hollow,
    /// A quote that is not closed.
    #[error("this `\"` is not closed; add `\"`, and write `\\\"` for one within")]
    OpenQuote,
    /// A phrase of no characters.
    #[error("there is nothing between the quotes; write what is to be found")]
    EmptyPhrase,
    /// A pattern that is not closed.
    #[error("this `/` is not closed; add `/`, and write `\\/` for one within the pattern")]
    OpenPattern,
    /// A pattern of no characters.
    #[error("there is nothing between the slashes; write a pattern, or `\"//\"` to find them")]
    EmptyPattern,
    /// What follows a pattern and is no flag.
    #[error(
        "`{0}` are no flags of a pattern; `i` ignores case and `w` takes whole words; \
         to find a path write it in quotes"
    )]
    Flags(String),
    /// An operator behind a field without a value.
    #[error("`{0}` needs a value, such as `{0}{1}`")]
    NoValue(String, &'static str),
    /// A parenthesis where a value is expected.
    #[error("a value cannot begin with `(`; write `(a:x OR a:y)`, or the value in quotes")]
    ValueInParentheses,
    /// A star and a parenthesis in one value.
    #[error(
        "beside `(` or `)` a `*` is not any text; write the value in quotes, or a pattern such as \
         `name~/a.*b/`"
    )]
    StarInParentheses,
    /// Something compared that is no number.
    #[error(
        "`{0}` is no number, and `{1}` compares numbers; write one such as `500`, `1.5s` or \
         `20ms`, or all of it in quotes to find it as text"
    )]
    NotANumber(String, &'static str),
    /// A level that is none.
    #[error(
        "`{0}` is no level; write `trace`, `debug`, `info`, `warn`, `error`, `fatal`, or `none`"
    )]
    NotALevel(String),
    /// A pattern for a level.
    #[error("a level has an order and no text; write `level:error` or `level>=warn`")]
    LevelPattern,
    /// A time that is none.
    #[error(
        "`{0}` is no time; write one such as `-15m`, `2026-11-21`, `2026-11-21T10:30:00Z` or \
         `10:30`"
    )]
    NotATime(String),
    /// `since` or `until` with something else than a colon.
    #[error("`{0}` takes a colon; write `{0}:-15m`")]
    TimeTakesColon(&'static str),
    /// A regular expression that the engine refused, and why.
    #[error("{0}")]
    Pattern(String),
}

/// On which side of an operator something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it.
    Before,
    /// After it.
    After,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Before => "before it",
            Self::After => "after it",
        }
    }
}
