//! The site's files: script, wasm, style, icons.
//!
//! An optimised build holds them, precompressed, so that the binary is all there is to copy; a
//! debug build reads `target/site` (or what cargo-leptos names) from disk at every request. Names
//! are looked up in a list, never joined to a path, but in debug builds. Nothing is compressed
//! here: what does not lie there packed is sent as it is.
//!
//! File names stay the same over builds. So every answer says `no-cache` and bears a strong tag of
//! its content: a returning browser asks once per file and is told 304, which costs a round trip
//! on a warm connection and can never show a page of one build with the script of another.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

/// One file of the site.
#[derive(Debug, Clone)]
pub struct Asset {
    pub identity: Bytes,
    pub brotli: Option<Bytes>,
    pub gzip: Option<Bytes>,
    /// A digest of the content; what is sent bears it with the encoding added, in quotes.
    pub digest: String,
    pub mime: &'static str,
}

impl Asset {
    fn new(path: &str, identity: Bytes, brotli: Option<Bytes>, gzip: Option<Bytes>) -> Self {
        let digest = hex(&identity);
        Self { identity, brotli, gzip, digest, mime: mime(path) }
    }
}

/// The file of that name, such as `pkg/tailwater.js`.
pub fn get(path: &str) -> Option<Asset> {
    site::get(path)
}

/// What identifies this build of the page: changes when any file of the site does.
pub fn build() -> String {
    site::build()
}

/// A file as `headers` ask for it. A `HEAD`'s body is dropped by axum.
pub fn answer(asset: Asset, headers: &HeaderMap) -> Response {
    let encoding = Encoding::agreed(headers, asset.brotli.is_some(), asset.gzip.is_some());
    let tag = format!("\"{}{}\"", asset.digest, encoding.suffix());
    let mut response = if is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match encoding {
            Encoding::Brotli => asset.brotli.unwrap_or(asset.identity),
            Encoding::Gzip => asset.gzip.unwrap_or(asset.identity),
            Encoding::Identity => asset.identity,
        };
        let mut response = Response::new(Body::from(bytes));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
        if let Some(name) = encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether the browser says that it has this very content.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        // A proxy that recompresses makes a strong tag weak; the content is still the same.
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The encoding that the browser takes most willingly; of equals the smallest. Identity when
    /// nothing fits, even if refused: a script that arrives is better than a 406.
    fn agreed(headers: &HeaderMap, brotli: bool, gzip: bool) -> Self {
        let mut wishes = Vec::new();
        for list in headers.get_all(header::ACCEPT_ENCODING) {
            wishes.extend(list.to_str().unwrap_or_default().split(',').filter_map(Wish::parse));
        }
        let weight = |name: &str| {
            let named = wishes.iter().find(|wish| wish.name.eq_ignore_ascii_case(name));
            named
                .or_else(|| wishes.iter().find(|wish| wish.name == "*"))
                .map_or(0, |w| w.thousandths)
        };
        let brotli = if brotli { weight("br") } else { 0 };
        let gzip = if gzip { weight("gzip") } else { 0 };
        match (brotli, gzip) {
            (0, 0) => Self::Identity,
            (brotli, gzip) if brotli >= gzip => Self::Brotli,
            _ => Self::Gzip,
        }
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Different bytes must not share a strong tag.
    fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gz",
            Self::Identity => "",
        }
    }
}

/// One element of `Accept-Encoding`.
struct Wish<'a> {
    name: &'a str,
    thousandths: u16,
}

impl<'a> Wish<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        let quality = parameters.trim().strip_prefix("q=").unwrap_or("1").trim();
        let quality: f32 = quality.parse().ok()?;
        let thousandths = (quality.clamp(0.0, 1.0) * 1000.0) as u16;
        Some(Self { name: name.trim(), thousandths })
    }
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// The first 128 bits of a digest: enough to tell builds apart, short enough for a header.
fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The site that the binary holds.
#[cfg(not(debug_assertions))]
mod site {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use axum::body::Bytes;

    use super::{Asset, hex};

    type Embedded = (&'static str, &'static [u8], Option<&'static [u8]>, Option<&'static [u8]>);

    const FILES: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

    /// Digests are taken once, at the first request: about a millisecond.
    static SITE: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
        let asset = |&(path, identity, brotli, gzip): &Embedded| {
            let packed = |bytes: Option<&'static [u8]>| bytes.map(Bytes::from_static);
            (path, Asset::new(path, Bytes::from_static(identity), packed(brotli), packed(gzip)))
        };
        FILES.iter().map(asset).collect()
    });

    static BUILD: LazyLock<String> = LazyLock::new(|| {
        let all: String =
            SITE.iter().map(|(path, asset)| format!("{path} {}\n", asset.digest)).collect();
        hex(all.as_bytes())
    });

    pub(super) fn get(path: &str) -> Option<Asset> {
        SITE.get(path).cloned()
    }

    pub(super) fn build() -> String {
        BUILD.clone()
    }
}

/// The site on disk, read anew each time.
#[cfg(debug_assertions)]
mod site {
    use std::path::{Component, Path, PathBuf};

    use super::{Asset, hex};

    pub(super) fn get(path: &str) -> Option<Asset> {
        let folder = folder();
        // cargo-leptos takes the `_bg` off that wasm-bindgen puts on.
        within(&folder, path).or_else(|| within(&folder, &path.replace("_bg.wasm", ".wasm")))
    }

    /// Of the three files that make up the page; a watcher replaces them one by one, so this may
    /// change twice for one edit.
    pub(super) fn build() -> String {
        let files = ["pkg/tailwater.js", "pkg/tailwater_bg.wasm", "pkg/tailwater.css"];
        let digests = files.map(|path| get(path).map(|asset| asset.digest).unwrap_or_default());
        hex(digests.concat().as_bytes())
    }

    /// Where cargo-leptos says that the site lies, or where `make build` puts it.
    fn folder() -> PathBuf {
        std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site"),
            PathBuf::from,
        )
    }

    pub(super) fn within(folder: &Path, path: &str) -> Option<Asset> {
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        // Unpacked: a packed twin may be older than the file a watcher has just replaced.
        let identity = std::fs::read(folder.join(path)).ok()?;
        Some(Asset::new(path, identity.into(), None, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn asset() -> Asset {
        let packed = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        Asset::new("a.js", Bytes::from_static(b"plain"), packed("brotli"), packed("gzip"))
    }

    fn ask(headers: &[(HeaderName, &str)]) -> Response {
        let value = |text: &str| HeaderValue::from_str(text).expect("a header");
        answer(asset(), &headers.iter().map(|(name, text)| (name.clone(), value(text))).collect())
    }

    fn header_of(response: &Response, name: HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[test]
    fn the_smallest_that_is_accepted_is_sent() {
        for (accepted, sent) in [
            ("", ""),
            ("gzip, deflate, br, zstd", "br"),
            ("GZIP", "gzip"),
            ("br;q=0.5, gzip;q=1.0", "gzip"),
            ("br;q=0, gzip", "gzip"),
            ("br; q=0, gzip;q=0", ""),
            ("*", "br"),
            ("*;q=0.1, br;q=0", "gzip"),
            ("brr, xgzip", ""),
            ("br;q=nonsense", ""),
        ] {
            let response = ask(&[(header::ACCEPT_ENCODING, accepted)]);
            assert_eq!(header_of(&response, header::CONTENT_ENCODING), sent, "{accepted}");
            assert_eq!(header_of(&response, header::VARY), "accept-encoding");
        }
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let gzip = (header::ACCEPT_ENCODING, "gzip");
        let tag = header_of(&ask(std::slice::from_ref(&gzip)), header::ETAG).to_owned();
        assert!(
            tag.starts_with('"') && tag.ends_with("-gz\""),
            "strong, and of this encoding: {tag}"
        );
        for (known, status) in [
            (tag.clone(), 304),
            (format!("\"other\", W/{tag}"), 304),
            ("*".to_owned(), 304),
            (tag.replace("-gz", ""), 200),
            (tag.trim_matches('"').to_owned(), 200),
        ] {
            let response = ask(&[gzip.clone(), (header::IF_NONE_MATCH, &known)]);
            assert_eq!(response.status(), status, "{known}");
            assert_eq!(header_of(&response, header::ETAG), tag, "told either way");
            assert_eq!(header_of(&response, header::CACHE_CONTROL), "no-cache");
        }
    }

    #[test]
    fn a_type_is_said_and_not_to_be_guessed() {
        let response = ask(&[]);
        assert_eq!(header_of(&response, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(header_of(&response, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(mime("pkg/tailwater_bg.wasm"), "application/wasm", "or it cannot be streamed");
        assert_eq!(mime("LICENSE"), "application/octet-stream");
    }

    #[cfg(debug_assertions)]
    #[test]
    fn nothing_beside_the_site_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let site = folder.path().join("site");
        std::fs::create_dir_all(site.join("pkg")).expect("made");
        std::fs::write(folder.path().join("secret"), "s").expect("written");
        std::fs::write(site.join("pkg/a.css"), "c").expect("written");
        assert_eq!(site::within(&site, "pkg/a.css").expect("there").identity, "c");
        let absolute = folder.path().join("secret");
        for path in
            ["", "pkg", "../secret", "pkg/../../secret", "./pkg/a.css", &absolute.to_string_lossy()]
        {
            assert!(site::within(&site, path).is_none(), "{path}");
        }
    }
}
