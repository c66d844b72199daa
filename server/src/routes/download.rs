//! The bytes of a log as a file to keep: whole, or a part of it by `Range`.
//!
//! `/api/v1/download/NAME` is the current generation, `?generation=9f3a01c2` an earlier one, and
//! `?generation=all` all of them in their order, unpacked. An answer has the length that the log had
//! when it was asked for, and never a byte that stands beyond.
//!
//! The tag names the life of a log and not its length: its bytes never change, there are only ever
//! more of them. So a download that broke off goes on by `If-Range` although the log grew. For the
//! same reason nothing is answered with "not modified", and nothing is cached.
//!
//! If a log is cut or overwritten meanwhile, the answer breaks off: bytes of two lives are never
//! mixed.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::stream::unfold;
use sha2::{Digest as _, Sha256};
use tailwater_engine::history::{Generation, History};
use tailwater_engine::read::read_exact_at;
use tailwater_protocol::{GenerationId, LogName, LogState};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::events::form_values;
use super::{SharedState, guard, plain, text};
use crate::auth::{Action, Admitted, Pass};
use crate::log::{Log, Watching};
use crate::read::Reader;

/// Bytes read at once, and the most that wait for a slow reader.
const CHUNK: u64 = 256 * 1024;

/// Which part of a log's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Current,
    One(GenerationId),
    All,
}

/// Gives the bytes of a log.
pub(super) async fn file(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let Some(log) = shared.logs.get(&admitted.visitor, Action::Read, &LogName(name)) else {
        return super::page::not_found(State(shared), request).await;
    };
    // Whoever sees the log is told, rather than that there is none.
    if !admitted.visitor.may(Action::Download, log.name()) {
        return plain(StatusCode::FORBIDDEN, "you may read this log, and not take it away\n");
    }
    let which = match which(request.uri().query().unwrap_or_default()) {
        Ok(which) => which,
        Err(reason) => return plain(StatusCode::BAD_REQUEST, reason),
    };
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return text::full();
    };
    let pass = Pass::of(&shared, &admitted).for_log(log.name().clone());
    let watching = shared.logs.attend(&log).await;
    if let Some(LogState::Unreadable { reason, .. }) = log.known().map(|known| known.state) {
        return text::refuse(&log, crate::feed::Refused::Unreadable(reason));
    }
    let parts = match parts(&log, which).await {
        Some(parts) if !parts.is_empty() => parts,
        Some(_) => return plain(StatusCode::NOT_FOUND, "the log is not there yet\n"),
        None => return plain(StatusCode::GONE, "that generation is not in this log any more\n"),
    };
    let all: u64 = parts.iter().map(size).sum();
    let tag = tag(&parts);
    let (status, range) = match asked(request.headers(), &tag, all) {
        Wanted::All => (StatusCode::OK, 0..all),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => return beyond(all, &tag),
    };
    let mut headers = headers(&log, &parts, &tag, which);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{all}", range.start, range.end - 1);
        insert(&mut headers, header::CONTENT_RANGE, &part);
    }
    let sending = Sending {
        log: Arc::clone(&log),
        reader: shared.reader.clone(),
        ending: shared.ending.clone(),
        pass,
        parts: parts.into(),
        range,
        _held: (watching, permit),
    };
    let body = unfold(sending, |mut sending| async {
        let read = sending.next().await?;
        Some((read, sending))
    });
    (status, headers, Body::from_stream(body)).into_response()
}

/// An answer on its way.
struct Sending {
    log: Arc<Log>,
    reader: Reader,
    ending: watch::Receiver<bool>,
    pass: Pass,
    parts: Arc<[Generation]>,
    /// What is still to be sent, of all parts together.
    range: Range<u64>,
    _held: (Watching, OwnedSemaphorePermit),
}

impl Sending {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.range.is_empty() {
            return None;
        }
        if *self.ending.borrow() || self.pass.ended().now_or_never().is_some() {
            return Some(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let (parts, start) = (Arc::clone(&self.parts), self.range.start);
        let end = self.range.end.min(start.saturating_add(CHUNK));
        match self.reader.run(move || read(&parts, start, end)).await {
            Ok(bytes) => {
                self.range.start += bytes.len() as u64;
                Some(Ok(Bytes::from(bytes)))
            }
            Err(error) => {
                tracing::warn!(log = %self.log.name(), %error, "a download broke off");
                self.range = 0..0;
                Some(Err(error))
            }
        }
    }
}

/// Bytes from `start`, not beyond `end`, of one generation. That they are its own is known after
/// they were read.
fn read(parts: &[Generation], start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut before = 0;
    for part in parts {
        let after = before + size(part);
        if start < after {
            let mut bytes = vec![0; (end.min(after) - start) as usize];
            read_exact_at(part.file.as_ref(), &mut bytes, part.from + (start - before))?;
            part.verify()?;
            return Ok(bytes);
        }
        before = after;
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn size(part: &Generation) -> u64 {
    part.bytes.saturating_sub(part.from)
}

fn which(query: &str) -> Result<Which, &'static str> {
    match form_values(query, "generation").pop().as_deref() {
        None => Ok(Which::Current),
        Some("all") => Ok(Which::All),
        Some(id) => id
            .parse()
            .map(Which::One)
            .map_err(|_| "`generation` is an id such as 9f3a01c2, or `all`\n"),
    }
}

/// The generations that are asked for. `None`: it is not known.
async fn parts(log: &Arc<Log>, which: Which) -> Option<Vec<Generation>> {
    let history = || log.known().map(|known| known.history).unwrap_or_default();
    let all = |history: History| history.generations.to_vec();
    match which {
        Which::Current => Some(history().generations.last().cloned().into_iter().collect()),
        Which::One(id) => {
            if history().get(id).is_none() {
                log.archives().settle(log).await;
            }
            Some(vec![history().get(id)?.clone()])
        }
        Which::All => {
            // What was rotated away before anybody looked may still be on its way.
            log.archives().settle(log).await;
            Some(all(history()))
        }
    }
}

/// A tag for what these parts make: the lives, and the lengths of all but the last. Those are what
/// says where a byte stands.
fn tag(parts: &[Generation]) -> String {
    let mut digest = Sha256::new();
    for (index, part) in parts.iter().enumerate() {
        let length = if index + 1 == parts.len() { 0 } else { part.bytes };
        digest.update(part.id.0.to_le_bytes());
        digest.update(part.from.to_le_bytes());
        digest.update(length.to_le_bytes());
    }
    let digest = digest.finalize();
    let short = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("\"{short}\"")
}

/// What of all bytes is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    /// A part that there is not.
    Nothing,
}

fn asked(headers: &HeaderMap, tag: &str, all: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Wanted::All };
    // Of another life: then from the start.
    if text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::All;
    }
    // Several parts at once, and what is no range, may be answered with all.
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(first.trim()), number(last.trim()), first.trim(), last.trim()) {
        (Some(first), Some(last), ..) if last >= first => first..last.saturating_add(1).min(all),
        (Some(first), None, _, "") => first..all,
        (None, Some(most), "", _) => all.saturating_sub(most)..all,
        _ => return Wanted::All,
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

/// The answer to who asks for what stands beyond the end.
fn beyond(all: u64, tag: &str) -> Response {
    let mut response =
        guard::refuse(StatusCode::RANGE_NOT_SATISFIABLE, "the log has not so many bytes\n");
    insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{all}"));
    insert(response.headers_mut(), header::ETAG, tag);
    response
}

fn headers(log: &Log, parts: &[Generation], tag: &str, which: Which) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Nothing that a browser would show: what stands in a log is anybody's.
    insert(&mut headers, header::CONTENT_TYPE, "application/octet-stream");
    insert(&mut headers, header::ACCEPT_RANGES, "bytes");
    insert(&mut headers, header::ETAG, tag);
    insert(&mut headers, header::CONTENT_DISPOSITION, &attachment(log.name(), parts, which));
    if let (Some(last), Which::Current) = (parts.last(), which) {
        // Where the same bytes are found when this is no longer the current generation.
        let place = format!("?generation={}", last.id);
        insert(&mut headers, header::CONTENT_LOCATION, &place);
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Under what name it is kept: the last part of the log's, with nothing in it that leads elsewhere.
fn attachment(name: &LogName, parts: &[Generation], which: Which) -> String {
    let last = name.as_str().rsplit('/').next().unwrap_or_default();
    let mut safe: String = last
        .chars()
        .map(|c| if c.is_control() || "\\/:*?\"<>|".contains(c) { '_' } else { c })
        .collect();
    safe = safe.trim_matches(['.', ' ']).to_owned();
    if safe.is_empty() {
        safe = "log".to_owned();
    }
    if let (Which::One(id), Some(_)) = (which, parts.first()) {
        safe = format!("{safe}.{id}");
    }
    let ascii: String = safe.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in safe.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_it_says_or_all() {
        let with = |range: &'static str, known: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(range));
            if let Some(known) = known {
                headers.insert(header::IF_RANGE, HeaderValue::from_static(known));
            }
            asked(&headers, "\"a\"", 100)
        };
        for (range, wanted) in [
            ("bytes=0-9", Wanted::Part(0..10)),
            ("bytes=90-", Wanted::Part(90..100)),
            ("bytes=-7", Wanted::Part(93..100)),
            ("bytes=-700", Wanted::Part(0..100)),
            ("bytes=90-18446744073709551615", Wanted::Part(90..100)),
            ("bytes=90-99999999999999999999999", Wanted::Part(90..100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=9-0", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=+1-", Wanted::All),
            ("bytes=", Wanted::All),
            ("bytes=-", Wanted::All),
        ] {
            assert_eq!(with(range, None), wanted, "{range}");
        }
        assert_eq!(with("bytes=1-2", Some("\"a\"")), Wanted::Part(1..3));
        assert_eq!(with("bytes=1-2", Some("\"b\"")), Wanted::All);
        assert_eq!(with("bytes=1-2", Some("W/\"a\"")), Wanted::All);
        assert_eq!(asked(&HeaderMap::new(), "\"a\"", 100), Wanted::All);
    }

    #[test]
    fn a_name_leads_nowhere() {
        let named = |name: &str| attachment(&LogName(name.to_owned()), &[], Which::Current);
        assert_eq!(
            named("nginx/access.log"),
            "attachment; filename=\"access.log\"; filename*=UTF-8''access.log"
        );
        assert_eq!(
            named("a/..\"\r\nx\\é"),
            "attachment; filename=\"___x__\"; filename*=UTF-8''___x_%C3%A9"
        );
        assert_eq!(named("a/.."), "attachment; filename=\"log\"; filename*=UTF-8''log");
    }
}
