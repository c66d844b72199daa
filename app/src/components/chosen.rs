//! What can be done with the lines that are chosen.

use leptos::prelude::*;

use super::desk::use_desk;
use super::icon::{self, icon};
use super::later::later;
use crate::state::input::{Copying, Input};
use crate::text;

/// The bar, while lines are chosen.
#[component]
pub(crate) fn Chosen() -> impl IntoView {
    let desk = use_desk();
    let shown = desk.memo(|page, _| page.view().is_some_and(|view| view.chosen().is_some()));
    later(shown, || view! { <Bar /> })
}

#[component]
fn Bar() -> impl IntoView {
    let desk = use_desk();
    let chosen = desk.memo(|page, _| page.view().and_then(|view| view.chosen()));
    let count = move || chosen.get().map(text::chosen);
    let button = move |copying: Copying, label: &'static str| {
        view! { <button on:click=move |_| desk.on(Input::Chosen(Some(copying)))>{label}</button> }
    };
    view! {
        <div class="chosen-bar" role="toolbar" aria-label=text::CHOSEN>
            <span>{count}</span>
            {button(Copying::Lines, text::COPY)}
            {button(Copying::Link, text::LINK)}
            {button(Copying::Curl, text::AS_CURL)}
            {button(Copying::Tail, text::AS_TAIL)}
            <button
                class="icon"
                aria-label=text::LET_GO
                title=text::LET_GO
                on:click=move |_| desk.on(Input::Chosen(None))
            >
                {icon(icon::CLOSE)}
            </button>
        </div>
    }
}
