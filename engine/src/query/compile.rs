//! From a query to what is asked of lines.
//!
//! Beside the condition itself, something is made of it that every matching line must hold: for
//! terms side by side that of the rarest, for terms between `OR` those of all. Excluded terms, and
//! conditions on levels and times, give nothing to look for.

use memchr::memmem;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Repetition};
use tailwater_protocol::query::{
    Case, Expr, Now, Pattern, Problem, Query, QueryError, Span, Term, Test, Text,
};

use super::automaton::{Automaton, Marker};
use super::behind::{BETWEEN, Behind};
use super::condition::{Condition, Value};
use super::folded::Folded;
use super::needle::Needles;
use super::{Certainty, ESCAPE, Finder, Matcher, Sieve, pattern};

/// Bytes of a value that is too short to be looked for alone.
const SHORT: usize = 4;

pub(super) fn compile(query: &Query, now: Now) -> Result<Matcher, QueryError> {
    let mut compiler = Compiler { now, finders: Vec::new(), markers: Vec::new() };
    let made = compiler.expr(&query.expr, true)?;
    let (sieve, unescaped) = match made.must {
        Some(must) => (sieve(&must), must.unescaped),
        None => (Sieve::Open, None),
    };
    let Compiler { finders, markers, .. } = compiler;
    Ok(Matcher { condition: made.condition, finders, sieve, unescaped, markers })
}

/// A condition, and what a line that meets it must hold.
struct Made {
    condition: Condition,
    must: Option<Must>,
}

struct Must {
    /// Matches within every such line.
    hir: Hir,
    /// What a match of that means.
    certainty: Certainty,
    needles: Option<Needles>,
    /// A text of either case, and whether that is all of it.
    folded: Option<(Folded, bool)>,
    /// What can be looked for instead where no line has an escape.
    unescaped: Option<Sieve>,
}

impl Must {
    fn new(hir: &Hir, certainty: Certainty) -> Self {
        let certainty = if pattern::knows_ends(hir) { Certainty::Possible } else { certainty };
        let hir = pattern::for_many_lines(hir);
        Self::of(hir, certainty)
    }

    fn of(hir: Hir, certainty: Certainty) -> Self {
        let needles = Needles::of(&hir);
        let folded = Folded::of(&hir);
        Self { hir, certainty, needles, folded, unescaped: None }
    }

    /// How much it is worth to look for it: needles before an automaton, rare ones first.
    fn worth(&self) -> f32 {
        let folded = self.folded.as_ref().map_or(0.0, |(folded, _)| folded.bits());
        self.needles.as_ref().map_or(0.0, Needles::bits).max(folded)
    }
}

fn sieve(must: &Must) -> Sieve {
    let certain = |all: bool| if all { must.certainty } else { Certainty::Possible };
    if let Some((folded, all)) = &must.folded
        && must.needles.as_ref().is_none_or(|needles| needles.several() || !needles.exact)
        && (*all || folded.bits() >= must.needles.as_ref().map_or(0.0, Needles::bits))
    {
        return Sieve::Folded(folded.clone(), certain(*all));
    }
    if let Some(needles) = &must.needles
        && let Some(finder) = needles.finder()
    {
        return Sieve::Needles(finder, certain(needles.exact));
    }
    match Automaton::new(&must.hir) {
        Ok(automaton) => Sieve::Automaton(Box::new(automaton), must.certainty),
        // Of many terms together: each of them is small enough.
        Err(_) => Sieve::Open,
    }
}

struct Compiler {
    now: Now,
    finders: Vec<Finder>,
    markers: Vec<Marker>,
}

impl Compiler {
    /// `shown`: whether what it finds is to be marked.
    fn expr(&mut self, expr: &Expr, shown: bool) -> Result<Made, QueryError> {
        match expr {
            Expr::And(all) => {
                let made = all.iter().map(|expr| self.expr(expr, shown));
                let made = made.collect::<Result<Vec<_>, _>>()?;
                let single = made.len() == 1;
                let (mut conditions, musts): (Vec<_>, Vec<_>) =
                    made.into_iter().map(|made| (made.condition, made.must)).unzip();
                conditions.sort_by_key(|condition| condition.cost(&self.finders));
                let must =
                    musts.into_iter().flatten().max_by(|a, b| a.worth().total_cmp(&b.worth()));
                let must = must.map(|must| {
                    let certainty = if single { must.certainty } else { Certainty::Possible };
                    Must { certainty, ..must }
                });
                Ok(Made { condition: Condition::All(conditions), must })
            }
            Expr::Or(any) => {
                let made = any.iter().map(|expr| self.expr(expr, shown));
                let made = made.collect::<Result<Vec<_>, _>>()?;
                let (mut conditions, musts): (Vec<_>, Vec<_>) =
                    made.into_iter().map(|made| (made.condition, made.must)).unzip();
                conditions.sort_by_key(|condition| condition.cost(&self.finders));
                let must = musts.into_iter().collect::<Option<Vec<_>>>().map(|musts| {
                    let certain = musts.iter().all(|must| must.certainty == Certainty::Certain);
                    let certainty = if certain { Certainty::Certain } else { Certainty::Possible };
                    let hir = Hir::alternation(musts.into_iter().map(|must| must.hir).collect());
                    Must::of(hir, certainty)
                });
                Ok(Made { condition: Condition::Any(conditions), must })
            }
            Expr::Not(inner) => {
                let inner = self.expr(inner, false)?;
                Ok(Made { condition: Condition::Not(Box::new(inner.condition)), must: None })
            }
            Expr::Term(term) => self.term(term, shown),
        }
    }

    fn term(&mut self, term: &Term, shown: bool) -> Result<Made, QueryError> {
        let bare = |condition| Made { condition, must: None };
        Ok(match term {
            Term::Text(text) => {
                let hir = pattern::of_text(text);
                let at = self.finder(&hir, None)?;
                self.mark(&hir, shown);
                let must = Some(Must::new(&hir, Certainty::Certain));
                Made { condition: Condition::Found(at), must }
            }
            Term::Pattern(of) => {
                let hir = pattern::of_pattern(of)?;
                let at = self.finder(&hir, Some(of))?;
                self.mark(&hir, shown);
                let must = Some(Must::new(&hir, Certainty::Certain));
                Made { condition: Condition::Found(at), must }
            }
            Term::Level(order, level) => bare(Condition::Level(*order, *level)),
            Term::Since(when) => bare(Condition::During(when.span(self.now).start..i64::MAX)),
            Term::Until(when) => bare(Condition::During(i64::MIN..when.span(self.now).end)),
            Term::Field(name, test) => {
                let must = field_must(name, test);
                let value = self.value(test, shown)?;
                Made { condition: Condition::Field(name.clone(), value), must }
            }
        })
    }

    fn value(&mut self, test: &Test, shown: bool) -> Result<Value, QueryError> {
        Ok(match test {
            Test::Any => Value::Any,
            Test::Is(text) => {
                self.mark(&pattern::of_text(text), shown && !text.0.is_empty());
                Value::Is(text.clone())
            }
            Test::IsNot(text) => Value::IsNot(text.clone()),
            Test::Like(text) => Value::Found(self.finder(&pattern::of_glob(text), None)?),
            Test::Compare(order, number) => Value::Compare(*order, *number),
            Test::Matches(of) => {
                let hir = pattern::of_pattern(of)?;
                let at = self.finder(&hir, Some(of))?;
                self.mark(&hir, shown && !pattern::knows_ends(&hir));
                Value::Found(at)
            }
        })
    }

    /// A finder of `hir`, which stands in the query as `of` if it can be too large.
    fn finder(&mut self, hir: &Hir, of: Option<&Pattern>) -> Result<usize, QueryError> {
        let finder = match hir.kind() {
            regex_syntax::hir::HirKind::Literal(literal) => {
                Finder::Bytes(Box::new(memmem::Finder::new(&literal.0).into_owned()))
            }
            _ => match (Automaton::new(hir), of) {
                (Ok(automaton), _) => Finder::Automaton(Box::new(automaton)),
                (Err(_), Some(of)) => {
                    return Err(pattern::refused(
                        of,
                        "this pattern is too large; repeat fewer times, or name fewer characters",
                    ));
                }
                // A text is bounded by the length of a query, far below what is too large.
                (Err(_), None) => {
                    let at = Span { start: 0, end: 0 };
                    return Err(QueryError { at, problem: Problem::TooLong });
                }
            },
        };
        self.finders.push(finder);
        Ok(self.finders.len() - 1)
    }

    fn mark(&mut self, hir: &Hir, shown: bool) {
        if shown && let Ok(marker) = Marker::new(hir) {
            self.markers.push(marker);
        }
    }
}

/// What a line with such a field must hold.
fn field_must(name: &str, test: &Test) -> Option<Must> {
    let by_name = || {
        // Of a path the last name: the others may stand before it, far away.
        let last = name.rsplit('.').next().unwrap_or(name);
        plain_stretch(last).map(|stretch| Hir::literal(stretch.as_bytes()))
    };
    let of_value = |text: &Text| {
        let stretch = plain_stretch(&text.0)?.to_owned();
        // Case is that of the whole text.
        Some(match text.case() {
            Case::Matters => Hir::literal(stretch.into_bytes()),
            Case::Ignored => pattern::of_text(&Text(stretch)),
        })
    };
    let short = match test {
        Test::Is(text) if text.0.len() < SHORT => behind(name, text),
        _ => None,
    };
    let hir = match test {
        // Short values stand everywhere: a name before them makes them rare.
        Test::Is(text) if text.0.len() < SHORT => {
            behind_name(name, text).or_else(|| of_value(text)).or_else(by_name)
        }
        Test::Is(text) => of_value(text).or_else(by_name),
        Test::Like(text) => {
            let parts = text.0.split('*').filter_map(plain_stretch);
            let longest = parts.max_by_key(|part| part.len()).map(|part| part.to_owned());
            let longest = longest.map(|part| match text.case() {
                Case::Matters => Hir::literal(part.into_bytes()),
                Case::Ignored => pattern::of_text(&Text(part)),
            });
            longest.or_else(by_name)
        }
        Test::Any | Test::IsNot(_) | Test::Compare(..) | Test::Matches(_) => by_name(),
    };
    let hir = hir?;
    let unescaped =
        short.map_or_else(|| sieve(&Must::new(&hir, Certainty::Possible)), Sieve::Behind);
    let either = Hir::alternation(vec![hir, Hir::literal(ESCAPE)]);
    Some(Must { unescaped: Some(unescaped), ..Must::new(&either, Certainty::Possible) })
}

/// The same as [`behind_name`], for lines without escapes.
fn behind(name: &str, value: &Text) -> Option<Behind> {
    behind_name(name, value)?;
    let last = name.rsplit('.').next().unwrap_or(name);
    let either_case = value.case() == Case::Ignored;
    (value.0.is_ascii() || !either_case).then(|| Behind::new(last, &value.0, either_case))
}

/// A short value directly behind its name: between them stand quotes, a colon or an equals sign,
/// blanks, and the backslashes of a line within a line.
fn behind_name(name: &str, value: &Text) -> Option<Hir> {
    let last = name.rsplit('.').next().unwrap_or(name);
    // An index of an array is not written.
    let written = plain_stretch(last) == Some(last) && !last.bytes().all(|b| b.is_ascii_digit());
    if !written || plain_stretch(&value.0) != Some(value.0.as_str()) {
        return None;
    }
    let between = ClassBytes::new(BETWEEN.map(|byte| ClassBytesRange::new(byte, byte)));
    let between = Hir::repetition(Repetition {
        min: 1,
        max: None,
        greedy: true,
        sub: Box::new(Hir::class(Class::Bytes(between))),
    });
    Some(Hir::concat(vec![Hir::literal(last.as_bytes()), between, pattern::of_text(value)]))
}

/// The longest stretch of `text` that is written as it is, unless as a number of characters.
fn plain_stretch(text: &str) -> Option<&str> {
    let escaped = |char: char| !char.is_ascii_alphanumeric() && !"_-:=,;+@ ".contains(char);
    text.split(escaped).max_by_key(|stretch| stretch.len()).filter(|stretch| !stretch.is_empty())
}
