//! Writes over HTTP, and what each makes of a contact, told without the server's help.

use rollcall::contact::time::rfc3339;
use serde_json::{Map, Value as Json, json};

/// One write of one caller.
#[derive(Clone, Debug)]
pub enum Write {
    Create(Json),
    Update(u32, Json),
    Delete(u32),
    AddTags(u32, Vec<String>),
    RemoveTags(u32, Vec<String>),
    Record(u32, Json),
    NewTag(String),
    NewField(Json),
}

impl Write {
    /// Method, path and body of the request.
    pub fn request(&self) -> (&'static str, String, Option<Json>) {
        let contact = |id: &u32, rest: &str| format!("/v1/contacts/id:{id}{rest}");
        match self {
            Write::Create(body) => ("POST", "/v1/contacts".into(), Some(body.clone())),
            Write::Update(id, body) => ("PATCH", contact(id, ""), Some(body.clone())),
            Write::Delete(id) => ("DELETE", contact(id, ""), None),
            Write::AddTags(id, tags) => ("POST", contact(id, "/tags"), Some(json!({ "tags": tags }))),
            Write::RemoveTags(id, tags) => ("DELETE", contact(id, "/tags"), Some(json!({ "tags": tags }))),
            Write::Record(id, body) => ("POST", contact(id, "/interactions"), Some(body.clone())),
            Write::NewTag(name) => ("POST", "/v1/tags".into(), Some(json!({ "name": name }))),
            Write::NewField(body) => ("POST", "/v1/fields".into(), Some(body.clone())),
        }
    }

    /// The contact it changes.
    pub fn contact(&self) -> Option<u32> {
        match self {
            Write::Update(id, _)
            | Write::Delete(id)
            | Write::AddTags(id, _)
            | Write::RemoveTags(id, _)
            | Write::Record(id, _) => Some(*id),
            Write::Create(_) | Write::NewTag(_) | Write::NewField(_) => None,
        }
    }

    /// The contact that it leaves, in [`plain`] form, of one that was `before`.
    pub fn outcome(&self, before: &Json) -> Json {
        let mut contact = plain(before);
        let Some(members) = contact.as_object_mut() else { return contact };
        match self {
            Write::Create(body) => {
                members.extend([("status", "closed"), ("conversationStatus", "closed")].map(owned));
                members.insert("channels".into(), json!([]));
                members.insert("tags".into(), json!([]));
                members.insert("customFields".into(), json!({}));
                change(members, body);
                if let Some(Json::String(phone)) = members.get("phone").cloned() {
                    let country = if phone.starts_with("+60") { "MY" } else { "DE" };
                    members.insert("countryCode".into(), country.into());
                }
            }
            Write::Update(_, body) => change(members, body),
            Write::AddTags(_, names) => {
                let mut tags = strings(&members["tags"]);
                tags.extend(names.iter().cloned());
                members.insert("tags".into(), sorted(tags));
            }
            Write::RemoveTags(_, names) => {
                let mut tags = strings(&members["tags"]);
                tags.retain(|tag| !names.contains(tag));
                members.insert("tags".into(), sorted(tags));
            }
            Write::Record(_, body) => record(members, body),
            Write::Delete(_) | Write::NewTag(_) | Write::NewField(_) => {}
        }
        contact
    }
}

fn owned((name, value): (&str, &str)) -> (String, Json) {
    (name.to_owned(), value.into())
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn sorted(mut names: Vec<String>) -> Json {
    names.sort();
    names.dedup();
    names.into()
}

/// Sets what the body gives and takes away what it says is null.
fn change(members: &mut Map<String, Json>, body: &Json) {
    for (name, value) in body.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("customFields", Json::Object(fields)) => {
                for (slug, value) in fields {
                    set(members["customFields"].as_object_mut().expect("an object"), slug, value);
                }
            }
            ("tags", _) => drop(members.insert(name.clone(), sorted(strings(value)))),
            ("phone", _) => {
                set(members, name, value);
                set(members, "phoneGiven", value);
            }
            ("status", _) => {
                set(members, name, value);
                set(members, "conversationStatus", value);
            }
            _ => set(members, name, value),
        }
    }
    let text = |name: &str| members.get(name).and_then(Json::as_str);
    let full: Vec<&str> = ["firstName", "lastName"].into_iter().filter_map(text).collect();
    let name = if full.is_empty() { text("phone").or(text("email")).unwrap_or("") } else { &full.join(" ") };
    let name = name.to_owned();
    members.insert("name".into(), name.into());
}

fn set(members: &mut Map<String, Json>, name: &str, value: &Json) {
    match value {
        Json::Null => drop(members.shift_remove(name)),
        value => drop(members.insert(name.to_owned(), value.clone())),
    }
}

/// What a comment or message makes of a contact whose last one was earlier.
fn record(members: &mut Map<String, Json>, body: &Json) {
    let at: Json = rfc3339(body["at"].as_i64().expect("milliseconds")).into();
    members.insert("lastInteractionAt".into(), at.clone());
    let incoming = body["kind"] == "incomingMessage";
    if !incoming && body["kind"] != "outgoingMessage" {
        return;
    }
    members.insert("lastMessageAt".into(), at.clone());
    members.insert("lastInteractedChannel".into(), body["channel"].clone());
    if members["conversationStatus"] != "open" {
        members.extend([("status", "open"), ("conversationStatus", "open")].map(owned));
        members.insert("conversationOpenedAt".into(), at.clone());
    }
    let channels = members["channels"].as_array_mut().expect("a list");
    if channels.is_empty() {
        channels.push(json!({"id": body["channel"], "connectedAt": at}));
    }
    channels[0]["lastMessageAt"] = at.clone();
    if incoming {
        channels[0]["lastIncomingMessageAt"] = at.clone();
        members.insert("lastIncomingMessageAt".into(), at);
    }
}

/// A contact as answered, without what the server alone decides (`id`, `version`, `createdAt`, `updatedAt`, the channels'
/// names), without absent values, its tags sorted.
pub fn plain(contact: &Json) -> Json {
    let mut members = contact.as_object().cloned().unwrap_or_default();
    for name in ["id", "version", "createdAt", "updatedAt"] {
        members.shift_remove(name);
    }
    members.retain(|_, value| !value.is_null());
    if let Some(fields) = members.get_mut("customFields").and_then(Json::as_object_mut) {
        fields.retain(|_, value| !value.is_null());
    }
    if let Some(tags) = members.get_mut("tags") {
        *tags = sorted(strings(tags));
    }
    for channel in members.get_mut("channels").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(link) = channel.as_object_mut() {
            link.retain(|name, value| !value.is_null() && name != "name" && name != "source");
        }
    }
    members.into()
}

/// Whether both are the same contact at the same version; custom fields made since are null in the later one.
pub fn same(earlier: &Json, later: &Json) -> bool {
    let decided = ["id", "version", "createdAt", "updatedAt"];
    decided.iter().all(|name| earlier[name] == later[name]) && plain(earlier) == plain(later)
}
