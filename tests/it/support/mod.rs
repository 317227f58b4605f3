//! What several tests share.

pub mod api;
pub mod child;
pub mod command;
pub mod power;
pub mod sample;
pub mod seed;
