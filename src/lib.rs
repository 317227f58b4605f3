#![doc = include_str!("ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod clock;
pub mod contact;
pub mod engine;
pub mod filter;
pub mod index;
pub mod store;
