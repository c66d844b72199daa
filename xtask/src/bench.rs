//! `make bench`: builds, measures, and prints a table of what is measured against its budget.
//!
//! Only counters that a noisy machine cannot change stand here so far. Comparisons with other
//! programs side by side belong in a script of their own, which this will then call.

use crate::{server, size};

/// Bytes that style, script and wasm may come to as brotli; see `P14`.
const PAGE_BUDGET: u64 = 250_000;

pub(crate) fn run() -> anyhow::Result<()> {
    server::build()?;
    println!();
    size::print()?;
    let sent: u64 = size::measure()?.iter().map(|size| size.brotli).sum();
    let kept = if sent <= PAGE_BUDGET { "kept" } else { "broken" };
    println!();
    println!("{:<40} {:>10} {:>10}  ", "measure", "here", "budget");
    println!(
        "{:<40} {sent:>10} {PAGE_BUDGET:>10}  {kept}",
        "bytes to load (css, js, wasm; brotli)"
    );
    Ok(())
}
