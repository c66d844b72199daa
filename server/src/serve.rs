//! The server as a function: given a configuration, a listener and its end, it serves until then.
//!
//! Connections are bounded in number and in the time they may take to say what they want. At the
//! end pages are told to come back, streams are ended, and what is under way gets a moment.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Uri};
use axum::response::IntoResponse as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::archive::Archives;
use crate::auth::Access;
use crate::config::Config;
use crate::count::Counter;
use crate::kept::Kept;
use crate::logs::Logs;
use crate::read::Reader;
use crate::routes::{Known, Shared, SharedState, router};
use crate::search::Searches;

/// Connections at once.
const MAX_CONNECTIONS: usize = 2000;

/// Sockets and streams at once: fewer, so that a page can always be asked for.
const MAX_STREAMS: usize = 1000;

/// A request has to be complete, headers and all, within this time.
const HEADERS: Duration = Duration::from_secs(10);

/// Bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// What is under way at the end gets this long.
const DRAIN: Duration = Duration::from_secs(5);

/// Bytes the kernel keeps for one connection that does not read.
const SEND_BUFFER: usize = 128 * 1024;

/// A pause after the system refused a connection (no descriptors left), lest the loop spin.
const BREATH: Duration = Duration::from_millis(100);

/// A server that is ready: its logs found, nothing served yet.
pub struct Server {
    shared: SharedState,
    counter: Counter,
    ending: watch::Sender<bool>,
}

impl Server {
    /// Finds the logs. `address` is where the page will be, for the next sign-in to be printed.
    ///
    /// # Errors
    ///
    /// When threads cannot be made.
    pub fn prepare(config: &Config, port: u16, address: String) -> io::Result<Self> {
        // Pages are drawn on this runtime. Another server of this process may have said so before.
        let _said_before = any_spawner::Executor::init_tokio();
        let (ending, ended) = watch::channel(false);
        let archives = Archives::start(config.state.as_deref())?;
        let logs = Logs::start(config.sources.clone(), config.poll, archives)?;
        let counter = Counter::start(Kept::new(config.state.as_deref()))?;
        let shared = Shared {
            reader: Reader::new(counter.clone(), logs.watcher().clone()),
            logs,
            searches: Searches::start()?,
            access: Access::new(config.login.clone(), port, &config.base, config.state.clone()),
            known: Known::new(config.bind, config.hosts.clone(), config.origins.clone()),
            base: config.base.clone(),
            build: crate::assets::build(),
            lines: config.lines,
            address,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            ending: ended,
        };
        Ok(Self { shared: Arc::new(shared), counter, ending })
    }

    /// What the routes share.
    pub fn shared(&self) -> &SharedState {
        &self.shared
    }

    /// Serves on `listener` until `shutdown`.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let service = below(self.shared.base.clone(), router(Arc::clone(&self.shared)));
        let open = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &open) => accepted,
            };
            let (stream, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .max_buf_size(HEAD)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()))
                .with_upgrades();
            let mut ending = self.shared.ending.clone();
            tokio::spawn(async move {
                let _held = permit;
                let mut connection = std::pin::pin!(connection);
                let served = tokio::select! {
                    served = connection.as_mut() => served,
                    () = ended(&mut ending) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection broke off");
                }
            });
        }
        drop(listener);
        // Sockets are no connections of hyper's any more: all are told by this.
        let _nobody = self.ending.send(true);
        let connections = open.acquire_many(MAX_CONNECTIONS as u32);
        let streams = self.shared.streams.acquire_many(MAX_STREAMS as u32);
        if timeout(DRAIN, async { tokio::join!(connections, streams) }).await.is_err() {
            tracing::info!("some connections did not end in time");
        }
        self.shared.searches.stop();
        let logs = self.shared.logs.all();
        let counter = self.counter.clone();
        if tokio::task::spawn_blocking(move || counter.stop(&logs)).await.is_err() {
            tracing::warn!("line counts could not be kept");
        }
        self.shared.logs.stop();
    }
}

/// Serves `config` on `listener` until `shutdown`.
///
/// # Errors
///
/// When the server cannot be made ready.
pub async fn run(
    config: &Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let server =
        Server::prepare(config, address.port(), format!("http://{address}{}/", config.base))?;
    server.run(listener, shutdown).await;
    Ok(())
}

/// Waits until the server ends.
pub(crate) async fn ended(ending: &mut watch::Receiver<bool>) {
    // That the sender is gone means the same.
    let _gone = ending.wait_for(|ending| *ending).await;
}

async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    // With as many connections as there may be, others wait in the kernel's queue.
    let permit = Arc::clone(open).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER)?;
    Ok((stream, permit))
}

/// `router` as seen from the root, when it is served below `base`.
fn below(
    base: String,
    router: axum::Router,
) -> impl tower::Service<
    Request<hyper::body::Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future = impl Future<Output = Result<axum::response::Response, std::convert::Infallible>> + Send,
> + Clone {
    tower::service_fn(move |request: Request<hyper::body::Incoming>| {
        let router = router.clone();
        let base = base.clone();
        async move {
            let mut request = request.map(Body::new);
            match strip(request.uri(), &base) {
                Stripped::Inside(uri) => {
                    *request.uri_mut() = uri;
                    router.oneshot(request).await
                }
                Stripped::Root => {
                    Ok(axum::response::Redirect::permanent(&format!("{base}/")).into_response())
                }
                Stripped::Outside => Ok(axum::http::StatusCode::NOT_FOUND.into_response()),
            }
        }
    })
}

enum Stripped {
    /// The same address without the base.
    Inside(Uri),
    /// The base without its slash.
    Root,
    Outside,
}

fn strip(uri: &Uri, base: &str) -> Stripped {
    let Some(rest) = uri.path_and_query().and_then(|path| path.as_str().strip_prefix(base)) else {
        return Stripped::Outside;
    };
    if rest.is_empty() {
        return Stripped::Root;
    }
    let mut parts = uri.clone().into_parts();
    let path = if rest.starts_with('/') { rest.parse().ok() } else { None };
    match path {
        Some(path) => {
            parts.path_and_query = Some(path);
            Uri::from_parts(parts).map_or(Stripped::Outside, Stripped::Inside)
        }
        None => Stripped::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_taken_off_whole() {
        let inside = |uri: &str, base: &str| match strip(&uri.parse().expect("an address"), base) {
            Stripped::Inside(uri) => uri.to_string(),
            Stripped::Root => "root".to_owned(),
            Stripped::Outside => "outside".to_owned(),
        };
        assert_eq!(inside("/s/a?n=1", ""), "/s/a?n=1");
        assert_eq!(inside("/logs/s/a?n=1", "/logs"), "/s/a?n=1");
        assert_eq!(inside("/logs", "/logs"), "root");
        assert_eq!(inside("/logs2/s/a", "/logs"), "outside");
        assert_eq!(inside("/s/a", "/logs"), "outside");
    }
}
