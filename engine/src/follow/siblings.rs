//! The files beside a log: which of them are generations of it that nobody saw go by, and which
//! are copies of generations that are known.
//!
//! Content decides, never time: times of writing only order what was found. Compressed files are
//! none of its business.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::held::Held;
use crate::file::{Absent, File, Identity, Place, Sibling, Stat};
use crate::read::{ReadAt, read_exact_at};

/// Bytes compared at the start and at the end of what two files may have in common.
const COMPARED: u64 = 256;

/// A sibling that was opened, by its descriptor's own stat.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) file: Arc<dyn File>,
    pub(super) stat: Stat,
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

/// Opens `sibling`. `None`: it is not there any more, or not to be read.
fn open(place: &dyn Place, sibling: &Sibling) -> Result<Option<Opened>, Absent> {
    let file = match place.open_sibling(&sibling.name) {
        Ok(file) => file,
        // To pass over a generation for want of a descriptor would be to lose it.
        Err(Absent::Failed(reason)) => return Err(Absent::Failed(reason)),
        Err(Absent::Missing | Absent::Forbidden { .. }) => return Ok(None),
    };
    let stat = file.stat().map_err(|error| Absent::Failed(error.to_string()))?;
    Ok(Some(Opened { name: sibling.name.clone(), file, stat }))
}

/// The sibling that holds what `held` was before it was cut: all of it rather than a part, and a
/// larger part rather than a smaller.
pub(super) fn find_copy(
    place: &dyn Place,
    held: &Held,
    siblings: &[Sibling],
    seen: &HashSet<Identity>,
) -> Result<Option<Opened>, Absent> {
    let mut best: Option<Opened> = None;
    for sibling in siblings {
        let Some(opened) = open(place, sibling)? else { continue };
        let larger = best.as_ref().is_none_or(|best| opened.stat.bytes > best.stat.bytes);
        // Files that lay there before begin alike easily enough: a header is no proof.
        let by_head = !seen.contains(&opened.stat.identity);
        if larger && held.is_copied_by(opened.file.as_ref(), opened.stat.bytes, by_head) {
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
) -> Result<Vec<Opened>, Absent> {
    let base = place.name();
    let free = |identity| !taken.contains(&identity);
    let mut opened = Vec::new();
    for sibling in siblings {
        if free(sibling.stat.identity) && is_rotated_name(&base, &sibling.name) {
            opened.extend(open(place, sibling)?);
        }
    }
    // A name may have been given to another file between listing and opening.
    opened.retain(|opened| free(opened.stat.identity));
    opened.sort_by_key(|opened| opened.stat.identity);
    opened.dedup_by_key(|opened| opened.stat.identity);
    // Of several copies of one file, the longest says all.
    let mut whole: Vec<Opened> = Vec::new();
    opened.sort_by_key(|opened| Reverse(opened.stat.bytes));
    for opened in opened {
        let copy = |known: &Opened| is_copy(&opened, known.file.as_ref(), known.stat.bytes);
        if !whole.iter().any(copy) {
            whole.push(opened);
        }
    }
    let mut opened = whole;
    // Numbers say the order outright. Otherwise the last writing does, as well as it can.
    let number = |opened: &Opened| rotation_number(&base, &opened.name);
    if opened.iter().all(|opened| number(opened).is_some()) {
        opened.sort_by_key(|opened| Reverse(number(opened)));
    } else {
        opened.sort_by_key(|opened| opened.stat.written);
    }
    Ok(opened)
}

/// The number of a name such as `app.log.1`: the higher, the older. No date is one.
fn rotation_number(base: &str, name: &str) -> Option<u32> {
    let digits = name.strip_prefix(base)?.strip_prefix('.')?;
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Whether `opened` holds the same as the first `bytes` bytes of `known`, as far as both go: a
/// copy of it.
pub(super) fn is_copy(opened: &Opened, known: &dyn ReadAt, bytes: u64) -> bool {
    let common = opened.stat.bytes.min(bytes);
    if common == 0 {
        return false;
    }
    let len = common.min(COMPARED);
    let same = |offset| -> io::Result<bool> {
        Ok(read(opened.file.as_ref(), offset, len)? == read(known, offset, len)?)
    };
    // What cannot be read now is shown rather than hidden.
    matches!((same(0), same(common - len)), (Ok(true), Ok(true)))
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
