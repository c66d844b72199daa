//! Everything that needs a browser, and nothing else. It is the only module that differs by
//! target: what the server compiles of it are twins that do nothing, so that components are the
//! same on both sides.

#[cfg(target_arch = "wasm32")]
mod dom;
#[cfg(target_arch = "wasm32")]
mod keeping;
#[cfg(target_arch = "wasm32")]
mod lines;
#[cfg(target_arch = "wasm32")]
mod perform;
#[cfg(target_arch = "wasm32")]
mod pulse;
#[cfg(target_arch = "wasm32")]
mod ruler;
#[cfg(target_arch = "wasm32")]
mod socket;
#[cfg(target_arch = "wasm32")]
mod start;
#[cfg(target_arch = "wasm32")]
mod timeline;
#[cfg(not(target_arch = "wasm32"))]
mod twins;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use twins::*;

#[cfg(target_arch = "wasm32")]
pub(crate) use self::{
    dom::{drop_first_lines, focus, focus_lines, hide, place, scroll_to, shift, show_modal},
    lines::{watch_lines, watch_width},
    perform::perform,
    pulse::{now, request_frame, wake_at},
    ruler::{place_handle, place_mark, watch_ruler},
    start::begin,
    timeline::watch_timeline,
};
#[cfg(all(feature = "csr", target_arch = "wasm32"))]
pub(crate) use start::build;
#[cfg(all(feature = "hydrate", target_arch = "wasm32"))]
pub(crate) use start::take_over;
