//! Events, by example and against all lines one after another.

use super::*;
use proptest::prelude::*;

fn rule(log: &str) -> EventRule {
    EventRule::learn(log.lines().map(str::as_bytes))
}

/// The events of a log, by their lines.
fn events(log: &str) -> Vec<Vec<&str>> {
    let rule = rule(log);
    let bytes = log.as_bytes().to_vec();
    let mut lines = Lines::new(&bytes, 0, bytes.len() as u64);
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() as u64 {
        let event = rule.event(&mut lines, at).expect("memory");
        assert!(event.begun);
        let text = log.get(event.start as usize..event.end as usize).expect("whole characters");
        found.push(text.lines().collect());
        at = event.end;
    }
    found
}

/// How many lines each event has.
fn sizes(log: &str) -> Vec<usize> {
    events(log).iter().map(Vec::len).collect()
}

#[test]
fn lines_are_joined_to_their_events() {
    let java = "\
2026-11-21 10:32:07,114 INFO  start
2026-11-21 10:32:07,115 ERROR failed
java.lang.IllegalStateException: no
\tat a.b.C.d(C.java:5)
\t... 3 more
Caused by: java.io.IOException: at 2026-11-21 10:32:07
\tat e.f(G.java:7)

2026-11-21 10:32:07,116 INFO  on
";
    assert_eq!(sizes(java), [1, 7, 1]);
    let python = "\
ERROR:root:failed
Traceback (most recent call last):
  File \"x.py\", line 1, in <module>
ValueError: no
WARNING:root:on
INFO:root:and on
";
    assert_eq!(sizes(python), [4, 1, 1]);
    let plain = "one\ntwo\n  of two\n  of two\n}\nthree\n";
    assert_eq!(sizes(plain), [1, 4, 1]);
    let objects =
        "{\"time\":1795257127,\"a\":1}\n{\"a\":2}\n{\"a\":3}\npanic: no\n\tmain.go:5\n{}\n";
    assert_eq!(sizes(objects), [1, 1, 1, 2, 1]);
    let pretty = "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n";
    assert_eq!(sizes(pretty), [3, 3]);
    let syslog =
        "Nov 21 10:32:07 a b: c\nNov 21 10:32:07 a b: d\n#011more\nNov 21 10:32:08 a b: e\n";
    assert_eq!(sizes(syslog), [1, 2, 1]);
    let each = "a\nb\nc\n";
    assert_eq!(sizes(each), [1, 1, 1]);
}

#[test]
fn what_a_runtime_divided_belongs_together() {
    let cri = "\
2026-11-21T10:32:07.1Z stdout F 10:32 INFO start
2026-11-21T10:32:07.2Z stdout P one lo
2026-11-21T10:32:07.2Z stdout P ng li
2026-11-21T10:32:07.2Z stdout F ne
2026-11-21T10:32:07.3Z stderr F oops: no
2026-11-21T10:32:07.3Z stderr F \tmain.go:5
";
    let found = events(cri);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 2]);
    let said = |event: &Vec<&str>| {
        String::from_utf8(text(event.iter().map(|line| line.as_bytes()))).expect("text")
    };
    assert_eq!(said(&found[1]), "one long line");
    assert_eq!(said(&found[2]), "oops: no\n\tmain.go:5");

    let docker = |text: &str| {
        format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:32:07Z\"}}\n")
    };
    let log = [
        docker("2026-11-21 10:32:07,114 ERROR failed\\n"),
        docker("java.lang.X: no\\n"),
        docker("\\tat a.b(C.java:5)\\n"),
        docker("2026-11-21 10:32:07,115 one lo"),
        docker("ng line\\r\\n"),
    ];
    let log = log.concat();
    let found = events(&log);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(said(&found[1]), "2026-11-21 10:32:07,115 one long line");
}

#[test]
fn an_event_without_end_is_not_joined() {
    let log = format!("begin\n{}end\n", " x\n".repeat(3 * MAX_LINES));
    let rule = rule("begin\n x\nend\n");
    let bytes = log.as_bytes().to_vec();
    let mut lines = Lines::new(&bytes, 0, bytes.len() as u64);
    let first = rule.event(&mut lines, 0).expect("memory");
    assert_eq!(first.end, 6 + 3 * (MAX_LINES as u64 - 1));
    let beyond = rule.event(&mut lines, first.end).expect("memory");
    assert_eq!(beyond, Event { start: first.end, end: first.end + 3, begun: false });
    let wide = format!("begin\n {}\n {}\n z\n", "x".repeat(1 << 20), "y".repeat(100));
    let wide = wide.into_bytes();
    let mut lines = Lines::new(&wide, 0, wide.len() as u64);
    let first = rule.event(&mut lines, 0).expect("memory");
    assert_eq!(first.end, 8 + (1 << 20));
}

proptest! {
    /// From every byte the same events are found, and they tile the log.
    #[test]
    fn events_are_the_same_from_wherever_they_are_looked_at(
        given in prop::collection::vec(
            prop_oneof![
                Just("2026-11-21 10:32:07 x"), Just("\tat y"), Just("plain"), Just(""), Just("}"),
                Just("ERROR x"), Just("{\"a\":1}"),
                Just("2026-11-21T10:32:07Z stdout P part"), Just("2026-11-21T10:32:07Z stdout F rest"),
                Just("{\"log\":\"part\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:32:07Z\"}"),
            ],
            1..40,
        ),
        finished in any::<bool>(),
    ) {
        let mut log = given.join("\n");
        if finished {
            log.push('\n');
        }
        let rule = rule(&log);
        let bytes = log.as_bytes().to_vec();
        // By definition: a line begins an event by itself, unless the one before it goes on.
        let mut starts = vec![];
        let (mut at, mut before) = (0, None);
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let plain = line.strip_suffix(b"\n").unwrap_or(line);
            if before.is_none_or(|before| rule.begins(plain) && !EventRule::goes_on(before)) {
                starts.push(at);
            }
            before = Some(plain);
            at += line.len() as u64;
        }
        starts.push(at);
        let mut lines = Lines::new(&bytes, 0, at);
        for offset in (0..at).step_by(13) {
            let event = rule.event(&mut lines, offset).expect("memory");
            let index = starts.partition_point(|&start| start <= offset) - 1;
            let expected = Event { start: starts[index], end: starts[index + 1], begun: true };
            prop_assert_eq!(event, expected, "at {} of {:?}", offset, log);
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 1..300)) {
        let rule = EventRule::learn(bytes.split(|&byte| byte == b'\n'));
        let mut lines = Lines::new(&bytes, 0, bytes.len() as u64);
        for offset in (0..bytes.len() as u64).step_by(5) {
            let event = rule.event(&mut lines, offset).expect("memory");
            prop_assert!(event.start <= offset && offset < event.end);
        }
        let _any = text(bytes.split(|&byte| byte == b'\n'));
    }
}
