//! The page: what it knows, how it is drawn, and the little that touches the browser.
//!
//! `state` is plain Rust that takes an input, changes itself and says what is to be done; it knows
//! neither elements nor signals and is tested on the host. `components` draws it and decides
//! nothing. `browser` is the only module that differs between the server and the browser. Bytes of
//! a log reach the page as text nodes only.

#![cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "on the server nothing is pressed, dragged or received")
)]

mod components;
mod state;
mod text;

pub mod boot;
mod browser;
#[cfg(feature = "ssr")]
mod shell;

pub use components::app::App;
#[cfg(feature = "ssr")]
pub use shell::{login_page, message_page, shell};

/// Takes over the page that the server drew.
#[cfg(all(feature = "hydrate", target_arch = "wasm32"))]
pub fn take_over() {
    browser::take_over();
}

/// Builds the page in a document that holds none.
#[cfg(all(feature = "csr", target_arch = "wasm32"))]
pub fn build() {
    browser::build();
}
