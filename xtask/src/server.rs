//! The release binary, which holds the site: built after it, in this order alone.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::process::{alone, cargo, run, step};
use crate::{project, site};

/// Builds the site and the binary, and gives where the binary lies.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let _alone = alone()?;
    site::build()?;
    step("server (cargo, with the site inside)", || {
        run(cargo().args(["build", "--release", "--package=tailwater", "--bin=tailwater"]))
    })?;
    at_its_place(project::target()?.join("release/tailwater"))
}

/// The binary is promised at `target/release`, also when cargo was told to compile elsewhere.
fn at_its_place(built: PathBuf) -> anyhow::Result<PathBuf> {
    let place = project::root().join("target/release/tailwater");
    if built == place {
        return Ok(place);
    }
    let folder = project::root().join("target/release");
    fs::create_dir_all(&folder)?;
    // A copy beside it and a rename: the old binary may be running.
    let new = folder.join(".tailwater.new");
    fs::copy(&built, &new).with_context(|| format!("cannot copy `{}`", built.display()))?;
    fs::rename(&new, &place)?;
    Ok(place)
}
