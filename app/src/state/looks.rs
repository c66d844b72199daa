//! How a reader wants lines drawn: kept by the browser, the same for all logs.

use super::shape::{Beside, Shape};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) wrap: bool,
    pub(crate) fold: bool,
    pub(crate) collapse: bool,
    pub(crate) beside: Beside,
    pub(crate) timeline: bool,
    /// Whether the sources are out of the way.
    pub(crate) folded_side: bool,
}

impl Default for Looks {
    fn default() -> Self {
        let beside = Beside::Nothing;
        Self {
            wrap: false,
            fold: true,
            collapse: false,
            beside,
            timeline: false,
            folded_side: false,
        }
    }
}

impl Looks {
    /// The shape of lines where `columns` characters fit into a row.
    pub(crate) fn shape(&self, columns: u16) -> Shape {
        let beside = u16::from(self.beside != Beside::Nothing) * Beside::COLUMNS;
        let columns = if self.wrap { columns.saturating_sub(beside).max(10) } else { 0 };
        Shape { columns, fold: self.fold, collapse: self.collapse, beside: self.beside }
    }

    /// As words, of which those that say nothing new are left out.
    pub(crate) fn print(&self) -> String {
        let beside = match self.beside {
            Beside::Nothing => "",
            Beside::Delta => "delta",
            Beside::Local => "local",
            Beside::Utc => "utc",
        };
        let words = [
            (self.wrap, "wrap"),
            (!self.fold, "unfold"),
            (self.collapse, "collapse"),
            (self.timeline, "timeline"),
            (self.folded_side, "noside"),
            (!beside.is_empty(), beside),
        ];
        let said: Vec<&str> = words.into_iter().filter(|word| word.0).map(|word| word.1).collect();
        said.join(" ")
    }

    pub(crate) fn parse(text: &str) -> Self {
        let has = |word: &str| text.split(' ').any(|own| own == word);
        Self {
            wrap: has("wrap"),
            fold: !has("unfold"),
            collapse: has("collapse"),
            timeline: has("timeline"),
            folded_side: has("noside"),
            beside: match () {
                () if has("delta") => Beside::Delta,
                () if has("local") => Beside::Local,
                () if has("utc") => Beside::Utc,
                () => Beside::Nothing,
            },
        }
    }
}

impl Beside {
    /// Characters that what stands beside a line takes.
    pub(crate) const COLUMNS: u16 = 14;

    pub(crate) fn next(self) -> Self {
        match self {
            Self::Nothing => Self::Delta,
            Self::Delta => Self::Local,
            Self::Local => Self::Utc,
            Self::Utc => Self::Nothing,
        }
    }

    /// The name that the style sheet knows it by.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Delta => Some("delta"),
            Self::Local => Some("local"),
            Self::Utc => Some("utc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_read_as_they_were_written() {
        for wrap in [false, true] {
            for beside in [Beside::Nothing, Beside::Delta, Beside::Local, Beside::Utc] {
                let looks = Looks { wrap, beside, fold: !wrap, ..Looks::default() };
                assert_eq!(Looks::parse(&looks.print()), looks);
            }
        }
        assert_eq!(Looks::parse(""), Looks::default());
        assert_eq!(Looks::default().print(), "");
    }
}
