//! Looking for a text of which some letters may be of either case.
//!
//! To spell the text out in all its cases and look for those together is half as fast: here three
//! of its bytes, the rarest, are compared at sixty-four places at once, in a loop that the compiler
//! turns into instructions for many bytes, and only where all three agree is the rest. Knows ASCII
//! alone; other letters are spelt out.

use memchr::memchr_iter;
use regex_syntax::hir::literal::rank;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Bytes that tell most places apart from the text.
const PROBES: usize = 3;

/// Places that are looked at together.
const AT_ONCE: usize = 64;

/// The bit in which the cases of a letter differ.
const CASE: u8 = 0x20;

/// A text, some letters of which may be of either case.
#[derive(Debug, Clone)]
pub(super) struct Folded {
    bytes: Vec<Byte>,
    probes: [usize; PROBES],
}

/// A byte of a text: `is`, once the bits of `either` are set.
#[derive(Debug, Clone, Copy)]
struct Byte {
    is: u8,
    either: u8,
}

impl Folded {
    /// All of `hir`, or the rarest stretch of it, and which of the two; if it has letters of either
    /// case and is long enough.
    pub(super) fn of(hir: &Hir) -> Option<(Self, bool)> {
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let mut runs: Vec<Vec<Byte>> = vec![Vec::new()];
        let mut whole = true;
        for part in parts {
            match bytes_of(part) {
                Some(bytes) => runs.last_mut()?.extend(bytes),
                None => {
                    whole = false;
                    runs.push(Vec::new());
                }
            }
        }
        let best = runs.into_iter().max_by(|a, b| bits(a).total_cmp(&bits(b)))?;
        let folds = best.iter().any(|byte| byte.either != 0);
        if !folds || best.len() < PROBES {
            return None;
        }
        let mut order: Vec<usize> = (0..best.len()).collect();
        order.sort_by_key(|&at| best.get(at).map_or(u8::MAX, |byte| rank(byte.is)));
        let probes = *order.first_chunk()?;
        Some((Self { bytes: best, probes }, whole))
    }

    /// How rare it is, in bits.
    pub(super) fn bits(&self) -> f32 {
        bits(&self.bytes)
    }

    /// The first place from `from` on where it stands.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let text = text.get(from..)?;
        // Places at which it may begin, and those of them that are looked at together.
        let places = (text.len() + 1).checked_sub(self.bytes.len())?;
        let wide = places / AT_ONCE * AT_ONCE;
        let [a, b, c] = self.probes;
        let there = |probe: usize| Some(text.get(probe..probe + wide)?.as_chunks().0);
        let should = |probe: usize| self.bytes.get(probe).copied();
        let bytes = [should(a)?, should(b)?, should(c)?];
        let columns = there(a)?.iter().zip(there(b)?).zip(there(c)?);
        for (index, ((a, b), c)) in columns.enumerate() {
            if !agree_somewhere([a, b, c], bytes) {
                continue;
            }
            let agreeing = agreeing([a, b, c], bytes);
            for found in memchr_iter(u8::MAX, &agreeing) {
                let place = index * AT_ONCE + found;
                if self.stands_at(text, place) {
                    return Some(from + place);
                }
            }
        }
        let mut rest = wide..places;
        rest.find(|&place| self.stands_at(text, place)).map(|place| from + place)
    }

    fn stands_at(&self, text: &[u8], place: usize) -> bool {
        let there = text.get(place..).unwrap_or_default();
        there.len() >= self.bytes.len()
            && there.iter().zip(&self.bytes).all(|(&b, byte)| byte.is(b))
    }
}

impl Byte {
    fn is(self, byte: u8) -> bool {
        byte | self.either == self.is
    }
}

/// What stands at a probe's distance from each of the places.
type Column<'a> = &'a [u8; AT_ONCE];

/// Whether at one of the places all three are as they should be.
fn agree_somewhere([a, b, c]: [Column<'_>; PROBES], [x, y, z]: [Byte; PROBES]) -> bool {
    let mut any = 0;
    for ((&a, &b), &c) in a.iter().zip(b).zip(c) {
        any |= u8::from(x.is(a)) & u8::from(y.is(b)) & u8::from(z.is(c));
    }
    any != 0
}

/// The places at which they are, marked by [`u8::MAX`].
fn agreeing([a, b, c]: [Column<'_>; PROBES], [x, y, z]: [Byte; PROBES]) -> [u8; AT_ONCE] {
    let mut marks = [0; AT_ONCE];
    for (mark, ((&a, &b), &c)) in marks.iter_mut().zip(a.iter().zip(b).zip(c)) {
        *mark = if x.is(a) & y.is(b) & z.is(c) { u8::MAX } else { 0 };
    }
    marks
}

/// The bytes that `hir` stands for, if it is one way to write some, but for the case of letters.
fn bytes_of(hir: &Hir) -> Option<Vec<Byte>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            Some(literal.0.iter().map(|&is| Byte { is, either: 0 }).collect())
        }
        HirKind::Class(class) => either_case(class).map(|is| vec![Byte { is, either: CASE }]),
        _ => None,
    }
}

/// The letter of which a class holds both cases and nothing else, in lower case.
fn either_case(class: &Class) -> Option<u8> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Bytes(of) => of.iter().map(|r| (r.start().into(), r.end().into())).collect(),
        Class::Unicode(of) => of.iter().map(|r| (r.start().into(), r.end().into())).collect(),
    };
    let [(upper, same), (lower, as_well)] = *ranges else { return None };
    if upper != same || lower != as_well {
        return None;
    }
    let (upper, lower) = (u8::try_from(upper).ok()?, u8::try_from(lower).ok()?);
    (upper.is_ascii_uppercase() && lower == upper | CASE).then_some(lower)
}

fn bits(bytes: &[Byte]) -> f32 {
    bytes.iter().map(|byte| super::needle::bits_of(byte.is)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tailwater_protocol::query::Text;

    use super::*;
    use crate::query::pattern::of_text;

    #[test]
    fn what_is_not_all_ascii_letters_is_left_to_others() {
        for text in ["Error", "eé", "12:30", "ab"] {
            assert!(Folded::of(&of_text(&Text(text.to_owned()))).is_none(), "{text}");
        }
        let (_, whole) = Folded::of(&of_text(&Text("a-1".to_owned()))).expect("a letter");
        assert!(whole);
    }

    proptest! {
        #[test]
        fn it_is_found_where_it_first_stands(
            text in "[ab1 ]{3,6}",
            lines in "[abAB1 ]{0,400}",
            from in any::<prop::sample::Index>(),
        ) {
            let Some((folded, _)) = Folded::of(&of_text(&Text(text.clone()))) else { return Ok(()) };
            let from = from.index(lines.len() + 1);
            let rest = lines.get(from..).expect("ASCII").to_ascii_lowercase();
            let expected = rest.find(&text).map(|at| from + at);
            prop_assert_eq!(folded.find(lines.as_bytes(), from), expected);
        }
    }
}
