//! The command itself, started as a person does, and read by curl's way.

#![allow(dead_code, unreachable_pub, reason = "each test uses the part it needs")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What never comes makes a test fail rather than hang. No test passes by waiting.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Started {
    pub child: Child,
    pub said: String,
    pub port: u16,
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

impl Started {
    /// Starts it with a port of its own, and waits until it says where it is.
    pub fn with(folder: &Path, arguments: &[&str], input: Stdio) -> Self {
        Self::with_env(folder, arguments, input, &[])
    }

    /// The same with other variables in its environment.
    pub fn with_env(folder: &Path, arguments: &[&str], input: Stdio, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
        for name in ["TAILWATER_NO_AUTH", "TAILWATER_BIND", "TAILWATER_SOURCES", "RUST_LOG"] {
            command.env_remove(name);
        }
        command
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env("TAILWATER_TOKEN", TOKEN)
            .envs(env.iter().copied())
            .args(["--port", "0"])
            .args(arguments)
            .stdin(input)
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut said = String::new();
        let port = loop {
            let line = lines.next().expect("an address before the end").expect("text");
            said.push_str(&line);
            said.push('\n');
            if let Some(address) = line.trim().strip_prefix("http://127.0.0.1:") {
                let port = address.split('/').next().and_then(|port| port.parse().ok());
                break port.expect("a port");
            }
        };
        // The rest is read too, lest the server be stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, said, port }
    }

    /// Tells it to end, as a service manager does.
    pub fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
        self.child.wait().expect("it ends").code()
    }

    /// Gives it no moment to end well.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("dead");
    }

    /// Sends a request, and reads the answer to the end.
    pub fn ask(&self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let head = format!(
            "{head} HTTP/1.0\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n",
            self.port,
            body.len()
        );
        let head = head.replace('\n', "\r\n").replace("\r\r", "\r");
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("sent");
        // A server that refuses need not read all of it.
        let _refused = stream.write_all(body);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let rest = answer.split_off(end + 4);
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).map(str::parse);
        (status.expect("a status").expect("a number"), rest)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that failed leaves nothing running; one that went well has ended it.
        let _ended = self.child.kill().is_ok() && self.child.wait().is_ok();
    }
}

/// The text at that address.
pub fn get(started: &Started, path: &str) -> String {
    String::from_utf8_lossy(&started.ask(&format!("GET {path}"), b"").1).into_owned()
}

/// Waits until it is so.
pub fn wait_for(mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "it never came to be so");
        std::thread::sleep(Duration::from_millis(20));
    }
}
