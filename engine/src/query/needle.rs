//! The bytes that a line must hold to match: what is looked for first, in many lines at once.
//!
//! Of a pattern the rarest stretch of fixed bytes is taken, wherever in it that stands. How rare a
//! byte is, is known of texts in general; a wrong guess costs time and no match.

use regex_automata::MatchKind;
use regex_automata::util::prefilter::Prefilter;
use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq, rank};
use regex_syntax::hir::{Hir, HirKind};

/// Alternatives of a stretch, at most: so many are looked for at once at the speed of one.
const ALTERNATIVES: usize = 64;

/// Alternatives that one stretch is spelled out in, such as the cases of four letters: with 64 of
/// them, six letters, the search is five times slower.
const SPELLINGS: usize = 16;

/// Bytes of a stretch that are looked for, at most.
const LENGTH: usize = 250;

/// How rare a stretch must be to be worth looking for, in bits.
const RARE: f32 = 5.0;

/// Bits beyond which a stretch is as good as any: each place where it stands is about to match.
const ENOUGH: f32 = 24.0;

/// Bits that one stretch may be less rare than several: it is looked for twice as fast.
const SINGLE: f32 = 8.0;

/// So many bytes are worth looking for however frequent each of them is.
const LONG: usize = 3;

/// Bytes of which one must be there.
#[derive(Debug, Clone)]
pub(super) struct Needles {
    all: Vec<Vec<u8>>,
    /// Whether nothing else need be there.
    pub(super) exact: bool,
    bits: f32,
}

impl Needles {
    /// Those of `hir`, if there are any worth looking for.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        let found = best(hir)?;
        let shortest = found.all.iter().map(Vec::len).min().unwrap_or(0);
        (found.exact || shortest >= LONG || found.bits >= RARE).then_some(found)
    }

    /// How rare they are, in bits.
    pub(super) fn bits(&self) -> f32 {
        self.bits
    }

    /// Whether they are several.
    pub(super) fn several(&self) -> bool {
        self.all.len() > 1
    }

    /// How much it is worth to look for them.
    fn worth(&self) -> f32 {
        self.bits.min(ENOUGH) + if self.several() { 0.0 } else { SINGLE }
    }

    /// What finds them.
    pub(super) fn finder(&self) -> Option<Prefilter> {
        Prefilter::new(MatchKind::LeftmostFirst, &self.all)
    }

    fn from(seq: &Seq) -> Option<Self> {
        let literals = seq.literals()?;
        let all: Vec<Vec<u8>> =
            literals.iter().map(|literal| literal.as_bytes().to_vec()).collect();
        if all.is_empty() || all.len() > ALTERNATIVES || all.iter().any(Vec::is_empty) {
            return None;
        }
        let rarest = all.iter().map(|needle| bits(needle)).fold(f32::MAX, f32::min);
        // Most alternatives are spellings that hardly occur.
        let bits = rarest - (all.len() as f32).log2() / 4.0;
        Some(Self { all, exact: seq.is_exact(), bits })
    }
}

fn best(hir: &Hir) -> Option<Needles> {
    let whole = extracted(hir, SPELLINGS);
    let parts = match hir.kind() {
        // An exact answer is never bettered.
        _ if whole.as_ref().is_some_and(|needles| needles.exact) => None,
        HirKind::Concat(all) => {
            let tails = (0..all.len()).flat_map(|from| {
                let tail = Hir::concat(all.get(from..).unwrap_or_default().to_vec());
                [extracted(&tail, SPELLINGS), extracted(&tail, 1)]
            });
            let tails = tails.flatten();
            let inner = all.iter().filter_map(|part| match part.kind() {
                HirKind::Alternation(_) | HirKind::Repetition(_) => best(part),
                _ => None,
            });
            tails.chain(inner).map(inexact).max_by(rarer)
        }
        HirKind::Repetition(of) if of.min > 0 => best(&of.sub).map(inexact),
        HirKind::Alternation(any) => any.iter().map(best).try_fold(None, |sum, next| {
            Some(Some(match (sum, next?) {
                (None, next) => next,
                (Some(sum), next) => either(sum, next)?,
            }))
        })?,
        _ => None,
    };
    whole.into_iter().chain(parts).max_by(rarer)
}

fn rarer(a: &Needles, b: &Needles) -> std::cmp::Ordering {
    a.exact.cmp(&b.exact).then(a.worth().total_cmp(&b.worth()))
}

fn inexact(needles: Needles) -> Needles {
    Needles { exact: false, ..needles }
}

fn either(mut a: Needles, b: Needles) -> Option<Needles> {
    a.all.extend(b.all);
    let bits = a.bits.min(b.bits) - 1.0;
    (a.all.len() <= ALTERNATIVES).then_some(Needles { all: a.all, exact: a.exact && b.exact, bits })
}

/// What a match of `hir` begins with, spelled out in so many ways at most.
fn extracted(hir: &Hir, spellings: usize) -> Option<Needles> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(spellings).limit_literal_len(LENGTH);
    let mut seq = extractor.extract(hir);
    // A needle within another's beginning finds that too.
    seq.minimize_by_preference();
    // An assertion before or after is not in the bytes.
    let exact = seq.is_exact() && hir.properties().look_set().is_empty();
    Needles::from(&seq).map(|needles| Needles { exact, ..needles })
}

fn bits(needle: &[u8]) -> f32 {
    needle.iter().copied().map(bits_of).sum()
}

/// How rare a byte is: from a bit for a space to eight for what texts do not hold.
pub(super) fn bits_of(byte: u8) -> f32 {
    1.0 + 7.0 * f32::from(255 - rank(byte)) / 255.0
}
