//! All that the line under the cursor says, beside the lines or, where there is no room, below
//! them. It follows the cursor.

use std::sync::Arc;

use leptos::prelude::*;
use tailwater_protocol::Details as Said;

use super::desk::{Desk, use_desk};
use super::icon::{self, icon};
use super::later::later;
use super::row::level_name;
use crate::browser;
use crate::state::input::Input;
use crate::state::keys::Action;
use crate::state::page::reading::phrase;
use crate::state::pretty;
use crate::text;

/// What is shown of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Fields,
    Json,
    Text,
    Bytes,
}

/// The panel, while it is asked for.
#[component]
pub(crate) fn Details() -> impl IntoView {
    let desk = use_desk();
    let open = desk.memo(|page, _| page.view().is_some_and(|view| view.closer().is_open()));
    later(open, || view! { <Panel /> })
}

#[component]
fn Panel() -> impl IntoView {
    let desk = use_desk();
    let said = desk.memo(|page, _| page.view().and_then(|view| view.closer().details().cloned()));
    let gone =
        desk.memo(|page, _| page.view().and_then(|view| view.closer().gone().map(str::to_owned)));
    let part = RwSignal::new(Part::Fields);
    let has = Memo::new(move |_| {
        said.with(|said| {
            said.as_ref().map(|said| (!said.fields.is_empty(), pretty::json(&said.text).is_some()))
        })
    });
    let shown = Memo::new(move |_| match (part.get(), has.get()) {
        (Part::Fields, Some((false, _))) | (Part::Json, Some((_, false))) => Part::Text,
        (part, _) => part,
    });
    let tab = move |own: Part, label: &'static str| {
        let there = move || match (own, has.get()) {
            (Part::Fields, Some((fields, _))) => fields,
            (Part::Json, Some((_, json))) => json,
            _ => true,
        };
        view! {
            <button
                role="tab"
                aria-selected=move || if shown.get() == own { "true" } else { "false" }
                disabled=move || !there()
                on:click=move |_| part.set(own)
            >
                {label}
            </button>
        }
    };
    let close = move |_| {
        desk.act(Action::Details);
        browser::focus_lines();
    };
    view! {
        <aside class="details" aria-label=text::DETAILS>
            <header>
                <h2>{text::DETAILS}</h2>
                <div class="tabs" role="tablist" aria-label=text::SHOW_AS>
                    {tab(Part::Fields, text::FIELDS)}
                    {tab(Part::Json, text::JSON)}
                    {tab(Part::Text, text::TEXT)}
                    {tab(Part::Bytes, text::BYTES)}
                </div>
                <button class="icon" aria-label=text::DETAILS_CLOSE title=text::DETAILS_CLOSE on:click=close>
                    {icon(icon::CLOSE)}
                </button>
            </header>
            {move || said.get().map(|said| body(desk, &said, shown.get()))}
            <p class="faint" hidden=move || said.with(Option::is_some)>
                {gone}
            </p>
        </aside>
    }
}

fn body(desk: Desk, said: &Arc<Said>, part: Part) -> impl IntoView + use<> {
    let facts = desk.peek(|page| text::facts(said, page.clock(), browser::now()));
    let facts = facts.into_iter().map(|(name, value)| {
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
    });
    let table = (part == Part::Fields).then(|| fields(desk, said));
    let text = match part {
        Part::Fields => None,
        Part::Json => Some((pretty::json(&said.text).unwrap_or_default(), "code")),
        Part::Text => Some((said.text.clone(), "whole")),
        Part::Bytes => Some((pretty::hex(&said.bytes), "code")),
    };
    let text = text.map(|(text, class)| piece(desk, text, class));
    let left = match part {
        Part::Bytes => said.length.saturating_sub(said.bytes.len() as u64),
        _ => said.cut,
    };
    view! {
        <dl class="facts" data-level=level_name(said.level)>{facts.collect_view()}</dl>
        {table}
        {text}
        {(left > 0).then(|| view! { <p class="faint">{text::more_of_line(left)}</p> })}
    }
}

/// A text, with a button that copies it.
fn piece(desk: Desk, text: String, class: &'static str) -> impl IntoView {
    let copied = text.clone();
    view! {
        <div class="piece">
            <pre class=class tabindex="0">{text}</pre>
            <button
                class="icon copy"
                aria-label=text::COPY
                title=text::COPY
                on:click=move |_| desk.on(Input::Copy(copied.clone()))
            >
                {icon(icon::COPY)}
            </button>
        </div>
    }
}

fn fields(desk: Desk, said: &Arc<Said>) -> impl IntoView + use<> {
    let rows = said.fields.iter().cloned().map(|(name, value)| {
        let (copied, sought) = (value.clone(), value.clone());
        let label = |what: &str| [what, " ", &name].concat();
        let (copy, find) = (label(text::COPY), label(text::FIND));
        let query = [name.as_str(), ":", &phrase(&sought)].concat();
        view! {
            <tr>
                <th scope="row">{name.clone()}</th>
                <td class="value">{value}</td>
                <td class="acts">
                    <button
                        class="icon"
                        aria-label=copy.clone()
                        title=copy
                        on:click=move |_| desk.on(Input::Copy(copied.clone()))
                    >
                        {icon(icon::COPY)}
                    </button>
                    <button
                        class="icon"
                        aria-label=find.clone()
                        title=find
                        on:click=move |_| desk.on(Input::FindQuery(query.clone()))
                    >
                        {icon(icon::FIND)}
                    </button>
                </td>
            </tr>
        }
    });
    view! {
        <div class="piece" tabindex="0" role="group" aria-label=text::FIELDS>
            <table class="fields">
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
