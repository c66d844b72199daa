//! The first moment in the browser.

use leptos::prelude::*;
use leptos::web_sys::HtmlElement;
use wasm_bindgen::JsCast as _;

use crate::App;
use crate::boot::Boot;

fn element(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Takes over what the server drew. A page whose first data cannot be read stays what it is: text.
#[cfg(feature = "hydrate")]
pub(crate) fn take_over() {
    let Some(root) = element("app") else { return };
    let boot = root.get_attribute("data-boot").and_then(|text| Boot::from_text(&text));
    let Some(boot) = boot else { return };
    leptos::mount::hydrate_from(root, move || view! { <App boot=boot /> }).forget();
}

/// Builds the page in an empty document.
#[cfg(feature = "csr")]
pub(crate) fn build() {
    let Some(root) = element("app") else { return };
    leptos::mount::mount_to(root, || view! { <App boot=Boot::default() /> }).forget();
}
