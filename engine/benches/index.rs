//! Counting the lines of a log and finding one by its number, beside `wc -l` and `less`: P2, P3, P4; and
//! what is read of a log for its first screen, P1.
//!
//! `make bench` runs it; by hand `TAILWATER_LOG=some.log cargo bench -p tailwater-engine --bench
//! index`. The log is read once before, so that it is in the page cache if it fits.

mod support;

use std::ffi::OsStr;
use std::fs::File as StdFile;
use std::hint::black_box;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::{
    Budget, ROUNDS, cost, in_terminal, median, missing, percentile, program, ratio, row,
};
use tailwater_engine::counts::{Counts, Scratch};
use tailwater_engine::file::{File, Identity, Stat};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::read::{ReadAt, fingerprint_before};
use tailwater_engine::window::window;
use tailwater_protocol::{Anchor, Began, GenerationId, Lines};

/// Windows read in each half of a comparison.
const WINDOWS: u64 = 4000;

struct Disk {
    file: StdFile,
    /// How many times over it is read, as if it were so much longer.
    times: u64,
    read: AtomicU64,
}

impl ReadAt for Disk {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read.fetch_add(buf.len() as u64, Ordering::Relaxed);
        if self.times == 1 {
            return self.file.read_at(buf, offset);
        }
        let size = self.file.metadata()?.size();
        let within = offset % size;
        let len = (size - within).min(buf.len() as u64) as usize;
        self.file.read_at(&mut buf[..len], within)
    }
}

impl File for Disk {
    fn stat(&self) -> io::Result<Stat> {
        let bytes = self.file.metadata()?.size() * self.times;
        let identity = Identity { device: 1, inode: 1, birth: 1 };
        Ok(Stat { identity, bytes, links: 1, written: 0, changed: 0 })
    }
}

fn main() {
    let path = support::log();
    first_screen(&path);
    let lines = count_beside_wc(&path);
    read_while_counting(&path);
    memory(&path);
    line_anywhere(&path, lines);
}

fn open(path: &Path, times: u64) -> Generation {
    let file = StdFile::open(path).expect("opened");
    generation(Arc::new(Disk { file, times, read: AtomicU64::new(0) }))
}

fn generation(file: Arc<Disk>) -> Generation {
    let bytes = file.stat().expect("there").bytes;
    let marker = fingerprint_before(file.as_ref(), bytes).expect("read");
    Generation {
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
        unfinished: false,
    }
}

fn first_screen(path: &Path) {
    let size = StdFile::open(path).and_then(|file| file.metadata()).expect("there").size();
    let times = 10_000_000_000_u64.div_ceil(size);
    let file = StdFile::open(path).expect("opened");
    let file = Arc::new(Disk { file, times, read: AtomicU64::new(0) });
    let history = History::new(vec![generation(Arc::clone(&file))]);
    let rows = window(&history, &|_| None, Anchor::End, 200, 0).expect("read");
    assert!(rows.at_end);
    let read = file.read.load(Ordering::Relaxed);
    let part = read as f64 / (256.0 * 1024.0);
    row(
        "P1",
        "read for the last 200 rows of a log never seen, of 256 KiB",
        format!("{} KiB", read / 1024),
        "",
        Some(part),
        Budget::AtMost(1.0),
    );
}

/// Counts all of it.
fn count(generation: &Generation, threads: usize) -> Counts {
    let counts = Counts::new();
    std::thread::scope(|scope| {
        for _thread in 0..threads {
            scope.spawn(|| work(&counts, generation));
        }
    });
    counts
}

fn work(counts: &Counts, generation: &Generation) {
    let mut scratch = Scratch::default();
    while counts.work(generation, &mut scratch).expect("read").is_some() {}
}

fn lines_of(counts: &Counts, generation: &Generation) -> u64 {
    match counts.lines_before(generation.file.as_ref(), generation.bytes).expect("read") {
        Some(Lines::Exact(lines)) => lines,
        other => panic!("{other:?} is no count"),
    }
}

fn count_beside_wc(path: &Path) -> u64 {
    let generation = open(path, 1);
    let lines = lines_of(&count(&generation, 1), &generation);
    let (mut one, mut two, mut wc) = (Vec::new(), Vec::new(), Vec::new());
    for _round in 0..ROUNDS {
        one.push(cost(|| black_box(count(&generation, 1))).1);
        let (said, took) = program("wc", &["-l".as_ref(), path.as_ref()]);
        let counted = said.split_whitespace().next().and_then(|word| word.parse().ok());
        assert_eq!(counted, Some(lines), "both count the same");
        wc.push(took);
        two.push(cost(|| black_box(count(&generation, 2))).1);
    }
    let ours = median(one.iter().map(|cost| cost.cpu));
    let theirs = median(wc.iter().map(|cost| cost.cpu));
    row(
        "P2",
        "count all lines, CPU, against `wc -l`",
        ms(ours),
        ms(theirs),
        Some(ratio(ours, theirs)),
        Budget::AtLeast(0.9),
    );
    let ours = median(two.iter().map(|cost| cost.cpu));
    row(
        "P2",
        "the same by two threads, CPU of both",
        ms(ours),
        ms(theirs),
        Some(ratio(ours, theirs)),
        Budget::None,
    );
    let ours = median(two.iter().map(|cost| cost.wall));
    let theirs = median(wc.iter().map(|cost| cost.wall));
    row(
        "P2",
        "count all lines, wall, two threads, against `wc -l`",
        ms(ours),
        ms(theirs),
        Some(ratio(ours, theirs)),
        Budget::AtLeast(1.5),
    );
    lines
}

/// A pseudo-random fraction for each number.
fn fraction(number: u64) -> f64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64
}

fn windows(
    history: &History,
    counts: &Arc<Counts>,
    anchor: impl Fn(u64) -> Anchor,
) -> Vec<Duration> {
    let of = |_| Some(Arc::clone(counts));
    let read = |number| {
        let began = Instant::now();
        black_box(window(history, &of, anchor(number), 0, 200).expect("read"));
        began.elapsed()
    };
    (0..WINDOWS).map(read).collect()
}

fn read_while_counting(path: &Path) {
    let generation = open(path, 1);
    let history = History::new(vec![generation.clone()]);
    let anywhere = |number| Anchor::Fraction(fraction(number));
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for _round in 0..3 {
        idle.extend(windows(&history, &Arc::new(count(&generation, 2)), anywhere));
        let counts = Arc::new(Counts::new());
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _thread in 0..2 {
                scope.spawn(|| {
                    // As the server's counting threads do.
                    rustix::process::nice(10).expect("gives way");
                    work(&counts, &generation);
                    while !ended.load(Ordering::Relaxed) {
                        work(&Counts::new(), &generation);
                    }
                });
            }
            busy.extend(windows(&history, &counts, anywhere));
            ended.store(true, Ordering::Relaxed);
        });
    }
    for (percent, budget) in [(50, Budget::None), (99, Budget::AtMost(2.0))] {
        let (busy, idle) = (percentile(busy.clone(), percent), percentile(idle.clone(), percent));
        let what = format!("200 rows anywhere while two threads count, p{percent}, against idle");
        row("P2", &what, us(busy), us(idle), Some(ratio(idle, busy)), budget);
    }
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/statm").expect("there");
    let pages: u64 = stat.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a number");
    pages * rustix::param::page_size() as u64
}

fn memory(path: &Path) {
    let size = StdFile::open(path).and_then(|file| file.metadata()).expect("there").size();
    // Long enough that what a thread needs for itself does not show.
    let generation = open(path, 20_000_000_000_u64.div_ceil(size));
    let before = resident();
    let counts = count(&generation, 1);
    let grown = resident().saturating_sub(before);
    let mib = grown as f64 / (1024.0 * 1024.0);
    let per_gb = mib / (generation.bytes as f64 / 1e9);
    let what = format!(
        "resident memory per GB counted, of {:.0} GB, in MiB",
        generation.bytes as f64 / 1e9
    );
    row("P3", &what, format!("{per_gb:.3}"), "", Some(per_gb), Budget::AtMost(0.1));
    drop(black_box(counts));
}

fn line_anywhere(path: &Path, lines: u64) {
    let generation = open(path, 1);
    let counts = Arc::new(count(&generation, 2));
    let history = History::new(vec![generation]);
    let ours = windows(&history, &counts, |number| {
        Anchor::Line(1 + (fraction(number) * (lines - 200) as f64) as u64)
    });
    let (p50, p99) = (percentile(ours.clone(), 50), percentile(ours, 99));
    let p99_ms = p99.as_secs_f64() * 1e3;
    row(
        "P4",
        "lines N to N+200 anywhere, p99 (ms), in the engine",
        us(p99),
        "",
        Some(p99_ms),
        Budget::AtMost(1.0),
    );
    if !support::exists("less") {
        return missing("P4", "lines N to N+200 anywhere", "less");
    }
    let theirs = median((0..3).map(|round| {
        let number = 1 + (fraction(round) * (lines - 200) as f64) as u64;
        let go = format!("+{number}g");
        in_terminal("less", &["-PsSHOWN".as_ref(), go.as_ref() as &OsStr, path.as_ref()], b"SHOWN")
    }));
    row(
        "P4",
        "lines N to N+200 anywhere, p50, against `less +Ng`",
        us(p50),
        ms(theirs),
        Some(ratio(p50, theirs)),
        Budget::AtLeast(1000.0),
    );
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn us(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}
