//! One connection: what it speaks, and serving it until it or the server ends.
//!
//! Behind TLS the handshake agrees on HTTP/1.1 or HTTP/2. Without it, HTTP/2 is known by its first
//! bytes, as gRPC clients send them. Whoever says nothing for too long is let go. What is asked is
//! not looked at here.

use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::serve::ended;

/// A handshake, and then a request's head, have to be complete within this time.
const HEADERS: Duration = Duration::from_secs(10);

/// Bytes of a request's head.
const HEAD: u32 = 16 * 1024;

/// Requests of one HTTP/2 connection at once: a page loads less than ten files, a client of gRPC
/// may follow many logs.
const STREAMS: u32 = 100;

/// Bytes of a request's body that a stream of HTTP/2 may send before they are read.
const WINDOW: u32 = 256 * 1024;

/// Bytes of an answer that wait to be sent in one stream of HTTP/2.
const SEND_AHEAD: usize = 256 * 1024;

/// Between two pings on HTTP/2, and for the answer.
const PING: Duration = Duration::from_secs(20);

/// How every connection of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// What a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via {
    /// Who holds the other end.
    pub peer: IpAddr,
    pub security: Security,
}

/// Whether others can read it on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// It came as plain HTTP, which is all that is spoken here.
    Plain,
    /// It came encrypted.
    Tls,
    /// It came as plain HTTP to where TLS is spoken.
    Refused,
}

/// Serves the connection of `peer`. `service` makes what answers, knowing what it came over.
pub(crate) async fn serve<S>(
    stream: TcpStream,
    peer: IpAddr,
    acceptor: Option<TlsAcceptor>,
    mut ending: watch::Receiver<bool>,
    service: impl FnOnce(Via) -> S,
) where
    S: tower::Service<
            hyper::Request<Incoming>,
            Response = Response<Body>,
            Error = std::convert::Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let begun = tokio::select! {
        begun = timeout(HEADERS, begin(stream, acceptor)) => begun,
        () = ended(&mut ending) => return,
    };
    let (wire, version, security) = match begun {
        Ok(Ok(begun)) => begun,
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "a connection did not come about");
            return;
        }
        Err(_slow) => return,
    };
    let service = TowerToHyperService::new(service(Via { peer, security }));
    let io = TokioIo::new(wire);
    let served = match version {
        Version::One => {
            let mut connection = pin!(
                hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADERS)
                    .max_buf_size(HEAD as usize)
                    .serve_connection(io, service)
                    .with_upgrades()
            );
            tokio::select! {
                served = connection.as_mut() => served,
                () = ended(&mut ending) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
        Version::Two => {
            let mut connection = pin!(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(STREAMS)
                    .max_header_list_size(HEAD)
                    .initial_stream_window_size(WINDOW)
                    .max_send_buf_size(SEND_AHEAD)
                    .keep_alive_interval(PING)
                    .keep_alive_timeout(PING)
                    .serve_connection(io, service)
            );
            tokio::select! {
                served = connection.as_mut() => served,
                () = ended(&mut ending) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

enum Version {
    One,
    Two,
}

async fn begin(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
) -> io::Result<(Wire, Version, Security)> {
    let Some(acceptor) = acceptor else {
        let (begun, version) = preface(&stream).await?;
        return Ok((Wire::new(stream, begun), version, Security::Plain));
    };
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
        return Ok((Wire::new(stream, Vec::new()), Version::One, Security::Refused));
    }
    let stream = acceptor.accept(stream).await?;
    let version = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Version::Two,
        _ => Version::One,
    };
    Ok((Wire::new(stream, Vec::new()), version, Security::Tls))
}

/// Reads until it is clear whether a connection begins as those of HTTP/2 do.
async fn preface(stream: &TcpStream) -> io::Result<(Vec<u8>, Version)> {
    let mut begun = Vec::with_capacity(PREFACE.len());
    loop {
        if begun.len() == PREFACE.len() {
            return Ok((begun, Version::Two));
        }
        stream.readable().await?;
        let mut more = [0; PREFACE.len()];
        let wanted = more.get_mut(begun.len()..).unwrap_or_default();
        match stream.try_read(wanted) {
            Ok(0) => return Ok((begun, Version::One)),
            Ok(read) => {
                begun.extend_from_slice(wanted.get(..read).unwrap_or_default());
                if !PREFACE.starts_with(&begun) {
                    return Ok((begun, Version::One));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Both kinds of streams as one, so that HTTP is compiled once; what was read of it already comes
/// first.
struct Wire {
    begun: Vec<u8>,
    at: usize,
    stream: Box<dyn Stream>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Wire {
    fn new(stream: impl Stream + 'static, begun: Vec<u8>) -> Self {
        Self { begun, at: 0, stream: Box::new(stream) }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.begun.get(self.at..).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let given = left.len().min(buffer.remaining());
        buffer.put_slice(left.get(..given).unwrap_or_default());
        self.at += given;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
