//! Carries out what the state has decided.

use std::time::Duration;

use leptos::leptos_dom::helpers::set_timeout;
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use leptos::web_sys::{
    Blob, HtmlAnchorElement, RequestInit, RequestRedirect, Response, ResponseType, ScrollToOptions,
    Url,
};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{keeping, socket};
use crate::boot::Theme;
use crate::components::desk::Desk;
use crate::state::input::{Effect, Input, Mood};

/// About the width of a character, for moving sideways.
const CHARACTER: i32 = 8;

pub(crate) fn perform(desk: Desk, effects: Vec<Effect>) {
    for effect in effects {
        match effect {
            Effect::Dial => socket::dial(desk),
            Effect::HangUp => socket::hang_up(),
            Effect::AskWhy => ask_why(desk),
            Effect::Send(message) => socket::send(&message),
            Effect::Address { text, push } => address(&text, push),
            Effect::Title(title) => document().set_title(&title),
            Effect::Icon(mood) => set_icon(mood, &desk.peek(|page| page.base().to_owned())),
            Effect::CopyText(text) => copy(&text),
            Effect::CopyAddress(address) => {
                let origin = window().location().origin().unwrap_or_default();
                copy(&(origin + &address));
            }
            Effect::CopyAround(before, after) => {
                let origin = window().location().origin().unwrap_or_default();
                copy(&(before + &origin + &after));
            }
            Effect::Download { name, text } => download(&name, &text),
            Effect::Keep(keep, text) => keeping::keep(desk, keep, &text),
            Effect::AskWord => {
                let word = super::lines::word();
                spawn_local(async move { desk.on(Input::Word(word)) });
            }
            Effect::Columns(columns) => columns_by(columns),
            Effect::Theme(theme) => set_theme(theme, &desk.peek(|page| page.base().to_owned())),
            Effect::Reload => {
                let _begun = window().location().reload();
            }
        }
    }
}

/// Asks for a page, and sees whether the server would rather have a sign-in. Only where there is a
/// network at all: a request into nothing tells nothing.
fn ask_why(desk: Desk) {
    if !window().navigator().on_line() {
        return;
    }
    let init = RequestInit::new();
    init.set_method("HEAD");
    init.set_redirect(RequestRedirect::Manual);
    let address = desk.peek(|page| page.base().to_owned() + "/");
    let request = window().fetch_with_str_and_init(&address, &init);
    spawn_local(async move {
        let Ok(response) = JsFuture::from(request).await else { return };
        let Ok(response) = response.dyn_into::<Response>() else { return };
        if response.status() == 401 || response.type_() == ResponseType::Opaqueredirect {
            desk.on(Input::SignedOut);
        }
    });
}

/// Browsers refuse changes that come too fast; the next one then says what this did not.
fn address(text: &str, push: bool) {
    let Ok(history) = window().history() else { return };
    let _changed = if push {
        history.push_state_with_url(&JsValue::NULL, "", Some(text))
    } else {
        history.replace_state_with_url(&JsValue::NULL, "", Some(text))
    };
}

/// Over an unencrypted line from another machine browsers lend no clipboard; then an invisible
/// field is what is left.
fn copy(text: &str) {
    if window().is_secure_context() {
        let _promise = window().navigator().clipboard().write_text(text);
        return;
    }
    let Some(body) = document().body() else { return };
    let Ok(field) = document().create_element("textarea") else { return };
    let Ok(field) = field.dyn_into::<leptos::web_sys::HtmlTextAreaElement>() else { return };
    field.set_value(text);
    field.set_class_name("unseen");
    if body.append_child(&field).is_ok() {
        field.select();
        if let Ok(page) = document().dyn_into::<leptos::web_sys::HtmlDocument>() {
            let _copied = page.exec_command("copy");
        }
        field.remove();
    }
}

/// Gives `text` to the browser as a file to be kept.
fn download(name: &str, text: &str) {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let Ok(blob) = Blob::new_with_str_sequence(&parts) else { return };
    let Ok(address) = Url::create_object_url_with_blob(&blob) else { return };
    let link = document().create_element("a").ok();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) {
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    // The browser has taken it by then.
    set_timeout(
        move || {
            let _let_go = Url::revoke_object_url(&address);
        },
        Duration::from_secs(10),
    );
}

fn columns_by(columns: i32) {
    if let Some(lines) = document().get_element_by_id("lines") {
        let options = ScrollToOptions::new();
        options.set_left(f64::from(columns * CHARACTER));
        lines.scroll_by_with_scroll_to_options(&options);
    }
}

fn set_icon(mood: Mood, base: &str) {
    let file = match mood {
        Mood::Calm => "/icon.svg",
        Mood::Alert => "/icon-alert.svg",
    };
    if let Ok(Some(link)) = document().query_selector("link[rel=icon]") {
        let _set = link.set_attribute("href", &[base, file].concat());
    }
}

fn set_theme(theme: Theme, base: &str) {
    if let Some(root) = document().document_element() {
        let _set = root.set_attribute("data-theme", theme.name());
    }
    if let Ok(page) = document().dyn_into::<leptos::web_sys::HtmlDocument>() {
        let name = theme.name();
        let cookie =
            format!("tailwater-theme={name}; path={base}/; max-age=31536000; SameSite=Lax");
        let _stored = page.set_cookie(&cookie);
    }
}
