//! What stands before every route: which name the server was addressed by, whose page asks, and
//! whether the request is let in. A request that fails here reaches nothing.
//!
//! Comparing `Origin` with `Host` alone would not do: who rebinds a name to this address controls
//! both. So the host has to be one that this server is known by.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::SharedState;
use super::login::login_address;
use crate::auth::{Denied, Proof};
use crate::grpc;

/// The names by which the server may be addressed, and the origins that may ask.
#[derive(Debug, Clone)]
pub struct Known {
    bind: IpAddr,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Known {
    pub fn new(bind: IpAddr, hosts: Vec<String>, origins: Vec<String>) -> Self {
        Self { bind, hosts, origins }
    }

    /// Whether `authority` (`name`, `name:port`) is a name of this server.
    pub(crate) fn host(&self, authority: &str) -> bool {
        let Some(name) = name_of(authority) else { return false };
        let name = name.to_ascii_lowercase();
        let address = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(six) => six.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => name.parse().ok(),
        };
        match address {
            // A name can be rebound to this machine, an address cannot.
            Some(address) => {
                address.is_loopback() || address == self.bind || self.bind.is_unspecified()
            }
            None => name == "localhost" || self.hosts.contains(&name),
        }
    }

    /// Whether pages of `origin` may ask, when the server is addressed as `authority`.
    fn origin(&self, origin: &str, authority: &str) -> bool {
        let own = ["http://", "https://"].iter().any(|scheme| {
            origin.strip_prefix(scheme).is_some_and(|rest| rest.eq_ignore_ascii_case(authority))
        });
        own || self.origins.iter().any(|known| known == origin)
    }
}

/// An authority without its port.
fn name_of(authority: &str) -> Option<&str> {
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (authority, "0"),
    };
    let bracketed = name.starts_with('[') && name.ends_with(']');
    let sound = !name.is_empty()
        && !name.contains(['@', '/', '\\', ' '])
        && (bracketed || !name.contains(':'));
    (sound && port.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}

/// Refuses a request that addresses this server by a name that is not its own.
pub(super) async fn addressed_rightly(
    State(shared): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    match authority(&request) {
        Some(authority) if shared.known().host(authority) => next.run(request).await,
        Some(_) => refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "this server is not known by that name; start it with `--host NAME` if it should be\n",
        ),
        None => refuse(StatusCode::BAD_REQUEST, "a request needs one Host\n"),
    }
}

/// The authority that the request is addressed to.
fn authority(request: &Request) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// Lets in who is signed in; sends a person to sign in, and tells a program how.
pub(super) async fn signed_in(
    State(shared): State<SharedState>,
    mut request: Request,
    next: Next,
) -> Response {
    let credentials = shared.access.credentials_of(request.headers(), request.extensions());
    if request.method() == Method::GET
        && let Some(response) =
            super::login::sign_in_by_address(&shared, request.uri(), &credentials)
    {
        return response;
    }
    shared.access.renew_old_keys();
    let mut admitted = shared.access.admit(&credentials);
    if matches!(admitted, Err(Denied::UnknownKey)) && shared.access.renew_keys().await {
        admitted = shared.access.admit(&credentials);
    }
    let Ok(admitted) = admitted else {
        if grpc::is_call(request.headers()) {
            return grpc::unauthenticated();
        }
        return if super::wants_page(request.headers()) && request.method() == Method::GET {
            Redirect::to(&login_address(&shared.base, request.uri())).into_response()
        } else {
            let mut refused = refuse(
                StatusCode::UNAUTHORIZED,
                "login needed: open the address printed at start-up, or send `Authorization: Bearer …` with a token\n",
            );
            let scheme = HeaderValue::from_static("Bearer");
            refused.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            refused
        };
    };
    if let Err(reason) = same_origin(&shared.known(), &request, admitted.proof) {
        tracing::info!(path = request.uri().path(), reason, "refused");
        return refuse(StatusCode::FORBIDDEN, reason);
    }
    request.extensions_mut().insert(admitted);
    request.extensions_mut().insert(shared);
    next.run(request).await
}

/// Refuses what changes something, or opens a socket, for a page that is not this server's.
pub(super) async fn from_own_page(
    State(shared): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    // The form that signs in is sent without any proof yet: its origin has to be ours.
    match same_origin(&shared.known(), &request, Proof::Cookie) {
        Ok(()) => next.run(request).await,
        Err(reason) => refuse(StatusCode::FORBIDDEN, reason),
    }
}

fn same_origin(known: &Known, request: &Request, proof: Proof) -> Result<(), &'static str> {
    let headers = request.headers();
    let socket = headers.contains_key(header::UPGRADE);
    let reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reading && !socket {
        return Ok(());
    }
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let listed = |origin: &str| known.origins.iter().any(|known| known == origin);
    match headers.get(header::ORIGIN).map(HeaderValue::to_str) {
        Some(Ok(origin)) => {
            let foreign = matches!(site, Some("cross-site" | "same-site")) && !listed(origin);
            let own = authority(request).is_some_and(|authority| known.origin(origin, authority));
            if own && !foreign { Ok(()) } else { Err("the page that asks is of another origin\n") }
        }
        Some(Err(_)) => Err("the origin is no text\n"),
        // A browser always says whose page opens a socket or sends a form; a program need not,
        // when it brings a proof that no page has.
        None if proof == Proof::Cookie => Err("an Origin is needed along with a cookie\n"),
        None => Ok(()),
    }
}

/// Headers that every answer bears, unless it set its own.
pub(super) async fn with_headers(
    State(shared): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    shared.metrics.answered(response.status());
    let headers = response.headers_mut();
    for (name, value) in [
        // What is no page has nothing to load, run or frame.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: a form's Origin would then be `null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A short refusal in plain text.
pub(super) fn refuse(status: StatusCode, text: &'static str) -> Response {
    let headers = HeaderMap::from_iter([(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    )]);
    (status, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(bind: &str) -> Known {
        Known::new(
            bind.parse().expect("an address"),
            vec!["logs.example.org".into()],
            vec!["http://127.0.0.1:8080".into()],
        )
    }

    #[test]
    fn only_own_names_are_answered_to() {
        let known = known("127.0.0.1");
        for host in [
            "127.0.0.1:8245",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8245",
            "127.0.0.2",
            "logs.example.org",
        ] {
            assert!(known.host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.7:8245",
            "localhost@evil.example",
            "localhost:x",
            "localhost:80:80",
            "[::2]",
            "2130706433",
        ] {
            assert!(!known.host(host), "{host}");
        }
    }

    #[test]
    fn any_address_will_do_when_bound_to_all() {
        let known = known("0.0.0.0");
        assert!(known.host("10.0.0.7:8245"));
        assert!(!known.host("evil.example"));
    }

    #[test]
    fn an_origin_is_ours_to_the_port() {
        let known = known("127.0.0.1");
        let at = "127.0.0.1:8245";
        assert!(known.origin("http://127.0.0.1:8245", at));
        assert!(known.origin("https://127.0.0.1:8245", at));
        assert!(known.origin("http://127.0.0.1:8080", at), "listed");
        for origin in [
            "null",
            "",
            "http://127.0.0.1",
            "http://127.0.0.1:82455",
            "http://evil.example",
            "file://",
            "http://127.0.0.1:8245.evil.example",
        ] {
            assert!(!known.origin(origin, at), "{origin}");
        }
    }
}
