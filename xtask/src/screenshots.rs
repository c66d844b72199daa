//! The pictures in `docs/`, drawn from the real page over a generated log.

use crate::process::{run, step};
use crate::{browser, server};

pub(crate) fn draw() -> anyhow::Result<()> {
    let binary = server::build()?;
    let mut playwright = browser::playwright(&binary)?;
    playwright.args(["test", "--config=screenshots.config.ts"]);
    step("screenshots", || run(&mut playwright))
}
