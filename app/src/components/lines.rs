//! The lines: as many elements as the screen holds rows, moved as a whole.

use leptos::html::Div;
use leptos::prelude::*;

use super::desk::use_desk;
use super::later::fill;
use super::row::{item_view, row_id};
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
    let current = desk.memo(|page, _| page.view().and_then(|view| view.current_place()));
    let wraps = desk.memo(|page, _| page.looks().wrap);
    let beside = desk.memo(|page, _| page.looks().beside.name());
    let probe = NodeRef::<Div>::new();
    let active = desk.memo(|page, _| {
        let view = page.view()?;
        let at = view.pointed_out().filter(|at| view.list().sees(*at))?;
        view.list().line_at(at).map(|line| row_id(&line.position.to_string()))
    });
    let digits = desk.memo(|page, _| page.digits());
    let ready = desk.memo(|page, _| page.ready());
    let name = desk.memo(|page, _| page.log().map(|log| log.to_string()));
    Effect::new(move || {
        if let Some(port) = port.get() {
            browser::watch_lines(desk, &port);
        }
    });
    Effect::new(move || {
        if let (Some(port), Some(probe)) = (port.get(), probe.get()) {
            browser::watch_width(desk, &port, &probe);
        }
    });
    fill(rows, move || {
        view! { <For each=items key=Item::key children=move |item| item_view(desk, &item) /> }
    });
    Effect::new(move || {
        if let Some(rows) = rows.get() {
            browser::shift(&rows, offset.get());
        }
    });
    Effect::new(move || {
        if let Some(cursor) = cursor.get() {
            let place = current.get();
            browser::hide(&cursor, place.is_none());
            let (y, height) = place.unwrap_or_default();
            browser::place(&cursor, y, height);
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
            data-beside=beside
            class:wrapping=wraps
            node_ref=port
            tabindex="0"
            role="grid"
            aria-label=label
            aria-activedescendant=active
        >
            <div class="row probe" aria-hidden="true" node_ref=probe>
                <span class="num"></span>
                <i class="level"></i>
                {move || beside.get().map(|_| view! { <span class="beside"></span> })}
                <span class="text">"0000000000"</span>
            </div>
            <div class="cursor" hidden node_ref=cursor></div>
            <div class="rows" role="rowgroup" node_ref=rows></div>
        </div>
    }
}
