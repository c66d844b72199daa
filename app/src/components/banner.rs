//! What a person must do something about: a page older than its server, a sign-in that has ended.

use leptos::prelude::*;

use super::desk::use_desk;
use crate::state::connection::Ending;
use crate::state::input::Input;
use crate::text;

/// The banner, when there is something to say.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let desk = use_desk();
    let ending = desk.memo(|page, _| page.ending());
    let newer = desk.memo(|page, _| page.newer());
    let reload = move || {
        view! {
            <button on:click=move |_| desk.on(Input::Reload)>{text::RELOAD}</button>
        }
    };
    view! {
        <div class="banner" role="alert">
            {move || match (ending.get(), newer.get()) {
                (Some(Ending::Login), _) => {
                    let (text, label) = text::ending(Ending::Login);
                    let href = desk.peek(|page| page.login());
                    view! { <p>{text} <a href=href rel="external">{label}</a></p> }.into_any()
                }
                (Some(Ending::Reload), _) => {
                    view! { <p>{text::ending(Ending::Reload).0} {reload()}</p> }.into_any()
                }
                (None, true) => view! { <p>{text::NEWER} {reload()}</p> }.into_any(),
                (None, false) => ().into_any(),
            }}
        </div>
    }
}
