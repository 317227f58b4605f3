//! Deleting a workspace: off the list and out of memory at once, out of the store batch by batch.

use std::sync::atomic::Ordering;

use super::shared::Shared;
use super::{Engine, Error, Result, checkpoint};
use crate::contact::WorkspaceId;

impl Engine {
    /// Deletes a workspace with everything in it, tokens included, for good. `contacts` repeats how many it has, so that the
    /// wrong one is not deleted by a slip. Its id is never given again. Ended by a crash, it is finished at the next start.
    ///
    /// # Errors
    /// [`Error::NotFound`]; `count_differs` where it has another number of contacts (`contacts` in the details);
    /// `backup_running`.
    pub fn delete_workspace(&self, ws: WorkspaceId, contacts: u64) -> Result<()> {
        // Taken here and not in the committer, which whoever makes a token waits for.
        let tokens = self.shared.tokens_writing.lock();
        let shared = self.shared.clone();
        self.committer.alone(move || begin(&shared, ws, contacts))??;
        self.shared.tokens.write().retain(|_, token| token.workspace != ws);
        drop(tokens);
        loop {
            let records = self.shared.records.clone();
            // One batch at a time, so that other workspaces' writes come in between.
            if self.committer.alone(move || records.go_on_deleting(ws))?? {
                break;
            }
        }
        self.shared.cache.remove_all(ws);
        match self.shared.folder(ws).map(std::fs::remove_dir_all) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(checkpoint::io(error)),
            _ => Ok(()),
        }
    }
}

/// Runs in the committer: no write is under way, and those that wait find no workspace.
fn begin(shared: &Shared, ws: WorkspaceId, contacts: u64) -> Result<()> {
    let missing = || Error::NotFound { what: "workspace", name: ws.to_string() };
    let has = shared.records.head(ws)?.filter(|_| shared.directory.read().has(ws)).ok_or_else(missing)?.contacts;
    if has != contacts {
        return Err(Error::State {
            code: "count_differs",
            message: format!("the workspace has {has} contacts, not {contacts}: nothing was deleted"),
            details: Some(Box::new(serde_json::json!({ "contacts": has }))),
        });
    }
    let workspace = shared.directory.write().remove(ws).ok_or_else(missing)?;
    // A backup counts itself before it reads the list: one that has read it is seen here.
    if shared.backups.load(Ordering::SeqCst) > 0 {
        shared.directory.write().put(workspace);
        let message = "a backup is being written: delete the workspace when it is done".into();
        return Err(Error::State { code: "backup_running", message, details: None });
    }
    if let Err(error) = shared.records.begin_deletion(ws) {
        shared.directory.write().put(workspace);
        return Err(error.into());
    }
    shared.let_go(ws);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value as Json, json};

    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::contact::{Role, User, UserId};
    use crate::engine::{Actor, NewWorkspace, Query};
    use crate::store::{MemoryStore, Store};

    fn fields(name: &str) -> Map<String, Json> {
        json!({"firstName": name}).as_object().cloned().expect("an object")
    }

    fn open(store: &Arc<dyn Store>) -> Arc<Engine> {
        let settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        Engine::open(store.clone(), None, settings, Clock::fixed(0)).expect("opens")
    }

    fn made(engine: &Engine, name: &str) -> (WorkspaceId, String) {
        let new =
            NewWorkspace { name: name.into(), default_country: None, timezone: "UTC".into(), locale: "en".into() };
        let ws = engine.create_workspace(new).expect("a workspace").id;
        let owner = User {
            id: UserId(0),
            first_name: "O".into(),
            last_name: None,
            email: "o@example.org".into(),
            role: Role::Owner,
            team: None,
            restrict_data_export: false,
            restrict_contact_deletion: false,
            show_only_mine: false,
            show_team_contacts: false,
            columns: None,
        };
        let owner = engine.put_user(ws, owner).expect("a user").value.id;
        let many: Vec<_> = (0..1200).map(|at| fields(&format!("{name}{at}"))).collect();
        engine.create_many(&Actor::operator(ws), &many, true, true).expect("contacts");
        (ws, engine.create_token(ws, owner, "t", None).expect("a token").1)
    }

    #[test]
    fn nothing_is_left_of_a_deleted_workspace_and_the_others_stay() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let engine = open(&store);
        let ((gone, token), (kept, other)) = (made(&engine, "gone"), made(&engine, "kept"));
        let refused = engine.delete_workspace(gone, 3);
        assert!(matches!(&refused, Err(Error::State { code: "count_differs", .. })), "{refused:?}");
        assert!(refused.unwrap_err().to_string().contains("1200"));
        assert!(engine.authenticate(&token).is_some());
        engine.delete_workspace(gone, 1200).expect("deleted");
        let absent = |result: Result<()>| assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}");
        absent(engine.delete_workspace(gone, 1200));
        absent(engine.count(&Actor::operator(gone), &Query::default()).map(drop));
        absent(engine.create_contact(&Actor::operator(gone), &fields("late")).map(drop));
        absent(engine.create_token(gone, UserId(1), "late", None).map(drop));
        assert!(engine.authenticate(&token).is_none() && engine.authenticate(&other).is_some());
        assert_eq!(engine.count(&Actor::operator(kept), &Query::default()).expect("a count").value, 1200);
        let left = store.scan(&gone.0.to_be_bytes(), &kept.0.to_be_bytes(), 9).expect("a scan");
        assert!(left.is_empty(), "{} entries are left", left.len());
        // The name is free, the id is not, also after a restart.
        assert!(made(&engine, "gone").0 > kept);
        engine.close().expect("closes");
        let ids: Vec<u32> = open(&store).workspaces().expect("workspaces").iter().map(|one| one.id.0).collect();
        assert_eq!(ids, [kept.0, kept.0 + 1]);
    }

    #[test]
    fn reads_and_writes_under_way_end_well_while_their_workspace_goes() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let engine = open(&store);
        let (gone, _) = made(&engine, "gone");
        let (kept, _) = made(&engine, "kept");
        std::thread::scope(|scope| {
            for writes in [true, false, true, false] {
                let engine = &engine;
                scope.spawn(move || {
                    let actor = Actor::operator(gone);
                    loop {
                        let ended = match writes {
                            true => engine
                                .add_tags(
                                    &actor,
                                    &crate::contact::identity::Identifier::Id(crate::contact::ContactId(1)),
                                    &["x".to_owned()],
                                )
                                .map(drop),
                            false => engine.search(&actor, &Query::default()).map(drop),
                        };
                        match ended {
                            Ok(()) => {}
                            Err(Error::NotFound { what: "workspace", .. }) => return,
                            Err(other) => panic!("{other}"),
                        }
                    }
                });
            }
            engine.delete_workspace(gone, 1200).expect("deleted");
            engine.create_contact(&Actor::operator(kept), &fields("more")).expect("written");
        });
        assert!(engine.shared.all_awake().iter().all(|workspace| workspace.id != gone));
        assert!(store.scan(&gone.0.to_be_bytes(), &kept.0.to_be_bytes(), 9).expect("a scan").is_empty());
    }
}
