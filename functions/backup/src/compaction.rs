//! Many small change files to few, table by table, for as long as there is time.
//!
//! ```text
//! list changes, read notes ─▶ steps ─▶ merge:  note ─▶ files, fetched ahead ─▶ thread ─▶ parts ─▶ upload ─▶ note
//!                                      remove: inputs of an hour ago, by entity tag; the note
//! ```
//!
//! What is to be done, and why it can stop anywhere, is `lake::compaction`. Memory is a window of files, a
//! row group and three parts of the upload: about 150 MiB, whatever the table's size.

use std::io;

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

use crate::{Settings, report::TableReport};

/// Objects of a table that a run looks at: the first, which are the oldest. With files of 128 MiB that is
/// 12 TiB.
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
}

/// Removes what was merged an hour ago, and plans what to merge.
///
/// Before views and audits: a query that begins after it has nearly an hour until files that it reads are removed.
pub(crate) async fn remove(
    clients: &Clients,
    settings: &Settings,
    table: &str,
    as_of: Timestamp,
    budget: &mut Budget,
) -> Result<Planned, Failure> {
    let bucket = &settings.enrolment.lake_bucket;
    Box::pin(Lake { clients, bucket, table }.remove(as_of, budget)).await
}

/// Merges small files of each table, in their order, and notes it in their reports. Last: nobody waits for it.
pub(crate) async fn merge(
    clients: &Clients,
    settings: &Settings,
    tables: impl Iterator<Item = (&mut TableReport, Result<Planned, Failure>)>,
    until: i64,
) {
    for (report, planned) in tables {
        let bucket = &settings.enrolment.lake_bucket;
        let lake = Lake { clients, bucket, table: &report.table };
        let compacted = match planned {
            Ok(planned) => Box::pin(lake.merge_all(planned, until)).await,
            Err(failure) => Err(failure),
        };
        report.note_compaction(compacted);
    }
}

/// The change files of a table.
#[derive(Clone, Copy)]
struct Lake<'a> {
    clients: &'a Clients,
    bucket: &'a str,
    table: &'a str,
}

/// Why files were not merged.
enum Stop {
    /// They may be the next time.
    Failed(Failure),
    /// One is gone since it was listed: the next run sees.
    Gone,
    /// They never will be.
    Refused(String),
}

impl Lake<'_> {
    async fn remove(&self, as_of: Timestamp, budget: &mut Budget) -> Result<Planned, Failure> {
        let (s3, table) = (&self.clients.s3, self.table);
        // First the files: of every output among them there is a note.
        let objects = listing::objects(s3, self.bucket, &path::changes(table), LOOKED_AT).await?;
        let notes = self.notes().await?;
        let mut compacted = Compacted::default();
        compacted.before.add(objects.len(), objects.iter().map(|object| object.bytes).sum());
        for note in &notes {
            if let Stage::Refused { reason } = &note.stage {
                compacted.left_alone.push(format!("{}: {reason}", note.key(table)));
            }
        }
        let mut merges = Vec::new();
        for step in compaction::steps(table, &objects, &notes, as_of, &Limits::default()) {
            match step {
                // What this run does not come to is not kept in memory until then either.
                Step::Merge(note) if !budget.takes(&note) => {
                    compacted.left.add_inputs(&note.inputs);
                }
                Step::Merge(note) => {
                    let is_new = objects.iter().all(|object| object.key != note.output);
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
        Ok(Planned { compacted, merges })
    }

    async fn merge_all(
        &self,
        Planned { mut compacted, merges }: Planned,
        until: i64,
    ) -> Result<Compacted, Failure> {
        for (note, is_new) in merges {
            if clock::now().as_millisecond() <= until {
                self.merge(note, is_new, &mut compacted).await?;
            } else {
                compacted.left.add_inputs(&note.inputs);
            }
        }
        Ok(compacted)
    }

    /// The table's notes. One that cannot be read says nothing of what was done, and is removed.
    async fn notes(&self) -> Result<Vec<Note>, Failure> {
        let (s3, bucket) = (&self.clients.s3, self.bucket);
        let mut notes = Vec::new();
        for key in listing::keys(s3, bucket, &compaction::notes(self.table)).await? {
            let Some(bytes) = object::read(s3, bucket, &key).await? else { continue };
            match serde_json::from_slice::<Note>(&bytes) {
                Ok(note) if note.key(self.table) == key => notes.push(note),
                other => {
                    let fault = other.err().map(|error| error.to_string());
                    tracing::warn!(
                        table = self.table,
                        key,
                        fault,
                        "a note that says nothing removed"
                    );
                    object::remove(s3, bucket, &key).await?;
                }
            }
        }
        Ok(notes)
    }

    async fn write(&self, note: &Note) -> Result<(), Failure> {
        let bytes = serde_json::json!(note).to_string().into_bytes();
        let (s3, key) = (&self.clients.s3, note.key(self.table));
        object::put(s3, self.bucket, &key, "application/json", bytes).await
    }

    async fn forget(&self, note: &Note) -> Result<(), Failure> {
        object::remove(&self.clients.s3, self.bucket, &note.key(self.table)).await
    }

    async fn merge(
        &self,
        note: Note,
        is_new: bool,
        compacted: &mut Compacted,
    ) -> Result<(), Failure> {
        let table = self.table;
        self.write(&note).await?;
        let stage = match self.written(&note).await {
            Ok(bytes) => {
                compacted.merged.add_inputs(&note.inputs);
                compacted.written.add(1, bytes);
                compacted.after.add(usize::from(is_new), if is_new { bytes } else { 0 });
                let files = note.inputs.len();
                tracing::info!(table, files, bytes, output = note.output, "files merged");
                Stage::Written { at: clock::now(), bytes }
            }
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Gone) => return Ok(()),
            Err(Stop::Refused(reason)) => {
                tracing::error!(table, output = note.output, reason, "files do not go together");
                compacted.left_alone.push(format!("{}: {reason}", note.key(table)));
                Stage::Refused { reason }
            }
        };
        self.write(&Note { stage, ..note }).await
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
        let uploading = upload(&self.clients.s3, self.bucket, &note.output, made);
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
        Ok(object::head(&self.clients.s3, &output).await.map_err(Stop::Failed)?.size)
    }

    /// Sends the files in their order, some at a time. It ends early where nobody receives any more.
    async fn fetch(&self, inputs: &[Input], windows: Sender<Vec<File>>) -> Result<(), Stop> {
        let mut rest = inputs;
        while !rest.is_empty() {
            let (window, after) = rest.split_at(window(rest));
            rest = after;
            let mut tasks = JoinSet::new();
            for (place, input) in window.iter().enumerate() {
                let (s3, bucket) = (self.clients.s3.clone(), self.bucket.to_owned());
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
    let (mut files, mut rows) = (0, 0);
    while let Some(window) = windows.blocking_recv() {
        for File { key, bytes } in window {
            rows += merge.push(bytes.into()).map_err(|error| refused(&key, error))?;
            files += 1;
        }
    }
    if files < note.inputs.len() {
        // Who fetched them says why.
        return Err(Stop::Gone);
    }
    if rows != note.rows {
        let expected = note.rows;
        let reason = format!("the files have {rows} rows, and by their names {expected}");
        return Err(Stop::Refused(reason));
    }
    let (parts, _) = merge.finish().map_err(not_written)?;
    parts.finish().map_err(|error| not_written(error.into()))
}

fn refused(key: &str, error: MergeError) -> Stop {
    match error {
        MergeError::Write(error) => not_written(error),
        error => Stop::Refused(format!("{key}: {error}")),
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
