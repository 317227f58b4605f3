//! The shape of the index in tantivy: one field of terms, one of rows; a row's document; and the deletion of rows.

use std::sync::Arc;

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::document::{ReferenceValue, ReferenceValueLeaf};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::{BitSet, DocId, Document, Score, SegmentReader, TantivyError};

use super::tokens::GramTokenizer;
use crate::index::Row;

const TOKENIZER: &str = "grams";
const ROW: &str = "row";

/// Adds what turns rows into terms to an index just created or opened.
pub(super) fn register(index: &tantivy::Index) {
    index.tokenizers().register(TOKENIZER, GramTokenizer::new());
}

/// Every index has this schema, `(terms, row)` being its fields.
pub(super) fn schema() -> (Schema, Field, Field) {
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let terms = schema.add_text_field("terms", TextOptions::default().set_indexing_options(indexing));
    let row = schema.add_u64_field(ROW, FAST);
    (schema.build(), terms, row)
}

/// A row on its way into the index, its texts packed by `tokens::pack`.
pub(super) struct RowDocument {
    pub fields: (Field, Field),
    pub row: Row,
    pub packed: String,
    /// Is gone when all of its batch are written.
    pub _batch: Arc<()>,
}

/// A value of a [`RowDocument`], borrowed: nothing is copied on the way.
#[derive(Clone)]
pub(super) enum RowValue<'a> {
    Row(Row),
    Packed(&'a str),
}

impl std::fmt::Debug for RowValue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowValue")
    }
}

impl<'a> Value<'a> for RowValue<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match self {
            RowValue::Row(row) => ReferenceValueLeaf::U64(u64::from(*row)),
            RowValue::Packed(packed) => ReferenceValueLeaf::Str(packed),
        })
    }
}

impl Document for RowDocument {
    type Value<'a> = RowValue<'a>;
    type FieldsValuesIter<'a> = std::array::IntoIter<(Field, Self::Value<'a>), 2>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        [(self.fields.0, RowValue::Packed(&self.packed)), (self.fields.1, RowValue::Row(self.row))].into_iter()
    }
}

/// The row of every document of a tantivy segment.
pub(super) fn rows_of(reader: &SegmentReader) -> tantivy::Result<Vec<Row>> {
    let column = reader.fast_fields().u64(ROW)?;
    let damaged = || TantivyError::InternalError("a document without a row".to_owned());
    if column.values.num_vals() != reader.max_doc() || column.num_docs() != reader.max_doc() {
        return Err(damaged());
    }
    let mut rows = Vec::with_capacity(reader.max_doc() as usize);
    let mut block = [0u64; 1024];
    while rows.len() < reader.max_doc() as usize {
        let len = block.len().min(reader.max_doc() as usize - rows.len());
        column.values.get_range(rows.len() as u64, &mut block[..len]);
        for row in &block[..len] {
            rows.push(Row::try_from(*row).map_err(|_| damaged())?);
        }
    }
    Ok(rows)
}

/// The documents of some rows, for deletion: one pass over a segment's rows, where a term per row would cost a look-up in
/// every segment's dictionary and eight bytes a row in it.
#[derive(Clone)]
pub(super) struct RowsQuery {
    /// Bit `row % 64` of word `row / 64`.
    words: Arc<[u64]>,
}

impl RowsQuery {
    pub(super) fn new(words: Vec<u64>) -> RowsQuery {
        RowsQuery { words: words.into() }
    }
}

impl std::fmt::Debug for RowsQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowsQuery")
    }
}

impl Query for RowsQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for RowsQuery {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let has = |row: Row| self.words.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
        let mut docs = BitSet::with_max_value(reader.max_doc());
        for (doc, row) in (0..).zip(rows_of(reader)?) {
            if has(row) {
                docs.insert(doc);
            }
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(docs), boost)))
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Ok(Explanation::new("the rows", 1.0))
    }
}
