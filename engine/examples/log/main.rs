//! Writes a log to measure with: `cargo run --release -p tailwater-engine --example log -- SIZE
//! [SEED] [FILE]`, such as `2G`; without a file to standard output.
//!
//! The same size and seed give the same bytes, on every machine. Nothing is measured here.

mod lines;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use lines::{Log, NEEDLES, parse_size};

/// Bytes written at once.
const PIECE: usize = 1 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = arguments.first().and_then(|size| parse_size(size));
    let seed = arguments.get(1).map_or(Some(1), |seed| seed.parse().ok());
    let (Some(size), Some(seed)) = (size, seed) else {
        eprintln!("usage: log SIZE [SEED] [FILE]   a size is a number of bytes, or as in 500M, 2G");
        return ExitCode::FAILURE;
    };
    let written = match arguments.get(2) {
        Some(path) => File::create(path).and_then(|file| write(file, size, seed)),
        None => write(io::stdout().lock(), size, seed),
    };
    match written {
        Ok(lines) => {
            let mean = size as f64 / lines.max(1) as f64;
            eprintln!("{size} bytes in {lines} lines of {mean:.0} bytes, {NEEDLES} needles");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot write the log: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Lines written.
fn write(mut to: impl Write, size: u64, seed: u64) -> io::Result<u64> {
    let mut log = Log::new(size, seed);
    let mut piece = Vec::with_capacity(PIECE * 2);
    while log.fill(&mut piece, PIECE) {
        to.write_all(&piece)?;
        piece.clear();
    }
    to.flush()?;
    Ok(log.lines())
}
