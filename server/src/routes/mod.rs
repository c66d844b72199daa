//! All routes, on one page, and what they share.
//!
//! | path | what | who |
//! |---|---|---|
//! | `/` | the page, on no log | signed in |
//! | `/s/NAME` | the page on a log; its lines as text for what is no browser | signed in |
//! | `/api/v1/view` | the page's socket | signed in, own origin |
//! | `/api/v1/events?log=NAME` | lines as `text/event-stream`, as `/s/NAME` for who accepts that | signed in |
//! | `/ws/NAME` | lines as a plain WebSocket | signed in, own origin |
//! | `/login`, `/logout` | signing in and out | anybody, own origin |
//! | `/pkg/…`, `/icon.svg`, … | the site's files, the same for everybody | anybody |
//! | `/healthz` | `ok` | anybody |

mod events;
mod guard;
mod login;
mod page;
mod plain_socket;
mod socket;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::{Semaphore, watch};

use crate::auth::Access;
use crate::doors::Doors;
use crate::logs::Logs;
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
    pub known: Known,
    /// Empty, or a path with a slash before and none after.
    pub base: String,
    /// Told apart from that of an open page, to have it loaded anew after an upgrade.
    pub build: String,
    /// Lines from the end that a text reader is given first.
    pub lines: u32,
    /// The address to print for the next sign-in.
    pub address: String,
    /// Sockets and streams that may be open.
    pub streams: Arc<Semaphore>,
    /// Turns true when the server ends.
    pub ending: watch::Receiver<bool>,
}

/// Bytes of a request's body: a form with one field.
const BODY: usize = 64 * 1024;

/// Shared by all requests.
pub type SharedState = Arc<Shared>;

/// The whole service below the base path.
pub fn router(shared: SharedState) -> Router {
    let inside = Router::new()
        .route("/", get(page::home))
        .route("/s/{*name}", get(page::log))
        .route("/api/v1/view", get(socket::view))
        .route("/api/v1/events", get(events::channels))
        .route("/ws/{*name}", get(plain_socket::lines))
        .route("/logout", post(login::sign_out))
        .layer(from_fn_with_state(Arc::clone(&shared), guard::signed_in));
    let door = Router::new()
        .route("/login", post(login::sign_in))
        .layer(from_fn_with_state(Arc::clone(&shared), guard::from_own_page))
        .route("/login", get(login::form));
    let open = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/pkg/{file}", get(page::file))
        .route("/icon.svg", get(page::file))
        .route("/manifest.webmanifest", get(page::file));
    Router::new()
        .merge(inside)
        .merge(door)
        .merge(open)
        .fallback(page::not_found)
        .layer(from_fn_with_state(Arc::clone(&shared), guard::addressed_rightly))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(guard::with_headers))
        .with_state(shared)
}

/// Whether the request comes from something that shows pages.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Whether the request asks for a stream of events.
fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// A status with a line of plain text.
fn plain(status: StatusCode, text: &'static str) -> axum::response::Response {
    guard::refuse(status, text)
}
