//! Whether one line is as a query says.

use std::ops::Range;

use tailwater_protocol::Level;
use tailwater_protocol::query::{Case, Number, Order, Text};

use super::automaton::{Automaton, Memory};
use super::facts::Facts;
use super::pace::{Pace, Stopped};
use super::{Finder, Matcher};

/// What a line must be like. Of several conditions the cheap ones stand first.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// The finder of that number finds something.
    Found(usize),
    Level(Order, Level),
    Field(String, Value),
    /// The line is of that time.
    During(Range<i64>),
}

/// What a value must be like.
#[derive(Debug)]
pub(super) enum Value {
    Any,
    Is(Text),
    IsNot(Text),
    Compare(Order, Number),
    /// The finder of that number finds something in it.
    Found(usize),
}

/// What is known of the line, and what may be spent on it.
pub(super) struct Asked<'a, 'p> {
    /// As it is seen.
    pub(super) line: &'a [u8],
    pub(super) facts: &'a dyn Facts,
    pub(super) memories: &'a mut [Memory],
    /// What the finders said, if the line was looked at in pieces.
    pub(super) found: Option<&'a [bool]>,
    /// The time of the line or of one before it.
    pub(super) time: &'a mut dyn FnMut() -> Option<i64>,
    pub(super) pace: &'a mut Pace<'p>,
}

impl Condition {
    /// How dear it is to ask, roughly.
    pub(super) fn cost(&self, finders: &[Finder]) -> u32 {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().map(|of| of.cost(finders)).sum(),
            Self::Not(inner) => inner.cost(finders),
            Self::Found(at) => match finders.get(*at) {
                Some(Finder::Bytes(_)) | None => 1,
                Some(Finder::Automaton(_)) => 5,
            },
            Self::Level(..) => 4,
            Self::During(_) => 8,
            Self::Field(..) => 20,
        }
    }

    pub(super) fn holds(
        &self,
        matcher: &Matcher,
        asked: &mut Asked<'_, '_>,
    ) -> Result<bool, Stopped> {
        Ok(match self {
            Self::All(all) => {
                for of in all {
                    if !of.holds(matcher, asked)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(any) => {
                for of in any {
                    if of.holds(matcher, asked)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(inner) => !inner.holds(matcher, asked)?,
            Self::Found(at) => match asked.found {
                Some(found) => found.get(*at).is_some_and(|&found| found),
                None => matcher.find(*at, asked.line, asked.memories, asked.pace)?,
            },
            Self::Level(order, level) => stands(*order, asked.facts.level(asked.line), *level),
            Self::During(range) => (asked.time)().is_some_and(|time| range.contains(&time)),
            Self::Field(name, value) => {
                let Some(found) = asked.facts.field(asked.line, name) else { return Ok(false) };
                value.is_met(matcher, &found, asked.memories, asked.pace)?
            }
        })
    }
}

/// A line that says no level stands in no order to any; it only differs.
fn stands(order: Order, found: Level, to: Level) -> bool {
    let ordered = found != Level::None && to != Level::None;
    match order {
        Order::Equal | Order::Differs => order.holds(found.cmp(&to)),
        // `level>none` asks for any.
        Order::More if to == Level::None => found != Level::None,
        _ => ordered && order.holds(found.cmp(&to)),
    }
}

impl Value {
    fn is_met(
        &self,
        matcher: &Matcher,
        found: &[u8],
        memories: &mut [Memory],
        pace: &mut Pace<'_>,
    ) -> Result<bool, Stopped> {
        Ok(match self {
            Self::Any => true,
            Self::Is(text) => is(found, text),
            Self::IsNot(text) => !is(found, text),
            Self::Compare(order, to) => {
                let number = std::str::from_utf8(found).ok().map(str::trim).and_then(Number::parse);
                match number {
                    Some(number) => order.holds(number.compare(to)),
                    None => *order == Order::Differs,
                }
            }
            Self::Found(at) => matcher.find(*at, found, memories, pace)?,
        })
    }
}

fn is(found: &[u8], text: &Text) -> bool {
    match text.case() {
        Case::Matters => found == text.0.as_bytes(),
        Case::Ignored if text.0.is_ascii() => found.eq_ignore_ascii_case(text.0.as_bytes()),
        Case::Ignored => {
            let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
            std::str::from_utf8(found).is_ok_and(|found| lower(found) == lower(&text.0))
        }
    }
}

impl Matcher {
    /// Whether the finder of that number finds something in `line`.
    fn find(
        &self,
        at: usize,
        line: &[u8],
        memories: &mut [Memory],
        pace: &mut Pace<'_>,
    ) -> Result<bool, Stopped> {
        match (self.finders.get(at), memories.get_mut(at)) {
            (Some(Finder::Bytes(finder)), _) => Ok(finder.find(line).is_some()),
            (Some(Finder::Automaton(automaton)), Some(memory)) => {
                Automaton::matches(automaton, memory, line, pace)
            }
            _ => Ok(false),
        }
    }
}
