//! The page's one WebSocket. What comes goes to the state at once; what the state says goes out in
//! its order, from the moment the socket is open.

use std::cell::RefCell;

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::future::{AbortHandle, abortable};
use futures_util::{SinkExt as _, StreamExt as _};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};
use leptos::leptos_dom::helpers::window;
use leptos::task::spawn_local;
use tailwater_protocol::{ClientMessage, wire};

use crate::components::desk::Desk;
use crate::state::input::Input;

/// The code of a connection that broke without a word.
const ABNORMAL: u16 = 1006;

/// The line that is in use. What waits in it is bounded by the state: a few requests and one
/// acknowledgement.
struct Line {
    out: UnboundedSender<Vec<u8>>,
    hang_up: AbortHandle,
}

thread_local! {
    static LINE: RefCell<Option<Line>> = const { RefCell::new(None) };
}

pub(super) fn dial(desk: Desk) {
    hang_up();
    let Some(socket) = address(desk).and_then(|address| WebSocket::open(&address).ok()) else {
        // The state is in the midst of saying what to do; it hears of this when it has finished.
        spawn_local(async move { desk.on(Input::Closed(ABNORMAL)) });
        return;
    };
    let (mut sink, mut stream) = socket.split();
    let (out, mut waiting) = unbounded::<Vec<u8>>();
    let (work, hang_up) = abortable(async move {
        let send = async {
            while let Some(bytes) = waiting.next().await {
                if sink.send(Message::Bytes(bytes)).await.is_err() {
                    break;
                }
            }
            // The end of the line is told by the other half.
            std::future::pending::<()>().await;
        };
        let hear = async {
            loop {
                match stream.next().await {
                    Some(Ok(Message::Bytes(bytes))) => match wire::decode(&bytes) {
                        Ok(message) => desk.on(Input::Message(message)),
                        Err(_) => break ABNORMAL,
                    },
                    Some(Ok(Message::Text(_))) => break ABNORMAL,
                    Some(Err(WebSocketError::ConnectionClose(close))) => break close.code,
                    Some(Err(_)) | None => break ABNORMAL,
                }
            }
        };
        let (send, hear) = (std::pin::pin!(send), std::pin::pin!(hear));
        // Hearing comes first: into a socket that has just ended nothing must be sent.
        match futures_util::future::select(hear, send).await {
            futures_util::future::Either::Left((code, _)) => code,
            futures_util::future::Either::Right(_) => ABNORMAL,
        }
    });
    LINE.set(Some(Line { out, hang_up }));
    spawn_local(async move {
        if let Ok(code) = work.await {
            LINE.set(None);
            desk.on(Input::Closed(code));
        }
    });
    spawn_local(async move { desk.on(Input::Opened) });
}

pub(super) fn hang_up() {
    if let Some(line) = LINE.take() {
        line.hang_up.abort();
    }
}

pub(super) fn send(message: &ClientMessage) {
    LINE.with_borrow(|line| {
        if let Some(line) = line {
            // It fails when the line is down, which the state is about to hear.
            let _sent = line.out.unbounded_send(wire::encode(message));
        }
    });
}

fn address(desk: Desk) -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss://" } else { "ws://" };
    let host = location.host().ok()?;
    Some(desk.peek(|page| [scheme, &host, page.base(), "/api/v1/view"].concat()))
}
