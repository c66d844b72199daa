//! Listening: sockets are bound before anything is said to work, and read by tasks of the server's
//! runtime until it ends. What came together is written together.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tailwater_engine::unwrap::Stream;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::Endpoint;
use super::framing::{Framer, MAX_MESSAGE};
use super::message;
use crate::serve::ended;
use crate::spool::Spool;

/// Connections of one listener. Beyond them others wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 256;

/// A connection on which nothing came for so long is let go: its sender comes again.
const SILENCE: Duration = Duration::from_secs(3600);

/// Bytes read at once from a connection.
const CHUNK: usize = 16 * 1024;

/// Bytes of lines written at once: datagrams that lie ready are taken together.
const BATCH: usize = 256 * 1024;

/// What the kernel keeps of datagrams while the disk is waited for.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// A pause after the system refused a connection, lest the loop spin.
const BREATH: Duration = Duration::from_millis(100);

/// A socket that is bound, and the spool for what comes there.
#[derive(Debug)]
pub(in super::super) struct Listener {
    socket: Socket,
    spool: Arc<Spool>,
}

#[derive(Debug)]
enum Socket {
    Udp(std::net::UdpSocket),
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixDatagram),
}

/// Datagrams, whatever the family.
enum Datagrams {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Listener {
    pub(in super::super) fn bind(endpoint: &Endpoint, spool: Arc<Spool>) -> io::Result<Self> {
        let socket = match endpoint {
            Endpoint::Udp(address) => Socket::Udp(std::net::UdpSocket::bind(address)?),
            Endpoint::Tcp(address) => Socket::Tcp(std::net::TcpListener::bind(address)?),
            Endpoint::Unix(path) => {
                // Left by a process that is no more: nobody answers there.
                let left = std::fs::symlink_metadata(path)
                    .is_ok_and(|found| found.file_type().is_socket());
                let probe = std::os::unix::net::UnixDatagram::unbound()?;
                if left && probe.connect(path).is_err() {
                    std::fs::remove_file(path)?;
                }
                Socket::Unix(std::os::unix::net::UnixDatagram::bind(path)?)
            }
        };
        match &socket {
            Socket::Udp(socket) => {
                // As much as the system gives.
                let _less =
                    rustix::net::sockopt::set_socket_recv_buffer_size(socket, RECEIVE_BUFFER);
                socket.set_nonblocking(true)?;
            }
            Socket::Tcp(socket) => socket.set_nonblocking(true)?,
            Socket::Unix(socket) => socket.set_nonblocking(true)?,
        }
        Ok(Self { socket, spool })
    }

    /// Takes messages until the server ends.
    pub(in super::super) fn start(self, ending: watch::Receiver<bool>) -> io::Result<()> {
        let spool = self.spool;
        match self.socket {
            Socket::Udp(socket) => {
                let socket = Datagrams::Udp(UdpSocket::from_std(socket)?);
                tokio::spawn(datagrams(socket, spool, ending));
            }
            Socket::Unix(socket) => {
                let socket = Datagrams::Unix(UnixDatagram::from_std(socket)?);
                tokio::spawn(datagrams(socket, spool, ending));
            }
            Socket::Tcp(socket) => {
                tokio::spawn(connections(TcpListener::from_std(socket)?, spool, ending));
            }
        }
        Ok(())
    }
}

impl Datagrams {
    async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => socket.recv(buffer).await,
            Self::Unix(socket) => socket.recv(buffer).await,
        }
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => socket.try_recv(buffer),
            Self::Unix(socket) => socket.try_recv(buffer),
        }
    }
}

async fn datagrams(socket: Datagrams, spool: Arc<Spool>, mut ending: watch::Receiver<bool>) {
    let mut buffer = vec![0; MAX_MESSAGE];
    loop {
        let came = tokio::select! {
            came = socket.recv(&mut buffer) => came,
            () = ended(&mut ending) => return,
        };
        let mut lines = Vec::new();
        let mut next = came;
        let now = now();
        loop {
            match next {
                Ok(read) => {
                    message::write(buffer.get(..read).unwrap_or_default(), &now, &mut lines);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    tracing::debug!(log = %spool.name(), %error, "a datagram could not be taken");
                    tokio::time::sleep(BREATH).await;
                    break;
                }
            }
            if lines.len() >= BATCH {
                break;
            }
            next = socket.try_recv(&mut buffer);
        }
        write(&spool, lines).await;
    }
}

async fn connections(listener: TcpListener, spool: Arc<Spool>, mut ending: watch::Receiver<bool>) {
    let open = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&open).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ended(&mut ending) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (spool, ending) = (Arc::clone(&spool), ending.clone());
                tokio::spawn(async move {
                    let _held = permit;
                    if let Err(error) = connection(stream, &spool, ending).await {
                        tracing::info!(log = %spool.name(), %peer, %error, "a connection is ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(log = %spool.name(), %error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn connection(
    mut stream: TcpStream,
    spool: &Arc<Spool>,
    mut ending: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut framer = Framer::default();
    let mut buffer = vec![0; CHUNK];
    let outcome = loop {
        let read = tokio::select! {
            read = timeout(SILENCE, stream.read(&mut buffer)) => read,
            () = ended(&mut ending) => break Ok(()),
        };
        let Ok(read) = read else { break Ok(()) };
        let read = match read {
            Ok(0) => break Ok(()),
            Ok(read) => read,
            Err(error) => break Err(error),
        };
        let (now, mut lines) = (now(), Vec::new());
        let came = buffer.get(..read).unwrap_or_default();
        let framed = framer.take(came, |one| message::write(one, &now, &mut lines));
        write(spool, lines).await;
        if let Err(error) = framed {
            break Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
    };
    let mut lines = Vec::new();
    framer.finish(|one| message::write(one, &now(), &mut lines));
    write(spool, lines).await;
    outcome
}

/// Writes lines, on a thread that may wait for the disk; the sender's next wait for that.
async fn write(spool: &Arc<Spool>, lines: Vec<u8>) {
    if lines.is_empty() {
        return;
    }
    let spool = Arc::clone(spool);
    let written =
        tokio::task::spawn_blocking(move || super::super::spool(&spool, &lines, Stream::Stdout));
    if let Err(error) = written.await {
        tracing::error!(%error, "writing broke off");
    }
}

fn now() -> String {
    let now = Timestamp::now();
    // To the millisecond, as nobody's clock in the network is closer.
    format!("{now:.3}")
}
