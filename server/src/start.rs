//! Starting as a person does: find a port, say what was found and where the page is, serve until
//! told to stop.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context as _;
use tailwater_protocol::{LogState, Source};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::auth::Access;
use crate::cli::Options;
use crate::config::{Config, PORT, Port};
use crate::reload::reload;
use crate::serve::Server;

/// Ports tried after the usual one.
const PORTS: u16 = 20;

/// Logs listed at start-up: the page lists all.
const LISTED: usize = 10;

/// Resolves, listens, says so, and serves.
///
/// # Errors
///
/// When what was asked for cannot be had.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(options)?;
    raise_limit();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(options, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: &Options, mut config: Config) -> anyhow::Result<()> {
    // Who closes the terminal that it was started in means that it is to end, as ever.
    let of_terminal = io::stdout().is_terminal() || io::stdin().is_terminal();
    let mut hangup = if of_terminal { None } else { Some(signal(SignalKind::hangup())?) };
    // From here on: who starts it may tell it to stop as soon as it has said where it is.
    let stop = told_to_stop()?;
    let listener = listen(&config).await?;
    let bound = listener.local_addr()?;
    let address = page_address(bound, &config);
    let server = Server::prepare(&config, bound.port(), address.clone())?;
    let shared = server.shared();
    let opened = sign_in_address(&address, &shared.access);
    let sources = shared.logs.list(&crate::auth::Visitor::owner());
    announce(&config, bound, &sources, &opened).context("standard output is closed")?;
    if config.open {
        open_browser(&opened);
    }
    let handle = server.handle();
    let mut serving = std::pin::pin!(server.run(listener, stop));
    loop {
        tokio::select! {
            () = &mut serving => break,
            () = rung(&mut hangup) => {
                if let Err(error) = reload(options, &mut config, &handle) {
                    tracing::error!("the configuration stays as it was: {error:#}");
                }
            }
        }
    }
    Ok(())
}

/// Waits for a signal, for ever where none is listened for.
async fn rung(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Listens on the port asked for, or else on the usual one or the next that is free.
async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let wanted = match config.port {
        Port::Exactly(port) => {
            let at = SocketAddr::new(config.bind, port);
            return TcpListener::bind(at).await.with_context(|| {
                format!("cannot listen on {at}; choose another by `--port`, or leave it out for the next free one")
            });
        }
        Port::NextFree => PORT..PORT + PORTS,
    };
    for port in wanted.clone() {
        match TcpListener::bind(SocketAddr::new(config.bind, port)).await {
            Ok(listener) => {
                if port != PORT {
                    println!("port {PORT} is taken, so it is {port}");
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on {}", config.bind));
            }
        }
    }
    anyhow::bail!(
        "all ports from {} to {} are taken; choose one by `--port`",
        wanted.start,
        wanted.end - 1
    )
}

fn announce(
    config: &Config,
    bound: SocketAddr,
    sources: &[Source],
    opened: &str,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "tailwater {}\n", env!("CARGO_PKG_VERSION"))?;
    if sources.is_empty() {
        let named: Vec<&str> =
            config.sources.iter().map(|source| source.written.as_str()).collect();
        writeln!(out, "  nothing there yet at {}: it is shown when it comes", named.join(", "))?;
    }
    // What needs a remedy first, then the largest.
    let mut order: Vec<&Source> = sources.iter().collect();
    order.sort_by_key(|source| (!is_unreadable(source), std::cmp::Reverse(source.bytes)));
    let width = order.iter().take(LISTED).map(|source| source.name.as_str().chars().count()).max();
    for source in order.iter().take(LISTED) {
        writeln!(out, "  {}", describe(source, width.unwrap_or(0)))?;
    }
    if sources.len() > LISTED {
        let unreadable = sources.iter().filter(|source| is_unreadable(source)).count();
        writeln!(
            out,
            "  and {} more ({} in all, {unreadable} unreadable)",
            sources.len() - LISTED,
            sources.len()
        )?;
    }
    writeln!(out, "\n  {opened}\n")?;
    if bound.ip().is_loopback() {
        let port = bound.port();
        writeln!(out, "  from elsewhere:  ssh -NL {port}:127.0.0.1:{port} {}", machine_name())?;
    }
    if config.login == crate::config::Login::Open {
        writeln!(out, "  anybody who can reach this port reads these logs (--no-auth)")?;
    }
    if config.tls.is_none() && !bound.ip().is_loopback() {
        writeln!(out, "  plain HTTP: keys and lines can be read on the way (--tls-cert)")?;
    }
    out.flush()
}

fn is_unreadable(source: &Source) -> bool {
    matches!(source.state, LogState::Unreadable { .. })
}

/// A line about a source: its name, and its size or what is wrong with it.
pub(crate) fn describe(source: &Source, width: usize) -> String {
    let name: String =
        source.name.as_str().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let state = match &source.state {
        LogState::Live => size(source.bytes),
        LogState::Polling(reason) => format!("{}  polled: {reason}", size(source.bytes)),
        LogState::Waiting => "not there yet: it is shown when it comes".to_owned(),
        LogState::Deleted(_) => "deleted".to_owned(),
        LogState::Ended(_) => format!("{}  ended", size(source.bytes)),
        LogState::Unreadable { reason, remedy } if remedy.is_empty() => reason.clone(),
        LogState::Unreadable { reason, remedy } => format!("{reason}: {remedy}"),
    };
    format!("{name:<width$}  {state}")
}

/// Bytes for people: `1.8 GB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).unwrap_or(&"TB");
    if unit == 0 || value >= 99.5 {
        format!("{value:.0} {name}")
    } else {
        format!("{value:.1} {name}")
    }
}

/// Prints where the next browser signs in: the key before it is spent.
pub(crate) fn say_next_key(address: &str, access: &Access) {
    let mut out = io::stdout().lock();
    // Nobody listens any more: then nobody misses it.
    let _closed =
        writeln!(out, "  signed in; the next browser:  {}", sign_in_address(address, access));
    let _closed = out.flush();
}

fn sign_in_address(address: &str, access: &Access) -> String {
    if access.is_open() { address.to_owned() } else { format!("{address}?key={}", access.key()) }
}

/// Where the page is, as a browser on this machine would reach it.
fn page_address(bound: SocketAddr, config: &Config) -> String {
    let host = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{host}:{}{}/", bound.port(), config.base)
}

/// `user@machine`, for a line that can be pasted.
pub(crate) fn machine_name() -> String {
    let name = machine();
    match std::env::var("USER") {
        Ok(user) if !user.is_empty() => format!("{user}@{name}"),
        _ => name,
    }
}

/// The machine's name.
pub(crate) fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn open_browser(address: &str) {
    let started = std::process::Command::new("xdg-open")
        .arg(address)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if let Err(error) = started {
        eprintln!("tailwater: no browser could be opened ({error}); open the address above");
    }
}

/// Every followed log holds a file: as many as the system lets this process have.
fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
}

/// Ends at SIGTERM or SIGINT; a second one ends the process at once.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(130);
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_843_000_000, "1.8 GB"),
            (250_000_000, "250 MB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
