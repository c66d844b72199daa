//! Whole documents, as the server sends them: the page with the log's last lines already in it,
//! the sign-in form, and pages that only say something.
//!
//! No inline style and no script without the response's nonce: the content security policy allows
//! neither. The lines stand outside the hydrated tree, so that what the browser takes over is the
//! same whatever the log holds.

use std::collections::VecDeque;
use std::sync::Arc;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use tailwater_protocol::{Number, Rows};

use crate::boot::{Boot, Theme};
use crate::components::row::{level_letter, level_name, number_class};
use crate::state::list::{Line, lines_of};
use crate::state::looks::Looks;
use crate::state::page::digits;
use crate::state::shape::{self, Kind, Opened};
use crate::{App, text};

/// The page, with the last lines of its log as text.
pub fn shell(mut boot: Boot, first: Vec<Rows>) -> impl IntoView + use<> {
    boot.trim();
    let start = format!(
        "import init,{{hydrate}} from '{base}/pkg/tailwater.js';\
         init({{module_or_path:'{base}/pkg/tailwater_bg.wasm'}}).then(hydrate)",
        base = boot.base
    );
    let name = boot.log.as_ref().map(|log| log.to_string());
    let title = text::title(name.as_deref());
    let module = format!("{}/pkg/tailwater.js", boot.base);
    let wasm = format!("{}/pkg/tailwater_bg.wasm", boot.base);
    let head = view! {
        <link rel="modulepreload" href=module />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="" />
        <script type="module" nonce=use_nonce()>
            {start}
        </script>
    };
    let body = view! {
        {first_lines(&first)}
        <div id="app" data-boot=boot.to_text()>
            <App boot=boot.clone() />
        </div>
    };
    document(boot.base.clone(), boot.theme, title, head, body)
}

/// The form that signs in; it works without scripts.
///
/// Those who log in by name are asked for it when `named` says that there are such.
pub fn login_page(
    base: String,
    next: String,
    named: bool,
    error: Option<String>,
) -> impl IntoView + use<> {
    let (how, secret) = match named {
        true => (text::SIGN_IN_NAMED, text::PASSWORD),
        false => (text::SIGN_IN_HOW, text::KEY),
    };
    let action = format!("{base}/login");
    let title = text::title(Some(text::SIGN_IN));
    let body = view! {
        <main class="card">
            <h1>{text::SIGN_IN}</h1>
            <p>{how}</p>
            <form method="post" action=action>
                <input type="hidden" name="next" value=next />
                {named
                    .then(|| {
                        view! {
                            <label for="name">{text::NAME}</label>
                            <input
                                id="name"
                                name="name"
                                autocomplete="username"
                                autocapitalize="none"
                                spellcheck="false"
                                autofocus
                            />
                        }
                    })}
                <label for="key">{secret}</label>
                <input
                    id="key"
                    name="key"
                    type="password"
                    autocomplete="current-password"
                    required
                    autofocus=!named
                />
                {error.map(|error| view! { <p class="error" role="alert">{error}</p> })}
                <button type="submit" class="primary">{text::SIGN_IN}</button>
            </form>
        </main>
    };
    document(base, Theme::System, title, (), body)
}

/// A page that says `words`.
pub fn message_page(boot: Boot, title: String, words: String) -> impl IntoView + use<> {
    let body = view! {
        <main class="card">
            <h1>{title.clone()}</h1>
            <p>{words}</p>
            <p>
                <a href=format!("{}/", boot.base)>{text::TO_THE_SOURCES}</a>
            </p>
        </main>
    };
    document(boot.base, boot.theme, text::title(Some(&title)), (), body)
}

fn document(
    base: String,
    theme: Theme,
    title: String,
    head: impl IntoView,
    body: impl IntoView,
) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.name()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{title}</title>
                <link rel="stylesheet" href=format!("{base}/pkg/tailwater.css") />
                <link rel="icon" type="image/svg+xml" href=format!("{base}/icon.svg") />
                <link rel="manifest" href=format!("{base}/manifest.webmanifest") />
                {head}
                {live_reload()}
            </head>
            <body>{body}</body>
        </html>
    }
}

/// What loads the page anew while somebody works on it under cargo-leptos.
#[cfg(debug_assertions)]
fn live_reload() -> Option<impl IntoView> {
    let options = leptos::config::get_configuration(None).ok()?.leptos_options;
    Some(view! { <leptos::hydration::AutoReload options=options /> })
}

/// A release has nothing of it.
#[cfg(not(debug_assertions))]
fn live_reload() {}

/// The lines as they stand until the list takes their place: the same rows, without links and
/// without what needs a script. Colours beyond the theme's would need a style attribute, which the
/// policy forbids: they come with the list.
fn first_lines(first: &[Rows]) -> Option<impl IntoView + use<>> {
    let lines = lines_of(first);
    let shown = !lines.is_empty();
    let last = lines.iter().rev().find_map(|line| match line.number {
        Number::Exact(n) | Number::Estimate(n) => Some(n),
        Number::Unknown => None,
    });
    let rows = first_rows(&lines.into());
    let width = digits(last.unwrap_or(0)).to_string();
    shown.then(|| {
        view! {
            <pre id="first-lines" data-digits=width tabindex="0" aria-label=text::LINES role="region">
                <code class="rows">{rows}</code>
            </pre>
        }
    })
}

/// The lines as the list will have them, folded as it folds them; they open without a script.
fn first_rows(lines: &VecDeque<Arc<Line>>) -> impl IntoView + use<> {
    let shape = Looks::default().shape(0);
    let slots = shape::slots(lines, &[], shape, &Opened::default());
    let line = |index: usize| lines.get(index).map(|line| first_line(line));
    let views = slots.into_iter().map(|slot| match slot.kind {
        Kind::Fold(fold) => {
            let hidden = slot.line..slot.line + fold.lines as usize;
            view! {
                <details>
                    <summary class="row fold" data-level=level_name(fold.level)>
                        <span class="num"></span>
                        <i class="level" aria-hidden="true"></i>
                        <span class="unfold">
                            <span class="arrow" aria-hidden="true"></span>
                            {text::fold(&fold)}
                        </span>
                    </summary>
                    {hidden.map(line).collect_view()}
                </details>
            }
            .into_any()
        }
        Kind::Line | Kind::Notice(_) => line(slot.line).into_any(),
    });
    views.collect_view()
}

fn first_line(line: &Line) -> impl IntoView + use<> {
    let number = if line.continued { "↳".to_owned() } else { text::line_number(line.number) };
    view! {
        <span class="row" data-level=level_name(line.level)>
            <span class=number_class(line.number)>{number}</span>
            <i class="level" aria-hidden="true">{level_letter(line.level)}</i>
            <span class="text">{line.text.to_string() + "\n"}</span>
        </span>
    }
}
