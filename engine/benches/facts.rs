//! What a line costs to be understood: its level, its time, a field of it, its event.
//!
//! `cargo bench -p tailwater-engine --bench facts` prints nanoseconds per line for lines as
//! different programs write them: those of the fastest of many short rounds, as whatever else the
//! machine does only adds to them.

use std::hint::black_box;
use std::time::Instant;

use tailwater_engine::event::EventRule;
use tailwater_engine::fields;
use tailwater_engine::level::level;
use tailwater_engine::time::{Clock, Reference};

const ROUNDS: usize = 101;
const LINES: usize = 1000;

/// A name, some lines, and fields to be found: one that is there and one that is not.
type Case = (&'static str, &'static [&'static str], [&'static str; 2]);

const CASES: [Case; 8] = [
    (
        "text",
        &[
            "2026-11-21T10:32:07.114Z INFO  [worker-7] GET /api/cart/4711?x=1 200 12ms user=alice size=5123",
        ],
        ["size", "status"],
    ),
    (
        "trace",
        &["\tat org.example.service.CartService.checkout(CartService.java:217) ~[app.jar:1.2.3]"],
        ["size", "status"],
    ),
    (
        "json",
        &[
            r#"{"time":"2026-11-21T10:32:07.114Z","level":"info","msg":"request served","http":{"method":"GET","path":"/api/cart/4711","status":200},"user":"alice","took_ms":12.5,"trace":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
        ],
        ["http.status", "missing"],
    ),
    (
        "pino",
        &[
            r#"{"level":30,"time":1795257127114,"pid":7,"hostname":"web-1","reqId":"a1","res":{"statusCode":200},"responseTime":12,"msg":"request completed"}"#,
        ],
        ["res.statusCode", "missing"],
    ),
    (
        "logfmt",
        &[
            "ts=2026-11-21T10:32:07.114Z level=info caller=main.go:217 msg=\"request served\" method=GET path=/api/cart status=200 took=12ms",
        ],
        ["status", "missing"],
    ),
    (
        "syslog",
        &[
            "Nov 21 10:32:07 web-1 sshd[4711]: Accepted publickey for root from 10.0.0.7 port 51234 ssh2",
        ],
        ["port", "missing"],
    ),
    (
        "access",
        &[
            r#"10.0.0.7 - alice [21/Nov/2026:10:32:07 +0000] "GET /api/cart/4711 HTTP/1.1" 200 5123 "-" "Mozilla/5.0 (X11; Linux x86_64)""#,
        ],
        ["status", "missing"],
    ),
    (
        "docker",
        &[
            r#"{"log":"2026-11-21 10:32:07,114 INFO  GET /api/cart/4711 user=alice status=200 \"quoted\"\n","stream":"stdout","time":"2026-11-21T10:32:07.114211987Z"}"#,
        ],
        ["status", "missing"],
    ),
];

/// Nanoseconds per line of the fastest round.
fn measure(lines: &[&[u8]], mut work: impl FnMut(&[u8])) -> f64 {
    let round = || {
        let start = Instant::now();
        for turn in 0..LINES {
            if let Some(line) = lines.get(turn % lines.len()) {
                work(black_box(line));
            }
        }
        start.elapsed().as_nanos() as f64 / LINES as f64
    };
    std::iter::repeat_with(round).take(ROUNDS).fold(f64::INFINITY, f64::min)
}

fn main() {
    println!(
        "{:8} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "ns/line", "bytes", "level", "time", "find", "miss", "all", "begins"
    );
    let text: &[u8] = b"2026-11-21T10:32:07.114Z x";
    for (name, lines, [there, missing]) in CASES {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let reference = || Reference::utc(1_795_257_127_000_000_000);
        let clock = Clock::learn(lines.iter().copied(), reference());
        // Lines that have no time stand among lines that do.
        let Some(clock) = clock.or_else(|| Clock::learn([text], reference())) else { continue };
        let rule = EventRule::learn(lines.iter().copied().chain([text]));
        let bytes = lines.iter().map(|line| line.len()).sum::<usize>() / lines.len();
        println!(
            "{name:8} {bytes:>6} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>7.0}",
            measure(&lines, |line| _ = black_box(level(line))),
            measure(&lines, |line| _ = black_box(clock.at(line))),
            measure(&lines, |line| _ = black_box(fields::find(line, there))),
            measure(&lines, |line| _ = black_box(fields::find(line, missing))),
            measure(&lines, |line| _ = black_box(fields::all(line).count())),
            measure(&lines, |line| _ = black_box(rule.begins(line))),
        );
    }
}
