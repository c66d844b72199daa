//! Lines that others send: as text, as Loki's senders do, as OpenTelemetry's exporters do.
//!
//! One way for all: who sends is known, the body is bounded and read in a bounded time, understood
//! whole, and answered well only when every line of it is in the spool. What is refused is refused in
//! the words of its protocol, and whoever is told to come again is told when.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use prost::Message as _;
use tailwater_protocol::LogName;
use tokio::time::timeout;

use super::{Shared, SharedState};
use crate::auth::{Action, Admitted, Visitor};
use crate::doors::push::body::{Coding, MAX_SENT, Unfit, unpack};
use crate::doors::push::{Lines, Refused, loki, otlp};

/// A body has to be here within this time.
const BODY: Duration = Duration::from_secs(30);

/// How long a request waits for others to be taken first.
const WAIT: Duration = Duration::from_secs(10);

/// When one that was refused for the moment may come again.
const AGAIN: &str = "2";

/// The form of a body, and so of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    LokiJson,
    LokiProtobuf,
    OtlpJson,
    OtlpProtobuf,
}

/// A refusal: what it is, and why.
struct Refusal(StatusCode, String);

/// `/api/v1/push/NAME`: lines of text or NDJSON, kept as they come.
pub(super) async fn lines(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let coding = Coding::of(text_of(&headers, &header::CONTENT_ENCODING));
    let understand = move |mut text: Vec<u8>| {
        if !text.is_empty() && text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        Ok(Lines::from([(name, text)]))
    };
    let taken = take(&shared, &admitted, &headers, body, coding, understand).await;
    answer(Form::Text, taken)
}

/// `/loki/api/v1/push`
pub(super) async fn loki(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let form = match kind(&headers) {
        "application/json" => Form::LokiJson,
        // What says nothing is what its senders always meant.
        "application/x-protobuf" | "" => Form::LokiProtobuf,
        other => return answer(Form::Text, Err(unknown(other))),
    };
    let said = text_of(&headers, &header::CONTENT_ENCODING);
    let coding = match (form, said) {
        (Form::LokiProtobuf, None) => Ok(Coding::Snappy),
        (_, said) => Coding::of(said),
    };
    let understand = move |body: Vec<u8>| match form {
        Form::LokiJson => loki::json(&body),
        _ => loki::protobuf(&body),
    };
    answer(form, take(&shared, &admitted, &headers, body, coding, understand).await)
}

/// `/v1/logs`
pub(super) async fn otlp(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let form = match kind(&headers) {
        "application/json" => Form::OtlpJson,
        "application/x-protobuf" => Form::OtlpProtobuf,
        other => return answer(Form::Text, Err(unknown(other))),
    };
    let coding = Coding::of(text_of(&headers, &header::CONTENT_ENCODING));
    let understand = move |body: Vec<u8>| match form {
        Form::OtlpJson => otlp::json(&body),
        _ => otlp::protobuf(&body),
    };
    answer(form, take(&shared, &admitted, &headers, body, coding, understand).await)
}

/// Takes a body in, to the spool.
async fn take(
    shared: &SharedState,
    admitted: &Admitted,
    headers: &HeaderMap,
    body: Body,
    coding: Result<Coding, Unfit>,
    understand: impl FnOnce(Vec<u8>) -> Result<Lines, Unfit> + Send + 'static,
) -> Result<(), Refusal> {
    let coding = coding?;
    let length = text_of(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if length.is_some_and(|length: u64| length > MAX_SENT as u64) {
        return Err(too_large());
    }
    let permits = Arc::clone(&shared.doors.push().permits);
    let permit = timeout(WAIT, permits.acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        let why = "as many pushes are under way as are taken at once\n";
        return Err(Refusal(StatusCode::TOO_MANY_REQUESTS, why.to_owned()));
    };
    let read = timeout(BODY, read(body)).await;
    let slow = || Refusal(StatusCode::REQUEST_TIMEOUT, "the body did not come\n".to_owned());
    let sent = read.map_err(|_| slow())??;
    let (shared, visitor) = (Arc::clone(shared), admitted.visitor.clone());
    let work = tokio::task::spawn_blocking(move || {
        // Held until it is done, though whoever sent it may be gone by then.
        let _held = permit;
        let lines = understand(unpack(sent, coding)?)?;
        write(&shared, &visitor, &lines)
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a push broke off");
        Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "it could not be taken\n".to_owned()))
    })
}

/// Writes what was understood; nothing, unless all of it may be written.
fn write(shared: &Shared, visitor: &Visitor, lines: &Lines) -> Result<(), Refusal> {
    let push = shared.doors.push();
    let mut logs: Vec<(LogName, &Vec<u8>)> = Vec::new();
    for (name, bytes) in lines {
        let log = push.log(name)?;
        if !visitor.may(Action::Push, &log) {
            return Err(Refused::Name(name.clone()).into());
        }
        logs.push((log, bytes));
    }
    for (log, bytes) in logs.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
        push.write(&log, bytes)?;
    }
    Ok(())
}

async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut pieces = body.into_data_stream();
    let mut sent = Vec::new();
    while let Some(piece) = pieces.next().await {
        let broken = |_| Refusal(StatusCode::BAD_REQUEST, "the body broke off\n".to_owned());
        let piece = piece.map_err(broken)?;
        if sent.len() + piece.len() > MAX_SENT {
            return Err(too_large());
        }
        sent.extend_from_slice(&piece);
    }
    Ok(sent)
}

/// The answer in the form of the question.
fn answer(form: Form, taken: Result<(), Refusal>) -> Response {
    let (protobuf, json) = ("application/x-protobuf", "application/json");
    match (form, taken) {
        (Form::OtlpJson, Ok(())) => ([(header::CONTENT_TYPE, json)], "{}").into_response(),
        // An answer of nothing but defaults is empty.
        (Form::OtlpProtobuf, Ok(())) => ([(header::CONTENT_TYPE, protobuf)], "").into_response(),
        (_, Ok(())) => StatusCode::NO_CONTENT.into_response(),
        (form, Err(Refusal(status, why))) => {
            let said = otlp::Status { code: rpc_code(status), message: why.trim_end().to_owned() };
            let mut response = match form {
                Form::OtlpProtobuf => {
                    (status, [(header::CONTENT_TYPE, protobuf)], said.encode_to_vec())
                        .into_response()
                }
                Form::OtlpJson => {
                    let body = serde_json::json!({ "code": said.code, "message": said.message });
                    (status, axum::Json(body)).into_response()
                }
                _ => (status, format!("{}\n", why.trim_end())).into_response(),
            };
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN));
            }
            response
        }
    }
}

/// The code that gRPC has for a status.
fn rpc_code(status: StatusCode) -> i32 {
    match status {
        StatusCode::FORBIDDEN => 7,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        _ => 3,
    }
}

/// The media type without its parameters.
fn kind(headers: &HeaderMap) -> &str {
    let said = text_of(headers, &header::CONTENT_TYPE).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim()
}

fn text_of<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn unknown(kind: &str) -> Refusal {
    let kind: String = kind.chars().take(60).collect();
    Refusal(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("`{kind}` is not taken here; send application/json or application/x-protobuf"),
    )
}

fn too_large() -> Refusal {
    Refusal(StatusCode::PAYLOAD_TOO_LARGE, "more than 4 MiB; send less at once".to_owned())
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        let status = match unfit {
            Unfit::Coding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Unfit::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Unfit::Malformed(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, unfit.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Name(_) => StatusCode::FORBIDDEN,
            Refused::TooManyLogs | Refused::Full => StatusCode::SERVICE_UNAVAILABLE,
            Refused::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, refused.to_string())
    }
}
