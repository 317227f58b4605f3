//! A store in memory: for tests and for trying things out.
/// owner: store
#[derive(Default)]
pub struct MemoryStore {}
