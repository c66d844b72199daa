//! One request after the other to one server, over plain TCP or TLS.
//!
//! Follows no redirect and keeps no cookie: where a request goes is what was typed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::Target;

/// A server that does not take a connection for so long is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// Bytes of an answer that says what is wrong.
const REASON: usize = 4096;

/// How a server is reached.
pub(super) struct Dial {
    authority: String,
    name: String,
    port: u16,
    tls: Option<TlsConnector>,
    token: Option<String>,
}

impl Dial {
    /// # Errors
    ///
    /// When there are no authorities to believe, or `cacert` is none.
    pub(super) fn new(
        target: &Target,
        token: Option<String>,
        cacert: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let tls = if target.tls { Some(connector(cacert)?) } else { None };
        let (name, port) = (target.name().to_owned(), target.port);
        Ok(Self { authority: target.authority(), name, port, tls, token })
    }

    /// Asks for `path`; the answer's head has come.
    ///
    /// # Errors
    ///
    /// When the server is not reached, or does not answer.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Response<Incoming>> {
        let connect = TcpStream::connect((self.name.as_str(), self.port));
        let stream = timeout(CONNECT, connect).await.context("it does not answer")??;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.ask(stream, path).await,
            Some(tls) => {
                let name = ServerName::try_from(self.name.clone())?;
                let stream = timeout(CONNECT, tls.connect(name, stream));
                self.ask(stream.await.context("it does not answer by TLS")??, path).await
            }
        }
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        path: &str,
    ) -> anyhow::Result<Response<Incoming>> {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // How the connection fares is heard where the answer is read.
        tokio::spawn(async move {
            let _told_by_the_body = connection.await;
        });
        let mut request = Request::get(path)
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, "application/x-ndjson")
            .header(header::USER_AGENT, concat!("tailwater/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Empty::<Bytes>::new()).context("the address or the token")?;
        Ok(sender.send_request(request).await?)
    }
}

/// What an answer says that is not what was asked for.
pub(super) async fn reason(answer: Response<Incoming>) -> String {
    let limited = http_body_util::Limited::new(answer.into_body(), REASON);
    let said = limited.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&said).trim().to_owned()
}

fn connector(cacert: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match cacert {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path);
            let certificates =
                certificates.with_context(|| format!("`{}` cannot be read", path.display()))?;
            for certificate in certificates {
                roots.add(certificate.with_context(|| format!("in `{}`", path.display()))?)?;
            }
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            let (_added, _ignored) = roots.add_parsable_certificates(native.certs);
        }
    }
    anyhow::ensure!(
        !roots.is_empty(),
        "there is no authority to believe; name a certificate by `--cacert FILE`"
    );
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
