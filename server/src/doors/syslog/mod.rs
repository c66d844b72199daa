//! A syslog receiver: UDP, TCP and a Unix datagram socket, where the user says so and nowhere else.
//!
//! Nobody proves who sends: host and program names are a sender's words and stay text. Messages,
//! connections and what waits are bounded. A message becomes one line; one that is malformed too, and is marked.

mod framing;
mod listen;
mod message;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

pub(super) use self::listen::Listener;

/// Where to listen, as it was written: `syslog:udp://127.0.0.1:5514`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Udp(SocketAddr),
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Endpoint {
    /// Understands what follows `syslog:`.
    ///
    /// # Errors
    ///
    /// When it is no address.
    pub fn parse(written: &str) -> anyhow::Result<Self> {
        let Some((scheme, place)) = written.split_once("://") else {
            bail!(
                "write where to listen: `syslog:udp://127.0.0.1:5514`, `syslog:tcp://…` or `syslog:unix:///path`"
            );
        };
        let address = || -> anyhow::Result<SocketAddr> {
            place.parse().with_context(|| {
                format!("`{place}` is no address and port, such as `127.0.0.1:5514`")
            })
        };
        match scheme {
            "udp" => Ok(Self::Udp(address()?)),
            "tcp" => Ok(Self::Tcp(address()?)),
            "unix" if place.starts_with('/') => Ok(Self::Unix(place.into())),
            "unix" => bail!("`{place}` is no absolute path for a socket"),
            _ => bail!("syslog does not come by `{scheme}`; it does by `udp`, `tcp` and `unix`"),
        }
    }

    /// The name of the log of what comes there, when none was given.
    pub fn name(&self) -> String {
        match self {
            Self::Udp(address) => format!("syslog/udp-{}", address.port()),
            Self::Tcp(address) => format!("syslog/tcp-{}", address.port()),
            Self::Unix(_) => "syslog/unix".to_owned(),
        }
    }

    /// Whether others than this machine reach it.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Udp(address) | Self::Tcp(address) => !address.ip().is_loopback(),
            Self::Unix(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_understood() {
        let udp = Endpoint::parse("udp://127.0.0.1:5514").expect("sound");
        assert_eq!((udp.name().as_str(), udp.is_public()), ("syslog/udp-5514", false));
        assert!(Endpoint::parse("tcp://0.0.0.0:5514").expect("sound").is_public());
        assert_eq!(
            Endpoint::parse("unix:///run/x").expect("sound"),
            Endpoint::Unix("/run/x".into())
        );
        for wrong in ["", "udp", "udp://", "udp://x:1", "unix://x", "tls://127.0.0.1:1"] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
