//! Standard input as a log, through the real command: piped in, read as it comes, kept when it has
//! ended, and said to have.

mod started;

use std::io::Write as _;
use std::process::Stdio;

use started::{Started, folder, get, wait_for};

#[test]
fn what_is_piped_in_is_a_log_that_stays() {
    let folder = folder();
    let mut started = Started::with(folder.path(), &["-n", "1000000"], Stdio::piped());
    assert!(started.said.contains("stdin"), "{}", started.said);
    let mut input = started.child.stdin.take().expect("piped");
    write!(input, "one\ntwo").expect("written");
    wait_for(|| get(&started, "/s/stdin").ends_with("one\ntwo"));
    writeln!(input, " three").expect("written");
    for number in 0..100_000 {
        writeln!(input, "line {number}").expect("written");
    }
    drop(input);
    wait_for(|| get(&started, "/").contains("stdin\t") && get(&started, "/").contains("ended"));
    let text = get(&started, "/s/stdin");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.get(..2), Some(["one", "two three"].as_slice()));
    assert_eq!(lines.len(), 100_002);
    for (number, line) in lines.iter().skip(2).enumerate() {
        assert_eq!(*line, format!("line {number}"));
    }
    assert_eq!(started.stop(), Some(0));
    let left = std::fs::read_dir(folder.path().join("state/tailwater/spool")).expect("read");
    assert_eq!(left.count(), 0, "without a name it goes with the process");
}

#[test]
fn with_a_name_it_is_kept_and_a_death_is_noted() {
    let folder = folder();
    for run in 0..2 {
        let mut started = Started::with(folder.path(), &["app=-"], Stdio::piped());
        let mut input = started.child.stdin.take().expect("piped");
        write!(input, "run {run}\nhalf a line").expect("written");
        wait_for(|| get(&started, "/s/app").ends_with(&format!("run {run}\nhalf a line")));
        started.kill();
    }
    let started = Started::with(folder.path(), &["app=-"], Stdio::piped());
    wait_for(|| get(&started, "/s/app").contains("run 0"));
    let text = get(&started, "/s/app");
    assert_eq!(text, "run 0\nhalf a line\nrun 1\nhalf a line\n");
    started.stop();
}
