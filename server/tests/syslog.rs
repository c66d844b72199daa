//! A syslog receiver through real sockets: every message in, as a line, in order; what is
//! malformed kept and marked; senders that cut and come again.

mod started;

use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use started::{Started, folder, get, wait_for};

/// A port that was free a moment ago.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

#[test]
fn connections_bring_every_message_in_both_framings() {
    let folder = folder();
    let port = port();
    let source = format!("net=syslog:tcp://127.0.0.1:{port}");
    let start = || Started::with(folder.path(), &[&source, "-n", "1000000"], Stdio::null());
    let mut started = start();
    for part in 0..2_u32 {
        let mut sender = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let mut text = Vec::new();
        for number in part * 50_000..(part + 1) * 50_000 {
            let message = format!("<165>1 2026-11-21T10:32:07Z host app - - - line {number}");
            if number % 2 == 0 {
                write!(text, "{} {message}", message.len()).expect("written");
            } else {
                writeln!(text, "{message}").expect("written");
            }
        }
        sender.write_all(&text).expect("sent");
        drop(sender);
        let all = ((part + 1) * 50_000) as usize;
        wait_for(|| get(&started, "/s/net").lines().count() >= all);
        if part == 0 {
            started.kill();
            started = start();
        }
    }
    for (number, line) in get(&started, "/s/net").lines().enumerate() {
        let expected = format!("2026-11-21T10:32:07Z NOTICE local4 host app - - - line {number}");
        assert_eq!(line, expected);
    }
    // One that lies about its length is let go, and disturbs nobody.
    let mut liar = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let mut honest = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    liar.write_all(b"999999999 <13>x").expect("sent");
    honest.write_all(b"<13>honest\nno priority\n").expect("sent");
    wait_for(|| {
        let text = get(&started, "/s/net");
        text.contains(" NOTICE user honest\n") && text.contains(" malformed no priority\n")
    });
    started.stop();
}

#[test]
fn datagrams_are_lines() {
    let folder = folder();
    let port = port();
    let path = folder.path().join("socket");
    let sources =
        [format!("syslog:udp://127.0.0.1:{port}"), format!("syslog:unix://{}", path.display())];
    let started = Started::with(folder.path(), &[&sources[0], &sources[1]], Stdio::null());
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let unix = UnixDatagram::unbound().expect("a socket");
    let logs = [format!("/s/syslog/udp-{port}?n=9999"), "/s/syslog/unix?n=9999".to_owned()];
    for batch in 0..20 {
        for number in batch * 50..(batch + 1) * 50 {
            let message = format!("<34>Nov 21 10:32:07 host su[1]: line {number}");
            udp.send_to(message.as_bytes(), ("127.0.0.1", port)).expect("sent");
            unix.send_to(message.as_bytes(), &path).expect("sent");
        }
        // A datagram for which there is no place is dropped by the kernel: not too many at once.
        for log in &logs {
            wait_for(|| get(&started, log).lines().count() == (batch + 1) * 50);
        }
    }
    for log in &logs {
        for (number, line) in get(&started, log).lines().enumerate() {
            assert_eq!(line, format!("Nov 21 10:32:07 CRIT auth host su[1]: line {number}"));
        }
    }
    let port = port.to_string();
    let ways: [&[&str]; 3] = [
        &["--server", "127.0.0.1", "--udp", "--port", &port, "--rfc5424"],
        &["--server", "127.0.0.1", "--udp", "--port", &port, "--rfc3164"],
        &["--socket", path.to_str().expect("text")],
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let text = format!("from logger {number}");
        let told = Command::new("logger").args(way).args(["-p", "local0.err", &text]).status();
        let Ok(told) = told else {
            println!("not tried: logger is not installed");
            break;
        };
        assert!(told.success());
        wait_for(|| logs.iter().any(|log| get(&started, log).contains(&text)));
        let all: String = logs.iter().map(|log| get(&started, log)).collect();
        let line = all.lines().find(|line| line.contains(&text)).expect("it is there");
        assert!(line.contains(" ERROR local0 "), "{line}");
    }
    started.stop();
}
