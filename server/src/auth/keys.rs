//! The keys that tokens are checked by: a set of web keys (JWKS) from a file or an address, a public
//! key in PEM, a shared secret.
//!
//! Each key is good for one algorithm, which the key decides and never the token. What a token says
//! about where keys are to be had is not listened to.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{hmac, signature};
use serde::Deserialize;

/// Bytes of a secret for HS256: fewer than it has bits to give would be the weakest part.
const SECRET_MIN: usize = 32;

/// Keys of a set.
const MAX_KEYS: usize = 100;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    /// The algorithm of that name; `none` and all others are nothing.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "RS256" => Self::Rs256,
            "ES256" => Self::Es256,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }
}

/// A key.
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    material: Material,
}

enum Material {
    Secret(hmac::Key),
    /// As `ring` wants that of its algorithm: a point, or an RSA key in DER.
    Public(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl std::fmt::Debug for Key {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish()
    }
}

impl Key {
    /// A secret that the issuer and this server share.
    ///
    /// # Errors
    ///
    /// When it is too short.
    pub(super) fn secret(bytes: &[u8], id: Option<String>) -> anyhow::Result<Self> {
        ensure!(
            bytes.len() >= SECRET_MIN,
            "the secret for tokens has fewer than {SECRET_MIN} bytes; make one with `openssl rand -hex 32`"
        );
        let material = Material::Secret(hmac::Key::new(hmac::HMAC_SHA256, bytes));
        Ok(Self { id, algorithm: Algorithm::Hs256, material })
    }

    /// Whether `signature` is one of `message` by this key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match (&self.material, self.algorithm) {
            (Material::Secret(key), _) => hmac::verify(key, message, signature).is_ok(),
            (Material::Rsa { modulus, exponent }, _) => {
                signature::RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                    .is_ok()
            }
            (Material::Public(key), algorithm) => {
                let scheme: &dyn signature::VerificationAlgorithm = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Algorithm::EdDsa => &signature::ED25519,
                    Algorithm::Hs256 => return false,
                };
                signature::UnparsedPublicKey::new(scheme, key).verify(message, signature).is_ok()
            }
        }
    }
}

/// The keys in a file: a set of web keys, or public keys in PEM.
///
/// # Errors
///
/// When there is none that can be used.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Key>> {
    // A set may hold secrets; public keys may be read by anybody.
    let bytes = crate::tls::read_file(path, |_| Ok(()))?;
    let keys = parse(&bytes).with_context(|| format!("in the keys of `{}`", path.display()))?;
    if keys.iter().any(|key| key.algorithm == Algorithm::Hs256) {
        crate::tls::read_file(path, |mode| crate::tls::kept_secret(path, mode))?;
    }
    Ok(keys)
}

/// The keys in `bytes`.
///
/// # Errors
///
/// When there is none that can be used.
pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Key>> {
    let text = std::str::from_utf8(bytes).context("they are no text")?;
    let keys = if text.trim_start().starts_with('{') { set(text)? } else { pem(text)? };
    ensure!(!keys.is_empty(), "none of them can be used: RS256, ES256, EdDSA and HS256 can");
    Ok(keys)
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// A web key, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Web {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

fn set(text: &str) -> anyhow::Result<Vec<Key>> {
    let set: Set = serde_json::from_str(text).context("they are no set of web keys")?;
    ensure!(set.keys.len() <= MAX_KEYS, "there are more than {MAX_KEYS}");
    let mut keys = Vec::new();
    for value in set.keys {
        // A set may hold keys for other purposes and of kinds to come: those are passed over.
        match serde_json::from_value::<Web>(value).map_err(anyhow::Error::from).and_then(web) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            Err(error) => tracing::warn!("a key for tokens is passed over: {error:#}"),
        }
    }
    Ok(keys)
}

fn web(web: Web) -> anyhow::Result<Option<Key>> {
    let part = |part: &Option<String>| {
        let text = part.as_deref().context("a part of it is missing")?;
        URL_SAFE_NO_PAD.decode(text).context("a part of it is not in base64url")
    };
    if web.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return Ok(None);
    }
    let (algorithm, material) = match (web.kty.as_str(), web.crv.as_deref()) {
        ("RSA", _) => {
            let modulus = part(&web.n)?;
            (Algorithm::Rs256, Material::Rsa { modulus, exponent: part(&web.e)? })
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (part(&web.x)?, part(&web.y)?);
            ensure!(x.len() == 32 && y.len() == 32, "its point has the wrong length");
            (Algorithm::Es256, Material::Public([&[4][..], &x, &y].concat()))
        }
        ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, Material::Public(part(&web.x)?)),
        ("oct", _) => return Key::secret(&part(&web.k)?, web.kid).map(Some),
        _ => return Ok(None),
    };
    let meant = web.alg.as_deref().is_none_or(|name| Algorithm::named(name) == Some(algorithm));
    Ok(meant.then_some(Key { id: web.kid, algorithm, material }))
}

/// What stands before the key in a public key of that kind (SubjectPublicKeyInfo in DER).
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// After four bytes that say how long all is; five follow that say how long the key is.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

fn pem(text: &str) -> anyhow::Result<Vec<Key>> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN PUBLIC KEY-----") {
        let (body, after) =
            after.split_once("-----END PUBLIC KEY-----").context("it has no end")?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).context("it is not in base64")?;
        keys.push(public(&der)?);
        ensure!(keys.len() <= MAX_KEYS, "there are more than {MAX_KEYS}");
        rest = after;
    }
    Ok(keys)
}

fn public(der: &[u8]) -> anyhow::Result<Key> {
    let (algorithm, key) = if let Some(key) = der.strip_prefix(ED25519) {
        (Algorithm::EdDsa, key)
    } else if let Some(key) = der.strip_prefix(P256) {
        (Algorithm::Es256, key)
    } else if der.get(4..4 + RSA.len()) == Some(RSA) {
        (Algorithm::Rs256, der.get(4 + RSA.len() + 5..).unwrap_or_default())
    } else {
        bail!("it is none of RSA, P-256 and Ed25519");
    };
    Ok(Key { id: None, algorithm, material: Material::Public(key.to_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RS256 in RFC 7515, A.2.
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    #[test]
    fn the_example_of_the_standard_is_right() {
        let set = format!(r#"{{"keys":[{{"kty":"RSA","n":"{MODULUS}","e":"AQAB","kid":"a"}}]}}"#);
        let keys = parse(set.as_bytes()).expect("a key");
        let [key] = keys.as_slice() else { panic!("one key") };
        let signature = URL_SAFE_NO_PAD.decode(SIGNATURE).expect("base64");
        assert_eq!((key.algorithm, key.id.as_deref()), (Algorithm::Rs256, Some("a")));
        assert!(key.verifies(SIGNED.as_bytes(), &signature));
        assert!(!key.verifies(SIGNED.to_lowercase().as_bytes(), &signature));
        assert!(!key.verifies(SIGNED.as_bytes(), signature.get(1..).expect("longer")));
    }

    #[test]
    fn keys_for_something_else_are_passed_over() {
        let set = format!(
            r#"{{"keys":[{{"kty":"RSA","n":"{MODULUS}","e":"AQAB","use":"enc"}},
            {{"kty":"RSA","n":"{MODULUS}","e":"AQAB","alg":"RS512"}},
            {{"kty":"EC","crv":"P-521","x":"","y":""}},{{"kty":"new"}},{{}},
            {{"kty":"oct","k":"c2hvcnQ"}},
            {{"kty":"RSA","n":"{MODULUS}","e":"AQAB","use":"sig","alg":"RS256","kid":"good"}}]}}"#
        );
        let keys = parse(set.as_bytes()).expect("one can be used");
        assert_eq!(keys.iter().map(|key| key.id.as_deref()).collect::<Vec<_>>(), [Some("good")]);
        for bad in ["", "{}", r#"{"keys":[]}"#, "-----BEGIN PUBLIC KEY-----\nAAAA\n", "x"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Key::secret(b"too short", None).is_err());
    }
}
