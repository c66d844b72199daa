//! The keys, from the table that they are read from.

use leptos::html::Dialog;
use leptos::prelude::*;

use super::desk::use_desk;
use super::later::later;
use crate::browser;
use crate::state::input::{Input, Panel};
use crate::state::keys::{About, BINDINGS};
use crate::text;

/// The help sheet.
#[component]
pub(crate) fn Help() -> impl IntoView {
    let open = use_desk().memo(|page, _| page.panel() == Panel::Help);
    later(open, || view! { <Sheet /> })
}

#[component]
fn Sheet() -> impl IntoView {
    let desk = use_desk();
    let dialog = NodeRef::<Dialog>::new();
    let open = desk.memo(|page, _| page.panel() == Panel::Help);
    let version = desk.peek(|page| page.version().to_owned());
    Effect::new(move || {
        if let Some(dialog) = dialog.get() {
            browser::show_modal(&dialog, open.get());
        }
    });
    on_cleanup(browser::focus_lines);
    let closed = move |_| {
        if desk.peek(|page| page.panel() == Panel::Help) {
            desk.on(Input::Panel(Panel::Help));
        }
    };
    let group = |about: About| {
        let own = BINDINGS.iter().filter(move |binding| binding.about == about);
        let keys = own.filter(|binding| !binding.shown.is_empty()).map(|binding| {
            view! {
                <div>
                    <dt>
                        <kbd>{binding.shown}</kbd>
                    </dt>
                    <dd>{binding.help}</dd>
                    <dd class="unix">{binding.unix}</dd>
                </div>
            }
        });
        view! {
            <section>
                <h3>{text::about(about)}</h3>
                <dl>{keys.collect_view()}</dl>
            </section>
        }
    };
    let groups = [About::Moving, About::Finding, About::Reading, About::Keeping, About::Page];
    view! {
        <dialog class="help" node_ref=dialog aria-label=text::HELP on:close=closed>
            <form method="dialog">
                <h2>{text::HELP}</h2>
                <button class="quiet">{text::CLOSE}</button>
            </form>
            <div class="groups">{groups.map(group).into_iter().collect_view()}</div>
            <p>{text::COUNTS}</p>
            <p class="faint">{[text::PRODUCT, " ", &version].concat()}</p>
        </dialog>
    }
}
