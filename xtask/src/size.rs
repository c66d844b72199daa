//! How many bytes a browser loads, raw and as sent.

use std::fs;

use anyhow::Context as _;

use crate::project::{self, OUTPUT_NAME};

/// A file of the site: its bytes, and as brotli.
pub(crate) struct Size {
    pub(crate) name: String,
    pub(crate) raw: u64,
    pub(crate) brotli: u64,
}

/// Style, script and wasm of the built site. The page itself is made per request; the browser
/// tests weigh it.
pub(crate) fn measure() -> anyhow::Result<Vec<Size>> {
    let package = project::site().join("pkg");
    let names = [
        format!("{OUTPUT_NAME}.css"),
        format!("{OUTPUT_NAME}.js"),
        format!("{OUTPUT_NAME}_bg.wasm"),
    ];
    let bytes = |name: &str| {
        fs::metadata(package.join(name)).map(|file| file.len()).with_context(|| {
            format!("`{}` is not built; `make build` builds it", package.join(name).display())
        })
    };
    names
        .into_iter()
        .map(|name| Ok(Size { raw: bytes(&name)?, brotli: bytes(&format!("{name}.br"))?, name }))
        .collect()
}

pub(crate) fn print() -> anyhow::Result<()> {
    let sizes = measure()?;
    println!("{:<20} {:>10} {:>10}", "", "raw", "brotli");
    for Size { name, raw, brotli } in &sizes {
        println!("{name:<20} {raw:>10} {brotli:>10}");
    }
    let sum = |of: fn(&Size) -> u64| sizes.iter().map(of).sum::<u64>();
    println!("{:<20} {:>10} {:>10}", "in all", sum(|s| s.raw), sum(|s| s.brotli));
    Ok(())
}
