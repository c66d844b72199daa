//! The list of marks of a log: where they are, what is noted of them, and what can be done with
//! all of them.

use leptos::html::Dialog;
use leptos::prelude::*;

use super::desk::use_desk;
use super::icon::{self, icon};
use super::later::later;
use crate::browser;
use crate::state::input::{Input, Panel};
use crate::state::keys::Action;
use crate::state::marks::Mark;
use crate::text;

/// The list.
#[component]
pub(crate) fn Marks() -> impl IntoView {
    let open = use_desk().memo(|page, _| page.panel() == Panel::Marks);
    later(open, || view! { <Sheet /> })
}

#[component]
fn Sheet() -> impl IntoView {
    let desk = use_desk();
    let dialog = NodeRef::<Dialog>::new();
    let open = desk.memo(|page, _| page.panel() == Panel::Marks);
    let marks = desk.memo(|page, _| page.marks().to_vec());
    let none = move || marks.with(Vec::is_empty);
    Effect::new(move || {
        if let Some(dialog) = dialog.get() {
            browser::show_modal(&dialog, open.get());
        }
    });
    on_cleanup(browser::focus_lines);
    let closed = move |_| {
        if desk.peek(|page| page.panel() == Panel::Marks) {
            desk.on(Input::Panel(Panel::Marks));
        }
    };
    view! {
        <dialog class="sheet" node_ref=dialog aria-label=text::MARKS on:close=closed>
            <form method="dialog">
                <h2>{text::MARKS}</h2>
                <button class="quiet">{text::CLOSE}</button>
            </form>
            <ul class="marks">
                <For
                    each=move || marks.get()
                    key=|mark| (mark.at, mark.text.clone())
                    children=|mark| view! { <Row mark=mark /> }
                />
            </ul>
            <p class="faint" hidden=move || !none()>
                {text::NO_MARKS}
            </p>
            <p class="acts" hidden=none>
                <button class="plain" on:click=move |_| desk.act(Action::CopyMarked)>
                    {text::COPY_ALL}
                </button>
                <button class="plain" on:click=move |_| desk.on(Input::DownloadMarked)>
                    {text::DOWNLOAD}
                </button>
                <button class="plain" on:click=move |_| desk.on(Input::UnmarkAll)>
                    {text::UNMARK_ALL}
                </button>
            </p>
        </dialog>
    }
}

/// A marked line.
#[component]
fn Row(
    /// Which.
    mark: Mark,
) -> impl IntoView {
    let desk = use_desk();
    let at = mark.at;
    let label = [text::NOTE, ": ", &mark.text].concat();
    let unmark = [text::UNMARK, ": ", &mark.text].concat();
    view! {
        <li>
            <button class="line" on:click=move |_| desk.on(Input::GoTo(at))>
                {mark.text}
            </button>
            <input
                type="text"
                placeholder=text::NOTE
                aria-label=label
                maxlength="400"
                autocomplete="off"
                value=mark.note
                on:change=move |event| desk.on(Input::Note(at, event_target_value(&event)))
            />
            <button
                class="icon"
                aria-label=unmark
                title=text::UNMARK
                on:click=move |_| desk.on(Input::Unmark(at))
            >
                {icon(icon::CLOSE)}
            </button>
        </li>
    }
}
