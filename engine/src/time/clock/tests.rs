//! Times, by example and from instants that were written out.

use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;

/// 2026-11-21T10:32:07Z.
const NOW: i64 = 1_795_257_127 * SECOND;
const SECOND: i64 = 1_000_000_000;
const MILLI: i64 = 1_000_000;

fn nanos(text: &str) -> i64 {
    let timestamp: Timestamp = text.parse().expect("a time that jiff reads");
    nanoseconds(timestamp).expect("a time of our days")
}

fn clock(line: &str) -> Option<Clock> {
    Clock::learn([line.as_bytes()], Reference::utc(NOW + 3600 * SECOND))
}

/// The time of a line in a log of such lines.
fn read(line: &str) -> Option<i64> {
    clock(line)?.at(line.as_bytes())
}

#[test]
fn the_spellings_of_a_time() {
    let cases = [
        // RFC 3339 and its kin.
        ("2026-11-21T10:32:07Z x", 0),
        ("2026-11-21T10:32:07.114Z x", 114),
        ("2026-11-21t10:32:07.114z x", 114),
        ("2026-11-21 10:32:07,114 INFO x", 114),
        ("2026-11-21 10:32:07.114123456999 x", 114),
        ("2026-11-21T11:32:07.114+01:00 x", 114),
        ("2026-11-21T11:32:07+0100", 0),
        ("2026-11-21T11:32:07+01", 0),
        ("2026-11-21T05:02:07 -0530 x", 0),
        ("2026-11-21T05:32:07\u{2212}05:00 x", 0),
        ("2026-11-21 10:32:07 UTC [7] LOG: x", 0),
        ("2026-11-21 11:32:07.114 CET [7] LOG: x", 114),
        ("2026-11-21 12:32:07 GMT+02:00 x", 0),
        ("2026-11-21T11:32:07+01:00[Europe/Berlin] x", 0),
        ("2026/11/21 10:32:07 [error] 31#31: x", 0),
        ("2026.11.21 10:32:07 x", 0),
        ("2026-11-21 10:32:07 +1234x is no zone", 0),
        ("2026-11-21 10:32:07 EST5 is none either", 0),
        ("[2026-11-21 10:32:07] x", 0),
        ("[INFO ] [main] 2026-11-21 10:32:07,114 x", 114),
        ("INFO 2026-11-21 10:32:07,114 x", 114),
        ("\x1b[2m2026-11-21T10:32:07.114Z\x1b[0m \x1b[32m INFO\x1b[0m x", 114),
        ("\u{feff}2026-11-21T10:32:07Z bom", 0),
        ("20261121T103207Z x", 0),
        ("20261121 10:32:07.114 x", 114),
        ("20261121T113207.114+0100 x", 114),
        ("2026-W47-6T10:32:07.114Z x", 114),
        ("2026-325T10:32:07Z x", 0),
        // Days first.
        ("10.0.0.7 - bob [21/Nov/2026:10:32:07 +0000] \"GET / HTTP/1.1\" 200 5", 0),
        ("::1 - - [21/Nov/2026:05:02:07 -0530] \"GET / HTTP/1.1\" 200 5", 0),
        ("21 Nov 2026 10:32:07,114 [main] INFO x", 114),
        ("1:M 21 Nov 2026 10:32:07.114 * x", 114),
        ("21-Nov-2026 10:32:07.114 INFO [main] x", 114),
        ("Sat, 21 Nov 2026 10:32:07 GMT x", 0),
        // Months first.
        ("Nov 21 10:32:07 host app[7]: x", 0),
        ("<13>Nov 21 10:32:07 host app[7]: x", 0),
        ("Nov 21 10:32:07.114 host app: x", 114),
        ("Nov 21 2026 10:32:07 x", 0),
        ("Nov 21, 2026 10:32:07 AM org.example.Main run", 0),
        ("2026-11-21 10:32:07.114 am x", 114),
        ("[Sat Nov 21 10:32:07.114123 2026] [php:warn] x", 114),
        ("Sat Nov 21 11:32:07 CET 2026 x", 0),
        ("Nov 21 10:32:07 4711 is no year", 0),
        // klog and glog.
        ("I1121 10:32:07.114123       7 main.go:12] x", 114),
        ("W20261121 10:32:07.114123 7 main.cc:12] x", 114),
        // Epochs.
        ("1795257127 x", 0),
        ("1795257127.114    123 10.0.0.7 TCP_MISS/200", 114),
        ("1795257127114 x", 114),
        ("1795257127114123 x", 114),
        ("1795257127114123456 x", 114),
        ("type=SYSCALL msg=audit(1795257127.114:4711): x", 114),
        // RFC 5424.
        ("<34>1 2026-11-21T10:32:07.114Z host su - ID47 - x", 114),
        // Fields.
        (r#"{"ts":1795257127.114,"msg":"x"}"#, 114),
        (r#"{"level":30,"time":1795257127114,"pid":7}"#, 114),
        (r#"{"msg":"at 2020-01-01 00:00:00","time":"2026-11-21T10:32:07.114Z"}"#, 114),
        (r#"{"@timestamp" : "2026-11-21T10:32:07.114Z","time":"12ms"}"#, 114),
        (r#"{"__REALTIME_TIMESTAMP" : "1795257127114123", "PRIORITY" : "3"}"#, 114),
        ("level=info ts=2026-11-21T10:32:07.114Z msg=x", 114),
        ("time=\"2026-11-21T10:32:07Z\" level=info", 0),
        ("level=info ts=1795257127.114 msg=x", 114),
        (
            r#"{"log":"2020-01-01 00:00:00 x\n","stream":"stdout","time":"2026-11-21T10:32:07.114Z"}"#,
            114,
        ),
        ("2026-11-21T10:32:07.114000000Z stdout F 2020-01-01 00:00:00 x", 114),
    ];
    for (line, millis) in cases {
        let read = read(line).map(|time| time / MILLI);
        assert_eq!(read, Some(NOW / MILLI + millis), "{line}");
    }
}

#[test]
fn what_is_no_time() {
    let cases = [
        "",
        "plain text",
        "10:32:07.114 INFO a time of day alone",
        "2026-11-21 a date alone",
        "2026-13-21 10:32:07",
        "2026-02-29 10:32:07",
        "2026-11-31T10:32:07Z",
        "2026-11-21 24:00:00",
        "2026-11-21 10:61:07",
        "2026-11-21 13:32:07 PM",
        "2026-W54-1T10:32:07Z",
        "2026-366T10:32:07Z",
        "0000-01-01 00:00:00",
        "/var/log/app-2026-11-21 10:32:07.log",
        "version 1.2026-11-21",
        "192.168.100.200 is an address",
        "11/21/2026 10:32:07 could be read in two ways",
        "1795257127abc",
        "17952571270 eleven digits",
        "found 1795257127 rows",
        "Nov 31 10:32:07 host",
        "Nov 21 25:32:07 host",
        "November 21 10:32:07",
        "I1321 10:32:07.114 7 main.go:12] x",
        r#"{"elapsed":1795257127,"msg":"2026-11-21 10:32:07"}"#,
        r#"{"time":"12ms"}"#,
        "9999-11-21T10:32:07Z",
    ];
    for line in cases {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn a_year_that_is_left_out_is_the_latest_that_can_be() {
    let cases = [
        ("2026-11-21T12:00:00Z", "Nov 21 10:00:00", "2026-11-21T10:00:00Z"),
        ("2026-11-21T12:00:00Z", "Nov 22 10:00:00", "2026-11-22T10:00:00Z"),
        ("2026-11-21T12:00:00Z", "Nov 23 10:00:00", "2025-11-23T10:00:00Z"),
        ("2026-01-01T00:10:00Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("2025-12-31T23:59:00Z", "Jan  1 00:00:01", "2026-01-01T00:00:01Z"),
        ("2026-01-01T00:10:00Z", "Feb 29 10:00:00", "2024-02-29T10:00:00Z"),
        ("2024-03-01T00:10:00Z", "Feb 29 10:00:00", "2024-02-29T10:00:00Z"),
        ("2024-02-26T00:10:00Z", "Feb 29 10:00:00", "2020-02-29T10:00:00Z"),
        ("2101-03-01T00:10:00Z", "Feb 29 10:00:00", "2096-02-29T10:00:00Z"),
    ];
    for (seen, line, expected) in cases {
        let clock = Clock::learn([line.as_bytes()], Reference::utc(nanos(seen))).expect("a time");
        assert_eq!(clock.at(line.as_bytes()), Some(nanos(expected)), "{line} seen {seen}");
        let later = clock.seen(nanos(seen) + 4 * 366 * 86_400 * SECOND);
        assert!(later.at(line.as_bytes()) > clock.at(line.as_bytes()), "{line}");
    }
}

#[test]
fn a_zone_that_is_left_out_is_that_of_the_reference() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
    let cases = [
        ("2026-11-21 11:32:07", "2026-11-21T10:32:07Z"),
        ("2026-07-21 12:32:07", "2026-07-21T10:32:07Z"),
        ("Jul 21 12:32:07 host", "2026-07-21T10:32:07Z"),
        ("2026-07-21 10:32:07Z", "2026-07-21T10:32:07Z"),
        // Twice: the first of the two.
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00Z"),
        // Never.
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
    ];
    for (line, expected) in cases {
        let reference = Reference { seen: NOW, zone: zone.clone() };
        let clock = Clock::learn([line.as_bytes()], reference).expect("a time");
        assert_eq!(clock.at(line.as_bytes()), Some(nanos(expected)), "{line}");
    }
}

#[test]
fn a_leap_second_keeps_its_place() {
    let lines = ["2016-12-31T23:59:59.9Z", "2016-12-31T23:59:60.3Z", "2017-01-01T00:00:00Z"];
    let times: Vec<_> = lines.iter().map(|line| read(line).expect("a time")).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn lines_that_differ_are_searched_and_lines_without_a_time_have_none() {
    let sample = [
        "2026-11-21 10:32:07,114 INFO a",
        "java.lang.IllegalStateException: at 2020-01-01 00:00:00",
        "\tat Main.main(Main.java:5) 2020-01-01 00:00:00",
        "2026-11-21 10:32:07,114 INFO b",
        "[worker] 2026-11-21 10:32:07,114 INFO c",
    ];
    let lines = sample.iter().map(|line| line.as_bytes());
    let clock = Clock::learn(lines, Reference::utc(NOW)).expect("times");
    let at = |line: &str| clock.at(line.as_bytes());
    assert_eq!(at(sample[0]), Some(NOW + 114 * MILLI));
    assert_eq!(at(sample[2]), None);
    assert_eq!(at(sample[4]), Some(NOW + 114 * MILLI));
    // As another version of the program might begin to write.
    assert_eq!(at("{\"ts\":1795257127,\"msg\":1}"), Some(NOW));
    assert_eq!(at("Nov 21 10:32:07 host x"), Some(NOW));
    // Digits are no time where none were seen.
    assert_eq!(at("1795257127 rows"), None);
    assert_eq!(at(""), None);
    assert_eq!(at(&format!("{} 2020-01-01 00:00:00", "far ".repeat(40))), None);
}

#[test]
fn the_time_of_an_object_is_not_that_of_one_within() {
    let sample = [
        r#"{"req":{"time":"2020-01-01T00:00:00Z"},"time":"2026-11-21T10:32:07Z"}"#,
        r#"{"time":"2026-11-21T10:32:07Z","list":["time"]}"#,
    ];
    let lines = sample.iter().map(|line| line.as_bytes());
    let clock = Clock::learn(lines, Reference::utc(NOW)).expect("times");
    for line in sample {
        assert_eq!(clock.at(line.as_bytes()), Some(NOW), "{line}");
    }
}

#[test]
fn docker_says_when_even_behind_a_long_text() {
    let log = "x\\u001b ".repeat(3000);
    let line = format!(r#"{{"log":"{log}","stream":"stdout","time":"2026-11-21T10:32:07Z"}}"#);
    assert_eq!(read(&line), Some(NOW));
}

fn instant() -> impl Strategy<Value = i64> {
    (946_684_800_i64..4_102_444_800, 0..SECOND).prop_map(|(second, nanos)| second * SECOND + nanos)
}

/// How a line with a time is written, and to what it rounds.
type Spelling = (&'static str, i64);

const SPELLINGS: [Spelling; 24] = [
    ("%Y-%m-%dT%H:%M:%S.%fZ x", 1),
    ("%Y-%m-%d %H:%M:%S,%3f INFO x", MILLI),
    ("%Y-%m-%d %H:%M:%S x", SECOND),
    ("%Y-%m-%d %H:%M:%S.%6f UTC x", 1000),
    ("%Y/%m/%d %H:%M:%S [error] x", SECOND),
    ("%Y%m%dT%H%M%S.%fZ x", 1),
    ("%Y%m%d %H:%M:%S.%3f x", MILLI),
    ("%G-W%V-%uT%H:%M:%S.%fZ x", 1),
    ("%Y-%jT%H:%M:%S.%fZ x", 1),
    ("host - - [%d/%b/%Y:%H:%M:%S +0000] x", SECOND),
    ("%e %b %Y %H:%M:%S.%3f * x", MILLI),
    ("%d-%b-%Y %H:%M:%S.%3f INFO x", MILLI),
    ("%a, %d %b %Y %H:%M:%S GMT x", SECOND),
    ("[%a %b %d %H:%M:%S.%6f %Y] [x]", 1000),
    ("%a %b %e %H:%M:%S UTC %Y x", SECOND),
    ("%b %d %Y %H:%M:%S x", SECOND),
    ("%b %-d, %Y %-I:%M:%S %p x", SECOND),
    ("%Y-%m-%d %-H:%M:%S,%3f x", MILLI),
    ("W%Y%m%d %H:%M:%S.%6f 7 x", 1000),
    ("{\"msg\":\"x\",\"time\":\"%Y-%m-%dT%H:%M:%S.%fZ\"}", 1),
    ("level=info ts=%Y-%m-%dT%H:%M:%S.%fZ", 1),
    // The year is that of the reference.
    ("%b %d %H:%M:%S host x", SECOND),
    ("%b %e %H:%M:%S.%3f host x", MILLI),
    ("I%m%d %H:%M:%S.%6f 7 main.go:1] x", 1000),
];

proptest! {
    #[test]
    fn what_was_written_is_read(time in instant(), spelling in prop::sample::select(SPELLINGS.to_vec())) {
        let (format, unit) = spelling;
        let zoned = Timestamp::from_nanosecond(time.into()).expect("in range").to_zoned(TimeZone::UTC);
        let line = zoned.strftime(format).to_string();
        let clock = Clock::learn([line.as_bytes()], Reference::utc(time)).expect("a time");
        prop_assert_eq!(clock.at(line.as_bytes()), Some(time / unit * unit), "{}", line);
    }

    #[test]
    fn epochs_are_read_in_their_unit(time in instant(), key in any::<bool>()) {
        prop_assume!(time >= SECOND * 1_000_000_000);
        let seconds = format!("{}.{:09}", time / SECOND, time % SECOND);
        for (number, unit) in [
            (seconds, 1),
            ((time / SECOND).to_string(), SECOND),
            ((time / MILLI).to_string(), MILLI),
            ((time / 1000).to_string(), 1000),
            (time.to_string(), 1),
        ] {
            let line = if key { format!("{{\"ts\":{number}}}") } else { format!("{number} x") };
            prop_assert_eq!(read(&line), Some(time / unit * unit), "{}", line);
        }
    }

    #[test]
    fn offsets_are_taken_off(time in instant(), minutes in -18 * 60 + 1..18 * 60_i32, spelling in 0..4) {
        let offset = jiff::tz::Offset::from_seconds(minutes * 60).expect("in range");
        let civil = offset.to_datetime(Timestamp::from_nanosecond(time.into()).expect("in range"));
        let (sign, m) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
        let (hours, m) = (m / 60, m % 60);
        let written = match spelling {
            0 => format!("{civil}{sign}{hours:02}:{m:02}"),
            1 => format!("{civil}{sign}{hours:02}{m:02}"),
            2 => format!("{civil} {sign}{hours:02}{m:02} x"),
            _ => format!("{civil} {sign}{hours:02}:{m:02}] x"),
        };
        prop_assert_eq!(read(&written), Some(time), "{}", written);
    }

    #[test]
    fn no_bytes_break_it(
        lines in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                "[0-9TZ:.,+\\-/ W]{0,40}".prop_map(String::into_bytes),
                "[A-Z][a-z]{2} [0-9 ]{0,12}:[0-9:]{0,6} [0-9A-Z ]{0,12}".prop_map(String::into_bytes),
                "\\{\"ts\" ?:[\"0-9.e:TZ -]{0,30}\\}?".prop_map(String::into_bytes),
            ],
            0..6,
        ),
        seen in any::<i64>(),
    ) {
        if let Some(clock) = Clock::learn(lines.iter().map(Vec::as_slice), Reference::utc(seen)) {
            for line in &lines {
                let _any = clock.at(line);
            }
        }
    }

    /// What is learned from one place holds where text follows, and where the time is further in.
    #[test]
    fn text_around_a_time_does_not_move_it(time in instant(), before in "[a-z ]{0,20}", after in "[ -~]{0,40}") {
        let timestamp = Timestamp::from_nanosecond(time.into()).expect("in range");
        let lines = [format!("{timestamp} {after}"), format!("[{before}] {timestamp} {after}")];
        let clock = Clock::learn(lines.iter().map(String::as_bytes), Reference::utc(0)).expect("a time");
        for line in &lines {
            prop_assert_eq!(clock.at(line.as_bytes()), Some(time), "{}", line);
        }
    }
}
