//! One component a file. They draw what the state says and turn what a person does into its
//! inputs; whatever is worth a test stands in `state`.

pub(crate) mod app;
