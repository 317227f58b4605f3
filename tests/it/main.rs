//! The integration tests: one binary, one file per behaviour.

mod support;

mod engine_writes;
mod store_format;
mod store_power;
mod store_rot;
mod store_suite;
