//! Frames and waking: the page is drawn when something has changed, and woken when the state has
//! said that time matters. While neither is so, nothing runs.

use std::cell::Cell;
use std::time::Duration;

use leptos::leptos_dom::helpers::{
    AnimationFrameRequestHandle, TimeoutHandle, request_animation_frame_with_handle, set_timeout,
    set_timeout_with_handle, window,
};

use crate::components::desk::Desk;
use crate::state::input::Input;

thread_local! {
    static FRAME: Cell<Option<AnimationFrameRequestHandle>> = const { Cell::new(None) };
    static WAKE: Cell<Option<(u64, TimeoutHandle)>> = const { Cell::new(None) };
}

/// Milliseconds of a clock that never goes back.
pub(crate) fn now() -> u64 {
    window().performance().map_or(0, |performance| performance.now() as u64)
}

/// Draws the state in the next frame of the display. A hidden page has none, and is drawn when it
/// is seen again.
pub(crate) fn request_frame(desk: Desk) {
    let pending = FRAME.take();
    let handle = pending.or_else(|| {
        request_animation_frame_with_handle(move || {
            FRAME.set(None);
            desk.notify();
            if desk.peek(|page| page.unshown()) {
                // After the frame has been put on the screen.
                set_timeout(move || desk.on(Input::Shown), Duration::ZERO);
            }
        })
        .ok()
    });
    FRAME.set(handle);
}

/// Tells the state when it is `at`.
pub(crate) fn wake_at(desk: Desk, at: Option<u64>) {
    let held = WAKE.take();
    let Some(at) = at else {
        if let Some((_, handle)) = held {
            handle.clear();
        }
        return;
    };
    // A wake that comes a little early costs less than a timer set anew with each frame.
    if let Some((due, handle)) = held {
        if due <= at && due + 250 >= at {
            WAKE.set(Some((due, handle)));
            return;
        }
        handle.clear();
    }
    let wait = Duration::from_millis(at.saturating_sub(now()).max(1));
    let woken = move || {
        WAKE.set(None);
        desk.on(Input::Tick);
    };
    WAKE.set(set_timeout_with_handle(woken, wait).ok().map(|handle| (at, handle)));
}
