//! The language as a whole: what texts mean, what is wrong with others, and that printing loses
//! nothing.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Expr {
    match Query::parse(text) {
        Ok(query) => query.expr,
        Err(error) => panic!("{text}: {error} at {:?}", error.at),
    }
}

fn word(text: &str) -> Expr {
    Expr::Term(Term::Text(Text(text.to_owned())))
}

fn field(name: &str, test: Test) -> Expr {
    Expr::Term(Term::Field(name.to_owned(), test))
}

fn is(text: &str) -> Test {
    Test::Is(Text(text.to_owned()))
}

fn pattern(source: &str, flags: &str) -> Pattern {
    let case = if flags.contains('i') { Case::Ignored } else { Case::Matters };
    let beside = if flags.contains('w') { Beside::NoWord } else { Beside::Anything };
    Pattern { source: source.to_owned(), case, beside, at: Span { start: 0, end: 0 } }
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

#[test]
fn what_is_meant_is_what_is_read() {
    let re = |source, flags| Expr::Term(Term::Pattern(pattern(source, flags)));
    let number = |text| Number::parse(text).expect("a number");
    let compare = |order, text| Test::Compare(order, number(text));
    let level = |order, level| Expr::Term(Term::Level(order, level));
    let cases = [
        ("", Expr::And(vec![])),
        (" \t ", Expr::And(vec![])),
        ("a", word("a")),
        ("a b", Expr::And(vec![word("a"), word("b")])),
        ("a AND b", Expr::And(vec![word("a"), word("b")])),
        ("a b OR c", Expr::Or(vec![Expr::And(vec![word("a"), word("b")]), word("c")])),
        ("a (b OR c)", Expr::And(vec![word("a"), Expr::Or(vec![word("b"), word("c")])])),
        ("(a (b c))", Expr::And(vec![word("a"), word("b"), word("c")])),
        ("a OR (b OR c)", Expr::Or(vec![word("a"), word("b"), word("c")])),
        ("-a", not(word("a"))),
        ("NOT a b", Expr::And(vec![not(word("a")), word("b")])),
        ("-(a OR b)", not(Expr::Or(vec![word("a"), word("b")]))),
        ("-\"a b\"", not(word("a b"))),
        (r#""a \"b\" \\ \n""#, word("a \"b\" \\ \\n")),
        ("or", word("or")),
        ("ORDER", word("ORDER")),
        ("--flag - ->", Expr::And(vec![word("--flag"), word("-"), word("->")])),
        ("main() f(x", Expr::And(vec![word("main()"), word("f(x")])),
        ("(main())", word("main()")),
        (
            "std::io http://x/y 10.0.0.1:80",
            Expr::And(vec![word("std::io"), word("http://x/y"), word("10.0.0.1:80")]),
        ),
        ("error: x= Vec<", Expr::And(vec![word("error:"), word("x="), word("Vec<")])),
        (
            "/var/log /healthz OR /ready",
            Expr::Or(vec![Expr::And(vec![word("/var/log"), word("/healthz")]), word("/ready")]),
        ),
        ("/a b/", re("a b", "")),
        (r"/a\/\\b\d/iw", re(r"a/\\b\d", "iw")),
        ("(/a/)", re("a", "")),
        ("level:error", level(Order::Equal, Level::Error)),
        ("level>=WARN", level(Order::AtLeast, Level::Warn)),
        ("level:*", level(Order::More, Level::None)),
        ("level", word("level")),
        ("status:500", field("status", is("500"))),
        ("status=500", field("status", compare(Order::Equal, "500"))),
        ("status!=500", field("status", compare(Order::Differs, "500"))),
        ("status>=500", field("status", compare(Order::AtLeast, "500"))),
        ("took<1.5s", field("took", compare(Order::Less, "1.5s"))),
        ("a.b-c:x:y", field("a.b-c", is("x:y"))),
        ("user!=bob", field("user", Test::IsNot(Text("bob".to_owned())))),
        ("user:\"a b\"", field("user", is("a b"))),
        ("user:\"\"", field("user", is(""))),
        ("user:*", field("user", Test::Any)),
        ("user:\"*\"", field("user", is("*"))),
        ("user:a*b", field("user", Test::Like(Text("a*b".to_owned())))),
        ("path~/^\\/x/i", field("path", Test::Matches(pattern("^/x", "i")))),
        ("\"level\":5", field("level", is("5"))),
        ("\"a b\">5", field("a b", compare(Order::More, "5"))),
        ("fn:main()", field("fn", is("main()"))),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), expected, "{text}");
    }
}

#[test]
fn a_mistake_is_pointed_at() {
    let cases = [
        ("OR a", "OR", Problem::Alone("OR", error::Side::Before)),
        ("a OR", "OR", Problem::Alone("OR", error::Side::After)),
        ("(a OR )", "OR", Problem::Alone("OR", error::Side::After)),
        ("AND", "AND", Problem::Alone("AND", error::Side::Before)),
        ("a AND OR b", "AND", Problem::Alone("AND", error::Side::After)),
        ("NOT", "NOT", Problem::Alone("NOT", error::Side::After)),
        ("x (a b", "(", Problem::Unclosed),
        ("(", "(", Problem::Unclosed),
        ("ä)", ")", Problem::Stray),
        ("a ()", "()", Problem::Hollow),
        ("a \"b", "\"", Problem::OpenQuote),
        ("\"\"", "\"\"", Problem::EmptyPhrase),
        ("/a[b c", "/", Problem::OpenPattern),
        ("x~/a b", "/a", Problem::OpenPattern),
        ("//", "//", Problem::EmptyPattern),
        ("/a[b c/q", "q", Problem::Flags("q".to_owned())),
        ("level:loud", "loud", Problem::NotALevel("loud".to_owned())),
        ("level:", "level:", Problem::NoValue("level:".to_owned(), "error")),
        ("level~/a/", "level~", Problem::LevelPattern),
        ("since:", "since:", Problem::NoValue("since:".to_owned(), "-15m")),
        ("until:soon", "soon", Problem::NotATime("soon".to_owned())),
        ("since>=10:30", "since>=", Problem::TimeTakesColon("since")),
        ("a>b", "b", Problem::NotANumber("b".to_owned(), ">")),
        ("a:(b)", "(", Problem::ValueInParentheses),
        ("a:b*(c)", "b*(c)", Problem::StarInParentheses),
        ("\"a\":", "\"a\":", Problem::NoValue("\"a\":".to_owned(), "5")),
    ];
    for (text, at, problem) in cases {
        let error = Query::parse(text).expect_err(text);
        let (start, end) = (error.at.start as usize, error.at.end as usize);
        assert_eq!((text.get(start..end), &error.problem), (Some(at), &problem), "{text}");
    }
}

#[test]
fn nothing_goes_beyond_its_bounds() {
    let problem = |text: String| Query::parse(&text).map_err(|error| error.problem);
    assert_eq!(problem("x".repeat(MAX_BYTES + 1)), Err(Problem::TooLong));
    assert_eq!(problem("-(".repeat(MAX_DEPTH) + "a"), Err(Problem::TooDeep));
    assert_eq!(problem("NOT ".repeat(MAX_DEPTH) + "a"), Err(Problem::TooDeep));
    assert_eq!(problem("a ".repeat(MAX_TERMS + 1)), Err(Problem::TooMany));
    assert_eq!(problem(format!("/{}/", ".".repeat(MAX_PATTERN + 1))), Err(Problem::PatternTooLong));
    assert!(problem("a ".repeat(MAX_TERMS)).is_ok());
}

/// Everything in code style on the page for readers: what is in fences line by line, and what is
/// first in a row of a table.
#[test]
fn every_example_for_readers_is_understood() {
    let page = include_str!("../../../docs/QUERY.md");
    let (mut fenced, mut examples) = (false, Vec::new());
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            examples.push(line);
        } else if line.starts_with('|') {
            examples.extend(
                line.split('`').skip(1).step_by(2).take(if line.starts_with("| to ") {
                    0
                } else {
                    1
                }),
            );
        }
    }
    assert!(examples.len() > 50, "only {} found", examples.len());
    for example in examples {
        let expr = parse(example);
        assert_eq!(parse(&Query { expr: expr.clone() }.to_string()), expr, "{example}");
    }
    // Those that the page says are the same.
    for (a, b) in [("a b OR c d", "(a b) OR (c d)"), ("NOT \"a b\"", "-\"a b\"")] {
        assert_eq!(parse(a), parse(b));
    }
}

fn term() -> impl Strategy<Value = Term> {
    let text = || "[a-zA-ZäÖ0-9 \"\\\\()/:*_.@=-]{1,8}|OR|NOT|AND".prop_map(Text);
    let name =
        prop_oneof!["[a-z_@][a-z0-9._-]{0,5}", "[a-z \"\\\\:=]{1,5}", Just("level".to_owned())];
    let pattern = ("([a-z ./]|\\\\[d\\\\.]){1,8}", any::<bool>(), any::<bool>()).prop_map(
        |(source, ignored, words)| {
            pattern(
                &source,
                match (ignored, words) {
                    (true, true) => "iw",
                    (true, false) => "i",
                    (false, true) => "w",
                    (false, false) => "",
                },
            )
        },
    );
    let order = prop::sample::select(vec![
        Order::Less,
        Order::AtMost,
        Order::Equal,
        Order::Differs,
        Order::AtLeast,
        Order::More,
    ]);
    let level = prop::sample::select(vec![
        Level::None,
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warn,
        Level::Error,
        Level::Fatal,
    ]);
    let number = "-?[0-9]{1,6}(\\.[0-9]{1,3})?(ms|s|h)?"
        .prop_map(|text| Number::parse(&text).expect("a number"));
    let when = "-[0-9]{1,3}[smhd]|[01][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?|20[0-9]{2}-0[1-9]-[0-2][1-8](T[01][0-9]:30(Z|-[01][0-9]:30)?)?"
        .prop_map(|text| When::parse(&text).expect("a time"));
    let test = prop_oneof![
        Just(Test::Any),
        text().prop_map(Test::Is),
        text().prop_map(Test::IsNot),
        "[a-z]{1,3}\\*[a-z*\"]{0,3}".prop_map(|text| Test::Like(Text(text))),
        (order.clone(), number).prop_map(|(order, number)| Test::Compare(order, number)),
        pattern.clone().prop_map(Test::Matches),
    ];
    prop_oneof![
        text().prop_map(Term::Text),
        pattern.prop_map(Term::Pattern),
        (order, level).prop_map(|(order, level)| Term::Level(order, level)),
        (name, test).prop_map(|(name, test)| Term::Field(name, test)),
        (when, any::<bool>()).prop_map(|(when, since)| if since {
            Term::Since(when)
        } else {
            Term::Until(when)
        }),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    term().prop_map(Expr::Term).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::and),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::or),
            inner.prop_map(not),
        ]
    })
}

proptest! {
    #[test]
    fn a_query_reads_as_it_was_printed(expr in expr()) {
        let printed = Query { expr: expr.clone() }.to_string();
        match Query::parse(&printed) {
            Ok(query) => prop_assert_eq!(query.expr, expr, "{}", printed),
            Err(error) => prop_assert!(
                matches!(error.problem, Problem::TooMany | Problem::TooLong), "{}: {}", printed, error
            ),
        }
    }

    #[test]
    fn no_text_breaks_the_parser(
        text in "(a|b:|level|since:|[<>=!:~*]|/|\"|\\\\|\\(|\\)|-|OR|AND|NOT| |1s|ä|\\PC){0,24}",
    ) {
        match Query::parse(&text) {
            Ok(query) => {
                let printed = query.to_string();
                let again = Query::parse(&printed);
                prop_assert_eq!(again.as_ref(), Ok(&query), "{}", printed);
            }
            Err(error) => {
                let (start, end) = (error.at.start as usize, error.at.end as usize);
                prop_assert!(text.get(start..end).is_some_and(|found| !found.is_empty()),
                    "{:?} {}", error.at, error);
            }
        }
    }
}
