//! The journal as a log: each entry once, though the server is killed in the middle; what is
//! missing said; and real journal files, where the programs are there that make them.

mod started;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use started::{Started, folder, get, wait_for};

/// A `journalctl` that prints numbered entries after the cursor that it is given, and then waits.
const FAKE: &str = r#"#!/bin/sh
from=1
for word; do
    case $word in --after-cursor=s=*) from=$((${word#--after-cursor=s=} + 1)) ;; esac
done
echo "$*" >> "$JOURNAL/words"
echo 'Hint: a fake' >&2
seq $from "$(cat "$JOURNAL/last")" |
    sed 's/.*/{"__CURSOR":"s=&","__REALTIME_TIMESTAMP":"1795257127000000","PRIORITY":"4","SYSLOG_IDENTIFIER":"app","MESSAGE":"line &"}/'
exec sleep 1000
"#;

/// A server with the fake in its path.
fn with_fake(folder: &Path, last: u32) -> Started {
    let programs = folder.join("bin");
    std::fs::create_dir_all(&programs).expect("made");
    std::fs::write(programs.join("journalctl"), FAKE).expect("written");
    std::fs::set_permissions(programs.join("journalctl"), Permissions::from_mode(0o755))
        .expect("allowed");
    std::fs::write(folder.join("last"), last.to_string()).expect("written");
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", programs.display());
    let env = [("PATH", path.as_str()), ("JOURNAL", folder.to_str().expect("text"))];
    Started::with_env(folder, &["journal:app.service", "-n", "1000000"], Stdio::null(), &env)
}

const LOG: &str = "/s/journal/app.service";

fn entries(started: &Started) -> Vec<String> {
    let text = get(started, LOG);
    text.lines().filter(|line| line.contains("line")).map(str::to_owned).collect()
}

#[test]
fn every_entry_is_there_once_though_the_server_was_killed() {
    let folder = folder();
    for last in [30_000, 60_000, 100_000] {
        let started = with_fake(folder.path(), last);
        // Killed in the middle, but for the last time.
        let enough = if last == 100_000 { last } else { last - 20_000 };
        wait_for(|| entries(&started).len() >= enough as usize);
        if last == 100_000 {
            let all = entries(&started);
            for (number, line) in (1..).zip(&all) {
                assert_eq!(
                    *line,
                    format!("2026-11-21T10:32:07.000000Z WARNING app: line {number}")
                );
            }
            assert_eq!(all.len(), 100_000);
            started.stop();
        } else {
            started.kill();
        }
    }
    let words = std::fs::read_to_string(folder.path().join("words")).expect("it ran");
    assert!(words.lines().all(|line| line.contains("--unit=app.service")), "{words}");
    assert!(words.lines().skip(1).all(|line| line.contains("--after-cursor=s=")), "{words}");
}

#[test]
fn what_is_missing_is_said() {
    let folder = folder();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).expect("made");
    let env = [("PATH", empty.to_str().expect("text"))];
    let started = Started::with_env(folder.path(), &["journal:"], Stdio::null(), &env);
    wait_for(|| get(&started, "/s/journal/all").contains("cannot start `journalctl`"));
    wait_for(|| get(&started, "/").contains("ended: not started"));
    started.stop();
}

#[test]
fn real_journal_files_are_read() {
    let folder = folder();
    let remote = ["/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote"];
    let remote = remote.into_iter().find(|program| Path::new(program).exists());
    let there = Command::new("journalctl").arg("--version").output().is_ok();
    let (Some(remote), true) = (remote, there) else {
        println!("not tried: systemd-journal-remote or journalctl is not installed");
        return;
    };
    let export: String = (1..=5000)
        .map(|n| {
            format!(
                "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={n}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_SYSTEMD_UNIT=app.service\nPRIORITY=3\nSYSLOG_IDENTIFIER=app\nMESSAGE=line {n}\n\n",
                1_795_257_127_000_000_u64 + n
            )
        })
        .collect();
    let journal = folder.path().join("journal");
    std::fs::create_dir(&journal).expect("made");
    std::fs::write(folder.path().join("export"), export).expect("written");
    let made = Command::new(remote)
        .arg("--output")
        .arg(journal.join("a.journal"))
        .arg(folder.path().join("export"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("it runs").success());
    let source = format!("journal:app.service?directory={}", journal.display());
    for _ in 0..2 {
        let started = Started::with(folder.path(), &[&source, "-n", "10000"], Stdio::null());
        wait_for(|| entries(&started).len() >= 5000);
        let all = entries(&started);
        for (number, line) in (1..).zip(&all) {
            assert!(line.ends_with(&format!("ERROR app: line {number}")), "{line}");
        }
        assert_eq!(all.len(), 5000, "each once, also after a restart");
        started.kill();
    }
}
