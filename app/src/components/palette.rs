//! The palette: a field, and what fits what is typed. The keyboard stays in the field.

use leptos::ev::KeyboardEvent;
use leptos::html::{Dialog, Input as Field};
use leptos::prelude::*;

use super::desk::use_desk;
use super::later::later;
use crate::browser;
use crate::state::input::{Input, Panel};
use crate::state::palette::{Does, Entry};
use crate::text;

/// The palette.
#[component]
pub(crate) fn Palette() -> impl IntoView {
    let open = use_desk().memo(|page, _| page.panel() == Panel::Palette);
    later(open, || view! { <Sheet /> })
}

#[component]
fn Sheet() -> impl IntoView {
    let desk = use_desk();
    let (dialog, field) = (NodeRef::<Dialog>::new(), NodeRef::<Field>::new());
    let open = desk.memo(|page, _| page.panel() == Panel::Palette);
    let typed = desk.memo(|page, _| page.palette().text().to_owned());
    let hint = desk.memo(|page, _| text::palette_hint(page.palette().is_time()));
    // Nothing is looked for while nobody looks.
    let entries =
        desk.memo(
            move |page, now| {
                if page.panel() == Panel::Palette { page.entries(now) } else { Vec::new() }
            },
        );
    let chosen = desk.memo(|page, _| page.palette().chosen());
    Effect::new(move || {
        if let Some(dialog) = dialog.get() {
            browser::show_modal(&dialog, open.get());
        }
        if open.get()
            && let Some(field) = field.get()
        {
            browser::focus(&field);
        }
    });
    Effect::new(move || {
        chosen.track();
        if open.get() {
            browser::scroll_to("chosen-entry");
        }
    });
    let closed = move |_| {
        if desk.peek(|page| page.panel() == Panel::Palette) {
            desk.on(Input::Panel(Panel::Palette));
        }
    };
    on_cleanup(browser::focus_lines);
    let keydown = move |event: KeyboardEvent| {
        let input = match event.key().as_str() {
            "ArrowDown" => Input::PaletteStep(1),
            "ArrowUp" => Input::PaletteStep(-1),
            "Enter" if !event.is_composing() => Input::PaletteTake(None),
            _ => return,
        };
        event.prevent_default();
        desk.on(input);
    };
    let rows = move || {
        entries.with(|entries| {
            let chosen = chosen.get();
            let rows =
                entries.iter().enumerate().map(|(at, entry)| row(desk, at, entry, at == chosen));
            rows.collect_view()
        })
    };
    view! {
        <dialog class="palette" node_ref=dialog aria-label=text::COMMANDS on:close=closed>
            <input
                type="text"
                class="query"
                node_ref=field
                role="combobox"
                aria-expanded="true"
                aria-controls="entries"
                aria-activedescendant="chosen-entry"
                aria-label=text::COMMANDS
                placeholder=hint
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                prop:value=typed
                on:input=move |event| desk.on(Input::Palette(event_target_value(&event)))
                on:keydown=keydown
            />
            <ul id="entries" role="listbox" aria-label=text::COMMANDS>
                {rows}
            </ul>
            <p class="faint" hidden=move || !entries.with(Vec::is_empty)>
                {text::NOTHING_FITS}
            </p>
        </dialog>
    }
}

fn row(desk: super::desk::Desk, at: usize, entry: &Entry, chosen: bool) -> impl IntoView + use<> {
    let name = match &entry.does {
        Does::Act(action) => text::entry(*action, &entry.name),
        Does::Open(log) => text::OPEN.to_owned() + log.as_str(),
        Does::Time(time) => desk.peek(|page| text::to_time(*time, page.clock(), browser::now())),
    };
    let keys = entry.keys.split(' ').filter(|key| !key.is_empty());
    let keys = keys.map(|key| view! { <kbd>{key.to_owned()}</kbd> }).collect_view();
    view! {
        <li
            role="option"
            id=chosen.then_some("chosen-entry")
            aria-selected=if chosen { "true" } else { "false" }
            on:click=move |_| desk.on(Input::PaletteTake(Some(at)))
        >
            <span class="name">{name}</span>
            <span class="unix">{entry.unix}</span>
            <span class="keys">{keys}</span>
        </li>
    }
}
