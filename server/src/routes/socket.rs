//! The page's socket: bounds set, then handed to [`crate::session`].

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::response::Response;
use tailwater_protocol::wire::CLIENT_LIMIT;

use super::{SharedState, plain};
use crate::auth::{Admitted, Pass};

/// Bytes read ahead for a socket. The default allocates 128 KiB for each.
const READ_AHEAD: usize = 4 * 1024;

/// Bytes that may wait to be written, beside the message being sent.
const WRITE_BEHIND: usize = 8 * 1024 * 1024;

/// Turns the request into a socket.
pub(super) async fn view(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let pass = Pass::of(&shared, &admitted);
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "as many pages are open as this server takes\n",
        );
    };
    upgrade
        .read_buffer_size(READ_AHEAD)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BEHIND)
        .max_message_size(CLIENT_LIMIT)
        .max_frame_size(CLIENT_LIMIT)
        .on_upgrade(|socket| async move {
            let _held = permit;
            crate::session::serve(socket, shared, pass).await;
        })
}
