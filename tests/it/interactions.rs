//! What happens with a contact, rule by rule as the specification has it: times, channels, status, history, who may see it.

use serde_json::{Value as Json, json};

use crate::support::api::Api;

/// A contact of the small workspace, and what is recorded of it.
struct Talk {
    api: Api,
    contact: u32,
}

fn at(minute: u32) -> String {
    format!("2026-03-01T10:{minute:02}:00.000Z")
}

impl Talk {
    async fn new() -> Talk {
        Talk { api: Api::new().await, contact: 4 }
    }

    fn path(&self) -> String {
        format!("/v1/contacts/{}/interactions", self.contact)
    }

    async fn record(&self, new: Json) -> Json {
        let reply = self.api.send(&self.api.owner, "POST", &self.path(), &new).await;
        assert!(reply.status < 300, "{new}: {}", String::from_utf8_lossy(&reply.bytes));
        reply.json()
    }

    /// Records a message and gives the contact after it.
    async fn message(&self, kind: &str, channel: &str, minute: u32) -> Json {
        let new = json!({"kind": kind, "channel": channel, "at": at(minute), "text": format!("{kind} {minute}")});
        self.record(new).await["contact"].clone()
    }

    async fn set(&self, changes: Json) -> Json {
        let path = format!("/v1/contacts/{}", self.contact);
        let reply = self.api.send(&self.api.owner, "PATCH", &path, &changes).await;
        assert_eq!(reply.status, 200, "{changes}: {}", String::from_utf8_lossy(&reply.bytes));
        reply.json()["contact"].clone()
    }

    async fn contact(&self) -> Json {
        self.api.get(&self.api.owner, &format!("/v1/contacts/{}", self.contact)).await.json()["contact"].clone()
    }

    async fn channel(&self, name: &str) -> Json {
        let channels = self.api.get(&self.api.owner, "/v1/channels").await.json();
        let mut channels = channels["items"].as_array().expect("channels").clone().into_iter();
        channels.find(|channel| channel["name"] == name).expect("the channel")["id"].clone()
    }
}

const TIMES: [&str; 4] = ["lastMessageAt", "lastIncomingMessageAt", "lastInteractionAt", "conversationOpenedAt"];

fn times(contact: &Json) -> [Json; 4] {
    TIMES.map(|time| contact[time].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_moves_the_times_it_should() {
    let talk = Talk::new().await;
    // A conversation that has not begun is closed: the first message opens it.
    let opened = Json::from(at(1));
    let contact = talk.message("outgoingMessage", "email", 1).await;
    assert_eq!(times(&contact), [at(1).into(), Json::Null, at(1).into(), opened.clone()]);
    assert_eq!(contact["lastInteractedChannel"], talk.channel("Desk").await);
    let contact = talk.message("incomingMessage", "whatsapp", 2).await;
    assert_eq!(times(&contact), [at(2).into(), at(2).into(), at(2).into(), opened.clone()]);
    assert_eq!(contact["lastInteractedChannel"], talk.channel("Shop").await);
    for (kind, minute) in [("comment", 3), ("event", 4)] {
        let contact = talk.record(json!({"kind": kind, "at": at(minute), "text": "x"})).await["contact"].clone();
        assert_eq!(times(&contact), [at(2).into(), at(2).into(), at(minute).into(), opened.clone()], "{kind}");
    }
    let channels = talk.contact().await["channels"].clone();
    let desk = json!({"id": talk.channel("Desk").await, "source": "email", "name": "Desk", "address": null,
        "connectedAt": at(1), "lastMessageAt": at(1), "lastIncomingMessageAt": null});
    let shop = json!({"id": talk.channel("Shop").await, "source": "whatsapp", "name": "Shop", "address": null,
        "connectedAt": at(2), "lastMessageAt": at(2), "lastIncomingMessageAt": at(2)});
    assert_eq!(channels, json!([desk, shop]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_opens_what_was_closed_or_snoozed() {
    let talk = Talk::new().await;
    let put_away = [json!({"status": "closed"}), json!({"status": "snoozed", "snoozedUntil": "2026-03-05T00:00:00Z"})];
    for (status, minute) in put_away.iter().zip([10, 20]) {
        for (kind, minute) in [("incomingMessage", minute), ("outgoingMessage", minute + 1)] {
            talk.set(status.clone()).await;
            let comment = talk.record(json!({"kind": "comment", "at": at(minute), "text": "x"})).await;
            assert_eq!(comment["contact"]["status"], status["status"], "a comment opens nothing");
            let contact = talk.message(kind, "whatsapp", minute).await;
            assert_eq!((&contact["status"], &contact["snoozedUntil"]), (&json!("open"), &Json::Null), "{kind}");
            assert_eq!(contact["conversationOpenedAt"], at(minute), "{kind}");
        }
    }
    let contact = talk.message("incomingMessage", "whatsapp", 30).await;
    assert_eq!(contact["conversationOpenedAt"], at(21), "an open conversation is not opened again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_late_is_kept_and_moves_nothing_back() {
    let talk = Talk::new().await;
    talk.message("incomingMessage", "whatsapp", 10).await;
    let before = talk.message("outgoingMessage", "whatsapp", 30).await;
    talk.set(json!({"status": "closed"})).await;
    // Newer than the last incoming one, older than the last message.
    let contact = talk.message("incomingMessage", "email", 20).await;
    assert_eq!(times(&contact), [30, 20, 30, 10].map(|minute| Json::from(at(minute))));
    assert_eq!(
        (&contact["status"], &contact["lastInteractedChannel"]),
        (&json!("closed"), &before["lastInteractedChannel"])
    );
    // Older than all.
    for (kind, channel) in [("incomingMessage", "whatsapp"), ("outgoingMessage", "email")] {
        let later = talk.message(kind, channel, 5).await;
        assert_eq!(times(&later), times(&contact));
        assert_eq!(later["status"], "closed");
        let link = |contact: &Json, source: &str| {
            let links = contact["channels"].as_array().expect("channels").clone();
            links.into_iter().find(|link| link["source"] == source).expect("the channel")
        };
        assert_eq!(link(&later, channel)["lastMessageAt"], link(&contact, channel)["lastMessageAt"]);
    }
    talk.record(json!({"kind": "event", "at": at(1)})).await;
    assert_eq!(times(&talk.contact().await), times(&contact));
    let history = talk.api.get(&talk.api.owner, &talk.path()).await.json();
    let minutes: Vec<_> = history["items"].as_array().expect("items").iter().map(|item| item["at"].clone()).collect();
    assert_eq!(minutes, [30, 20, 10, 5, 5, 1].map(at));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_message_of_a_blocked_contact_is_dropped_and_says_so() {
    let talk = Talk::new().await;
    talk.set(json!({"status": "closed"})).await;
    let blocked = talk.set(json!({"status": "blocked"})).await;
    let version = talk.api.version(&talk.api.owner).await;
    let new = json!({"kind": "incomingMessage", "channel": "whatsapp", "text": "let me in"});
    let dropped = talk.api.send(&talk.api.owner, "POST", &talk.path(), &new).await;
    assert_eq!(dropped.status, 200);
    let said = dropped.json();
    assert_eq!(said["stored"], false);
    assert!(said["reason"].as_str().is_some_and(|reason| reason.contains("blocked")), "{said}");
    assert!(said.get("interaction").is_none() && said.get("contact").is_none());
    assert_eq!(talk.api.version(&talk.api.owner).await, version, "nothing was written");
    assert_eq!(talk.contact().await, blocked);
    let history = talk.api.get(&talk.api.owner, &talk.path()).await.json();
    assert_eq!(history["items"], json!([]));
    // What the workspace does itself is kept, and the block stays.
    let contact = talk.message("outgoingMessage", "whatsapp", 2).await;
    assert_eq!((&contact["status"], &contact["conversationStatus"]), (&json!("blocked"), &json!("open")));
    let unblock = json!({"contacts": [talk.contact], "action": "unblock"});
    let done = talk.api.send(&talk.api.owner, "POST", "/v1/contacts/actions", &unblock).await;
    assert_eq!(done.json()["changed"], 1);
    assert_eq!(talk.message("incomingMessage", "whatsapp", 3).await["status"], "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_read_newest_first_by_pages_of_any_size() {
    let talk = Talk::new().await;
    // Some at one time: then the one recorded later is the newer.
    let minutes = [5, 1, 5, 3, 5, 9, 1];
    for (place, minute) in minutes.iter().enumerate() {
        talk.record(json!({"kind": "comment", "at": at(*minute), "text": place.to_string()})).await;
    }
    let mut expected: Vec<usize> = (0..minutes.len()).collect();
    expected.sort_by_key(|place| std::cmp::Reverse((minutes[*place], *place)));
    let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    for limit in 1..=8 {
        let (mut seen, mut query) = (Vec::new(), format!("limit={limit}"));
        for page in 0.. {
            assert!(page < 10, "the pages do not end");
            let reply = talk.api.get(&talk.api.owner, &format!("{}?{query}", talk.path())).await.json();
            let items = reply["items"].as_array().expect("items").clone();
            assert!(items.len() <= limit);
            seen.extend(items.iter().map(|item| item["text"].as_str().unwrap_or_default().to_owned()));
            let Some(next) = reply["next"].as_str() else { break };
            assert_eq!(items.len(), limit, "a page that is not the last is full");
            query = format!("limit={limit}&before={next}");
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
    // What is added meanwhile does not shift the pages that follow.
    let first = talk.api.get(&talk.api.owner, &format!("{}?limit=3", talk.path())).await.json();
    talk.record(json!({"kind": "event", "at": at(59)})).await;
    let next = first["next"].as_str().expect("more");
    let second = talk.api.get(&talk.api.owner, &format!("{}?limit=3&before={next}", talk.path())).await.json();
    let texts: Vec<_> = second["items"].as_array().expect("items").iter().map(|item| item["text"].clone()).collect();
    assert_eq!(json!(texts), json!(expected[3..6]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_it_is_said_and_not_forged() {
    let talk = Talk::new().await;
    let id = |reply: Json| reply["user"]["id"].clone();
    let (owner, agent) = (
        id(talk.api.get(&talk.api.owner, "/v1/me").await.json()),
        id(talk.api.get(&talk.api.agent, "/v1/me").await.json()),
    );
    let authors = |kind: &str, author: Option<&Json>| {
        let mut new = json!({"kind": kind, "channel": "whatsapp", "text": "x"});
        if let Some(author) = author {
            new["author"] = author.clone();
        }
        new
    };
    for kind in ["outgoingMessage", "comment"] {
        for (token, author, expected) in [
            (&talk.api.owner, None, Some(&owner)),
            (&talk.api.owner, Some(&agent), Some(&agent)),
            (&talk.api.owner, Some(&json!("abe@example.org")), Some(&agent)),
            (&talk.api.agent, None, Some(&agent)),
            (&talk.api.agent, Some(&agent), Some(&agent)),
            (&talk.api.agent, Some(&json!("me")), Some(&agent)),
            (&talk.api.agent, Some(&owner), None),
        ] {
            let reply = talk.api.send(token, "POST", &talk.path(), &authors(kind, author)).await;
            match expected {
                Some(expected) => assert_eq!(&reply.json()["interaction"]["author"], expected),
                None => assert_eq!((reply.status, reply.code().as_str()), (400, "not_your_own")),
            }
        }
    }
    for kind in ["incomingMessage", "event"] {
        assert_eq!(talk.record(authors(kind, None)).await["interaction"]["author"], Json::Null);
        let reply = talk.api.send(&talk.api.owner, "POST", &talk.path(), &authors(kind, Some(&owner))).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "not_accepted"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_changes_nothing() {
    let talk = Talk::new().await;
    let version = talk.api.version(&talk.api.owner).await;
    let table = [
        (json!({"kind": "incomingMessage"}), "missing_member"),
        (json!({"kind": "outgoingMessage", "text": "x"}), "missing_member"),
        (json!({"kind": "incomingMessage", "channel": 99}), "unknown_channel"),
        (json!({"kind": "incomingMessage", "channel": "carrier pigeon"}), "unknown_channel"),
        (json!({"kind": "comment"}), "missing_member"),
        (json!({"kind": "comment", "text": " "}), "missing_member"),
        (json!({"kind": "comment", "text": "x", "author": 99}), "unknown_user"),
        (json!({"kind": "comment", "text": "x", "at": "tomorrow noon"}), "invalid_time"),
        (json!({"kind": "comment", "text": "x", "at": "2026-03-04T00:00:00Z"}), "time_ahead"),
        (json!({"kind": "shout"}), "unknown_value"),
        (json!({"kind": "comment", "text": "x".repeat(100_000)}), "too_long"),
    ];
    for (new, code) in table {
        let reply = talk.api.send(&talk.api.owner, "POST", &talk.path(), &new).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{:.80}", new.to_string());
    }
    assert_eq!(talk.api.version(&talk.api.owner).await, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reads_and_writes_the_history_of_whom_they_see() {
    let talk = Talk::new().await;
    let me = talk.api.get(&talk.api.loner, "/v1/me").await.json()["user"]["id"].clone();
    talk.record(json!({"kind": "comment", "text": "before"})).await;
    let new = json!({"kind": "comment", "text": "mine"});
    for (assignee, status) in [(Json::Null, 404), (me, 200), (Json::Null, 404)] {
        talk.set(json!({"assignee": assignee})).await;
        assert_eq!(talk.api.get(&talk.api.loner, &talk.path()).await.status, status);
        let wrote = talk.api.send(&talk.api.loner, "POST", &talk.path(), &new).await.status;
        assert_eq!(wrote, if status == 200 { 201 } else { 404 });
    }
    let history = talk.api.get(&talk.api.owner, &talk.path()).await.json();
    let texts: Vec<_> = history["items"].as_array().expect("items").iter().map(|item| item["text"].clone()).collect();
    assert_eq!(json!(texts), json!(["mine", "before"]));
}
