//! The file format of a checkpoint: sections with checksums and a footer.

/// Why a checkpoint is not used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Torn, flipped or otherwise not what was written.
    #[error("the checkpoint is damaged: {0}")]
    Damaged(&'static str),
    /// Written by another version of the format, of ICU's data or of this program.
    #[error("the checkpoint was written by another version ({0})")]
    OtherVersion(String),
}
