//! Proxies that stand before this server and are believed: whom they speak for, and whether it is
//! encrypted on their side. From all others those headers are nothing but bytes.

use std::net::IpAddr;

use anyhow::Context as _;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::Deserialize;

use super::identity::Identity;
use crate::connection::{Security, Via};

/// `[proxy]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Addresses and networks of proxies.
    pub trusted: Vec<String>,
    /// The header in which they name the user they have let in. They have to take it out of what
    /// others send.
    pub user_header: Option<String>,
    /// The header with his groups, separated by commas.
    pub groups_header: Option<String>,
}

/// The proxies that are believed.
#[derive(Debug, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    user: Option<HeaderName>,
    groups: Option<HeaderName>,
}

/// What is known of the other end once a proxy has been asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// Whether nobody can read it on the way from the browser to the last who encrypts.
    pub encrypted: bool,
}

impl Proxies {
    /// # Errors
    ///
    /// When an address or a header's name is none.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let network = |text: &String| {
            let network =
                text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.with_context(|| format!("the trusted proxy `{text}` is no address or network"))
        };
        let name = |header: &Option<String>| {
            let name = header.as_ref().map(|name| name.parse::<HeaderName>()).transpose();
            name.context("a header of `[proxy]` has no name that a header can have")
        };
        Ok(Self {
            trusted: settings.trusted.iter().map(network).collect::<Result<_, _>>()?,
            user: name(&settings.user_header)?,
            groups: name(&settings.groups_header)?,
        })
    }

    /// Whether the proxy at `address` is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Whether they say who somebody is.
    pub fn name_users(&self) -> bool {
        !self.trusted.is_empty() && self.user.is_some()
    }

    /// The headers that matter here.
    pub fn headers(&self) -> impl Iterator<Item = HeaderName> {
        let own = [HeaderName::from_static(FOR), HeaderName::from_static(PROTOCOL)];
        own.into_iter().chain(self.user.clone()).chain(self.groups.clone())
    }

    /// Who is at the other end of what came over `via`.
    pub fn client(&self, via: Via, headers: &HeaderMap) -> Client {
        let mut client = Client { address: via.peer, encrypted: via.security == Security::Tls };
        if !self.trusts(via.peer) {
            return client;
        }
        // Each proxy appends whom it was asked by: from the end, the first that is no proxy of
        // ours. What stands before it anybody could have written.
        for address in list(headers, FOR).iter().rev() {
            let Ok(address) = address.parse::<IpAddr>() else { break };
            client.address = address.to_canonical();
            if !self.trusts(address) {
                break;
            }
        }
        client.encrypted |= list(headers, PROTOCOL).last().is_some_and(|last| last == "https");
        client
    }

    /// The user whom a trusted proxy has let in.
    pub fn user(&self, via: Via, headers: &HeaderMap) -> Option<Identity> {
        let header = self.user.as_ref().filter(|_| self.trusts(via.peer))?;
        let mut names = headers.get_all(header).into_iter();
        // Two of them: one was sent by somebody else.
        let (Some(name), None) = (names.next(), names.next()) else { return None };
        let name = name.to_str().ok()?.trim();
        let groups = self.groups.as_ref().map(|groups| list(headers, groups.as_str()));
        (!name.is_empty()).then(|| Identity::named(name.to_owned(), groups.unwrap_or_default()))
    }
}

const FOR: &str = "x-forwarded-for";

const PROTOCOL: &str = "x-forwarded-proto";

/// The values of all headers of that name, which are separated by commas.
fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    let values = lines.flat_map(|line| line.split(',')).map(str::trim);
    values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(&Settings {
            trusted: vec!["192.0.2.1".into(), "10.0.0.0/8".into()],
            user_header: Some("X-Forwarded-User".into()),
            groups_header: Some("X-Forwarded-Groups".into()),
        })
        .expect("sound")
    }

    fn via(peer: &str) -> Via {
        Via { peer: peer.parse().expect("an address"), security: Security::Plain }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("plain"));
        }
        headers
    }

    #[test]
    fn only_a_trusted_proxy_says_who_somebody_is() {
        let said = headers(&[("x-forwarded-user", "alice"), ("x-forwarded-groups", "ops, dev")]);
        let alice = proxies().user(via("10.9.9.9"), &said).expect("believed");
        assert_eq!(
            (alice.name.as_str(), alice.groups),
            ("alice", vec!["ops".into(), "dev".into()])
        );
        assert!(proxies().user(via("::ffff:192.0.2.1"), &said).is_some());
        for peer in ["192.0.2.2", "127.0.0.1", "::1"] {
            assert_eq!(proxies().user(via(peer), &said), None, "{peer}");
        }
        let twice = headers(&[("x-forwarded-user", "root"), ("x-forwarded-user", "alice")]);
        assert_eq!(proxies().user(via("10.0.0.1"), &twice), None);
        let empty = headers(&[("x-forwarded-user", " ")]);
        assert_eq!(proxies().user(via("10.0.0.1"), &empty), None);
    }

    #[test]
    fn the_client_is_the_last_that_is_no_proxy() {
        let said = headers(&[
            ("x-forwarded-for", "1.1.1.1, 203.0.113.7"),
            ("x-forwarded-for", "10.1.1.1"),
            ("x-forwarded-proto", "http, https"),
        ]);
        let client = proxies().client(via("192.0.2.1"), &said);
        assert_eq!(client.address, "203.0.113.7".parse::<IpAddr>().expect("an address"));
        assert!(client.encrypted);
        let posing = proxies().client(via("203.0.113.9"), &said);
        assert_eq!(posing.address, "203.0.113.9".parse::<IpAddr>().expect("an address"));
        assert!(!posing.encrypted, "a stranger does not say what is encrypted");
    }
}
