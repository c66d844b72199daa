//! A range of a log: from a line or a position on or back, so many lines or to another position.
//!
//! | address | what |
//! |---|---|
//! | `line=481993&n=50` | fifty lines from that number on, of the current generation |
//! | `line=481993&n=-50` | the fifty before it |
//! | `from=9f3a01c2:18842711&n=50` | fifty lines from a position on; with a minus those before |
//! | `from=start` | everything there is, what was rotated away included |
//! | `from=…&to=…` | from one position to before another |
//!
//! With `n` an answer is bounded, also in bytes, and its `Link` says where what follows begins and
//! what stands before. Without, it is a stream. Times are no ranges but conditions on lines, and
//! are not read here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tailwater_engine::counts::LineStart;
use tailwater_engine::history::History;
use tailwater_engine::window;
use tailwater_protocol::query::When;
use tailwater_protocol::{Bookmark, GenerationId, Position};
use tokio::time::timeout;

use super::events::form_values;
use super::form::Form;
use super::{SharedState, guard, plain, records, text};
use crate::auth::Pass;
use crate::feed::{Asked, Feed, LineFeed, Piece, Recorder, pairs};
use crate::log::Log;

/// Lines of a bounded answer: some megabytes of memory, and half a second of reading.
const MAX_LINES: u64 = 10_000;

/// Bytes of lines after which a bounded answer ends with the line that is under way.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long a line's number is waited for while the log is being counted.
const COUNTING: Duration = Duration::from_secs(20);

/// What an address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    start: Start,
    lines: Option<Few>,
    to: Option<Position>,
    follow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    Line(u64),
    /// At the beginning of everything there is.
    First,
    /// As it was written: it may be a bookmark.
    Place(String),
}

/// So many lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Few {
    After(u64),
    Before(u64),
}

impl Range {
    /// The range that `query` asks for. `None`: none, but lines from the end, or all from a place.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub(super) fn parse(query: &str) -> Result<Option<Self>, &'static str> {
        let last = |name| form_values(query, name).pop();
        let line = last("line").map(|line| line.parse().ok().filter(|&line: &u64| line > 0));
        let line = match line {
            Some(None) => return Err("`line` is the number of a line, counted from 1\n"),
            Some(line) => line,
            None => None,
        };
        // Times are conditions on lines, and may stand beside.
        let place = |name: &str| {
            let mut places = form_values(query, name).into_iter();
            places.rfind(|place| place == START || is_place(place))
        };
        let (from, to) = (place("from"), place("to"));
        let follow = last("follow").is_some_and(|on| on != "0") || bare(query, "follow");
        let few = last("n");
        let start = match (line, from) {
            (Some(_), Some(_)) => {
                return Err("`line` and `from` both say where to begin; name one\n");
            }
            (Some(line), None) => Start::Line(line),
            (None, Some(from)) if from == START => Start::First,
            (None, Some(from)) if to.is_some() || (few.is_some() && !follow) => Start::Place(from),
            (None, None) if to.is_some() => {
                return Err("`to` ends a range that `from` or `line` begins; name one of them\n");
            }
            (None, None) if few.as_ref().is_some_and(|few| few.starts_with('-')) => {
                return Err(
                    "`n` with a minus is lines before `line` or `from`; name one of them\n",
                );
            }
            (None, _) => return Ok(None),
        };
        if follow && to.is_some() {
            return Err("`follow` has no end, and `to` is one; leave one of them out\n");
        }
        let lines = few.filter(|_| !follow).map(|few| Few::parse(&few)).transpose()?;
        if matches!(lines, Some(Few::Before(_))) && to.is_some() {
            return Err(
                "`n` with a minus goes back, and `to` stands ahead; leave one of them out\n",
            );
        }
        let to = to.map(|to| position(&to).ok_or(PLACE)).transpose()?;
        Ok(Some(Self { start, lines, to, follow }))
    }
}

/// What is said for the beginning of everything there is.
const START: &str = "start";

const PLACE: &str = "`from` and `to` are positions such as 9f3a01c2:18842711\n";

impl Few {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (text, few): (_, fn(u64) -> Self) = match text.strip_prefix('-') {
            Some(text) => (text, Self::Before),
            None => (text, Self::After),
        };
        let number = text.parse().ok().filter(|number| (1..=MAX_LINES).contains(number));
        number.map(few).ok_or("`n` is 1 to 10000 lines in a range, with a minus those before it\n")
    }
}

/// Whether `text` is a position rather than a time: `10:30` could be one of a generation that
/// nobody has ever had.
fn is_place(text: &str) -> bool {
    When::parse(text).is_none() && position(text).is_some()
}

/// The first position of a place as it was given out.
fn position(text: &str) -> Option<Position> {
    let first = text.split(',').next()?;
    let bookmark = first.parse().map(|bookmark: Bookmark| bookmark.position);
    bookmark.or_else(|_| first.parse()).ok()
}

/// Whether `query` has `name` without a value.
fn bare(query: &str, name: &str) -> bool {
    query.split('&').any(|part| part == name)
}

/// The lines of `range`.
pub(super) async fn answer(
    shared: &SharedState,
    log: &Arc<Log>,
    query: &str,
    range: Range,
    form: Form,
    pass: Pass,
) -> Response {
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return text::full();
    };
    let _watching = shared.logs.attend(log).await;
    let from = match begin(shared, log, &range).await {
        Ok(from) => from,
        Err(refusal) => return refusal,
    };
    // What is left of the address: the filter, and what the form knows.
    let rest = without(query);
    let mut asked = match Asked::parse(&rest, Asked::last(0, range.follow)) {
        Ok(asked) => asked,
        Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
    };
    if !asked.filter.is_empty() && matches!(range.lines, Some(Few::Before(_))) {
        return plain(
            StatusCode::BAD_REQUEST,
            "`n` with a minus counts all lines, and a filter picks some; leave one of them out\n",
        );
    }
    if let Some(from) = &from {
        let Some(places) = Asked::places(from) else {
            return plain(StatusCode::BAD_REQUEST, PLACE);
        };
        asked.from = places;
    }
    let first = from.as_deref().and_then(position);
    let feed = match Feed::begin(shared, log, &asked, pass).await {
        Ok(feed) => LineFeed::new(feed),
        Err(refused) => return text::refuse(log, refused),
    };
    if let Some(to) = range.to
        && history(log).get(to.generation).is_none()
    {
        return plain(StatusCode::GONE, "`to` is not in this log any more\n");
    }
    let lines = range.lines.map(|(Few::After(lines) | Few::Before(lines))| lines);
    let feed = Bounded {
        feed,
        lines,
        to: range.to,
        order: History::default(),
        more: None,
        reached: false,
    };
    match (lines, form) {
        (None, Form::Records) => records::stream(shared, log, feed, permit, records::pace(query)),
        (None, _) => text::stream(feed, permit),
        (Some(lines), form) => page(shared, log, feed, form, (first, lines), &rest).await,
    }
}

/// Where the range begins, as it is said to a feed. `None`: nothing is there yet, and what comes is
/// read from its start.
async fn begin(
    shared: &SharedState,
    log: &Arc<Log>,
    range: &Range,
) -> Result<Option<String>, Response> {
    let from = match &range.start {
        Start::Place(place) => place.clone(),
        Start::Line(number) => line(shared, log, *number).await?.to_string(),
        Start::First => {
            // What was rotated away before anybody looked may still be on its way.
            log.archives().settle(log).await;
            match history(log).generations.first() {
                Some(first) => first.start().to_string(),
                None => return Ok(None),
            }
        }
    };
    let Some(Few::Before(lines)) = range.lines else { return Ok(Some(from)) };
    let Some(at) = position(&from) else { return Err(plain(StatusCode::BAD_REQUEST, PLACE)) };
    let history = history(log);
    let before = shared.reader.run(move || window::lines_before(&history, at, lines)).await;
    match before {
        Ok(Some(before)) => Ok(Some(before.to_string())),
        Ok(None) => Err(text::refuse(log, crate::feed::Refused::Gone)),
        Err(error) => Err(text::refuse(log, crate::feed::Refused::Failed(error))),
    }
}

/// Where line `number` of the current generation begins; waits for it to be counted.
async fn line(shared: &SharedState, log: &Arc<Log>, number: u64) -> Result<Position, Response> {
    let mut published = log.subscribe();
    let find = async {
        loop {
            published.mark_unchanged();
            let found = look_for(shared, log, number).await?;
            match found {
                Some((generation, LineStart::At(offset))) => {
                    return Ok(Ok(Position { generation, offset }));
                }
                Some((_, LineStart::Beyond)) | None => {
                    return Ok(Err(plain(
                        StatusCode::NOT_FOUND,
                        "`line` is beyond the last line of the current generation\n",
                    )));
                }
                Some((_, LineStart::About(_) | LineStart::Unknown)) => {}
            }
            published.changed().await.map_err(io::Error::other)?;
        }
    };
    match timeout(COUNTING, find).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Err(text::refuse(log, crate::feed::Refused::Failed(error))),
        Err(_late) => {
            let mut response = guard::refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "the lines of this log are being counted, and that one has not been reached yet; ask again, or use a position\n",
            );
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            Err(response)
        }
    }
}

async fn look_for(
    shared: &SharedState,
    log: &Arc<Log>,
    number: u64,
) -> io::Result<Option<(GenerationId, LineStart)>> {
    let (reader, log) = (shared.reader.clone(), Arc::clone(log));
    let look = move || {
        let history = history(&log);
        reader.count_on(&log, &history)?;
        let Some(last) = history.generations.last() else { return Ok(None) };
        let counts = log.counts(last.id);
        let found = counts.line_start(last.file.as_ref(), last.bytes, number)?;
        let found = match found {
            // The end is the start of no line, yet.
            LineStart::At(at) if at >= last.bytes => LineStart::Beyond,
            found => found,
        };
        Ok(Some((last.id, found)))
    };
    shared.reader.run(look).await
}

/// An answer that is bounded, with links to what is beside it.
async fn page(
    shared: &SharedState,
    log: &Arc<Log>,
    mut feed: Bounded,
    form: Form,
    (first, lines): (Option<Position>, u64),
    rest: &str,
) -> Response {
    let mut pieces = Vec::new();
    let mut bytes = 0;
    while bytes < MAX_BYTES
        && let Some(more) = feed.next().await
    {
        let size = |piece: &Piece| if let Piece::Line(line) = piece { line.bytes.len() } else { 0 };
        bytes += more.iter().map(size).sum::<usize>();
        pieces.extend(more);
    }
    let last = pieces.iter().rev().find_map(|piece| match piece {
        Piece::Line(line) => Some(line.id.clone()),
        _ => None,
    });
    let next = match feed.has_more().await {
        true => last,
        false => None,
    };
    let body = match form {
        Form::Records => match Recorder::new(log, &shared.reader).write(pieces).await {
            Ok(body) => body,
            Err(error) => return text::refuse(log, crate::feed::Refused::Failed(error)),
        },
        _ => text::written(&pieces),
    };
    let mut response = match form {
        Form::Records => records::answer(Body::from(body)),
        _ => text::text_of(Body::from(body)),
    };
    let start = history(log).generations.iter().find(|g| !g.is_empty()).map(|g| g.start());
    // Those before are not counted off by a filter.
    let filtered = !tailwater_protocol::Filter::of_address(pairs(rest)).is_empty();
    let first = first.filter(|_| !filtered);
    let before = first.filter(|first| start != Some(*first)).map(|first| first.to_string());
    let link = |from: String, minus: &str, rel: &str| {
        let and = if rest.is_empty() { "" } else { "&" };
        format!("<?{rest}{and}from={from}&n={minus}{lines}>; rel=\"{rel}\"")
    };
    let links = next.map(|next| link(next, "", "next"));
    let links = links.into_iter().chain(before.map(|before| link(before, "-", "prev")));
    for link in links {
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().append(header::LINK, link);
        }
    }
    response.into_response()
}

/// `query` without what says where and how many: what is left holds for every range.
fn without(query: &str) -> String {
    let kept = query.split('&').filter(|part| {
        let name = part.split('=').next().unwrap_or_default();
        let place = || {
            let values = form_values(part, name);
            values.iter().all(|value| value == START || is_place(value))
        };
        let own = matches!(name, "line" | "n" | "follow");
        let own = own || matches!(name, "from" | "to") && place();
        !(part.is_empty() || own)
    });
    kept.collect::<Vec<_>>().join("&")
}

fn history(log: &Log) -> History {
    log.known().map(|known| known.history).unwrap_or_default()
}

/// A feed of lines that ends before its log does.
pub(super) struct Bounded {
    feed: LineFeed,
    /// Lines that may still be given.
    lines: Option<u64>,
    to: Option<Position>,
    /// The history as it was last asked for an order.
    order: History,
    /// Whether something was held back; `None` until that is known.
    more: Option<bool>,
    /// Whether it came to where it is to end.
    reached: bool,
}

impl Bounded {
    /// All that `feed` gives.
    pub(super) fn all(feed: LineFeed) -> Self {
        Self { feed, lines: None, to: None, order: History::default(), more: None, reached: false }
    }

    /// Whether it ended before all was given.
    pub(super) fn broke_off(&self) -> bool {
        !self.reached && self.lines != Some(0) && self.feed.broke_off()
    }

    /// What comes next; `None` when nothing will.
    pub(super) async fn next(&mut self) -> Option<Vec<Piece>> {
        if self.more.is_some() || self.lines == Some(0) {
            return None;
        }
        let Some(mut pieces) = self.feed.next().await else {
            self.more = Some(false);
            return None;
        };
        let mut taken = 0;
        for piece in &pieces {
            if let Piece::Line(line) = piece {
                if line.at.is_some_and(|at| self.is_past(at)) {
                    (self.more, self.reached) = (Some(false), true);
                    break;
                }
                // The rest of a line belongs to its beginning.
                if !line.continued {
                    if self.lines == Some(0) {
                        self.more = Some(true);
                        break;
                    }
                    self.lines = self.lines.map(|lines| lines - 1);
                }
            }
            taken += 1;
        }
        pieces.truncate(taken);
        (!pieces.is_empty()).then_some(pieces)
    }

    /// Whether lines stand behind what was given.
    async fn has_more(&mut self) -> bool {
        while self.more.is_none() {
            let Some(pieces) = self.feed.next().await else { break };
            for piece in pieces {
                if let Piece::Line(line) = piece {
                    return !line.at.is_some_and(|at| self.is_past(at));
                }
            }
        }
        self.more == Some(true)
    }

    /// Whether `at` stands at the end of the range or behind it.
    fn is_past(&mut self, at: Position) -> bool {
        let Some(to) = self.to else { return false };
        if at.generation == to.generation {
            return at.offset >= to.offset;
        }
        if self.order.get(at.generation).is_none() {
            self.order = history(self.feed.log());
        }
        let index = |position: Position| self.order.index(position.generation);
        index(at).zip(index(to)).is_some_and(|(at, to)| at > to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_range_or_what_is_wrong_with_it() {
        for query in ["", "n=5", "n=5&follow=1&from=9f3a01c2:7", "from=9f3a01c2:7", "from=-15m&n=7"]
        {
            assert_eq!(Range::parse(query), Ok(None), "{query}");
        }
        let range = |query| Range::parse(query).expect("sound").expect("a range");
        assert_eq!(
            range("line=7&n=-50&format=ndjson"),
            Range { start: Start::Line(7), lines: Some(Few::Before(50)), to: None, follow: false }
        );
        let to = Some(Position { generation: GenerationId(0x9f3a), offset: 9 });
        let start = Start::Place("9f3a:1".to_owned());
        assert_eq!(
            range("from=9f3a%3A1&to=9f3a%3a9"),
            Range { start, lines: None, to, follow: false }
        );
        assert!(range("line=7&follow=1").follow);
        for (query, named) in [
            ("line=0", "`line`"),
            ("line=x", "`line`"),
            ("line=1&n=0", "`n`"),
            ("line=1&n=10001", "`n`"),
            ("line=1&n=-", "`n`"),
            ("n=-5", "`n`"),
            ("to=9f3a:9", "`to`"),
            ("line=1&from=9f3a:1", "`from`"),
            ("line=1&to=9f3a:9&follow=1", "`follow`"),
            ("from=9f3a:1&to=9f3a:9&n=-3", "`n`"),
        ] {
            let wrong = Range::parse(query).expect_err(query);
            assert!(wrong.contains(named), "{query}: {wrong}");
        }
    }

    #[test]
    fn an_address_goes_on_with_all_but_the_range() {
        let rest =
            without("f=5xx&line=7&n=50&from=9f3a:1&to=12:30&format=ndjson&follow&from=start");
        assert_eq!(rest, "f=5xx&to=12:30&format=ndjson");
    }
}
