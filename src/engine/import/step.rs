//! An import carried on, a batch at a time: looking, the dry run, the run itself, and removing the file at the end.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::apply::{self, Applier, Fields};
use super::checkable;
use super::failed::Form;
use super::look::{About, Looking, STEP_MICROS, Seen};
use super::mapping::Plan;
use super::sniff;
use super::source::{Row, Source};
use super::spec::{Look, Phase, Spec, Tally};
use super::text::PartBytes;
use crate::clock::Stopwatch;
use crate::contact::{Counts, Job, JobId, JobState, Part, PartKind, WorkspaceId};
use crate::engine::jobs::{Step, Workshop, save, stored};
use crate::engine::staged::{Sources, Staged};
use crate::engine::txn::Txn;
use crate::engine::{Error, Result};
use crate::store::{ActiveJob, SideRange};

/// Rows that share one batch of the store: the fewest, and the most. And about how many bytes they may have.
const ROWS: (usize, usize) = (50, 500);
const BYTES: usize = 1 << 20;
/// How long the rows of one batch may keep other writers waiting before it is written, in microseconds.
const HELD_UP_MICROS: u64 = 10_000;
/// Parts of the file removed in one batch.
const CLEARED_AT_ONCE: usize = 128;
/// Rows of a dry run after which its progress is noted.
const NOTED_EVERY: u64 = 5_000;

/// What imports under way have at hand between two steps. All of it can be made again from their jobs.
#[derive(Default)]
pub struct Benches(Mutex<HashMap<(WorkspaceId, JobId), Bench>>);

enum Bench {
    Looking(Looking),
    Checking(Box<Check>),
    Running(Box<Run>),
}

/// A file being read with a plan.
struct Run {
    source: Source,
    plan: Arc<Plan>,
    form: Arc<Form>,
    /// Rows read.
    at: u64,
    /// Rows to take next.
    size: usize,
}

/// A dry run: everything it would write is kept here and thrown away.
struct Check {
    run: Run,
    base: Staged,
    tally: Tally,
    noted: u64,
}

/// A row on its way.
struct Item {
    row: Row,
    fields: std::result::Result<Fields, String>,
}

impl Benches {
    /// Forgets an import that is not carried on any more.
    pub fn forget(&self, ws: WorkspaceId, job: JobId) {
        self.0.lock().remove(&(ws, job));
    }

    fn take(&self, ws: WorkspaceId, job: JobId) -> Option<Bench> {
        self.0.lock().remove(&(ws, job))
    }

    fn put(&self, ws: WorkspaceId, job: JobId, bench: Bench) {
        self.0.lock().insert((ws, job), bench);
    }
}

/// One step of an import.
///
/// # Errors
/// What keeps it from noting even that it failed.
pub fn step(workshop: &Workshop, ws: WorkspaceId, job: &Job) -> Result<Step> {
    let worker = Worker { workshop, ws, id: job.id };
    let spec = Spec::of(job)?;
    let done = match spec.phase {
        Phase::Looking => worker.look(&spec),
        Phase::Checking => worker.check(&spec),
        Phase::Running => worker.run(job, &spec),
        Phase::Clearing => worker.clear(),
        Phase::Uploading | Phase::Ready => Ok(Step::Over),
    };
    match done {
        // At the next start it goes on where it stands.
        Err(error @ (Error::Closing | Error::NotFound { .. })) => Err(error),
        Err(error) if spec.phase != Phase::Clearing => {
            tracing::error!(workspace = ws.0, job = job.id.0, code = error.code(), "an import failed");
            worker.refuse(error.to_string()).map(|()| Step::More)
        }
        other => other,
    }
}

/// Removes what an import left behind that was cancelled or that failed. It is marked as active until that is done, so that
/// a restart goes on with it.
///
/// # Errors
/// What the store reports.
pub fn clear_after(workshop: &Workshop, ws: WorkspaceId, job: &Job) -> Result<Step> {
    workshop.shared.imports.forget(ws, job.id);
    let id = job.id;
    let records = &workshop.shared.records;
    let mark: Option<ActiveJob> = records.side(ws, id)?;
    if mark.is_none() && records.parts(ws, id, PartKind::Upload, 0, 1)?.is_empty() {
        return Ok(Step::Over);
    }
    let clear = move |txn: &mut Txn| {
        let all = txn.clear_sides(SideRange::Parts(id, PartKind::Upload), CLEARED_AT_ONCE)?;
        if all {
            let job = stored(txn, id)?;
            // This takes the mark away.
            save(txn, &job)?;
        }
        Ok(all)
    };
    Ok(if workshop.committer.write(ws, clear)?.value { Step::Over } else { Step::More })
}

struct Worker<'a> {
    workshop: &'a Workshop,
    ws: WorkspaceId,
    id: JobId,
}

impl Worker<'_> {
    fn file(&self) -> PartBytes {
        PartBytes::new(self.workshop.shared.clone(), self.ws, self.id, PartKind::Upload)
    }

    /// Changes the job, if it still is where this step found it.
    fn change(&self, phase: Phase, change: impl FnOnce(&mut Job, &mut Spec) + Send + 'static) -> Result<()> {
        let id = self.id;
        let written = self.workshop.committer.write(self.ws, move |txn| {
            let mut job = stored(txn, id)?;
            let mut spec = Spec::of(&job)?;
            if job.state == JobState::Running && spec.phase == phase {
                change(&mut job, &mut spec);
                if !job.state.is_active() && job.finished_at.is_none() && spec.phase == Phase::Clearing {
                    job.finished_at = Some(txn.now);
                }
                spec.keep(&mut job);
                save(txn, &job)?;
            }
            Ok(())
        });
        written.map(|_| ())
    }

    /// Notes why it failed; its file is removed next.
    fn refuse(&self, why: String) -> Result<()> {
        let id = self.id;
        self.workshop.shared.imports.forget(self.ws, id);
        let written = self.workshop.committer.write(self.ws, move |txn| {
            let mut job = stored(txn, id)?;
            let mut spec = Spec::of(&job)?;
            if job.state == JobState::Running {
                job.error = Some(why);
                spec.phase = Phase::Clearing;
                spec.keep(&mut job);
                save(txn, &job)?;
            }
            Ok(())
        });
        written.map(|_| ())
    }

    fn look(&self, spec: &Spec) -> Result<Step> {
        let shared = &self.workshop.shared;
        let looking = match shared.imports.take(self.ws, self.id) {
            Some(Bench::Looking(looking)) => looking,
            _ => Looking::new(self.file()),
        };
        let catalog = shared.awake(self.ws)?.state.read().catalog.clone();
        let rows_max = shared.settings.import_rows_max;
        let about = About { new: &spec.new, catalog: &catalog, rows_max, now: shared.clock.now() };
        match looking.step(&about, || self.file()).map_err(io)? {
            Seen::More(looking) => {
                shared.imports.put(self.ws, self.id, Bench::Looking(looking));
                Ok(Step::More)
            }
            Seen::Table(look) => {
                self.change(Phase::Looking, move |job, spec| {
                    job.state = JobState::Prepared;
                    job.counts.total = look.rows;
                    (spec.phase, spec.look) = (Phase::Ready, Some(*look));
                })?;
                Ok(Step::Over)
            }
            Seen::Refused(why) => self.refuse(why).map(|()| Step::More),
        }
    }

    /// The file from row `at` on.
    fn opened(&self, spec: &Spec, at: u64) -> Result<Run> {
        let (look, plan) = checkable(spec)?;
        let mut source = sniff::open(self.file(), &look.shape).map_err(io)?;
        source.expect(look.columns.iter().map(|column| column.given.clone()));
        for _ in 0..at {
            source.next_row().map_err(io)?;
        }
        Ok(Run { source, plan: Arc::new(plan.clone()), form: Arc::new(Form::of(look)), at, size: ROWS.0 })
    }

    fn check(&self, spec: &Spec) -> Result<Step> {
        let shared = &self.workshop.shared;
        let mut check = match shared.imports.take(self.ws, self.id) {
            // Of one that fell asleep the index stands still.
            Some(Bench::Checking(check)) if !check.base.workspace.is_retired() => check,
            _ => {
                let base = Staged::new(shared.awake(self.ws)?);
                // Nobody waits for it.
                let run = Run { size: ROWS.1, ..self.opened(spec, 0)? };
                Box::new(Check { run, base, tally: Tally::default(), noted: 0 })
            }
        };
        let watch = Stopwatch::start();
        while watch.micros() < STEP_MICROS {
            let items = check.run.batch()?;
            if items.is_empty() {
                let tally = check.tally;
                self.change(Phase::Checking, move |job, spec| {
                    (job.state, job.counts.done) = (JobState::Prepared, 0);
                    (spec.phase, spec.check) = (Phase::Ready, Some(tally));
                })?;
                return Ok(Step::Over);
            }
            let sources = Sources { records: &shared.records, cache: &shared.cache };
            let mut txn = Txn::new(&check.base, sources, &shared.settings, shared.clock.now());
            apply_all(&mut txn, &check.run.plan, &items, &mut check.tally, |_, _| {})?;
            let mut staged = txn.into_staged();
            staged.forget_past();
            check.base.absorb(staged);
        }
        let done = check.run.at;
        if done >= check.noted + NOTED_EVERY {
            check.noted = done;
            self.change(Phase::Checking, move |job, _| job.counts.done = done)?;
        }
        shared.imports.put(self.ws, self.id, Bench::Checking(check));
        Ok(Step::More)
    }

    fn run(&self, job: &Job, spec: &Spec) -> Result<Step> {
        let shared = &self.workshop.shared;
        let mut run = match shared.imports.take(self.ws, self.id) {
            Some(Bench::Running(run)) if run.at == job.cursor => run,
            _ => Box::new(self.opened(spec, job.cursor)?),
        };
        let from = run.at;
        let items = run.batch()?;
        let (id, plan, form) = (self.id, run.plan.clone(), run.form.clone());
        let rows = items.len();
        let written = self.workshop.committer.write(self.ws, move |txn| {
            let watch = Stopwatch::start();
            let mut job = stored(txn, id)?;
            let mut spec = Spec::of(&job)?;
            if job.state != JobState::Running || spec.phase != Phase::Running || job.cursor != from {
                return Ok(0);
            }
            let mut failed = if from == 0 { form.head() } else { Vec::new() };
            let fail = |row: &Row, reason: &str| failed.extend(form.row(row, reason));
            apply_all(txn, &plan, &items, &mut spec.tally, fail)?;
            for piece in failed.chunks(Part::BYTES_MAX) {
                txn.put_side((id, PartKind::Failed, spec.failed_parts), &Part { bytes: piece.to_vec() });
                spec.failed_parts += 1;
            }
            job.cursor += items.len() as u64;
            job.counts = counts(&spec.tally, job.counts.total);
            if items.is_empty() {
                spec.phase = Phase::Clearing;
            }
            spec.keep(&mut job);
            save(txn, &job)?;
            Ok(watch.micros())
        });
        let took = written?.value;
        if rows > 0 {
            run.learn(rows, took);
            shared.imports.put(self.ws, self.id, Bench::Running(run));
        }
        Ok(Step::More)
    }

    /// Removes the file, and says that the import is over when nothing of it is left.
    fn clear(&self) -> Result<Step> {
        let id = self.id;
        let range = SideRange::Parts(id, PartKind::Upload);
        let all = self.workshop.committer.write(self.ws, move |txn| txn.clear_sides(range, CLEARED_AT_ONCE))?.value;
        if !all {
            return Ok(Step::More);
        }
        self.change(Phase::Clearing, |job, _| {
            job.state = if job.error.is_some() { JobState::Failed } else { JobState::Done };
        })?;
        Ok(Step::Over)
    }
}

impl Run {
    /// Takes so many rows next that others wait no longer than they may; up to twice as many as last time.
    fn learn(&mut self, rows: usize, micros: u64) {
        let fits = HELD_UP_MICROS * rows as u64 / micros.max(1);
        self.size = (fits as usize).min(2 * self.size).clamp(ROWS.0, ROWS.1);
    }

    /// The next rows; none at the end.
    fn batch(&mut self) -> Result<Vec<Item>> {
        let (mut items, mut bytes) = (Vec::with_capacity(self.size), 0);
        while items.len() < self.size && bytes < BYTES {
            let Some(row) = self.source.next_row().map_err(io)? else { break };
            bytes += row.bytes;
            let fields = apply::fields(&self.plan, &mut self.source, &row);
            items.push(Item { row, fields });
        }
        self.at += items.len() as u64;
        Ok(items)
    }
}

/// Applies rows within one batch, which stages nothing else before; counts them and tells which failed.
fn apply_all(
    txn: &mut Txn,
    plan: &Plan,
    items: &[Item],
    tally: &mut Tally,
    mut fail: impl FnMut(&Row, &str),
) -> Result<()> {
    let done_before = (tally.added, tally.updated);
    apply::make_fields(txn, plan)?;
    let mut applier = Applier::begin(txn, plan)?;
    for item in items {
        let outcome = match &item.fields {
            Err(reason) => Err(reason.clone()),
            Ok(fields) => match applier.row(txn, fields) {
                Ok(outcome) => Ok(outcome),
                Err(error) if apply::is_rows_own(&error) => Err(error.to_string()),
                Err(error) => return Err(error),
            },
        };
        if let Err(reason) = &outcome {
            fail(&item.row, reason);
        }
        tally.count(item.row.number, outcome.as_ref().map(|outcome| *outcome).map_err(String::as_str));
    }
    if (tally.added, tally.updated) == done_before {
        // Fields and tags that no row came to use are not made.
        txn.start_over();
    }
    Ok(())
}

fn counts(tally: &Tally, total: u64) -> Counts {
    Counts {
        total,
        done: tally.rows(),
        added: tally.added,
        changed: tally.updated,
        unchanged: tally.unchanged,
        failed: tally.failed,
        ..Counts::default()
    }
}

fn io(error: std::io::Error) -> Error {
    Error::Io(format!("the uploaded file cannot be read: {error}"))
}

/// What a dry run and a run go by.
pub(super) type Ready<'a> = (&'a Look, &'a Plan);
