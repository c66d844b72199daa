//! Addresses of the page, and what they mean. A log is named, never a path of the server; the
//! fragment holds the place, which the server needs not know.

use tailwater_protocol::{Anchor, LogName, Position};

use super::view::cursor::{Chosen, End};

/// What the address says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Address {
    pub(crate) log: Option<LogName>,
    /// The query string, without its question mark, as it came.
    pub(crate) query: String,
    pub(crate) place: Option<Place>,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Position(Position),
    Line(u64),
    /// Lines from the one to the other.
    Stretch(Position, Position),
    Lines(u64, u64),
}

impl Place {
    /// What is chosen by it, if it is more than a line.
    pub(crate) fn chosen(self) -> Option<Chosen> {
        match self {
            Self::Position(_) | Self::Line(_) => None,
            Self::Stretch(from, to) => {
                Some(Chosen { from: End::At(from, None), to: End::At(to, None) })
            }
            Self::Lines(from, to) => Some(Chosen { from: End::Number(from), to: End::Number(to) }),
        }
    }

    pub(crate) fn anchor(self) -> Anchor {
        match self {
            Self::Position(position) | Self::Stretch(position, _) => Anchor::At(position),
            Self::Line(line) | Self::Lines(line, _) => Anchor::Line(line),
        }
    }
}

impl Address {
    /// Reads the parts of an address. `path` is what follows the base; a fragment that is none of
    /// ours means no place.
    pub(crate) fn parse(path: &str, query: &str, fragment: &str) -> Self {
        let name = path.strip_prefix("/s/").filter(|name| !name.is_empty());
        Self {
            log: name.map(|name| LogName(decode(name))),
            query: query.strip_prefix('?').unwrap_or(query).to_owned(),
            place: place(fragment.strip_prefix('#').unwrap_or(fragment)),
        }
    }

    /// The address as text, under `base`.
    pub(crate) fn print(&self, base: &str) -> String {
        let mut text = base.to_owned();
        match &self.log {
            Some(log) => text.push_str(&log_path(log)),
            None => text.push('/'),
        }
        if !self.query.is_empty() {
            text.push('?');
            text.push_str(&self.query);
        }
        match self.place {
            Some(Place::Position(position)) => text.push_str(&fragment(position)),
            Some(Place::Line(line)) => text.push_str(&format!("#L{line}")),
            Some(Place::Stretch(from, to)) => text.push_str(&format!("#@{from}-{to}")),
            Some(Place::Lines(from, to)) => text.push_str(&format!("#L{from}-{to}")),
            None => {}
        }
        text
    }
}

/// What `query` says for `name`, the first time that it says something.
pub(crate) fn get(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode(&value.replace('+', " ")))
    })
}

/// `query` saying `value` for `name`, and nothing when that is empty. The rest stays as it is.
pub(crate) fn with(query: &str, name: &str, value: &str) -> String {
    let others = query.split('&').filter(|pair| {
        !pair.is_empty() && pair.split_once('=').map_or(*pair, |(key, _)| key) != name
    });
    let own = (!value.is_empty()).then(|| [name, "=", &encode(value)].concat());
    let pairs: Vec<_> = own.as_deref().into_iter().chain(others).collect();
    pairs.join("&")
}

/// All that `query` says, name by name.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key, decode(&value.replace('+', " ")))
    })
}

/// `query` saying these `pairs`, and nothing else for any of `names`.
pub(crate) fn with_all(query: &str, names: &[&str], pairs: Vec<(&str, String)>) -> String {
    let key = |pair: &str| pair.split_once('=').map_or(pair, |(key, _)| key).to_owned();
    let others =
        query.split('&').filter(|pair| !pair.is_empty() && !names.contains(&key(pair).as_str()));
    let own = pairs.iter().map(|(name, value)| [name, "=", &encode(value)].concat());
    others.map(str::to_owned).chain(own).collect::<Vec<_>>().join("&")
}

/// The fragment that leads to `position`.
pub(crate) fn fragment(position: Position) -> String {
    format!("#@{position}")
}

/// The path of a log, each segment of its name encoded.
pub(crate) fn log_path(log: &LogName) -> String {
    "/s/".to_owned() + &encode(log.as_str())
}

/// `text` with everything encoded that could mean something in an address, but the slash.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(byte.into()),
            b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b',' => encoded.push(byte.into()),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                encoded.push('%');
                encoded.push(HEX[usize::from(byte >> 4)].into());
                encoded.push(HEX[usize::from(byte & 15)].into());
            }
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn place(fragment: &str) -> Option<Place> {
    if let Some(positions) = fragment.strip_prefix('@') {
        let (from, to) = positions.split_once('-').unwrap_or((positions, ""));
        let from = from.parse().ok()?;
        return Some(to.parse().map_or(Place::Position(from), |to| Place::Stretch(from, to)));
    }
    let lines = fragment.strip_prefix('L')?;
    let (from, to) = lines.split_once('-').unwrap_or((lines, ""));
    let number = |text: &str| text.parse().ok().filter(|line: &u64| *line > 0);
    let from = number(from)?;
    Some(number(to).map_or(Place::Line(from), |to| Place::Lines(from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailwater_protocol::GenerationId;

    proptest! {
        #[test]
        fn an_address_is_read_as_it_was_printed(
            name in "\\PC{1,20}", generation: u32, offset: u64, base in "(/[a-z]{1,5})?",
        ) {
            let position = Position { generation: GenerationId(generation), offset };
            let address = Address {
                log: Some(LogName(name)),
                query: "n=5".into(),
                place: Some(Place::Position(position)),
            };
            let text = address.print(&base);
            prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()));
            let (path, rest) = text.split_once('?').expect("a query");
            let (query, fragment) = rest.split_once('#').expect("a fragment");
            let path = path.strip_prefix(&base).expect("the base");
            prop_assert_eq!(Address::parse(path, query, fragment), address);
        }

        #[test]
        fn no_address_breaks_the_parser(path in "\\PC{0,30}", fragment in "\\PC{0,30}") {
            let _any = Address::parse(&path, "", &fragment);
        }
    }

    #[test]
    fn a_query_is_read_and_changed_without_touching_the_rest() {
        let query = with("n=5&follow=1", "q", "a & b=c+d é");
        assert_eq!(get(&query, "q").as_deref(), Some("a & b=c+d é"));
        assert_eq!(with(&query, "q", ""), "n=5&follow=1");
        assert_eq!(get("q=time+out", "q").as_deref(), Some("time out"));
        assert_eq!((get("n=5", "q"), with("", "q", "")), (None, String::new()));
    }

    #[test]
    fn places_are_read() {
        for (fragment, expected) in [
            ("#L481993", Some(Place::Line(481_993))),
            ("#L5-9", Some(Place::Lines(5, 9))),
            ("#L5-", Some(Place::Line(5))),
            ("#L0", None),
            ("#L", None),
            ("#L-3", None),
            ("#@9f3a", None),
            ("#elsewhere", None),
            ("", None),
        ] {
            assert_eq!(Address::parse("/s/a", "", fragment).place, expected, "{fragment}");
        }
    }

    #[test]
    fn a_name_keeps_its_slashes_and_hides_everything_else() {
        let name = LogName("nginx/a b?#%2F<é>.log".into());
        assert_eq!(log_path(&name), "/s/nginx/a%20b%3F%23%252F%3C%C3%A9%3E.log");
        let path = log_path(&name);
        assert_eq!(Address::parse(&path, "", "").log, Some(name));
    }

    #[test]
    fn the_root_is_no_log() {
        assert_eq!(Address::parse("/", "", ""), Address::default());
        assert_eq!(Address::default().print("/logs"), "/logs/");
    }
}
