//! gRPC, on the port of everything else: logs listed, streamed and read by programs, by the same
//! path, the same login and the same rules as at every other door.
//!
//! `proto/tailwater/v1/logs.proto` is the interface. What is generated from it is checked in, since
//! a build must not need more than Rust; a test holds the two together.

mod entries;
mod service;

use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{MethodRouter, post_service};

use crate::routes::SharedState;

/// What the interface generates.
#[allow(
    rust_2018_idioms,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod wire {
    include!("generated.rs");
}

/// Bytes of a request's message: a few names.
const MESSAGE: usize = 64 * 1024;

/// Where the calls for logs are.
pub const PATH: &str = "/tailwater.v1.LogService/{method}";

/// Where servers say what they offer, in both versions that clients ask for.
pub const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/{method}",
    "/grpc.reflection.v1alpha.ServerReflection/{method}",
];

/// Where it is asked whether all is well.
pub const HEALTH: &str = "/grpc.health.v1.Health/{method}";

/// What all paths begin with: they are below no base path, since a client of gRPC knows none.
pub const PREFIXES: [&str; 2] = ["/tailwater.v1.", "/grpc."];

/// Whether a request is a call.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

/// Refuses a call in its own words: clients read nothing else.
pub(crate) fn unauthenticated() -> Response {
    tonic::Status::unauthenticated("login needed: send `authorization: Bearer …`").into_http()
}

/// The calls for logs.
pub(crate) fn logs() -> MethodRouter<SharedState> {
    let server = wire::log_service_server::LogServiceServer::new(service::Service);
    post_service(server.max_decoding_message_size(MESSAGE))
}

/// The interface itself, which is published anyway.
pub(crate) fn reflection() -> Vec<(&'static str, MethodRouter<SharedState>)> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(include_bytes!("descriptors.bin"))
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let [now, before] = REFLECTION;
    // An error would be one of the checked-in bytes; a test asks for them.
    let one = builder().build_v1().ok().map(|server| (now, post_service(server)));
    let other = builder().build_v1alpha().ok().map(|server| (before, post_service(server)));
    one.into_iter().chain(other).collect()
}

/// That it serves: who gets an answer knows.
pub(crate) fn health() -> MethodRouter<SharedState> {
    let (reporter, server) = tonic_health::server::health_reporter();
    tokio::spawn(async move {
        let serving = tonic_health::ServingStatus::Serving;
        reporter.set_service_status("tailwater.v1.LogService", serving).await;
    });
    post_service(server)
}
