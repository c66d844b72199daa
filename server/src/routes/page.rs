//! Pages: drawn by `app` on the server, with the log's last lines already in them.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use leptos::prelude::{IntoView, expect_context};
use leptos_axum::ResponseOptions;
use tailwater_app::boot::{Boot, Theme};
use tailwater_protocol::{Filter, FilterId, LogName, Rows};

use super::form::Form;
use super::range::Range;
use super::{Shared, SharedState, events, records, text, wants_page};
use crate::assets;
use crate::auth::{Action, Admitted, Pass, Visitor};
use crate::feed::pairs;
use crate::filter::Filtered;
use crate::log::Log;

/// Rows drawn by the server: the tallest screen that is likely.
const FIRST_ROWS: u16 = 100;

/// The list of sources, on no log.
pub(super) async fn home(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Response {
    if !wants_page(request.headers()) {
        return text::list(&shared, &admitted.visitor);
    }
    let boot = boot(&shared, &admitted.visitor, request.headers(), request.uri(), None);
    draw(request, StatusCode::OK, move || tailwater_app::shell(boot.clone(), Vec::new())).await
}

/// A log: as a page for a browser, as its lines for anything else.
pub(super) async fn log(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let name = LogName(name);
    let Some(log) = shared.logs.get(&admitted.visitor, Action::Read, &name) else {
        return not_found(State(shared), request).await;
    };
    let query = request.uri().query().unwrap_or_default();
    let form = match Form::of(query, request.headers()) {
        Ok(form) => form,
        Err(reason) => return super::plain(StatusCode::BAD_REQUEST, reason),
    };
    if form != Form::Page {
        return lines(&shared, &admitted, &log, query, form, request.headers()).await;
    }
    let watching = shared.logs.attend(&log).await;
    let filter = Filter::of_address(pairs(request.uri().query().unwrap_or_default()));
    let filtered = match filter.is_empty() {
        true => None,
        // What is wrong with it the page says, when it has come up.
        false => Filtered::begin(&shared, &log, FilterId(0), &filter).await.ok(),
    };
    let picker = filtered.as_ref().map(Filtered::picker);
    let first = shared.reader.newest(&log, FIRST_ROWS, picker).await.unwrap_or_else(|error| {
        // The page comes up all the same, and says over its socket what is wrong.
        tracing::warn!(log = %name, %error, "the first screen cannot be read");
        Vec::new()
    });
    drop((watching, filtered));
    let boot = boot(&shared, &admitted.visitor, request.headers(), request.uri(), Some(name));
    draw(request, StatusCode::OK, move || shell(&boot, &first)).await
}

/// The lines of a log, for what is no browser.
async fn lines(
    shared: &SharedState,
    admitted: &Admitted,
    log: &Arc<Log>,
    query: &str,
    form: Form,
    headers: &HeaderMap,
) -> Response {
    let pass = Pass::of(shared, admitted);
    match (Range::parse(query), form) {
        (Err(reason), _) => super::plain(StatusCode::BAD_REQUEST, reason),
        (Ok(Some(range)), form) if form != Form::Events => {
            super::range::answer(shared, log, query, range, form, pass).await
        }
        (Ok(Some(_)), _) => super::plain(
            StatusCode::BAD_REQUEST,
            "a stream of events begins `from` a position or `n` lines before the end; for a range ask for `format=ndjson`\n",
        ),
        (Ok(None), Form::Events) => {
            events::stream(shared, admitted, vec![Arc::clone(log)], query, headers).await
        }
        (Ok(None), Form::Records) => records::lines(shared, log, query, pass).await,
        (Ok(None), _) => text::lines(shared, log, query, pass).await,
    }
}

fn shell(boot: &Boot, first: &[Rows]) -> impl IntoView + use<> {
    tailwater_app::shell(boot.clone(), first.to_vec())
}

/// What leads nowhere. A log that is not offered and one that does not exist are the same.
pub(super) async fn not_found(State(shared): State<SharedState>, request: Request) -> Response {
    let credentials = shared.access.credentials_of(request.headers(), request.extensions());
    let admitted = shared.access.admit(&credentials).ok().filter(|_| wants_page(request.headers()));
    let Some(Admitted { visitor, .. }) = admitted else {
        return super::plain(StatusCode::NOT_FOUND, "nothing of that name is offered here\n");
    };
    let boot = boot(&shared, &visitor, request.headers(), request.uri(), None);
    draw(request, StatusCode::NOT_FOUND, move || {
        tailwater_app::message_page(
            boot.clone(),
            "Nothing here".to_owned(),
            "No log of that name is offered. It may have been removed, or the address is misspelt."
                .to_owned(),
        )
    })
    .await
}

/// The form that signs in.
pub(super) async fn login(
    shared: &Shared,
    next: &str,
    error: Option<String>,
    status: StatusCode,
) -> Response {
    let (base, next, named) = (shared.base.clone(), next.to_owned(), shared.access.has_users());
    let request = Request::new(Body::empty());
    draw(request, status, move || {
        tailwater_app::login_page(base.clone(), next.clone(), named, error.clone())
    })
    .await
}

/// A file of the site.
pub(super) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    match assets::get(uri.path().trim_start_matches('/')) {
        Some(asset) => assets::answer(asset, &headers),
        None => super::plain(StatusCode::NOT_FOUND, "no such file\n"),
    }
}

fn boot(
    shared: &Shared,
    visitor: &Visitor,
    headers: &HeaderMap,
    uri: &Uri,
    log: Option<LogName>,
) -> Boot {
    Boot {
        base: shared.base.clone(),
        build: shared.build.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log,
        sources: shared.logs.list(visitor),
        theme: theme(headers),
        address: uri.query().unwrap_or_default().to_owned(),
    }
}

/// The theme that the page's cookie asks for.
fn theme(headers: &HeaderMap) -> Theme {
    let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok());
    let wanted = cookies
        .unwrap_or_default()
        .split(';')
        .find_map(|pair| pair.trim().strip_prefix("tailwater-theme="));
    wanted.and_then(Theme::named).unwrap_or_default()
}

/// Draws a page, with a policy that lets run what this server wrote and nothing else.
async fn draw<V: IntoView + 'static>(
    request: Request,
    status: StatusCode,
    page: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> Response {
    let handler = leptos_axum::render_app_to_stream_with_context(
        || {
            let nonce = leptos::nonce::use_nonce().map(|nonce| nonce.to_string());
            let options = expect_context::<ResponseOptions>();
            if let Ok(policy) = HeaderValue::from_str(&policy(&nonce.unwrap_or_default())) {
                options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
            }
        },
        page,
    );
    let mut response = handler(request).await;
    *response.status_mut() = status;
    response
}

/// The content security policy of a page. `require-trusted-types-for` is left out: the framework
/// makes its templates, which hold no data, by the very call that this would forbid.
fn policy(nonce: &str) -> String {
    let watcher = watcher();
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'{watcher}; \
         manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Where a page that is being worked on hears of changes: cargo-leptos has a socket of its own.
#[cfg(debug_assertions)]
fn watcher() -> String {
    match (std::env::var("LEPTOS_WATCH"), std::env::var("LEPTOS_RELOAD_PORT")) {
        (Ok(_), Ok(port)) => format!(" ws://127.0.0.1:{port} ws://localhost:{port}"),
        _ => String::new(),
    }
}

/// A release has nothing of it.
#[cfg(not(debug_assertions))]
fn watcher() -> &'static str {
    ""
}
