//! What is owed, and what was delivered.

use tailwater_protocol::Loss;

use super::World;
use super::files::{Files, Life};
use crate::reader::Part;

/// What became of all bytes that were written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Balance {
    pub(crate) written: usize,
    pub(crate) delivered: usize,
    /// Missing, with the reader told that it is and how much.
    pub(crate) counted: usize,
    /// Missing, with the reader told that something is.
    pub(crate) told: usize,
    /// Written and done away with between two looks, with no copy left: nobody could know.
    pub(crate) unseen: usize,
}

impl Balance {
    pub(crate) fn add(&mut self, other: Self) {
        self.written += other.written;
        self.delivered += other.delivered;
        self.counted += other.counted;
        self.told += other.told;
        self.unseen += other.unseen;
    }
}

/// What was delivered of one life.
#[derive(Debug, Clone, Copy, Default)]
struct Delivered {
    sum: usize,
    reported: bool,
    lost: Option<Loss>,
    /// The order in which it was first come to.
    order: Option<usize>,
    /// Whether the reader came back since.
    was_left: bool,
    /// Whether something was delivered that stands behind a part that was not.
    rest: bool,
}

impl Files {
    /// The life that `bytes` are the beginning of.
    pub(super) fn life_of(&self, bytes: &[u8]) -> usize {
        let letters = bytes.iter().position(|&byte| byte != 0);
        let tag = letters.and_then(|at| bytes.get(at + 1..at + 4));
        let number = tag.and_then(|tag| std::str::from_utf8(tag).ok()?.parse().ok());
        let matching = |number: usize| {
            self.lives.get(number).is_some_and(|life| life.bytes.starts_with(bytes))
        };
        let number = number.or_else(|| (0..self.lives.len()).find(|&number| matching(number)));
        let number = number.expect("it was written");
        assert!(matching(number), "life {number} is torn: {}", bytes.escape_ascii());
        number
    }

    fn may_lack(&self, life: &Life, loss: Loss) -> bool {
        match loss {
            Loss::Truncated(_) => life.over,
            Loss::Deleted(_) => !self.is_linked(life.file),
            Loss::LetGo(_) => self.setting.hasty,
            Loss::Damaged(_) | Loss::Full(_) => false,
            Loss::Unknown => true,
        }
    }
}

fn count(loss: Option<Loss>) -> Option<usize> {
    match loss? {
        Loss::Truncated(bytes) | Loss::Deleted(bytes) | Loss::LetGo(bytes) => Some(bytes as usize),
        Loss::Damaged(_) | Loss::Full(_) | Loss::Unknown => None,
    }
}

impl World {
    /// Puts what was delivered to the lives that it is of.
    fn delivered(&self, files: &Files) -> Vec<Delivered> {
        let mut delivered = vec![Delivered::default(); files.lives.len()];
        let mut parts: Vec<(usize, &Part)> = self.reader.parts.iter().enumerate().collect();
        parts.retain(|(_, part)| !part.bytes.is_empty());
        // Those that could be of several lives are put to one last.
        parts.sort_by_key(|(_, part)| (part.base > 0, part.bytes.iter().all(|&byte| byte == 0)));
        for (order, part) in parts {
            if part.base > 0 {
                let rest = |life: &Life| {
                    life.bytes.get(part.base..).is_some_and(|rest| rest.starts_with(&part.bytes))
                };
                let lives = || files.lives.iter().enumerate().filter(|(_, life)| rest(life));
                let whole = lives().find(|&(number, _)| delivered[number].sum == part.base);
                let (number, _) = whole.or_else(|| lives().next()).expect("it was written");
                let found = &mut delivered[number];
                if whole.is_some() {
                    found.sum += part.bytes.len();
                    found.lost = part.lost;
                } else {
                    found.rest = true;
                }
                found.reported |= part.reported || whole.is_none();
                continue;
            }
            if part.bytes.iter().all(|&byte| byte == 0) {
                // The beginning of any hole.
                for (life, found) in files.lives.iter().zip(&mut delivered) {
                    if life.bytes.starts_with(&part.bytes) {
                        found.sum = part.bytes.len().max(found.sum);
                        found.reported |= part.reported;
                        found.rest = true;
                    }
                }
                continue;
            }
            let number = files.life_of(&part.bytes);
            let found = &mut delivered[number];
            // Who knows only names takes what has two for older than it is; and what lay beside
            // the log when it was first looked at was none of it, until it was given its name.
            let file = &files.files[files.lives[number].file];
            let misled = (files.restarted && (file.twice || files.lives[number].over))
                || (file.came_back && (file.seen || files.setting.hasty));
            let misled = misled || files.lives[number].is_hole() || self.reader.unfound;
            let again = found.rest || self.reader.lost_its_place || misled;
            assert!(found.sum == 0 || again, "life {number} is read twice");
            found.sum = part.bytes.len().max(found.sum);
            found.reported |= part.reported;
            found.lost = found.lost.or(part.lost);
            found.was_left |= part.was_left;
            found.order = found.order.or(Some(order));
        }
        delivered
    }

    /// Holds what was delivered against what was owed.
    pub(super) fn judge(&self) -> Balance {
        let files = self.files();
        let delivered = self.delivered(&files);
        // Who came back to another server was told of breaks only where bytes are known to lack.
        let remembered = !files.restarted && !self.reader.lost_its_place;
        let exact = remembered && !files.setting.hasty && !self.reader.passed_unknown;
        if remembered {
            self.judge_order(&files, &delivered);
        }
        let parts = &self.reader.parts;
        let unread = parts.iter().any(|part| part.reported && part.bytes.is_empty());
        let mut balance = Balance::default();
        for (number, (life, found)) in files.lives.iter().zip(&delivered).enumerate() {
            let Delivered { sum, reported, lost, rest, .. } = *found;
            let told = reported
                || self.reader.lost_its_place
                || (sum == 0 && (unread || self.reader.passed_unknown))
                || ((unread || files.restarted) && life.begins_blank())
                // Where bytes are gone, who knows only their place is told of what lacks from there.
                || (sum == 0 && files.restarted && parts.iter().any(|part| part.reported))
                // What is written to a generation that ended, reaches only who was there before.
                || (files.setting.hasty && self.reader.came_back);
            // Who knows only names takes what has two for older than it is.
            let twice = files.restarted && files.files[life.file].twice;
            let (owed, kept) = if life.passed || twice { (0, 0) } else { (life.owed, life.kept) };
            assert!(sum >= owed || told, "life {number}: {sum} of {owed} bytes, and nothing said");
            if exact && !rest {
                let still = if life.over { kept } else { owed };
                assert!(sum >= still, "life {number}: {sum} of {still} bytes that are still there");
            }
            if exact
                && !rest
                && let Some(lost) = lost
            {
                assert!(files.may_lack(life, lost), "life {number} has no reason for {lost:?}");
                let known = life.looks.iter().map(|&(end, _)| end).max().unwrap_or(0);
                let claimed = sum + count(Some(lost)).unwrap_or(0);
                let bytes = life.bytes.len();
                // Who comes back may be told of a loss once more, from the start.
                // What is lost of a file that came back, is told of its generations one by one.
                let several = files.files[life.file].came_back;
                let right = several || (claimed >= known && (claimed <= bytes || found.was_left));
                assert!(right, "life {number}: {lost:?} after {sum} of {known} to {bytes} bytes");
            }
            let written = life.bytes.len();
            let counted = count(lost).unwrap_or(0).min(written - sum);
            let told = if told { owed.saturating_sub(sum + counted) } else { 0 };
            balance.add(Balance {
                written,
                delivered: sum,
                counted,
                told,
                unseen: written - sum - counted - told,
            });
        }
        balance
    }

    /// What was known before something else began, comes before that.
    fn judge_order(&self, files: &Files, delivered: &[Delivered]) {
        // While it is empty, nobody can tell what it will be.
        let known = |number: usize| {
            let mut looks = files.lives[number].looks.iter();
            looks.find(|&&(end, _)| end > 0).map(|&(_, look)| look)
        };
        for (later, after) in files.lives.iter().zip(delivered) {
            for (number, before) in delivered.iter().enumerate() {
                let first = known(number).is_some_and(|look| look <= later.born);
                let (Some(before), Some(after)) = (before.order, after.order) else { continue };
                let earlier = &files.lives[number];
                let first = first && !later.undated && !earlier.undated;
                let first = first && !later.is_hole() && !earlier.is_hole();
                // What was let go and came back begins anew.
                let anew = files.setting.hasty && files.files[earlier.file].came_back;
                let first = first && !anew;
                assert!(!first || before < after, "life {number} comes after one that it preceded");
            }
        }
    }
}
