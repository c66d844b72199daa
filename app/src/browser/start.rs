//! The first moment in the browser, and what is listened to from then on.

use leptos::ev;
use leptos::leptos_dom::helpers::{window_event_listener, window_event_listener_untyped};
use leptos::prelude::*;
use leptos::web_sys::{Element, Event, HtmlElement, KeyboardEvent};
use wasm_bindgen::JsCast as _;

use crate::App;
use crate::boot::Boot;
use crate::components::desk::Desk;
use crate::state::input::Input;
use crate::state::keys::Press;

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

/// Begins the page's life: from here on it listens.
pub(crate) fn begin(desk: Desk) {
    let (path, query, fragment) = place(desk);
    desk.on(Input::Start {
        wall: js_sys::Date::now() as u64,
        zone: -(js_sys::Date::new_0().get_timezone_offset() as i32),
        seed: (js_sys::Math::random() * 9.0e15) as u64,
        path,
        query,
        fragment,
    });
    super::keeping::tell(desk);
    // The handles are let go: there is one page, and it listens until it is closed.
    let _forever = window_event_listener(ev::keydown, move |event| {
        let foreign = event.default_prevented() || typing(event.target(), &event.key());
        let (key, reserved) = pressed(&event);
        if !foreign && !event.is_composing() && desk.press(Press { key: &key, reserved }) {
            event.prevent_default();
            if key == "Escape" && typing(event.target(), "") {
                super::dom::focus_lines();
            }
        }
    });
    let _forever = window_event_listener_untyped("online", move |_| desk.on(Input::Online));
    let _forever = window_event_listener_untyped("visibilitychange", move |_: Event| {
        desk.on(if document().hidden() { Input::Hidden } else { Input::Visible });
    });
    let _forever = window_event_listener(ev::popstate, move |_| {
        let (path, query, fragment) = place(desk);
        desk.on(Input::Went { path, query, fragment });
    });
}

/// The key as the table of keys names it, and whether it is the browser's.
fn pressed(event: &KeyboardEvent) -> (String, bool) {
    let (key, shift) = (event.key(), event.shift_key());
    let command = event.ctrl_key() || event.meta_key();
    match key.as_str() {
        "f" if command && !shift && !event.alt_key() => ("Ctrl-F".to_owned(), false),
        "k" if command && !shift && !event.alt_key() => ("Ctrl-K".to_owned(), false),
        "L" | "l" if command && shift && !event.alt_key() => ("Ctrl-Shift-L".to_owned(), false),
        "F3" if shift && !command && !event.alt_key() => ("Shift-F3".to_owned(), false),
        _ => (key, command || event.alt_key()),
    }
}

/// Whether a key belongs to the element that has the focus.
fn typing(target: Option<leptos::web_sys::EventTarget>, key: &str) -> bool {
    let Some(element) = target.and_then(|target| target.dyn_into::<Element>().ok()) else {
        return false;
    };
    match element.tag_name().as_str() {
        "INPUT" | "TEXTAREA" | "SELECT" => key != "Escape" || element.tag_name() != "INPUT",
        "BUTTON" | "A" => matches!(key, "Enter" | " "),
        _ => element.dyn_ref::<HtmlElement>().is_some_and(HtmlElement::is_content_editable),
    }
}

/// The path under the base, the query and the fragment of the address.
fn place(desk: Desk) -> (String, String, String) {
    let location = window().location();
    let path = location.pathname().unwrap_or_default();
    let base = desk.peek(|page| page.base().to_owned());
    let path = path.strip_prefix(&base).unwrap_or(&path).to_owned();
    (path, location.search().unwrap_or_default(), location.hash().unwrap_or_default())
}
