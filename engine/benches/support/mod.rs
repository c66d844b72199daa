//! What measurements share: a clock of CPU time, children and what they cost, a terminal to run a
//! pager in, medians, and rows of the table that `make bench` prints.
//!
//! The two sides of a comparison take turns (A B A B), and medians are compared: a machine that
//! does something else meanwhile slows both.

#![allow(dead_code, unreachable_pub, reason = "each measurement uses the part it needs")]

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use rustix::time::{ClockId, clock_gettime};

/// Rounds of each comparison.
pub const ROUNDS: usize = 9;

/// Seconds after which a pager that does not show what it should is given up.
const PATIENCE: &str = "120";

/// What one run of something took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
}

/// What a ratio of ours to the reference's has to be.
#[derive(Debug, Clone, Copy)]
pub enum Budget {
    AtLeast(f64),
    AtMost(f64),
    /// Measured to be known.
    None,
}

/// The log to measure on: that of `TAILWATER_LOG`, which `make bench` names.
pub fn log() -> PathBuf {
    let named = std::env::var_os("TAILWATER_LOG").map(PathBuf::from);
    named.expect(
        "name a log in TAILWATER_LOG; `make log SIZE=500M` makes one, and `make bench` does both",
    )
}

/// The CPU time of this process.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What `work` of this process costs.
pub fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (began, before) = (Instant::now(), cpu());
    let result = work();
    (result, Cost { wall: began.elapsed(), cpu: cpu() - before })
}

/// Whether the path has a program.
pub fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What a program costs from its start to its end, and what it printed. Its CPU time is that of its
/// first thread: to be used for programs of one.
pub fn program(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> (String, Cost) {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut text = String::new();
    let mut out = child.stdout.take().expect("piped");
    out.read_to_string(&mut text).expect("text");
    // Ended, and not yet forgotten by the kernel.
    let pid = Pid::from_child(&child);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("it ends");
    let wall = began.elapsed();
    let cost = Cost { wall, cpu: cpu_of(&child) };
    assert!(child.wait().expect("reaped").success(), "it failed");
    (text, cost)
}

/// CPU time of a child's first thread.
fn cpu_of(child: &Child) -> Duration {
    let path = format!("/proc/{}/schedstat", child.id());
    let stat = std::fs::read_to_string(path).expect("the kernel keeps schedule statistics");
    let nanos = stat.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

/// What a pager takes until it shows `sign`, in a terminal of 60 rows.
pub fn in_terminal(program: &str, arguments: &[&OsStr], sign: &[u8]) -> Duration {
    let master =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let size = Winsize { ws_row: 60, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
    let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("text");
    let slave = || OpenOptions::new().read(true).write(true).open(&name).expect("opened");
    tcsetwinsize(slave(), size).expect("sized");
    // In a session of its own, so that it has no other terminal to ask.
    let mut command = Command::new("setsid");
    command
        .args(["timeout", "--foreground", PATIENCE, program])
        .args(arguments)
        .env("TERM", "xterm")
        .env_remove("LESS");
    command.stdin(slave()).stdout(slave()).stderr(slave());
    let began = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let mut master = std::fs::File::from(master);
    let (mut shown, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while !shown.windows(sign.len()).any(|part| part == sign) {
        let read = master.read(&mut buffer).expect("it shows something");
        shown.extend_from_slice(&buffer[..read]);
    }
    let took = began.elapsed();
    // What it has not done by now it does not have to.
    child.kill().expect("ended");
    child.wait().expect("reaped");
    took
}

/// The middle one.
pub fn median(times: impl IntoIterator<Item = Duration>) -> Duration {
    percentile(times, 50)
}

/// The one that so many percent do not exceed.
pub fn percentile(times: impl IntoIterator<Item = Duration>, percent: usize) -> Duration {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// How many times `b` is `a`.
pub fn ratio(a: Duration, b: Duration) -> f64 {
    b.as_secs_f64() / a.as_secs_f64().max(1e-9)
}

/// Prints a row; `make bench` puts those of all measurements into one table.
pub fn row(
    id: &str,
    what: &str,
    ours: impl Display,
    reference: impl Display,
    ratio: Option<f64>,
    budget: Budget,
) {
    let said = ratio.map_or(String::new(), |ratio| match ratio {
        1000.0.. => format!("{ratio:.0}"),
        _ => format!("{ratio:.2}"),
    });
    let (bound, verdict) = match (budget, ratio) {
        (Budget::AtLeast(bound), Some(ratio)) => (format!(">= {bound}"), kept(ratio >= bound)),
        (Budget::AtMost(bound), Some(ratio)) => (format!("<= {bound}"), kept(ratio <= bound)),
        _ => (String::new(), ""),
    };
    println!("{id:<4} {what:<58} {ours:>14} {reference:>14} {said:>8} {bound:>8} {verdict}");
    if let Some(path) = std::env::var_os("TAILWATER_ROWS") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
        writeln!(file, "{id}\t{what}\t{ours}\t{reference}\t{said}\t{bound}\t{verdict}")
            .expect("written");
    }
}

/// Says that there is nothing to compare with.
pub fn missing(id: &str, what: &str, program: &str) {
    row(id, &format!("{what}: `{program}` is not installed"), "", "", None, Budget::None);
}

fn kept(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}
