//! The files beside a log: which of them are generations of it that nobody saw go by, and which
//! are copies of generations that are known.
//!
//! Content decides, never time: times of writing only order what was found. Compressed files are
//! none of its business.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::held::{Held, is_blank};
use crate::file::{Absent, File, Identity, Place, Sibling, Stat};
use crate::read::{ReadAt, is_doubt, read_exact_at};

/// Bytes compared at the start and at the end of what two files may have in common.
const COMPARED: u64 = 256;

/// A sibling that was opened, by its descriptor's own stat.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) file: Arc<dyn File>,
    pub(super) stat: Stat,
}

/// What to do about a sibling that is there and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// Try again: to pass over a generation for want of a descriptor would be to lose it.
    Waits,
    /// Go on without it: a disk that never answers must not keep the log from being followed.
    Passed,
}

impl Unread {
    /// Whether it is so, as far as that can be found out.
    pub(super) fn settle(self, found: io::Result<bool>) -> Result<bool, Absent> {
        match found {
            Err(error) if self == Self::Waits => Err(Absent::Failed(error.to_string())),
            found => Ok(found.unwrap_or(false)),
        }
    }
}

/// Whether `name` is one that rotation gives to what was `base`: more than a mark of its own
/// (`app.log.pos`), something that counts or dates, or says old.
fn is_rotated_name(base: &str, name: &str) -> bool {
    const PACKED: [&str; 8] = [".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip", ".Z", ".lzma"];
    const WORDS: [&str; 6] = ["old", "prev", "previous", "bak", "orig", "save"];
    let Some(rest) = name.strip_prefix(base) else { return false };
    if PACKED.iter().any(|ending| rest.ends_with(ending)) {
        return false;
    }
    let Some(word) = rest.strip_prefix(['.', '-', '_']) else { return false };
    word.bytes().any(|byte| byte.is_ascii_digit()) || WORDS.contains(&word)
}

/// Opens `sibling`. `None`: it is not to be read. Whoever rotates between the listing and the
/// opening moves a file from a name not yet opened to one not listed: then all begins anew.
fn open(place: &dyn Place, sibling: &Sibling, unread: Unread) -> Result<Option<Opened>, Absent> {
    let opened = place.open_sibling(&sibling.name).and_then(|file| {
        let stat = file.stat().map_err(|error| Absent::Failed(error.to_string()))?;
        Ok(Opened { name: sibling.name.clone(), file, stat })
    });
    let moved = match &opened {
        Ok(opened) => opened.stat.identity != sibling.stat.identity,
        Err(absent) => *absent == Absent::Missing,
    };
    match opened {
        _ if moved && unread == Unread::Waits => {
            Err(Absent::Failed("files were renamed while they were looked at".to_owned()))
        }
        Err(Absent::Failed(reason)) if unread == Unread::Waits => Err(Absent::Failed(reason)),
        opened => Ok(opened.ok()),
    }
}

/// The sibling that holds what `held` was before it was cut: all of it rather than a part, and a
/// larger part rather than a smaller.
pub(super) fn find_copy(
    place: &dyn Place,
    held: &Held,
    siblings: &[Sibling],
    seen: &HashSet<Identity>,
    unread: Unread,
) -> Result<Option<Opened>, Absent> {
    let mut best: Option<Opened> = None;
    for sibling in siblings {
        let Some(opened) = open(place, sibling, unread)? else { continue };
        let larger = best.as_ref().is_none_or(|best| opened.stat.bytes > best.stat.bytes);
        // Files that lay there before begin alike easily enough: a header is no proof.
        let by_head = !seen.contains(&opened.stat.identity);
        let copied = || held.is_copied_by(opened.file.as_ref(), opened.stat.bytes, by_head);
        if larger && unread.settle(copied())? {
            best = Some(opened);
        }
    }
    Ok(best)
}

/// The siblings that rotation may have made, but for those whose files are `taken`, oldest first.
pub(super) fn unknown(
    place: &dyn Place,
    siblings: &[Sibling],
    taken: &[Identity],
    unread: Unread,
) -> Result<Vec<Opened>, Absent> {
    let base = place.name();
    let free = |identity| !taken.contains(&identity);
    let mut opened = Vec::new();
    for sibling in siblings {
        if free(sibling.stat.identity) && is_rotated_name(&base, &sibling.name) {
            opened.extend(open(place, sibling, unread)?);
        }
    }
    // A name may have been given to another file between listing and opening.
    opened.retain(|opened| free(opened.stat.identity));
    opened.sort_by_key(|opened| opened.stat.identity);
    opened.dedup_by_key(|opened| opened.stat.identity);
    // Of several copies of one file, the longest says all; of those as long, the one that was there
    // before the others is the original, to which somebody may still write.
    let mut whole: Vec<Opened> = Vec::new();
    opened.sort_by_key(|Opened { stat, .. }| {
        (Reverse(stat.bytes), stat.identity.birth, stat.written)
    });
    for opened in opened {
        let mut copy = false;
        for known in &whole {
            let same = is_copy(&opened, known.file.as_ref(), known.stat.bytes);
            copy |= unread.settle(same)?;
        }
        if !copy {
            whole.push(opened);
        }
    }
    let mut opened = whole;
    // Numbers and dates say the order outright. Otherwise the last writing does, as well as it
    // can: who goes on writing to an old one makes it look young.
    let number = |opened: &Opened| rotation_number(&base, &opened.name);
    let date = |opened: &Opened| rotation_date(&base, &opened.name);
    opened.sort_by_key(|opened| opened.stat.written);
    if opened.iter().all(|opened| number(opened).is_some()) {
        opened.sort_by_key(|opened| Reverse(number(opened)));
    } else if opened.iter().all(|opened| date(opened).is_some()) {
        opened.sort_by_cached_key(date);
    }
    Ok(opened)
}

/// The number of a name such as `app.log.1`: the higher, the older. No date is one.
fn rotation_number(base: &str, name: &str) -> Option<u32> {
    let digits = name.strip_prefix(base)?.strip_prefix('.')?;
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The numbers of a name such as `app.log-20261121` or `app.log.2026-11-21.2`: the higher, the
/// younger. Whatever does not begin with a year, or is short enough to be one alone, is no date.
fn rotation_date(base: &str, name: &str) -> Option<Vec<u64>> {
    let rest = name.strip_prefix(base)?;
    let groups = rest.split(|char: char| !char.is_ascii_digit()).filter(|group| !group.is_empty());
    let first = groups.clone().next()?;
    let digits: usize = groups.clone().map(str::len).sum();
    if first.len() < 4 || digits < 6 {
        return None;
    }
    groups.map(|group| group.parse().ok()).collect()
}

/// Whether `opened` holds the same as the first `bytes` bytes of `known`, as far as both go: a
/// copy of it.
pub(super) fn is_copy(opened: &Opened, known: &dyn ReadAt, bytes: u64) -> io::Result<bool> {
    let common = opened.stat.bytes.min(bytes);
    if common == 0 {
        return Ok(false);
    }
    let len = common.min(COMPARED);
    // Holes are all alike.
    let same = |offset| -> io::Result<(bool, bool)> {
        let bytes = read(opened.file.as_ref(), offset, len)?;
        Ok((bytes == read(known, offset, len)?, is_blank(&bytes)))
    };
    let both = || -> io::Result<bool> {
        let ((head, head_blank), (end, end_blank)) = (same(0)?, same(common - len)?);
        Ok(head && end && !(head_blank && end_blank))
    };
    match both() {
        // One of the two was cut since, and is not what it was.
        Err(error) if is_doubt(&error) => Ok(false),
        same => same,
    }
}

fn read(file: &dyn ReadAt, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len as usize];
    read_exact_at(file, &mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_say_the_order() {
        let older_first = ["app.log-20261120", "app.log-20261121", "app.log.2026-11-21"];
        let dates = older_first.map(|name| rotation_date("app.log", name));
        assert!(dates[0] < dates[1] && dates.iter().all(Option::is_some));
        let [second, tenth] =
            ["app.log.2026-11-21.2", "app.log.2026-11-21.10"].map(|n| rotation_date("app.log", n));
        assert!(second < tenth);
        for name in ["app.log.21-11-2026", "app.log.12", "app.log.2026", "app.log.old"] {
            assert_eq!(rotation_date("app.log", name), None, "{name}");
        }
    }

    #[test]
    fn rotation_is_told_by_name() {
        for name in ["app.log.1", "app.log-20261121", "app.log.2026-11-21", "app.log.old"] {
            assert!(is_rotated_name("app.log", name), "{name}");
        }
        for name in [
            "app.log.1.gz",
            "app.log~",
            "app.log.pos",
            "app.log.err",
            "app.logger",
            "app.log2",
            "b.log.1",
        ] {
            assert!(!is_rotated_name("app.log", name), "{name}");
        }
    }
}
