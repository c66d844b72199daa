//! Queries: any text is one or is pointed at; printed it means the same; and lines that are looked
//! at together match as they do one by one.

use std::ops::ControlFlow;
use std::sync::Arc;

use tailwater_engine::encoding::Encoding;
use tailwater_engine::query::{Before, Facts, Found, LogFacts, Matcher, Pace, Searcher};
use tailwater_engine::scan::{Direction, Order, Scan, Step, Worked, next};
use tailwater_protocol::Position;
use tailwater_protocol::query::{Expr, Now, Query, QueryError, Zone};

use crate::file::{encoding, lines, log};

const NOW: Now = Now { nanos: 1_795_257_127_000_000_000, zone: Zone(60) };

pub fn query(data: &[u8]) {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let bytes = parts.next().unwrap_or_default();
    let query = match Query::parse(&text) {
        Ok(query) => query,
        Err(error) => return pointed_at(&text, &error),
    };
    let printed = query.to_string();
    let again = Query::parse(&printed);
    let again = again.unwrap_or_else(|error| panic!("`{text}` is printed `{printed}`: {error}"));
    assert_eq!(again, query, "`{text}` is printed `{printed}`");
    let matcher = match Matcher::new(&query, NOW) {
        Ok(matcher) => Arc::new(matcher),
        Err(error) => return pointed_at(&text, &error),
    };
    marks(&matcher, &String::from_utf8_lossy(bytes));
    lines_match(&query, &matcher, bytes);
}

fn pointed_at(text: &str, error: &QueryError) {
    let (start, end) = (error.at.start as usize, error.at.end as usize);
    assert!(text.get(start..end).is_some(), "{start}..{end} of `{text}`: {error}");
    assert!(!error.to_string().is_empty());
}

fn marks(matcher: &Matcher, text: &str) {
    let mut before = 0;
    for range in matcher.highlights(text, 50) {
        assert!(range.start >= before && range.start < range.end, "ordered, and not empty");
        assert!(text.get(range.clone()).is_some(), "{range:?} is no part of the text");
        before = range.end;
    }
}

/// There is nothing before.
struct Nothing;

impl Before for Nothing {
    fn time_before(&mut self, _: &dyn Facts, _: u64, _: u64) -> Option<(u64, i64)> {
        None
    }
}

fn searcher(matcher: &Arc<Matcher>) -> Searcher {
    Searcher::new(Arc::clone(matcher), Arc::new(LogFacts::default()))
}

/// Where those of `bytes` begin that match.
fn search(searcher: &mut Searcher, bytes: &[u8], at: usize, found: &mut Vec<u64>) {
    let mut pace = Pace::new(&|| false);
    let how = searcher.search(bytes, at as u64, &mut Nothing, &mut pace, &mut |at| {
        found.push(at);
        ControlFlow::Continue(())
    });
    assert_eq!(how, Found::All);
}

fn lines_match(query: &Query, matcher: &Arc<Matcher>, bytes: &[u8]) {
    let (mut together, mut alone, mut others, mut all) = (vec![], vec![], vec![], vec![]);
    search(&mut searcher(matcher), bytes, 0, &mut together);
    let not = Query { expr: Expr::Not(Box::new(query.expr.clone())) };
    let not = Arc::new(Matcher::new(&not, NOW).expect("as large as the other"));
    search(&mut searcher(&not), bytes, 0, &mut others);
    let (mut one, mut at) = (searcher(matcher), 0);
    for line in lines(bytes) {
        all.push(at as u64);
        search(&mut one, line, at, &mut alone);
        at += line.len();
    }
    assert_eq!(together, alone, "`{query}`: together and one by one");
    let mut both = [together.as_slice(), others.as_slice()].concat();
    both.sort_unstable();
    assert_eq!(both, all, "`{query}`: a line matches or it does not");
    // What is searched of a log in UTF-16 is its text, and not these bytes.
    if encoding(bytes) == Encoding::Utf8 {
        scanned(matcher, bytes, &together);
    }
}

/// A scan of the log finds the same, and so does who goes from one to the next.
fn scanned(matcher: &Arc<Matcher>, bytes: &[u8], expected: &[u64]) {
    let history = log(bytes);
    let facts: Arc<dyn Facts> = Arc::new(LogFacts::default());
    let scan = Scan::new(Arc::clone(matcher), facts, &history, Order::Newest);
    let mut worker = scan.worker();
    assert_eq!(scan.work(&mut worker, &|| false).expect("in memory"), Worked::Nothing);
    assert_eq!(scan.progress().matches, expected.len() as u64);
    let generation = history.generations[0].id;
    let mut at = Position { generation, offset: 0 };
    for &expected in expected.iter().take(20) {
        let budget = 1 + expected % 700;
        let found = loop {
            let way = Direction::Forward;
            match next(&mut worker, &history, at, way, budget, &|| false).expect("in memory") {
                Step::Onward(on) => at = on,
                Step::At(found) => break Some(found.offset),
                Step::Nothing => break None,
            }
        };
        assert_eq!(found, Some(expected));
        at.offset = expected + 1;
    }
}
