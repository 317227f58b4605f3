//! What can go wrong with the store.

/// An error of the store. None carries a contact's value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An earlier write or sync failed; nothing is written until the server is started again.
    #[error("the store takes no writes since one failed ({0}); reads go on; mend the cause and start again")]
    ReadOnly(String),
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Io(String),
    /// A value's checksum or form is wrong.
    #[error("the record at key {key} is damaged: {what}; run `rollcall verify`, then restore a backup")]
    Damaged {
        /// The key in hexadecimal.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// A key or value beyond the contract's sizes.
    #[error("a {what} of {bytes} bytes is over the store's limit of {limit}")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        bytes: usize,
        limit: usize,
    },
    /// The data folder cannot be used.
    #[error("cannot open the data folder: {0}")]
    Open(String),
}
