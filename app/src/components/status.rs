//! The status bar: the one place of truth.

use leptos::prelude::*;

use super::desk::use_desk;
use crate::state::input::Input;
use crate::state::keys::Action;
use crate::state::status::Condition;
use crate::text;

/// The status bar, and the voice that says what has changed to those who do not see it.
#[component]
pub(crate) fn Status() -> impl IntoView {
    let desk = use_desk();
    let status = desk.memo(|page, now| page.status(now));
    let note = desk.memo(|page, _| page.note().map(str::to_owned));
    let looks = desk.memo(|page, _| page.looks());
    let count = desk.memo(|page, _| page.count());
    let condition = Memo::new(move |_| status.with(|status| text::condition(&status.condition)));
    let kind = Memo::new(move |_| status.with(|status| text::kind(&status.condition)));
    let voice = Memo::new(move |_| note.get().unwrap_or_else(|| kind.get().to_owned()));
    let lag = Memo::new(move |_| status.with(|status| status.lag.map(text::lag)));
    let rate = Memo::new(move |_| status.with(|status| text::rate(status.rate)));
    let lost = Memo::new(move |_| status.with(|status| text::dropped(status.lost)));
    let place = Memo::new(move |_| status.with(text::place));
    let encoding = move || {
        if status.with(|status| status.invalid) { text::ENCODING_BROKEN } else { text::ENCODING }
    };
    let waiting = Memo::new(move |_| {
        status.with(|status| matches!(status.condition, Condition::Reconnecting { .. }))
    });
    view! {
        <footer class="status" aria-label=text::STATUS>
            <span class="condition" data-kind=kind>
                {condition}
            </span>
            {move || {
                waiting
                    .get()
                    .then(|| {
                        view! {
                            <button class="quiet" on:click=move |_| desk.on(Input::Retry)>
                                {text::RETRY}
                            </button>
                        }
                    })
            }}
            <span class="lag">{lag}</span>
            <span class="rate">{rate}</span>
            <span class="dropped">{lost}</span>
            <span class="note">{note}</span>
            <span class="count">{move || count.get().map(|count| count.to_string())}</span>
            <span class="place">{place}</span>
            <button
                class="switch"
                aria-pressed=move || if looks.get().wrap { "true" } else { "false" }
                title=text::WRAP_KEY
                on:click=move |_| desk.act(Action::Wrap)
            >
                {text::WRAP}
            </button>
            <button class="switch times" title=text::TIMES on:click=move |_| desk.act(Action::Times)>
                {move || text::beside(looks.get().beside)}
            </button>
            <span class="encoding">{encoding}</span>
            <span class="unseen" role="status" aria-live="polite">
                {voice}
            </span>
        </footer>
    }
}
