//! Every word that the page says, in one place, so that another language is another such module.

pub(crate) const PRODUCT: &str = "tailwater";
pub(crate) const SIGN_IN: &str = "Sign in";
pub(crate) const SIGN_IN_HOW: &str =
    "Enter the key that tailwater printed when it started.";
pub(crate) const KEY: &str = "Key";
pub(crate) const TO_THE_SOURCES: &str = "To the sources";

/// The title of a page about `what`.
pub(crate) fn title(what: Option<&str>) -> String {
    match what {
        Some(what) => format!("{what} · {PRODUCT}"),
        None => PRODUCT.to_owned(),
    }
}
