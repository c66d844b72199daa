//! Numbers as logs and queries write them: `500`, `-1.5e3`, `20ms`, `1.5s`.
//!
//! The same reading serves both sides of a comparison. Knows units of time and no others: `m` is
//! minutes.

use std::cmp::Ordering;
use std::fmt;

/// A number that is neither infinite nor undefined, perhaps with a unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    value: f64,
    unit: Option<Unit>,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `ns`
    Nano,
    /// `us`, `µs`
    Micro,
    /// `ms`
    Milli,
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
}

/// Equal values differ in nothing else: there is no NaN.
impl Eq for Number {}

impl Number {
    /// Reads all of `text`. `None` if it is anything else: also what `f64` would take for a number
    /// and a reader would not, such as `inf`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|char: char| char.is_alphabetic());
        // `1e5` ends with a digit, and `5e` with a letter that is no unit.
        let unit = match text.strip_prefix(digits)? {
            "" => None,
            suffix => Some(Unit::ALL.into_iter().find(|unit| unit.is_named(suffix))?),
        };
        let plain =
            |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
        if !digits.bytes().all(plain) || !digits.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value: f64 = digits.parse().ok()?;
        value.is_finite().then_some(Self { value, unit })
    }

    /// How it compares to another: as times if both have units, and else as the bare numbers.
    pub fn compare(&self, other: &Self) -> Ordering {
        let (a, b) = match (self.unit, other.unit) {
            (Some(a), Some(b)) => (self.value * a.seconds(), other.value * b.seconds()),
            _ => (self.value, other.value),
        };
        a.partial_cmp(&b).unwrap_or(Ordering::Equal)
    }
}

impl Unit {
    const ALL: [Self; 6] =
        [Self::Nano, Self::Micro, Self::Milli, Self::Second, Self::Minute, Self::Hour];

    fn name(self) -> &'static str {
        match self {
            Self::Nano => "ns",
            Self::Micro => "us",
            Self::Milli => "ms",
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
        }
    }

    fn is_named(self, name: &str) -> bool {
        // Micro has two signs that look alike, and the letter that is typed for them.
        name == self.name() || self == Self::Micro && matches!(name, "µs" | "μs")
    }

    fn seconds(self) -> f64 {
        match self {
            Self::Nano => 1e-9,
            Self::Micro => 1e-6,
            Self::Milli => 1e-3,
            Self::Second => 1.0,
            Self::Minute => 60.0,
            Self::Hour => 3600.0,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.value, self.unit.map_or("", Unit::name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_what_a_reader_takes_for_one() {
        for text in ["0", "-1", "1.5", ".5", "1e3", "1E-3", "20ms", "1.5s", "3h", "7µs", "7us"] {
            assert!(Number::parse(text).is_some(), "{text}");
        }
        for text in
            ["", "-", "inf", "NaN", "infinity", "1e999", "5x", "ms", "1 ", "0x10", "1,5", "٣"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_compare_as_times_when_both_are() {
        let compare = |a, b| {
            let read = |text| Number::parse(text).expect("a number");
            Number::compare(&read(a), &read(b))
        };
        assert_eq!(compare("1.5s", "1500ms"), Ordering::Equal);
        assert_eq!(compare("2m", "90s"), Ordering::Greater);
        assert_eq!(compare("612", "500ms"), Ordering::Greater);
        assert_eq!(compare("500.0", "500"), Ordering::Equal);
        assert_eq!(compare("-1", "0"), Ordering::Less);
    }

    proptest! {
        #[test]
        fn a_number_reads_as_it_was_printed(value in -1e300..1e300_f64, unit in 0..8_usize) {
            let unit = Unit::ALL.get(unit).copied();
            let number = Number { value, unit };
            prop_assert_eq!(Number::parse(&number.to_string()), Some(number));
        }

        #[test]
        fn no_text_breaks_it(text in "[-+.0-9eEmsµhn]{0,12}|\\PC{0,12}") {
            if let Some(number) = Number::parse(&text) {
                prop_assert_eq!(Number::parse(&number.to_string()), Some(number));
            }
        }
    }
}
