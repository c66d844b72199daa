//! Where things lie, and which versions are pinned. Reads, never writes.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, ensure};

use crate::process::output;

/// The name that the built files bear, also in `.cargo/config.toml` and in the page.
pub(crate) const OUTPUT_NAME: &str = "tailwater";
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The project's folder. Cargo says it when it starts this program; what was compiled in may be
/// another clone's, when two of them share `CARGO_TARGET_DIR`.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let own = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        own.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
    })
}

/// What a browser may load. Not below `CARGO_TARGET_DIR`: the server's build script looks for it
/// where cargo puts nothing by itself, and finds it wherever the rest is compiled.
pub(crate) fn site() -> PathBuf {
    root().join("target/site")
}

/// Programs that only working on the project needs; see [`crate::dev`].
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

/// Where cargo compiles: `target`, unless the environment or a configuration says otherwise.
pub(crate) fn target() -> anyhow::Result<&'static Path> {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    if let Some(target) = TARGET.get() {
        return Ok(target);
    }
    let metadata = output(crate::process::cargo().args([
        "metadata",
        "--no-deps",
        "--format-version=1",
        "--quiet",
    ]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target =
        metadata["target_directory"].as_str().context("cargo names no target directory")?;
    Ok(TARGET.get_or_init(|| target.into()))
}

/// The version of a crate that Cargo.lock pins.
pub(crate) fn locked(name: &str) -> anyhow::Result<String> {
    let lock =
        std::fs::read_to_string(root().join("Cargo.lock")).context("cannot read `Cargo.lock`")?;
    version_in(&lock, name).with_context(|| format!("`Cargo.lock` has no crate `{name}`"))
}

fn version_in(lock: &str, name: &str) -> Option<String> {
    let head = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != head).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

/// The pinned version of the bindings' generator, which has to be that of the crate.
pub(crate) fn wasm_bindgen() -> anyhow::Result<String> {
    let version = locked("wasm-bindgen")?;
    let library = locked("wasm-bindgen-cli-support")?;
    ensure!(
        version == library,
        "wasm-bindgen is {version} and wasm-bindgen-cli-support is {library}; pin both to the same version in Cargo.toml"
    );
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_crate_named_and_no_other() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.117\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.117"));
        assert_eq!(version_in(lock, "wasm"), None);
    }

    #[test]
    fn crate_and_generator_agree() {
        wasm_bindgen().expect("pinned alike");
    }
}
