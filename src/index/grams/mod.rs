//! The text index on disk: which rows' texts contain which grams. The only folder that names tantivy.
//!
//! Per text field, grams of one to four characters of the search-folded text, and the edges of its words. Exact for needles of up
//! to four characters, a superset for longer ones; exact for the beginnings of words of up to six. Less is held of phones and of
//! what follows the `@` of an e-mail: see `tokens.rs`. Made for one workspace; a [`GramView`] is what readers use, and a flush
//! makes the next one, which the owner of the workspace installs together with its own state.

mod batches;
mod cache;
mod compact;
mod doc_rows;
mod document;
mod flush;
mod seal;
mod segment;
mod tokens;
mod verify;
mod view;
mod writer;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tantivy::{Index, IndexSettings};

use self::cache::TermCache;
use self::flush::Flush;
pub use self::tokens::{DOMAIN_GRAM_MAX, EDGE_MAX, GRAM_MAX};
pub use self::view::{Candidates, GramView};
use super::{Row, RowSet};
use crate::contact::Field;

/// tantivy's list of segments, and that of the files it has made.
const LIST: &str = "meta.json";
const MANAGED: &str = ".managed.json";

/// Why the text index cannot be used; it is then removed and made anew.
#[derive(Debug, thiserror::Error)]
#[error("the text index is unusable: {0}")]
pub struct GramError(pub String);

impl From<tantivy::TantivyError> for GramError {
    fn from(error: tantivy::TantivyError) -> GramError {
        GramError(error.to_string())
    }
}

impl From<std::io::Error> for GramError {
    fn from(error: std::io::Error) -> GramError {
        GramError(error.to_string())
    }
}

/// What a row holds: its text fields with their search-folded texts. A field may come twice (phone: international digits and
/// national ones); its texts are then united. Empty texts, and rows without any, are not held.
pub type RowTexts = (Row, Vec<(Field, String)>);

/// The settings of a text index.
#[derive(Clone, Debug)]
pub struct GramSettings {
    /// Bytes for the row sets of frequent grams.
    pub cache_max: usize,
    /// Bytes a flush of a few rows may take while it runs; at least 16 MiB are taken.
    pub flush_memory_max: usize,
    /// Bytes the first flush, or one of 100,000 rows, may take while it runs: the more, the fewer segments it leaves.
    pub bulk_memory_max: usize,
    /// Whether `open` compares the checksum of every file, at about a second a gigabyte. Without it a flipped bit may go unnoticed
    /// until `GramView::verify`.
    pub check_files_at_open: bool,
}

/// The text index of a workspace, open. Shared by threads.
pub struct GramIndex {
    index: Index,
    folder: PathBuf,
    settings: GramSettings,
    cache: Arc<TermCache>,
    view: ArcSwap<GramView>,
    /// The last commit, installed or not; `None` when it is not known. Held for the length of a flush.
    committed: Mutex<Option<Arc<GramView>>>,
}

/// A flush that is committed and not yet visible.
pub struct PreparedView(Arc<GramView>);

impl PreparedView {
    /// What will be visible.
    pub fn view(&self) -> &Arc<GramView> {
        &self.0
    }
}

impl GramIndex {
    /// Opens the folder or, where it is missing or empty, makes it. `header` (workspace, incarnation, format) must equal the one it
    /// was made with; or else, and for anything torn, missing or foreign, it is an error and the caller removes the folder.
    ///
    /// # Errors
    /// [`GramError`].
    pub fn open(folder: &Path, header: &str, settings: GramSettings) -> Result<GramIndex, GramError> {
        guarded(|| {
            std::fs::create_dir_all(folder)?;
            let index = match is_made(folder)? {
                false => create(folder, header, &settings)?,
                true => Index::open_in_dir(folder)?,
            };
            document::register(&index);
            if index.schema() != document::schema().0 {
                return Err(GramError("it has another schema".to_owned()));
            }
            let meta = index.load_metas()?;
            sweep(folder, &meta)?;
            if settings.check_files_at_open {
                seal::check_files(&index, folder, &meta)?;
            }
            let cache = Arc::new(TermCache::new(settings.cache_max));
            let view = Arc::new(GramView::load(&index, folder.to_owned(), &cache, None)?);
            if view.header() != header {
                return Err(GramError("it belongs to another workspace or an earlier life of it".to_owned()));
            }
            let committed = Mutex::new(Some(view.clone()));
            Ok(GramIndex { index, folder: folder.to_owned(), settings, cache, view: ArcSwap::new(view), committed })
        })
    }

    /// The last installed view.
    pub fn view(&self) -> Arc<GramView> {
        self.view.load_full()
    }

    /// Replaces rows: every row of `stale` is removed, then those of `texts` are written, best in ascending order, and all is
    /// committed as complete up to `seq`. `stale` must have each row of `texts` that may be in the index already. Takes long, as
    /// merges are waited for; readers go on meanwhile, other flushes of this index wait. Nothing is visible until `install`.
    ///
    /// # Errors
    /// [`GramError`]: the view is as before, and so is the index unless the commit itself failed; then every later call fails too and
    /// the index must be made anew.
    pub fn prepare(
        &self,
        stale: &RowSet,
        texts: &mut dyn Iterator<Item = RowTexts>,
        seq: u64,
    ) -> Result<PreparedView, GramError> {
        let mut committed = self.committed.lock();
        let last = committed.clone().ok_or_else(|| GramError("an earlier commit failed".to_owned()))?;
        // Here and not when it was installed, which is to take no time.
        self.cache.keep(&self.view().cached_ids());
        let flush = Flush {
            index: &self.index,
            folder: &self.folder,
            settings: &self.settings,
            header: last.header(),
            committed: last.rows(),
        };
        let mut untouched = false;
        let result = guarded(|| {
            flush.run(stale, texts, seq).map_err(|(tried_to_commit, error)| {
                untouched = !tried_to_commit;
                error
            })?;
            GramView::load(&self.index, self.folder.clone(), &self.cache, Some(&last)).map(Arc::new)
        });
        match result {
            Ok(view) => {
                *committed = Some(view.clone());
                Ok(PreparedView(view))
            }
            Err(error) => {
                if !untouched {
                    *committed = None;
                }
                Err(error)
            }
        }
    }

    /// Makes the smaller segments one, where it is worth the while ([`GramView::is_scattered`]): the same rows, in fewer places. Takes
    /// long, as `prepare` does. `None` where there is nothing to do.
    ///
    /// # Errors
    /// [`GramError`]: the view is as before; so is the index, unless every later call fails too.
    pub fn prepare_compacted(&self) -> Result<Option<PreparedView>, GramError> {
        let mut committed = self.committed.lock();
        let last = committed.clone().ok_or_else(|| GramError("an earlier commit failed".to_owned()))?;
        let segments = compact::due(last.sizes());
        if segments.is_empty() {
            return Ok(None);
        }
        self.cache.keep(&self.view().cached_ids());
        let merged = guarded(|| compact::merge(&self.index, &self.folder, &segments));
        // What failed may have come to pass all the same, but for its last step.
        let view = guarded(|| GramView::load(&self.index, self.folder.clone(), &self.cache, Some(&last)).map(Arc::new));
        *committed = view.as_ref().ok().cloned();
        merged.and(view).map(PreparedView).map(Some)
    }

    /// Makes a prepared flush visible, at once.
    pub fn install(&self, prepared: PreparedView) {
        self.view.store(prepared.0);
    }

    /// Bytes in memory, and on disk.
    pub fn size(&self) -> (usize, u64) {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let disk = files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
        (self.view().memory() + self.cache.bytes(), disk)
    }
}

/// Whether the folder holds an index that was made to the end. What was cut off while it was made held nothing yet: no file
/// but tantivy's own lists, and those without a seal.
fn is_made(folder: &Path) -> Result<bool, GramError> {
    let mut listed = false;
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name();
        let name = name.to_string_lossy();
        listed |= name == LIST;
        if name != LIST && name != MANAGED && !name.ends_with(".lock") && !name.starts_with(".tmp") {
            return Ok(true);
        }
    }
    if listed && Index::open_in_dir(folder)?.load_metas()?.payload.is_some() {
        return Ok(true);
    }
    for file in std::fs::read_dir(folder)? {
        std::fs::remove_file(file?.path())?;
    }
    Ok(false)
}

/// Makes an empty index, sealed, so that it is known again should the process end before its first flush.
fn create(folder: &Path, header: &str, settings: &GramSettings) -> Result<Index, GramError> {
    // Nothing is stored, so a thread to compress it would be one thread more per writer for nothing.
    let stored = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
    let index = Index::builder().schema(document::schema().0).settings(stored).create_in_dir(folder)?;
    document::register(&index);
    let nothing = RowSet::new();
    let flush = Flush { index: &index, folder, settings, header, committed: &nothing };
    flush.run(&nothing, &mut std::iter::empty(), 0).map_err(|(_, error)| error)?;
    Ok(index)
}

/// Removes what a flush left that was cut off before its commit. A later one would give its own files the same names, and
/// tantivy overwrites none; its list of the files it manages is not enough, as a power cut may have taken the list back.
fn sweep(folder: &Path, meta: &tantivy::IndexMeta) -> Result<(), GramError> {
    let mut known = meta.list_segment_files();
    known.extend([LIST, MANAGED].map(PathBuf::from));
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        let name = PathBuf::from(file.file_name());
        // Locks are files that nothing is written to, and are there or not.
        let is_lock = name.extension().is_some_and(|ending| ending == "lock");
        if !is_lock && !known.contains(&name) && file.file_type()?.is_file() {
            std::fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

/// Runs what may meet damaged files: tantivy panics on some of them, and that too is a [`GramError`].
fn guarded<T>(f: impl FnOnce() -> Result<T, GramError>) -> Result<T, GramError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| Err(GramError("reading it failed".to_owned())))
}
