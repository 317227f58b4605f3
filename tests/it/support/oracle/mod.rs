//! What every query must answer, found by looking at each contact: a plain scan that shares no code with filter, index
//! or engine, only the vocabulary of contacts (foldings, phones, times).

mod facets;
mod filter;
mod search;
mod sort;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use jiff::tz::TimeZone;
use rollcall::contact::{Catalog, Contact, Millis, Segment, UserId, fold, time};
use rollcall::engine::{FacetCounts, Query, SegmentRef};

/// The contacts by id, with what they are read against.
pub struct Oracle<'a> {
    pub contacts: &'a BTreeMap<u32, Contact>,
    pub catalog: &'a Catalog,
    pub now: Millis,
    pub me: Option<UserId>,
    /// Foldings, remembered: the same few texts are folded again and again.
    compared: RefCell<HashMap<String, Rc<str>>>,
    searched: RefCell<HashMap<String, Rc<str>>>,
}

/// What a query must answer.
pub struct Answer {
    /// Every match, in order.
    pub ids: Vec<u32>,
    pub facets: Vec<FacetCounts>,
}

impl<'a> Oracle<'a> {
    pub fn new(contacts: &'a BTreeMap<u32, Contact>, catalog: &'a Catalog, now: Millis, me: Option<UserId>) -> Self {
        Oracle { contacts, catalog, now, me, compared: RefCell::default(), searched: RefCell::default() }
    }

    /// The answer to the query, all pages of it.
    pub fn answer(&self, query: &Query) -> Answer {
        let mut matches: Vec<&Contact> =
            self.contacts.values().filter(|contact| self.is_match(query, contact)).collect();
        self.sort(query, &mut matches);
        let facets = self.facets(query, &matches);
        Answer { ids: matches.iter().map(|contact| contact.id.0).collect(), facets }
    }

    fn is_match(&self, query: &Query, contact: &Contact) -> bool {
        let zone = self.zone_of(query);
        self.is_found(query, contact) && query.filter.as_ref().is_none_or(|node| self.holds(node, &zone, contact))
    }

    /// Whether all but the filter holds.
    fn is_found(&self, query: &Query, contact: &Contact) -> bool {
        let searched = query.search.as_deref().is_none_or(|text| self.quality(text, contact).is_some());
        searched && query.segment.as_ref().is_none_or(|named| self.is_member(self.segment(named), contact))
    }

    fn segment(&self, named: &SegmentRef) -> &Segment {
        match named {
            SegmentRef::Id(id) => &self.catalog.segments[id],
            SegmentRef::Name(name) => {
                let same = |segment: &&Segment| self.compared(&segment.name) == self.compared(name);
                self.catalog.segments.values().find(same).expect("a segment of that name")
            }
        }
    }

    /// The zone of the query's calendar times.
    pub fn zone_of(&self, query: &Query) -> TimeZone {
        time::zone(query.timezone.as_deref().unwrap_or(&self.catalog.workspace.timezone)).expect("a zone")
    }

    fn compared(&self, text: &str) -> Rc<str> {
        remembered(&self.compared, text, fold::compare)
    }

    fn searched(&self, text: &str) -> Rc<str> {
        remembered(&self.searched, text, fold::search)
    }
}

fn remembered(memory: &RefCell<HashMap<String, Rc<str>>>, text: &str, fold: impl Fn(&str) -> String) -> Rc<str> {
    if let Some(known) = memory.borrow().get(text) {
        return known.clone();
    }
    let folded: Rc<str> = fold(text).into();
    memory.borrow_mut().insert(text.to_owned(), folded.clone());
    folded
}
