//! The server as a function: given a configuration, a listener and its end, it serves until then.
//!
//! Connections are bounded in number and in the time they may take to say what they want. At the
//! end pages are told to come back, streams are ended, and what is under way gets a moment.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::archive::Archives;
use crate::auth::Access;
use crate::config::Config;
use crate::connection::{self, Security, Via};
use crate::count::Counter;
use crate::doors::Doors;
use crate::grpc;
use crate::kept::Kept;
use crate::limits::{Limits, Place, Places};
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::read::Reader;
use crate::routes::{Known, Shared, SharedState, router};
use crate::search::Searches;
use crate::spool::Spools;
use crate::tls::Tls;

/// What is under way at the end gets this long.
const DRAIN: Duration = Duration::from_secs(5);

/// Bytes the kernel keeps for one connection that does not read.
const SEND_BUFFER: usize = 128 * 1024;

/// After a connection could not be accepted, as when there are no descriptors left.
const BREATH: Duration = Duration::from_millis(100);

/// A server that is ready: its logs found, nothing served yet.
pub struct Server {
    shared: SharedState,
    counter: Counter,
    ending: watch::Sender<bool>,
    tls: Option<Arc<Tls>>,
    limits: Limits,
}

impl Server {
    /// Finds the logs. `address` is where the page will be, for the next sign-in to be printed.
    ///
    /// # Errors
    ///
    /// When threads cannot be made, or the certificate cannot be used.
    pub fn prepare(config: &Config, port: u16, address: String) -> anyhow::Result<Self> {
        let tls = config.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        // Pages are drawn on this runtime. Another server of this process may have said so before.
        let _said_before = any_spawner::Executor::init_tokio();
        let (ending, ended) = watch::channel(false);
        let archives = Archives::start(config.state.as_deref())?;
        let spools = Spools::new(config.state.as_deref(), config.doors.limits);
        let doors = Doors::open(&config.doors, &spools)?;
        let logs = Logs::start(config.sources.clone(), spools, config.poll, archives)?;
        let counter = Counter::start(Kept::new(config.state.as_deref()))?;
        let shared = Shared {
            reader: Reader::new(counter.clone(), logs.watcher().clone()),
            logs,
            doors,
            searches: Searches::start()?,
            access: Access::new(config, port)?,
            known: RwLock::new(Arc::new(known(config))),
            metrics: Metrics::default(),
            max_streams: config.limits.streams,
            base: config.base.clone(),
            build: crate::assets::build(),
            lines: config.lines,
            address,
            streams: Arc::new(Semaphore::new(config.limits.streams as usize)),
            ending: ended,
        };
        Ok(Self { shared: Arc::new(shared), counter, ending, tls, limits: config.limits.clone() })
    }

    /// Reaches it while it serves.
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared), tls: self.tls.clone() }
    }

    /// What the routes share.
    pub fn shared(&self) -> &SharedState {
        &self.shared
    }

    /// Serves on `listener` until `shutdown`.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        if let Err(error) = self.shared.doors.start(&self.shared.logs, &self.shared.ending) {
            tracing::error!(%error, "a door stays shut");
        }
        let router = router(Arc::clone(&self.shared));
        let places = Arc::new(Places::new(&self.limits));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &places, &self.shared) => accepted,
            };
            let (stream, peer, place) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let refused = !matches!(place, Place::Free(..));
            self.shared.metrics.connected(refused, places.open());
            let router = match &place {
                Place::Free(..) => router.clone(),
                Place::Full(_) => full(StatusCode::SERVICE_UNAVAILABLE, FULL),
                Place::TooMany(_) => full(StatusCode::TOO_MANY_REQUESTS, TOO_MANY),
            };
            let base = self.shared.base.clone();
            let shared = Arc::clone(&self.shared);
            let tls = self.tls.clone();
            let ending = shared.ending.clone();
            tokio::spawn(async move {
                let _held = place;
                let Ok(acceptor) = acceptor(tls).await else { return };
                let service = |via| below(base, router, shared, via);
                connection::serve(stream, peer, acceptor, ending, service).await;
            });
        }
        drop(listener);
        // Sockets are no connections of hyper's any more: all are told by this.
        let _nobody = self.ending.send(true);
        let connections = places.emptied();
        let streams = self.shared.streams.acquire_many(self.limits.streams);
        if timeout(DRAIN, async { tokio::join!(connections, streams) }).await.is_err() {
            tracing::info!("some connections did not end in time");
        }
        let shared = Arc::clone(&self.shared);
        if tokio::task::spawn_blocking(move || shared.doors.stop()).await.is_err() {
            tracing::warn!("commands could not be ended");
        }
        self.shared.searches.stop();
        let logs = self.shared.logs.all();
        let counter = self.counter.clone();
        if tokio::task::spawn_blocking(move || counter.stop(&logs)).await.is_err() {
            tracing::warn!("line counts could not be kept");
        }
        self.shared.logs.stop();
        self.shared.logs.spools().end();
    }
}

/// A server that serves.
#[derive(Clone)]
pub struct Handle {
    shared: SharedState,
    tls: Option<Arc<Tls>>,
}

impl Handle {
    /// Goes by `config` from now on, as far as that is possible while it serves.
    ///
    /// # Errors
    ///
    /// When it cannot be gone by; then nothing changed.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        self.shared.access.reload(config)?;
        self.shared.set_known(known(config));
        if let Some(tls) = &self.tls {
            tls.look();
        }
        Ok(())
    }
}

fn known(config: &Config) -> Known {
    Known::new(config.bind, config.hosts.clone(), config.origins.clone())
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
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let page = format!("{scheme}://{address}{}/", config.base);
    let server = Server::prepare(config, address.port(), page)?;
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
    places: &Places,
    shared: &Shared,
) -> io::Result<(TcpStream, IpAddr, Place)> {
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER)?;
    let peer = SocketAddr::ip(&peer).to_canonical();
    let place = places.take(peer, !shared.access.trusts_proxy(peer)).await;
    Ok((stream, peer, place.ok_or_else(|| io::Error::other("the server ends"))?))
}

/// The certificate as it is now: files are looked at, which a thread that serves does not wait for.
async fn acceptor(tls: Option<Arc<Tls>>) -> Result<Option<TlsAcceptor>, tokio::task::JoinError> {
    match tls {
        Some(tls) => tokio::task::spawn_blocking(move || Some(tls.acceptor())).await,
        None => Ok(None),
    }
}

const FULL: &str = "as many connections are open as this server takes; come back in a moment\n";

const TOO_MANY: &str =
    "as many connections are open from your address as this server takes; close some\n";

/// What answers everything by this.
fn full(status: StatusCode, text: &'static str) -> axum::Router {
    let headers = [(header::RETRY_AFTER, "5"), (header::CONNECTION, "close")];
    axum::Router::new().fallback(move || async move { (status, headers, text) })
}

/// `router` as seen from the root, when it is served below `base`.
fn below(
    base: String,
    router: axum::Router,
    shared: SharedState,
    via: Via,
) -> impl tower::Service<
    Request<hyper::body::Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> + Clone {
    tower::service_fn(move |request: Request<hyper::body::Incoming>| {
        let router = router.clone();
        let base = base.clone();
        let shared = Arc::clone(&shared);
        async move {
            if via.security == Security::Refused {
                return Ok(to_https(&shared, &request));
            }
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(via);
            let mut response = match strip(request.uri(), &base) {
                Stripped::Inside(uri) => {
                    *request.uri_mut() = uri;
                    router.oneshot(request).await?
                }
                Stripped::Root => Redirect::permanent(&format!("{base}/")).into_response(),
                Stripped::Outside => StatusCode::NOT_FOUND.into_response(),
            };
            if via.security == Security::Tls && !via.peer.is_loopback() {
                // Not for this machine's own browsers: they hold it against every port of
                // `localhost`, whoever listens there.
                let always = HeaderValue::from_static("max-age=31536000");
                response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, always);
            }
            Ok(response)
        }
    })
}

/// Leads who spoke plainly to where it is encrypted: to a name of this server and no other.
fn to_https(shared: &Shared, request: &Request<hyper::body::Incoming>) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match host.filter(|host| shared.known().host(host)) {
        Some(host) => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Redirect::permanent(&format!("https://{host}{path}")).into_response()
        }
        None => (StatusCode::BAD_REQUEST, "this server speaks https\n").into_response(),
    }
}

enum Stripped {
    /// The same address without the base.
    Inside(Uri),
    /// The base without its slash.
    Root,
    Outside,
}

fn strip(uri: &Uri, base: &str) -> Stripped {
    if grpc::PREFIXES.iter().any(|prefix| uri.path().starts_with(prefix)) {
        return Stripped::Inside(uri.clone());
    }
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
