//! The server as a process: what SIGHUP changes, and what a mistake in the configuration does not.

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use common::{TOKEN, create};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Server {
    process: Child,
    address: String,
    lines: BufReader<std::process::ChildStderr>,
    /// Held open: nobody to talk to is a reason to end.
    _out: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(config: &std::path::Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tailwater"))
            .args(["--config".as_ref(), config.as_os_str(), "--port".as_ref(), "0".as_ref()])
            .args(["--log-format", "json", "--verbose"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut out = BufReader::new(process.stdout.take().expect("piped"));
        let address = loop {
            let mut line = String::new();
            assert_ne!(out.read_line(&mut line).expect("read"), 0, "it says where it is");
            let address =
                line.trim().strip_prefix("http://").and_then(|rest| rest.split('/').next());
            if let Some(address) = address {
                break address.to_owned();
            }
        };
        let lines = BufReader::new(process.stderr.take().expect("piped"));
        Self { process, address, lines, _out: out }
    }

    /// Has it read its configuration again; what it says to that.
    fn reload(&mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("told");
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).expect("read"), 0, "it ended");
            assert!(line.starts_with('{'), "an object a line: {line}");
            if line.contains("configuration") {
                return line;
            }
        }
    }

    async fn get(&self, path: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.expect("connected");
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[tokio::test]
async fn a_configuration_is_read_again_and_a_mistake_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("app.log");
    create(&log, "one\n");
    let config = folder.path().join("tailwater.toml");
    let write = |more: &str| {
        let (log, state) = (log.display(), folder.path().join("state"));
        let state = state.display();
        let text = format!("sources = ['app={log}']\nstate = '{state}'\n{more}");
        create(&config, &text);
    };
    write(&format!("token = '{TOKEN}'"));
    let mut server = Server::start(&config);
    assert!(server.get("/s/app", TOKEN).await.contains("one\n"));
    let metrics = server.get("/metrics", TOKEN).await;
    for line in ["tailwater_logs{state=\"live\"} 1", "tailwater_answers_total{status=\"2xx\"} 1"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    write(&format!("token = '{TOKEN}x'\nports = 1"));
    let said = server.reload();
    assert!(said.contains("stays as it was") && said.contains("ports"), "{said}");
    assert!(server.get("/s/app", TOKEN).await.contains("one\n"));
    write(&format!(
        "token = '{TOKEN}x'\n[[rule]]\nusers = ['*']\nsources = ['no']\nactions = ['read']"
    ));
    let said = server.reload();
    assert!(said.contains("read again"), "{said}");
    assert!(server.get("/s/app", TOKEN).await.contains("401"), "the token before");
    assert!(server.get("/s/app", &format!("{TOKEN}x")).await.contains("one\n"));
}

#[test]
fn users_are_added_listed_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users");
    let run = |arguments: &[&str], input: &str| {
        use std::io::Write as _;
        let mut process = Command::new(env!("CARGO_BIN_EXE_tailwater"))
            .args(["user", "--users"])
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut stdin = process.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("written");
        drop(stdin);
        let output = process.wait_with_output().expect("ended");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("text"))
    };
    let (good, text) =
        run(&["add", "alice", "--group", "ops", "--group", "dev"], "correct horse\n");
    assert!(good && text.contains("may log in now"), "{text}");
    assert_eq!(run(&["list"], "").1, "alice\tops,dev\n");
    let (good, text) = run(&["add", "bob"], "short\n");
    assert!(!good && text.contains("characters"), "{text}");
    let (good, text) = run(&["add", "no name"], "correct horse\n");
    assert!(!good && text.contains("is no name"), "{text}");
    assert!(run(&["remove", "alice"], "").0);
    let (good, text) = run(&["remove", "alice"], "");
    assert!(!good && text.contains("no user"), "{text}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).expect("there"));
    assert_eq!(mode & 0o777, 0o600);
}
