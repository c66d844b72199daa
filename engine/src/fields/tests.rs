//! Fields, by example and against a parser that builds trees.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn found(line: &str, name: &str) -> Option<String> {
    let found = find(line.as_bytes(), name)?;
    Some(String::from_utf8(found.into_owned()).expect("the examples are text"))
}

#[test]
fn fields_are_found_by_name() {
    let cases = [
        // JSON: texts decoded, all else as it stands.
        (r#"{"a":"x","b":2}"#, "a", Some("x")),
        (r#"{"a":"x","b":2}"#, "b", Some("2")),
        (r#"{"a":"x","b":2}"#, "c", None),
        (r#"{ "a" : -1.5e3 , "b":true}"#, "a", Some("-1.5e3")),
        (r#"{"a":null}"#, "a", Some("null")),
        (r#"  {"a":1}  "#, "a", Some("1")),
        (r#"{"a":"say \"hi\"\n\tЖ é 😀"}"#, "a", Some("say \"hi\"\n\tЖ é 😀")),
        (r#"{"a":"\ud83d\ude00 \ud83d! \u00e9"}"#, "a", Some("😀 \u{fffd}! é")),
        (r#"{"a":"C:\dir \x \u12"}"#, "a", Some(r"C:\dir \x \u12")),
        (r#"{"a\"b":1}"#, "a\"b", Some("1")),
        (r#"{"msg":"\"status\":500","status":200}"#, "status", Some("200")),
        // Paths.
        (r#"{"http":{"status":500,"h":{"x":"y"}}}"#, "http.status", Some("500")),
        (r#"{"http":{"status":500,"h":{"x":"y"}}}"#, "http.h.x", Some("y")),
        (r#"{"http":{"status":500}}"#, "http", Some(r#"{"status":500}"#)),
        (r#"{"http.status":500}"#, "http.status", Some("500")),
        (r#"{"a.b":{"c":1}}"#, "a.b.c", Some("1")),
        (r#"{"tags":["x",{"k":"v"}]}"#, "tags.0", Some("x")),
        (r#"{"tags":["x",{"k":"v"}]}"#, "tags.1.k", Some("v")),
        (r#"{"tags":["x"]}"#, "tags.1", None),
        (r#"{"tags":["x","y"]}"#, "tags.01", None),
        (r#"{"a":1}"#, "a.", None),
        (r#"{"a":1}"#, "", None),
        (r#"{"a":1,"b":{"a":2}}"#, "a", Some("1")),
        // The last of a name counts, and a missing one hides none.
        (r#"{"a":1,"a":2}"#, "a", Some("2")),
        (r#"{"a":{"b":1},"a":{"c":2}}"#, "a.b", Some("1")),
        // What no parser takes.
        (r#"{"a":1e999,"b":NaN,"c":-Infinity}"#, "a", Some("1e999")),
        (r#"{"a":1e999,"b":NaN,"c":-Infinity}"#, "b", Some("NaN")),
        (r#"{"a":1e999,"b":NaN,"c":-Infinity}"#, "c", Some("-Infinity")),
        (r#"{"a":1,,"b":2,}"#, "b", Some("2")),
        // Torn lines: what stands there counts, but for a number that may go on.
        (r#"{"a":1,"b":"torn of"#, "b", Some("torn of")),
        (r#"{"a":1,"b":"torn\"#, "b", Some("torn")),
        (r#"{"a":1,"b":50"#, "b", None),
        (r#"{"a":{"b":1,"c":{"d":"to"#, "a.c.d", Some("to")),
        (r#"{"a":1,"b"#, "a", Some("1")),
        (r#"{"a":1,"b"#, "b", None),
        (r#"{"a" 1,"b":2}"#, "b", None),
        // logfmt.
        ("a=1 b=\"x y\" c=", "a", Some("1")),
        ("a=1 b=\"x y\" c=", "b", Some("x y")),
        ("a=1 b=\"x y\" c=", "c", Some("")),
        ("a=\"say \\\"hi\\\"\\n\" b=2", "a", Some("say \"hi\"\n")),
        ("a=\"b=1\" b=2", "b", Some("2")),
        ("a=1 a=2", "a", Some("2")),
        ("msg=\"never closed b=2", "msg", Some("never closed b=2")),
        ("msg=\"never closed b=2", "b", None),
        ("msg=\"torn\\", "msg", Some("torn")),
        ("2026-11-21T10:32:07Z level=warn http.status=500", "http.status", Some("500")),
        ("GET /cart?user=5&x=1 took=12ms, user=7", "user", Some("7")),
        ("GET /cart?user=5&x=1 took=12ms, user=7", "took", Some("12ms")),
        ("User{id=5, name=bob}", "id", Some("5")),
        ("User{id=5, name=bob}", "name", Some("bob")),
        ("call(f=g(x))", "f", Some("g(x)")),
        ("a == b", "a", None),
        ("a==b c=>d", "c", None),
        ("URI=http://x/?a=b", "URI", Some("http://x/?a=b")),
        ("naïve=1", "naïve", Some("1")),
        // Behind a prefix.
        (r#"Nov 21 10:32:07 host app[7]: pid=7 {"a":{"b":1}}"#, "a.b", Some("1")),
        (r#"Nov 21 10:32:07 host app[7]: pid=7 {"a":{"b":1}}"#, "pid", Some("7")),
        // Wrapped.
        ("2026-11-21T10:32:07.114Z stdout F {\"a\":1}", "a", Some("1")),
        ("2026-11-21T10:32:07.114Z stderr P a=1", "a", Some("1")),
        (
            r#"{"log":"{\"a\":\"x\\ny\",\"stream\":\"mine\"}\n","stream":"stderr","time":"2026-11-21T10:32:07Z"}"#,
            "a",
            Some("x\ny"),
        ),
        (
            r#"{"log":"{\"a\":1,\"stream\":\"mine\"}\n","stream":"stderr","time":"2026-11-21T10:32:07Z"}"#,
            "stream",
            Some("mine"),
        ),
        (
            r#"{"log":"a=1\n","stream":"stderr","time":"2026-11-21T10:32:07Z"}"#,
            "stream",
            Some("stderr"),
        ),
    ];
    for (line, name, expected) in cases {
        assert_eq!(found(line, name).as_deref(), expected, "{name} in {line}");
    }
}

#[test]
fn all_fields_come_in_order() {
    let line = r#"{"a":{"b":[1,{"c":"x"}],"e":{},"f":[]},"g":"y"}"#;
    let told: Vec<_> = all(line.as_bytes())
        .map(|(name, value)| format!("{}={}", name.escape_ascii(), value.escape_ascii()))
        .collect();
    assert_eq!(told, ["a.b.0=1", "a.b.1.c=x", "a.e={}", "a.f=[]", "g=y"]);
}

/// The leaf of `{"":[1]}` was called `0`, and `{"a":{"":1}}` had one that could not be found.
#[test]
fn a_key_without_letters_is_a_key() {
    for (line, name, value) in [
        (r#"{"":[[1]]}"#, ".0.0", "1"),
        (r#"{"a":{"":{"":"x"}}}"#, "a..", "x"),
        (r#"{"":{"b":2}}"#, ".b", "2"),
    ] {
        let names: Vec<_> = all(line.as_bytes()).map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, [name.as_bytes()], "{line}");
        assert_eq!(found(line, name).as_deref(), Some(value), "{line}");
    }
}

#[test]
fn depth_costs_no_stack_and_width_is_bounded() {
    let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(found(&deep, "b").as_deref(), Some("1"));
    assert_eq!(all(deep.as_bytes()).count(), 2);
    let open = "{\"a\":".repeat(100_000);
    assert_eq!(found(&open, &"a.".repeat(50_000)), None);
    assert!(all(open.as_bytes()).count() <= 1);
    let wide = format!("{{{}\"z\":1}}", "\"a\":1,".repeat(100_000));
    assert_eq!(all(wide.as_bytes()).count(), MAX_FIELDS);
    assert_eq!(found(&wide, "z").as_deref(), Some("1"));
}

/// Objects whose names can be told apart in a path.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["\"", "\\", "\n\t\r\u{8}\u{c}", "😀", "\u{1}", "{[]}", "a=b"])
            .prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-cé\"]{1,2}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    });
    prop::collection::hash_map("[a-c]{1,3}", value, 0..5)
        .prop_map(|members| members.into_iter().collect())
}

/// The leaves of a tree by their paths.
fn leaves(tree: &Value, path: &str, out: &mut Vec<(String, Value)>) {
    let below = |key: &str| if path.is_empty() { key.into() } else { format!("{path}.{key}") };
    match tree {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(key, value)| leaves(value, &below(key), out));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| leaves(item, &below(&at.to_string()), out));
        }
        leaf if !path.is_empty() => out.push((path.into(), leaf.clone())),
        _ => {}
    }
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

proptest! {
    #[test]
    fn what_a_parser_finds_is_found(tree in tree(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&tree).expect("a tree")
        } else {
            tree.to_string()
        };
        let mut expected = Vec::new();
        leaves(&tree, "", &mut expected);
        for (path, value) in &expected {
            prop_assert_eq!(found(&text, path), Some(said(value)), "{} in {}", path, text);
        }
        let told: Vec<(String, String)> = all(text.as_bytes())
            .map(|(name, value)| {
                (String::from_utf8_lossy(&name).into(), String::from_utf8_lossy(&value).into())
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(path, value)| (path.clone(), said(value))).collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn escapes_are_decoded_as_a_parser_does(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}", ascii in any::<bool>()) {
        let mut line = json!({ "a": text }).to_string();
        if ascii {
            let escape = |c: char| {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04x}")).collect::<String>()
            };
            line = line.chars().map(|c| if c.is_ascii() { c.into() } else { escape(c) }).collect();
        }
        prop_assert_eq!(found(&line, "a"), Some(text));
    }

    #[test]
    fn pairs_are_found_as_they_were_written(
        pairs in prop::collection::btree_map("[a-z][a-z0-9_.]{0,8}", "[ -~é\\n]{0,12}", 1..8),
    ) {
        let quoted = |value: &String| {
            value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
        };
        let written = |(key, value): (&String, &String)| format!("{key}=\"{}\"", quoted(value));
        let line = pairs.iter().map(written).collect::<Vec<_>>().join(" ");
        // A brace at the end of a text may be taken for the beginning of an object.
        prop_assume!(!line.contains("{\""));
        for (key, value) in &pairs {
            prop_assert_eq!(found(&line, key), Some(value.clone()), "{} in {}", key, line);
        }
        prop_assert_eq!(all(line.as_bytes()).count(), pairs.len());
    }

    #[test]
    fn no_bytes_break_it(
        line in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[{}\\[\\]\",:=\\\\a-b0-1 ]{0,60}".prop_map(String::into_bytes),
            "\\{\"log\":\"[{}\\[\\]\",:=\\\\a-b0-1 ]{0,60}".prop_map(String::into_bytes),
        ],
        name in "[a-b0-1.\"]{0,6}",
    ) {
        let found = find(&line, &name).map(Cow::into_owned);
        let told: Vec<_> = all(&line).take(MAX_FIELDS + 1).collect();
        prop_assert!(told.len() <= MAX_FIELDS);
        // What is told last under a name is what is found under it, paths aside.
        if crate::unwrap::wrapper(&line).is_none() && !name.contains('.') && !name.is_empty() {
            let last = told.iter().rfind(|(told, _)| **told == *name.as_bytes());
            if let Some((_, value)) = last {
                prop_assert_eq!(found.as_deref(), Some(&**value));
            }
        }
    }
}
