//! What other programs call a field in their exports, and which field each column of a file seems to hold.

use serde_json::{Map, Value as Json};

use super::infer::is_phone_like;
use super::mapping::{Named, bare, named};
use super::spec::{Suggestion, Sure};
use crate::contact::draft::{self, Scope};
use crate::contact::{Catalog, Draft, Millis};

/// Headers of exports: Google Contacts in its old and its new form, Outlook, HubSpot, respond.io, and those that people write
/// themselves. Where several columns of a file hold one field, the first of its line wins.
const EXPORTS: &[(&str, &[&str])] = &[
    ("id", &["Contact ID"]),
    ("firstName", &["First Name", "Given Name", "Forename", "Vorname", "Prénom", "Nombre", "Fname"]),
    ("lastName", &["Last Name", "Family Name", "Surname", "Nachname", "Apellidos", "Lname"]),
    (
        "email",
        &[
            "Email",
            "E-mail Address",
            "Email Address",
            "E-mail 1 - Value",
            "Email Addresses",
            "Primary Email",
            "E-mail",
            "Mail",
            "E-mail 2 - Value",
            "E-mail 2 Address",
            "E-mail 3 - Value",
            "E-mail 3 Address",
            "Work email",
        ],
    ),
    (
        "phone",
        &[
            "Phone Number",
            "Phone 1 - Value",
            "Mobile Phone",
            "Mobile Phone Number",
            "Mobile Number",
            "Mobile",
            "Cell Phone",
            "Primary Phone",
            "Phone Numbers",
            "WhatsApp Phone Number",
            "WhatsApp",
            "Telephone",
            "Telephone Number",
            "Tel",
            "Business Phone",
            "Home Phone",
            "Company Main Phone",
            "Phone 2 - Value",
            "Phone 3 - Value",
            "Business Phone 2",
            "Home Phone 2",
            "Other Phone",
        ],
    ),
    ("countryCode", &["Country", "Country Code", "Country/Region", "Country/Region Code", "Home Country/Region"]),
    ("language", &["Language", "Preferred language", "Locale"]),
    ("profilePic", &["Profile Picture", "Photo"]),
    ("tags", &["Tags", "Labels", "Group Membership", "Contact Tags", "Categories"]),
    ("assignee", &["Assignee", "Contact owner", "Assigned To", "Assignee Email"]),
    ("lifecycle", &["Lifecycle", "Lifecycle Stage"]),
    ("status", &["Conversation Status"]),
    ("lastMessageAt", &["Last Message", "Last Message Time"]),
    ("lastInteractionAt", &["Last Interaction Time"]),
    ("conversationOpenedAt", &["Conversation Opened Time"]),
    ("createdAt", &["Created At", "Date Added", "Create Date", "Contact Creation Time"]),
];

/// Values of a column that are looked at.
pub const SAMPLES: usize = 50;

/// The fields that the columns seem to hold, in their order; no field twice.
pub fn suggest(columns: &[String], samples: &[Vec<String>], catalog: &Catalog, now: Millis) -> Vec<Option<Suggestion>> {
    let mut found: Vec<Option<Suggestion>> = vec![None; columns.len()];
    let mut taken: Vec<String> = Vec::new();
    let none = Vec::new();
    let values = |at: usize| samples.get(at).unwrap_or(&none);
    let mut named: Vec<(Sure, usize, usize, String)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        named.extend(by_name(column, catalog).into_iter().map(|(sure, rank, field)| (sure, rank, at, field)));
    }
    named.sort();
    for (sure, _, at, field) in named {
        let fits = sure == Sure::Name || fit(&field, values(at), catalog, now);
        if found[at].is_none() && !taken.contains(&field) && fits {
            taken.push(field.clone());
            found[at] = Some(Suggestion { field, sure });
        }
    }
    for (at, column) in columns.iter().enumerate() {
        let free = |field: &&str| found[at].is_none() && !taken.iter().any(|other| other == field);
        if let Some(field) = by_content(column, values(at)).filter(free) {
            taken.push(field.to_owned());
            found[at] = Some(Suggestion { field: field.to_owned(), sure: Sure::Content });
        }
    }
    found
}

/// Every field that the header may mean, with its rank among the headers that mean it.
fn by_name(column: &str, catalog: &Catalog) -> Vec<(Sure, usize, String)> {
    let mut found = Vec::new();
    match named(column, catalog) {
        Some(Named::Field { name, exactly }) => {
            found.push((if exactly { Sure::Name } else { Sure::Alias }, 0, name));
        }
        // What exports show and imports do not set is left out, whatever other programs mean by the word.
        Some(Named::Shown) => return found,
        None => {}
    }
    let header = bare(column);
    for (field, headers) in EXPORTS {
        if let Some(rank) = headers.iter().position(|known| bare(known) == header) {
            found.push((Sure::Export, rank, (*field).to_owned()));
        }
    }
    found
}

/// Whether at least half of the values can be the field's: a country by name cannot, nor an unknown lifecycle stage.
fn fit(field: &str, values: &[String], catalog: &Catalog, now: Millis) -> bool {
    if matches!(field, "id" | "tags" | "firstName" | "lastName") {
        return true;
    }
    let good = values.iter().filter(|value| {
        let value = super::apply::first_of(value);
        let fields = Map::from_iter([(field.to_owned(), Json::from(value))]);
        Draft::read(&fields, catalog, Scope::Everything, now).is_ok()
    });
    good.count() * 2 >= values.len()
}

/// What nearly all values look like.
fn by_content(column: &str, values: &[String]) -> Option<&'static str> {
    let share = |looks: &dyn Fn(&str) -> bool| {
        let good = values.iter().filter(|value| looks(value)).count();
        !values.is_empty() && good * 10 >= values.len() * 9
    };
    if share(&|value| draft::email(value).is_ok()) {
        return Some("email");
    }
    if share(&|value| is_phone_like(value)) {
        return Some("phone");
    }
    // A whole name goes where a name is shown; it is for the caller to say so.
    matches!(bare(column).as_str(), "name" | "fullname" | "displayname" | "contactname").then_some("firstName")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header lines as the programs write them, with the columns that are taken and for what.
    const FILES: &[(&str, &str)] = &[
        (
            "Name,Given Name,Additional Name,Family Name,Yomi Name,Birthday,Notes,Group Membership,E-mail 1 - Type,\
             E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Phone 2 - Value,Organization 1 - Name",
            "Given Name=firstName Family Name=lastName Group Membership=tags E-mail 1 - Value=email Phone 1 - Value=phone",
        ),
        (
            "First Name,Middle Name,Last Name,Nickname,Organization Name,Notes,Photo,Labels,E-mail 1 - Label,\
             E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value",
            "First Name=firstName Last Name=lastName Photo=profilePic Labels=tags E-mail 1 - Value=email Phone 1 - Value=phone",
        ),
        (
            "Title,First Name,Middle Name,Last Name,Company,Job Title,Business Street,Home Phone,Business Phone,\
             Mobile Phone,E-mail Address,E-mail 2 Address,Categories",
            "First Name=firstName Last Name=lastName Mobile Phone=phone E-mail Address=email Categories=tags",
        ),
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,Lead Status,Lifecycle Stage,\
             Create Date,Associated Company,Country/Region",
            "First Name=firstName Last Name=lastName Email=email Phone Number=phone Contact owner=assignee \
             Lifecycle Stage=lifecycle Create Date=createdAt Country/Region=countryCode",
        ),
        (
            "Contact ID,First Name,Last Name,Phone Number,Email,Country,Language,Tags,Conversation Status,Assignee,Lifecycle,\
             Last Message,Date Added",
            "Contact ID=id First Name=firstName Last Name=lastName Phone Number=phone Email=email Country=countryCode \
             Language=language Tags=tags Conversation Status=conversationStatus Assignee=assignee Lifecycle=lifecycle \
             Last Message=lastMessageAt Date Added=createdAt",
        ),
        (
            "firstName,lastName,email,phone,countryCode,profilePic,tags,created_at",
            "firstName=firstName lastName=lastName email=email phone=phone countryCode=countryCode profilePic=profilePic \
             tags=tags created_at=createdAt",
        ),
    ];

    #[test]
    fn exports_of_other_programs_are_known() {
        let catalog = Catalog::default();
        for (header, wanted) in FILES {
            let columns: Vec<String> = header.split(',').map(|cell| cell.trim().to_owned()).collect();
            let found = suggest(&columns, &[], &catalog, 0);
            let found = columns.iter().zip(&found).filter_map(|(column, to)| {
                let to = to.as_ref().filter(|to| to.sure != Sure::Content)?;
                Some(format!("{column}={}", to.field))
            });
            let found: Vec<String> = found.collect();
            assert_eq!(found.join(" "), wanted.split_whitespace().collect::<Vec<_>>().join(" "), "{header}");
        }
    }

    #[test]
    fn values_tell_where_the_header_does_not_or_misleads() {
        let catalog = Catalog::default();
        let columns = ["Country", "contact", "how to call", "Contact owner", "Name"].map(str::to_owned);
        let samples: [&[&str]; 5] =
            [&["Germany", "France"], &["a@b.co", "c@d.co"], &["+49 30 123456"], &["Nobody Here"], &["Ana Lee"]];
        let samples = samples.map(|values| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        let found = suggest(&columns, &samples, &catalog, 0);
        let found: Vec<Option<(&str, Sure)>> =
            found.iter().map(|to| to.as_ref().map(|to| (to.field.as_str(), to.sure))).collect();
        let content = |field| Some((field, Sure::Content));
        assert_eq!(found, [None, content("email"), content("phone"), None, content("firstName")]);
    }
}
