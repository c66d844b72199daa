//! What a keeper says of the command it kept: one line of text.

use std::fmt;

use tailwater_protocol::Ending;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    /// It runs, as this process and group.
    Started(i32),
    Exited(i32),
    Killed(i32),
    /// It could not be started: why.
    Failed(String),
}

impl Report {
    pub(super) fn read(line: &str) -> Option<Self> {
        let (what, rest) = line.trim_end().split_once(' ')?;
        Some(match what {
            "started" => Self::Started(rest.parse().ok()?),
            "exit" => Self::Exited(rest.parse().ok()?),
            "signal" => Self::Killed(rest.parse().ok()?),
            "failed" => Self::Failed(rest.to_owned()),
            _ => return None,
        })
    }

    /// How the command has ended, if it has.
    pub(super) fn ending(&self) -> Option<Ending> {
        match self {
            Self::Started(_) => None,
            Self::Exited(code) => Some(Ending::Exited(*code)),
            Self::Killed(signal) => Some(Ending::Killed(*signal)),
            Self::Failed(_) => Some(Ending::Failed),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(process) => write!(f, "started {process}"),
            Self::Exited(code) => write!(f, "exit {code}"),
            Self::Killed(signal) => write!(f, "signal {signal}"),
            Self::Failed(why) => write!(f, "failed {}", why.replace('\n', " ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        for report in [
            Report::Started(7),
            Report::Exited(101),
            Report::Killed(9),
            Report::Failed("no such file".into()),
        ] {
            assert_eq!(Report::read(&format!("{report}\n")), Some(report));
        }
        for line in ["", "exit", "exit x", "left 1"] {
            assert_eq!(Report::read(line), None, "{line}");
        }
    }
}
