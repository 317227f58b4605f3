//! The command: hands its arguments to `rollcall::cli`.
fn main() {}
