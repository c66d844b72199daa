//! What the browser keeps for its reader. A browser that keeps nothing, as in private windows,
//! loses it with the page, and nothing worse.

use leptos::prelude::window;
use leptos::web_sys::Storage;

use crate::components::desk::Desk;
use crate::state::input::{Input, Keep};

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// Apart for each path, as two servers may stand behind one host.
fn name(desk: Desk, keep: Keep) -> String {
    desk.peek(|page| ["tailwater:", page.base(), ":", keep.name()].concat())
}

/// Tells the state what was kept.
pub(super) fn tell(desk: Desk) {
    let Some(storage) = storage() else { return };
    for keep in Keep::ALL {
        if let Ok(Some(text)) = storage.get_item(&name(desk, keep)) {
            desk.on(Input::Kept(keep, text));
        }
    }
}

pub(super) fn keep(desk: Desk, keep: Keep, text: &str) {
    if let Some(storage) = storage() {
        // It fails when there is no room left.
        let _kept = storage.set_item(&name(desk, keep), text);
    }
}
