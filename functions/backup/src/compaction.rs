//! Many small change files to few, table by table, for as long as there is time.
//!
//! ```text
//! claim ─▶ read notes, list changes ─▶ steps ─▶ merge:  note ─▶ files, fetched ahead ─▶ thread ─▶ parts ─▶ upload ─▶ note
//!                                               remove: inputs of an hour ago, by entity tag; the note
//! ```
//!
//! One run at a time is at a table's files: the claim is `state/compaction/<table>.json`, and another run
//! leaves them to that one. A file that cannot be read, or has other rows than its name says, is left alone and the others
//! of its group are merged; where a column changes its type a merge ends before it.
//!
//! What is to be done, and why it can stop anywhere, is `lake::compaction`. Memory is a window of files, a
//! row group and three parts of the upload: about 150 MiB, whatever the table's size.

use std::{collections::HashSet, io, ops::Range};

use aws::{
    Class, Clients, Failure, clock, listing,
    object::{self, ObjectId},
    upload::{Part, PartWriter, Uploaded, upload},
};
use jiff::Timestamp;
use lake::{
    WriteError,
    compaction::{self, Input, Limits, Merge, MergeError, Note, Stage, Step},
    path,
};
use serde::Serialize;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};

use crate::{Settings, claim, report::TableReport};

/// Small objects of a table that a run looks at: the first, which are the oldest.
const LOOKED_AT: usize = 100_000;
/// Bytes that one run merges, so that it ends: about a quarter of its time.
const BYTES_PER_RUN: u64 = 2 * 1024 * 1024 * 1024;
/// Files fetched at a time.
const AT_A_TIME: usize = 32;
/// Bytes of the files that are fetched at a time, unless one has more.
const WINDOW_BYTES: u64 = 16 * 1024 * 1024;
/// Windows fetched ahead of the one that is being merged; parts ahead of the one that is uploaded.
const AHEAD: usize = 1;

/// What became of a table's change files.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compacted {
    /// What there was before.
    before: Files,
    /// What there is now: merged files stay beside what they became for an hour.
    after: Files,
    /// What was merged.
    merged: Files,
    /// To what.
    written: Files,
    /// What was merged an hour ago or longer, and is removed.
    removed: Files,
    /// What is left to the next run, since the time or the bytes of this one were up.
    left: Files,
    /// What is not merged for good, and why: a person looks at the files, and removes the note.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_alone: Vec<String>,
    /// The invocation that is at work on these files instead of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_to: Option<String>,
}

/// So many files, with so many bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Files {
    files: usize,
    bytes: u64,
}

impl Files {
    fn add(&mut self, files: usize, bytes: u64) {
        self.files += files;
        self.bytes += bytes;
    }

    fn add_inputs(&mut self, inputs: &[Input]) {
        self.add(inputs.len(), inputs.iter().map(|input| input.bytes).sum());
    }
}

/// The bytes that a run may still merge, of all tables.
pub(crate) struct Budget {
    bytes: u64,
}

impl Budget {
    /// What a run begins with.
    pub(crate) const fn of_run() -> Self {
        Self { bytes: BYTES_PER_RUN }
    }

    /// Takes what a merge reads, if so much is left.
    fn takes(&mut self, note: &Note) -> bool {
        let left = self.bytes.checked_sub(note.bytes());
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }
}

/// A table's compaction, after what was merged an hour ago is removed and before anything is merged.
pub(crate) struct Planned {
    compacted: Compacted,
    /// What to merge, and whether its output is new.
    merges: Vec<(Note, bool)>,
    /// Whether this run is at it, and no other.
    is_ours: bool,
}

/// A run that compacts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compactor<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    /// The invocation.
    pub(crate) request_id: &'a str,
    /// Files of the hours before this one are merged.
    pub(crate) as_of: Timestamp,
}

impl Compactor<'_> {
    /// Removes what was merged an hour ago, and plans what to merge.
    ///
    /// Before views and audits: a query that begins after it has nearly an hour until files that it reads are removed.
    pub(crate) async fn remove(
        &self,
        table: &str,
        budget: &mut Budget,
    ) -> Result<Planned, Failure> {
        Box::pin(self.lake(table).remove(budget)).await
    }

    /// Merges small files of each table, in their order, and notes it in their reports. Last: nobody waits for it.
    pub(crate) async fn merge(
        &self,
        tables: impl Iterator<Item = (&mut TableReport, Result<Planned, Failure>)>,
        until: i64,
    ) {
        for (report, planned) in tables {
            let lake = self.lake(&report.table);
            let compacted = match planned {
                Ok(planned) => Box::pin(lake.merge_all(planned, until)).await,
                Err(failure) => Err(failure),
            };
            report.note_compaction(compacted);
        }
    }

    fn lake<'a>(&'a self, table: &'a str) -> Lake<'a> {
        let Self { clients, settings, request_id, as_of } = *self;
        Lake { clients, bucket: &settings.enrolment.lake_bucket, table, request_id, as_of }
    }
}

/// The change files of a table.
#[derive(Clone, Copy)]
struct Lake<'a> {
    clients: &'a Clients,
    bucket: &'a str,
    table: &'a str,
    request_id: &'a str,
    as_of: Timestamp,
}

/// What notes there are.
#[derive(Default)]
struct Notes {
    notes: Vec<Note>,
    /// Of which it is not known what they name.
    unread: Vec<String>,
}

/// Why files were not merged.
enum Stop {
    /// They may be the next time.
    Failed(Failure),
    /// One is gone since it was listed: the next run sees.
    Gone,
    /// These of them go with no other.
    RefusedFiles { places: Range<usize>, reason: String },
    /// Those before this one go together, and it does not go with them.
    Other { place: usize, reason: String },
    /// They never will be.
    Refused(String),
}

impl Lake<'_> {
    async fn remove(&self, budget: &mut Budget) -> Result<Planned, Failure> {
        let s3 = self.clients.s3();
        let (key, now) = (self.claim(), clock::now());
        let turn = claim::take::<()>(s3, self.bucket, &key, self.request_id, now).await?;
        if let claim::Turn::Theirs { holder } = turn {
            let compacted = Compacted { left_to: Some(holder), ..Compacted::default() };
            return Ok(Planned { compacted, merges: Vec::new(), is_ours: false });
        }
        let planned = Box::pin(self.remove_as_the_only_one(budget)).await;
        match planned {
            Ok(planned) => Ok(planned),
            Err(failure) => self.release().await.and(Err(failure)),
        }
    }

    async fn remove_as_the_only_one(&self, budget: &mut Budget) -> Result<Planned, Failure> {
        let (s3, table) = (self.clients.s3(), self.table);
        let Notes { notes, unread } = self.notes().await?;
        let (limits, has_unread) = (Limits::of_run(self.as_of), !unread.is_empty());
        let mut compacted = Compacted { left_alone: unread, ..Compacted::default() };
        let noted: HashSet<&str> = notes.iter().flat_map(Note::keys).collect();
        let folder = path::changes(table);
        let listed = listing::objects(s3, self.bucket, &folder, LOOKED_AT, |object| {
            compacted.before.add(1, object.bytes);
            object.bytes <= limits.small || noted.contains(object.key.as_str())
        });
        let listing = listed.await?;
        for note in &notes {
            if let Stage::Refused { reason } = &note.stage {
                compacted.left_alone.push(format!("{}: {reason}", note.key(table)));
            }
        }
        let mut merges = Vec::new();
        // By the clock, whatever the run's time: queries of now read what is removed.
        let mut steps = compaction::steps(table, &listing, &notes, clock::now(), &limits);
        if has_unread {
            // What such a note names could be merged twice.
            steps.clear();
        }
        for step in steps {
            match step {
                // What this run does not come to is not kept in memory until then either.
                Step::Merge(note) if !budget.takes(&note) => {
                    compacted.left.add_inputs(&note.inputs);
                }
                Step::Merge(note) => {
                    let is_new = listing.objects.iter().all(|object| object.key != note.output);
                    merges.push((note, is_new));
                }
                Step::Remove { note, inputs } => {
                    let kept = listing::remove_unchanged(s3, self.bucket, &inputs).await?;
                    self.forget(&note).await?;
                    tracing::info!(table, output = note.output, kept, "merged files removed");
                    compacted.removed.add_inputs(&inputs);
                }
                Step::Forget(note) => self.forget(&note).await?,
            }
        }
        let (before, removed) = (compacted.before, compacted.removed);
        compacted.after.files = before.files.saturating_sub(removed.files);
        compacted.after.bytes = before.bytes.saturating_sub(removed.bytes);
        Ok(Planned { compacted, merges, is_ours: true })
    }

    async fn merge_all(
        &self,
        Planned { mut compacted, merges, is_ours }: Planned,
        until: i64,
    ) -> Result<Compacted, Failure> {
        let merged = Box::pin(self.merge_each(merges, &mut compacted, until)).await;
        let released = if is_ours { self.release().await } else { Ok(()) };
        merged.and(released).map(|()| compacted)
    }

    async fn merge_each(
        &self,
        merges: Vec<(Note, bool)>,
        compacted: &mut Compacted,
        until: i64,
    ) -> Result<(), Failure> {
        for (note, is_new) in merges {
            if clock::now().as_millisecond() <= until {
                self.merge(note, is_new, compacted).await?;
            } else {
                compacted.left.add_inputs(&note.inputs);
            }
        }
        Ok(())
    }

    /// A run that ends without it holds the files up for a quarter of an hour.
    async fn release(&self) -> Result<(), Failure> {
        object::remove(self.clients.s3(), self.bucket, &self.claim()).await
    }

    /// Beside the folder of the notes.
    fn claim(&self) -> String {
        format!("{}.json", compaction::notes(self.table).trim_end_matches('/'))
    }

    async fn notes(&self) -> Result<Notes, Failure> {
        let (s3, bucket) = (self.clients.s3(), self.bucket);
        let mut notes = Notes::default();
        for key in listing::keys(s3, bucket, &compaction::notes(self.table)).await? {
            let Some(bytes) = object::read(s3, bucket, &key).await? else { continue };
            match serde_json::from_slice::<Note>(&bytes) {
                Ok(note) if note.key(self.table) == key => notes.notes.push(note),
                other => {
                    let fault = other.map_or_else(
                        |error| error.to_string(),
                        |note| format!("it is the note of {}", note.output),
                    );
                    tracing::error!(table = self.table, key, fault, "a note cannot be read");
                    notes.unread.push(format!(
                        "{key}: cannot be read as a note ({fault}); nothing of the table is merged or removed until it is mended \
                         or deleted. Deleted, rows of files that it names may stay in two files"
                    ));
                }
            }
        }
        Ok(notes)
    }

    async fn write(&self, note: &Note) -> Result<(), Failure> {
        let bytes = serde_json::json!(note).to_string().into_bytes();
        let (s3, key) = (self.clients.s3(), note.key(self.table));
        object::put(s3, self.bucket, &key, "application/json", bytes).await
    }

    async fn forget(&self, note: &Note) -> Result<(), Failure> {
        object::remove(self.clients.s3(), self.bucket, &note.key(self.table)).await
    }

    async fn merge(
        &self,
        mut note: Note,
        mut is_new: bool,
        compacted: &mut Compacted,
    ) -> Result<(), Failure> {
        loop {
            self.write(&note).await?;
            let fewer = match self.written(&note).await {
                Ok(bytes) => return self.finish(note, (is_new, bytes), compacted).await,
                Err(Stop::Failed(failure)) => return Err(failure),
                Err(Stop::Gone) => return Ok(()),
                Err(Stop::Refused(reason)) => {
                    let all = 0..note.inputs.len();
                    return self.refuse(&note, all, reason, compacted).await;
                }
                Err(Stop::RefusedFiles { places, reason }) => {
                    self.refuse(&note, places, reason, compacted).await?;
                    return self.forget(&note).await;
                }
                Err(Stop::Other { place, reason }) => {
                    let fewer = note.first(self.table, place);
                    let is_worth = place >= Limits::of_run(self.as_of).least_files;
                    let Some(fewer) = fewer.filter(|_| is_worth) else {
                        let reason = format!("too few to be merged by themselves before {reason}");
                        self.refuse(&note, 0..place, reason, compacted).await?;
                        return self.forget(&note).await;
                    };
                    fewer
                }
            };
            self.forget(&note).await?;
            (note, is_new) = (fewer, true);
        }
    }

    async fn finish(
        &self,
        note: Note,
        (is_new, bytes): (bool, u64),
        compacted: &mut Compacted,
    ) -> Result<(), Failure> {
        compacted.merged.add_inputs(&note.inputs);
        compacted.written.add(1, bytes);
        compacted.after.add(usize::from(is_new), if is_new { bytes } else { 0 });
        let files = note.inputs.len();
        tracing::info!(table = self.table, files, bytes, output = note.output, "files merged");
        let stage = Stage::Written { at: clock::now(), bytes };
        self.write(&Note { stage, ..note }).await
    }

    /// Notes that these are not merged for good.
    async fn refuse(
        &self,
        note: &Note,
        places: Range<usize>,
        reason: String,
        compacted: &mut Compacted,
    ) -> Result<(), Failure> {
        let Some(refused) = note.refuse(places, reason.clone()) else { return Ok(()) };
        let table = self.table;
        tracing::error!(table, file = refused.output, reason, "files do not go together");
        compacted.left_alone.push(format!("{}: {reason}", refused.key(table)));
        self.write(&refused).await
    }

    /// Writes the output of a note, and gives its bytes.
    async fn written(&self, note: &Note) -> Result<u64, Stop> {
        let (windows, fetched) = mpsc::channel(AHEAD);
        let (parts, made) = mpsc::channel(AHEAD);
        let (table, of) = (self.table.to_owned(), note.clone());
        let merging = tokio::task::spawn_blocking(move || {
            let merged = merged(&table, &of, fetched, PartWriter::new(parts.clone()));
            if merged.is_err() {
                // If nobody receives any more, the upload failed, and says so.
                parts.blocking_send(Part::Abandon).unwrap_or_default();
            }
            merged
        });
        let fetching = self.fetch(&note.inputs, windows);
        let uploading = upload(self.clients.s3(), self.bucket, &note.output, made);
        let (merged, fetched, uploaded) = tokio::join!(merging, fetching, uploading);
        let merged = match merged {
            Ok(merged) => merged,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        fetched?;
        match uploaded.map_err(Stop::Failed)? {
            Uploaded::Whole | Uploaded::Abandoned => merged?,
        }
        let (bucket, key) = (self.bucket.to_owned(), note.output.clone());
        let output = ObjectId { bucket, key, version: None };
        Ok(object::head(self.clients.s3(), &output).await.map_err(Stop::Failed)?.size)
    }

    /// Sends the files in their order, some at a time. It ends early where nobody receives any more.
    async fn fetch(&self, inputs: &[Input], windows: Sender<Vec<File>>) -> Result<(), Stop> {
        let mut rest = inputs;
        while !rest.is_empty() {
            let (window, after) = rest.split_at(window(rest));
            rest = after;
            let mut tasks = JoinSet::new();
            for (place, input) in window.iter().enumerate() {
                let (s3, bucket) = (self.clients.s3().clone(), self.bucket.to_owned());
                let key = input.key.clone();
                tasks.spawn(async move {
                    let bytes = object::read(&s3, &bucket, &key).await;
                    (place, key, bytes)
                });
            }
            let mut files = Vec::with_capacity(window.len());
            while let Some(task) = tasks.join_next().await {
                let (place, key, bytes) = task.map_err(|ended| {
                    let (resource, message) = (format!("s3://{}/", self.bucket), ended.to_string());
                    let failed = Failure::stated("GetObject", resource, message, Class::Retryable);
                    Stop::Failed(failed)
                })?;
                let bytes = bytes.map_err(Stop::Failed)?.ok_or(Stop::Gone)?;
                files.push((place, File { key, bytes }));
            }
            files.sort_by_key(|(place, _)| *place);
            let files = files.into_iter().map(|(_, file)| file).collect();
            if windows.send(files).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A file that was fetched.
struct File {
    key: String,
    bytes: Vec<u8>,
}

/// How many of these files are fetched at a time.
fn window(inputs: &[Input]) -> usize {
    let mut bytes = 0;
    let fits = |input: &&Input| {
        bytes += input.bytes;
        bytes <= WINDOW_BYTES
    };
    inputs.iter().take(AT_A_TIME).take_while(fits).count().max(1)
}

/// What the thread does: all files to one, with as many rows as their names say.
fn merged(
    table: &str,
    note: &Note,
    mut windows: Receiver<Vec<File>>,
    parts: PartWriter,
) -> Result<(), Stop> {
    let mut merge = Merge::new(parts, table).map_err(not_written)?;
    let mut place = 0;
    while let Some(window) = windows.blocking_recv() {
        for File { key, bytes } in window {
            let rows = merge.push(bytes.into()).map_err(|error| refused(&key, place, error))?;
            let expected = note.rows_of(table, place);
            if Some(rows) != expected {
                let reason = format!("{key}: has {rows} rows, and another number by its name");
                return Err(Stop::RefusedFiles { places: place..place + 1, reason });
            }
            place += 1;
        }
    }
    if place < note.inputs.len() {
        // Who fetched them says why.
        return Err(Stop::Gone);
    }
    let (parts, rows) = merge.finish().map_err(not_written)?;
    if rows != note.rows {
        let expected = note.rows;
        let reason = format!("{rows} rows would be written, and the files have {expected}");
        return Err(Stop::Refused(reason));
    }
    parts.finish().map_err(|error| not_written(error.into()))
}

fn refused(key: &str, place: usize, error: MergeError) -> Stop {
    let reason = format!("{key}: {error}");
    match error {
        MergeError::Write(error) => not_written(error),
        MergeError::OtherColumn { .. } if place > 0 => Stop::Other { place, reason },
        _ => Stop::RefusedFiles { places: place..place + 1, reason },
    }
}

/// The other end of the channel is gone, and says why itself; or a row group would not be written.
fn not_written(error: WriteError) -> Stop {
    match error {
        WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Stop::Gone,
        error => Stop::Refused(format!("the merged file cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_some_files_and_some_bytes() {
        let window = |sizes: &[u64]| {
            let input =
                |bytes: &u64| Input { key: String::new(), bytes: *bytes, tag: String::new() };
            window(&sizes.iter().map(input).collect::<Vec<_>>())
        };
        assert_eq!(window(&[1; 100]), AT_A_TIME);
        assert_eq!(window(&[WINDOW_BYTES / 4; 100]), 4);
        assert_eq!(window(&[WINDOW_BYTES + 1, 1]), 1);
        assert_eq!(window(&[1, WINDOW_BYTES, 1]), 1);
    }
}
