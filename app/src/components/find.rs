//! The field for what is looked for, over the lines: how many hits, which one, how far the search
//! has come, and what is wrong with a query.

use leptos::ev::KeyboardEvent;
use leptos::html::Input as Field;
use leptos::prelude::*;
use tailwater_protocol::Finding;

use super::desk::use_desk;
use super::later::later;
use crate::browser;
use crate::state::input::Input;
use crate::state::keys::Action;
use crate::text;

/// The field, while it is asked for.
#[component]
pub(crate) fn FindBar() -> impl IntoView {
    let desk = use_desk();
    let open = desk.memo(|page, _| page.view().is_some_and(|view| view.find().is_open()));
    later(open, || view! { <Bar /> })
}

#[component]
fn Bar() -> impl IntoView {
    let desk = use_desk();
    let field = NodeRef::<Field>::new();
    let asked_for = desk.memo(|page, _| page.view().map_or(0, |view| view.find().asked_for()));
    let typed = desk
        .memo(|page, _| page.view().map(|view| view.find().text().to_owned()).unwrap_or_default());
    let said = desk.memo(|page, _| page.view().map(text::found).unwrap_or_default());
    let percent = desk.memo(|page, _| page.view().and_then(text::searched));
    let wrong = desk.memo(|page, _| {
        let find = page.view()?.find();
        match find.finding()? {
            Finding::Wrong { start, end, why } => {
                let (before, part, after) = cut(find.text(), *start as usize, *end as usize);
                Some((before.to_owned(), part.to_owned(), after.to_owned(), why.clone()))
            }
            Finding::Failed(why) => {
                Some((String::new(), String::new(), String::new(), why.clone()))
            }
            Finding::Progress(_) => None,
        }
    });
    let invalid = move || wrong.with(Option::is_some);
    Effect::new(move || {
        // Not when it is there only because the address says so.
        if let Some(field) = field.get()
            && asked_for.get() > 0
        {
            browser::focus(&field);
        }
    });
    let keydown = move |event: KeyboardEvent| {
        let action = match event.key().as_str() {
            "Enter" | "F3" if event.shift_key() => Action::PreviousHit,
            "Enter" | "F3" => Action::NextHit,
            _ => return,
        };
        if !event.is_composing() {
            event.prevent_default();
            desk.act(action);
        }
    };
    let close = move |_| {
        desk.on(Input::FindClose);
        browser::focus_lines();
    };
    view! {
        <search class="find" aria-label=text::FIND>
            <div class="field">
                <input
                    type="text"
                    class="query"
                    node_ref=field
                    placeholder=text::FIND_HINT
                    aria-label=text::FIND
                    aria-invalid=move || if invalid() { "true" } else { "false" }
                    aria-describedby="found"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    maxlength="4000"
                    prop:value=typed
                    on:input=move |event| desk.on(Input::Find(event_target_value(&event)))
                    on:keydown=keydown
                />
                <span class="found" id="found">
                    {said}
                </span>
                <button
                    class="icon"
                    aria-label=text::PREVIOUS_HIT
                    title=text::PREVIOUS_HIT
                    on:click=move |_| desk.act(Action::PreviousHit)
                >
                    <svg viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M3.5 10 8 5.5l4.5 4.5" />
                    </svg>
                </button>
                <button
                    class="icon"
                    aria-label=text::NEXT_HIT
                    title=text::NEXT_HIT
                    on:click=move |_| desk.act(Action::NextHit)
                >
                    <svg viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M3.5 6 8 10.5 12.5 6" />
                    </svg>
                </button>
                <button
                    class="icon"
                    aria-label=text::FIND_CLOSE
                    title=text::FIND_CLOSE
                    on:click=close
                >
                    <svg viewBox="0 0 16 16" aria-hidden="true">
                        <path d="m4 4 8 8M12 4l-8 8" />
                    </svg>
                </button>
                {move || {
                    percent
                        .get()
                        .map(|percent| {
                            view! { <progress max="100" value=percent aria-label=text::SEARCHED /> }
                        })
                }}
            </div>
            {move || {
                wrong
                    .get()
                    .map(|(before, part, after, why)| {
                        view! {
                            <p class="wrong" role="alert">
                                <code>{before}<mark>{part}</mark>{after}</code>
                                <span>{why}</span>
                            </p>
                        }
                    })
            }}
        </search>
    }
}

/// `text` before, in and after the part that is meant; a part of nothing is shown as a gap.
pub(crate) fn cut(text: &str, start: usize, end: usize) -> (&str, &str, &str) {
    let floor = |at: usize| {
        (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
    };
    let (start, end) = (floor(start), floor(end.max(start)));
    let (before, rest) = text.split_at(start);
    let (part, after) = rest.split_at(end - start);
    (before, if part.is_empty() { "\u{2423}" } else { part }, after)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_is_wrong_is_cut_out_wherever_it_is_said_to_be() {
        assert_eq!(cut("a (b", 2, 3), ("a ", "(", "b"));
        assert_eq!(cut("a (", 3, 3), ("a (", "\u{2423}", ""));
        assert_eq!(cut("é(", 1, 9), ("", "é(", ""));
        assert_eq!(cut("ab", 2, 1), ("ab", "\u{2423}", ""));
    }
}
