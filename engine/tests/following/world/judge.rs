//! What is owed, and what was delivered.

use super::{Life, World};
use crate::reader::Part;

impl World {
    /// The life that `bytes` are the beginning of.
    pub(super) fn life_of(&self, bytes: &[u8]) -> usize {
        let letters = bytes.iter().position(|&byte| byte != 0);
        let tag = letters.and_then(|at| bytes.get(at + 1..at + 4));
        let number = tag.and_then(|tag| std::str::from_utf8(tag).ok()?.parse().ok());
        let matching = |number: usize| self.lives[number].bytes.starts_with(bytes);
        let number = number.or_else(|| (0..self.lives.len()).find(|&number| matching(number)));
        let number = number.expect("it was written");
        assert!(matching(number), "life {number} is torn: {}", bytes.escape_ascii());
        number
    }

    /// Holds what was delivered against what was owed.
    pub(super) fn judge(&self) {
        let mut delivered = vec![(0, false); self.lives.len()];
        let mut parts: Vec<&Part> = self.reader.parts.iter().collect();
        parts.retain(|part| !part.bytes.is_empty());
        // Those that could be of several lives are put to one last.
        parts.sort_by_key(|part| part.bytes.iter().all(|&byte| byte == 0));
        for part in parts {
            if part.base > 0 {
                let rest = |life: &Life| {
                    life.bytes.get(part.base..).is_some_and(|rest| rest.starts_with(&part.bytes))
                };
                let number = self.lives.iter().position(rest).expect("it was written");
                delivered[number].1 = true;
                continue;
            }
            if part.bytes.iter().all(|&byte| byte == 0) {
                // The beginning of any hole.
                for (life, (sum, reported)) in self.lives.iter().zip(&mut delivered) {
                    if life.bytes.starts_with(&part.bytes) {
                        *sum = part.bytes.len().max(*sum);
                        *reported |= part.reported;
                    }
                }
                continue;
            }
            let number = self.life_of(&part.bytes);
            let (sum, reported) = &mut delivered[number];
            assert!(*sum == 0 || self.reader.lost_its_place, "life {number} is read twice");
            *sum = part.bytes.len().max(*sum);
            *reported |= part.reported;
        }
        let parts = &self.reader.parts;
        let unread = parts.iter().any(|part| part.reported && part.bytes.is_empty());
        for (number, life) in self.lives.iter().enumerate() {
            let (sum, reported) = delivered[number];
            let told = reported
                || self.reader.lost_its_place
                || (sum == 0 && (unread || self.reader.passed_unknown));
            assert!(
                sum >= life.owed || told,
                "life {number}: {sum} of {} bytes, and nothing said",
                life.owed
            );
        }
    }
}
