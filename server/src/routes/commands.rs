//! Commands: which there are, and telling one to start, to stop or to start anew.
//!
//! An address names a command that was configured, and nothing else in it is looked at: there is
//! no way to say what is to be run.

use axum::Extension;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tailwater_protocol::{CommandState, LogName, Order};

use super::{SharedState, plain};
use crate::auth::{Action, Admitted};
use crate::doors::Ordered;

/// A command, as a program is told of it.
#[derive(Debug, Serialize)]
struct Listed {
    name: LogName,
    state: &'static str,
}

/// `/api/v1/commands`
pub(super) async fn list(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
) -> Response {
    let all = shared.doors.commands();
    let seen = all.filter(|command| admitted.visitor.may(Action::Read, command.name()));
    let commands = seen.map(|command| Listed {
        name: command.name().clone(),
        state: match command.state() {
            CommandState::Over => "over",
            CommandState::Running => "running",
            CommandState::Stopping => "stopping",
        },
    });
    Json(commands.collect::<Vec<_>>()).into_response()
}

/// `/api/v1/commands/NAME/ORDER`
pub(super) async fn order(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    Path((name, order)): Path<(String, String)>,
) -> Response {
    let order = match order.as_str() {
        "start" => Order::Start,
        "stop" => Order::Stop,
        "restart" => Order::Restart,
        _ => return plain(StatusCode::NOT_FOUND, "a command can `start`, `stop` or `restart`\n"),
    };
    let (status, text) = match shared.doors.order(&admitted.visitor, &LogName(name), order) {
        Ordered::Told => (StatusCode::ACCEPTED, "told\n"),
        Ordered::Unknown => (StatusCode::NOT_FOUND, "no command of that name is configured\n"),
        Ordered::Forbidden => (
            StatusCode::FORBIDDEN,
            "you may not start and stop it: by `control = false`, or by a rule without `run`\n",
        ),
        Ordered::TooMany => {
            (StatusCode::TOO_MANY_REQUESTS, "it has not done yet what it was told\n")
        }
    };
    plain(status, text)
}
