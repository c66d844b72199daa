//! `make bench`: builds, measures beside other programs in the same run, and prints one table of
//! what is measured against its budget.
//!
//! Measures nothing itself but the bytes to load: each `cargo bench` appends its rows to a file,
//! which is printed in the end whatever became of the others. What is not installed is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::process::{cargo, exists, run, step};
use crate::{log, project, server, size};

/// The log to measure on, when no other size is named; in the page cache on most machines.
const SIZE: &str = "2G";

/// Bytes that style, script and wasm may come to as brotli; see `P14`.
const PAGE_BUDGET: u64 = 250_000;

/// The measurements: package and bench.
const BENCHES: [(&str, &str); 3] =
    [("tailwater-engine", "index"), ("tailwater-engine", "finding"), ("tailwater", "live")];

pub(crate) fn run_all(size: Option<&str>) -> anyhow::Result<()> {
    let size = size.filter(|size| !size.is_empty()).unwrap_or(SIZE);
    let log = step("the log to measure on", || log::make(size, log::SEED))?;
    let rows = project::root().join("target/bench-rows");
    fs::write(&rows, "").with_context(|| format!("cannot write `{}`", rows.display()))?;
    let mut failed = Vec::new();
    for (package, bench) in BENCHES {
        let source = if package == "tailwater" { "server" } else { "engine" };
        if !project::root().join(format!("{source}/benches/{bench}.rs")).is_file() {
            continue;
        }
        let mut command = cargo();
        command.args(["bench", "--package", package, "--bench", bench]);
        command.env("TAILWATER_LOG", &log).env("TAILWATER_ROWS", &rows);
        if let Err(error) = step(bench, || run(&mut command)) {
            failed.push(format!("{bench}: {error:#}"));
        }
    }
    if let Err(error) = bytes_to_load(&rows) {
        failed.push(format!("bytes to load: {error:#}"));
    }
    print_table(&fs::read_to_string(&rows)?, size);
    for failure in &failed {
        println!("not measured: {failure}");
    }
    anyhow::ensure!(failed.is_empty(), "some of it could not be measured");
    Ok(())
}

/// `P14`, of the site as it is built.
fn bytes_to_load(rows: &Path) -> anyhow::Result<()> {
    server::build()?;
    let sent: u64 = size::measure()?.iter().map(|size| size.brotli).sum();
    let ratio = sent as f64 / PAGE_BUDGET as f64;
    let kept = if sent <= PAGE_BUDGET { "kept" } else { "MISSED" };
    let what = "bytes to load (css, js, wasm; brotli), of 250,000";
    let row = format!("P14\t{what}\t{sent}\t{PAGE_BUDGET}\t{ratio:.2}\t<= 1\t{kept}\n");
    let mut all = fs::read_to_string(rows)?;
    all.push_str(&row);
    fs::write(rows, all)?;
    Ok(())
}

fn print_table(rows: &str, size: &str) {
    println!();
    println!("On a generated log of {size}. {}", machine());
    println!();
    let head = ["", "what", "here", "reference", "ratio", "budget", ""].map(str::to_owned);
    let mut table: Vec<Vec<String>> =
        rows.lines().map(|row| row.split('\t').map(str::to_owned).collect()).collect();
    // By the numbers of the budgets, in the order in which they were measured.
    table.sort_by_key(|row| {
        row.first()
            .and_then(|id| id.trim_start_matches('P').parse::<u32>().ok())
            .unwrap_or(u32::MAX)
    });
    for row in std::iter::once(head.to_vec()).chain(table) {
        let cell = |at: usize| row.get(at).map_or("", String::as_str);
        println!(
            "{:<4} {:<66} {:>12} {:>12} {:>7} {:>8}  {}",
            cell(0),
            cell(1),
            cell(2),
            cell(3),
            cell(4),
            cell(5),
            cell(6)
        );
    }
}

/// What a figure cannot be judged without.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let names = cpus.lines().filter_map(|line| line.strip_prefix("model name"));
    let name = names.clone().next().unwrap_or("").trim_start_matches(['\t', ' ', ':']).to_owned();
    let load = read("/proc/loadavg").split(' ').next().unwrap_or("").to_owned();
    let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
    let tools: Vec<String> = [("wc", "--version"), ("less", "--version"), ("rg", "--version")]
        .into_iter()
        .filter(|(tool, _)| exists(tool))
        .filter_map(|(tool, ask)| {
            let said = Command::new(tool).arg(ask).output().ok()?.stdout;
            String::from_utf8_lossy(&said).lines().next().map(str::to_owned)
        })
        .collect();
    let cores = names.count();
    format!("{cores} x {name}, Linux {kernel}, load {load} at the end; {}", tools.join(", "))
}
