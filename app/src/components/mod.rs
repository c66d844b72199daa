//! One component a file. They draw what the state says and turn what a person does into its
//! inputs; whatever is worth a test stands in `state`.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public items of whatever it is given"
)]

pub(crate) mod app;
pub(crate) mod banner;
pub(crate) mod chosen;
mod command;
pub(crate) mod desk;
pub(crate) mod details;
pub(crate) mod empty;
pub(crate) mod filter;
pub(crate) mod find;
mod header;
pub(crate) mod help;
pub(crate) mod icon;
mod later;
pub(crate) mod lines;
pub(crate) mod marks;
pub(crate) mod palette;
pub(crate) mod pill;
pub(crate) mod row;
pub(crate) mod ruler;
pub(crate) mod sidebar;
pub(crate) mod status;
pub(crate) mod timeline;
