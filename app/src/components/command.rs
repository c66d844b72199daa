//! The buttons of the command that writes the open log.

use leptos::prelude::*;

use super::desk::use_desk;
use crate::state::command::orders;
use crate::state::keys::Action;
use crate::text;

/// Start, stop, start anew: what the command can be told now.
#[component]
pub(crate) fn Command() -> impl IntoView {
    let desk = use_desk();
    let state = desk.sources(|page| page.command());
    let log = desk.memo(|page, _| page.log().cloned());
    let state = Memo::new(move |_| {
        log.track();
        // The list may have come before the log was opened.
        state.get().or_else(|| desk.peek(|page| page.command()))
    });
    move || {
        let orders = orders(state.get()?);
        let buttons = orders.iter().map(|&order| {
            view! {
                <button class="quiet" on:click=move |_| desk.act(Action::Order(order))>
                    {text::order(order)}
                </button>
            }
        });
        Some(view! { <span class="command">{buttons.collect::<Vec<_>>()}</span> })
    }
}
