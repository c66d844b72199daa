//! Above the lines: which log this is, how large, and the few switches.

use leptos::prelude::*;

use super::command::Command;
use super::desk::use_desk;
use super::icon::{self, icon};
use crate::state::input::{Input, Panel};
use crate::state::keys::Action;
use crate::state::view::Follow;
use crate::text;

/// The header.
#[component]
pub(crate) fn Header() -> impl IntoView {
    let desk = use_desk();
    let name = desk.memo(|page, _| page.log().map(|log| log.to_string()));
    let size = desk.memo(|page, _| text::size(page.view()));
    let theme = desk.memo(|page, _| page.theme());
    let follow = desk.memo(|page, _| page.view().map(|view| view.follow()));
    let following = move || follow.get() == Some(Follow::On);
    let label = move || if following() { text::FOLLOWING } else { text::FOLLOW };
    let toggle = move |_| desk.act(if following() { Action::Pause } else { Action::Follow });
    let folder =
        move || name.get().and_then(|name| name.rsplit_once('/').map(|(f, _)| f.to_owned() + "/"));
    let leaf = move || match name.get() {
        Some(name) => name.rsplit('/').next().unwrap_or_default().to_owned(),
        None => text::PRODUCT.to_owned(),
    };
    let titled = move || text::theme(theme.get());
    view! {
        <header class="top">
            <button
                class="icon menu"
                aria-label=text::MENU
                on:click=move |_| desk.on(Input::Panel(Panel::Drawer))
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M2 4h12M2 8h12M2 12h12" />
                </svg>
            </button>
            <h1>
                <span class="folder">{folder}</span>
                <span class="leaf">{leaf}</span>
            </h1>
            <span class="size">{size}</span>
            <Command />
            <button
                class="icon"
                aria-label=text::FIND
                title=text::FIND_KEY
                disabled=move || follow.get().is_none()
                on:click=move |_| desk.act(Action::Find)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <circle cx="7" cy="7" r="4.5" />
                    <path d="m10.5 10.5 3.5 3.5" />
                </svg>
            </button>
            <button
                class="icon"
                aria-label=text::NARROW
                title=text::NARROW_KEY
                disabled=move || follow.get().is_none()
                on:click=move |_| desk.act(Action::Narrow)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M2 3h12L9.5 8.5V13l-3 1V8.5z" />
                </svg>
            </button>
            <button
                class="icon"
                aria-label=text::COMMANDS
                title=text::COMMANDS_KEY
                on:click=move |_| desk.act(Action::Palette)
            >
                {icon(icon::COMMANDS)}
            </button>
            <button
                class="icon theme"
                data-theme-is=move || theme.get().name()
                aria-label=titled
                title=titled
                on:click=move |_| desk.on(Input::Theme)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <circle cx="8" cy="8" r="5.5" />
                    <path class="half" d="M8 2.5a5.5 5.5 0 0 1 0 11z" />
                </svg>
            </button>
            <button
                class="icon"
                aria-label=text::HELP
                title=text::HELP
                on:click=move |_| desk.act(Action::Help)
            >
                "?"
            </button>
            <button
                class="follow"
                aria-pressed=move || if following() { "true" } else { "false" }
                disabled=move || follow.get().is_none()
                on:click=toggle
            >
                {label}
            </button>
        </header>
    }
}
