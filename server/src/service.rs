//! What a machine needs to run it as a service: a systemd unit, completions of the shell, a manual
//! page. Prints them, or writes the unit; starts nothing.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::cli::Cli;

/// Where systemd looks for units of the administrator.
const UNIT: &str = "/etc/systemd/system/tailwater.service";

/// Writes the unit, or prints it.
///
/// # Errors
///
/// When there is one already, or it cannot be written.
pub fn run(print: bool) -> anyhow::Result<ExitCode> {
    let binary = std::env::current_exe().context("where this binary lies cannot be found out")?;
    let text = unit(&binary.to_string_lossy());
    let mut out = std::io::stdout().lock();
    if print {
        out.write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(UNIT).with_context(|| {
            format!("cannot write `{UNIT}`; `--print` shows what it would hold")
        })?;
    file.write_all(text.as_bytes())?;
    writeln!(
        out,
        "written: {UNIT}\nname the logs in /etc/tailwater/tailwater.toml, then\n  systemctl daemon-reload && systemctl enable --now tailwater"
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Prints completions.
///
/// # Errors
///
/// When nobody takes them.
pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tailwater", &mut text);
    std::io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page.
///
/// # Errors
///
/// When nobody takes it.
pub fn manual() -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text)?;
    std::io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The unit. What is forbidden is what a server that reads files and listens never does; groups are
/// how it may read logs that not everybody may.
fn unit(binary: &str) -> String {
    format!(
        "[Unit]
Description=tailwater, logs in the browser
After=network.target

[Service]
ExecStart={binary} --config /etc/tailwater/tailwater.toml --state /var/lib/tailwater
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
DynamicUser=yes
SupplementaryGroups=adm systemd-journal
StateDirectory=tailwater
StateDirectoryMode=0700
UMask=0077
LimitNOFILE=65536

CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_and_the_completions_know_every_flag() {
        let mut text = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut text).expect("rendered");
        let manual = String::from_utf8(text).expect("text");
        for flag in ["tls\\-cert", "users", "base\\-path", "log\\-format"] {
            assert!(manual.contains(flag), "{flag}");
        }
        let mut text = Vec::new();
        clap_complete::generate(
            clap_complete::Shell::Bash,
            &mut Cli::command(),
            "tailwater",
            &mut text,
        );
        assert!(String::from_utf8(text).expect("text").contains("--tls-cert"));
    }
}
