//! Who may do what: one table of actions, roles and restrictions, and the extractor that reads it before a handler runs.
//!
#![doc = include_str!("roles.md")]

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::Version;
use axum::http::request::Parts;

use super::auth::Caller;
use super::identifier::Named;
use super::problem::{Kind, Problem};
use crate::contact::identity::Identifier;
use crate::contact::{Catalog, Contact, Role, Seq, User};
use crate::engine::{Actor, Engine, Error, Written};
use Grant::{No, Seen, Yes};

/// What a role has of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Allowed.
    Yes,
    /// Allowed on a contact that the user may see.
    Seen,
    /// Refused.
    No,
}

/// A restriction of a user, and its name.
pub type Restriction = (fn(&User) -> bool, &'static str);

/// One row of the table.
#[derive(Debug)]
pub struct Rule {
    /// The action's name on the wire (`GET /v1/me`).
    pub action: &'static str,
    pub owner: Grant,
    pub manager: Grant,
    pub agent: Grant,
    /// The user's restriction that takes the action from a manager.
    pub restriction: Option<Restriction>,
    /// Said to who is refused.
    pub reason: &'static str,
}

/// An action as a type, so that a handler's signature says what it needs.
pub trait Action: Send + Sync + 'static {
    /// The action's row.
    const RULE: &'static Rule;
}

macro_rules! actions {
    ($($action:ident $name:literal $owner:ident $manager:ident $agent:ident $restriction:expr, $reason:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub struct $action;

            impl Action for $action {
                const RULE: &'static Rule = &Rule {
                    action: $name, owner: $owner, manager: $manager, agent: $agent,
                    restriction: $restriction, reason: $reason,
                };
            }
        )*

        /// The table.
        pub const RULES: &[&Rule] = &[$($action::RULE),*];
    };
}

actions! {
    // action         on the wire        owner manager agent  taken away by        why not
    ReadContact       "readContact"      Yes   Yes     Seen   None,                "this contact is not shown to you";
    RecordInteraction "recordInteraction" Yes  Yes     Seen   None,                "this contact is not shown to you";
    TagContact        "tagContact"       Yes   Yes     Seen   None,                "this contact is not shown to you";
    ExplainContact    "explainContact"   Yes   Yes     Seen   None,                "this contact is not shown to you";
    SearchContacts    "searchContacts"   Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    CreateContact     "createContact"    Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    UpdateContact     "updateContact"    Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    DeleteContact     "deleteContact"    Yes   Yes     No     NO_DELETION,         "the Contacts module is for owners and managers";
    EditContacts      "editContacts"     Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    MergeContacts     "mergeContacts"    Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    RunJobs           "runJobs"          Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    ImportContacts    "importContacts"   Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    ExportContacts    "exportContacts"   Yes   Yes     No     NO_EXPORT,           "the Contacts module is for owners and managers";
    ReadSegments      "readSegments"     Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    ChangeSegments    "changeSegments"   Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    ChangeOwnColumns  "changeOwnColumns" Yes   Yes     No     None,                "the Contacts module is for owners and managers";
    ReadDefinitions   "readDefinitions"  Yes   Yes     Yes    None,                "what the workspace defines is for its users";
    ChangeDefinitions "changeDefinitions" Yes  Yes     No     None,                "fields, tags, channels and lifecycle stages are kept by owners and managers";
    ChangeUsers       "changeUsers"      Yes   No      No     None,                "users, their roles and restrictions are kept by owners";
}

const NO_EXPORT: Option<Restriction> = Some((|user| user.restrict_data_export, "restrict_data_export"));
const NO_DELETION: Option<Restriction> = Some((|user| user.restrict_contact_deletion, "restrict_contact_deletion"));

impl Rule {
    /// What the rule gives a user; the operator (no user) is given everything.
    ///
    /// # Errors
    /// The refusal with its reason.
    pub fn grant(&self, user: Option<&User>) -> Result<Grant, Problem> {
        let Some(user) = user else { return Ok(Yes) };
        let grant = match user.role {
            Role::Owner => self.owner,
            Role::Manager => self.manager,
            Role::Agent => self.agent,
        };
        if grant == No {
            return Err(Problem::new(Kind::Forbidden, self.reason).code("role_not_allowed"));
        }
        match self.restriction {
            Some((restricts, name)) if user.role != Role::Owner && restricts(user) => {
                let detail = format!("the restriction {name} of your user takes this away");
                Err(Problem::new(Kind::Forbidden, detail).code("user_restricted"))
            }
            _ => Ok(grant),
        }
    }
}

/// A caller who may do `A`. A contact is reached through it only, so that one they may not see reads as absent.
pub struct May<A> {
    actor: Actor,
    grant: Grant,
    /// Whether other requests come by the same connection meanwhile.
    shares_connection: bool,
    action: PhantomData<A>,
}

impl<A: Action, S: Sync> FromRequestParts<S> for May<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Caller(actor) = Caller::of(parts)?;
        let grant = A::RULE.grant(actor.user.as_deref())?;
        let shares_connection = parts.version > Version::HTTP_11;
        Ok(May { actor, grant, shares_connection, action: PhantomData })
    }
}

impl<A: Action> May<A> {
    /// The same caller's right to a second action, where a request asks for one of several.
    ///
    /// # Errors
    /// The refusal with its reason.
    pub fn also<B: Action>(&self) -> Result<(), Problem> {
        B::RULE.grant(self.actor.user.as_deref()).map(|_| ())
    }

    /// Whether a read has nothing to wait for: the workspace is awake and has that version, and nobody else's answer waits for
    /// this one's thread.
    pub fn at_hand(&self, engine: &Engine, min_version: Option<Seq>) -> bool {
        !self.shares_connection && engine.is_at_hand(self.actor.workspace, min_version)
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The contact, as this caller may see it.
    ///
    /// # Errors
    /// 404 alike where it is absent and where they may not see it; the engine's own.
    pub fn contact(
        &self,
        engine: &Engine,
        named: &Named,
        min_version: Option<Seq>,
    ) -> Result<(Written<std::sync::Arc<Contact>>, std::sync::Arc<Catalog>), Problem> {
        let catalog = engine.catalog(self.actor.workspace)?;
        let who = named.identifier(&catalog)?;
        let found = engine.contact(self.actor.workspace, &who, min_version).map_err(|error| hide(error, named))?;
        if !self.actor.sees(&found.value, &catalog) {
            return Err(named.absent());
        }
        // Read again: the contact may carry what was defined after the first reading.
        Ok((found, engine.catalog(self.actor.workspace)?))
    }

    /// Whether [`May::reach`] asks nothing of the disk.
    pub fn reaches_at_once(&self, engine: &Engine) -> bool {
        self.grant != Seen && engine.is_at_hand(self.actor.workspace, None)
    }

    /// The identifier of a contact that this caller may reach, for a write.
    ///
    /// # Errors
    /// As [`May::contact`].
    pub fn reach(&self, engine: &Engine, named: &Named) -> Result<Identifier, Problem> {
        if self.grant == Seen {
            // The write looks once more: meanwhile the contact may be merged into one that they do not see.
            let (found, _) = self.contact(engine, named, None)?;
            return Ok(Identifier::Id(found.value.id));
        }
        named.identifier(&*engine.catalog(self.actor.workspace)?)
    }
}

/// An absent contact reads the same however it was found to be absent.
pub fn hide(error: Error, named: &Named) -> Problem {
    match error {
        Error::NotFound { what: "contact", .. } => named.absent(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::UserId;

    fn user(role: Role) -> User {
        User { id: UserId(7), ..User::new("Ana", "ana@example.org", role) }
    }

    /// The table as the specification has it, written out once more: owner, manager, agent, manager who may not delete,
    /// manager who may not export.
    const CELLS: &[(&str, &str)] = &[
        ("readContact", "yes yes seen yes yes"),
        ("recordInteraction", "yes yes seen yes yes"),
        ("tagContact", "yes yes seen yes yes"),
        ("explainContact", "yes yes seen yes yes"),
        ("searchContacts", "yes yes no yes yes"),
        ("createContact", "yes yes no yes yes"),
        ("updateContact", "yes yes no yes yes"),
        ("deleteContact", "yes yes no no yes"),
        ("editContacts", "yes yes no yes yes"),
        ("mergeContacts", "yes yes no yes yes"),
        ("runJobs", "yes yes no yes yes"),
        ("importContacts", "yes yes no yes yes"),
        ("exportContacts", "yes yes no yes no"),
        ("readSegments", "yes yes no yes yes"),
        ("changeSegments", "yes yes no yes yes"),
        ("changeOwnColumns", "yes yes no yes yes"),
        ("readDefinitions", "yes yes yes yes yes"),
        ("changeDefinitions", "yes yes no yes yes"),
        ("changeUsers", "yes no no no no"),
    ];

    #[test]
    fn every_cell_of_the_table() {
        let held_back = User { restrict_contact_deletion: true, ..user(Role::Manager) };
        let no_export = User { restrict_data_export: true, ..user(Role::Manager) };
        let users = [user(Role::Owner), user(Role::Manager), user(Role::Agent), held_back, no_export];
        assert_eq!(RULES.len(), CELLS.len());
        for (rule, (action, cells)) in RULES.iter().zip(CELLS) {
            assert_eq!(rule.action, *action);
            for (user, cell) in users.iter().zip(cells.split(' ')) {
                let found = match rule.grant(Some(user)) {
                    Ok(Yes) => "yes",
                    Ok(Seen) => "seen",
                    Ok(No) | Err(_) => "no",
                };
                assert_eq!(found, cell, "{action} for {:?}", user.role);
            }
            assert!(rule.grant(None).is_ok(), "{action} for the operator");
        }
    }

    /// The table as people read it.
    fn page() -> String {
        let cell = |grant: Grant, rule: &Rule, is_manager: bool| match (grant, rule.restriction) {
            (Yes, Some((_, name))) if is_manager => format!("yes, unless `{name}`"),
            (Yes, _) => "yes".to_owned(),
            (Seen, _) => "on a contact they see".to_owned(),
            (No, _) => "no".to_owned(),
        };
        let row = |rule: &&Rule| {
            let grants = [(rule.owner, false), (rule.manager, true), (rule.agent, false)];
            let cells = grants.map(|(grant, is_manager)| cell(grant, rule, is_manager));
            format!("| `{}` | {} |\n", rule.action, cells.join(" | "))
        };
        let rows: String = RULES.iter().map(row).collect();
        format!(
            "| action | owner | manager | agent |\n|---|---|---|---|\n{rows}\n\
             An agent sees every contact; with `show_only_mine` those assigned to them; with `show_team_contacts` those assigned\n\
             to someone of their team; with both the former. A contact they do not see reads as absent. A restriction binds no\n\
             owner. `GET /v1/me` says what the token's user may do.\n"
        )
    }

    #[test]
    fn the_page_says_what_the_table_says() {
        if std::env::var_os("ROLLCALL_WRITE_ROLES").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/roles.md"), page()).expect("written");
            return;
        }
        assert_eq!(include_str!("roles.md"), page(), "ROLLCALL_WRITE_ROLES=1 cargo test --lib roles writes it anew");
    }

    #[test]
    fn an_owner_is_not_restricted() {
        let owner = User { restrict_contact_deletion: true, ..user(Role::Owner) };
        assert!(DeleteContact::RULE.grant(Some(&owner)).is_ok());
    }

    #[test]
    fn an_agent_sees_what_the_restrictions_leave() {
        let mut catalog = Catalog::default();
        for (id, team) in [(7, Some("east")), (8, Some("east")), (9, Some("west")), (10, None)] {
            let email = format!("u{id}@example.org");
            catalog.put_user(User { id: UserId(id), email, team: team.map(Into::into), ..user(Role::Agent) });
        }
        let agent = |mine, team| User {
            team: Some("east".into()),
            show_only_mine: mine,
            show_team_contacts: team,
            ..user(Role::Agent)
        };
        let seen = |user: &User| {
            [None, Some(7), Some(8), Some(9), Some(10), Some(99)].map(|assignee| {
                let contact = Contact { assignee: assignee.map(UserId), ..Contact::default() };
                user.sees(&contact, &catalog)
            })
        };
        assert_eq!(seen(&agent(false, false)), [true; 6]);
        assert_eq!(seen(&agent(true, false)), [false, true, false, false, false, false]);
        assert_eq!(seen(&agent(false, true)), [false, true, true, false, false, false]);
        assert_eq!(seen(&agent(true, true)), [false, true, false, false, false, false]);
        let teamless = User { team: None, ..agent(false, true) };
        assert_eq!(seen(&teamless), [false, true, false, false, false, false]);
        let manager = User { show_only_mine: true, ..user(Role::Manager) };
        assert_eq!(seen(&manager), [true; 6]);
    }
}
