//! What the browser runs first: takes over the page that the server drew, or, for work on the page
//! alone, builds it from nothing. It refuses to know more than that.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the served page. Called by the script in its head.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    tailwater_app::take_over();
}

/// Builds the page in an empty document.
#[cfg(all(feature = "csr", not(feature = "hydrate")))]
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    tailwater_app::build();
}
