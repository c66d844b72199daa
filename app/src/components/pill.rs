//! What has come below while the reader is elsewhere, and the way there.

use leptos::prelude::*;

use super::desk::use_desk;
use crate::state::keys::Action;
use crate::state::status::pill;
use crate::text;

/// The pill.
#[component]
pub(crate) fn Pill() -> impl IntoView {
    let desk = use_desk();
    let news = desk.memo(|page, _| page.view().and_then(pill));
    let shown = Memo::new(move |_| news.with(Option::is_some));
    let errors = move || news.with(|news| news.is_some_and(|news| news.errors > 0));
    let label = move || news.with(|news| news.map(text::pill));
    view! {
        {move || {
            shown
                .get()
                .then(|| {
                    view! {
                        <button
                            class="pill"
                            class:errors=errors
                            on:click=move |_| desk.act(Action::Follow)
                        >
                            {label}
                            <span aria-hidden="true">" ↓"</span>
                        </button>
                    }
                })
        }}
    }
}
