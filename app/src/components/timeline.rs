//! The timeline under the lines: how much was written when, errors and warnings in it. A press goes
//! to the time that is under the pointer; by the keyboard that is `t`.

use leptos::html::Div;
use leptos::prelude::*;

use super::desk::use_desk;
use super::later::later;
use crate::browser;
use crate::state::timeline::{BARS, Bar, Timeline as Model, timeline};
use crate::text;

/// Units of the drawing's height.
const HEIGHT: f64 = 100.0;

/// The timeline, while it is asked for.
#[component]
pub(crate) fn Timeline() -> impl IntoView {
    let desk = use_desk();
    let open = desk.memo(|page, _| page.looks().timeline && page.log().is_some());
    later(open, || view! { <Strip /> })
}

#[component]
fn Strip() -> impl IntoView {
    let desk = use_desk();
    let track = NodeRef::<Div>::new();
    // The two are compared by where they stand: they are replaced, never changed.
    let parts = desk.memo(|page, _| {
        let closer = page.view()?.closer();
        Some((closer.course()?.clone(), closer.survey().cloned()))
    });
    let model = Memo::new(move |_| {
        parts.with(|parts| {
            let (course, survey) = parts.as_ref()?;
            timeline(course, survey.as_deref())
        })
    });
    let known = Memo::new(move |_| parts.with(Option::is_some));
    let path = move |of: fn(&Bar) -> f64| {
        model.with(|model| model.as_ref().map(|model| draw(model, of)).unwrap_or_default())
    };
    let ends = move || {
        model.with(|model| {
            let model = model.as_ref()?;
            desk.peek(|page| {
                let time = |at| text::instant(at, page.clock(), browser::now());
                Some((time(model.from), time(model.to)))
            })
        })
    };
    let label = move || match ends() {
        Some((from, to)) => [text::TIMELINE, ": ", &from, " – ", &to].concat(),
        None => text::TIMELINE.to_owned(),
    };
    Effect::new(move || {
        if let Some(track) = track.get() {
            browser::watch_timeline(desk, &track, model);
        }
    });
    view! {
        <div class="timeline" role="group" aria-label=label>
            <div class="track" node_ref=track>
                <svg viewBox="0 0 240 100" preserveAspectRatio="none" aria-hidden="true">
                    <path class="all" d=move || path(|bar| bar.lines) />
                    <path class="warnings" d=move || path(|bar| bar.warnings + bar.errors) />
                    <path class="errors" d=move || path(|bar| bar.errors) />
                </svg>
                <div class="hand" hidden></div>
            </div>
            <p>
                <span>{move || ends().map(|ends| ends.0)}</span>
                <output class="hovered" aria-hidden="true"></output>
                <span>{move || ends().map(|ends| ends.1)}</span>
            </p>
            <p class="none" hidden=move || !known.get() || model.with(Option::is_some)>
                {text::NO_TIMES}
            </p>
        </div>
    }
}

/// Bars from below. Their heights go with the square root, so that a few errors are seen beside a
/// million lines.
fn draw(model: &Model, of: impl Fn(&Bar) -> f64) -> String {
    let most = model.bars.iter().map(|bar| bar.lines).fold(1.0, f64::max).sqrt();
    let mut path = String::new();
    for (at, bar) in model.bars.iter().enumerate().take(BARS) {
        let value = of(bar);
        if value > 0.01 {
            let height = (value.sqrt() / most * HEIGHT).clamp(3.0, HEIGHT).round() as u32;
            let [x, height] = [at, height as usize].map(|n| n.to_string());
            path.push_str(&["M", &x, " 100v-", &height, "h.84v", &height, "z"].concat());
        }
    }
    path
}
