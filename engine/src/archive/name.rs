//! What the name of a file beside a log says of its age.
//!
//! Names decide what belongs to a log and in what order it came; times of writing only settle what
//! names leave open. A name that could as well be somebody's copy (`app.log.bak`), another log
//! (`app-2.log`) or a program's own file (`app.log.pos`) belongs to nobody.

/// How old the generation is that a file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// So many rotations: the higher, the older.
    Number(u32),
    /// Rotated then: the earlier, the older.
    Date(Date),
    /// It was before (`app.log.old`).
    Before,
}

/// A date in a name, and what may stand behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year, month and day as one number.
    day: u32,
    /// Hour, minute and second as one number.
    time: u32,
    /// The number of the file among those of that time.
    number: u32,
}

/// Endings of compressed files that can be read.
const PACKED: [&str; 2] = [".gz", ".zst"];

/// `name` without the ending of a compressed file, if it has one.
pub fn unpacked(name: &str) -> Option<&str> {
    PACKED.iter().find_map(|ending| name.strip_suffix(ending))
}

/// How old the generation of `base` in the file `name` is; `None` when it is none of its.
pub fn age(base: &str, name: &str) -> Option<Age> {
    let name = unpacked(name).unwrap_or(name);
    if let Some(rest) = name.strip_prefix(base) {
        return ending(rest.strip_prefix(['.', '-', '_'])?);
    }
    // The date before the ending: app-2026-11-20.log.
    let (stem, ending) = base.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
    let rest = name.strip_prefix(stem)?.strip_suffix(ending)?.strip_suffix('.')?;
    date(rest.strip_prefix(['.', '-', '_']).unwrap_or(rest)).map(Age::Date)
}

fn ending(text: &str) -> Option<Age> {
    if ["old", "prev", "previous"].contains(&text) {
        return Some(Age::Before);
    }
    let short = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if short { text.parse().ok().map(Age::Number) } else { date(text).map(Age::Date) }
}

/// Reads `20261120`, `2026-11-20`, `2026-11-20T13.00.00`, `20261120-1`, `2026112013`, `1732060800`
/// and the like.
fn date(text: &str) -> Option<Date> {
    let mut groups = text.split(['-', '_', '.', 'T', ':']);
    let first = digits(groups.next()?)?;
    let rest: Vec<(u64, usize)> = groups.map(digits).collect::<Option<_>>()?;
    let (number, len) = first;
    let (day, time, rest) = match (len, rest.as_slice()) {
        (4, [(month, 2), (day, 2), rest @ ..]) => (number * 10_000 + month * 100 + day, None, rest),
        (4, [(month, 2)]) => (number * 10_000 + month * 100 + 1, None, [].as_slice()),
        (8, rest) => (number, None, rest),
        (10, rest) if is_day(number / 100) => (number / 100, Some(number % 100 * 10_000), rest),
        (12, rest) => (number / 10_000, Some(number % 10_000 * 100), rest),
        (14, rest) => (number / 1_000_000, Some(number % 1_000_000), rest),
        (10, rest) => {
            let (day, time) = since_1970(number);
            (day, Some(time), rest)
        }
        (13, rest) => {
            let (day, time) = since_1970(number / 1000);
            (day, Some(time), rest)
        }
        _ => return None,
    };
    if !is_day(day) {
        return None;
    }
    let (time, rest) = match (time, rest) {
        (Some(time), rest) => (time, rest),
        (None, [(hour, 2), (minute, 2), (second, 2), rest @ ..]) => {
            (hour * 10_000 + minute * 100 + second, rest)
        }
        (None, [(hour, 2), (minute, 2)]) => (hour * 10_000 + minute * 100, [].as_slice()),
        (None, [(time, 6), rest @ ..]) => (*time, rest),
        (None, [(hour, 2)]) => (hour * 10_000, [].as_slice()),
        (None, rest) => (0, rest),
    };
    let number = match rest {
        [] => 0,
        [(number, _)] => *number,
        _ => return None,
    };
    let narrow = |number: u64| u32::try_from(number).ok();
    Some(Date { day: narrow(day)?, time: narrow(time)?, number: narrow(number)? })
}

/// A number, and how many digits it has.
fn digits(text: &str) -> Option<(u64, usize)> {
    let plain = (1..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { Some((text.parse().ok()?, text.len())) } else { None }
}

fn is_day(number: u64) -> bool {
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    (1970..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// The day and the time of so many seconds since 1970, as numbers.
fn since_1970(seconds: u64) -> (u64, u64) {
    let (mut days, time) = (seconds / 86_400, seconds % 86_400);
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for len in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < len {
            break;
        }
        days -= len;
        month += 1;
    }
    let clock = time / 3600 * 10_000 + time / 60 % 60 * 100 + time % 60;
    (year * 10_000 + month * 100 + days + 1, clock)
}

/// Puts files in order, oldest first. Where numbers and dates stand side by side (somebody changed
/// the rotation), each kind keeps its own order, and the times of writing say how they mesh.
pub fn in_order<T>(files: Vec<T>, age: impl Fn(&T) -> Age, written: impl Fn(&T) -> u64) -> Vec<T> {
    let (mut numbered, mut dated, mut before) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        match age(&file) {
            Age::Number(number) => numbered.push((number, file)),
            Age::Date(date) => dated.push((date, file)),
            Age::Before => before.push(file),
        }
    }
    numbered.sort_by_key(|(number, file)| (std::cmp::Reverse(*number), written(file)));
    dated.sort_by_key(|(date, file)| (*date, written(file)));
    before.sort_by_key(&written);
    let mut lines = [
        numbered.into_iter().map(|(_, file)| file).collect::<Vec<T>>().into_iter().peekable(),
        dated.into_iter().map(|(_, file)| file).collect::<Vec<T>>().into_iter().peekable(),
        before.into_iter().peekable(),
    ];
    let mut all = Vec::new();
    loop {
        let first = lines.iter_mut().filter_map(|line| {
            let at = written(line.peek()?);
            Some((at, line))
        });
        let Some(next) = first.min_by_key(|(at, _)| *at).and_then(|(_, line)| line.next()) else {
            return all;
        };
        all.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rotation_is_told_by_name() {
        for name in [
            "app.log.1",
            "app.log.12.gz",
            "app.log.3.zst",
            "app.log-20261120",
            "app.log-20261120.gz",
            "app.log.2026-11-20",
            "app.log.2026-11-20.1.gz",
            "app.log-2026112013",
            "app.log-1732060800.gz",
            "app.log.2026-11-20T13:00:00",
            "app-2026-11-20.log.gz",
            "app.2026-11-20.0.log",
            "app20261120.log",
            "app.log.old",
        ] {
            assert!(age("app.log", name).is_some(), "{name}");
        }
        for name in [
            "app.log",
            "app.log.gz",
            "app.log~",
            "app.log.bak",
            "app.log.pos",
            "app.log.1.xz",
            "app.log.1.pos",
            "app.logger",
            "app.log2",
            "app-2.log",
            "app.1.log",
            "app-error.log",
            "app-99999999.log",
            "apple-20261120.log",
            "b.log.1",
            "app.log.",
            "app.log.12345",
        ] {
            assert_eq!(age("app.log", name), None, "{name}");
        }
        assert_eq!(age("syslog", "syslog.1"), Some(Age::Number(1)));
        assert_eq!(age(".log", "20261120.log"), None);
    }

    #[test]
    fn names_say_the_order() {
        for oldest_first in [
            ["a.10.gz", "a.9.gz", "a.1"].as_slice(),
            &["a-20251231", "a-20260101.gz", "a-20261120"],
            &["a.2026-11-20.1.gz", "a.2026-11-20.2.gz", "a.2026-11-20.10"],
            &["a-1732060799", "a-1732060800", "a-20261120"],
            &["a-2026112009", "a-2026112010", "a-20261121-000001"],
        ] {
            let mut files: Vec<&str> = oldest_first.to_vec();
            files.reverse();
            let sorted = in_order(files, |name| age("a", name).expect("rotated"), |_| 7);
            assert_eq!(sorted, oldest_first);
        }
        assert_eq!(since_1970(1_732_060_800), (20_241_120, 0));
        assert_eq!(since_1970(951_826_154), (20_000_229, 120_914));
    }

    #[test]
    fn times_of_writing_only_mesh_what_names_leave_open() {
        let files = vec![("a.1", 3), ("a.2", 9), ("a-20261120", 1), ("a-20261121", 5)];
        let age = |(name, _): &(&str, u64)| age("a", name).expect("rotated");
        let sorted = in_order(files, age, |(_, written)| *written);
        let names: Vec<&str> = sorted.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a-20261120", "a-20261121", "a.2", "a.1"]);
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_parser(base in "\\PC{0,8}(\\.log)?", rest in "[.T:0-9_-]{0,30}|\\PC{0,20}") {
            let name = format!("{base}{rest}");
            let _told = (age(&base, &name), age("app.log", &rest), unpacked(&name));
        }
    }
}
