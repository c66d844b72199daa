//! What the server tells the page at once, so that both draw the same first picture.
//!
//! It travels inside the page as text that is no script. It holds no line of a log: those stand in
//! the page as text, and come again over the socket.

use serde::{Deserialize, Serialize};
use tailwater_protocol::{LogName, Source, wire};

/// Sources that go into the page itself. The socket brings them all a moment later; a page of a
/// machine with ten thousand logs must not weigh a megabyte before that.
#[cfg(any(feature = "ssr", test))]
const SOURCES: usize = 200;

/// What a page begins with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Boot {
    /// The path that stands before all addresses: empty or `/logs`, without a slash at its end.
    pub base: String,
    /// Which build of the page this is.
    pub build: String,
    /// The version that a person reads.
    pub version: String,
    /// The log that the address names.
    pub log: Option<LogName>,
    /// The sources, as far as the page holds them at first.
    pub sources: Vec<Source>,
    /// Light, dark, or as the system has it.
    pub theme: Theme,
    /// The query string of the address, without its question mark.
    pub address: String,
}

/// Light, dark, of high contrast, or as the system has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// Black and white, with lines around what can be pressed.
    Contrast,
}

impl Theme {
    /// The name that the cookie and the page's root element bear.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Contrast => "contrast",
        }
    }

    /// The theme of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::System, Self::Light, Self::Dark, Self::Contrast];
        all.into_iter().find(|theme| theme.name() == name)
    }

    /// The one that follows when the switch is pressed.
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Contrast,
            Self::Contrast => Self::System,
        }
    }
}

impl Boot {
    /// Leaves of the sources what fits into a page, the log's own among them.
    #[cfg(any(feature = "ssr", test))]
    pub(crate) fn trim(&mut self) {
        if self.sources.len() > SOURCES {
            let own =
                self.sources.iter().position(|source| Some(&source.name) == self.log.as_ref());
            let own = own.filter(|&at| at >= SOURCES);
            if let Some(at) = own {
                self.sources.swap(SOURCES - 1, at);
            }
            self.sources.truncate(SOURCES);
        }
    }

    /// As text for an attribute of the page: base64 needs no escaping anywhere.
    #[cfg(any(feature = "ssr", test))]
    pub(crate) fn to_text(&self) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for group in wire::encode(self).chunks(3) {
            let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..=group.len() {
                let index = (bits >> (18 - 6 * digit)) & 63;
                text.push(DIGITS[index as usize].into());
            }
        }
        text
    }

    /// Out of such text; `None` when it is none, as when another build wrote it.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
        let (mut bits, mut held) = (0_u32, 0_u32);
        for digit in text.bytes() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
            held += 6;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held) as u8);
            }
        }
        wire::decode(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailwater_protocol::LogState;

    fn source(name: String) -> Source {
        Source {
            name: LogName(name),
            state: LogState::Live,
            bytes: 7,
            written: None,
            command: None,
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for length in 0..9 {
            let boot = Boot {
                base: "x".repeat(length),
                log: Some(LogName("nginx/</script>\u{2028}.log".into())),
                sources: vec![source("a".into())],
                theme: Theme::Dark,
                ..Boot::default()
            };
            assert_eq!(Boot::from_text(&boot.to_text()), Some(boot));
        }
        assert_eq!(Boot::from_text("no text of ours"), None);
    }

    #[test]
    fn a_trimmed_list_keeps_the_log_of_the_page() {
        let sources = (0..10_000).map(|n| source(n.to_string())).collect();
        let mut boot = Boot { log: Some(LogName("9999".into())), sources, ..Boot::default() };
        boot.trim();
        assert_eq!(boot.sources.len(), SOURCES);
        assert!(boot.sources.iter().any(|source| source.name.as_str() == "9999"));
    }
}
