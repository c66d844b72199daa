//! Views that are never there when the page begins: they are built when they are first asked for,
//! and not taken over from the server. The browser need not load what would take them over, which
//! is most of what a view weighs.

use leptos::html::{Div, ElementType};
use leptos::mount::{UnmountHandle, mount_to};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::HtmlElement;

/// Draws `view` while it is `shown`.
pub(crate) fn later<V: IntoView + 'static>(shown: Memo<bool>, view: fn() -> V) -> impl IntoView {
    let place = NodeRef::<Div>::new();
    hold(place, move || shown.get(), view);
    view! { <div class="later" node_ref=place></div> }
}

/// Draws `view` within the element at `place` as soon as that is there.
pub(crate) fn fill<E, V>(place: NodeRef<E>, view: impl Fn() -> V + Clone + 'static)
where
    E: ElementType,
    E::Output: Into<HtmlElement> + JsCast + Clone + 'static,
    V: IntoView + 'static,
{
    hold(place, || true, view);
}

fn hold<E, V>(
    place: NodeRef<E>,
    shown: impl Fn() -> bool + 'static,
    view: impl Fn() -> V + Clone + 'static,
) where
    E: ElementType,
    E::Output: Into<HtmlElement> + JsCast + Clone + 'static,
    V: IntoView + 'static,
{
    let owner = Owner::current();
    let held = StoredValue::new_local(None::<UnmountHandle<V::State>>);
    Effect::new(move || {
        let (Some(place), Some(owner), shown) = (place.get(), &owner, shown()) else { return };
        let view = view.clone();
        held.set_value(shown.then(|| owner.with(|| mount_to(place.into(), view))));
    });
}
