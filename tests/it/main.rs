//! The integration tests: one binary, one file per behaviour.

mod support;

mod cli_demo;
mod cli_import;
mod cli_move;
mod engine_writes;
mod store_format;
mod store_power;
mod store_rot;
mod store_suite;
