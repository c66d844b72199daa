//! Pictures on buttons: strokes in a square of 16.

use leptos::prelude::*;

pub(crate) const CLOSE: &str = "m4 4 8 8M12 4l-8 8";
pub(crate) const COPY: &str = "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z";
pub(crate) const FIND: &str = "M11.5 7a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0zM10.5 10.5 14 14";
pub(crate) const COMMANDS: &str = "M2.5 4.5 6 8l-3.5 3.5M7.5 12h6";

/// The picture of that path; it says nothing that the button's name does not.
pub(crate) fn icon(path: &'static str) -> impl IntoView {
    view! {
        <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d=path />
        </svg>
    }
}
