//! Lines that a person has marked, with notes: kept by the browser, for each log.
//!
//! A mark is a position, so it stays at its line over rotations; a few words of the line are kept
//! beside it, to be told by when the log is not open. The server knows nothing of marks.

use tailwater_protocol::{LogName, Position, Stretch};

/// Marks of all logs together, at most: what a browser keeps without complaint.
const MOST: usize = 1000;

/// Characters of a note and of what is kept of a line.
const NOTE: usize = 400;
const TEXT: usize = 160;

/// A marked line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: Position,
    pub(crate) note: String,
    /// How the line begins.
    pub(crate) text: String,
}

/// All marks of this browser.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<(LogName, Vec<Mark>)>);

impl Marks {
    /// Those of `log`.
    pub(crate) fn of(&self, log: &LogName) -> &[Mark] {
        let own = self.0.iter().find(|(own, _)| own == log);
        own.map(|(_, marks)| marks.as_slice()).unwrap_or_default()
    }

    /// Marks the line, or unmarks it; whether it is marked now.
    pub(crate) fn toggle(&mut self, log: &LogName, at: Position, text: &str) -> bool {
        let count: usize = self.0.iter().map(|(_, marks)| marks.len()).sum();
        let own = self.own(log);
        match own.binary_search_by_key(&order(at), |mark| order(mark.at)) {
            Ok(index) => {
                own.remove(index);
                self.0.retain(|(_, marks)| !marks.is_empty());
                false
            }
            Err(_) if count >= MOST => false,
            Err(index) => {
                let text = text.chars().take(TEXT).collect();
                own.insert(index, Mark { at, note: String::new(), text });
                true
            }
        }
    }

    pub(crate) fn set_note(&mut self, log: &LogName, at: Position, note: &str) {
        for mark in self.own(log).iter_mut().filter(|mark| mark.at == at) {
            mark.note = note.chars().filter(|char| !char.is_control()).take(NOTE).collect();
        }
    }

    pub(crate) fn clear(&mut self, log: &LogName) {
        self.0.retain(|(own, _)| own != log);
    }

    /// The marks of `log`, to be changed.
    fn own(&mut self, log: &LogName) -> &mut Vec<Mark> {
        let known = self.0.iter().position(|(own, _)| own == log);
        let at = known.unwrap_or_else(|| {
            self.0.push((log.clone(), Vec::new()));
            self.0.len() - 1
        });
        // It was found or made there.
        &mut self.0[at].1
    }

    /// The lines of `log` that are marked, to be taken from it.
    pub(crate) fn stretches(&self, log: &LogName) -> Vec<Stretch> {
        self.of(log).iter().map(|mark| Stretch { first: mark.at, last: mark.at }).collect()
    }

    /// As text: a mark a line, its parts divided by tabs.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        for (log, marks) in &self.0 {
            for mark in marks {
                let parts =
                    [&plain(log.as_str()), &mark.at.to_string(), &mark.note, &plain(&mark.text)];
                for (index, part) in parts.into_iter().enumerate() {
                    if index > 0 {
                        text.push('\t');
                    }
                    text.push_str(part);
                }
                text.push('\n');
            }
        }
        text
    }

    /// Out of such text; what cannot be read is passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let mut marks = Self::default();
        for line in text.lines().take(MOST) {
            let mut parts = line.splitn(4, '\t');
            let (Some(log), Some(at)) = (parts.next(), parts.next()) else { continue };
            let Ok(at) = at.parse() else { continue };
            let own = marks.own(&LogName(log.to_owned()));
            let note = parts.next().unwrap_or_default().to_owned();
            let text = parts.next().unwrap_or_default().to_owned();
            if let Err(index) = own.binary_search_by_key(&order(at), |mark| order(mark.at)) {
                own.insert(index, Mark { at, note, text });
            }
        }
        marks
    }
}

/// An order to look marks up by: that of the log is its outline's.
fn order(at: Position) -> (u32, u64) {
    (at.generation.0, at.offset)
}

/// `text` on one line, without what divides the parts.
fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailwater_protocol::GenerationId;

    fn at(offset: u64) -> Position {
        Position { generation: GenerationId(1), offset }
    }

    #[test]
    fn a_line_is_marked_and_unmarked() {
        let mut marks = Marks::default();
        let log = LogName("app.log".into());
        assert!(marks.toggle(&log, at(20), "two"));
        assert!(marks.toggle(&log, at(10), "one"));
        marks.set_note(&log, at(10), "look\tat this\n");
        let order: Vec<_> = marks.of(&log).iter().map(|mark| mark.at.offset).collect();
        assert_eq!(order, [10, 20]);
        assert_eq!(marks.of(&log)[0].note, "lookat this");
        assert!(!marks.toggle(&log, at(20), "two"));
        assert_eq!(marks.stretches(&log), [Stretch { first: at(10), last: at(10) }]);
    }

    #[test]
    fn no_more_are_kept_than_fit() {
        let mut marks = Marks::default();
        let log = LogName("app.log".into());
        let kept = (0..2000).filter(|n| marks.toggle(&log, at(*n), "x")).count();
        assert_eq!((kept, marks.of(&log).len()), (MOST, MOST));
    }

    proptest! {
        #[test]
        fn marks_are_read_as_they_were_written(
            given in prop::collection::btree_map(0_u64..1000, ("\\PC{0,20}", "\\PC{0,20}"), 0..20),
        ) {
            let log = LogName("a b/c.log".into());
            let mut marks = Marks::default();
            for (offset, (text, note)) in &given {
                marks.toggle(&log, at(*offset), text);
                marks.set_note(&log, at(*offset), note);
            }
            let again = Marks::parse(&marks.print());
            prop_assert_eq!(again.of(&log), marks.of(&log));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[\\PC\t\n]{0,200}") {
            let marks = Marks::parse(&text);
            let again = Marks::parse(&marks.print());
            prop_assert_eq!(again.print(), marks.print());
        }
    }
}
