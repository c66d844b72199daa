//! TLS: the certificate and its key, read again when the files change, as when they are renewed.
//!
//! A renewed certificate that cannot be used is said and the one before is kept: a mistake in a
//! renewal must not end the service. Files are looked at when somebody connects, at most once a
//! second, so that nothing has to be told and no clock runs for it.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// Bytes of a file with certificates or a key: a long chain has some tens of thousands.
const MAX_FILE: u64 = 1024 * 1024;

/// The two files, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and after it those that lead to a known authority.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What connections are encrypted by.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    current: RwLock<Arc<ServerConfig>>,
    looked: Mutex<Looked>,
}

#[derive(Debug)]
struct Looked {
    at: Instant,
    /// The files as they were read last, whether they could be used or not.
    seen: [Option<Stamp>; 2],
}

/// What changes about a file that is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Tls {
    /// # Errors
    ///
    /// When the files cannot be read, do not belong together, or others may read the key.
    pub fn load(files: Files) -> anyhow::Result<Self> {
        let seen = stamps(&files);
        let current = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, current, looked: Mutex::new(Looked { at: Instant::now(), seen }) })
    }

    /// What the next connection is encrypted by. Looks at files: not for a thread that serves.
    pub fn acceptor(&self) -> TlsAcceptor {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.at.elapsed() >= LOOK {
                looked.at = Instant::now();
                self.renew(&mut looked.seen);
            }
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Reads the files now if they have changed.
    pub fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        self.renew(&mut looked.seen);
    }

    fn renew(&self, seen: &mut [Option<Stamp>; 2]) {
        let now = stamps(&self.files);
        if now == *seen {
            return;
        }
        *seen = now;
        match read(&self.files) {
            Ok(renewed) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
                tracing::info!("the certificate was renewed");
            }
            Err(error) => tracing::warn!(
                "the certificate changed and cannot be used, so the one before is kept: {error:#}"
            ),
        }
    }
}

fn stamps(files: &Files) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|path| {
        let found = std::fs::metadata(path).ok()?;
        Some(Stamp {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    })
}

fn read(files: &Files) -> anyhow::Result<ServerConfig> {
    let Files { certificate, key } = files;
    let pem = read_file(certificate, |_| Ok(()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .with_context(|| format!("`{}` is no certificate in PEM", certificate.display()))?;
    ensure!(!chain.is_empty(), "`{}` holds no certificate", certificate.display());
    let pem = read_file(key, |mode| kept_secret(key, mode))?;
    let secret = PrivateKeyDer::from_pem_slice(&pem)
        .with_context(|| format!("`{}` holds no private key in PEM", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .with_context(|| {
            format!("`{}` and `{}` do not go together", certificate.display(), key.display())
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Refuses a secret that others than its owner and group may read, or its group may write: groups
/// such as `ssl-cert` are how distributions give a key to more than one program.
pub(crate) fn kept_secret(path: &Path, mode: u32) -> anyhow::Result<()> {
    ensure!(
        mode & 0o027 == 0,
        "others may get at the secret in `{0}` (its mode is {1:o}); run `chmod 600 {0}`",
        path.display(),
        mode & 0o777
    );
    Ok(())
}

/// The bytes of a file whose mode, as it is when it is open, is found good.
pub(crate) fn read_file(
    path: &Path,
    good: impl FnOnce(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("cannot read `{}`", path.display());
    let file = std::fs::File::open(path).with_context(reading)?;
    let found = file.metadata().with_context(reading)?;
    good(found.mode())?;
    ensure!(found.len() <= MAX_FILE, "`{}` is too large", path.display());
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).with_context(reading)?;
    Ok(bytes)
}
