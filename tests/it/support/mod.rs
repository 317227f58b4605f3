//! What several tests share.

pub mod api;
pub mod child;
pub mod command;
pub mod connection;
pub mod jobs;
pub mod ledger;
pub mod oracle;
pub mod power;
pub mod sample;
pub mod seed;
pub mod server;
pub mod settings;
pub mod world;
pub mod writes;
