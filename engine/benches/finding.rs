//! Searching a whole log, every match recorded, beside ripgrep on one file: P5; and the first match
//! from the end, P6.
//!
//! `make bench` runs it; by hand `TAILWATER_LOG=some.log cargo bench -p tailwater-engine --bench
//! finding`. Both sides must find the same number of lines, or it fails.

mod support;

use std::ffi::OsStr;
use std::fs::File as StdFile;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use support::{Budget, Cost, ROUNDS, cost, exists, median, missing, program, ratio, row};
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::query::{LogFacts, Matcher};
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_engine::scan::{Direction, Order, Scan, Step, Worked, Worker, next};
use tailwater_protocol::query::{Now, Query, Zone};
use tailwater_protocol::{Began, GenerationId, Position};

/// What is searched for: in words, as a query, and what ripgrep is told.
const CASES: [(&str, &str, &[&str]); 14] = [
    ("a rare literal", "/needle-7f3c9a/", &["needle-7f3c9a"]),
    ("a literal in one line of ten", "/heartbeat/", &["heartbeat"]),
    ("a literal in every other line", "/http/", &["http"]),
    ("three literals", "/ERROR|timed out|WARN/", &["ERROR|timed out|WARN"]),
    ("a rare word, any case", "needle-7f3c9a", &["-i", "needle-7f3c9a"]),
    ("a frequent word, any case", "error", &["-i", "error"]),
    ("a phrase, any case", "\"lookup done\"", &["-i", "lookup done"]),
    ("a pattern with a literal", "/took=[0-9]+us shard=7/", &["took=[0-9]+us shard=7"]),
    ("a pattern that begins with one", "/POST \\/api\\/v[0-9]+/", &["POST /api/v[0-9]+"]),
    ("a pattern that ends with one", "/[a-z]+-[0-9] heartbeat/", &["[a-z]+-[0-9] heartbeat"]),
    (
        "a pattern without",
        "/[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}/",
        &["[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}"],
    ),
    ("a pattern of words", "/[a-z]{12,}/", &["[a-z]{12,}"]),
    ("a field", "shard:7", &["(^|\\s)shard=7(\\s|$)"]),
    ("two words", "heartbeat worker-1", &["-i", "heartbeat.*worker-1|worker-1.*heartbeat"]),
];

struct Disk(StdFile);

impl ReadAt for Disk {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

impl File for Disk {
    fn stat(&self) -> io::Result<Stat> {
        let bytes = self.0.metadata()?.size();
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        Ok(Stat { identity, bytes, links: 1, written: 0, changed: 0 })
    }
}

fn main() {
    let path = support::log();
    let history = open(&path);
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let rounds = std::env::var("TAILWATER_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    if !exists("rg") {
        missing("P5", "searching a whole log", "rg");
        return;
    }
    let (mut sum, mut cases) = (0.0, 0_u32);
    for (what, query, told) in CASES {
        if only.as_ref().is_some_and(|only| !what.contains(only.as_str())) {
            continue;
        }
        sum += search(&path, &history, what, query, told, rounds).ln();
        cases += 1;
    }
    if only.is_some() {
        return;
    }
    let mean = (sum / f64::from(cases)).exp();
    let what = "search: all of these, geometric mean of CPU";
    row("P5", what, "", "rg", Some(mean), Budget::AtLeast(0.9));
    both_cores(&history, rounds);
    first(&path, &history, rounds);
}

fn open(path: &Path) -> History {
    let file = Arc::new(Disk(StdFile::open(path).expect("opened")));
    let bytes = file.stat().expect("there").bytes;
    let marker = fingerprint_before(file.as_ref(), bytes).expect("read");
    let mut last = [0];
    file.read_at(&mut last, bytes.saturating_sub(1)).expect("read");
    History::new(vec![Generation {
        id: GenerationId(1),
        file,
        from: 0,
        bytes,
        marker,
        began: Began::Found,
        since: 0,
        name: "log".to_owned(),
        lost: None,
        ended: false,
        unfinished: last != *b"\n",
    }])
}

fn matcher(query: &str) -> Arc<Matcher> {
    let query = Query::parse(query).expect("a query");
    let now = Now { nanos: 0, zone: Zone(0) };
    Arc::new(Matcher::new(&query, now).expect("a pattern"))
}

fn scan(history: &History, query: &str, threads: usize) -> u64 {
    let facts = Arc::new(LogFacts::default());
    let scan = Scan::new(matcher(query), facts, history, Order::Newest);
    std::thread::scope(|scope| {
        let work = || {
            let worked = scan.work(&mut scan.worker(), &|| false);
            assert_eq!(worked.expect("read"), Worked::Nothing);
        };
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    scan.progress().matches
}

/// How many times less CPU it takes than ripgrep.
fn search(
    path: &Path,
    history: &History,
    what: &str,
    query: &str,
    told: &[&str],
    rounds: usize,
) -> f64 {
    let mut arguments: Vec<&OsStr> = vec![OsStr::new("--no-config"), OsStr::new("-c")];
    arguments.extend(told.iter().map(OsStr::new));
    arguments.push(path.as_os_str());
    let (mut ours, mut theirs): (Vec<Cost>, Vec<Cost>) = (Vec::new(), Vec::new());
    let mut found = 0;
    for _ in 0..rounds {
        let (count, cost) = cost(|| scan(history, query, 1));
        ours.push(cost);
        let (said, cost) = program("rg", &arguments);
        theirs.push(cost);
        assert_eq!(said.trim().parse().ok(), Some(count), "`{query}` beside rg {told:?}");
        found = count;
    }
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.cpu));
    let (ours, theirs) = (cpu(&ours), cpu(&theirs));
    let bytes = history.end().map_or(0, |end| end.offset);
    let speed = |time: std::time::Duration| {
        format!("{:.2} GB/cpu-s", bytes as f64 / 1e9 / time.as_secs_f64().max(1e-9))
    };
    let ratio = ratio(ours, theirs);
    let what = format!("search: {what} ({found})");
    row("P5", &what, speed(ours), speed(theirs), Some(ratio), Budget::AtLeast(0.75));
    ratio
}

fn both_cores(history: &History, rounds: usize) {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        one.push(cost(|| scan(history, "error", 1)).1.wall);
        two.push(cost(|| scan(history, "error", 2)).1.wall);
    }
    let (one, two) = (median(one), median(two));
    let what = "search on two threads beside one, wall clock";
    row(
        "P5",
        what,
        format!("{two:.1?}"),
        format!("{one:.1?}"),
        Some(ratio(two, one)),
        Budget::AtLeast(1.6),
    );
}

/// From a query to its first match from the end on, which is what is on the screen.
fn first(path: &Path, history: &History, rounds: usize) {
    let told = ["--no-config", "-m1", "needle-7f3c9a"].map(OsStr::new);
    let arguments: Vec<&OsStr> = told.into_iter().chain([path.as_os_str()]).collect();
    let end = history.end().expect("there is a log");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let step = |from: Position, direction| {
            let mut worker = Worker::new(matcher("needle-7f3c9a"), Arc::new(LogFacts::default()));
            next(&mut worker, history, from, direction, u64::MAX, &|| false).expect("read")
        };
        let start = Position::start(end.generation);
        let (found, cost) = cost(|| step(start, Direction::Forward));
        assert!(matches!(found, Step::At(_)));
        ours.push(cost.wall);
        theirs.push(program("rg", &arguments).1.wall);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let over = ours.saturating_sub(theirs).as_secs_f64() * 1000.0 / 10.0;
    let what = "first match from the start, of rg's and 10 ms more";
    row(
        "P6",
        what,
        format!("{ours:.1?}"),
        format!("{theirs:.1?}"),
        Some(over),
        Budget::AtMost(1.0),
    );
}
