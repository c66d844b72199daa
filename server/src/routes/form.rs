//! In which form the lines of a log are given: what the address says by `format`, or else what the
//! request accepts. The same address shows a page to a browser and gives lines to everything else.

use axum::http::{HeaderMap, header};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Page,
    /// The lines as they are.
    Text,
    /// An object a line.
    Records,
    /// `text/event-stream`.
    Events,
}

impl Form {
    /// The form that is asked for.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub(super) fn of(query: &str, headers: &HeaderMap) -> Result<Self, &'static str> {
        match super::events::form_values(query, "format").last().map(String::as_str) {
            Some("text") => return Ok(Self::Text),
            Some("ndjson") => return Ok(Self::Records),
            Some("events") => return Ok(Self::Events),
            Some(_) => return Err("`format` is one of `text`, `ndjson`, `events`\n"),
            None => {}
        }
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let accepts = |kind| accept.is_some_and(|accept| accept.contains(kind));
        Ok(if accepts("text/event-stream") {
            Self::Events
        } else if accepts("application/x-ndjson") || accepts("application/jsonl") {
            Self::Records
        } else if accepts("text/html") {
            Self::Page
        } else {
            Self::Text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_goes_before_what_is_accepted() {
        let with = |accept: &'static str| {
            HeaderMap::from_iter([(header::ACCEPT, axum::http::HeaderValue::from_static(accept))])
        };
        for (query, accept, form) in [
            ("", "*/*", Some(Form::Text)),
            ("", "text/html,application/xhtml+xml", Some(Form::Page)),
            ("", "application/x-ndjson", Some(Form::Records)),
            ("", "text/event-stream", Some(Form::Events)),
            ("q=x&format=ndjson", "text/html", Some(Form::Records)),
            ("format=text", "text/event-stream", Some(Form::Text)),
            ("format=xml", "*/*", None),
        ] {
            assert_eq!(Form::of(query, &with(accept)).ok(), form, "{query} {accept}");
        }
    }
}
