//! The lines: as many elements as the screen holds rows, moved as a whole.

use leptos::html::Div;
use leptos::prelude::*;

use super::desk::use_desk;
use super::row::item_view;
use crate::browser;
use crate::state::list::Item;
use crate::text;

/// The rows in sight, and everything that moves them.
#[component]
pub(crate) fn Lines() -> impl IntoView {
    let desk = use_desk();
    let (port, rows, cursor) =
        (NodeRef::<Div>::new(), NodeRef::<Div>::new(), NodeRef::<Div>::new());
    let drawn = desk.memo(|page, _| page.view().map(|view| view.drawn()).unwrap_or_default());
    let offset = Memo::new(move |_| drawn.with(|drawn| drawn.offset));
    let items = move || drawn.with(|drawn| drawn.items.clone());
    let current = desk.memo(|page, _| page.view().and_then(|view| view.current_y()));
    let digits = desk.memo(|page, _| page.digits());
    let ready = desk.memo(|page, _| page.ready());
    let name = desk.memo(|page, _| page.log().map(|log| log.to_string()));
    Effect::new(move || {
        if let Some(port) = port.get() {
            browser::watch_lines(desk, &port);
        }
    });
    Effect::new(move || {
        if let Some(rows) = rows.get() {
            browser::shift(&rows, offset.get());
        }
    });
    Effect::new(move || {
        if let Some(cursor) = cursor.get() {
            let y = current.get();
            browser::hide(&cursor, y.is_none());
            browser::shift(&cursor, y.unwrap_or(0));
        }
    });
    Effect::new(move || {
        if ready.get() {
            browser::drop_first_lines();
        }
    });
    let label = move || match name.get() {
        Some(name) => [text::LINES, " of ", &name].concat(),
        None => text::LINES.to_owned(),
    };
    view! {
        <div
            id="lines"
            class="lines"
            class:ready=ready
            data-digits=digits
            node_ref=port
            tabindex="0"
            role="region"
            aria-label=label
        >
            <div class="cursor" hidden node_ref=cursor></div>
            <div class="rows" role="list" node_ref=rows>
                <For each=items key=Item::key children=move |item| item_view(desk, &item) />
            </div>
        </div>
    }
}
