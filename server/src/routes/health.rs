//! Whether it lives, whether it is ready, and how it does.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::{SharedState, plain};
use crate::auth::Admitted;

/// `/healthz`: who is answered knows that it lives.
pub(super) async fn lives() -> &'static str {
    "ok\n"
}

/// `/readyz`: whether to send it more; not any more once it ends.
pub(super) async fn ready(State(shared): State<SharedState>) -> Response {
    if *shared.ending.borrow() {
        plain(StatusCode::SERVICE_UNAVAILABLE, "ending\n")
    } else {
        plain(StatusCode::OK, "ready\n")
    }
}

/// `/metrics`, for who may administer; to others it does not exist.
pub(super) async fn metrics(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Response {
    if !admitted.visitor.administers() {
        return super::page::not_found(State(shared), request).await;
    }
    let text = shared.metrics.text(&shared, shared.max_streams);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
