//! A page's socket: what it asks, what it is shown, and when.
//!
//! One task a page. It keeps no lines: for each view it remembers where the page stands, makes one
//! frame when something has happened and the last frame was acknowledged, and reads it from the
//! log at that moment. Whatever a page sends is bounded, and a page that is silent is let go.

mod closer;
mod filtering;
mod finding;
mod view;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::StreamExt as _;
use tailwater_protocol::message::close;
use tailwater_protocol::{
    ClientMessage, FindId, Frame, Grave, LogName, PROTOCOL, Refusal, RequestId, ServerMessage,
    Sought, Source, ViewId, Window, WindowRequest, wire,
};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_stream::StreamMap;
use tokio_stream::wrappers::WatchStream;

use crate::auth::{Action, Ending, Pass};
use crate::log::Published;
use crate::read::Standing;
use crate::routes::SharedState;
use crate::serve::ended;
use closer::Close;
use view::View;

/// Between two pings, in seconds: less than any proxy's idea of an idle connection.
const HEARTBEAT: u16 = 20;

/// A page that said nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(HEARTBEAT as u64 * 2 + 5);

/// A page that does not take a message for so long is stuck.
const STUCK: Duration = Duration::from_secs(20);

/// A page has to say hello within this time.
const HELLO: Duration = Duration::from_secs(5);

/// Views of one page.
const MAX_VIEWS: usize = 16;

/// Windows of one page that are being read.
const MAX_WINDOWS: usize = 8;

/// Between two messages about sources.
const SOURCES: Duration = Duration::from_secs(1);

/// Serves one page until it leaves or the server ends.
pub async fn serve(socket: WebSocket, shared: SharedState, pass: Pass) {
    let mut session = Session {
        sources: shared.logs.changes(),
        ending: shared.ending.clone(),
        shared,
        pass,
        socket,
        views: HashMap::new(),
        changes: StreamMap::new(),
        searches: StreamMap::new(),
        surveys: StreamMap::new(),
        filters: StreamMap::new(),
        work: JoinSet::new(),
        windows: 0,
        listed: HashMap::new(),
        heard: Instant::now(),
        ping: 0,
    };
    if let Err(End { code, reason }) = session.run().await
        && code != 0
    {
        let frame = CloseFrame { code, reason: reason.into() };
        let goodbye = session.socket.send(Message::Close(Some(frame)));
        // Whoever does not take even that is gone.
        let _gone = timeout(STUCK, goodbye).await;
    }
}

struct Session {
    shared: SharedState,
    pass: Pass,
    socket: WebSocket,
    views: HashMap<ViewId, View>,
    /// Wakes for each view when its log changed.
    changes: StreamMap<ViewId, WatchStream<Published>>,
    /// Wakes for each view when its search has come further.
    searches: StreamMap<ViewId, WatchStream<u64>>,
    /// Wakes for each view when one half of its survey has come further.
    surveys: StreamMap<(ViewId, Grave), WatchStream<u64>>,
    /// Wakes for each view when more of its log was looked through for its filter.
    filters: StreamMap<ViewId, WatchStream<u64>>,
    /// Reads under way.
    work: JoinSet<Done>,
    windows: usize,
    sources: watch::Receiver<Arc<Vec<Source>>>,
    listed: HashMap<LogName, Source>,
    ending: watch::Receiver<bool>,
    heard: Instant,
    ping: u32,
}

/// What can wake a session.
enum Woken {
    /// The server ends.
    Ending,
    /// What the page was let in by is good no longer.
    LetOut(Ending),
    /// The page said something, or left.
    Message(Option<Result<Message, axum::Error>>),
    /// A read is done.
    Done(Result<Done, JoinError>),
    /// The log of a view changed.
    Changed(ViewId),
    /// The search of a view has come further.
    Searched(ViewId),
    /// The survey of a view has come further.
    Surveyed(ViewId),
    /// Surveys may take in what has come.
    SurveyDue,
    /// More of the log of a view was looked through for its filter.
    Filtered(ViewId),
    /// A frame that would have come too soon may be made.
    FrameDue,
    /// The list of sources changed.
    SourcesChanged,
    /// The page may be told of it.
    SourcesDue,
    /// It is time for a ping.
    Heartbeat,
}

/// A read that is done.
enum Done {
    Frame(ViewId, u64, Box<std::io::Result<(Frame, Standing)>>),
    Window(Box<Result<Window, (ViewId, RequestId, Refusal)>>),
    Sought(ViewId, FindId, std::io::Result<Option<Sought>>),
    Close(ViewId, RequestId, std::io::Result<Option<Close>>),
}

/// Why a session ends: a close code, and words for people. Code 0: the page left by itself.
struct End {
    code: u16,
    reason: &'static str,
}

const LEFT: End = End { code: 0, reason: "" };

impl Session {
    async fn run(&mut self) -> Result<(), End> {
        self.greet().await?;
        let mut heartbeat = interval(Duration::from_secs(HEARTBEAT.into()));
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.tick().await;
        // When the page may be told of sources again; once they changed, that is waited for.
        let mut sources_next = Instant::now();
        let mut sources_due = None;
        loop {
            match self.wait(&mut heartbeat, sources_due).await {
                Woken::Ending => {
                    let reason = "the server is ending: come back and resume";
                    return Err(End { code: close::RESTARTING, reason });
                }
                Woken::LetOut(Ending::SignedOut) => {
                    return Err(End { code: close::LOGIN, reason: "the login has ended" });
                }
                Woken::LetOut(Ending::OtherRights) => {
                    let reason = "the rules have changed: come back";
                    return Err(End { code: close::RESTARTING, reason });
                }
                Woken::Message(message) => {
                    self.heard = Instant::now();
                    self.take(message).await?;
                }
                Woken::Done(done) => self.finish(done).await?,
                Woken::Changed(view) => {
                    if let Some(view) = self.views.get_mut(&view) {
                        view.ring();
                    }
                }
                Woken::Searched(view) => self.tell_finding(view).await?,
                Woken::Surveyed(view) => self.tell_survey(view).await?,
                Woken::SurveyDue => self.views.values_mut().for_each(View::survey_on),
                Woken::Filtered(view) => self.tell_filtering(view).await?,
                Woken::FrameDue => {}
                Woken::SourcesChanged => sources_due = Some(sources_next),
                Woken::SourcesDue => {
                    sources_due = None;
                    sources_next = Instant::now() + SOURCES;
                    self.send_sources(false).await?;
                }
                Woken::Heartbeat => self.beat().await?,
            }
            self.make_frames();
        }
    }

    /// Waits for the next thing that happens.
    async fn wait(&mut self, heartbeat: &mut Interval, sources_due: Option<Instant>) -> Woken {
        let frame_due = self.views.values().filter_map(View::due).min();
        let survey_due = self.survey_due();
        tokio::select! {
            biased;
            () = ended(&mut self.ending) => Woken::Ending,
            ending = self.pass.ended() => Woken::LetOut(ending),
            message = self.socket.next() => Woken::Message(message),
            Some(done) = self.work.join_next() => Woken::Done(done),
            Some((view, _)) = self.changes.next() => Woken::Changed(view),
            Some((view, _)) = self.searches.next() => Woken::Searched(view),
            Some(((view, _), _)) = self.surveys.next() => Woken::Surveyed(view),
            Some((view, _)) = self.filters.next() => Woken::Filtered(view),
            () = until(frame_due) => Woken::FrameDue,
            () = until(survey_due) => Woken::SurveyDue,
            () = until(sources_due) => Woken::SourcesDue,
            changed = self.sources.changed(), if sources_due.is_none() => match changed {
                Ok(()) => Woken::SourcesChanged,
                Err(_) => Woken::Ending,
            },
            _ = heartbeat.tick() => Woken::Heartbeat,
        }
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > SILENCE {
            return Err(End { code: close::SILENT, reason: "nothing was heard" });
        }
        self.ping = self.ping.wrapping_add(1);
        self.send(&ServerMessage::Ping(self.ping)).await
    }

    async fn greet(&mut self) -> Result<(), End> {
        let hello = timeout(HELLO, self.socket.next()).await;
        let Ok(Some(Ok(Message::Binary(bytes)))) = hello else {
            return Err(End { code: close::SILENT, reason: "a hello is expected first" });
        };
        let Ok(ClientMessage::Hello { protocol, .. }) = wire::decode(&bytes) else {
            return Err(End { code: close::MALFORMED, reason: "a hello is expected first" });
        };
        let welcome = ServerMessage::Welcome {
            protocol: PROTOCOL,
            build: self.shared.build.clone(),
            heartbeat: HEARTBEAT,
        };
        self.send(&welcome).await?;
        if protocol != PROTOCOL {
            return Err(End {
                code: close::RELOAD,
                reason: "another version of the page is needed",
            });
        }
        self.send_sources(true).await
    }

    /// Takes what the page sent.
    async fn take(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Text(_))) => {
                return Err(End { code: close::MALFORMED, reason: "messages are binary" });
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(LEFT),
        };
        let malformed = |_| End { code: close::MALFORMED, reason: "that is no message" };
        match wire::decode(&bytes).map_err(malformed)? {
            ClientMessage::Hello { .. } | ClientMessage::Pong(_) => Ok(()),
            ClientMessage::Ping(number) => self.send(&ServerMessage::Pong(number)).await,
            ClientMessage::Open { view, log, from, attention, filter } => {
                self.end_view(view);
                if self.views.len() >= MAX_VIEWS {
                    return self.refuse(view, None, Refusal::TooMany).await;
                }
                let Some(found) = self.shared.logs.get(self.pass.visitor(), Action::Read, &log)
                else {
                    return self.refuse(view, None, Refusal::NoSuchLog).await;
                };
                // In line, so that what the page asks of the view next finds it: the first look at
                // a log takes microseconds.
                let opened = View::open(&self.shared.logs, found, from, attention).await;
                self.changes.insert(view, WatchStream::from_changes(opened.log().subscribe()));
                self.views.insert(view, opened);
                match filter {
                    Some((id, filter)) => self.begin_filtered(view, id, &filter).await,
                    None => Ok(()),
                }
            }
            ClientMessage::Attend { view, attention } => {
                if let Some(view) = self.views.get_mut(&view) {
                    view.attend(attention);
                }
                Ok(())
            }
            ClientMessage::Ack { view, sequence } => {
                if let Some(view) = self.views.get_mut(&view) {
                    view.acknowledge(sequence);
                }
                Ok(())
            }
            ClientMessage::Close { view } => {
                self.end_view(view);
                Ok(())
            }
            ClientMessage::Command { log, order } => {
                // What comes of it is seen in the log.
                let told = self.shared.doors.order(self.pass.visitor(), &log, order);
                tracing::debug!(command = %log, ?told, "a page gave an order");
                Ok(())
            }
            ClientMessage::Window(request) => self.read_window(request).await,
            ClientMessage::Find { view, find, query } => self.find(view, find, query).await,
            ClientMessage::Filter { view, id, filter } => self.filter(view, id, &filter).await,
            ClientMessage::Seek { view, find, from, direction } => {
                self.seek(view, find, from, direction);
                Ok(())
            }
            ClientMessage::Details { request, view, at } => self.details(request, view, at).await,
            ClientMessage::Take { request, view, stretches } => {
                self.take_stretches(request, view, stretches).await
            }
            ClientMessage::Survey { view } => self.survey(view).await,
            ClientMessage::SeekGrave { request, view, grave, from, direction } => {
                self.seek_grave(request, view, grave, (from, direction)).await
            }
            ClientMessage::Course { request, view } => self.course(request, view).await,
        }
    }

    async fn read_window(&mut self, asked: WindowRequest) -> Result<(), End> {
        let WindowRequest { request, view, anchor, before, after } = asked;
        let Some(known) = self.views.get(&view) else {
            return self.refuse(view, Some(request), Refusal::NoSuchView).await;
        };
        if self.windows >= MAX_WINDOWS {
            return self.refuse(view, Some(request), Refusal::TooMany).await;
        }
        self.windows += 1;
        let log = Arc::clone(known.log());
        let reader = self.shared.reader.clone();
        let sight = known.sight();
        self.work.spawn(async move {
            let read = reader.window(&log, anchor, before, after, sight).await;
            Done::Window(Box::new(match read {
                Ok(read) => Ok(Window {
                    request,
                    view,
                    blocks: read.rows.blocks,
                    anchor: read.rows.anchor,
                    at_start: read.rows.at_start,
                    at_end: read.rows.at_end,
                    outline: read.outline,
                    picked: read.picked,
                }),
                Err(error) => Err((view, request, Refusal::Failed(error.to_string()))),
            }))
        });
        Ok(())
    }

    /// Sends what was read.
    async fn finish(&mut self, done: Result<Done, JoinError>) -> Result<(), End> {
        match done {
            Ok(Done::Frame(id, opened, read)) => {
                let Some(view) = self.views.get_mut(&id).filter(|view| view.opened() == opened)
                else {
                    return Ok(());
                };
                match *read {
                    Ok((frame, standing)) => {
                        view.sent(frame.sequence, standing);
                        self.send(&ServerMessage::Frame { view: id, frame }).await
                    }
                    Err(error) => {
                        view.failed();
                        self.refuse(id, None, Refusal::Failed(error.to_string())).await
                    }
                }
            }
            Ok(Done::Window(read)) => {
                self.windows -= 1;
                match *read {
                    Ok(window) => self.send(&ServerMessage::Window(window)).await,
                    Err((view, request, refusal)) => {
                        self.refuse(view, Some(request), refusal).await
                    }
                }
            }
            Ok(Done::Sought(view, find, sought)) => self.tell_sought(view, find, sought).await,
            Ok(Done::Close(view, request, read)) => {
                self.windows -= 1;
                self.tell_close(view, request, read).await
            }
            Err(error) => {
                tracing::error!(%error, "a read broke off");
                Err(End {
                    code: close::RESTARTING,
                    reason: "a read broke off: come back and resume",
                })
            }
        }
    }

    /// Starts making a frame for every view that may have one.
    fn make_frames(&mut self) {
        for (&id, view) in &mut self.views {
            if let Some((standing, attention, sequence)) = view.begin() {
                let reader = self.shared.reader.clone();
                let log = Arc::clone(view.log());
                let opened = view.opened();
                let sight = view.sight();
                self.work.spawn(async move {
                    let read = reader.frame(&log, standing, attention, sequence, sight).await;
                    Done::Frame(id, opened, Box::new(read))
                });
            }
        }
    }

    /// Tells the page which sources are new, changed or gone.
    async fn send_sources(&mut self, all: bool) -> Result<(), End> {
        self.sources.mark_unchanged();
        let list = self.shared.logs.list(self.pass.visitor());
        let mut changed = Vec::new();
        let mut now = HashMap::with_capacity(list.len());
        for source in list.iter() {
            let before = self.listed.remove(&source.name);
            if before.as_ref() != Some(source) {
                changed.push(source.clone());
            }
            now.insert(source.name.clone(), source.clone());
        }
        let gone: Vec<LogName> = std::mem::replace(&mut self.listed, now).into_keys().collect();
        if !all && changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        self.send(&ServerMessage::Sources { all, changed, gone }).await
    }

    fn end_view(&mut self, view: ViewId) {
        self.views.remove(&view);
        self.changes.remove(&view);
        self.searches.remove(&view);
        for grave in [Grave::Errors, Grave::Warnings] {
            self.surveys.remove(&(view, grave));
        }
        self.filters.remove(&view);
    }

    async fn refuse(
        &mut self,
        view: ViewId,
        request: Option<RequestId>,
        refusal: Refusal,
    ) -> Result<(), End> {
        self.send(&ServerMessage::Refused { view, request, refusal }).await
    }

    async fn send(&mut self, message: &ServerMessage) -> Result<(), End> {
        let bytes = wire::encode(message);
        match timeout(STUCK, self.socket.send(Message::Binary(bytes.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(LEFT),
        }
    }
}

/// Sleeps until then; for ever without a time.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
