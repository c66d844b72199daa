//! Lists the built site for the binary that is to hold it.
//!
//! Only optimised builds embed: a debug server reads the site from disk, so that a changed style
//! or page needs no new server, and `cargo check` and `cargo test` need no site at all. Nothing is
//! compressed or renamed here: what lies in `target/site` is what is served.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some() {
        return Ok(());
    }
    let site = folder("CARGO_MANIFEST_DIR")?.join("../target/site");
    // Relative, for clones that share a target folder. When it is missing, cargo looks again at
    // every build.
    println!("cargo::rerun-if-changed=../target/site");
    let mut files = Vec::new();
    if site.is_dir() {
        gather(&site, "", &mut files)?;
    } else {
        println!(
            "cargo::warning=the site is not built, so this binary has no page: use `make build`"
        );
    }
    files.sort();
    let mut list = String::from("&[\n");
    for (name, path) in &files {
        if name.ends_with(".br") || name.ends_with(".gz") {
            continue;
        }
        let packed = |ending: &str| {
            let name = format!("{name}.{ending}");
            match files.iter().find(|(other, _)| *other == name) {
                Some((_, path)) => format!("Some(include_bytes!({path:?}))"),
                None => "None".to_owned(),
            }
        };
        let (brotli, gzip) = (packed("br"), packed("gz"));
        let line = format!("    ({name:?}, include_bytes!({path:?}), {brotli}, {gzip}),\n");
        list.write_str(&line).map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    fs::write(folder("OUT_DIR")?.join("site.rs"), list)
}

/// Names below the site, with slashes, and where each file lies.
fn gather(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

fn folder(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| io::Error::other("cargo did not say"))
}
