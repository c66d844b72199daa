//! The command as a person types it: what it says, what it refuses, how it ends.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn tailwater(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
    command.current_dir(folder).env("XDG_STATE_HOME", folder.join("state"));
    for name in [
        "TAILWATER_TOKEN",
        "TAILWATER_NO_AUTH",
        "TAILWATER_BIND",
        "TAILWATER_PORT",
        "TAILWATER_SOURCES",
    ] {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (Output, String) {
    let output = tailwater(folder).args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("app.log"), "one\ntwo\n").expect("written");
    folder
}

/// A server that was started, its start-up output read to the address.
struct Started {
    child: Child,
    said: String,
    address: String,
}

impl Started {
    fn new(folder: &Path, arguments: &[&str]) -> Self {
        let mut child =
            tailwater(folder).args(arguments).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut said = String::new();
        let address = loop {
            let line = lines.next().expect("an address before the end").expect("text");
            said.push_str(&line);
            said.push('\n');
            if let Some(address) = line.trim().strip_prefix("http://") {
                break format!("http://{address}");
            }
        };
        // The rest is read too, lest the server be stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, said, address }
    }

    /// Tells it to end, as a service manager does.
    fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn it_says_what_it_found_and_where_the_page_is() {
    let folder = folder();
    std::fs::write(folder.path().join("shut.log"), "x").expect("written");
    let started = Started::new(folder.path(), &["app.log", "later.log"]);
    assert!(started.said.contains("/app.log") && started.said.contains("8 B"), "{}", started.said);
    assert!(started.said.contains("not there yet"), "{}", started.said);
    assert!(started.said.lines().count() < 24, "under a screenful: {}", started.said);
    assert!(started.address.contains("127.0.0.1:") && started.address.contains("?key="));
    assert_eq!(started.stop(), Some(0));
}

#[test]
fn a_taken_port_means_the_next_unless_it_was_asked_for() {
    let folder = folder();
    let first = Started::new(folder.path(), &["app.log"]);
    let second = Started::new(folder.path(), &["app.log"]);
    let port = |started: &Started| -> u16 {
        let rest = started.address.strip_prefix("http://127.0.0.1:").expect("loopback");
        rest.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
    };
    assert!(port(&second) != port(&first));
    assert!(second.said.contains("is taken"), "{}", second.said);
    let taken = port(&first).to_string();
    let (output, said) = run(folder.path(), &["--port", &taken, "app.log"]);
    assert!(!output.status.success() && said.contains("--port"), "{said}");
    assert_eq!((first.stop(), second.stop()), (Some(0), Some(0)));
}

#[test]
fn it_does_not_listen_elsewhere_without_a_login() {
    let folder = folder();
    let (output, said) = run(folder.path(), &["--bind", "0.0.0.0", "app.log"]);
    assert!(!output.status.success());
    for choice in ["ssh -NL", "TAILWATER_TOKEN", "--no-auth"] {
        assert!(said.contains(choice), "{said}");
    }
}

#[test]
fn check_says_what_can_be_read_and_why_not() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("logs")).expect("made");
    std::fs::write(folder.path().join("logs/a.log"), "x").expect("written");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("logs/out.log")).expect("linked");
    std::fs::write(folder.path().join("tailwater.toml"), "lines = 7\nport = 9000")
        .expect("written");
    let (output, said) =
        run(folder.path(), &["check", "app.log", "logs", "none.log", "--port", "9001"]);
    assert!(!output.status.success(), "not all can be read");
    for expected in [
        "tailwater.toml",
        "9001",
        "lines          7",
        "app.log",
        "8 B",
        "logs/a.log",
        "outside",
        "not there yet",
    ] {
        assert!(said.contains(expected), "`{expected}` in {said}");
    }
    let (output, said) = run(folder.path(), &["check", "app.log"]);
    assert!(output.status.success(), "{said}");
}

#[test]
fn mistakes_are_named() {
    let folder = folder();
    for (arguments, expected) in [
        (&["--base-path", "a//b", "app.log"][..], "base path"),
        (&["[", "app.log"], "pattern"),
        (&["--config", "none.toml"], "none.toml"),
        (&["docker:nginx"], "not a source"),
        (&["--port", "x"], "--port"),
    ] {
        let (output, said) = run(folder.path(), arguments);
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
}
