//! What a run did, for people and for the run's own outcome.

use aws::Failure;
use jiff::Timestamp;
use lake::compaction::Input;
use serde::Serialize;

/// The report of one run; written to `reports/compaction/<time>.json` in the lake's bucket.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The time the run was due.
    pub(crate) compaction_time: Timestamp,
    /// Each table that the lake has change files of, or that the event named, by name.
    pub(crate) tables: Vec<TableReport>,
}

/// What the run says of a table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableReport {
    /// The DynamoDB table's name.
    pub(crate) table: String,
    /// What became of them; nothing where that failed.
    #[serde(flatten)]
    compacted: Option<Compacted>,
    /// Why they are not as they should be; the next run goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// Whether it had no turn, since the time of the run was up. The next one begins with another table.
    is_left: bool,
}

/// What became of a table's change files.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compacted {
    /// What there was before.
    pub(crate) before: Files,
    /// What there is now: merged files stay beside what they became for an hour.
    pub(crate) after: Files,
    /// What was merged.
    pub(crate) merged: Files,
    /// To what.
    pub(crate) written: Files,
    /// What was merged an hour ago or longer, and is removed.
    pub(crate) removed: Files,
    /// What is left to the next run, since the time or the bytes of this one were up.
    pub(crate) left: Files,
    /// What is not merged for good, and why: a person looks at the files, and removes the note.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_alone: Vec<String>,
    /// The invocation that is at work on these files instead of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_to: Option<String>,
}

/// So many files, with so many bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Files {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

impl Files {
    pub(crate) fn add(&mut self, files: usize, bytes: u64) {
        self.files += files;
        self.bytes += bytes;
    }

    pub(crate) fn add_inputs(&mut self, inputs: &[Input]) {
        self.add(inputs.len(), inputs.iter().map(|input| input.bytes).sum());
    }
}

impl TableReport {
    /// Of a table that had its turn.
    pub(crate) fn new(table: &str, compacted: Result<Compacted, Failure>) -> Self {
        let table = table.to_owned();
        match compacted {
            Ok(compacted) => {
                Self { table, compacted: Some(compacted), failure: None, is_left: false }
            }
            Err(failure) => {
                tracing::error!(table, %failure, "changes not compacted");
                let failure = Some(failure.to_string());
                Self { table, compacted: None, failure, is_left: false }
            }
        }
    }

    /// Of a table that had none.
    pub(crate) fn late(table: &str) -> Self {
        Self { table: table.to_owned(), compacted: None, failure: None, is_left: true }
    }
}

impl Report {
    /// The tables that failed, as one line; nothing if all went well.
    pub(crate) fn failures(&self) -> Option<String> {
        let failed = self.tables.iter().filter_map(|TableReport { table, failure, .. }| {
            Some(format!("{table}: {}", failure.as_ref()?))
        });
        let failed: Vec<String> = failed.collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use aws::Class;

    use super::*;

    #[test]
    fn a_table_that_had_no_turn_fails_nothing() {
        let failure = Failure::stated("GetObject", "s3://lake/x", "no answer", Class::Retryable);
        let mut report = Report {
            compaction_time: Timestamp::UNIX_EPOCH,
            tables: vec![TableReport::late("a"), TableReport::new("b", Ok(Compacted::default()))],
        };
        assert_eq!(report.failures(), None);
        report.tables.push(TableReport::new("c", Err(failure)));
        insta::assert_snapshot!(report.failures().unwrap(), @"c: GetObject on s3://lake/x failed: no answer");
        let told = report.tables.iter().map(|table| serde_json::json!(table).to_string());
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r#"
        {"isLeft":true,"table":"a"}
        {"after":{"bytes":0,"files":0},"before":{"bytes":0,"files":0},"isLeft":false,"left":{"bytes":0,"files":0},"merged":{"bytes":0,"files":0},"removed":{"bytes":0,"files":0},"table":"b","written":{"bytes":0,"files":0}}
        {"failure":"GetObject on s3://lake/x failed: no answer","isLeft":false,"table":"c"}
        "#);
    }
}
