//! What must hold for any bytes, a function a target.
//!
//! Each takes what libFuzzer made up: the first bytes are the input, some of the last say what is
//! done with it. Panics when something does not hold. Compares, wherever there is something to
//! compare with: a model of a few lines, the other way of doing the same, or somebody else's code.

mod choice;
mod counts;
mod facts;
mod fields;
mod file;
mod lines;
mod packed;
mod query;
mod text;
mod wire;

pub use counts::counts;
pub use facts::facts;
pub use fields::fields;
pub use lines::lines;
pub use packed::{gzip, zstd};
pub use query::query;
pub use text::ansi;
pub use wire::wire;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// The seeds, and every input that was once found to fail.
    #[test]
    fn what_is_kept_holds() {
        let targets: [(&str, fn(&[u8])); 9] = [
            ("ansi", super::ansi),
            ("counts", super::counts),
            ("facts", super::facts),
            ("fields", super::fields),
            ("gzip", super::gzip),
            ("lines", super::lines),
            ("query", super::query),
            ("wire", super::wire),
            ("zstd", super::zstd),
        ];
        for (name, holds) in targets {
            let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
            let mut tried = 0;
            for seed in fs::read_dir(&seeds).expect("every target has seeds") {
                let path = seed.expect("a seed").path();
                println!("{}", path.display());
                holds(&fs::read(path).expect("a seed"));
                tried += 1;
            }
            assert!(tried > 0, "{name} has no seeds");
        }
    }
}
