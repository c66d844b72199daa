//! The ruler: the whole log beside the lines, with a handle where the viewport is. Keys that move
//! the lines move it; with a pointer it is drawn like any scrollbar's.

use leptos::html::Div;
use leptos::prelude::*;

use super::desk::use_desk;
use crate::browser;
use crate::state::ruler::{WHOLE, ruler};
use crate::text;

/// The ruler.
#[component]
pub(crate) fn Ruler() -> impl IntoView {
    let desk = use_desk();
    let (track, handle) = (NodeRef::<Div>::new(), NodeRef::<Div>::new());
    let model = desk.memo(|page, _| ruler(page.view()));
    let ticks = Memo::new(move |_| model.with(|model| model.ticks.clone()));
    let hits = Memo::new(move |_| model.with(|model| hit_path(&model.hits)));
    let errors = Memo::new(move |_| model.with(|model| grave_path(&model.errors, 7)));
    let warnings = Memo::new(move |_| model.with(|model| grave_path(&model.warnings, 4)));
    let marks = Memo::new(move |_| model.with(|model| model.marks.clone()));
    let here = Memo::new(move |_| model.with(|model| model.here));
    let height = desk.memo(|page, _| page.height());
    let percent = move || model.with(|model| model.at / (WHOLE / 100));
    Effect::new(move || {
        if let Some(track) = track.get() {
            browser::watch_ruler(desk, &track);
        }
    });
    Effect::new(move || {
        if let Some(handle) = handle.get() {
            // The handle is placed in pixels: anew too when the ruler has become longer or shorter.
            height.track();
            model.with(|model| browser::place_handle(&handle, model));
        }
    });
    view! {
        <div
            class="ruler"
            class:empty=move || model.with(|model| model.empty)
            node_ref=track
            role="scrollbar"
            tabindex="0"
            aria-label=text::RULER
            aria-controls="lines"
            aria-orientation="vertical"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=percent
        >
            <For
                each=move || ticks.get()
                key=|tick| *tick
                children=|tick| view! { <Mark at=tick class="tick" /> }
            />
            <svg class="hits" viewBox="0 0 16 512" preserveAspectRatio="none" aria-hidden="true">
                <path class="warnings" d=warnings />
                <path class="errors" d=errors />
                <path class="found" d=hits />
            </svg>
            <For
                each=move || marks.get()
                key=|mark| *mark
                children=|mark| view! { <Mark at=mark class="mark" /> }
            />
            {move || here.get().map(|at| view! { <Mark at=at class="here" /> })}
            <div class="handle" node_ref=handle></div>
        </div>
    }
}

/// A line for each part of the log that holds hits, longer where there are more.
fn hit_path(density: &[u8]) -> String {
    let mut path = String::new();
    for (at, &hits) in density.iter().enumerate().filter(|(_, hits)| **hits > 0) {
        let from = 11 - hits.min(9);
        path.push_str(&["M", &from.to_string(), " ", &at.to_string(), ".5H16"].concat());
    }
    path
}

/// A line from the left for each part of the log that holds errors, or warnings: the one is longer.
fn grave_path(density: &[u8], long: u8) -> String {
    let mut path = String::new();
    for (at, &count) in density.iter().enumerate().filter(|(_, count)| **count > 0) {
        let to = (long - 2 + count.min(8) / 3).min(9);
        path.push_str(&["M0 ", &at.to_string(), ".5H", &to.to_string()].concat());
    }
    path
}

/// A mark on the ruler.
#[component]
fn Mark(
    /// How far down, in millionths.
    at: u32,
    /// Of which kind.
    class: &'static str,
) -> impl IntoView {
    let mark = NodeRef::<Div>::new();
    Effect::new(move || {
        if let Some(mark) = mark.get() {
            browser::place_mark(&mark, at);
        }
    });
    view! { <div class=class node_ref=mark></div> }
}
