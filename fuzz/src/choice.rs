//! Choices, taken from the end of the input: so that a change of them leaves the rest as it was.

/// The choices that are left, and the input before them.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn of(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// 0 when there are none left.
    pub fn byte(&mut self) -> u8 {
        let Some((&last, rest)) = self.0.split_last() else { return 0 };
        self.0 = rest;
        last
    }

    /// Less than 65 536.
    pub fn short(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// Less than `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound <= 256 { usize::from(self.byte()) % bound } else { self.short() % bound }
    }

    /// What is no choice as yet.
    pub fn rest_so_far(&self) -> &'a [u8] {
        self.0
    }

    /// What is no choice.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
