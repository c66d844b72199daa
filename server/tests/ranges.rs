//! Lines as objects, and ranges of a log: bounded, linked, refused with a reason.

mod common;

use common::{Running, Site, TOKEN};
use serde_json::Value;

/// An answer taken apart.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Vec<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .collect()
    }

    /// The address that a link of the answer leads to, below `path`.
    fn link(&self, path: &str, rel: &str) -> Option<String> {
        let rel = format!("rel=\"{rel}\"");
        let links = self.header("link");
        let link = links.iter().find(|link| link.contains(&rel))?;
        let query = link.split_once("<?")?.1.split_once('>')?.0;
        Some(format!("{path}?{query}"))
    }

    fn records(&self) -> Vec<Value> {
        let lines = self.body.lines();
        lines.map(|line| serde_json::from_str(line).expect("an object")).collect()
    }

    fn texts(&self) -> Vec<String> {
        let text = |record: &Value| Some(record.get("text")?.as_str()?.to_owned());
        self.records().iter().filter_map(text).collect()
    }
}

async fn ask(running: &Running, path: &str, accept: &str) -> Answer {
    let answer = running
        .raw(&format!(
            "GET {path} HTTP/1.0\nHost: HOST\nAuthorization: Bearer {TOKEN}\nAccept: {accept}"
        ))
        .await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

const NDJSON: &str = "application/x-ndjson";

#[tokio::test]
async fn a_line_is_an_object_that_says_what_it_says() {
    let site = Site::new(&["app.log"]);
    site.append(
        "app.log",
        "{\"time\":\"2026-11-21T10:32:07.114Z\",\"level\":\"warn\",\"msg\":\"slow\",\"ms\":12}\n\
         time=2026-11-21T10:32:08Z level=error msg=\"no room\"\r\n\
         \tat nothing in particular\nlast",
    );
    let running = site.start().await;
    let answer = ask(&running, "/s/logs/app.log", NDJSON).await;
    assert_eq!(answer.header("content-type"), [NDJSON]);
    let records = answer.records();
    assert_eq!(records.len(), 4);
    assert_eq!(records[0]["time"], "2026-11-21T10:32:07.114Z");
    assert_eq!((&records[0]["level"], &records[0]["message"]), (&"warn".into(), &"slow".into()));
    assert_eq!((&records[0]["fields"]["ms"], &records[0]["line"]), (&12.into(), &1.into()));
    assert_eq!((&records[1]["level"], &records[1]["line"]), (&"error".into(), &2.into()));
    assert_eq!(records[1]["fields"]["msg"], "no room");
    assert!(records[2].get("level").is_none() && records[2].get("fields").is_none());
    assert_eq!((&records[3]["text"], &records[3]["line"]), (&"last".into(), &4.into()));
    // The lengths are those of the file, so that the bytes can be had from the text.
    let sum: u64 = records.iter().map(|record| record["length"].as_u64().expect("one")).sum();
    assert_eq!(sum, std::fs::metadata(site.path("app.log")).expect("there").len());
    // An id leads to what comes after it, in the other form just as well.
    let id = records[1]["id"].as_str().expect("text");
    let on = ask(&running, &format!("/s/logs/app.log?from={id}"), "*/*").await;
    assert_eq!(on.body, "\tat nothing in particular\nlast");
    let on = ask(&running, &format!("/s/logs/app.log?from={id}&format=ndjson"), "*/*").await;
    assert_eq!(on.texts(), ["\tat nothing in particular", "last"]);
    running.stop().await;
}

#[tokio::test]
async fn a_range_goes_by_numbers_and_by_links_both_ways() {
    let site = Site::new(&["app.log"]);
    let all: String = (1..=1000).map(|n| format!("line {n}\n")).collect();
    site.append("app.log", &all);
    let running = site.start().await;
    let path = "/s/logs/app.log";
    let expected =
        |from: u64, to: u64| (from..=to).map(|n| format!("line {n}\n")).collect::<String>();
    let at = ask(&running, &format!("{path}?line=400&n=3"), "*/*").await;
    assert_eq!(at.body, expected(400, 402));
    let before = ask(&running, &format!("{path}?line=400&n=-3"), "*/*").await;
    assert_eq!(before.body, expected(397, 399));
    // On to the end by links alone, in pieces; and back to the start.
    let mut seen = at.body.clone();
    let mut next = at.link(path, "next");
    while let Some(address) = next {
        let answer = ask(&running, &address.replace("n=3", "n=200"), "*/*").await;
        seen.push_str(&answer.body);
        next = answer.link(path, "next");
    }
    assert_eq!(seen, expected(400, 1000));
    let mut seen = at.body.clone();
    let mut prev = at.link(path, "prev");
    while let Some(address) = prev {
        let answer = ask(&running, &address.replace("n=-3", "n=-150"), "*/*").await;
        seen.insert_str(0, &answer.body);
        prev = answer.link(path, "prev");
        if seen.starts_with("line 1\n") {
            break;
        }
    }
    assert!(seen.starts_with("line 1\nline 2\n"), "{seen}");
    assert!(seen.ends_with(&expected(390, 402)));
    // From one position to before another, without a bound but these.
    let records = ask(&running, &format!("{path}?line=10&n=20&format=ndjson"), "*/*").await;
    let place = |nth: usize| records.records()[nth]["at"].as_str().expect("text").to_owned();
    assert_eq!(records.records()[5]["line"], 15);
    let (from, to) = (place(5), place(9));
    let between = ask(&running, &format!("{path}?from={from}&to={to}"), "*/*").await;
    assert_eq!(between.body, expected(15, 18));
    let bounded = ask(&running, &format!("{path}?from={from}&to={to}&n=2"), "*/*").await;
    assert_eq!(bounded.body, expected(15, 16));
    let all = ask(&running, &format!("{path}?from={from}&to={to}&n=4"), NDJSON).await;
    assert_eq!((all.texts().len(), all.link(path, "next")), (4, None));
    running.stop().await;
}

#[tokio::test]
async fn a_range_crosses_a_rotation() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\ntwo\n");
    let running = site.start().await;
    let first = ask(&running, "/s/logs/app.log?format=ndjson", "*/*").await;
    let at = first.records()[1]["at"].as_str().expect("text").to_owned();
    std::fs::rename(site.path("app.log"), site.path("app.log.1")).expect("renamed");
    site.append("app.log", "three\nfour\n");
    // The server hears of it when it does.
    let mut answer = ask(&running, &format!("/s/logs/app.log?from={at}&n=3"), NDJSON).await;
    while answer.texts().len() < 3 {
        tokio::task::yield_now().await;
        answer = ask(&running, &format!("/s/logs/app.log?from={at}&n=3"), NDJSON).await;
    }
    assert_eq!(answer.texts(), ["two", "three", "four"]);
    let records = answer.records();
    assert_eq!(records[1]["notice"], "turned");
    let to = records[3]["at"].as_str().expect("text").to_owned();
    let answer = ask(&running, &format!("/s/logs/app.log?from={at}&to={to}"), "*/*").await;
    assert_eq!(answer.body, "two\nthree\n");
    let answer = ask(&running, &format!("/s/logs/app.log?from={to}&n=-2"), "*/*").await;
    assert_eq!(answer.body, "two\nthree\n");
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_range_is_refused_with_its_name() {
    let site = Site::new(&["app.log"]);
    site.append("app.log", "one\n");
    let running = site.start().await;
    for (query, status, named) in [
        ("line=0", 400, "`line`"),
        ("line=1&n=20000", 400, "`n`"),
        ("n=-1", 400, "`n`"),
        ("to=9f3a01c2:7", 400, "`to`"),
        ("line=5", 404, "`line`"),
        ("from=00000000:0&n=3", 410, "position"),
        ("from=00000000:0&n=-3", 410, "position"),
        ("line=1&to=00000000:1", 410, "`to`"),
        ("format=xml", 400, "`format`"),
        ("line=1&format=events", 400, "events"),
    ] {
        let answer = ask(&running, &format!("/s/logs/app.log?{query}"), "*/*").await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(named), "{query}: {}", answer.body);
    }
    running.stop().await;
}
