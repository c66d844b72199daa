//! Working on the project: rebuild and reload on every change. The two watchers are installed when
//! first asked for, into `target/tools`, so that nothing of the machine changes.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Context as _;

use crate::process::{cargo, run, step};
use crate::project;
use crate::toolchain;

/// A watcher, at the last version that the pinned Rust can build.
struct Tool {
    name: &'static str,
    version: &'static str,
    program: &'static str,
}

const CARGO_LEPTOS: Tool =
    Tool { name: "cargo-leptos", version: "0.3.10", program: "cargo-leptos" };
const TRUNK: Tool = Tool { name: "trunk", version: "0.21.14", program: "trunk" };

/// Server and page, by cargo-leptos; the arguments are the server's.
pub(crate) fn watch(arguments: &[OsString]) -> anyhow::Result<()> {
    toolchain::ensure_wasm()?;
    install_bindgen()?;
    CARGO_LEPTOS.install()?;
    let mut command = with_tools(cargo())?;
    command.args(["leptos", "watch"]);
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    run(&mut command)
}

/// The page alone, by Trunk; the arguments are Trunk's.
pub(crate) fn page_only(arguments: &[OsString]) -> anyhow::Result<()> {
    toolchain::ensure_wasm()?;
    install_bindgen()?;
    TRUNK.install()?;
    let mut command = with_tools(crate::process::program("trunk"))?;
    run(command.arg("serve").args(arguments))
}

/// Both watchers take the bindings' generator from the path when its version fits, and would
/// otherwise try to download one.
fn install_bindgen() -> anyhow::Result<()> {
    let version = project::wasm_bindgen()?;
    install("wasm-bindgen-cli", &version, "wasm-bindgen")
}

impl Tool {
    fn install(&self) -> anyhow::Result<()> {
        install(self.name, self.version, self.program)
    }
}

fn install(name: &str, version: &str, program: &str) -> anyhow::Result<()> {
    let tools = project::tools();
    let mark = tools.join("installed").join(format!("{name}-{version}"));
    if mark.exists() && tools.join("bin").join(program).exists() {
        return Ok(());
    }
    step(&format!("{name} {version} (cargo install, once; takes some minutes)"), || {
        let build = tools.join("build");
        let mut command = cargo();
        command.args(["install", name, "--version", version, "--locked", "--force", "--root"]);
        command.arg(&tools).arg("--target-dir").arg(&build);
        // A watcher waits for the compiler, not for itself: built in a third of the time.
        command.env("CARGO_PROFILE_RELEASE_LTO", "off");
        command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        command.env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        run(&mut command).with_context(|| {
            format!("`{name}` could not be installed; is the registry of crates reachable?")
        })?;
        std::fs::remove_dir_all(&build)?;
        crate::fresh::write(&mark, b"")
    })
}

/// With the installed tools first on the path.
fn with_tools(mut command: Command) -> anyhow::Result<Command> {
    let mut folders = vec![project::tools().join("bin")];
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    command.env("PATH", std::env::join_paths(folders)?);
    Ok(command)
}
