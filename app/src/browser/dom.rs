//! Small changes of elements. Styles are set as properties, which the content security policy
//! allows, and never as text.

use leptos::prelude::document;
use leptos::web_sys::{
    HtmlDialogElement, HtmlElement, HtmlInputElement, ScrollIntoViewOptions, ScrollLogicalPosition,
};
use wasm_bindgen::JsCast as _;

/// Moves `element` down by `pixels`, without a new layout.
pub(crate) fn shift(element: &HtmlElement, pixels: i32) {
    style(element, "transform", &format!("translateY({pixels}px)"));
}

/// Puts `element` at `y` pixels, as high as `height`.
pub(crate) fn place(element: &HtmlElement, y: i32, height: i32) {
    shift(element, y);
    style(element, "height", &format!("{height}px"));
}

/// Brings the element of that id into sight, if it is not.
pub(crate) fn scroll_to(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

pub(crate) fn hide(element: &HtmlElement, hidden: bool) {
    element.set_hidden(hidden);
}

pub(super) fn style(element: &HtmlElement, name: &str, value: &str) {
    // It fails only for a read-only declaration, which an element's own is not.
    let _done = element.style().set_property(name, value);
}

/// Shows `dialog` above everything, or closes it.
pub(crate) fn show_modal(dialog: &HtmlDialogElement, open: bool) {
    match (open, dialog.open()) {
        (true, false) => {
            // It fails only for a dialog that is open or not in the document.
            let _shown = dialog.show_modal();
        }
        (false, true) => dialog.close(),
        _ => {}
    }
}

/// Brings the keyboard to `field`, with its text ready to be typed over.
pub(crate) fn focus(field: &HtmlInputElement) {
    // It fails only for an element that takes no focus.
    let _focused = field.focus();
    field.select();
}

/// Brings the keyboard to the lines.
pub(crate) fn focus_lines() {
    let lines = document().get_element_by_id("lines");
    if let Some(lines) = lines.and_then(|lines| lines.dyn_into::<HtmlElement>().ok()) {
        let _focused = lines.focus();
    }
}

/// Takes away the lines that the server drew: the list stands in their place.
pub(crate) fn drop_first_lines() {
    if let Some(lines) = document().get_element_by_id("first-lines") {
        lines.remove();
    }
}
