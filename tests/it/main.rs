//! The integration tests: one binary, one file per behaviour.

mod support;

mod bad_input;
mod bad_query;
mod cli_demo;
mod cli_import;
mod cli_move;
mod columns;
mod compaction;
mod crash;
mod engine_races;
mod engine_writes;
mod erasure;
mod http_bad_input;
mod http_log;
mod http_roles;
mod http_routes;
mod http_segments;
mod http_server;
mod idempotency;
mod interactions;
mod isolation;
mod many;
mod many_workspaces;
mod merge;
mod oracle_queries;
mod power;
mod roles_table;
mod rot;
mod segment_counts;
mod snooze;
mod store_format;
mod store_power;
mod store_rot;
mod store_suite;
mod zero_lag;
