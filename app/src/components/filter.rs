//! Above the lines: which of them are shown. Chips, a field for the next, the level, the time, the
//! lines around each; how many there are, how far the log was looked through, what is wrong.

use leptos::ev::KeyboardEvent;
use leptos::html::Input as Field;
use leptos::prelude::*;
use tailwater_protocol::Level;

use super::desk::{Desk, use_desk};
use super::find::cut;
use crate::browser;
use crate::state::filter::{Change, Filters, Kind};
use crate::state::input::Input;
use crate::state::keys::Action;
use crate::text;

/// Levels that can be asked for.
const LEVELS: [(Level, &str); 4] = [
    (Level::Debug, "DEBUG"),
    (Level::Info, "INFO"),
    (Level::Warn, "WARN"),
    (Level::Error, "ERROR"),
];

/// The bar, while there is a filter or one is asked for.
#[component]
pub(crate) fn FilterBar() -> impl IntoView {
    let desk = use_desk();
    let open = desk.memo(|page, _| page.view().is_some_and(|view| view.filters().is_open()));
    view! { {move || open.get().then(|| view! { <Bar /> })} }
}

#[component]
fn Bar() -> impl IntoView {
    let desk = use_desk();
    let said = desk.memo(|page, _| page.view().map(text::picked).unwrap_or_default());
    let percent = desk.memo(|page, _| page.view().and_then(text::narrowed));
    let on = filters(desk, |filters| !filters.is_off());
    let empty = filters(desk, Filters::is_empty);
    let clear = move |_| {
        desk.on(Input::Narrow(Change::Clear));
        desk.on(Input::Narrow(Change::Close));
        browser::focus_lines();
    };
    view! {
        <search class="narrow" class:off=move || !on.get() aria-label=text::NARROW>
            <div class="parts">
                <Chips />
                <Draft />
                <Levels />
                <Span />
                <Context />
                <span class="taken" id="taken">
                    {said}
                </span>
                <button
                    class="switch"
                    aria-label=text::NARROW_SWITCH
                    title=text::NARROW_SWITCH
                    aria-pressed=move || if on.get() { "true" } else { "false" }
                    disabled=move || empty.get()
                    on:click=move |_| desk.act(Action::SwitchFilters)
                >
                    <svg viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M2 3h12L9.5 8.5V13l-3 1V8.5z" />
                    </svg>
                </button>
                <button
                    class="icon"
                    aria-label=text::NARROW_CLOSE
                    title=text::NARROW_CLOSE
                    on:click=clear
                >
                    <svg viewBox="0 0 16 16" aria-hidden="true">
                        <path d="m4 4 8 8M12 4l-8 8" />
                    </svg>
                </button>
            </div>
            {move || {
                percent
                    .get()
                    .map(|percent| {
                        view! { <progress max="100" value=percent aria-label=text::NARROWED /> }
                    })
            }}
            <Wrong />
        </search>
    }
}

/// What the filter of the view says, anew with each frame.
fn filters<T: Default + PartialEq + Send + Sync + 'static>(
    desk: Desk,
    read: impl Fn(&Filters) -> T + Send + Sync + 'static,
) -> Memo<T> {
    desk.memo(move |page, _| page.view().map(|view| read(view.filters())).unwrap_or_default())
}

#[component]
fn Chips() -> impl IntoView {
    let desk = use_desk();
    let chips = filters(desk, |filters| {
        let chip = |(nth, chip): (usize, &crate::state::filter::Chip)| {
            (nth, chip.kind == Kind::Hide, chip.text.clone())
        };
        filters.chips().iter().enumerate().map(chip).collect::<Vec<_>>()
    });
    view! {
        <For each=move || chips.get() key=Clone::clone let((nth, hides, query))>
            <ChipView nth=nth hides=hides query=query />
        </For>
    }
}

#[component]
fn ChipView(
    /// Which of them.
    nth: usize,
    /// Whether what it takes is hidden.
    hides: bool,
    /// What it takes.
    query: String,
) -> impl IntoView {
    let desk = use_desk();
    let on = filters(desk, move |filters| filters.chips().get(nth).is_some_and(|chip| chip.on));
    let kind = if hides { Kind::Hide } else { Kind::Only };
    let (label, remove) = (text::chip_label(kind, &query), text::chip_remove(&query));
    view! {
        <span class="chip" class:hides=hides class:out=move || !on.get()>
            <button
                class="word"
                aria-label=label.clone()
                title=label
                aria-pressed=move || if on.get() { "true" } else { "false" }
                on:click=move |_| desk.on(Input::Narrow(Change::Toggle(nth)))
            >
                {hides.then(|| view! { <i>{text::HIDING}" "</i> })}
                {query}
            </button>
            <button
                class="icon"
                aria-label=remove.clone()
                title=remove
                on:click=move |_| desk.on(Input::Narrow(Change::Remove(nth)))
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="m4.5 4.5 7 7M11.5 4.5l-7 7" />
                </svg>
            </button>
        </span>
    }
}

#[component]
fn Draft() -> impl IntoView {
    let desk = use_desk();
    let field = NodeRef::<Field>::new();
    let asked_for = filters(desk, Filters::asked_for);
    let typed = filters(desk, |filters| filters.draft().to_owned());
    let hides = filters(desk, |filters| filters.draft_kind() == Kind::Hide);
    let wrong = filters(desk, |filters| filters.wrong().is_some());
    Effect::new(move || {
        // Not when it is there only because the address says so.
        if let Some(field) = field.get()
            && asked_for.get() > 0
        {
            browser::focus(&field);
        }
    });
    let keydown = move |event: KeyboardEvent| {
        let change = match event.key().as_str() {
            "Enter" if !event.is_composing() => Change::Add,
            "Escape" => Change::Close,
            "Backspace" if typed.with_untracked(String::is_empty) => Change::TakeBack,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        let stays = change == Change::TakeBack || change == Change::Add && wrong.get_untracked();
        desk.on(Input::Narrow(change));
        if !stays {
            browser::focus_lines();
        }
    };
    view! {
        <span class="draft" class:hides=move || hides.get()>
            {move || hides.get().then(|| view! { <i>{text::HIDING}</i> })}
            <input
                type="text"
                class="query"
                node_ref=field
                placeholder=move || if hides.get() { text::HIDE_HINT } else { text::NARROW_HINT }
                aria-label=text::NARROW
                aria-invalid=move || if wrong.get() { "true" } else { "false" }
                aria-describedby="taken"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength="4000"
                prop:value=typed
                on:input=move |event| {
                    desk.on(Input::Narrow(Change::Draft(event_target_value(&event))));
                }
                on:keydown=keydown
            />
        </span>
    }
}

#[component]
fn Levels() -> impl IntoView {
    let desk = use_desk();
    let least = filters(desk, Filters::level);
    let button = move |(level, name): (Level, &'static str)| {
        view! {
            <button
                data-level=level.name()
                class:taken=move || least.get().is_some_and(|least| least <= level)
                aria-pressed=move || if least.get() == Some(level) { "true" } else { "false" }
                on:click=move |_| desk.on(Input::Narrow(Change::Level(level)))
            >
                {name}
            </button>
        }
    };
    view! {
        <span class="levels" role="group" aria-label=text::LEVELS>
            {LEVELS.map(button).collect_view()}
        </span>
    }
}

/// The value of a range that is none of those to choose from.
const OTHER: &str = "other";

#[component]
fn Span() -> impl IntoView {
    let desk = use_desk();
    let since = filters(desk, |filters| filters.since().to_owned());
    let until = filters(desk, |filters| filters.until().to_owned());
    let own = RwSignal::new(false);
    let listed = move || {
        let since = since.get();
        until.with(String::is_empty)
            && (since.is_empty() || text::SPANS.iter().any(|(value, _)| *value == since))
    };
    let other = move || own.get() || !listed();
    let chosen = move || if other() { OTHER.to_owned() } else { since.get() };
    let choose = move |value: String| {
        own.set(value == OTHER);
        if value != OTHER {
            desk.on(Input::Narrow(Change::Until(String::new())));
            desk.on(Input::Narrow(Change::Since(value)));
        }
    };
    let option = |(value, name): (&'static str, &'static str)| {
        view! { <option value=value>{name}</option> }
    };
    view! {
        <select
            class="span"
            aria-label=text::SPAN
            prop:value=chosen
            on:change=move |event| choose(event_target_value(&event))
        >
            <option value="">{text::SPAN_ANY}</option>
            {text::SPANS.map(option).collect_view()}
            <option value=OTHER>{text::SPAN_OTHER}</option>
        </select>
        {move || {
            other()
                .then(|| {
                    view! {
                        <input
                            class="time"
                            aria-label=text::SINCE
                            title=text::SINCE
                            placeholder=text::TIME_HINT
                            prop:value=since
                            on:change=move |event| {
                                let value = event_target_value(&event);
                                desk.on(Input::Narrow(Change::Since(value)));
                            }
                        />
                        <input
                            class="time"
                            aria-label=text::UNTIL
                            title=text::UNTIL
                            placeholder=text::UNTIL
                            prop:value=until
                            on:change=move |event| {
                                let value = event_target_value(&event);
                                desk.on(Input::Narrow(Change::Until(value)));
                            }
                        />
                    }
                })
        }}
    }
}

#[component]
fn Context() -> impl IntoView {
    let desk = use_desk();
    let lines = filters(desk, |filters| filters.context().to_string());
    view! {
        <label class="context" title=text::CONTEXT>
            <span aria-hidden="true">"±"</span>
            <input
                type="number"
                min="0"
                max="50"
                aria-label=text::CONTEXT
                prop:value=lines
                on:change=move |event| {
                    let lines = event_target_value(&event).parse().unwrap_or(0);
                    desk.on(Input::Narrow(Change::Context(lines)));
                }
            />
        </label>
    }
}

/// What is wrong with the filter, at the character.
#[component]
fn Wrong() -> impl IntoView {
    let desk = use_desk();
    let wrong = filters(desk, |filters| {
        let (at, query, start, end, why) = filters.wrong()?;
        let (before, part, after) = cut(query, start as usize, end as usize);
        let before = text::chip(at).to_owned() + before;
        Some((before, part.to_owned(), after.to_owned(), why.to_owned()))
    });
    view! {
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
    }
}
