//! Chance: numbers from a seed, the same for everybody.
//!
//! A million schedules are tried: the generator of a test library, built without optimisation,
//! would take ten times what the schedules themselves take.

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least `from`, and less than `to`.
    pub(crate) fn within(&mut self, from: u32, to: u32) -> u32 {
        from + (((self.next() >> 32) * u64::from(to - from)) >> 32) as u32
    }

    pub(crate) fn one_in(&mut self, of: u32) -> bool {
        self.within(0, of) == 0
    }

    /// One of them, by weight.
    pub(crate) fn weighed(&mut self, weights: &[u32]) -> usize {
        let mut at = self.within(0, weights.iter().sum::<u32>().max(1));
        let falls = |&weight: &u32| {
            let falls = at < weight;
            at = at.saturating_sub(weight);
            falls
        };
        weights.iter().position(falls).unwrap_or(0)
    }
}
