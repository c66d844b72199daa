//! Tokens (JWT) that others issue: who they say somebody is, once everything about them is right.
//!
//! A token is believed when a key that this server was given has signed it, by the algorithm that
//! the key is for, for this audience, by this issuer, and when its time has come and not gone.
//! What it allows is not read from it: the rules say that, now and not when it was issued.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::identity::Identity;
use super::keys::{Algorithm, Key};

/// Bytes of a token.
const MAX_TOKEN: usize = 12 * 1024;

/// Claims within claims, so deep.
const DEPTH: u32 = 4;

/// Values that are taken from a token's claims, all together.
const MAX_VALUES: usize = 1000;

/// `[jwt]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A file (a set of web keys, or public keys in PEM) or the `https` address of a set.
    #[serde(default)]
    pub keys: Option<String>,
    /// Authorities for that address, in PEM; those that browsers know when there are none.
    #[serde(default)]
    pub keys_ca: Option<std::path::PathBuf>,
    /// A file with a secret for HS256.
    #[serde(default)]
    pub secret: Option<std::path::PathBuf>,
    pub issuer: String,
    pub audience: String,
    /// Seconds by which clocks may differ.
    #[serde(default = "leeway")]
    pub leeway: u32,
    /// The claim that names the user.
    #[serde(default = "user_claim")]
    pub user_claim: String,
    /// The claim with his groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
}

fn leeway() -> u32 {
    60
}

fn user_claim() -> String {
    "sub".to_owned()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    #[error("it is no token")]
    Malformed,
    #[error("its algorithm is none that is allowed")]
    Algorithm,
    #[error("it was signed by a key that is not known")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is from another issuer")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("it has expired, or never does")]
    Expired,
    #[error("it is not good yet")]
    Early,
    #[error("it names nobody")]
    Nobody,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Who `token` says somebody is, at `now` (seconds since 1970).
///
/// # Errors
///
/// [`Unbelieved`].
pub(super) fn verify(
    token: &str,
    keys: &[Key],
    settings: &Settings,
    now: u64,
) -> Result<Identity, Unbelieved> {
    if token.len() > MAX_TOKEN {
        return Err(Unbelieved::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Unbelieved::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(Unbelieved::Malformed)?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unbelieved::Malformed);
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| Unbelieved::Malformed)?;
    if header.crit.is_some() {
        // Something that must be understood, and is not.
        return Err(Unbelieved::Malformed);
    }
    let algorithm = Algorithm::named(&header.alg).ok_or(Unbelieved::Algorithm)?;
    let key = choose(keys, header.kid.as_deref(), algorithm)?;
    if !key.verifies(signed.as_bytes(), &decode(signature)?) {
        return Err(Unbelieved::Signature);
    }
    let claims: Map<String, Value> =
        serde_json::from_slice(&decode(payload)?).map_err(|_| Unbelieved::Malformed)?;
    in_time(&claims, settings.leeway.into(), now)?;
    if claims.get("iss").and_then(Value::as_str) != Some(&settings.issuer) {
        return Err(Unbelieved::Issuer);
    }
    let audience = Value::String(settings.audience.clone());
    let meant = match claims.get("aud") {
        Some(Value::Array(several)) => several.contains(&audience),
        Some(one) => *one == audience,
        None => false,
    };
    if !meant {
        return Err(Unbelieved::Audience);
    }
    identity(&claims, settings)
}

/// The key that the token means. Its name only chooses among those that are there; a key without a
/// name is meant when there is no other for the algorithm.
fn choose<'a>(
    keys: &'a [Key],
    id: Option<&str>,
    algorithm: Algorithm,
) -> Result<&'a Key, Unbelieved> {
    if let Some(id) = id
        && let Some(key) = keys.iter().find(|key| key.id.as_deref() == Some(id))
    {
        // The name of one kind of key with the algorithm of another: a public key taken for a
        // secret, for one.
        return if key.algorithm == algorithm { Ok(key) } else { Err(Unbelieved::Algorithm) };
    }
    let mut meant =
        keys.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.is_none()));
    match (meant.next(), meant.next()) {
        (Some(key), None) => Ok(key),
        (None, _) if id.is_none() => Err(Unbelieved::Algorithm),
        _ => Err(Unbelieved::UnknownKey),
    }
}

fn in_time(claims: &Map<String, Value>, leeway: u64, now: u64) -> Result<(), Unbelieved> {
    let time = |name: &str, otherwise| match claims.get(name) {
        // What is there and no number must not count as not being there.
        Some(value) => value.as_f64().map(Some).ok_or(otherwise),
        None => Ok(None),
    };
    let (now, leeway) = (now as f64, leeway as f64);
    match time("exp", Unbelieved::Expired)? {
        Some(end) if now < end + leeway => {}
        _ => return Err(Unbelieved::Expired),
    }
    match time("nbf", Unbelieved::Early)? {
        Some(start) if now + leeway < start => Err(Unbelieved::Early),
        _ => Ok(()),
    }
}

fn identity(claims: &Map<String, Value>, settings: &Settings) -> Result<Identity, Unbelieved> {
    let mut flat = BTreeMap::new();
    let mut left = MAX_VALUES;
    for (name, value) in claims {
        flatten(&mut flat, &mut left, name, value, DEPTH);
    }
    let name = claims.get(&settings.user_claim).and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.chars().count() > 256 || name.chars().any(char::is_control) {
        return Err(Unbelieved::Nobody);
    }
    let groups = flat.get(&settings.groups_claim).cloned().unwrap_or_default();
    Ok(Identity { claims: flat, ..Identity::named(name.to_owned(), groups) })
}

/// Takes the values of a claim, and of claims within it by `outer.inner`.
fn flatten(
    flat: &mut BTreeMap<String, Vec<String>>,
    left: &mut usize,
    name: &str,
    value: &Value,
    depth: u32,
) {
    let text = match value {
        Value::Object(inner) if depth > 0 => {
            for (part, value) in inner {
                flatten(flat, left, &format!("{name}.{part}"), value, depth - 1);
            }
            return;
        }
        Value::Array(several) if depth > 0 => {
            for value in several.iter().filter(|value| !value.is_object()) {
                flatten(flat, left, name, value, depth - 1);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Object(_) | Value::Array(_) | Value::Null => return,
    };
    if *left > 0 {
        *left -= 1;
        flat.entry(name.to_owned()).or_default().push(text);
    }
}
