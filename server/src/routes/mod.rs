//! All routes, on one page, and what they share.
//!
//! | path | what | who |
//! |---|---|---|
//! | `/` | the page, on no log | signed in |
//! | `/s/NAME` | the page on a log; its lines for what is no browser, as text or as objects | signed in |
//! | `/api/v1/view` | the page's socket | signed in, own origin |
//! | `/api/v1/events?log=NAME` | lines as `text/event-stream`, as `/s/NAME` for who accepts that | signed in |
//! | `/api/v1/push/NAME` | takes lines | signed in, own origin |
//! | `/loki/api/v1/push`, `/v1/logs` | the same, as Loki and OpenTelemetry have it | signed in, own origin |
//! | `/api/v1/commands` | the commands, as JSON | signed in |
//! | `/api/v1/commands/NAME/ORDER` | `start`, `stop`, `restart` | signed in, own origin |
//! | `/api/v1/logs`, `/api/v1/logs/NAME` | the logs as JSON | signed in |
//! | `/api/v1/download/NAME` | a log as a file, or a part of it | signed in, with that right |
//! | `/api/v1/openapi.json` | what of this is for programs | anybody |
//! | `/ws/NAME` | lines as a plain WebSocket | signed in, own origin |
//! | `/tailwater.v1.LogService/…` | gRPC | signed in |
//! | `/grpc.reflection.…`, `/grpc.health.…` | what gRPC clients ask of any server | anybody |
//! | `/login`, `/logout` | signing in and out | anybody, own origin |
//! | `/pkg/…`, `/icon.svg`, … | the site's files, the same for everybody | anybody |
//! | `/metrics` | how the server does, for Prometheus | who may administer |
//! | `/healthz` | `ok` | anybody |
//! | `/readyz` | `ready`, until it ends | anybody |

mod commands;
mod download;
mod events;
mod form;
mod guard;
mod health;
mod login;
mod logs;
mod page;
mod plain_socket;
mod push;
mod range;
mod records;
mod socket;
mod text;

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use tokio::sync::{Semaphore, watch};

use crate::auth::Access;
use crate::doors::Doors;
use crate::grpc;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::read::Reader;
use crate::search::Searches;
pub use guard::Known;

/// What every request can reach.
pub struct Shared {
    pub logs: Arc<Logs>,
    pub doors: Doors,
    pub reader: Reader,
    pub searches: Searches,
    pub access: Access,
    /// See [`Shared::known`].
    pub known: RwLock<Arc<Known>>,
    /// Empty, or a path with a slash before and none after.
    pub base: String,
    /// Told apart from that of an open page, to have it loaded anew after an upgrade.
    pub build: String,
    /// Lines from the end that a text reader is given first.
    pub lines: u32,
    /// The address to print for the next sign-in.
    pub address: String,
    pub metrics: Metrics,
    /// How many sockets and streams there may be.
    pub max_streams: u32,
    /// Those that are free.
    pub streams: Arc<Semaphore>,
    /// Turns true when the server ends.
    pub ending: watch::Receiver<bool>,
}

impl Shared {
    /// By which names it is known.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// It is known by others from now on.
    pub fn set_known(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}

/// Bytes of a request's body: a form with one field.
const BODY: usize = 64 * 1024;

/// Shared by all requests.
pub type SharedState = Arc<Shared>;

/// Who comes to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Who is let in, with an [`Admitted`](crate::auth::Admitted) that says who he is.
    SignedIn,
    /// Anybody, from a page of this server where something changes.
    OwnPage,
    /// Anybody.
    Nothing,
}

/// Every route and who comes to it: what is not here is not served.
fn routes() -> Vec<(Behind, &'static str, MethodRouter<SharedState>)> {
    use Behind::{Nothing, OwnPage, SignedIn};
    let interface = grpc::reflection().into_iter().map(|(path, route)| (Nothing, path, route));
    let mut routes = vec![
        (SignedIn, "/", get(page::home)),
        (SignedIn, "/s/{*name}", get(page::log)),
        (SignedIn, "/api/v1/view", get(socket::view)),
        (SignedIn, "/api/v1/events", get(events::channels)),
        (SignedIn, "/api/v1/push/{*name}", post(push::lines)),
        (SignedIn, "/loki/api/v1/push", post(push::loki)),
        (SignedIn, "/v1/logs", post(push::otlp)),
        (SignedIn, "/api/v1/commands", get(commands::list)),
        (SignedIn, "/api/v1/commands/{name}/{order}", post(commands::order)),
        (SignedIn, "/api/v1/logs", get(logs::all)),
        (SignedIn, "/api/v1/logs/{*name}", get(logs::one)),
        (SignedIn, "/api/v1/download/{*name}", get(download::file)),
        (SignedIn, "/ws/{*name}", get(plain_socket::lines)),
        (SignedIn, "/logout", post(login::sign_out)),
        (OwnPage, "/login", get(login::form).post(login::sign_in)),
        (Nothing, "/healthz", get(health::lives)),
        (Nothing, "/readyz", get(health::ready)),
        (SignedIn, "/metrics", get(health::metrics)),
        (Nothing, "/api/v1/openapi.json", get(logs::openapi)),
        (Nothing, "/pkg/{file}", get(page::file)),
        (Nothing, "/icon.svg", get(page::file)),
        (Nothing, "/icon-alert.svg", get(page::file)),
        (Nothing, "/manifest.webmanifest", get(page::file)),
        (SignedIn, grpc::PATH, grpc::logs()),
        (Nothing, grpc::HEALTH, grpc::health()),
    ];
    routes.extend(interface);
    routes
}

/// The paths of all routes: tests go through every one.
pub fn paths() -> Vec<(Behind, &'static str)> {
    routes().into_iter().map(|(behind, path, _)| (behind, path)).collect()
}

/// The whole service below the base path.
pub fn router(shared: SharedState) -> Router {
    let (mut inside, mut door, mut open) = (Router::new(), Router::new(), Router::new());
    for (behind, path, route) in routes() {
        let router = match behind {
            Behind::SignedIn => &mut inside,
            Behind::OwnPage => &mut door,
            Behind::Nothing => &mut open,
        };
        *router = std::mem::take(router).route(path, route);
    }
    let inside = inside.layer(from_fn_with_state(Arc::clone(&shared), guard::signed_in));
    let door = door.layer(from_fn_with_state(Arc::clone(&shared), guard::from_own_page));
    Router::new()
        .merge(inside)
        .merge(door)
        .merge(open)
        .fallback(page::not_found)
        .layer(from_fn_with_state(Arc::clone(&shared), guard::addressed_rightly))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(Arc::clone(&shared), guard::with_headers))
        .with_state(shared)
}

/// Whether the request comes from something that shows pages.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A status with a line of plain text.
fn plain(status: StatusCode, text: &'static str) -> axum::response::Response {
    guard::refuse(status, text)
}
