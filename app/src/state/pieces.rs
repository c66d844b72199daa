//! A row's text, cut where its style changes and where a hit begins or ends.

use tailwater_protocol::{Hit, Style, StyleRun};

/// A stretch of a row's text that looks the same throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    /// How it looks, if the log says so.
    pub(crate) style: Option<Style>,
    /// Whether it is part of a hit.
    pub(crate) hit: bool,
}

/// The pieces of `text`, which together are all of it. What lies outside of it, overlaps what came
/// before or cuts a character is passed over.
pub(crate) fn pieces<'a>(text: &'a str, styles: &[StyleRun], hits: &[Hit]) -> Vec<Piece<'a>> {
    let mut styles = styles.iter().map(|run| (run.start as usize, run.end as usize, run.style));
    let mut hits = hits.iter().map(|hit| (hit.start as usize, hit.end as usize, ()));
    let (mut style, mut hit) = (styles.next(), hits.next());
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        while style.is_some_and(|run| run.1 <= at) {
            style = styles.next();
        }
        while hit.is_some_and(|run| run.1 <= at) {
            hit = hits.next();
        }
        let inside = |start: usize| start <= at;
        // The next place where something begins or ends.
        let next = |run: Option<(usize, usize)>| match run {
            Some((start, end)) if inside(start) => end,
            Some((start, _)) => start,
            None => text.len(),
        };
        let span = |start, end| Some((start, end));
        let until = next(style.and_then(|run| span(run.0, run.1)))
            .min(next(hit.and_then(|run| span(run.0, run.1))))
            .min(text.len());
        let until = (until..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(at);
        let Some(piece) = text.get(at..until).filter(|piece| !piece.is_empty()) else { break };
        pieces.push(Piece {
            text: piece,
            style: style.filter(|run| inside(run.0)).map(|run| run.2),
            hit: hit.is_some_and(|run| inside(run.0)),
        });
        at = until;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOLD: Style = Style { flags: Style::BOLD, ..PLAIN };
    const PLAIN: Style = Style {
        fg: tailwater_protocol::Colour::Default,
        bg: tailwater_protocol::Colour::Default,
        flags: 0,
    };

    proptest! {
        #[test]
        fn pieces_are_the_text_whatever_is_said_of_it(
            text in "[a-zé漢]{0,20}",
            runs in prop::collection::vec((0_u32..40, 0_u32..40), 0..5),
            hits in prop::collection::vec((0_u32..40, 0_u32..40), 0..5),
        ) {
            let runs: Vec<_> =
                runs.iter().map(|&(start, end)| StyleRun { start, end, style: BOLD }).collect();
            let hits: Vec<_> = hits.iter().map(|&(start, end)| Hit { start, end }).collect();
            let whole: String = pieces(&text, &runs, &hits).iter().map(|p| p.text).collect();
            prop_assert_eq!(whole, text);
        }
    }

    #[test]
    fn a_hit_across_styles_is_cut_at_them() {
        let runs = [StyleRun { start: 2, end: 4, style: BOLD }];
        let hits = [Hit { start: 1, end: 3 }, Hit { start: 5, end: 6 }];
        let cut: Vec<_> = pieces("abcdefg", &runs, &hits)
            .iter()
            .map(|piece| (piece.text, piece.style.is_some(), piece.hit))
            .collect();
        assert_eq!(
            cut,
            [
                ("a", false, false),
                ("b", false, true),
                ("c", true, true),
                ("d", true, false),
                ("e", false, false),
                ("f", false, true),
                ("g", false, false),
            ]
        );
    }
}
