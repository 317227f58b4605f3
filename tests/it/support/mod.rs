//! What several tests share.

pub mod api;
pub mod child;
pub mod command;
pub mod ledger;
pub mod oracle;
pub mod power;
pub mod sample;
pub mod seed;
pub mod serving;
pub mod settings;
pub mod wire;
pub mod world;
