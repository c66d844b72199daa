//! Rows. A row carries no signal and no listener of its own: it is made, shown and dropped. What a
//! log holds reaches it as text nodes and class names of a closed set; colours beyond the theme's
//! are set as properties, never as text.

use leptos::either::{EitherOf3, EitherOf4};
use leptos::prelude::*;
use tailwater_protocol::{Colour, Level, Number, Style};

use super::desk::Desk;
use crate::browser;
use crate::state::address::fragment;
use crate::state::list::{Item, Line, Shown};
use crate::state::pieces::pieces;
use crate::state::shape::{Beside, Fold};
use crate::text;

/// A row: a line of the log, or a notice.
pub(crate) fn item_view(desk: Desk, item: &Item) -> impl IntoView + use<> {
    match item {
        Item::Line(line) => EitherOf3::A(line_view(desk, line)),
        Item::Fold(fold) => EitherOf3::B(fold_view(fold)),
        Item::Notice(notice) => EitherOf3::C({
            let text = desk.peek(|page| text::notice(notice, page.clock(), browser::now()));
            view! {
                <div class="row notice" role="row">
                    <span role="gridcell">{text}</span>
                </div>
            }
        }),
    }
}

fn line_view(desk: Desk, line: &Shown) -> impl IntoView + use<> {
    let at = line.position.to_string();
    let wraps = line.dress.rows > 0;
    let (rows, columns) = (line.dress.rows.to_string(), line.dress.columns.to_string());
    let (rows, columns) = (wraps.then_some(rows), wraps.then_some(columns));
    let beside = line.dress.column.name().map(|_| {
        let said = line.dress.beside.map(|nanos| said_beside(desk, line.dress.column, nanos));
        view! { <span class="beside" role="gridcell">{said}</span> }
    });
    view! {
        <div
            class="row"
            class:aside=line.aside
            class:marked=line.dress.marked
            class:chosen=line.dress.chosen
            class:wraps=wraps
            style=("--rows", rows)
            style=("--columns", columns)
            role="row"
            id=row_id(&at)
            data-level=level_name(line.level)
            data-at=at
        >
            <a
                class=number_class(line.number)
                role="rowheader"
                href=fragment(line.position)
                tabindex="-1"
            >
                {number(line)}
            </a>
            <i class="level" aria-hidden="true">
                {level_letter(line.level)}
            </i>
            {beside}
            <span class="text" role="gridcell">
                {runs(line)}
            </span>
            {badges(line)}
        </div>
    }
}

/// The id of the row at that position, by which the cursor is told to those who do not see it.
pub(crate) fn row_id(at: &str) -> String {
    "row-".to_owned() + at
}

fn said_beside(desk: Desk, column: Beside, nanos: i64) -> String {
    match column {
        Beside::Nothing => String::new(),
        Beside::Delta => text::delta(nanos),
        Beside::Local => desk.peek(|page| text::time_of_day(nanos, page.clock())),
        Beside::Utc => desk.peek(|page| text::time_of_day(nanos, &page.clock().utc())),
    }
}

/// A row that stands for lines, or above them.
fn fold_view(fold: &Fold) -> impl IntoView + use<> {
    let said = text::fold(fold);
    let hits = (fold.hits > 0).then(|| view! { <mark>{text::hits_within(fold.hits)}</mark> });
    view! {
        <div
            class="row fold"
            class:open=fold.open
            role="row"
            data-level=level_name(fold.level)
            data-fold=fold.at.to_string()
        >
            <span class="num" role="rowheader"></span>
            <i class="level" aria-hidden="true"></i>
            <button
                class="unfold"
                role="gridcell"
                tabindex="-1"
                aria-expanded=if fold.open { "true" } else { "false" }
            >
                <span class="arrow" aria-hidden="true"></span>
                {said}
                {hits}
            </button>
        </div>
    }
}

fn number(line: &Line) -> String {
    if line.continued { "↳".to_owned() } else { text::line_number(line.number) }
}

/// The class of a line's number: guesses are grey.
pub(crate) fn number_class(number: Number) -> &'static str {
    match number {
        Number::Exact(_) => "num",
        Number::Estimate(_) | Number::Unknown => "num guess",
    }
}

/// The name of a level, as the style sheet knows it.
pub(crate) fn level_name(level: Level) -> Option<&'static str> {
    Some(match level {
        Level::None => return None,
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
        Level::Fatal => "fatal",
    })
}

/// The sign of a level: told apart without its colour.
pub(crate) fn level_letter(level: Level) -> &'static str {
    match level {
        Level::None | Level::Trace | Level::Debug | Level::Info => "",
        Level::Warn => "W",
        Level::Error => "E",
        Level::Fatal => "F",
    }
}

fn badges(line: &Line) -> Vec<impl IntoView + use<>> {
    text::badges(line)
        .into_iter()
        .map(|(badge, title)| view! { <span class="badge" title=title>{badge}</span> })
        .collect()
}

/// The text, cut where its style changes and where hits begin and end.
fn runs(line: &Line) -> Vec<impl IntoView + use<>> {
    if line.styles.is_empty() && line.hits.is_empty() {
        return vec![EitherOf4::A(line.text.to_string())];
    }
    let views = pieces(&line.text, &line.styles, &line.hits).into_iter().map(|piece| {
        let text = piece.text.to_owned();
        match (piece.style.map(Look::of), piece.hit) {
            (None, false) => EitherOf4::A(text),
            (None, true) => EitherOf4::B(view! { <mark>{text}</mark> }),
            (Some(look), false) => EitherOf4::C(view! {
                <span class=look.class style=("--ink", look.fg) style=("--ground-ink", look.bg)>
                    {text}
                </span>
            }),
            (Some(look), true) => EitherOf4::D(view! {
                <mark class=look.class style=("--ink", look.fg) style=("--ground-ink", look.bg)>
                    {text}
                </mark>
            }),
        }
    });
    views.collect()
}

/// What a style comes to: names for what the theme decides, values for what it does not.
pub(crate) struct Look {
    pub(crate) class: String,
    fg: Option<String>,
    bg: Option<String>,
}

impl Look {
    pub(crate) fn of(style: Style) -> Self {
        let inverse = style.flags & Style::INVERSE != 0;
        let (fg, bg) = if inverse { (style.bg, style.fg) } else { (style.fg, style.bg) };
        let mut class = String::new();
        let mut put = |name: &str| {
            if !class.is_empty() {
                class.push(' ');
            }
            class.push_str(name);
        };
        for (flag, name) in [
            (Style::BOLD, "bold"),
            (Style::DIM, "dim"),
            (Style::ITALIC, "italic"),
            (Style::UNDERLINE, "under"),
            (Style::STRIKE, "strike"),
            (Style::CONCEALED, "concealed"),
        ] {
            if style.flags & flag != 0 {
                put(name);
            }
        }
        let mut colour = |colour: Colour, prefix: char, inverted: &str, own: &str| match colour {
            Colour::Default if inverse => {
                put(inverted);
                None
            }
            Colour::Default => None,
            Colour::Palette(n @ 0..16) => {
                put(&format!("{prefix}{n}"));
                None
            }
            Colour::Palette(n) => {
                put(own);
                Some(palette(n))
            }
            Colour::Rgb(r, g, b) => {
                put(own);
                Some(rgb(r, g, b))
            }
        };
        let fg = colour(fg, 'f', "fi", "ink");
        let bg = colour(bg, 'b', "bi", "on-ink");
        Self { class, fg, bg }
    }
}

/// The colour `n` of the 256, from the sixteenth on: a cube of six steps, then greys.
fn palette(n: u8) -> String {
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    if n >= 232 {
        let grey = 8 + 10 * (n - 232);
        return rgb(grey, grey, grey);
    }
    let n = n.saturating_sub(16);
    rgb(step(n / 36), step(n / 6 % 6), step(n % 6))
}

fn rgb(r: u8, g: u8, b: u8) -> String {
    format!("rgb({r} {g} {b})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_of_a_closed_set() {
        let style = |fg, bg, flags| Look::of(Style { fg, bg, flags });
        let look = style(Colour::Palette(1), Colour::Rgb(1, 2, 3), Style::BOLD | Style::DIM);
        assert_eq!(
            (look.class.as_str(), look.fg, look.bg.as_deref()),
            ("bold dim f1 on-ink", None, Some("rgb(1 2 3)"))
        );
        let look = style(Colour::Palette(9), Colour::Default, Style::INVERSE);
        assert_eq!(look.class, "fi b9");
        let look = style(Colour::Palette(231), Colour::Palette(255), 0);
        assert_eq!(
            (look.fg.as_deref(), look.bg.as_deref()),
            (Some("rgb(255 255 255)"), Some("rgb(238 238 238)"))
        );
    }
}
