//! What the build needs from the machine: the wasm32 target, and wasm-opt from npm.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::fresh::{Inputs, Stamp, read};
use crate::process::{exists, fresh, output, program, run, step};
use crate::project::{WASM, root};

/// Sees to it that the compiler can make wasm.
pub(crate) fn ensure_wasm() -> anyhow::Result<()> {
    if has_wasm()? {
        return Ok(());
    }
    if exists("rustup") {
        step("wasm32 target (rustup)", || run(program("rustup").args(["target", "add", WASM])))
            .with_context(|| format!("rustup could not bring the target; when this machine can reach static.rust-lang.org, run `rustup target add {WASM}` again"))?;
    }
    if !has_wasm()? {
        bail!(
            "this Rust cannot build for {WASM}; install it with rustup (rustup.rs), or the distribution's package of the standard library for wasm32"
        );
    }
    Ok(())
}

fn has_wasm() -> anyhow::Result<bool> {
    let sysroot = output(program("rustc").args(["--print", "sysroot"]))?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).join("lib").is_dir())
}

/// The wasm-opt that the project pins. Not one on the path: the one of Debian 12 makes a bundle
/// that fails in the browser, and nothing says so before.
pub(crate) fn ensure_wasm_opt() -> anyhow::Result<PathBuf> {
    npm_packages("wasm-opt", &root().join("tools"))?;
    Ok(root().join("tools/node_modules/.bin/wasm-opt"))
}

/// Sees to it that a folder's npm packages are as its lock file says.
pub(crate) fn npm_packages(what: &str, folder: &Path) -> anyhow::Result<()> {
    let modules = folder.join("node_modules");
    let inputs = Inputs::new().with("lock", read(&folder.join("package-lock.json"))?);
    let stamp = Stamp::new(modules.join(".tailwater-stamp"), inputs);
    if stamp.is_fresh(&[]) {
        fresh(&format!("{what} (npm)"));
        return Ok(());
    }
    step(&format!("{what} (npm)"), || {
        stamp.clear()?;
        let mut npm = program("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
        // The browser is the machine's own: see `browser`.
        npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        run(&mut npm).with_context(|| {
            format!(
                "npm could not install what `{}` pins; is the npm registry reachable?",
                folder.join("package-lock.json").display()
            )
        })?;
        stamp.set()
    })
}
