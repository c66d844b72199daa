//! Small numbers out of bytes, without a copy and without a panic.

/// A run of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: u64,
    pub(super) digits: usize,
}

/// The digits from `at` on, at most `most` of them (19 fit).
pub(super) fn number(line: &[u8], at: usize, most: usize) -> Number {
    let rest = line.get(at..).unwrap_or_default();
    let (mut value, mut digits) = (0, 0);
    for &byte in rest.iter().take(most.min(19)) {
        if !byte.is_ascii_digit() {
            break;
        }
        value = value * 10 + u64::from(byte - b'0');
        digits += 1;
    }
    Number { value, digits }
}

pub(super) fn two(line: &[u8], at: usize) -> Option<i8> {
    match line.get(at..)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', ..] => Some(((a - b'0') * 10 + (b - b'0')) as i8),
        _ => None,
    }
}

pub(super) fn three(line: &[u8], at: usize) -> Option<i16> {
    let last = line.get(at + 2).filter(|byte| byte.is_ascii_digit())?;
    Some(i16::from(two(line, at)?) * 10 + i16::from(last - b'0'))
}

pub(super) fn four(line: &[u8], at: usize) -> Option<i16> {
    Some(i16::from(two(line, at)?) * 100 + i16::from(two(line, at + 2)?))
}
