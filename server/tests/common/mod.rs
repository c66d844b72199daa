//! A real server on port 0 over a folder of its own, and clients that speak its protocol.

#![allow(dead_code, unreachable_pub, reason = "each test uses the part it needs")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tailwater::config::{Config, Login};
use tailwater::serve::Server;
use tailwater::sources::SourceSpec;
use tailwater_protocol::{
    Attention, Bookmark, ClientMessage, Frame, LogName, PROTOCOL, ServerMessage, ViewId, wire,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What never comes makes a test fail rather than hang. No test passes by waiting.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site {
    pub folder: tempfile::TempDir,
    pub config: Config,
}

pub struct Running {
    pub address: SocketAddr,
    pub shared: tailwater::routes::SharedState,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Site {
    /// A site whose sources are `sources` below its folder.
    pub fn new(sources: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("logs")).expect("made");
        let written: Vec<String> = sources
            .iter()
            .map(|source| folder.path().join("logs").join(source).to_string_lossy().into_owned())
            .collect();
        let config = Config {
            login: Login::Token(TOKEN.to_owned()),
            state: Some(folder.path().join("state")),
            sources: SourceSpec::parse_all(&written).expect("sound sources"),
            ..Config::default()
        };
        Self { folder, config }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs").join(name)
    }

    pub fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text);
    }

    pub async fn start(&self) -> Running {
        self.start_at("127.0.0.1:0".parse().expect("an address")).await
    }

    pub async fn start_at(&self, address: SocketAddr) -> Running {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Server::prepare(&self.config, address.port(), format!("http://{address}/"))
            .expect("ready");
        let shared = std::sync::Arc::clone(server.shared());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(listener, async {
            let _told = stopped.await;
        }));
        Running { address, shared, stop, task }
    }
}

pub fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

pub fn create(path: &Path, text: &str) {
    File::create(path).expect("created").write_all(text.as_bytes()).expect("written");
}

impl Running {
    pub async fn stop(self) {
        let _gone = self.stop.send(());
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").expect("it ends well");
    }

    /// The whole answer to a request made of these lines.
    pub async fn raw(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        let head = head.replace("HOST", &self.address.to_string()).replace('\n', "\r\n");
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("an answer")
            .expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The answer to a GET with the token, closed after it.
    pub async fn get(&self, path: &str) -> String {
        self.raw(&format!(
            "GET {path} HTTP/1.1\nHost: HOST\nAuthorization: Bearer {TOKEN}\nConnection: close"
        ))
        .await
    }

    /// The answer to a GET with these headers, closed after it.
    pub async fn get_with(&self, path: &str, headers: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\nHost: HOST\nConnection: close{headers}")).await
    }

    /// The cookie of a session begun by the form, as a browser begins one.
    pub async fn cookie(&self) -> String {
        let body = format!("key={TOKEN}&next=%2F");
        let length = body.len();
        let answer = self
            .raw(&format!(
                "POST /login HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {length}\nConnection: close\n\n{body}"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let set =
            answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
        set.split(';').next().expect("a pair").to_owned()
    }

    pub async fn page(&self) -> Page {
        Page::connect(self.address).await.expect("a socket")
    }
}

/// A page without a browser: its socket and where its view stands.
pub struct Page {
    pub socket: WebSocketStream<TcpStream>,
}

pub const VIEW: ViewId = ViewId(1);

impl Page {
    pub async fn connect(address: SocketAddr) -> Option<Self> {
        Self::connect_as(address, PROTOCOL).await
    }

    /// A page that speaks version `protocol`.
    pub async fn connect_as(address: SocketAddr, protocol: u16) -> Option<Self> {
        let bearer = format!("Bearer {TOKEN}");
        Self::connect_with(address, protocol, &[("authorization", &bearer)]).await
    }

    /// A page that proves itself by these headers.
    pub async fn connect_with(
        address: SocketAddr,
        protocol: u16,
        headers: &[(&'static str, &str)],
    ) -> Option<Self> {
        let mut request =
            format!("ws://{address}/api/v1/view").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("plain"));
        }
        let stream = TcpStream::connect(address).await.ok()?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await.ok()?;
        let mut page = Self { socket };
        page.send(ClientMessage::Hello { protocol, build: String::new() }).await?;
        Some(page)
    }

    /// `None` when the line is cut.
    pub async fn send(&mut self, message: ClientMessage) -> Option<()> {
        self.socket.send(Message::Binary(wire::encode(&message).into())).await.ok()
    }

    /// The next message; `None` when the line is cut.
    pub async fn next(&mut self) -> Option<ServerMessage> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match message.expect("a message in time")?.ok()? {
                Message::Binary(bytes) => return Some(wire::decode(&bytes).expect("a message")),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub async fn open(
        &mut self,
        log: &str,
        from: Option<Bookmark>,
        attention: Attention,
    ) -> Option<()> {
        let log = LogName(log.to_owned());
        self.send(ClientMessage::Open { view: VIEW, log, from, attention, filter: None }).await
    }

    /// The next frame, acknowledged.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let ServerMessage::Frame { frame, .. } = self.next().await? {
                self.send(ClientMessage::Ack { view: VIEW, sequence: frame.sequence }).await?;
                return Some(frame);
            }
        }
    }

    /// Frames until one satisfies `wanted`.
    pub async fn frame_when(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.frame().await.expect("the line holds");
            if wanted(&frame) {
                return frame;
            }
        }
    }
}

/// The texts of a frame's rows.
pub fn texts(frame: &Frame) -> Vec<String> {
    frame
        .blocks
        .iter()
        .flat_map(|rows| rows.iter().map(|row| row.text.to_owned()).collect::<Vec<_>>())
        .collect()
}
