//! From bytes to lines to answers.
