//! The change files of one table: what of them is removed, what merged, and what is noted of it.

use std::{
    collections::HashSet,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use aws::{Clients, Count, Failure, claim, clock, listing, object};
use jiff::Timestamp;
use lake::{
    compaction::{self, Limits, Note, Stage, Step},
    path,
};

use crate::{
    merge::{self, Stop},
    report::Compacted,
};

/// Small objects of a table that a run looks at: the first, which are the oldest.
const LOOKED_AT: usize = 100_000;
/// Bytes that one run merges, so that not too many tables are claimed and wait: the smallest files of so many take eight
/// minutes of computing, and longer to fetch.
const BYTES_PER_RUN: u64 = 4 * 1024 * 1024 * 1024;

/// What a file counts at least: a run has time to fetch a million, and memory for their names.
const BYTES_PER_FILE: u64 = 4 * 1024;

/// The bytes that a run may still merge, of all tables.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU64);

impl Budget {
    /// What a run begins with.
    pub(crate) const fn of_run() -> Self {
        Self(AtomicU64::new(BYTES_PER_RUN))
    }

    /// Takes what a merge reads, if so much is left.
    fn takes(&self, note: &Note) -> bool {
        let bytes = note.bytes().max(note.inputs.len() as u64 * BYTES_PER_FILE);
        let take = |left: u64| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// What is left to do, after what was merged an hour ago is removed and before anything is merged.
pub(crate) struct Planned {
    compacted: Compacted,
    /// What to merge, and whether its output is new.
    merges: Vec<(Note, bool)>,
    /// Whether this run has the claim.
    is_ours: bool,
}

/// The change files of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangeFiles<'a> {
    pub(crate) clients: &'a Clients,
    /// The lake's bucket.
    pub(crate) bucket: &'a str,
    /// The DynamoDB table's name.
    pub(crate) table: &'a str,
    /// Who claims them.
    pub(crate) holder: &'a str,
    /// Files of the hours before this one are merged.
    pub(crate) as_of: Timestamp,
}

/// What notes there are.
#[derive(Default)]
struct Notes {
    notes: Vec<Note>,
    /// Of which it is not known what they name.
    unread: Vec<String>,
}

impl ChangeFiles<'_> {
    /// Removes what was merged an hour ago, and plans what to merge.
    pub(crate) async fn remove_and_plan(&self, budget: &Budget) -> Result<Planned, Failure> {
        let s3 = self.clients.s3();
        let (key, now) = (self.claim(), clock::now());
        let turn = claim::take::<()>(s3, self.bucket, &key, self.holder, now).await?;
        if let claim::Turn::Theirs { holder } = turn {
            let compacted = Compacted { left_to: Some(holder), ..Compacted::default() };
            return Ok(Planned { compacted, merges: Vec::new(), is_ours: false });
        }
        let planned = Box::pin(self.remove_as_the_only_one(budget)).await;
        if planned.as_ref().is_ok_and(|planned| !planned.merges.is_empty()) {
            return planned;
        }
        // There is nothing that others would have to wait for.
        let planned = self.let_go(planned).await?;
        Ok(Planned { is_ours: false, ..planned })
    }

    async fn remove_as_the_only_one(&self, budget: &Budget) -> Result<Planned, Failure> {
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

    /// Merges what is planned, and lets go of the files.
    pub(crate) async fn merge(
        &self,
        Planned { mut compacted, merges, is_ours }: Planned,
        until: i64,
    ) -> Result<Compacted, Failure> {
        let merged = Box::pin(self.merge_each(merges, &mut compacted, until)).await;
        let merged = if is_ours { self.let_go(merged).await } else { merged };
        merged.map(|()| compacted)
    }

    async fn merge_each(
        &self,
        merges: Vec<(Note, bool)>,
        compacted: &mut Compacted,
        until: i64,
    ) -> Result<(), Failure> {
        for (note, is_new) in merges {
            if clock::now().as_millisecond() <= until {
                self.merge_one(note, is_new, compacted).await?;
            } else {
                compacted.left.add_inputs(&note.inputs);
            }
        }
        Ok(())
    }

    /// Removes the claim, whatever became of what was done under it: a run that ends without that holds the files up for
    /// 17 minutes.
    async fn let_go<T>(&self, done: Result<T, Failure>) -> Result<T, Failure> {
        match (done, object::remove(self.clients.s3(), self.bucket, &self.claim()).await) {
            (Ok(done), removed) => removed.map(|()| done),
            (Err(failure), removed) => {
                // Told besides, as the report has room for one.
                if let Err(kept) = removed {
                    tracing::warn!(table = self.table, failure = %kept, "claim not let go of: the next run waits");
                }
                Err(failure)
            }
        }
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

    async fn merge_one(
        &self,
        mut note: Note,
        mut is_new: bool,
        compacted: &mut Compacted,
    ) -> Result<(), Failure> {
        loop {
            self.write(&note).await?;
            let (s3, bucket) = (self.clients.s3(), self.bucket);
            let fewer = match merge::write_output(s3, bucket, self.table, &note).await {
                Ok(bytes) => return self.finish(note, (is_new, bytes), compacted).await,
                Err(Stop::Failed(failure)) => return Err(failure),
                Err(Stop::Gone) => return Ok(()),
                Err(Stop::Refused(reason)) => {
                    let all = 0..note.inputs.len();
                    self.refuse(&note, all, reason, compacted).await?;
                    return self.forget(&note).await;
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
        let rows = note.rows as u64;
        let stage = Stage::Written { at: clock::now(), bytes };
        self.write(&Note { stage, ..note }).await?;
        Count::Files.add(files as u64);
        Count::Bytes.add(bytes);
        Count::Records.add(rows);
        Ok(())
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
}

#[cfg(test)]
mod tests {
    use lake::compaction::Input;

    use super::*;

    /// A merge of so many files, of so many bytes each.
    fn note(files: usize, bytes: u64) -> Note {
        let input = |nth: usize| Input { key: nth.to_string(), bytes, tag: String::new() };
        let (output, inputs) = (String::new(), (0..files).map(input).collect());
        Note { output, inputs, rows: files, stage: Stage::Begun }
    }

    #[test]
    fn a_run_has_so_many_bytes_and_so_many_files() {
        let fits = |files: usize, bytes: u64| {
            let budget = Budget::of_run();
            (0..100).take_while(|_| budget.takes(&note(files, bytes))).count()
        };
        assert_eq!(fits(8, 16 * 1024 * 1024), 32, "4 GiB");
        assert_eq!(fits(64 * 1024, 1), 16, "a million files");
        assert_eq!(fits(64 * 1024, BYTES_PER_FILE), 16);
    }
}
