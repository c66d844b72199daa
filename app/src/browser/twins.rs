//! What the server has in place of a browser: nothing happens, and no time passes. Nothing here is
//! reached while a page is drawn, since effects do not run there; it must only compile.

use leptos::prelude::Memo;
use leptos::web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlInputElement};

use crate::components::desk::Desk;
use crate::state::input::Effect;
use crate::state::ruler::Ruler;
use crate::state::timeline::Timeline;

pub(crate) fn now() -> u64 {
    0
}
pub(crate) fn begin(_: Desk) {}
pub(crate) fn perform(_: Desk, _: Vec<Effect>) {}
pub(crate) fn request_frame(_: Desk) {}
pub(crate) fn wake_at(_: Desk, _: Option<u64>) {}
pub(crate) fn watch_lines(_: Desk, _: &Element) {}
pub(crate) fn watch_ruler(_: Desk, _: &Element) {}
pub(crate) fn place_handle(_: &HtmlElement, _: &Ruler) {}
pub(crate) fn place_mark(_: &HtmlElement, _: u32) {}
pub(crate) fn shift(_: &HtmlElement, _: i32) {}
pub(crate) fn place(_: &HtmlElement, _: i32, _: i32) {}
pub(crate) fn scroll_to(_: &str) {}
pub(crate) fn watch_width(_: Desk, _: &Element, _: &Element) {}
pub(crate) fn watch_timeline(_: Desk, _: &Element, _: Memo<Option<Timeline>>) {}
pub(crate) fn hide(_: &HtmlElement, _: bool) {}
pub(crate) fn show_modal(_: &HtmlDialogElement, _: bool) {}
pub(crate) fn drop_first_lines() {}
pub(crate) fn focus(_: &HtmlInputElement) {}
pub(crate) fn focus_lines() {}
