//! The logs on offer, for programs: all of them, or one with its generations.
//!
//! Counts nothing and waits for no count: what is not known yet is left out. The description of all
//! that is for programs stands here, too.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tailwater_protocol::{Began, Lines, LogName, LogState, Outline, Source, Span};

use super::{Shared, SharedState};
use crate::auth::{Action, Admitted, Visitor};
use crate::log::Log;

/// A log.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    state: &'static str,
    /// Why it is so, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<String>,
    /// Lines of the current generation, once they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generations: Option<Vec<Generation<'a>>>,
}

/// One life of a log.
#[derive(Serialize)]
struct Generation<'a> {
    id: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    began: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
}

/// What of the routes is for programs. Tests hold it against what is answered.
const OPENAPI: &str = include_str!("openapi.json");

/// `/api/v1/openapi.json`: the same for everybody, and nothing of any log.
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// `/api/v1/logs`.
pub(super) async fn all(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
) -> Response {
    let visitor = &admitted.visitor;
    let sources = shared.logs.list(visitor);
    let log = |source: &Source| shared.logs.get(visitor, Action::Read, &source.name);
    let logs: Vec<Option<Arc<Log>>> = sources.iter().map(log).collect();
    // The number of lines is looked up in at most half a block of each log that is followed.
    let outlines = shared
        .reader
        .run(move || Ok(logs.iter().map(|log| outline(log.as_deref())).collect::<Vec<_>>()));
    let outlines = outlines.await.unwrap_or_default();
    let entries: Vec<Entry<'_>> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| entry(source, outlines.get(index).and_then(Option::as_ref)))
        .collect();
    json(&entries)
}

/// `/api/v1/logs/NAME`: with its generations, oldest first.
pub(super) async fn one(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let name = LogName(name);
    let Some((log, source)) = find(&shared, &admitted.visitor, &name) else {
        return super::page::not_found(State(shared), request).await;
    };
    let _watching = shared.logs.attend(&log).await;
    let outline = shared.reader.run(move || Ok(outline(Some(&log)))).await.unwrap_or_default();
    let mut told = entry(&source, outline.as_ref());
    let spans = outline.as_ref().map(|outline| outline.spans.iter().map(generation).collect());
    told.generations = Some(spans.unwrap_or_default());
    json(&told)
}

fn find(shared: &Shared, visitor: &Visitor, name: &LogName) -> Option<(Arc<Log>, Source)> {
    let log = shared.logs.get(visitor, Action::Read, name)?;
    let source = shared.logs.list(visitor).into_iter().find(|source| source.name == *name)?;
    Some((log, source))
}

fn outline(log: Option<&Log>) -> Option<Outline> {
    let log = log?;
    Some(log.outline(&log.known()?.history))
}

fn entry<'a>(source: &'a Source, outline: Option<&Outline>) -> Entry<'a> {
    let (state, reason, remedy) = match &source.state {
        LogState::Live => ("live", None, None),
        LogState::Polling(reason) => ("polling", Some(reason.clone()), None),
        LogState::Waiting => ("waiting", None, None),
        LogState::Deleted(_) => ("deleted", None, None),
        LogState::Ended(ended) => ("ended", Some(crate::doors::how(ended.how)), None),
        LogState::Unreadable { reason, remedy } => {
            let remedy = Some(remedy.as_str()).filter(|remedy| !remedy.is_empty());
            ("unreadable", Some(reason.clone()), remedy)
        }
    };
    let current = outline.and_then(|outline| outline.spans.last());
    Entry {
        name: source.name.as_str(),
        state,
        reason,
        remedy,
        bytes: current.map_or(source.bytes, |current| current.bytes),
        written: source.written.and_then(instant),
        lines: current.and_then(counted),
        generations: None,
    }
}

fn generation(span: &Span) -> Generation<'_> {
    let began = match span.began {
        Began::Found => "found",
        Began::Appeared => "appeared",
        Began::Rotated => "rotated",
        Began::Truncated => "truncated",
        Began::Recreated => "recreated",
        Began::Started => "started",
    };
    Generation {
        id: span.id.to_string(),
        bytes: span.bytes,
        lines: counted(span),
        began,
        since: Some(span.since).filter(|since| *since > 0).and_then(instant),
        file: &span.file,
        lost: span.lost.map(crate::feed::lost),
    }
}

fn counted(span: &Span) -> Option<u64> {
    match span.lines {
        Lines::Exact(lines) => Some(lines),
        Lines::Estimate(_) => None,
    }
}

/// Milliseconds since 1970 as RFC 3339 has it.
fn instant(millis: u64) -> Option<String> {
    let instant = jiff::Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?;
    Some(instant.to_string())
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            super::plain(
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                "the answer cannot be written\n",
            )
        }
    }
}
