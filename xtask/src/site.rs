//! The site: what a browser loads. Client, bindings, wasm-opt, compression.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::fresh::{Inputs, Stamp, read};
use crate::pack;
use crate::process::{cargo, fresh, program, run, step};
use crate::project::{self, OUTPUT_NAME, WASM};
use crate::toolchain;

const PROFILE: &str = "wasm-release";

/// What wasm-opt is told. The features are those that Rust turns on for the target; all browsers
/// since 2022 have them. Part of the stamp: a changed flag makes the files anew.
const OPTIMISE: &[&str] = &[
    "-Oz",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// Brings `target/site` up to date.
pub(crate) fn build() -> anyhow::Result<()> {
    toolchain::ensure_wasm()?;
    let wasm = step("client (cargo, wasm32)", client)?;
    let mut files = page(&wasm)?;
    files.extend(statics()?);
    remove_others(&project::site(), &files)
}

/// Compiles the client; cargo knows what is fresh.
fn client() -> anyhow::Result<PathBuf> {
    run(cargo().args([
        "build",
        "--package=tailwater-frontend",
        "--lib",
        "--features=hydrate",
        "--target",
        WASM,
        "--profile",
        PROFILE,
    ]))?;
    Ok(project::target()?.join(WASM).join(PROFILE).join("tailwater_frontend.wasm"))
}

/// Script and wasm, from the compiled client. Gives the files that belong to the site.
fn page(wasm: &Path) -> anyhow::Result<Vec<PathBuf>> {
    const WHAT: &str = "bindings, wasm-opt, brotli and gzip";
    let package = project::site().join("pkg");
    let script = package.join(format!("{OUTPUT_NAME}.js"));
    let module = package.join(format!("{OUTPUT_NAME}_bg.wasm"));
    let files: Vec<PathBuf> = [&script, &module]
        .into_iter()
        .flat_map(|file| std::iter::once(file.clone()).chain(pack::beside(file)))
        .collect();
    let inputs = Inputs::new()
        .with("client", read(wasm)?)
        .with("wasm-bindgen", project::wasm_bindgen()?)
        .with("wasm-opt", read(&project::root().join("tools/package-lock.json"))?)
        .with("flags", OPTIMISE.join(" "));
    let stamp = Stamp::new(project::root().join("target/site.stamp"), inputs);
    if stamp.is_fresh(&files) {
        fresh(WHAT);
        return Ok(files);
    }
    let wasm_opt = toolchain::ensure_wasm_opt()?;
    step(WHAT, || {
        stamp.clear()?;
        let work = project::root().join("target/bindings");
        bind(wasm, &work)?;
        let bound = work.join(format!("{OUTPUT_NAME}_bg.wasm"));
        let small = work.join("optimised.wasm");
        // Through node, not through the `#!` line: npm's links may lie on a file system that
        // forbids to execute.
        run(program("node").arg(wasm_opt).args(OPTIMISE).arg(&bound).arg("-o").arg(&small))?;
        pack::place(&script, &read(&work.join(format!("{OUTPUT_NAME}.js")))?)?;
        pack::place(&module, &read(&small)?)?;
        stamp.set()
    })?;
    Ok(files)
}

/// The script that loads the wasm and passes calls between it and the browser.
fn bind(wasm: &Path, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name(OUTPUT_NAME).typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder))
        .map_err(|error| anyhow!("wasm-bindgen: {error:#}"))?;
    ensure!(
        !folder.join("snippets").exists(),
        "a crate brought script of its own (`snippets`), which the site does not hold; see `xtask/src/site.rs`"
    );
    Ok(())
}

/// The style and what lies in `public`. Gives the files that belong to the site.
fn statics() -> anyhow::Result<Vec<PathBuf>> {
    let (root, site) = (project::root(), project::site());
    let style = root.join("style").join(format!("{OUTPUT_NAME}.css"));
    let mut pairs = vec![(style, site.join("pkg").join(format!("{OUTPUT_NAME}.css")))];
    let public = root.join("public");
    for file in files_below(&public)? {
        let place = site.join(file.strip_prefix(&public)?);
        pairs.push((file, place));
    }
    let mut placed = 0;
    let mut files = Vec::new();
    for (from, to) in pairs {
        placed += usize::from(pack::place(&to, &read(&from)?)?);
        files.extend(pack::beside(&to));
        files.push(to);
    }
    match placed {
        0 => fresh("style and public files"),
        placed => println!("==> style and public files: {placed} packed"),
    }
    Ok(files)
}

/// Files of an earlier build must not be served by the next.
fn remove_others(site: &Path, files: &[PathBuf]) -> anyhow::Result<()> {
    let belong: BTreeSet<&PathBuf> = files.iter().collect();
    for file in files_below(site)? {
        if !belong.contains(&file) {
            fs::remove_file(&file)
                .with_context(|| format!("cannot remove `{}`", file.display()))?;
        }
    }
    Ok(())
}

fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh::write;

    #[test]
    fn what_no_longer_belongs_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let keep = folder.path().join("pkg/tailwater.css");
        let old = folder.path().join("pkg/old.js");
        for file in [&keep, &old] {
            write(file, b"x").expect("written");
        }
        remove_others(folder.path(), std::slice::from_ref(&keep)).expect("tidied");
        assert_eq!(files_below(folder.path()).expect("listed"), [keep]);
    }
}
