//! The corpus is what it says it is.

use std::collections::HashSet;

use super::*;

const NOW: Millis = 1_770_000_000_000;

#[test]
fn a_contact_depends_on_seed_and_place_alone() {
    let corpus = Corpus::new(1, NOW);
    let all: Vec<Contact> = corpus.contacts(0..300).collect();
    let tail: Vec<Contact> = Corpus::new(1, NOW).contacts(200..300).collect();
    assert!(all[200..] == tail[..]);
    let other: Vec<Contact> = Corpus::new(2, NOW).contacts(0..300).collect();
    assert!(all != other);
}

#[test]
fn identities_are_unique_and_everyone_can_be_created() {
    let corpus = Corpus::new(3, NOW);
    let (mut emails, mut phones) = (HashSet::new(), HashSet::new());
    let (mut with_email, mut with_phone) = (0, 0);
    // Far places as well, where a short cycle would show.
    for contact in corpus.contacts(0..6000).chain(corpus.contacts(9_997_000..10_000_000)) {
        assert!(contact.first_name.is_some() || contact.phone.is_some());
        if let Some(email) = &contact.email {
            with_email += 1;
            assert!(email.is_ascii() && email.len() < 100);
            assert!(emails.insert(email.to_lowercase()), "an e-mail twice");
        }
        if let Some(phone) = &contact.phone {
            with_phone += 1;
            assert!(phones.insert(phone.digits), "a phone twice");
        }
    }
    assert!((7400..7900).contains(&with_email), "{with_email}");
    assert!((7900..8400).contains(&with_phone), "{with_phone}");
}

#[test]
fn what_contacts_refer_to_is_defined_and_in_order() {
    let corpus = Corpus::new(4, NOW);
    let catalog = corpus.definition().catalog(Workspace::default());
    assert_eq!((catalog.tags.len(), catalog.users.len(), catalog.channels.len()), (TAGS, AGENTS + 1, 8));
    assert_eq!(catalog.stages.len(), STAGES);
    let names: HashSet<String> = catalog.tags.values().map(|tag| tag.name.to_lowercase()).collect();
    assert_eq!(names.len(), TAGS);
    for contact in corpus.contacts(0..3000) {
        assert!(contact.tags.iter().all(|tag| catalog.tags.contains_key(tag)));
        assert!(contact.tags.is_sorted());
        assert!(contact.channels.iter().all(|link| catalog.channels.contains_key(&link.channel)));
        assert!(contact.assignee.is_none_or(|user| user != UserId(1) && catalog.users.contains_key(&user)));
        assert!(contact.lifecycle.is_none_or(|stage| catalog.stages.contains_key(&stage)));
        assert!(contact.custom.iter().all(|(id, _)| catalog.fields.contains_key(id)));
        assert!(contact.custom.is_sorted_by_key(|(id, _)| *id));
        let times = [contact.last_message_at, contact.last_incoming_message_at, contact.last_interaction_at];
        assert!(times.into_iter().flatten().all(|at| contact.created_at <= at && at <= NOW));
    }
}

#[test]
fn shares_are_as_promised() {
    let corpus = Corpus::new(5, NOW);
    let contacts: Vec<Contact> = corpus.contacts(0..10_000).collect();
    let tags: usize = contacts.iter().map(|contact| contact.tags.len()).sum();
    assert!((25_000..32_000).contains(&tags), "{tags}");
    let silent = contacts.iter().filter(|contact| contact.last_message_at.is_none()).count();
    assert!((1_700..2_300).contains(&silent), "{silent}");
    let first = contacts.iter().filter(|contact| contact.tags.contains(&TagId(1))).count();
    let hundredth = contacts.iter().filter(|contact| contact.tags.contains(&TagId(100))).count();
    assert!(first > 20 * hundredth.max(1), "{first} and {hundredth}");
    let first_names: HashSet<&String> = contacts.iter().filter_map(|contact| contact.first_name.as_ref()).collect();
    let last_names: HashSet<&String> = contacts.iter().filter_map(|contact| contact.last_name.as_ref()).collect();
    assert!(first_names.len() > 2_500, "{}", first_names.len());
    assert!(last_names.len() > 2_500, "{}", last_names.len());
    let scripts = ['é', 'д', 'م', '王', '田', '김', 'ศ'];
    for letter in scripts {
        assert!(first_names.iter().chain(&last_names).any(|name| name.contains(letter)), "{letter}");
    }
}
