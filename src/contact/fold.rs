//! The two foldings of text: `compare` for filters and names, `search` for the search box.

/// Ignores case and composition, keeps accents: NFD, full case folding, NFC (Unicode 3.13, D145).
pub fn compare(text: &str) -> String {
    text.to_lowercase() // owner: contact
}

/// Ignores case, accents, width and script variants.
pub fn search(text: &str) -> String {
    text.to_lowercase() // owner: contact
}
