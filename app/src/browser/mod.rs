//! Everything that needs a browser, and nothing else. It is the only module that differs by
//! target: what the server compiles of it are twins that do nothing, so that components are the
//! same on both sides.

#[cfg(target_arch = "wasm32")]
mod start;

#[cfg(all(feature = "csr", target_arch = "wasm32"))]
pub(crate) use start::build;
#[cfg(all(feature = "hydrate", target_arch = "wasm32"))]
pub(crate) use start::take_over;
