//! Deleting a workspace: off the list and out of memory at once, out of the store batch by batch.

use std::sync::atomic::Ordering;

use super::shared::Shared;
use super::{Engine, Error, Result, checkpoint};
use crate::contact::WorkspaceId;
use crate::store::Deletion;

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
        let mut deletion = self.committer.alone(move || begin(&shared, ws, contacts))??;
        self.shared.tokens.write().retain(|_, token| token.workspace != ws);
        drop(tokens);
        loop {
            let records = self.shared.records.clone();
            // One batch at a time, so that other workspaces' writes come in between.
            let step = move || records.go_on_deleting(&mut deletion).map(|is_over| (is_over, deletion));
            let (is_over, rest) = self.committer.alone(step)??;
            if is_over {
                break;
            }
            deletion = rest;
        }
        self.shared.cache.remove_all(ws);
        match self.shared.folder(ws).map(std::fs::remove_dir_all) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(checkpoint::io(error)),
            _ => Ok(()),
        }
    }
}

/// Runs in the committer: no write is under way, and those that wait find no workspace.
fn begin(shared: &Shared, ws: WorkspaceId, contacts: u64) -> Result<Deletion> {
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
    let begun = shared.records.begin_deletion(ws).inspect_err(|_| shared.directory.write().put(workspace))?;
    shared.let_go(ws);
    Ok(begun)
}

/// Removes the folders of workspaces that are no more: a crash may have come before their deletion got to them.
pub(super) fn remove_leftovers(shared: &Shared) {
    let entries = shared.index_dir.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let ws = name.to_str().and_then(|name| name.parse().ok()).map(WorkspaceId);
        let Some(ws) = ws.filter(|ws| *name == *ws.to_string() && !shared.directory.read().has(*ws)) else { continue };
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(workspace = ws.0, %error, "the folder of a deleted workspace cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use serde_json::{Map, Value as Json, json};

    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::contact::{Contact, Conversation, Role, User, UserId};
    use crate::engine::{Actor, NewWorkspace, Query};
    use crate::store::{Batch, Entry, MemoryStore, Store, StoreError};

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
        let owner = User::new("O", "o@example.org", Role::Owner);
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
    fn what_a_crash_left_of_a_deletion_goes_at_the_next_start_its_folder_too() {
        let (store, folder): (Arc<dyn Store>, _) = (Arc::new(MemoryStore::default()), tempfile::tempdir().unwrap());
        let settings = || Config::defaults().expect("the compiled-in defaults are sound").engine;
        let start = || Engine::open(store.clone(), Some(folder.path()), settings(), Clock::fixed(0)).expect("opens");
        let engine = start();
        let ((gone, _), (kept, _)) = (made(&engine, "gone"), made(&engine, "kept"));
        let left = |ws: WorkspaceId| folder.path().join(ws.to_string());
        for ws in [gone, kept] {
            std::fs::create_dir_all(left(ws)).expect("made");
            std::fs::write(left(ws).join("checkpoint-1.bin"), b"values").expect("written");
        }
        std::fs::create_dir(folder.path().join("007")).expect("made");
        engine.shared.records.begin_deletion(gone).expect("begun");
        drop(engine);
        let engine = start();
        assert_eq!(engine.workspaces().expect("workspaces").len(), 1);
        assert!(!left(gone).exists() && left(kept).exists() && folder.path().join("007").exists());
    }

    /// Its alarms, too, are removed in many batches: one of them all would hold up everybody's writes.
    #[test]
    fn no_batch_of_a_deletion_is_large() {
        let store = Arc::new(Largest::default());
        let settings = Config::defaults().expect("the compiled-in defaults are sound").engine;
        let engine = Engine::open(store.clone(), None, settings, Clock::fixed(0)).expect("opens");
        let ((gone, _), (kept, _)) = (made(&engine, "gone"), made(&engine, "kept"));
        let snoozed = |at: i64| Contact {
            first_name: Some("S".into()),
            conversation: Conversation::Snoozed,
            snoozed_until: Some(1_000_000 + at % 7),
            ..Contact::default()
        };
        for ws in [kept, gone] {
            (0..3).for_each(|_| drop(engine.load(ws, (0..1000).map(snoozed).collect()).expect("loaded")));
        }
        store.largest.store(0, Ordering::SeqCst);
        engine.delete_workspace(gone, 4200).expect("deleted");
        let largest = store.largest.load(Ordering::SeqCst);
        assert!(largest <= 1001, "{largest} entries in one batch");
        let left = engine.shared.records.alarms(None, 9999).expect("read");
        assert_eq!(left.iter().filter(|(_, ws, _)| *ws == kept).count(), 3000);
        assert_eq!(left.len(), 3000);
    }

    /// Knows the most entries that a batch had.
    #[derive(Default)]
    struct Largest {
        store: MemoryStore,
        largest: AtomicUsize,
    }

    impl Store for Largest {
        fn get(&self, key: &[u8]) -> std::result::Result<Option<Vec<u8>>, StoreError> {
            self.store.get(key)
        }

        fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> std::result::Result<Vec<Entry>, StoreError> {
            self.store.scan(from, to, limit)
        }

        fn apply(&self, batch: Batch) -> std::result::Result<(), StoreError> {
            self.largest.fetch_max(batch.len(), Ordering::SeqCst);
            self.store.apply(batch)
        }

        fn read_only(&self) -> Option<String> {
            self.store.read_only()
        }

        fn disk_bytes(&self) -> u64 {
            self.store.disk_bytes()
        }
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
