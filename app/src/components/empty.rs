//! What stands where lines would be, when there are none: why, and what comes next.

use leptos::prelude::*;

use super::desk::use_desk;
use crate::state::status::Empty as Kind;
use crate::text;

/// The empty page.
#[component]
pub(crate) fn Empty() -> impl IntoView {
    let desk = use_desk();
    // Ages go on by themselves; what is looked at anew with each frame is enough for them.
    let shown = desk.memo(|page, now| {
        let empty = page.empty()?;
        let (heading, text) = text::empty(&empty, page.clock(), now);
        let remedy = match &empty {
            Kind::Unreadable { remedy, .. } if !remedy.is_empty() => Some(remedy.clone()),
            _ => None,
        };
        let quiet = empty == Kind::Loading;
        Some((quiet, heading, text, remedy))
    });
    view! {
        {move || {
            shown
                .get()
                .map(|(quiet, heading, text, remedy)| {
                    view! {
                        <div class="blank" class:quiet=quiet>
                            <h2>{heading}</h2>
                            <p>{text}</p>
                            {remedy
                                .map(|remedy| {
                                    view! {
                                        <p>{text::REMEDY}</p>
                                        <pre tabindex="0">{remedy}</pre>
                                    }
                                })}
                        </div>
                    }
                })
        }}
    }
}
