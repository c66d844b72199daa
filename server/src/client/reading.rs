//! Reading a log to its end, or for as long as it goes on: record by record, each of which says
//! where to come back to. What was received of a record that broke off is thrown away and asked for
//! again.

use std::time::Duration;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use memchr::memchr;
use tokio::time::{sleep, timeout};

use super::address::Target;
use super::http::{Dial, reason};
use super::show::{Entry, Flow, Shown};

/// Nothing was heard for so long, though the server says something every 15 seconds: the line is
/// dead.
const SILENCE: Duration = Duration::from_secs(45);

/// Between two attempts to come back: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Bytes of a record: a line of 1 MiB, each byte of which is written as six, twice, and its fields.
const RECORD: usize = 32 * 1024 * 1024;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At the beginning of everything there is.
    First,
    /// So many lines before the end.
    Last(u32),
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// What there is.
    All,
    /// For ever.
    On,
}

pub(super) struct Reading {
    pub(super) target: Target,
    pub(super) dial: Dial,
    pub(super) start: Start,
    pub(super) read: Read,
}

/// Why a connection ended.
enum Ended {
    /// All was given.
    Complete,
    /// Nobody wants more.
    Unwanted,
    /// It broke off.
    Cut,
}

impl Reading {
    /// Reads, and shows what comes.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached at first, or refuses.
    pub(super) async fn run(self, shown: &mut Shown) -> anyhow::Result<()> {
        // What to say to come back; none before the first record.
        let mut back: Option<String> = None;
        let mut pause = FIRST_PAUSE;
        let mut reached = false;
        loop {
            let path = self.path(back.as_deref());
            let at = || format!("`{}`", self.target.authority());
            match self.dial.get(&path).await {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    let was_back = back.clone();
                    reached = true;
                    match self.take(answer, shown, &mut back).await? {
                        Ended::Unwanted => return shown.ending(),
                        Ended::Complete if self.read == Read::All => return shown.ending(),
                        Ended::Complete | Ended::Cut => {}
                    }
                    if was_back != back {
                        pause = FIRST_PAUSE;
                    }
                }
                Ok(answer) if reached && is_passing(answer.status()) => {}
                Ok(answer) => {
                    let status = answer.status();
                    anyhow::bail!("{} answers {status}: {}", at(), reason(answer).await);
                }
                Err(error) if !reached => {
                    return Err(error).with_context(|| format!("{} is not reached", at()));
                }
                Err(_lost_again) => {}
            }
            shown.flush()?;
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn path(&self, back: Option<&str>) -> String {
        let mut query = vec!["format=ndjson".to_owned()];
        if !self.target.query.is_empty() {
            query.push(self.target.query.clone());
        }
        match (back, self.start) {
            (Some(id), _) => query.push(format!("from={id}")),
            (None, Start::First) => query.push("from=start".to_owned()),
            (None, Start::Last(lines)) => query.push(format!("n={lines}")),
        }
        if self.read == Read::On {
            query.push("follow=1&heartbeat=1".to_owned());
        }
        format!("{}?{}", self.target.path, query.join("&"))
    }

    /// Takes what one connection gives.
    async fn take(
        &self,
        answer: Response<Incoming>,
        shown: &mut Shown,
        back: &mut Option<String>,
    ) -> anyhow::Result<Ended> {
        let mut body = answer.into_body();
        let mut begun: Vec<u8> = Vec::new();
        loop {
            let frame = match self.read {
                Read::All => body.frame().await,
                Read::On => match timeout(SILENCE, body.frame()).await {
                    Ok(frame) => frame,
                    Err(_silent) => return Ok(Ended::Cut),
                },
            };
            let bytes = match frame {
                None => return Ok(Ended::Complete),
                Some(Err(_broken)) => return Ok(Ended::Cut),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            let mut rest = bytes.as_ref();
            while let Some(end) = memchr(b'\n', rest) {
                let (line, after) = rest.split_at(end);
                rest = after.get(1..).unwrap_or_default();
                begun.extend_from_slice(line);
                if !begun.is_empty() {
                    let entry: Entry<'_> = serde_json::from_slice(&begun)
                        .context("the server does not answer as a tailwater does")?;
                    let flow = shown.show(&entry)?;
                    if let Some(id) = entry.id {
                        *back = Some(id.into_owned());
                    }
                    if flow == Flow::Enough {
                        return Ok(Ended::Unwanted);
                    }
                }
                begun.clear();
            }
            begun.extend_from_slice(rest);
            anyhow::ensure!(begun.len() <= RECORD, "the server sends a record without an end");
            if shown.flush()? == Flow::Enough {
                return Ok(Ended::Unwanted);
            }
        }
    }
}

/// Whether a server that says this may say something else in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::INTERNAL_SERVER_ERROR
    )
}
