//! An address as a browser shows it, taken apart.

use anyhow::Context as _;
use hyper::Uri;

/// Names in an address that say where and how to read, which the client says itself.
const OWN: [&str; 6] = ["n", "follow", "format", "line", "heartbeat", "q"];

/// A log on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// The path of the log's page.
    pub(super) path: String,
    /// What else the address says, such as a filter.
    pub(super) query: String,
}

impl Target {
    /// # Errors
    ///
    /// When `url` is no address of a log.
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let whole = whole.split('#').next().unwrap_or_default();
        // A browser shows letters that an address cannot hold.
        let plain: String = whole
            .chars()
            .map(|c| if c.is_ascii_graphic() { c.to_string() } else { encode(&c.to_string()) })
            .collect();
        let uri: Uri = plain.parse().with_context(|| format!("`{url}` is no address"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => anyhow::bail!("`{url}` is neither http nor https"),
        };
        let host = uri.host().with_context(|| format!("`{url}` names no server"))?.to_owned();
        anyhow::ensure!(
            uri.path().contains("/s/"),
            "`{url}` names no log; open the page and take the address of one, such as http://{host}:8245/s/NAME"
        );
        let query = uri.query().unwrap_or_default().split('&').filter(|part| {
            let name = part.split('=').next().unwrap_or_default();
            !part.is_empty() && !OWN.contains(&name)
        });
        let query = query.collect::<Vec<_>>().join("&");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let numbered = uri.port_u16().is_some() || authority.ends_with(host.as_str());
        anyhow::ensure!(numbered, "`{url}` names no port that there is");
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port, path: uri.path().to_owned(), query })
    }

    /// What a request names the server by.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host without the brackets of an address.
    pub(super) fn name(&self) -> &str {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(&self.host)
    }
}

/// `text` as a part of an address.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_from_a_browser() {
        let target = Target::parse("http://127.0.0.1:8245/logs/s/a/b.log?n=5&f=5xx&q=x#L7")
            .expect("an address");
        assert_eq!((target.name(), target.port, target.tls), ("127.0.0.1", 8245, false));
        assert_eq!((target.path.as_str(), target.query.as_str()), ("/logs/s/a/b.log", "f=5xx"));
        let target = Target::parse("https://[::1]/s/straße.log").expect("an address");
        assert_eq!((target.name(), target.port), ("::1", 443));
        assert_eq!(target.path, "/s/stra%C3%9Fe.log");
        assert_eq!(Target::parse("localhost:8245/s/x").expect("an address").port, 8245);
        for wrong in ["", "ftp://x/s/y", "http://x/", "http://", "http://x:99999/s/y"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
