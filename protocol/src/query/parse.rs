//! From a text to a query, by recursive descent.
//!
//! Takes for text what is more often pasted than meant: paths, addresses, times, `a::b`, `--flag`
//! are words. What must have been meant as an operator and is none is an error, never a word.

use super::{
    Beside, Case, Expr, MAX_BYTES, MAX_DEPTH, MAX_PATTERN, MAX_TERMS, Number, Order, Pattern,
    Problem, Query, QueryError, Span, Term, Test, Text, When, error::Side,
};
use crate::row::Level;

pub(super) const KEYWORDS: [&str; 3] = ["OR", "AND", "NOT"];

type Result<T> = std::result::Result<T, QueryError>;

pub(super) fn parse(text: &str) -> Result<Query> {
    let mut parser = Parser { text, at: 0, groups: Vec::new(), terms: 0 };
    if text.len() > MAX_BYTES {
        return Err(parser.error(text.len(), Problem::TooLong));
    }
    parser.space();
    if parser.rest().is_empty() {
        return Ok(Query { expr: Expr::And(Vec::new()) });
    }
    let expr = parser.any(0)?;
    Ok(Query { expr })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the groups begin that are open.
    groups: Vec<usize>,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    /// A problem from where the parser stands up to `end`.
    fn error(&self, end: usize, problem: Problem) -> QueryError {
        error(self.at, end, problem)
    }

    /// Whether `word` stands here alone.
    fn sees(&self, word: &str) -> bool {
        let behind = self.rest().strip_prefix(word).map(|rest| rest.chars().next());
        behind.is_some_and(|next| {
            next.is_none_or(|char| char.is_whitespace() || matches!(char, '(' | ')'))
        })
    }

    fn sees_end(&self) -> bool {
        matches!(self.next(), None | Some(')'))
    }

    /// `a OR b`.
    fn any(&mut self, depth: usize) -> Result<Expr> {
        let mut any = Vec::new();
        loop {
            any.push(self.all(depth)?);
            if !self.sees("OR") {
                return Ok(Expr::or(any));
            }
            let at = self.at;
            self.at += 2;
            self.space();
            if self.sees_end() || self.sees("OR") || self.sees("AND") {
                return Err(error(at, at + 2, Problem::Alone("OR", Side::After)));
            }
        }
    }

    /// `a b`.
    fn all(&mut self, depth: usize) -> Result<Expr> {
        let mut all = Vec::new();
        loop {
            self.space();
            if self.sees("OR") || self.sees_end() {
                break;
            }
            if self.sees("AND") {
                let at = self.at;
                let side = if all.is_empty() { Side::Before } else { Side::After };
                self.at += 3;
                self.space();
                if all.is_empty() || self.sees_end() || self.sees("OR") || self.sees("AND") {
                    return Err(error(at, at + 3, Problem::Alone("AND", side)));
                }
            }
            all.push(self.one(depth)?);
        }
        if self.next() == Some(')') && self.groups.is_empty() {
            return Err(self.error(self.at + 1, Problem::Stray));
        }
        if all.is_empty() && self.sees("OR") {
            return Err(self.error(self.at + 2, Problem::Alone("OR", Side::Before)));
        }
        Ok(Expr::and(all))
    }

    /// A term, a group, or either excluded.
    fn one(&mut self, depth: usize) -> Result<Expr> {
        let start = self.at;
        if depth >= MAX_DEPTH {
            return Err(
                self.error(self.at + self.next().map_or(0, char::len_utf8), Problem::TooDeep)
            );
        }
        if self.sees("NOT") {
            self.at += 3;
            self.space();
            if self.sees_end() || self.sees("OR") || self.sees("AND") {
                return Err(error(start, start + 3, Problem::Alone("NOT", Side::After)));
            }
            return Ok(Expr::Not(Box::new(self.one(depth + 1)?)));
        }
        if let Some(rest) = self.rest().strip_prefix('-')
            && rest
                .starts_with(|char: char| !char.is_whitespace() && !matches!(char, '-' | '>' | ')'))
        {
            self.at += 1;
            return Ok(Expr::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.next() == Some('(') {
            return self.group(depth);
        }
        self.terms += 1;
        let term = self.term()?;
        if self.terms > MAX_TERMS {
            return Err(error(start, self.at, Problem::TooMany));
        }
        Ok(Expr::Term(term))
    }

    fn group(&mut self, depth: usize) -> Result<Expr> {
        let start = self.at;
        self.groups.push(start);
        self.at += 1;
        self.space();
        if self.next() == Some(')') {
            return Err(error(start, self.at + 1, Problem::Hollow));
        }
        if self.next().is_none() {
            return Err(error(start, start + 1, Problem::Unclosed));
        }
        let inner = self.any(depth + 1)?;
        if !self.take(")") {
            return Err(error(start, start + 1, Problem::Unclosed));
        }
        self.groups.pop();
        Ok(inner)
    }

    fn term(&mut self) -> Result<Term> {
        let start = self.at;
        match self.next() {
            Some('"') => {
                let text = self.phrase()?;
                if let Some(test) = self.test(&text, start)? {
                    return Ok(Term::Field(text, test));
                }
                if text.is_empty() {
                    return Err(error(start, self.at, Problem::EmptyPhrase));
                }
                Ok(Term::Text(Text(text)))
            }
            Some('/') => match self.pattern()? {
                Some(pattern) => Ok(Term::Pattern(pattern)),
                None => Ok(Term::Text(Text(self.run().to_owned()))),
            },
            _ => self.named(),
        }
    }

    /// A field, a level, a time, or a word.
    fn named(&mut self) -> Result<Term> {
        let start = self.at;
        let name = name(self.rest()).to_owned();
        self.at += name.len();
        let found = match name.as_str() {
            "" => None,
            "level" => self.level(start)?,
            "since" => self.when("since", start)?.map(Term::Since),
            "until" => self.when("until", start)?.map(Term::Until),
            _ => self.test(&name, start)?.map(|test| Term::Field(name, test)),
        };
        match found {
            Some(term) => Ok(term),
            None => {
                self.at = start;
                Ok(Term::Text(Text(self.run().to_owned())))
            }
        }
    }

    /// An operator that stands here directly behind a name.
    fn operator(&mut self) -> Option<(&'static str, Order)> {
        const ALL: [(&str, Order); 7] = [
            (">=", Order::AtLeast),
            ("<=", Order::AtMost),
            ("!=", Order::Differs),
            (">", Order::More),
            ("<", Order::Less),
            ("=", Order::Equal),
            (":", Order::Equal),
        ];
        let rest = self.rest();
        // `a::b`, `http://`, `a==b`, `a=>b`, `a>>b` are words.
        let words = ["::", "://", "==", "=>", "=~", ">>", "<<", "<>", ">=>", ":="];
        if words.iter().any(|word| rest.starts_with(word)) {
            return None;
        }
        let found = ALL.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
        self.at += found.0.len();
        Some(found)
    }

    /// What is said of a field whose name was read from `start` on. `None`: it was no field.
    fn test(&mut self, name: &str, start: usize) -> Result<Option<Test>> {
        let from = self.at;
        if self.rest().starts_with("~/") {
            self.at += 1;
            return match self.pattern()? {
                Some(pattern) => Ok(Some(Test::Matches(pattern))),
                None => {
                    let at = self.at;
                    let end = at + self.run().len();
                    Err(error(at, end, Problem::OpenPattern))
                }
            };
        }
        let Some((sign, order)) = self.operator() else { return Ok(None) };
        let at = self.at;
        if matches!(sign, ":" | "=" | "!=") && self.next() == Some('"') {
            let text = Text(self.phrase()?);
            return Ok(Some(if sign == "!=" { Test::IsNot(text) } else { Test::Is(text) }));
        }
        if matches!(sign, ":" | "=" | "!=") && self.next() == Some('(') {
            return Err(error(at, at + 1, Problem::ValueInParentheses));
        }
        let value = self.run();
        let number = Number::parse(value);
        Ok(Some(match (sign, number) {
            // `error:`, `x=`, `Vec<`: text that ends so.
            (_, _) if value.is_empty() && !name.is_empty() => {
                self.at = from;
                if self.text.get(start..from).is_some_and(|name| name.starts_with('"')) {
                    let said = self.text.get(start..at).unwrap_or_default().to_owned();
                    return Err(error(start, at, Problem::NoValue(said, "5")));
                }
                return Ok(None);
            }
            (":", _) if value == "*" => Test::Any,
            (":", _) if value.contains('*') => {
                if value.contains(['(', ')']) {
                    return Err(error(at, self.at, Problem::StarInParentheses));
                }
                Test::Like(Text(value.to_owned()))
            }
            (":", _) | ("=", None) => Test::Is(Text(value.to_owned())),
            ("!=", None) => Test::IsNot(Text(value.to_owned())),
            (_, Some(number)) => Test::Compare(order, number),
            (_, None) => {
                return Err(error(at, self.at, Problem::NotANumber(value.to_owned(), sign)));
            }
        }))
    }

    /// What is said of the level. `None`: `level` was a word.
    fn level(&mut self, start: usize) -> Result<Option<Term>> {
        if self.rest().starts_with("~/") {
            return Err(error(start, self.at + 1, Problem::LevelPattern));
        }
        let Some((sign, order)) = self.operator() else { return Ok(None) };
        let at = self.at;
        let value = self.value()?;
        if value.is_empty() {
            let said = format!("level{sign}");
            return Err(error(start, at, Problem::NoValue(said, "error")));
        }
        if value == "*" && order == Order::Equal {
            return Ok(Some(Term::Level(Order::More, Level::None)));
        }
        match level_of(&value) {
            Some(level) => Ok(Some(Term::Level(order, level))),
            None => Err(error(at, self.at, Problem::NotALevel(value))),
        }
    }

    /// The time behind `since` or `until`. `None`: it was a word.
    fn when(&mut self, name: &'static str, start: usize) -> Result<Option<When>> {
        let Some((sign, _)) = self.operator() else { return Ok(None) };
        if sign != ":" {
            return Err(error(start, self.at, Problem::TimeTakesColon(name)));
        }
        let at = self.at;
        let value = self.value()?;
        if value.is_empty() {
            return Err(error(start, at, Problem::NoValue(format!("{name}:"), "-15m")));
        }
        match When::parse(&value) {
            Some(when) => Ok(Some(when)),
            None => Err(error(at, self.at, Problem::NotATime(value))),
        }
    }

    /// A value, in quotes or not.
    fn value(&mut self) -> Result<String> {
        if self.next() == Some('"') { self.phrase() } else { Ok(self.run().to_owned()) }
    }

    /// Characters up to a space, or to the parenthesis that closes a group.
    fn run(&mut self) -> &'a str {
        let rest = self.rest();
        let mut open = 0_usize;
        let end = rest.find(|char: char| match char {
            '(' => {
                open += 1;
                false
            }
            ')' if open > 0 => {
                open -= 1;
                false
            }
            ')' => true,
            other => other.is_whitespace(),
        });
        let (run, _) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, ""));
        self.at += run.len();
        run
    }

    /// What stands between quotes.
    fn phrase(&mut self) -> Result<String> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push(char),
                },
                other => text.push(other),
            }
        }
        Err(error(start, start + 1, Problem::OpenQuote))
    }

    /// What stands between slashes, and its flags. `None`: it is a path.
    fn pattern(&mut self) -> Result<Option<Pattern>> {
        let start = self.at;
        let path = |run: &str| {
            run.chars().all(|char| char.is_alphanumeric() || "/_-.~%+@,=:#&?".contains(char))
        };
        let mut source = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        let close = loop {
            match chars.next() {
                None => break None,
                Some((at, '/')) => break Some(start + at),
                Some((_, '\\')) => match chars.next() {
                    Some((_, '/')) => source.push('/'),
                    Some((_, escaped)) => source.extend(['\\', escaped]),
                    None => source.push('\\'),
                },
                Some((_, char)) => source.push(char),
            }
        };
        let as_path = {
            let run = self.run();
            self.at = start;
            path(run)
        };
        let Some(close) = close else {
            return if as_path {
                Ok(None)
            } else {
                Err(error(start, start + 1, Problem::OpenPattern))
            };
        };
        self.at = close + 1;
        let flags = self.run();
        let (mut case, mut beside) = (Case::Matters, Beside::Anything);
        for flag in flags.chars() {
            match flag {
                'i' => case = Case::Ignored,
                'w' => beside = Beside::NoWord,
                _ if as_path => {
                    self.at = start;
                    return Ok(None);
                }
                _ => return Err(error(close + 1, self.at, Problem::Flags(flags.to_owned()))),
            }
        }
        if source.is_empty() {
            return Err(error(start, close + 1, Problem::EmptyPattern));
        }
        if source.len() > MAX_PATTERN {
            return Err(error(start, close + 1, Problem::PatternTooLong));
        }
        let at = span(start + 1, close);
        Ok(Some(Pattern { source, case, beside, at }))
    }
}

fn span(start: usize, end: usize) -> Span {
    let fit = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: fit(start), end: fit(end) }
}

fn error(start: usize, end: usize, problem: Problem) -> QueryError {
    QueryError { at: span(start, end), problem }
}

/// The name of a field that `text` begins with, or nothing.
fn name(text: &str) -> &str {
    let first = |char: char| char.is_alphabetic() || matches!(char, '_' | '@' | '$');
    let later = |char: char| first(char) || char.is_numeric() || matches!(char, '.' | '-');
    if !text.starts_with(first) {
        return "";
    }
    let end = text.find(|char| !later(char)).unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    if name.ends_with(['-', '.']) { "" } else { name }
}

/// Whether `text` can stand before an operator as it is, and means a field there.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && name(text) == text && !matches!(text, "level" | "since" | "until")
}

pub(crate) fn level_of(name: &str) -> Option<Level> {
    Some(match name.to_ascii_lowercase().as_str() {
        "none" => Level::None,
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" | "notice" => Level::Info,
        "warn" | "warning" => Level::Warn,
        "error" | "err" => Level::Error,
        "fatal" | "critical" | "crit" | "alert" | "emerg" | "panic" => Level::Fatal,
        _ => return None,
    })
}

pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
        Level::Fatal => "fatal",
    }
}
