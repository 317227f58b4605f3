#![doc = include_str!("ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod contact;
pub mod index;
pub mod store;
