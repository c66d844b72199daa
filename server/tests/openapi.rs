//! The description of the API against what is there: every route of the router is in it, nothing
//! else is, and what is answered is what it says.

mod common;

use boon::{Compiler, SchemaIndex, Schemas};
use common::{Running, Site, TOKEN};
use serde_json::Value;
use tailwater::grpc::PREFIXES;
use tailwater::routes::paths;

const PLACE: &str = "file:///openapi.json";

/// Routes that only the page uses.
const OF_THE_PAGE: [&str; 4] =
    ["/pkg/{file}", "/icon.svg", "/icon-alert.svg", "/manifest.webmanifest"];

async fn get(running: &Running, path: &str, accept: &str) -> (String, String, String) {
    let answer = running
        .raw(&format!(
            "GET {path} HTTP/1.0\nHost: HOST\nAuthorization: Bearer {TOKEN}\nAccept: {accept}"
        ))
        .await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status").to_owned();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").to_owned();
    (status, kind, body.to_owned())
}

/// A JSON pointer's part.
fn part(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

struct Api {
    document: Value,
    schemas: Schemas,
    compiler: Compiler,
}

impl Api {
    async fn of(running: &Running) -> Self {
        let (status, kind, body) = get(running, "/api/v1/openapi.json", "*/*").await;
        assert_eq!((status.as_str(), kind.as_str()), ("200", "application/json"));
        let document: Value = serde_json::from_str(&body).expect("JSON");
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(PLACE, document.clone()).expect("a document");
        Self { document, schemas: Schemas::new(), compiler }
    }

    /// The schema of such an answer to a GET of `route`. Panics when none is described.
    fn schema(&mut self, route: &str, status: &str, kind: &str) -> Option<SchemaIndex> {
        let mut pointer = format!("/paths/{}/get/responses/{status}", part(route));
        let response = self.document.pointer(&pointer);
        let response = response.unwrap_or_else(|| panic!("{route} never answers {status}"));
        if let Some(other) = response.get("$ref").and_then(Value::as_str) {
            pointer = other.trim_start_matches('#').to_owned();
        }
        let content = format!("{pointer}/content/{}", part(kind));
        let found = self.document.pointer(&content);
        let found = found.unwrap_or_else(|| panic!("{route} never answers {status} as {kind}"));
        found.get("schema")?;
        let place = format!("{PLACE}#{content}/schema").replace('{', "%7B").replace('}', "%7D");
        Some(self.compiler.compile(&place, &mut self.schemas).expect("a schema"))
    }
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else() {
    let site = Site::new(&["app.log"]);
    let running = site.start().await;
    let api = Api::of(&running).await;
    let described = api.document["paths"].as_object().expect("paths");
    let http = |path: &str| !PREFIXES.iter().any(|call| path.starts_with(call));
    for (_, path) in paths().into_iter().filter(|(_, path)| http(path)) {
        let path = path.replace("{*", "{");
        assert!(
            described.contains_key(&path) || OF_THE_PAGE.contains(&path.as_str()),
            "{path} is a new route: describe it in openapi.json"
        );
    }
    for path in described.keys() {
        let known = paths().iter().any(|(_, known)| known.replace("{*", "{") == *path);
        assert!(known, "{path} is described, and is not there");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_answered_is_what_is_described() {
    let site = Site::new(&["*.log", "*.gone"]);
    site.append(
        "app.log",
        "{\"time\":\"2026-11-21T10:32:07.114Z\",\"level\":\"warn\",\"msg\":\"slow\",\"ms\":12}\n\
         time=2026-11-21T10:32:08Z level=error msg=\"no room\"\n\
         2026-11-21T10:32:09.114Z stderr F text of a container\n\
         \tat nothing\n\nlast",
    );
    std::fs::write(site.path("broken.log"), b"\xff\xfe\n").expect("written");
    site.append("later.log", &format!("{}\n", "x".repeat(3_000_000)));
    site.append("turned.log", "one\n");
    let running = site.start().await;
    let mut api = Api::of(&running).await;
    let (_, _, first) = get(&running, "/s/logs/turned.log?format=ndjson", "*/*").await;
    let id = serde_json::from_str::<Value>(first.trim()).expect("one")["at"]
        .as_str()
        .expect("text")
        .to_owned();
    std::fs::rename(site.path("turned.log"), site.path("turned.log.1")).expect("renamed");
    site.append("turned.log", "two\n");
    let mut checked = 0;
    let turned = format!("/s/logs/turned.log?from={id}&n=5");
    for (route, path, accept) in [
        ("/", "/", "*/*"),
        ("/", "/", "text/html"),
        ("/s/{name}", "/s/logs/app.log", "*/*"),
        ("/s/{name}", "/s/logs/app.log", "text/html"),
        ("/s/{name}", "/s/logs/app.log", "application/x-ndjson"),
        ("/s/{name}", "/s/logs/broken.log", "application/x-ndjson"),
        ("/s/{name}", "/s/logs/later.log", "application/x-ndjson"),
        ("/s/{name}", &turned, "application/x-ndjson"),
        ("/s/{name}", "/s/logs/app.log?line=2&n=2", "application/x-ndjson"),
        ("/s/{name}", "/s/logs/app.log?format=events&follow=0", "*/*"),
        ("/s/{name}", "/s/logs/app.log?line=x", "*/*"),
        ("/s/{name}", "/s/logs/app.log?line=99", "*/*"),
        ("/s/{name}", "/s/logs/app.log?from=00000000:1", "*/*"),
        ("/s/{name}", "/s/logs/nothing", "*/*"),
        ("/api/v1/logs", "/api/v1/logs", "*/*"),
        ("/api/v1/logs/{name}", "/api/v1/logs/logs/app.log", "*/*"),
        ("/api/v1/logs/{name}", "/api/v1/logs/logs/turned.log", "*/*"),
        ("/api/v1/logs/{name}", "/api/v1/logs/nothing", "*/*"),
        ("/api/v1/download/{name}", "/api/v1/download/logs/app.log", "*/*"),
        ("/api/v1/download/{name}", "/api/v1/download/logs/app.log?generation=x", "*/*"),
        ("/api/v1/events", "/api/v1/events?log=logs/app.log&follow=0", "*/*"),
        ("/api/v1/events", "/api/v1/events", "*/*"),
        ("/api/v1/commands", "/api/v1/commands", "*/*"),
        ("/api/v1/openapi.json", "/api/v1/openapi.json", "*/*"),
        ("/healthz", "/healthz", "*/*"),
        ("/readyz", "/readyz", "*/*"),
        ("/metrics", "/metrics", "*/*"),
        ("/login", "/login", "text/html"),
    ] {
        let (status, kind, body) = get(&running, path, accept).await;
        let Some(schema) = api.schema(route, &status, &kind) else { continue };
        let values: Vec<Value> = match kind.as_str() {
            "application/json" => vec![serde_json::from_str(&body).expect("JSON")],
            "application/x-ndjson" => {
                body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
            }
            _ => vec![Value::String(body)],
        };
        for value in values {
            if let Err(error) = api.schemas.validate(&value, schema) {
                panic!("{path} answers {value}, and that is not what is described: {error}");
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
    running.stop().await;
}
