//! The sizes every store keeps to.

use super::{Batch, StoreError};

/// The longest key, in bytes.
pub const KEY_MAX: usize = 255;
/// The longest value, in bytes.
pub const VALUE_MAX: usize = 1 << 20;

/// Refuses a batch with a key or value that is too large, before anything of it is written.
///
/// # Errors
/// [`StoreError::TooLarge`].
pub fn check(batch: &Batch) -> Result<(), StoreError> {
    for (key, value) in batch {
        if key.len() > KEY_MAX {
            return Err(StoreError::TooLarge { what: "key", bytes: key.len(), limit: KEY_MAX });
        }
        if let Some(value) = value.as_ref().filter(|value| value.len() > VALUE_MAX) {
            return Err(StoreError::TooLarge { what: "value", bytes: value.len(), limit: VALUE_MAX });
        }
    }
    Ok(())
}
