//! The API over HTTP: one file per resource, one shape of refusal, one table of roles.
//!
//! A request passes, from outside in: `routes`, `observe` (id, log, counters, the panic boundary), `limits` (time), `auth` (token,
//! rate), compression, `roles` (may this user do that?), `json` (the body), the handler, and the engine: on a thread that may
//! block, or at once where a read has nothing to wait for (`threads`).

mod admission;
mod answer;
mod app;
mod auth;
mod bulk_jobs;
mod channels;
mod columns;
mod contact_actions;
mod contact_tags;
mod contacts;
mod explain;
mod export;
mod fields;
mod health;
mod idempotency;
mod identifier;
mod import_file;
mod imports;
mod interactions;
mod jobs;
mod json;
mod limits;
mod merges;
mod metrics;
mod observe;
mod openapi;
mod problem;
mod query_string;
mod roles;
mod routes;
mod search;
mod segments;
mod server;
mod settings;
mod spool;
mod stages;
mod strict;
mod suggestions;
mod tags;
mod threads;
mod users;
mod wire;
mod wording;
mod workspace;

pub use problem::Kind;
pub use routes::router;
pub use server::{Error, Server, serve};
pub use settings::Settings;
pub use threads::runtime;

#[cfg(test)]
pub(crate) mod tests;
