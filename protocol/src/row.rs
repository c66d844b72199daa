//! A run of rows: one block of text with small remarks, never a struct and a string per row.
//!
//! A plain row costs its text, one newline and one byte for its level: a remark is made only of
//! what the text alone cannot say (cut short, bytes replaced, colours). Positions and numbers of
//! all rows but the first follow from the lengths.

use serde::{Deserialize, Serialize};

use crate::find::Hit;
use crate::position::{GenerationId, Position};

/// Adjacent rows of one generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Where the first row starts.
    pub start: Position,
    /// The number of the first row.
    pub number: Number,
    /// The rows' texts, each ended by `\n`. A text holds no `\n` of its own, no control character
    /// and no bidirectional override: those were replaced by visible signs.
    pub text: String,
    /// One per row.
    pub levels: Vec<Level>,
    /// What else is to be said, ordered by row.
    pub remarks: Vec<Remark>,
}

/// The number of a line in its generation, from 1, as `sed -n Np` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Number {
    /// Counted.
    Exact(u64),
    /// Guessed; shown grey.
    Estimate(u64),
    /// Not even a guess.
    Unknown,
}

/// Something about a row that its text does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Which row of the block, from 0.
    pub row: u32,
    /// What.
    pub what: What,
}

/// What a [`Remark`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The row takes that many bytes of the log, its newline included. Without this remark: the
    /// bytes of its text and one newline.
    Length(u64),
    /// The text was cut: that many more bytes of the line are not in it.
    Cut(u64),
    /// The row goes on with the line of the row before it, too long to be one row; it has that
    /// row's number.
    Continued,
    /// The line has no newline yet; it may grow, and the row be sent again.
    Unfinished,
    /// That many bytes were no valid UTF-8, and stand as U+FFFD.
    Invalid(u32),
    /// That many NUL bytes at the start of the line were skipped.
    Nuls(u64),
    /// Colours and styles, ordered, not overlapping.
    Styles(Vec<StyleRun>),
    /// What the view's query found in the text, ordered, not overlapping.
    Hits(Vec<Hit>),
    /// When the line says it was written, in nanoseconds since 1970.
    Time(i64),
    /// The row belongs to the event of the row before it, as the lines of a stack trace do.
    Within,
    /// The program wrote it to its standard error.
    Stderr,
}

/// A stretch of a row's text in one style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StyleRun {
    /// Bytes of the text before it.
    pub start: u32,
    /// Bytes of the text before its end.
    pub end: u32,
    /// How it looks.
    pub style: Style,
}

/// Colours and attributes, as an SGR escape sequence sets them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// Foreground.
    pub fg: Colour,
    /// Background.
    pub bg: Colour,
    /// A set of the bits [`Style::BOLD`] and following.
    pub flags: u8,
}

/// A terminal's colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Colour {
    /// That of the page.
    #[default]
    Default,
    /// One of the 256 of the palette; the first 16 follow the theme.
    Palette(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

impl Style {
    /// Bold.
    pub const BOLD: u8 = 1;
    /// Faint.
    pub const DIM: u8 = 2;
    /// Italic.
    pub const ITALIC: u8 = 4;
    /// Underlined.
    pub const UNDERLINE: u8 = 8;
    /// Foreground and background exchanged.
    pub const INVERSE: u8 = 16;
    /// Struck through.
    pub const STRIKE: u8 = 32;
    /// Concealed by the writer; shown all the same, since nothing in a log is hidden.
    pub const CONCEALED: u8 = 64;
}

/// How grave a line says it is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Level {
    /// It does not say.
    #[default]
    None,
    /// `TRACE`, or finer than debug.
    Trace,
    /// `DEBUG`.
    Debug,
    /// `INFO`, `NOTICE`.
    Info,
    /// `WARN`, `WARNING`.
    Warn,
    /// `ERROR`.
    Error,
    /// `FATAL`, `CRITICAL`, `ALERT`, `EMERG`, `PANIC`.
    Fatal,
}

/// One row of [`Rows`], its remarks gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Where it starts.
    pub position: Position,
    /// Bytes it takes in the log, its newline included.
    pub length: u64,
    /// Its number.
    pub number: Number,
    /// Its text.
    pub text: &'a str,
    /// Its level.
    pub level: Level,
    /// Bytes of the line that are not in the text; 0 for a whole line.
    pub cut: u64,
    /// Whether it continues the row before it.
    pub continued: bool,
    /// Whether its newline is still to come.
    pub unfinished: bool,
    /// Whether the program wrote it to its standard error.
    pub stderr: bool,
    /// Bytes replaced by U+FFFD.
    pub invalid: u32,
    /// NUL bytes skipped before the text.
    pub nuls: u64,
    /// Colours, ordered.
    pub styles: &'a [StyleRun],
    /// What the view's query found, ordered.
    pub hits: &'a [Hit],
    /// When the line says it was written, in nanoseconds since 1970.
    pub time: Option<i64>,
    /// Whether it belongs to the event of the row before it.
    pub within: bool,
}

impl Rows {
    /// No rows, at `start`.
    pub fn empty(start: Position) -> Self {
        let number = Number::Unknown;
        Self { start, number, text: String::new(), levels: Vec::new(), remarks: Vec::new() }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The rows in their order. Whatever a sender put into the block, this neither panics nor
    /// loops: a missing text is empty, a remark about no row is passed over.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let mut position = self.start;
        let mut number: Option<Number> = None;
        let mut texts = self.text.split('\n');
        let mut remarks = self.remarks.as_slice();
        self.levels.iter().zip(0_u32..).map(move |(&level, index)| {
            let text = texts.next().unwrap_or_default();
            let mut row = Row {
                position,
                length: text.len() as u64 + 1,
                number: self.number,
                text,
                level,
                cut: 0,
                continued: false,
                unfinished: false,
                stderr: false,
                invalid: 0,
                nuls: 0,
                styles: &[],
                hits: &[],
                time: None,
                within: false,
            };
            while let Some((remark, rest)) = remarks.split_first() {
                if remark.row > index {
                    break;
                }
                remarks = rest;
                if remark.row == index {
                    row.apply(&remark.what);
                }
            }
            if let Some(before) = number {
                row.number = if row.continued { before } else { before.next() };
            }
            number = Some(row.number);
            position = position.forward(row.length);
            row
        })
    }

    /// Says of each row whether the program wrote it to its standard error.
    pub fn set_stderr(&mut self, rows: impl IntoIterator<Item = bool>) {
        let mut rows = rows.into_iter();
        self.remark(
            |what| !matches!(what, What::Stderr),
            |_, put| {
                if rows.next() == Some(true) {
                    put(What::Stderr);
                }
            },
        );
    }

    /// Says for each row what was found in its text. What was said before is forgotten.
    pub fn mark(&mut self, mut find: impl FnMut(&str) -> Vec<Hit>) {
        self.remark(
            |what| !matches!(what, What::Hits(_)),
            |text, put| {
                let hits = find(text);
                if !hits.is_empty() {
                    put(What::Hits(hits));
                }
            },
        );
    }

    /// Says for each row when it was written, and whether it belongs to the event of the row before
    /// it. What was said before is forgotten.
    pub fn tell(&mut self, mut fact: impl FnMut(&str) -> (Option<i64>, bool)) {
        self.remark(
            |what| !matches!(what, What::Time(_) | What::Within),
            |text, put| {
                let (time, within) = fact(text);
                if let Some(time) = time {
                    put(What::Time(time));
                }
                if within {
                    put(What::Within);
                }
            },
        );
    }

    /// Keeps of the remarks what `keep` says, and adds for each row what `add` puts.
    fn remark(
        &mut self,
        keep: impl Fn(&What) -> bool,
        mut add: impl FnMut(&str, &mut dyn FnMut(What)),
    ) {
        let mut given = std::mem::take(&mut self.remarks).into_iter().peekable();
        for (index, text) in (0_u32..).zip(self.text.split('\n')).take(self.levels.len()) {
            while let Some(remark) = given.next_if(|remark| remark.row <= index) {
                if keep(&remark.what) {
                    self.remarks.push(remark);
                }
            }
            add(text, &mut |what| self.remarks.push(Remark { row: index, what }));
        }
    }

    /// Where the row after the last would start.
    pub fn end(&self) -> Position {
        self.iter().last().map_or(self.start, |row| row.end())
    }
}

impl<'a> Row<'a> {
    /// Where the next row starts.
    pub fn end(&self) -> Position {
        self.position.forward(self.length)
    }

    fn apply(&mut self, what: &'a What) {
        match what {
            What::Length(bytes) => self.length = *bytes,
            What::Cut(bytes) => self.cut = *bytes,
            What::Continued => self.continued = true,
            What::Unfinished => self.unfinished = true,
            What::Invalid(bytes) => self.invalid = *bytes,
            What::Nuls(bytes) => self.nuls = *bytes,
            What::Styles(runs) => self.styles = runs,
            What::Hits(hits) => self.hits = hits,
            What::Time(time) => self.time = Some(*time),
            What::Within => self.within = true,
            What::Stderr => self.stderr = true,
        }
    }
}

impl Number {
    /// The number of the line after this one.
    fn next(self) -> Self {
        match self {
            Self::Exact(n) => Self::Exact(n.saturating_add(1)),
            Self::Estimate(n) => Self::Estimate(n.saturating_add(1)),
            Self::Unknown => Self::Unknown,
        }
    }
}

impl Level {
    /// Whether it counts as an error.
    pub fn is_error(self) -> bool {
        self >= Self::Error
    }

    /// Its name, as queries and addresses write it.
    pub fn name(self) -> &'static str {
        crate::query::level_name(self)
    }
}

/// Puts rows into a block one after another, leaving out every remark that says nothing new.
#[derive(Debug)]
pub struct RowsBuilder {
    rows: Rows,
}

impl RowsBuilder {
    /// A block that starts at `offset` of `generation` with the line `number`.
    pub fn new(generation: GenerationId, offset: u64, number: Number) -> Self {
        let mut rows = Rows::empty(Position { generation, offset });
        rows.number = number;
        Self { rows }
    }

    /// Adds `row`. Its position and number are those that follow from the rows before it, whatever
    /// it says; a newline inside its text ends the text.
    pub fn push(&mut self, row: &Row<'_>) {
        let index = self.rows.levels.len() as u32;
        let text = row.text.split('\n').next().unwrap_or_default();
        self.rows.text.push_str(text);
        self.rows.text.push('\n');
        self.rows.levels.push(row.level);
        let mut remark = |needed: bool, what: What| {
            if needed {
                self.rows.remarks.push(Remark { row: index, what });
            }
        };
        remark(row.length != text.len() as u64 + 1, What::Length(row.length));
        remark(row.cut > 0, What::Cut(row.cut));
        remark(row.continued, What::Continued);
        remark(row.unfinished, What::Unfinished);
        remark(row.stderr, What::Stderr);
        remark(row.invalid > 0, What::Invalid(row.invalid));
        remark(row.nuls > 0, What::Nuls(row.nuls));
        remark(!row.styles.is_empty(), What::Styles(row.styles.to_vec()));
        remark(!row.hits.is_empty(), What::Hits(row.hits.to_vec()));
        if let Some(time) = row.time {
            remark(true, What::Time(time));
        }
        remark(row.within, What::Within);
    }

    /// Bytes of text so far.
    pub fn text_len(&self) -> usize {
        self.rows.text.len()
    }

    /// The block.
    pub fn finish(self) -> Rows {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GENERATION: GenerationId = GenerationId(7);

    fn row(text: &str, length: u64, cut: u64) -> Row<'_> {
        Row {
            position: Position::start(GENERATION),
            length,
            number: Number::Unknown,
            text,
            level: Level::Warn,
            cut,
            continued: false,
            unfinished: false,
            stderr: false,
            invalid: 0,
            nuls: 0,
            styles: &[],
            hits: &[],
            time: None,
            within: false,
        }
    }

    proptest! {
        #[test]
        fn rows_come_out_as_they_were_put_in(
            given in prop::collection::vec(("[a-zé ]{0,12}", 0_u64..40, 0_u64..3), 0..20),
        ) {
            let mut builder = RowsBuilder::new(GENERATION, 100, Number::Exact(5));
            for (text, length, cut) in &given {
                builder.push(&row(text, *length, *cut));
            }
            let rows = builder.finish();
            prop_assert_eq!(rows.len(), given.len());
            let mut offset = 100;
            for (index, (row, (text, length, cut))) in rows.iter().zip(&given).enumerate() {
                prop_assert_eq!(row.text, text);
                prop_assert_eq!((row.length, row.cut), (*length, *cut));
                prop_assert_eq!(row.position.offset, offset);
                prop_assert_eq!(row.number, Number::Exact(5 + index as u64));
                offset += length;
            }
            prop_assert_eq!(rows.end().offset, offset);
        }
    }

    #[test]
    fn a_plain_row_needs_no_remark() {
        let mut builder = RowsBuilder::new(GENERATION, 0, Number::Unknown);
        builder.push(&row("plain", 6, 0));
        assert!(builder.finish().remarks.is_empty());
    }

    #[test]
    fn marks_stand_beside_what_else_is_said() {
        let mut builder = RowsBuilder::new(GENERATION, 0, Number::Exact(1));
        for (text, cut) in [("one", 0), ("two", 7), ("three", 0)] {
            builder.push(&row(text, 9, cut));
        }
        let mut rows = builder.finish();
        let plain = rows.clone();
        let first = |c: char| {
            move |text: &str| match text.find(c) {
                Some(at) => vec![Hit { start: at as u32, end: at as u32 + 1 }],
                None => Vec::new(),
            }
        };
        rows.mark(first('t'));
        let hits: Vec<_> = rows.iter().map(|row| (row.hits.len(), row.cut)).collect();
        assert_eq!(hits, [(0, 0), (1, 7), (1, 0)]);
        rows.mark(first('n'));
        let hits: Vec<_> = rows.iter().map(|row| row.hits.first().map(|hit| hit.start)).collect();
        assert_eq!(hits, [Some(1), None, None]);
        rows.mark(|_| Vec::new());
        assert_eq!(rows, plain);
    }

    #[test]
    fn facts_and_marks_leave_each_other_alone() {
        let mut builder = RowsBuilder::new(GENERATION, 0, Number::Exact(1));
        for text in ["one", "\tat", "two"] {
            builder.push(&row(text, 9, 0));
        }
        let mut rows = builder.finish();
        rows.mark(|_| vec![Hit { start: 0, end: 1 }]);
        rows.tell(|text| ((!text.starts_with('\t')).then_some(5), text.starts_with('\t')));
        let told = |rows: &Rows| -> Vec<_> {
            rows.iter().map(|row| (row.hits.len(), row.time, row.within)).collect()
        };
        assert_eq!(told(&rows), [(1, Some(5), false), (1, None, true), (1, Some(5), false)]);
        rows.mark(|_| Vec::new());
        assert_eq!(told(&rows), [(0, Some(5), false), (0, None, true), (0, Some(5), false)]);
        rows.tell(|_| (None, false));
        assert_eq!(told(&rows), [(0, None, false); 3]);
    }

    #[test]
    fn a_block_that_lies_is_read_without_a_panic() {
        let mut rows = Rows::empty(Position { generation: GENERATION, offset: u64::MAX });
        rows.levels = vec![Level::None; 3];
        rows.text = "one".into();
        rows.remarks = vec![
            Remark { row: 9, what: What::Continued },
            Remark { row: 0, what: What::Length(u64::MAX) },
        ];
        assert_eq!(rows.iter().count(), 3);
    }
}
