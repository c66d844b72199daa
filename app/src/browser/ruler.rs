//! The ruler under a pointer: the handle is taken where it is, a press beside it brings it there.

use std::cell::Cell;

use leptos::web_sys::{Element, HtmlElement, PointerEvent};
use wasm_bindgen::JsCast as _;

use super::dom::style;
use super::lines::on;
use crate::components::desk::Desk;
use crate::state::input::Input;
use crate::state::ruler::{Ruler, WHOLE};

/// The smallest handle that a finger hits.
const LEAST: f64 = 28.0;

thread_local! {
    /// The handle's top and height, in pixels.
    static HANDLE: Cell<(f64, f64)> = const { Cell::new((0.0, LEAST)) };
    /// Pixels from the handle's top to where it was taken.
    static TAKEN: Cell<Option<f64>> = const { Cell::new(None) };
}

/// Watches the ruler, for as long as the page lives: there is only one.
pub(crate) fn watch_ruler(desk: Desk, track: &Element) {
    let element = track.clone();
    on(track, "pointerdown", move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        let y = f64::from(event.client_y()) - element.get_bounding_client_rect().top();
        let (top, height) = HANDLE.get();
        let inside = (top..top + height).contains(&y);
        TAKEN.set(Some(if inside { y - top } else { height / 2.0 }));
        // Without the capture a fast drag is lost at the ruler's edge, and nothing worse.
        let _captured = element.set_pointer_capture(event.pointer_id());
        if !inside {
            drag(desk, &element, &event);
        }
    });
    let element = track.clone();
    on(track, "pointermove", move |event: PointerEvent| drag(desk, &element, &event));
    on(track, "pointerup", |_: PointerEvent| TAKEN.set(None));
    on(track, "pointercancel", |_: PointerEvent| TAKEN.set(None));
}

fn drag(desk: Desk, track: &Element, event: &PointerEvent) {
    let Some(taken) = TAKEN.get() else { return };
    let area = track.get_bounding_client_rect();
    let (_, height) = HANDLE.get();
    let way = (area.height() - height).max(1.0);
    let top = (f64::from(event.client_y()) - area.top() - taken).clamp(0.0, way);
    if let Some(handle) = track.query_selector(".handle").ok().flatten()
        && let Some(handle) = handle.dyn_ref::<HtmlElement>()
    {
        place(handle, top, height);
    }
    desk.on(Input::Drag(top / way));
}

/// Puts the handle where the viewport is; while it is held it stays under the pointer.
pub(crate) fn place_handle(handle: &HtmlElement, ruler: &Ruler) {
    if TAKEN.get().is_some() {
        return;
    }
    let Some(track) = handle.parent_element() else { return };
    let whole = f64::from(track.client_height());
    let share = |millionths: u32| f64::from(millionths) / f64::from(WHOLE);
    let height = (share(ruler.size) * whole).clamp(LEAST.min(whole), whole.max(LEAST));
    place(handle, share(ruler.at) * (whole - height).max(0.0), height);
}

fn place(handle: &HtmlElement, top: f64, height: f64) {
    HANDLE.set((top, height));
    let (top, height) = (top.round() as i32, height.round() as i32);
    style(handle, "height", &format!("{height}px"));
    style(handle, "transform", &format!("translateY({top}px)"));
}

/// Puts a mark at `at` millionths of the ruler.
pub(crate) fn place_mark(mark: &HtmlElement, at: u32) {
    let (whole, rest) = (at / (WHOLE / 100), at % (WHOLE / 100));
    style(mark, "top", &format!("{whole}.{rest:04}%"));
}
