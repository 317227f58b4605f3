//! The text index against the texts, completely.

use std::collections::HashMap;

use super::seal::mix;
use super::tokens::{self, GramTokenizer};
use super::view::GramView;
use super::{GramError, RowTexts};
use crate::index::{Row, RowSet};

/// See `GramView::verify`. Each row's set of terms is compared by the sum of the terms' hashes: eight bytes a row, where the
/// terms themselves would be kilobytes.
pub(super) fn differences(
    view: &GramView,
    texts: &mut dyn Iterator<Item = RowTexts>,
    except: &RowSet,
    limit: usize,
) -> Result<Vec<Row>, GramError> {
    let mut held = held(view)?;
    let mut differing = Vec::new();
    let mut tokenizer = GramTokenizer::new();
    let mut hashes = Vec::new();
    for (row, texts) in texts {
        let indexed = held.remove(&row);
        if except.contains(row) {
            continue;
        }
        let mut packed = String::new();
        for (field, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
            tokens::pack(&mut packed, *field, text);
        }
        hashes.clear();
        tokenizer.terms(&packed, &mut |token| hashes.push(hash(token.text.as_bytes())));
        hashes.sort_unstable();
        hashes.dedup();
        let expected = hashes.iter().fold(0u64, |sum, hash| sum.wrapping_add(*hash));
        if indexed != (!packed.is_empty()).then_some(expected) {
            differing.push(row);
        }
    }
    differing.extend(held.into_keys().filter(|row| !except.contains(*row)));
    differing.sort_unstable();
    differing.truncate(limit);
    Ok(differing)
}

/// Each row's sum of the hashes of its terms, read from the postings of every term.
fn held(view: &GramView) -> Result<HashMap<Row, u64>, GramError> {
    let mut held = HashMap::with_capacity(usize::try_from(view.len()).unwrap_or(0));
    for segment in view.segments() {
        let mut sums = vec![0u64; segment.doc_rows.len()];
        let mut terms = segment.inverted.terms().stream()?;
        while let Some((term, info)) = terms.next() {
            let hash = hash(term);
            let mut postings = segment.postings(info)?;
            let mut docs = 0;
            while !postings.docs().is_empty() {
                for doc in postings.docs() {
                    let sum = &mut sums[*doc as usize];
                    *sum = sum.wrapping_add(hash);
                }
                docs += postings.docs().len();
                postings.advance();
            }
            if docs != info.doc_freq as usize {
                return Err(GramError("a term's documents are not as many as it says".to_owned()));
            }
        }
        let alive = (0..).zip(segment.doc_rows.iter().zip(sums)).filter(|(doc, _)| segment.is_alive(*doc));
        held.extend(alive.map(|(_, of_row)| of_row));
    }
    Ok(held)
}

/// FNV-1a, then spread: a sum of plain FNV hashes would forgive too much.
fn hash(term: &[u8]) -> u64 {
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    mix(term.iter().fold(0xCBF2_9CE4_8422_2325, fnv))
}
