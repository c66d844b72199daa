//! The palette: everything that can be done, found by a few letters of its name, its key, or of
//! what does it in a terminal; sources by their names; `:50`, `:75%` and times as places to go to.

use tailwater_protocol::LogName;
use tailwater_protocol::query::{Now, When};

use super::keys::{Action, BINDINGS, Binding};
use super::sources::Sources;

/// Entries shown at most: a screen of them.
const SHOWN: usize = 60;

/// Sources among them, at most, while little is typed.
const SOURCES: usize = 30;

/// What is typed, at most.
const TYPED: usize = 200;

/// What an entry does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Does {
    Act(Action),
    Open(LogName),
    /// Goes to that instant, in nanoseconds since 1970.
    Time(i64),
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) keys: &'static str,
    pub(crate) unix: &'static str,
    pub(crate) does: Does,
}

/// What is typed, and which entry is chosen.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    text: String,
    chosen: usize,
    /// Only times are meant.
    time: bool,
}

impl Palette {
    pub(crate) fn open(&mut self, time: bool) {
        *self = Self { time, ..Self::default() };
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether only times are meant.
    pub(crate) fn is_time(&self) -> bool {
        self.time
    }

    pub(crate) fn chosen(&self) -> usize {
        self.chosen
    }

    pub(crate) fn set(&mut self, text: &str) {
        self.text = text.chars().take(TYPED).collect();
        self.chosen = 0;
    }

    /// Chooses an entry further down, round the ends.
    pub(crate) fn step(&mut self, step: i32, entries: usize) {
        let many = entries.max(1) as i64;
        self.chosen = (self.chosen as i64 + i64::from(step)).rem_euclid(many) as usize;
    }

    /// What fits, the best first.
    pub(crate) fn entries(
        &self,
        sources: &Sources,
        now: Now,
        name: impl Fn(&Binding) -> String,
    ) -> Vec<Entry> {
        let wanted = self.text.trim().trim_start_matches(':').trim();
        let mut entries: Vec<Entry> = self.place(wanted, now).into_iter().collect();
        if self.time {
            return entries;
        }
        // The better first, and of equals those that came first.
        let mut found: Vec<(u32, Entry)> = Vec::new();
        let mut put = |score: u32, entry: Entry| {
            let at = found.partition_point(|(other, _)| *other <= score);
            found.insert(at, (score, entry));
        };
        for binding in BINDINGS {
            // A place needs its number, and closing needs no palette.
            if matches!(binding.action, Action::Percent(_) | Action::Leave | Action::Palette) {
                continue;
            }
            let name = name(binding);
            let by = [(name.as_str(), 0), (binding.help, 0), (binding.unix, 3)];
            let score =
                by.iter().filter_map(|(text, more)| Some(score(text, wanted)? + more)).min();
            let score =
                if binding.shown.split(' ').any(|key| key == wanted) { Some(0) } else { score };
            if let Some(score) = score {
                let does = Does::Act(binding.action);
                let (keys, unix) = (binding.shown, binding.unix);
                put(if wanted.is_empty() { 0 } else { score }, Entry { name, keys, unix, does });
            }
        }
        let logs = sources.names().filter_map(|log| Some((score(log.as_str(), wanted)? + 6, log)));
        let mut best: Vec<(u32, &LogName)> = Vec::new();
        for (score, log) in logs {
            let at = best.partition_point(|(other, _)| *other <= score);
            if at < SOURCES {
                best.insert(at, (score, log));
                best.truncate(SOURCES);
            }
        }
        for (score, log) in best {
            let (name, does) = (log.to_string(), Does::Open(log.clone()));
            put(
                if wanted.is_empty() { 1 } else { score },
                Entry { name, keys: "", unix: "", does },
            );
        }
        entries.extend(found.into_iter().map(|(_, entry)| entry));
        entries.truncate(SHOWN);
        entries
    }

    /// A place that is named: a line, a part of the log, a time.
    fn place(&self, wanted: &str, now: Now) -> Option<Entry> {
        let entry = |does| Entry { name: wanted.to_owned(), keys: "", unix: "", does };
        if let Some(percent) = wanted.strip_suffix('%') {
            let percent: u64 = percent.trim().parse().ok()?;
            return Some(entry(Does::Act(Action::Percent(percent.min(100)))));
        }
        if let Ok(line) = wanted.replace(['\u{2009}', ' ', ','], "").parse::<u64>()
            && !self.time
        {
            return Some(entry(Does::Act(Action::Line(line.max(1)))));
        }
        let when = when(wanted)?;
        Some(entry(Does::Time(when.span(now).start)))
    }
}

/// The time that a person has written: as queries have it, or `15 min ago`, `2 h ago`.
fn when(text: &str) -> Option<When> {
    if let Some(when) = When::parse(text) {
        return Some(when);
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim_end();
    let unit_at = ago.find(|char: char| char.is_alphabetic())?;
    let (count, unit) = ago.split_at_checked(unit_at)?;
    let count: u32 = count.trim().trim_start_matches('-').parse().ok()?;
    let unit = match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    };
    When::parse(&["-", &count.to_string(), unit].concat())
}

/// How badly `text` fits `wanted`: less is better. `None` unless all its characters stand there in
/// their order.
fn score(text: &str, wanted: &str) -> Option<u32> {
    let text = text.to_lowercase();
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() {
        return Some(0);
    }
    if let Some(at) = text.find(&wanted) {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let word = before.is_none_or(|char| !char.is_alphanumeric());
        return Some(if at == 0 {
            1
        } else if word {
            2
        } else {
            5
        });
    }
    let mut rest = text.chars();
    let mut gaps = 0;
    for char in wanted.chars().filter(|char| !char.is_whitespace()) {
        gaps += rest.position(|other| other == char)? as u32;
    }
    Some(30 + gaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_protocol::query::Zone;
    use tailwater_protocol::{LogState, Source};

    /// 2026-11-21T12:00:00Z.
    const NOON: i64 = 1_795_262_400_000_000_000;
    const MINUTE: i64 = 60_000_000_000;

    fn entries(text: &str, time: bool) -> Vec<Entry> {
        let source = |name: &str| Source {
            name: LogName(name.into()),
            state: LogState::Live,
            bytes: 1,
            written: None,
            command: None,
        };
        let sources = Sources::new(vec![source("nginx/access.log"), source("app/worker.log")]);
        let mut palette = Palette::default();
        palette.open(time);
        palette.set(text);
        let now = Now { nanos: NOON, zone: Zone(0) };
        palette.entries(&sources, now, |binding| binding.help.to_owned())
    }

    fn first(text: &str) -> Option<Does> {
        entries(text, false).into_iter().next().map(|entry| entry.does)
    }

    #[test]
    fn what_is_meant_stands_first() {
        for (text, expected) in [
            ("wrap", Action::Wrap),
            ("next err", Action::Graves(Grave::Errors, 1)),
            ("nxter", Action::Graves(Grave::Errors, 1)),
            ("tail -F", Action::Follow),
            ("S", Action::Wrap),
            (":50", Action::Line(50)),
            ("12 345", Action::Line(12_345)),
            ("75%", Action::Percent(75)),
        ] {
            assert_eq!(first(text), Some(Does::Act(expected)), "{text}");
        }
        assert_eq!(first("access"), Some(Does::Open(LogName("nginx/access.log".into()))));
        assert_eq!(first("worker"), Some(Does::Open(LogName("app/worker.log".into()))));
        assert_eq!(first("zzzzzz"), None);
    }

    use tailwater_protocol::Grave;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, minutes) in [
            ("-15m", -15),
            ("15 min ago", -15),
            ("2 h", -120),
            ("11:30", -30),
            ("2026-11-21T11:59Z", -1),
        ] {
            assert_eq!(
                entries(text, true).first().map(|entry| entry.does.clone()),
                Some(Does::Time(NOON + minutes * MINUTE)),
                "{text}"
            );
        }
        assert!(entries("soon", true).is_empty());
    }

    #[test]
    fn nothing_typed_is_everything_there_is() {
        assert!(entries("", false).len() > 40);
    }
}
