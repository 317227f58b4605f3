#![doc = include_str!("ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod contact;
pub mod corpus;
pub mod engine;
pub mod filter;
pub mod http;
pub mod index;
pub mod store;
