//! The server of tailwater: what is offered, who may see it, and the way to it.
//!
//! `engine` reads logs and `app` draws pages; this crate opens files, listens on sockets, and
//! keeps both within what was named and allowed. [`serve::run`] is the whole server as a function
//! that takes its listener and its end as parameters, so that tests start it on port 0.

pub mod archive;
pub mod assets;
pub mod auth;
pub mod check;
pub mod cli;
pub mod client;
pub mod config;
pub mod connection;
pub mod count;
pub mod doors;
pub mod feed;
pub mod filter;
pub mod grpc;
pub mod kept;
pub mod learned;
pub mod limits;
pub mod log;
pub mod logs;
pub mod metrics;
pub mod passed;
pub mod read;
pub mod reload;
pub mod routes;
pub mod search;
pub mod serve;
pub mod service;
pub mod session;
pub mod sources;
pub mod spool;
pub mod start;
pub mod survey;
pub mod tls;
pub mod users;
pub mod watch;
