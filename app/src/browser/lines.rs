//! What moves the lines: wheel, touch, selection, clicks, and the size of the window.

use std::cell::{Cell, RefCell};

use leptos::leptos_dom::helpers::{request_animation_frame, window_event_listener_untyped};
use leptos::prelude::{document, window};
use leptos::web_sys::{Element, Event, MouseEvent, PointerEvent, ResizeObserver, WheelEvent};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use super::pulse::now;
use crate::components::desk::Desk;
use crate::state::input::Input;

/// Pixels that stay free behind a row that is full.
const MARGIN: f64 = 28.0;

/// What a row measures when the style sheet has not come.
const ROW: f64 = 20.0;

/// A finger that is lifted later than this after its last movement was at rest.
const REST: u64 = 60;

/// Characters of a word that is looked for.
const LONGEST_WORD: usize = 200;

/// Watches the element that holds the rows, for as long as the page lives: there is only one.
pub(crate) fn watch_lines(desk: Desk, port: &Element) {
    resize(desk, port);
    let element = port.clone();
    on(port, "wheel", move |event: WheelEvent| wheel(desk, &element, &event));
    on(port, "click", move |event: MouseEvent| click(desk, &event));
    touch(desk, port);
    selection(desk, port);
}

/// Measures how many characters fit into a row, by a row that nobody sees.
pub(crate) fn watch_width(desk: Desk, port: &Element, probe: &Element) {
    let (port_of, probe_of) = (port.clone(), probe.clone());
    let measure = move || {
        let Ok(Some(text)) = probe_of.query_selector(".text") else { return };
        let text = text.get_bounding_client_rect();
        let character = text.width() / 10.0;
        let left = text.left() - probe_of.get_bounding_client_rect().left();
        let room = f64::from(port_of.client_width()) - left - MARGIN;
        if character > 1.0 {
            desk.on(Input::Width((room / character).clamp(10.0, 2000.0) as u16));
        }
    };
    measure();
    let closure = Closure::<dyn FnMut()>::new(measure);
    if let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
        observer.observe(port);
        observer.observe(probe);
        closure.forget();
    }
}

/// Listens for events of `element`.
pub(super) fn on<E: wasm_bindgen::JsCast + 'static>(
    element: &Element,
    name: &str,
    mut listener: impl FnMut(E) + 'static,
) {
    let closure = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        listener(event.unchecked_into());
    });
    let function = closure.as_ref().unchecked_ref();
    if element.add_event_listener_with_callback(name, function).is_ok() {
        closure.forget();
    }
}

fn resize(desk: Desk, port: &Element) {
    let element = port.clone();
    let measure = move || {
        let row = row_height(&element).unwrap_or(ROW);
        desk.on(Input::Resize { height: f64::from(element.client_height()), row });
    };
    measure();
    let closure = Closure::<dyn FnMut()>::new(measure);
    if let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
        observer.observe(port);
        closure.forget();
    }
}

/// The height of a row, which the style sheet gives in whole pixels.
fn row_height(port: &Element) -> Option<f64> {
    let style = window().get_computed_style(port).ok()??;
    let text = style.get_property_value("line-height").ok()?;
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    let pixels = digits.fold(0_u32, |n, digit| n.saturating_mul(10) + u32::from(digit - b'0'));
    (pixels > 0).then_some(f64::from(pixels))
}

fn wheel(desk: Desk, port: &Element, event: &WheelEvent) {
    // Sideways is the browser's, and so is zooming.
    let sideways = event.delta_x().abs() > event.delta_y().abs();
    if sideways || event.shift_key() || event.ctrl_key() || event.delta_y() == 0.0 {
        return;
    }
    let unit = match event.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => row_height(port).unwrap_or(ROW),
        WheelEvent::DOM_DELTA_PAGE => f64::from(port.client_height()),
        _ => 1.0,
    };
    desk.on(Input::Scroll(event.delta_y() * unit));
}

fn click(desk: Desk, event: &MouseEvent) {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
        return;
    };
    if let Ok(Some(fold)) = target.closest("[data-fold]") {
        let at = fold.get_attribute("data-fold").and_then(|text| text.parse().ok());
        if let Some(at) = at {
            desk.on(Input::Fold(at));
        }
        return;
    }
    let Ok(Some(row)) = target.closest("[data-at]") else { return };
    let Some(position) = row.get_attribute("data-at").and_then(|text| text.parse().ok()) else {
        return;
    };
    let plain = !event.ctrl_key() && !event.meta_key() && !event.shift_key();
    remember_word(event);
    if matches!(target.closest("a.num"), Ok(Some(_))) && event.shift_key() {
        event.prevent_default();
        desk.on(Input::Choose(position));
    } else if matches!(target.closest("a.num"), Ok(Some(_))) {
        if plain {
            event.prevent_default();
            desk.on(Input::Link(position));
        }
    } else if plain && !selecting() {
        desk.on(Input::PointOut(position));
    }
}

thread_local! {
    /// The word that was clicked last.
    static WORD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `*` means: the text that is selected, or else the word that was clicked last.
pub(super) fn word() -> String {
    let selection = window().get_selection().ok().flatten();
    let selected = selection.map(|selection| String::from(selection.to_string()));
    let selected = selected.map(|text| text.lines().next().unwrap_or_default().trim().to_owned());
    match selected {
        Some(text) if !text.is_empty() => text.chars().take(LONGEST_WORD).collect(),
        _ => WORD.with_borrow(String::clone),
    }
}

/// Remembers the word under the pointer, where the browser can say which it is.
fn remember_word(event: &MouseEvent) {
    let page = document();
    let able = js_sys::Reflect::has(&page, &"caretPositionFromPoint".into()).unwrap_or(false);
    let (x, y) = (event.client_x() as f32, event.client_y() as f32);
    let caret = able.then(|| page.caret_position_from_point(x, y)).flatten();
    let Some((node, offset)) = caret.and_then(|at| Some((at.offset_node()?, at.offset()))) else {
        return;
    };
    // The text counts in units of sixteen bits.
    let units: Vec<u16> = node.text_content().unwrap_or_default().encode_utf16().collect();
    let offset = (offset as usize).min(units.len());
    let (before, after) = units.split_at(offset);
    let part = |unit: &&u16| {
        let char = char::from_u32(u32::from(**unit));
        char.is_none_or(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.'))
    };
    let head = before.iter().rev().take_while(part).count();
    let tail = after.iter().take_while(part).count();
    let word = units.get(offset - head..(offset + tail)).unwrap_or_default();
    let word = String::from_utf16_lossy(word);
    let word: String = word.trim_matches(['-', '.']).chars().take(LONGEST_WORD).collect();
    WORD.set(word);
}

fn selecting() -> bool {
    window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed())
}

/// Selecting text stops the following, or the text would be gone before it is copied.
fn selection(desk: Desk, port: &Element) {
    let port = port.clone();
    let was = Cell::new(false);
    let changed = Closure::<dyn FnMut()>::new(move || {
        let selection = window().get_selection().ok().flatten();
        let inside = selection.is_some_and(|selection| {
            !selection.is_collapsed() && port.contains(selection.anchor_node().as_ref())
        });
        if inside && !was.replace(inside) {
            desk.on(Input::Selected);
        }
        was.set(inside);
    });
    let function = changed.as_ref().unchecked_ref();
    if document().add_event_listener_with_callback("selectionchange", function).is_ok() {
        changed.forget();
    }
}

thread_local! {
    /// The finger on the lines: its id, where it was when, and how fast it moves (pixels a
    /// millisecond).
    static FINGER: Cell<Option<(i32, f64, u64, f64)>> = const { Cell::new(None) };
    /// Which glide is the last: a finger put down ends the one before.
    static GLIDE: Cell<u32> = const { Cell::new(0) };
}

fn touch(desk: Desk, port: &Element) {
    on(port, "pointerdown", |event: PointerEvent| {
        GLIDE.set(GLIDE.get().wrapping_add(1));
        if event.pointer_type() == "touch" && event.is_primary() {
            FINGER.set(Some((event.pointer_id(), f64::from(event.client_y()), now(), 0.0)));
        }
    });
    on(port, "pointermove", move |event: PointerEvent| {
        let Some((id, y, then, speed)) = FINGER.get() else { return };
        if id != event.pointer_id() {
            return;
        }
        let (here, time) = (f64::from(event.client_y()), now());
        let moved = y - here;
        let fresh = moved / (time.saturating_sub(then).max(1) as f64);
        FINGER.set(Some((id, here, time, speed * 0.6 + fresh * 0.4)));
        if moved != 0.0 {
            desk.on(Input::Scroll(moved));
        }
    });
    on(port, "pointerup", move |event: PointerEvent| {
        if let Some((id, _, then, speed)) = FINGER.take()
            && id == event.pointer_id()
            && now().saturating_sub(then) < REST
            && speed.abs() > 0.1
        {
            glide(desk, GLIDE.get(), speed, now());
        }
    });
    on(port, "pointercancel", |_: PointerEvent| FINGER.set(None));
    // A finger that leaves the window is lifted outside of it.
    let _forever = window_event_listener_untyped("blur", |_| FINGER.set(None));
}

/// Lets the lines go on by themselves, slower and slower.
fn glide(desk: Desk, glide_id: u32, speed: f64, then: u64) {
    request_animation_frame(move || {
        if GLIDE.get() != glide_id {
            return;
        }
        let time = now();
        let passed = time.saturating_sub(then).min(50) as f64;
        let speed = speed * (1.0 - passed / 325.0);
        desk.on(Input::Scroll(speed * passed));
        if speed.abs() > 0.02 {
            glide(desk, glide_id, speed, time);
        }
    });
}
