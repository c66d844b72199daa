//! The timeline under a pointer: which time is meant, and going there.

use leptos::prelude::{GetUntracked as _, Memo};
use leptos::web_sys::{Element, HtmlElement, PointerEvent};
use wasm_bindgen::JsCast as _;

use super::dom::{hide, style};
use super::lines::on;
use super::pulse::now;
use crate::components::desk::Desk;
use crate::state::input::Input;
use crate::state::timeline::Timeline;
use crate::text;

/// Watches the timeline, for as long as it is shown.
pub(crate) fn watch_timeline(desk: Desk, track: &Element, model: Memo<Option<Timeline>>) {
    let element = track.clone();
    let meant = move |event: &PointerEvent| {
        let area = element.get_bounding_client_rect();
        let place = (f64::from(event.client_x()) - area.left()) / area.width().max(1.0);
        let time = model.get_untracked()?.time(place);
        Some((place.clamp(0.0, 1.0), time))
    };
    let element = track.clone();
    let own = meant.clone();
    on(track, "pointermove", move |event: PointerEvent| {
        let Some((place, time)) = own(&event) else { return };
        let said = desk.peek(|page| text::instant(time, page.clock(), now()));
        show(&element, Some((place, &said)));
    });
    let element = track.clone();
    on(track, "pointerleave", move |_: PointerEvent| show(&element, None));
    on(track, "click", move |event: PointerEvent| {
        if let Some((_, time)) = meant(&event) {
            desk.on(Input::Time(time));
        }
    });
}

fn show(track: &Element, hovered: Option<(f64, &str)>) {
    let part = |selector: &str| {
        let strip = track.parent_element()?;
        strip.query_selector(selector).ok()??.dyn_into::<HtmlElement>().ok()
    };
    if let Some(hand) = part(".hand") {
        hide(&hand, hovered.is_none());
        if let Some((place, _)) = hovered {
            let thousandths = (place * 1000.0) as u32;
            let (whole, rest) = (thousandths / 10, thousandths % 10);
            style(&hand, "left", &format!("{whole}.{rest}%"));
        }
    }
    if let Some(said) = part(".hovered") {
        said.set_text_content(hovered.map(|(_, said)| said));
    }
}
