//! Signing in and out: a form that needs no script, and the one-time address of the start-up.

use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{SharedState, page};

use crate::auth::{Admitted, Credentials, SignIn};
use crate::metrics::Tried;

/// The form's fields.
#[derive(Deserialize)]
pub(super) struct Entered {
    /// A user's; empty for who has the key.
    #[serde(default)]
    name: String,
    /// The key, or the user's password.
    key: String,
    #[serde(default)]
    next: String,
}

/// What is asked when signing out.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Leaving {
    /// Whether all sessions of the same user end.
    #[serde(default)]
    everywhere: String,
}

/// What the form's address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

/// Where to sign in, to come back to `wanted` afterwards.
pub(super) fn login_address(base: &str, wanted: &Uri) -> String {
    let next = wanted.path_and_query().map_or("/", |path| path.as_str());
    let mut address = format!("{base}/login?next=");
    for byte in next.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                address.push(byte.into());
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

/// The form.
pub(super) async fn form(
    State(shared): State<SharedState>,
    Query(asked): Query<Asked>,
) -> Response {
    page::login(&shared, own_path(&asked.next), None, StatusCode::OK).await
}

/// Exchanges what was entered for a session.
pub(super) async fn sign_in(State(shared): State<SharedState>, request: Request) -> Response {
    let credentials = shared.access.credentials_of(request.headers(), request.extensions());
    let Entered { name, key, next } = match Form::from_request(request, &shared).await {
        Ok(Form(entered)) => entered,
        Err(rejection) => return rejection.into_response(),
    };
    let next = own_path(&next);
    // A password is taken as it is; a key was copied from a terminal.
    let (name, given) = (name.trim(), if name.trim().is_empty() { key.trim() } else { &key });
    let tried = shared.access.sign_in(name, given, &credentials).await;
    shared.metrics.signed_in(match tried {
        SignIn::Good(_) => Tried::Good,
        SignIn::Wrong => Tried::Wrong,
        SignIn::Wait(_) => Tried::Slowed,
    });
    let (status, error) = match tried {
        SignIn::Good(cookie) => {
            if name.is_empty() {
                crate::start::say_next_key(&shared.address, &shared.access);
            }
            let to = Redirect::to(&format!("{}{next}", shared.base));
            return ([(header::SET_COOKIE, cookie)], to).into_response();
        }
        SignIn::Wrong if name.is_empty() => {
            (StatusCode::FORBIDDEN, "That key is not good, or was used already.".to_owned())
        }
        SignIn::Wrong => {
            (StatusCode::FORBIDDEN, "That name and password do not belong together.".to_owned())
        }
        SignIn::Wait(wait) => {
            let seconds = wait.as_secs().max(1);
            let error = format!("Too many attempts. Try again in {seconds} s.");
            let mut refused =
                page::login(&shared, next, Some(error), StatusCode::TOO_MANY_REQUESTS).await;
            refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            return refused;
        }
    };
    page::login(&shared, next, Some(error), status).await
}

/// Ends the session, or all of the same user.
pub(super) async fn sign_out(
    State(shared): State<SharedState>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Response {
    // Who sends no form, or another, leaves all the same.
    let leaving = Form::<Leaving>::from_request(request, &shared).await;
    let everywhere = leaving.is_ok_and(|Form(leaving)| leaving.everywhere == "1");
    let to = Redirect::to(&format!("{}/login", shared.base));
    match shared.access.sign_out(&admitted.credentials, everywhere) {
        Some(cookie) => ([(header::SET_COOKIE, cookie)], to).into_response(),
        None => to.into_response(),
    }
}

/// If the address bears a key: signs in with it and leads to the same address without it.
pub(super) fn sign_in_by_address(
    shared: &SharedState,
    uri: &Uri,
    credentials: &Credentials,
) -> Option<Response> {
    let query = uri.query()?;
    let mut key = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("key=") {
            Some(value) => {
                key = Some(value.to_owned());
                false
            }
            None => true,
        })
        .collect();
    let key = key?;
    let rest = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    let to = Redirect::to(&format!("{}{}{rest}", shared.base, own_path(uri.path())));
    Some(match shared.access.sign_in_by_key(&key, credentials) {
        Some(cookie) => {
            crate::start::say_next_key(&shared.address, &shared.access);
            ([(header::SET_COOKIE, cookie)], to).into_response()
        }
        // Perhaps this browser is signed in already, and the address was opened again.
        None => to.into_response(),
    })
}

/// `path` if it leads to this server and nowhere else, else its root.
fn own_path(path: &str) -> &str {
    let sound = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '\r', '\n', '\t']);
    if sound { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for path in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "x",
            "/\t/evil.example",
        ] {
            assert_eq!(own_path(path), "/", "{path}");
        }
        assert_eq!(own_path("/s/a.log?n=5"), "/s/a.log?n=5");
    }

    #[test]
    fn the_way_back_is_kept() {
        let uri: Uri = "/s/a%20b.log?q=x&n=1".parse().expect("an address");
        assert_eq!(login_address("/logs", &uri), "/logs/login?next=/s/a%2520b.log%3Fq%3Dx%26n%3D1");
    }
}
