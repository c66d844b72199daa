//! The whole page inside its frame.

use leptos::prelude::*;

use crate::boot::Boot;

/// The page.
#[component]
#[expect(unreachable_pub, reason = "the macro makes a public item, which lib.rs exports")]
pub fn App(
    /// What it begins with.
    boot: Boot,
) -> impl IntoView {
    view! { <main>{boot.log.map(|log| log.to_string())}</main> }
}
