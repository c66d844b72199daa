//! What a reader does with lines beyond moving among them: marks, choices, how they are drawn, what
//! is taken from the log, the palette.

use tailwater_protocol::query::{Now, Zone};
use tailwater_protocol::{Anchor, ClientMessage, Position, Taken};

use super::Page;
use crate::state::address::{self, Address, Place};
use crate::state::input::{Copying, Effect, Keep, Panel};
use crate::state::keys::Action;
use crate::state::list::Landing;
use crate::state::looks::Looks;
use crate::state::marks::Marks;
use crate::state::palette::{Does, Entry};
use crate::state::view::Jump;
use crate::state::view::closer::Purpose;
use crate::text;

impl Page {
    /// What this browser has kept.
    pub(super) fn kept(&mut self, keep: Keep, kept: &str, out: &mut Vec<ClientMessage>) {
        match keep {
            Keep::Shape => {
                self.looks = Looks::parse(kept);
                self.kept_looks = true;
                self.shape_view(out);
            }
            Keep::Marks => {
                self.marks = Marks::parse(kept);
                self.mark_view();
            }
        }
    }

    pub(super) fn keep_looks(&mut self, effects: &mut Vec<Effect>) {
        self.kept_looks = true;
        effects.push(Effect::Keep(Keep::Shape, self.looks.print()));
    }

    /// Has the view drawn as the looks say.
    pub(super) fn shape_view(&mut self, out: &mut Vec<ClientMessage>) {
        let (shape, timeline) = (self.looks.shape(self.columns), self.looks.timeline);
        if let Some(view) = &mut self.view {
            view.set_shape(shape, out);
            view.set_timeline(timeline);
        }
    }

    /// Tells the view which of its lines are marked.
    pub(super) fn mark_view(&mut self) {
        if let Some(view) = &mut self.view {
            let marks = self.marks.of(view.log());
            view.set_marked(marks.iter().map(|mark| mark.at).collect());
        }
    }

    /// Marks a line, or unmarks it.
    pub(super) fn mark(&mut self, at: Position, now: u64, effects: &mut Vec<Effect>) {
        let Some(view) = &self.view else { return };
        let line = view.list().line_at(at);
        let (at, words) = line.map_or((at, ""), |line| (line.position, &*line.text));
        let log = view.log().clone();
        let marked = self.marks.toggle(&log, at, words);
        self.say(text::marked(marked).to_owned(), now);
        self.keep_marks(effects);
    }

    pub(super) fn unmark(&mut self, at: Option<Position>, effects: &mut Vec<Effect>) {
        let Some(log) = self.log().cloned() else { return };
        match at {
            Some(at) => {
                self.marks.toggle(&log, at, "");
            }
            None => self.marks.clear(&log),
        }
        self.keep_marks(effects);
    }

    pub(super) fn note_mark(&mut self, at: Position, note: &str, effects: &mut Vec<Effect>) {
        let Some(log) = self.log().cloned() else { return };
        self.marks.set_note(&log, at, note);
        effects.push(Effect::Keep(Keep::Marks, self.marks.print()));
    }

    fn keep_marks(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Keep(Keep::Marks, self.marks.print()));
        self.mark_view();
    }

    /// Takes the marked lines from the log.
    pub(super) fn take_marked(&mut self, to: Purpose, now: u64, out: &mut Vec<ClientMessage>) {
        let Some(view) = &mut self.view else { return };
        let stretches = self.marks.stretches(view.log());
        if stretches.is_empty() {
            self.say(text::NO_MARKS.to_owned(), now);
            return;
        }
        view.take(stretches, to, out);
    }

    /// The name of a file for lines of this log.
    pub(super) fn file_name(&self) -> String {
        let log = self.log().map(|log| log.as_str()).unwrap_or_default();
        let leaf = log.rsplit('/').next().unwrap_or_default();
        leaf.strip_suffix(".log").unwrap_or(leaf).to_owned() + "-marked.log"
    }

    /// Lines came as they stand in the log.
    pub(super) fn taken(&mut self, taken: Taken, now: u64) -> Option<Effect> {
        let purpose = self.view.as_mut()?.heard_taken(&taken)?;
        let lines = taken.text.lines().count() as u64;
        let said = text::taken(lines, taken.left, purpose == Purpose::Copy);
        self.say(said, now);
        Some(match purpose {
            Purpose::Copy => {
                // One line is copied as a line of text, many as lines.
                let one = lines == 1;
                let text =
                    if one { taken.text.trim_end_matches(['\n', '\r']) } else { &taken.text };
                Effect::CopyText(text.to_owned())
            }
            Purpose::Download(name) => Effect::Download { name, text: taken.text },
        })
    }

    /// Copies what is chosen.
    pub(super) fn copy_chosen(
        &mut self,
        copying: Copying,
        now: u64,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) {
        let Some(view) = &mut self.view else { return };
        let (Some(chosen), Some(stretch)) = (view.chosen(), view.stretch()) else {
            self.say(text::NOT_LOADED.to_owned(), now);
            return;
        };
        let numbers = chosen.from.number().zip(chosen.to.number());
        let numbers = numbers.map(|(one, other)| (one.min(other), one.max(other)));
        let find = view.find().text().to_owned();
        let log = view.log().clone();
        match copying {
            Copying::Lines => {
                view.take(vec![stretch], Purpose::Copy, out);
                return;
            }
            Copying::Link => {
                let place = Some(Place::Stretch(stretch.first, stretch.last));
                let address = Address { log: Some(log), query: self.query.clone(), place };
                effects.push(Effect::CopyAddress(address.print(&self.base)));
                self.say(text::LINK_COPIED.to_owned(), now);
                return;
            }
            Copying::Curl => {
                let path = self.base.clone() + &address::log_path(&log);
                let from = ["?from=", &stretch.first.to_string()].concat();
                let head = numbers
                    .map(|(from, to)| [" | head -n ", &(to - from + 1).to_string()].concat());
                let before = "curl -sH \"Authorization: Bearer $TAILWATER_TOKEN\" '".to_owned();
                let after = [&path, &from, "'", &head.unwrap_or_default()].concat();
                effects.push(Effect::CopyAround(before, after));
            }
            Copying::Tail => {
                let leaf = log.as_str().rsplit('/').next().unwrap_or_default();
                let Some((from, to)) = numbers else {
                    self.say(text::NOT_COUNTED.to_owned(), now);
                    return;
                };
                let mut command = ["tail -n +", &from.to_string(), " ", &quoted(leaf)].concat();
                command.push_str(&[" | head -n ", &(to - from + 1).to_string()].concat());
                if !find.is_empty() {
                    command.push_str(&[" | grep -iF ", &quoted(&find)].concat());
                }
                effects.push(Effect::CopyText(command));
            }
        }
        self.say(text::COMMAND_COPIED.to_owned(), now);
    }

    /// Looks for `query`.
    pub(super) fn find_query(&mut self, query: String, out: &mut Vec<ClientMessage>) {
        let Some(view) = &mut self.view else { return };
        view.find_mut().show();
        view.look_for(query, out);
        self.keep_query();
    }

    pub(super) fn go_to_time(&mut self, time: i64, out: &mut Vec<ClientMessage>) {
        if let Some(view) = &mut self.view {
            let anchor = Anchor::Time(time);
            view.jump(Jump { anchor, landing: Landing::Third, mark: true }, out);
        }
    }

    /// What the palette shows.
    pub(crate) fn entries(&self, now: u64) -> Vec<Entry> {
        let millis = i64::try_from(self.clock.wall(now)).unwrap_or(i64::MAX);
        let zone = Zone(self.clock.zone() as i16);
        let now = Now { nanos: millis.saturating_mul(1_000_000), zone };
        let mut entries =
            self.palette.entries(&self.sources, now, |binding| binding.help.to_owned());
        // What cannot be told the command now is not offered.
        entries.retain(|entry| match entry.does {
            Does::Act(Action::Order(order)) => self.order(order).is_some(),
            _ => true,
        });
        entries
    }

    /// Does what an entry of the palette says.
    pub(super) fn take_entry(
        &mut self,
        entry: Option<usize>,
        now: u64,
        effects: &mut Vec<Effect>,
        out: &mut Vec<ClientMessage>,
    ) {
        let chosen = entry.unwrap_or_else(|| self.palette.chosen());
        let Some(entry) = self.entries(now).into_iter().nth(chosen) else { return };
        self.panel = Panel::None;
        match entry.does {
            Does::Act(action) => self.act(action, now, effects, out),
            Does::Open(log) => self.open(log, effects, out),
            Does::Time(time) => self.go_to_time(time, out),
        }
    }
}

/// `text` as a query that finds it as it stands.
pub(crate) fn phrase(text: &str) -> String {
    let mut phrase = "\"".to_owned();
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            phrase.push('\\');
        }
        phrase.push(char);
    }
    phrase.push('"');
    phrase
}

/// `text` as a shell takes it, whatever it holds.
fn quoted(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-._/:@%+,".contains(char);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    ["'", &text.replace('\'', "'\\''"), "'"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_into_a_shell_is_one_word() {
        assert_eq!(quoted("access.log"), "access.log");
        assert_eq!(quoted("a b; rm -rf '/'"), "'a b; rm -rf '\\''/'\\'''");
        assert_eq!(quoted("-rf"), "'-rf'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }

    #[test]
    fn a_phrase_is_found_as_it_stands() {
        assert_eq!(phrase(r#"say "hi" \o/"#), r#""say \"hi\" \\o/""#);
    }
}
