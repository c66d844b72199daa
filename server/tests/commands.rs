//! Commands as logs, through the real program: both streams in order, endings said, started and
//! stopped, and nothing left behind.

mod started;

use std::path::Path;
use std::process::Stdio;

use started::{Started, folder, get, wait_for};

/// Starts a server with these lines of configuration.
fn configured(folder: &Path, toml: &str) -> Started {
    std::fs::write(folder.join("tailwater.toml"), toml).expect("written");
    Started::with(folder, &[], Stdio::null())
}

fn order(started: &Started, name: &str, order: &str) -> u16 {
    started.ask(&format!("POST /api/v1/commands/{name}/{order}"), b"").0
}

fn state(started: &Started, state: &str) -> bool {
    get(started, "/api/v1/commands").contains(&format!(r#""state":"{state}""#))
}

/// Whether some process was started with this word among its arguments.
fn lives(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("read").flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line.split(|&byte| byte == 0).any(|argument| argument == word.as_bytes()))
}

/// A word that no other process has.
fn word(folder: &Path) -> String {
    folder.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn its_output_is_a_log_and_its_end_is_said() {
    let folder = folder();
    let script = "echo one; echo two >&2; seq 100000; exit 3";
    let started = Started::with(folder.path(), &["--", "sh", "-c", script], Stdio::null());
    wait_for(|| get(&started, "/").contains("ended: exit 3"));
    let text = get(&started, "/s/sh?n=200000");
    let mut lines: Vec<&str> = text.lines().collect();
    let two = lines.iter().position(|&line| line == "two").expect("its errors are there");
    lines.remove(two);
    assert_eq!(lines.remove(0), "one");
    let numbers: Vec<String> = (1..=100_000).map(|number: u32| number.to_string()).collect();
    assert!(lines == numbers, "{} lines", lines.len());
    assert_eq!(started.stop(), Some(0));
}

#[test]
fn it_is_started_and_stopped_and_each_run_is_kept() {
    let folder = folder();
    let word = word(folder.path());
    let toml = format!(
        "[command.job]\nrun = ['sh', '-c', 'echo \"run $RUN $TAILWATER_TOKEN.\"; sleep 1000 & wait', '{word}']\nenv = {{ RUN = 'x' }}\nstart = false\n"
    );
    let started = configured(folder.path(), &toml);
    assert!(state(&started, "over"));
    assert_eq!(order(&started, "job", "start"), 202);
    wait_for(|| get(&started, "/s/job") == "run x .\n" && state(&started, "running"));
    assert!(lives(&word));
    assert_eq!(order(&started, "job", "restart"), 202);
    wait_for(|| get(&started, "/s/job") == "run x .\nrun x .\n");
    assert_eq!(order(&started, "job", "stop"), 202);
    wait_for(|| state(&started, "over") && get(&started, "/").contains("ended: signal 15"));
    assert!(!lives(&word), "what it started has ended with it");
    assert_eq!(order(&started, "job", "explode"), 404);
    assert_eq!(order(&started, "other", "start"), 404);
    started.stop();
    let again = configured(folder.path(), &toml);
    wait_for(|| get(&again, "/s/job") == "run x .\nrun x .\n");
    again.stop();
}

#[test]
fn it_dies_with_the_server_however_that_dies() {
    let folder = folder();
    let word = word(folder.path());
    // One that does not listen to anybody.
    let script = "trap '' TERM HUP INT; echo up; while :; do sleep 0.1; done";
    let toml = format!("[command.job]\nrun = ['sh', '-c', \"{script}\", '{word}']\ngrace = '1s'\n");
    let started = configured(folder.path(), &toml);
    wait_for(|| get(&started, "/s/job") == "up\n");
    assert!(lives(&word));
    started.kill();
    wait_for(|| !lives(&word));
    let started = configured(folder.path(), &toml);
    wait_for(|| get(&started, "/s/job") == "up\nup\n");
    assert_eq!(started.stop(), Some(0));
    assert!(!lives(&word), "when it is told to end, all has ended before it does");
}

#[test]
fn what_cannot_be_started_says_so() {
    let folder = folder();
    let started = configured(folder.path(), "[command.job]\nrun = ['/nowhere/program']\n");
    wait_for(|| get(&started, "/s/job").contains("cannot start `/nowhere/program`"));
    wait_for(|| get(&started, "/").contains("ended: not started"));
    started.stop();
}

#[test]
fn one_that_fails_is_started_again() {
    let folder = folder();
    let toml = "[command.job]\nrun = ['sh', '-c', 'echo up; exit 1']\nrestart = 'on-failure'\n";
    let started = configured(folder.path(), toml);
    wait_for(|| get(&started, "/s/job").lines().count() >= 2);
    assert_eq!(order(&started, "job", "stop"), 202);
    started.stop();
}

#[test]
fn who_may_only_read_gives_no_orders() {
    let folder = folder();
    let toml = "control = false\n[command.job]\nrun = ['sleep', '1000']\n";
    let started = configured(folder.path(), toml);
    wait_for(|| state(&started, "running"));
    assert_eq!(order(&started, "job", "stop"), 403);
    assert!(state(&started, "running"));
    // A page of another origin, and nobody at all.
    let head = "POST /api/v1/commands/job/stop";
    assert_eq!(
        started.ask(&format!("{head} HTTP/1.0\r\nOrigin: https://evil.example\r\nX:"), b"").0,
        403
    );
    started.stop();
}
