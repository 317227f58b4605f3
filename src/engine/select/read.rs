//! A query's names and limits checked and resolved: what is left cannot fail.

use serde_json::json;

use super::sort::Key;
use crate::contact::suggest::did_you_mean;
use crate::contact::{Catalog, Field, Millis, Mistake, UserId, time};
use crate::engine::{Error, Query, SegmentRef, Settings};
use crate::filter::search::{self, Search};
use crate::filter::{self, Context, Filter, View};

/// A query, resolved against what the workspace defines.
pub(super) struct Asked {
    pub search: Option<Search>,
    pub filter: Option<Filter>,
    pub segment: Option<Filter>,
    /// Empty: by quality, which only a search has.
    pub sort: Vec<Key>,
    pub offset: usize,
    pub limit: usize,
    pub facets: Vec<Field>,
}

/// What a query is read against.
pub(super) struct Reader<'a> {
    pub catalog: &'a Catalog,
    pub now: Millis,
    pub me: Option<UserId>,
    pub settings: &'a Settings,
}

impl Reader<'_> {
    /// Reads the query. Every part is read, so that all mistakes are told at once.
    ///
    /// # Errors
    /// [`Error::Invalid`], or [`Error::WindowExceeded`] where nothing else is wrong.
    pub fn read(&self, query: &Query, view: View) -> Result<Asked, Error> {
        let mut mistakes = Vec::new();
        let mut note = |mistake| mistakes.push(mistake);
        let (search, filter, segment) = (
            self.search(query).map_err(&mut note).unwrap_or_default(),
            self.filter(query).map_err(&mut note).unwrap_or_default(),
            query.segment.as_ref().map(|named| self.segment(named)).transpose().map_err(&mut note).unwrap_or_default(),
        );
        let sort = self.sort(query, search.is_some(), view, &mut note);
        let facets = self.facets(query, &mut note);
        let limit = query.limit.unwrap_or(self.settings.page_default);
        if !(1..=self.settings.page_max).contains(&limit) {
            let message = format!("found {limit}; 1 to {} rows make a page", self.settings.page_max);
            note(Mistake::new("limit", "out_of_range", message));
        }
        if !mistakes.is_empty() {
            return Err(Error::Invalid(mistakes));
        }
        let (offset, window_max) = (query.offset, self.settings.window_max);
        if offset.saturating_add(limit) > window_max {
            return Err(Error::WindowExceeded { offset, limit, window_max });
        }
        Ok(Asked { search, filter, segment, sort, offset, limit, facets })
    }

    pub fn search(&self, query: &Query) -> Result<Option<Search>, Mistake> {
        let text = query.search.as_deref().unwrap_or_default();
        search::parse(text, self.settings.search_chars_max)
            .map_err(|message| Mistake::new("search", "search_too_long", message))
    }

    pub fn filter(&self, query: &Query) -> Result<Option<Filter>, Mistake> {
        let zone = match &query.timezone {
            Some(name) => time::zone(name).map_err(|message| Mistake::new("timezone", "unknown_timezone", message))?,
            None => self.own_zone(),
        };
        query.filter.as_ref().map(|json| filter::read(json, "filter", &self.context(zone))).transpose()
    }

    /// The contacts of the segment, as a condition that says so: one meaning of belonging, and of what is wrong with a segment.
    pub fn segment(&self, named: &SegmentRef) -> Result<Filter, Mistake> {
        let value = match named {
            SegmentRef::Id(id) => json!(id.0),
            SegmentRef::Name(name) => json!(name),
        };
        let belongs = json!({"field": "segment", "operator": "isMemberOf", "value": value});
        filter::read(&belongs, "segment", &self.context(self.own_zone()))
            .map_err(|mistake| Mistake { path: "segment".into(), ..mistake })
    }

    fn context(&self, zone: jiff::tz::TimeZone) -> Context<'_> {
        Context { catalog: self.catalog, zone, now: self.now, me: self.me, limits: self.settings.limits() }
    }

    /// The workspace's zone, which was checked when it was set.
    fn own_zone(&self) -> jiff::tz::TimeZone {
        time::zone(&self.catalog.workspace.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    fn sort(&self, query: &Query, searched: bool, view: View, note: &mut impl FnMut(Mistake)) -> Vec<Key> {
        if query.sort.is_empty() {
            let newest = Key::new(Field::LastMessageAt, true, false, view);
            return if searched { Vec::new() } else { vec![newest] };
        }
        let most = self.settings.sort_keys_max;
        if query.sort.len() > most {
            let message = format!("found {} keys; a sort has at most {most}", query.sort.len());
            note(Mistake::new("sort", "too_many_sort_keys", message));
            return Vec::new();
        }
        let mut keys: Vec<Key> = Vec::with_capacity(query.sort.len());
        for (at, asked) in query.sort.iter().enumerate() {
            let path = format!("sort[{at}].field");
            match self.field(&path, &asked.field, "sorted by", "not_sortable", |field| field.is_sortable()) {
                Ok(field) => {
                    // The longest time since is the earliest instant.
                    let reversed = field.counts_from().map(|instant| (instant, !asked.descending));
                    let (field, descending) = reversed.unwrap_or((field, asked.descending));
                    // A field that stands before decides all it can; ids are never equal.
                    if !keys.iter().any(|key| key.field == field || key.field == Field::Id) {
                        keys.push(Key::new(field, descending, asked.missing_first, view));
                    }
                }
                Err(mistake) => note(mistake),
            }
        }
        keys
    }

    fn facets(&self, query: &Query, note: &mut impl FnMut(Mistake)) -> Vec<Field> {
        let mut facets = Vec::with_capacity(query.facets.len());
        for (at, name) in query.facets.iter().enumerate() {
            let path = format!("facets[{at}]");
            match self.field(&path, name, "counted", "not_facetable", |field| field.is_facetable(self.catalog)) {
                Ok(field) if facets.contains(&field) => {}
                Ok(field) => facets.push(field),
                Err(mistake) => note(mistake),
            }
        }
        facets
    }

    /// The field of that name, if it will do.
    fn field(
        &self,
        path: &str,
        name: &str,
        purpose: &str,
        refused: &'static str,
        will_do: impl Fn(Field) -> bool,
    ) -> Result<Field, Mistake> {
        let names = || Field::all(self.catalog).filter(|field| will_do(*field)).map(|field| field.name(self.catalog));
        match Field::named(name, self.catalog) {
            Some(field) if will_do(field) => Ok(field),
            Some(field) => {
                let all = names().collect::<Vec<_>>().join(", ");
                let message = format!("{} cannot be {purpose}; use one of {all}", field.name(self.catalog));
                Err(Mistake::new(path, refused, message))
            }
            None => {
                let typed: String = name.chars().take(60).collect();
                let message = format!("there is no field {typed:?}.{}", did_you_mean(name, names()));
                Err(Mistake::new(path, "unknown_field", message))
            }
        }
    }
}
