//! Comparing two indexes of the same contacts completely, for `verify`: what differs, without values.

use super::{Catalog, Field, Index, Row, RowSet};

/// Differences in words, up to a limit.
struct Report<'a> {
    catalog: &'a Catalog,
    found: Vec<String>,
    limit: usize,
}

impl Report<'_> {
    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    fn add(&mut self, words: String) {
        if !self.is_full() {
            self.found.push(words);
        }
    }

    fn add_row(&mut self, field: Field, row: Row) {
        let name = field.name(self.catalog);
        self.add(format!("{name} differs in row {row}"));
    }

    /// The rows for which `same` does not hold.
    fn rows(&mut self, field: Field, rows: &RowSet, same: impl Fn(Row) -> bool) {
        for row in rows.iter() {
            if self.is_full() {
                return;
            }
            if !same(row) {
                self.add_row(field, row);
            }
        }
    }

    fn missing(&mut self, kind: &str, field: Field) {
        self.add(format!("the {kind} of {} is missing in one of the two", field.name(self.catalog)));
    }

    fn broken(&mut self, kind: &str, field: Field, row: Option<Row>) {
        if let Some(row) = row {
            self.add(format!("the {kind} of {} contradicts itself in row {row}", field.name(self.catalog)));
        }
    }
}

impl Index {
    /// Compares two indexes completely; the differences in words without values, at most `limit`. Each index's structures are also
    /// checked in themselves, its orders too. What the text index on disk has yet to take in may differ.
    pub fn differences(&self, other: &Index, catalog: &Catalog, limit: usize) -> Vec<String> {
        let mut report = Report { catalog, found: Vec::new(), limit };
        for row in self.alive.minus(&other.alive).iter().chain(other.alive.minus(&self.alive).iter()) {
            if report.is_full() {
                return report.found;
            }
            report.add(format!("row {row} is in one of the two only"));
        }
        // Every row that any structure may hold, those of contacts that are gone too.
        let mut rows = RowSet::union([&self.alive, &other.alive]);
        for index in [self, other] {
            index.structures().for_each(|field| rows |= &index.present(field));
        }
        self.compare_facets(other, &rows, &mut report);
        self.compare_columns(other, &rows, &mut report);
        for index in [self, other] {
            index.check_structures(&mut report);
        }
        report.found
    }

    fn structures(&self) -> impl Iterator<Item = Field> + '_ {
        let facets = self.choices.keys().chain(self.sets.keys());
        facets.chain(self.columns.keys()).chain(self.texts.keys()).copied()
    }

    fn compare_facets(&self, other: &Index, rows: &RowSet, report: &mut Report<'_>) {
        for &field in self.choices.keys() {
            match self.facet(field).zip(other.facet(field)) {
                Some((facet, twin)) => report.rows(field, rows, |row| facet.get(row) == twin.get(row)),
                None => report.missing("facet", field),
            }
        }
        for &field in self.sets.keys() {
            let Some((set, twin)) = self.set_facet(field).zip(other.set_facet(field)) else {
                report.missing("facet", field);
                continue;
            };
            if field != Field::Source {
                report.rows(field, rows, |row| set.get(row).eq(twin.get(row)));
                continue;
            }
            // Sources are numbered as they came, which may have been in another order.
            report.rows(field, rows, |row| {
                let mut own: Vec<_> = set.get(row).map(|code| self.source_name(code)).collect();
                let mut twins: Vec<_> = twin.get(row).map(|code| other.source_name(code)).collect();
                own.sort_unstable();
                twins.sort_unstable();
                own == twins
            });
        }
        other
            .choices
            .keys()
            .filter(|field| !self.choices.contains_key(field))
            .for_each(|&f| report.missing("facet", f));
    }

    fn compare_columns(&self, other: &Index, rows: &RowSet, report: &mut Report<'_>) {
        for (&field, column) in &self.columns {
            match other.columns.get(&field) {
                Some(twin) => report.rows(field, rows, |row| column.get(row) == twin.get(row)),
                None => report.missing("column", field),
            }
        }
        for (&field, text) in &self.texts {
            match other.texts.get(&field) {
                Some(twin) => report.rows(field, rows, |row| {
                    text.get(row) == twin.get(row) && text.get_search(row) == twin.get_search(row)
                }),
                None => report.missing("text", field),
            }
        }
        other.columns.keys().filter(|f| !self.columns.contains_key(f)).for_each(|&f| report.missing("column", f));
        other.texts.keys().filter(|f| !self.texts.contains_key(f)).for_each(|&f| report.missing("text", f));
    }

    /// Each structure in itself, and each order against the column it orders.
    fn check_structures(&self, report: &mut Report<'_>) {
        self.choices.iter().for_each(|(&field, choices)| report.broken("facet", field, choices.check(&self.table)));
        self.sets.iter().for_each(|(&field, sets)| report.broken("facet", field, sets.check(&self.table)));
        self.columns.iter().for_each(|(&field, column)| report.broken("column", field, column.check()));
        self.texts.iter().for_each(|(&field, text)| report.broken("text", field, text.check()));
        if let Some(row) = self.check_duplicates() {
            report.add(format!("who shares an e-mail or phone differs at row {row}"));
        }
        let keys = self.keys();
        if self.orders.contains_key(&Field::Name) {
            let rows = self.present(Field::Name);
            let kept = |row: Row| self.name_heads.get(row as usize).copied();
            let wrong = rows.iter().find(|&row| kept(row) != Some(keys.name_head(row)));
            report.broken("order", Field::Name, wrong);
        }
        for (&field, order) in &self.orders {
            let name = field.name(report.catalog);
            let present = self.present(field);
            if let Err(broken) = order.check(|a, b| keys.compare(field, a, b, None).then(a.cmp(&b))) {
                report.add(format!("the order of {name}: {broken}"));
            } else if order.len() as u64 != present.len() || !present.iter().all(|row| order.contains(row)) {
                report.add(format!("the order of {name} does not have the rows that have a value"));
            }
        }
    }
}
