//! The sources: a tree by the segments of their names, with a filter above it.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use tailwater_protocol::LogName;

use super::desk::use_desk;
use crate::browser;
use crate::state::input::{Input, Panel};
use crate::state::page::link;
use crate::state::sources::{Branch, Kind};
use crate::text;

/// The list of sources; a drawer where there is no room for it.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let desk = use_desk();
    let tree = desk.sources(|page| page.sources().tree(page.log()));
    let branches = move || tree.with(|tree| tree.branches.clone());
    let none = move || tree.with(|tree| tree.branches.is_empty() && tree.total > 0);
    let more = move || tree.with(|tree| (tree.more > 0).then(|| text::more(tree.more as u64)));
    let home = desk.peek(|page| page.base().to_owned() + "/");
    view! {
        <nav class="side" id="sources" aria-label=text::SOURCES>
            <a class="brand" href=home rel="external">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <path d="M7 9h18M7 14.5h12" />
                    <path class="wave" d="M6 22.5c3.2-3.4 6.4-3.4 9.6 0s6.4 3.4 10.4-.6" />
                </svg>
                {text::PRODUCT}
            </a>
            <input
                type="search"
                class="filter"
                placeholder=text::FILTER
                aria-label=text::FILTER
                autocomplete="off"
                spellcheck="false"
                on:input=move |event| desk.on(Input::Filter(event_target_value(&event)))
            />
            <ul class="tree">
                <For each=branches key=key children=|branch| view! { <Twig branch=branch /> } />
            </ul>
            <p class="faint" hidden=move || !none()>
                {text::NO_FIT}
            </p>
            <p class="faint">{more}</p>
        </nav>
        <div class="shade" on:click=move |_| desk.on(Input::Panel(Panel::Drawer))></div>
    }
}

/// What a row of the tree is recognised by; what changes of a log is not part of it.
fn key(branch: &Branch) -> (u8, String, bool) {
    match &branch.kind {
        Kind::Folder { path, open } => (branch.depth, path.clone(), *open),
        Kind::Log { source } => (branch.depth | 64, source.name.0.clone(), false),
    }
}

/// A row of the tree.
#[component]
fn Twig(
    /// Which.
    branch: Branch,
) -> impl IntoView {
    let desk = use_desk();
    let depth = branch.depth.to_string();
    match branch.kind {
        Kind::Folder { path, open } => view! {
            <li data-depth=depth>
                <button
                    class="folder"
                    aria-expanded=if open { "true" } else { "false" }
                    on:click=move |_| desk.on(Input::Toggle(path.clone()))
                >
                    {branch.label}
                </button>
            </li>
        }
        .into_any(),
        Kind::Log { source } => view! {
            <li data-depth=depth>
                <Log name=source.name label=branch.label />
            </li>
        }
        .into_any(),
    }
}

/// A log of the tree.
#[component]
fn Log(
    /// Its name.
    name: LogName,
    /// The last segment of it.
    label: String,
) -> impl IntoView {
    let desk = use_desk();
    let href = desk.peek(|page| link(page.base(), &name));
    let title = name.to_string();
    let own = name.clone();
    let current = desk.sources(move |page| page.log() == Some(&own));
    let own = name.clone();
    let facts = desk.sources(move |page| {
        let source = page.sources().get(&own)?;
        let note = text::source_note(&source.state);
        Some((text::source_state(&source.state), note.unwrap_or_else(|| text::bytes(source.bytes))))
    });
    let own = name.clone();
    let said = desk.sources(move |page| {
        let source = page.sources().get(&own)?;
        Some(text::source_facts(source, page.clock(), browser::now()))
    });
    let own = name.clone();
    let unread = desk.sources(move |page| page.watches().of(&own).cloned());
    let tally = move || unread.with(|unread| unread.as_ref().map(|unread| unread.tally));
    let lines = move || tally().and_then(text::unread);
    let errors = move || tally().and_then(text::unread_errors);
    let warnings = move || tally().and_then(text::unread_warnings);
    let spark = move || {
        let now = browser::now();
        unread
            .with(|unread| unread.as_ref().map(|unread| path(&unread.spark(now))))
            .unwrap_or_default()
    };
    let state = move || facts.with(|facts| facts.as_ref().map(|(state, _)| *state));
    let note = move || facts.with(|facts| facts.as_ref().map(|(_, note)| note.clone()));
    let open = move |event: MouseEvent| {
        let plain = !event.ctrl_key() && !event.meta_key() && !event.shift_key();
        if plain && event.button() == 0 {
            event.prevent_default();
            desk.on(Input::Open(name.clone()));
        }
    };
    view! {
        <a
            class="source"
            href=href
            title=move || said.get().unwrap_or_else(|| title.clone())
            data-state=state
            aria-current=move || current.get().then_some("page")
            on:click=open
        >
            <span class="dot" role="img" aria-label=state></span>
            <span class="name">{label}</span>
            <svg class="spark" viewBox="0 0 48 12" preserveAspectRatio="none" aria-hidden="true">
                <path d=spark />
            </svg>
            <span class="warnings">{warnings}</span>
            <span class="errors">{errors}</span>
            <span class="lines-new">{lines}</span>
            <span class="note">{note}</span>
        </a>
    }
}

/// A sparkline: a bar for each part of time, the tallest as tall as there is room.
fn path(parts: &[u32]) -> String {
    let most = parts.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for (at, lines) in parts.iter().enumerate().filter(|(_, lines)| **lines > 0) {
        let height = (u64::from(*lines) * 11 / u64::from(most)).max(1).to_string();
        path.push_str(
            &["M", &(at * 2).to_string(), " 12v-", &height, "h1.6v", &height, "z"].concat(),
        );
    }
    path
}
