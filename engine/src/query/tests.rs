//! Searching many lines at once, held against asking each line in the plainest way.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;
use tailwater_protocol::Level;
use tailwater_protocol::query::{
    Beside, Case, Expr, Now, Number, Order, Query, Term, Test, Text, Zone,
};

use super::*;
use crate::{ansi, level};

const NOW: Now = Now { nanos: 1_000_000_000, zone: Zone(0) };

/// Facts that anybody can check: fields are `name=value` between spaces, the time is the field
/// `t` in nanoseconds.
struct Plain;

impl Facts for Plain {
    fn level(&self, line: &[u8]) -> Level {
        level::level(line)
    }

    fn field<'a>(&self, line: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
        let mut words = line.split(|&byte| byte == b' ');
        let value = words.find_map(|word| word.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        value.map(Cow::Borrowed)
    }

    fn time(&self, line: &[u8]) -> Option<i64> {
        std::str::from_utf8(&self.field(line, "t")?).ok()?.parse().ok()
    }
}

/// There is nothing before.
struct Nothing;

impl Before for Nothing {
    fn time_before(&mut self, _: &dyn Facts, _: u64, _: u64) -> Option<(u64, i64)> {
        None
    }
}

fn matcher(query: &str) -> Arc<Matcher> {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    Arc::new(Matcher::new(&query, NOW).expect("a pattern"))
}

fn found(matcher: &Arc<Matcher>, lines: &[u8]) -> Vec<u64> {
    let mut searcher = Searcher::new(Arc::clone(matcher), Arc::new(Plain));
    let mut found = Vec::new();
    let mut pace = Pace::new(&|| false);
    let how = searcher.search(lines, 0, &mut Nothing, &mut pace, &mut |at| {
        found.push(at);
        ControlFlow::Continue(())
    });
    assert_eq!(how, Found::All);
    found
}

/// Whether `line` alone matches.
fn takes(query: &str, line: &str) -> bool {
    !found(&matcher(query), line.as_bytes()).is_empty()
}

/// The plainest way.
fn holds(expr: &Expr, lines: &[&[u8]], at: usize) -> bool {
    let seen = |at: usize| {
        let line = lines[at].strip_suffix(b"\n").unwrap_or(lines[at]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let nuls = line.iter().take_while(|&&byte| byte == 0).count();
        let line = &line[nuls..];
        ansi::strip(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))
    };
    let line = seen(at);
    let contains = |text: &Text| {
        let pattern = regex::escape(&text.0);
        regex::bytes::RegexBuilder::new(&pattern)
            .case_insensitive(text.case() == Case::Ignored)
            .build()
            .expect("escaped")
            .is_match(&line)
    };
    let matches = |pattern: &tailwater_protocol::query::Pattern, line: &[u8]| {
        let source = match pattern.beside {
            Beside::Anything => pattern.source.clone(),
            Beside::NoWord => format!(r"(?:^|[^\w])(?:{})(?:$|[^\w])", pattern.source),
        };
        // One character, whatever it is.
        let source = source.replace("a.b", r"a(?:(?u:.)|[\x80-\xff])b");
        let mut builder = regex::bytes::RegexBuilder::new(&source);
        builder.unicode(false).case_insensitive(pattern.case == Case::Ignored);
        builder.build().expect("a pattern").is_match(line)
    };
    let time = |when: &dyn Fn(i64) -> bool| {
        (0..=at).rev().find_map(|at| Plain.time(&seen(at))).is_some_and(when)
    };
    match expr {
        Expr::And(all) => all.iter().all(|expr| holds(expr, lines, at)),
        Expr::Or(any) => any.iter().any(|expr| holds(expr, lines, at)),
        Expr::Not(inner) => !holds(inner, lines, at),
        Expr::Term(Term::Text(text)) => contains(text),
        Expr::Term(Term::Pattern(pattern)) => matches(pattern, &line),
        Expr::Term(Term::Level(order, to)) => {
            let found = level::level(&line);
            let ranked = found != Level::None && *to != Level::None;
            match order {
                Order::Equal => found == *to,
                Order::Differs => found != *to,
                Order::More if *to == Level::None => found != Level::None,
                _ => ranked && order.holds(found.cmp(to)),
            }
        }
        Expr::Term(Term::Since(when)) => time(&|time| time >= when.span(NOW).start),
        Expr::Term(Term::Until(when)) => time(&|time| time < when.span(NOW).end),
        Expr::Term(Term::Field(name, test)) => {
            let Some(value) = Plain.field(&line, name) else { return false };
            let number = std::str::from_utf8(&value).ok().and_then(Number::parse);
            let same = |text: &Text| match text.case() {
                Case::Matters => *value == *text.0.as_bytes(),
                Case::Ignored => value.eq_ignore_ascii_case(text.0.as_bytes()),
            };
            match test {
                Test::Any => true,
                Test::Is(text) => same(text),
                Test::IsNot(text) => !same(text),
                Test::Compare(order, to) => number
                    .map_or(*order == Order::Differs, |number| order.holds(number.compare(to))),
                Test::Matches(pattern) => matches(pattern, &value),
                Test::Like(text) => {
                    let parts: Vec<String> = text.0.split('*').map(regex::escape).collect();
                    let whole = format!("(?s)^{}$", parts.join(".*"));
                    regex::bytes::RegexBuilder::new(&whole)
                        .unicode(false)
                        .case_insensitive(text.case() == Case::Ignored)
                        .build()
                        .expect("escaped")
                        .is_match(&value)
                }
            }
        }
    }
}

fn query() -> impl Strategy<Value = String> {
    let term = prop::sample::select(vec![
        "a",
        "ab",
        "Ab",
        "abba",
        "\"b a\"",
        "bab OR aab",
        "k=a",
        "status",
        "error",
        "ERROR",
        "/a+b/",
        "/^a/",
        "/b$/",
        "/^$/",
        "/^.*b a/",
        "/[^a]b/",
        "/a.b/i",
        "/ab|ba/w",
        "/b\\d+/",
        "/a\\s*b/",
        "/(a|b){3,5}1/",
        "/[ab]*a[ab]{9}b/",
        "/x*/",
        "/\\bab\\b/",
        "/a\\nb/",
        "k:ab",
        "k:A*b",
        "k:*",
        "k!=ab",
        "k>=5",
        "k<5",
        "k~/^a/",
        "k=5",
        "k:5",
        "n:*b*",
        "level:error",
        "level>=warn",
        "level!=info",
        "level:none",
        "level:*",
        "since:-1000ms",
        "since:1970-01-01T00:00:00.000000500Z",
        "until:1970-01-01T00:00:00.000000300Z",
    ]);
    let term = term
        .prop_map(|term| if term.contains(" OR ") { format!("({term})") } else { term.to_owned() });
    let leaf =
        (term, any::<bool>()).prop_map(|(term, not)| if not { format!("-{term}") } else { term });
    prop::collection::vec((leaf, any::<bool>()), 0..4).prop_map(|terms| {
        let mut query = String::new();
        for (index, (term, or)) in terms.into_iter().enumerate() {
            if index > 0 {
                query.push_str(if or { " OR " } else { " " });
            }
            query.push_str(&term);
        }
        query
    })
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "a", "b", "ab", "Ab", "1", "5", " ", " ", "k=", "k=ab ", "k=5 ", "n=xbx", "ERROR", "warn:",
        "INFO ", "status", "\u{e4}", "\x1b[31m", "\x1b[0m", "\x1b", "t=200 ", "t=600 ", "\r", "\0",
        "\u{feff}", "bab",
    ]);
    let line = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let end = prop_oneof![5 => Just("\n"), 1 => Just("\r\n")];
    let line = (line, end, any::<bool>(), any::<u8>()).prop_map(|(line, end, coloured, byte)| {
        let mut line = if coloured { line } else { line.replace('\x1b', "") }.into_bytes();
        if byte >= 0xf0 {
            line.push(byte);
        }
        line.extend_from_slice(end.as_bytes());
        line
    });
    (prop::collection::vec(line, 0..24), any::<bool>()).prop_map(|(lines, open)| {
        let mut lines = lines.concat();
        if open {
            lines.pop();
        }
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn lines_together_match_as_each_by_itself(text in query(), lines in lines()) {
        let query = Query::parse(&text).expect("a query");
        let rows: Vec<&[u8]> = lines.split_inclusive(|&byte| byte == b'\n').collect();
        let mut at = 0;
        let mut expected = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if holds(&query.expr, &rows, index) {
                expected.push(at);
            }
            at += row.len() as u64;
        }
        prop_assert_eq!(found(&matcher(&text), &lines), expected, "{}", text);
    }

    #[test]
    fn a_line_in_pieces_matches_as_a_whole(
        text in query(), line in lines(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        // Sequences that pieces cut are another matter.
        let line: Vec<u8> = line.into_iter().filter(|byte| !b"\n\r\x1b".contains(byte)).collect();
        // A mark is cut where no long line's piece would be.
        let line: Vec<u8> = line.into_iter().skip_while(|&byte| byte == 0 || byte >= 0x80).collect();
        let matcher = matcher(&text);
        let expected = !line.is_empty() && found(&matcher, &line) == [0];
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(line.len() + 1)).collect();
        cuts.extend([0, line.len()]);
        cuts.sort_unstable();
        let mut searcher = Searcher::new(matcher, Arc::new(Plain));
        let mut pace = Pace::new(&|| false);
        let mut long = searcher.begin_long(0);
        for pair in cuts.windows(2) {
            searcher.feed_long(&mut long, &line[pair[0]..pair[1]], &mut pace).expect("not stopped");
        }
        let matches = searcher.finish_long(&long, &mut Nothing, &mut pace).expect("not stopped");
        prop_assert_eq!(matches && !line.is_empty(), expected, "{}", text);
    }

    #[test]
    fn what_is_marked_lies_in_the_text(text in query(), shown in "\\PC{0,40}") {
        let marked = matcher(&text).highlights(&shown, 10);
        prop_assert!(marked.len() <= 10);
        let mut end = 0;
        for range in marked {
            prop_assert!(range.start >= end && shown.get(range.clone()).is_some_and(|s| !s.is_empty()));
            end = range.end;
        }
    }
}

#[test]
fn a_line_is_looked_at_as_it_is_seen() {
    assert!(takes("timeout", "a \x1b[31mtime\x1b[1mout\x1b[0m"));
    assert!(takes("/^time.*out$/", "\x1b[31mtime\x1b[0m out\r\n"));
    assert!(!takes("31m", "\x1b[31mtime\x1b[0m"));
    assert!(takes("-31m", "\x1b[31mtime\x1b[0m"));
    assert!(takes("/^ERROR/", "\0\0\0ERROR"));
    assert!(takes("/^ERROR/", "\u{feff}ERROR"));
    assert!(takes("k:ab", "\x1b[2mk=\x1b[0mab"));
}

#[test]
fn case_and_scripts_are_those_of_readers() {
    assert!(takes("größe", "GRÖSSE GRÖßE"));
    assert!(takes("straße", "STRAßE"));
    assert!(takes("Ä", "xÄx") && !takes("Ä", "xäx"));
    assert!(takes("/[äö]+x/", "öäx"));
    assert!(takes("/^.$/", "ä"));
    let latin1 = found(&matcher("/^caf. au/"), b"caf\xe9 au lait\n");
    assert_eq!(latin1, [0]);
    assert_eq!(found(&matcher("/\"[^\"]*\"x/"), b"\"caf\xe9\"x\n"), [0]);
    // The sign for Kelvin is no k.
    assert!(!takes("k", "\u{212a}") && takes("kK", "kK"));
}

#[test]
fn a_pattern_that_is_none_is_pointed_at() {
    let error = |text: &str| {
        let query = Query::parse(text).expect("the language knows no patterns");
        let error = Matcher::new(&query, NOW).expect_err("no pattern");
        let at = error.at.start as usize..error.at.end as usize;
        (text.get(at).map(str::to_owned), error.to_string())
    };
    let (at, says) = error("a /b(c \\/ [/");
    assert_eq!(at.as_deref(), Some("["));
    assert!(says.starts_with("not a pattern: unclosed character class"), "{says}");
    let (at, _) = error("k~/x\\/\\/+*?**{/");
    assert!(at.is_some_and(|at| !at.is_empty()));
    let (at, says) = error("x /(\\w{1000}){1000}/");
    assert_eq!(at.as_deref(), Some("(\\w{1000}){1000}"));
    assert!(says.contains("too large"), "{says}");
    let (_, says) = error(&format!("/{}/", "(".repeat(60)));
    assert!(says.starts_with("not a pattern"), "{says}");
}

#[test]
fn what_is_found_is_marked_and_what_is_excluded_is_not() {
    let marked = |query: &str, text: &str| {
        let ranges = matcher(query).highlights(text, 100);
        ranges
            .into_iter()
            .map(|range| text.get(range).expect("whole characters").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(marked("ab cd -x", "x AB ab cd"), ["AB", "ab", "cd"]);
    assert_eq!(marked("abc bcd", "abcd"), ["abcd"]);
    assert_eq!(marked("/ä+/ OR /o*/", "xääx ooo"), ["ää", "ooo"]);
    assert_eq!(marked("k:v level:error since:-5m", "k=v"), ["v"]);
    assert!(marked("", "anything").is_empty());
}

/// As many states as bytes, whatever the text: a megabyte of it takes seconds.
#[test]
fn a_dear_pattern_is_asked_about_often() {
    let mut random = 1_u64;
    let mut line: Vec<u8> = Vec::new();
    for _ in 0..20_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        line.push(b'0' + (random & 1) as u8);
    }
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        false
    };
    let matcher = matcher("/[01]*1[01]{200}Z/");
    let mut searcher = Searcher::new(matcher, Arc::new(Plain));
    let mut pace = Pace::new(&stop);
    // Twice: it learns with the first that it is dear.
    for _ in 0..2 {
        asked.set(0);
        let how =
            searcher.search(&line, 0, &mut Nothing, &mut pace, &mut |_| ControlFlow::Continue(()));
        assert_eq!(how, Found::All);
    }
    assert!(asked.get() > 20, "{} for {} bytes", asked.get(), line.len());
}

#[test]
fn a_search_stops_where_it_goes_on() {
    let lines = "a line of words, and some more of them\n".repeat(100_000).into_bytes();
    for query in ["words", "-nothing", "/w[a-z]+s/", "level:none", "words more k!=5"] {
        let matcher = matcher(query);
        let expected = found(&matcher, &lines);
        let mut searcher = Searcher::new(matcher, Arc::new(Plain));
        let (mut at, mut all, mut stops) = (0, Vec::new(), 0);
        loop {
            let mut pace = Pace::new(&|| true);
            let rest = &lines[at as usize..];
            let how = searcher.search(rest, at, &mut Nothing, &mut pace, &mut |found| {
                all.push(found);
                ControlFlow::Continue(())
            });
            match how {
                Found::Stopped(next) => {
                    let gone = next - at;
                    assert!(gone <= PACE + 64, "{query}: {gone} bytes without a question");
                    (at, stops) = (next, stops + 1);
                }
                Found::All => break,
                Found::Enough => panic!("it was told to go on"),
            }
        }
        assert!(stops >= 2, "{query}");
        assert_eq!(all, expected, "{query}");
    }
}
