//! How the server does, for Prometheus: what is open, what was answered, what the process takes.
//!
//! Counting is one addition each; what can be looked up is looked up when it is asked for. No name
//! of a log stands here: a label for each would be thousands, and who may read numbers need not know
//! names.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use tailwater_protocol::LogState;

use crate::auth::Visitor;
use crate::routes::Shared;

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    started: SystemTime,
    /// Answers, by the first digit of their status.
    answers: [AtomicU64; 6],
    sign_ins: [AtomicU64; 3],
    connections: AtomicU64,
    refused: AtomicU64,
    /// Connections that are open now, and how many there may be.
    open: AtomicU64,
}

/// What came of a sign-in.
#[derive(Debug, Clone, Copy)]
pub enum Tried {
    Good = 0,
    Wrong = 1,
    Slowed = 2,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: SystemTime::now(),
            answers: Default::default(),
            sign_ins: Default::default(),
            connections: AtomicU64::default(),
            refused: AtomicU64::default(),
            open: AtomicU64::default(),
        }
    }
}

impl Metrics {
    pub fn answered(&self, status: StatusCode) {
        if let Some(count) = self.answers.get(usize::from(status.as_u16() / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn signed_in(&self, tried: Tried) {
        if let Some(count) = self.sign_ins.get(tried as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection was opened; `open` are now.
    pub fn connected(&self, refused: bool, open: usize) {
        let count = if refused { &self.refused } else { &self.connections };
        count.fetch_add(1, Ordering::Relaxed);
        self.open.store(open as u64, Ordering::Relaxed);
    }

    /// All as text, as version 0.0.4 of the format has it.
    pub fn text(&self, shared: &Shared, streams: u32) -> String {
        let mut out = Text::default();
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        out.head("tailwater_build_info", "gauge", "which build it is");
        out.value(&format!("tailwater_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1);
        out.one(
            "tailwater_connections",
            "gauge",
            "connections when the last was opened",
            load(&self.open),
        );
        out.one(
            "tailwater_connections_total",
            "counter",
            "connections taken",
            load(&self.connections),
        );
        out.one(
            "tailwater_connections_refused_total",
            "counter",
            "connections beyond what there may be",
            load(&self.refused),
        );
        let free = shared.streams.available_permits() as u64;
        let used = u64::from(streams).saturating_sub(free);
        out.one("tailwater_streams", "gauge", "open pages and readers", used);
        out.one("tailwater_streams_limit", "gauge", "how many there may be", streams.into());
        out.head("tailwater_answers_total", "counter", "answers to requests");
        for (class, count) in self.answers.iter().enumerate().skip(1) {
            out.value(&format!("tailwater_answers_total{{status=\"{class}xx\"}}"), load(count));
        }
        out.head("tailwater_sign_ins_total", "counter", "attempts to sign in");
        for (outcome, count) in ["good", "wrong", "slowed"].iter().zip(&self.sign_ins) {
            out.value(&format!("tailwater_sign_ins_total{{outcome=\"{outcome}\"}}"), load(count));
        }
        logs(&mut out, shared);
        out.one(
            "tailwater_searches",
            "gauge",
            "searches with work left",
            shared.searches.waiting() as u64,
        );
        self.process(&mut out);
        out.0
    }

    fn process(&self, out: &mut Text) {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        out.one("process_start_time_seconds", "gauge", "when it was started", started.as_secs());
        // Where there is no /proc these are left out.
        if let Some(bytes) = resident() {
            out.one("process_resident_memory_bytes", "gauge", "memory in use", bytes);
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            out.one("process_open_fds", "gauge", "open descriptors", open.count() as u64);
        }
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        if let Some(limit) = limit {
            out.one("process_max_fds", "gauge", "descriptors that may be open", limit);
        }
        let times = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        out.head("process_cpu_seconds_total", "counter", "processor time");
        let seconds = times.tv_sec as f64 + times.tv_nsec as f64 / 1e9;
        out.value("process_cpu_seconds_total", seconds);
    }
}

fn logs(out: &mut Text, shared: &Shared) {
    let mut states = [("live", 0), ("polling", 0), ("waiting", 0), ("deleted", 0), ("ended", 0)];
    let (mut bytes, mut unreadable) = (0, 0);
    for source in shared.logs.list(&Visitor::owner()) {
        bytes += source.bytes;
        let state = match source.state {
            LogState::Live => "live",
            LogState::Polling(_) => "polling",
            LogState::Waiting => "waiting",
            LogState::Deleted(_) => "deleted",
            LogState::Unreadable { .. } => {
                unreadable += 1;
                continue;
            }
            LogState::Ended(_) => "ended",
        };
        if let Some((_, count)) = states.iter_mut().find(|(name, _)| *name == state) {
            *count += 1;
        }
    }
    out.head("tailwater_logs", "gauge", "logs on offer");
    for (state, count) in states.iter().chain([&("unreadable", unreadable)]) {
        out.value(&format!("tailwater_logs{{state=\"{state}\"}}"), count);
    }
    out.one("tailwater_log_bytes", "gauge", "bytes of all logs", bytes);
}

/// Bytes of memory that the process holds.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Lines of the format.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ok = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ok = writeln!(self.0, "{name} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.value(name, value);
    }
}
