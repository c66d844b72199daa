//! A query as a text that reads as the same query.

use std::fmt::{self, Formatter, Write};

use super::parse::{KEYWORDS, is_name, level_name};
use super::{Beside, Case, Expr, Order, Pattern, Term, Test};

pub(super) fn expr(f: &mut Formatter<'_>, of: &Expr) -> fmt::Result {
    match of {
        Expr::And(all) => joined(f, all, " "),
        Expr::Or(any) => joined(f, any, " OR "),
        Expr::Not(inner) => {
            f.write_char('-')?;
            within(f, inner)
        }
        Expr::Term(of) => term(f, of),
    }
}

fn joined(f: &mut Formatter<'_>, items: &[Expr], between: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        match item {
            Expr::Not(_) => expr(f, item)?,
            _ => within(f, item)?,
        }
    }
    Ok(())
}

/// In parentheses, unless it is a term.
fn within(f: &mut Formatter<'_>, of: &Expr) -> fmt::Result {
    if let Expr::Term(of) = of {
        return term(f, of);
    }
    f.write_char('(')?;
    expr(f, of)?;
    f.write_char(')')
}

fn term(f: &mut Formatter<'_>, of: &Term) -> fmt::Result {
    match of {
        Term::Text(text) => word(f, &text.0),
        Term::Pattern(of) => pattern(f, of),
        Term::Level(order, level) => write!(f, "level{}{}", sign(*order), level_name(*level)),
        Term::Field(name, test) => field(f, name, test),
        Term::Since(when) => write!(f, "since:{when}"),
        Term::Until(when) => write!(f, "until:{when}"),
    }
}

fn field(f: &mut Formatter<'_>, name: &str, test: &Test) -> fmt::Result {
    if is_name(name) {
        f.write_str(name)?
    } else {
        quoted(f, name)?
    }
    match test {
        Test::Any => f.write_str(":*"),
        Test::Is(text) => {
            f.write_char(':')?;
            word(f, &text.0)
        }
        Test::IsNot(text) => {
            f.write_str("!=")?;
            // Bare it could be a number, and would be compared as one.
            quoted(f, &text.0)
        }
        Test::Like(text) => write!(f, ":{}", text.0),
        Test::Compare(order, number) => {
            f.write_str(if *order == Order::Equal { "=" } else { sign(*order) })?;
            write!(f, "{number}")
        }
        Test::Matches(of) => {
            f.write_char('~')?;
            pattern(f, of)
        }
    }
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Less => "<",
        Order::AtMost => "<=",
        Order::Equal => ":",
        Order::Differs => "!=",
        Order::AtLeast => ">=",
        Order::More => ">",
    }
}

/// Bare if nothing in it could be read as anything else.
fn word(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.' | '-' | '@');
    let begins = text.starts_with(|char: char| char.is_alphanumeric() || char == '_');
    let ends = text.ends_with(|char: char| char.is_alphanumeric() || char == '_');
    if begins && ends && text.chars().all(plain) && !KEYWORDS.contains(&text) {
        return f.write_str(text);
    }
    quoted(f, text)
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(char)?;
    }
    f.write_char('"')
}

fn pattern(f: &mut Formatter<'_>, of: &Pattern) -> fmt::Result {
    f.write_char('/')?;
    let mut chars = of.source.chars();
    while let Some(char) = chars.next() {
        match char {
            '/' => f.write_str("\\/")?,
            '\\' => {
                f.write_char('\\')?;
                chars.next().map_or(Ok(()), |escaped| f.write_char(escaped))?;
            }
            other => f.write_char(other)?,
        }
    }
    f.write_char('/')?;
    if of.case == Case::Ignored {
        f.write_char('i')?;
    }
    if of.beside == Beside::NoWord {
        f.write_char('w')?;
    }
    Ok(())
}
