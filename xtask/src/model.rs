//! `make model`: the long run of the follower's model. A million random schedules over the file
//! system of memory, and ten thousand over the machine's own.

use std::env;

use crate::process::{cargo, run, step};

/// Schedules, unless the environment says otherwise.
const USUAL: [(&str, &str); 2] =
    [("TAILWATER_CASES", "1000000"), ("TAILWATER_DISK_CASES", "10000")];

pub(crate) fn try_all() -> anyhow::Result<()> {
    let mut tests = cargo();
    tests.args(["test", "--package", "tailwater-engine", "--test", "following", "--"]);
    tests.args(["--nocapture", "--test-threads=1"]);
    for (name, usual) in USUAL {
        if env::var_os(name).is_none() {
            tests.env(name, usual);
        }
    }
    step("the model of following", || run(&mut tests))
}
