//! The integration tests: one binary, one file per behaviour.

mod support;

mod bad_input;
mod bad_query;
mod cli_demo;
mod cli_import;
mod cli_move;
mod columns;
mod crash;
mod engine_races;
mod engine_writes;
mod http_bad_input;
mod http_log;
mod http_roles;
mod http_routes;
mod http_server;
mod idempotency;
mod interactions;
mod isolation;
mod many;
mod many_workspaces;
mod oracle_queries;
mod power;
mod roles_table;
mod rot;
mod snooze;
mod store_format;
mod store_power;
mod store_rot;
mod store_suite;
mod zero_lag;
