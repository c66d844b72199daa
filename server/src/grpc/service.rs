//! The calls: what is asked, who asks, and what that comes to.

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use tailwater_protocol::{LogName, LogState};
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::entries::{self, Wanted};
use super::wire::log_service_server::LogService;
use super::wire::{
    ListLogsRequest, ListLogsResponse, Log, LogEntry, LogRequest, ReadRangeRequest, log::State,
};
use crate::auth::{Action, Admitted};
use crate::feed::{Asked, From};
use crate::routes::SharedState;

/// Answers the calls. What it needs comes with the request, put there by whoever let it in.
#[derive(Debug)]
pub(super) struct Service;

type Entries = Pin<Box<dyn Stream<Item = Result<LogEntry, Status>> + Send>>;

/// Who calls, and of what server.
struct Caller {
    shared: SharedState,
    admitted: Admitted,
    deadline: Option<Instant>,
}

impl Caller {
    fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let (shared, admitted) =
            (request.extensions().get::<SharedState>(), request.extensions().get::<Admitted>());
        match (shared, admitted) {
            (Some(shared), Some(admitted)) => Ok(Self {
                shared: SharedState::clone(shared),
                admitted: admitted.clone(),
                deadline: timeout(request.metadata()).map(|timeout| Instant::now() + timeout),
            }),
            _ => Err(Status::unauthenticated("login needed: send `authorization: Bearer …`")),
        }
    }

    async fn entries(self, name: String, asked: Asked, limit: u64) -> Result<Entries, Status> {
        let Self { shared, admitted, deadline } = self;
        let log = shared.logs.get(&admitted.visitor, Action::Read, &LogName(name));
        let log = log.ok_or_else(nothing)?;
        let wanted = Wanted { asked, limit, deadline };
        Ok(Box::pin(entries::read(&shared, &log, &admitted, wanted).await?))
    }
}

#[tonic::async_trait]
impl LogService for Service {
    type StreamLogsStream = Entries;
    type ReadRangeStream = Entries;

    async fn list_logs(
        &self,
        request: Request<ListLogsRequest>,
    ) -> Result<Response<ListLogsResponse>, Status> {
        let Caller { shared, admitted, .. } = Caller::of(&request)?;
        let logs = shared.logs.list(&admitted.visitor).into_iter().map(|source| {
            let (state, reason) = match source.state {
                LogState::Live => (State::Live, String::new()),
                LogState::Polling(reason) => (State::Polling, reason),
                LogState::Waiting => (State::Waiting, String::new()),
                LogState::Deleted(_) => (State::Deleted, String::new()),
                LogState::Unreadable { reason, .. } => (State::Unreadable, reason),
                LogState::Ended(_) => (State::Ended, String::new()),
            };
            Log { name: source.name.0, bytes: source.bytes, state: state.into(), reason }
        });
        Ok(Response::new(ListLogsResponse { logs: logs.collect() }))
    }

    async fn stream_logs(&self, request: Request<LogRequest>) -> Result<Response<Entries>, Status> {
        let caller = Caller::of(&request)?;
        let LogRequest { service_name, lines, from } = request.into_inner();
        let lines = lines.unwrap_or(caller.shared.lines);
        let mut asked = Asked::parse(&format!("n={lines}"), Asked::last(0, true))
            .map_err(|_| Status::invalid_argument("`lines` is at most 10000000"))?;
        if !from.is_empty() {
            asked.from = places(&from)?;
        }
        caller.entries(service_name, asked, 0).await.map(Response::new)
    }

    async fn read_range(
        &self,
        request: Request<ReadRangeRequest>,
    ) -> Result<Response<Entries>, Status> {
        let caller = Caller::of(&request)?;
        let ReadRangeRequest { service_name, from, limit } = request.into_inner();
        let mut asked = Asked::last(0, false);
        asked.from = if from.is_empty() {
            let name = LogName(service_name.clone());
            let log = caller.shared.logs.get(&caller.admitted.visitor, Action::Read, &name);
            let log = log.ok_or_else(nothing)?;
            // What it holds is known once somebody has looked.
            let _watching = caller.shared.logs.attend(&log).await;
            let history = log.known().map(|known| known.history).unwrap_or_default();
            history
                .generations
                .first()
                .map(|first| From::Position(first.start()))
                .into_iter()
                .collect()
        } else {
            places(&from)?
        };
        caller.entries(service_name, asked, limit).await.map(Response::new)
    }
}

fn nothing() -> Status {
    Status::not_found("nothing of that name is offered here; ListLogs says what is")
}

fn places(from: &str) -> Result<Vec<From>, Status> {
    let places = Asked::places(from);
    places.ok_or_else(|| Status::invalid_argument("`from` is the `id` of an entry, or a position"))
}

/// How long the caller waits, as he says.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let unit = text.chars().last()?;
    // At most eight digits, as the protocol has it: no sum overflows.
    let number: u64 =
        text.strip_suffix(unit)?.parse().ok().filter(|&number| number < 100_000_000)?;
    Some(match unit {
        'H' => Duration::from_secs(number * 3600),
        'M' => Duration::from_secs(number * 60),
        'S' => Duration::from_secs(number),
        'm' => Duration::from_millis(number),
        'u' => Duration::from_micros(number),
        'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_as_the_protocol_has_it() {
        for (text, expected) in [
            ("1S", Some(Duration::from_secs(1))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("250m", Some(Duration::from_millis(250))),
            ("999999999S", None),
            ("S", None),
            ("-1S", None),
            ("1x", None),
            ("", None),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().expect("plain"));
            assert_eq!(timeout(&metadata), expected, "{text}");
        }
    }
}
