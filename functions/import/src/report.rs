//! The report of an import, written beside its source.
//!
//! It is also the finished marker for people; for the function that is [`crate::status`].

use aws::enrolment::Step;
use serde::{Deserialize, Serialize};

/// What became of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Names this writing of the source; the new table carries it as the tag `headwater:import`.
    pub(crate) import_id: String,
    /// What was imported.
    pub(crate) source: Source,
    /// The objects of a folder, or of an export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) objects: Vec<ObjectRead>,
    /// Where the rows come from that were rejected before, if the source is a rejects object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rejected_from: Option<Source>,
    /// The table it became, or would have.
    pub(crate) table: String,
    /// How it ended.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// Rows in the source: written, rejected and superseded together.
    pub(crate) rows_read: u64,
    /// Rows that are items of the table.
    pub(crate) rows_written: u64,
    /// Rows that are not, each kept in `rejects`.
    pub(crate) rows_rejected: u64,
    /// Rows whose key another row has, which `OnDuplicate` prefers.
    pub(crate) rows_superseded: u64,
    /// Where rejected rows are kept, if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rejects: Vec<String>,
    /// Everything that was inferred rather than given, and why.
    pub(crate) inferences: Vec<String>,
    /// What is to be made and how, once that is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Plan>,
    /// Calls that DynamoDB throttled on the way.
    pub(crate) throttled_calls: u64,
    /// DynamoDB's own import, if that was the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) import_table: Option<ImportTable>,
    /// What the table was given besides its items.
    pub(crate) enrolment: Vec<Step>,
    /// Messages the import took: one, and one more for each time it went on.
    pub(crate) turns: u32,
    /// Seconds from the first event's arrival to this report.
    pub(crate) seconds: f64,
    /// What to do next.
    pub(crate) next: String,
}

/// The object that was imported, or the manifest of the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// Its bucket.
    pub(crate) bucket: String,
    /// Its key.
    pub(crate) key: String,
    /// Its version, in a versioned bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Bytes, as stored.
    pub(crate) size: u64,
}

/// An object that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectRead {
    /// Which one.
    #[serde(flatten)]
    pub(crate) source: Source,
    /// Its rows.
    pub(crate) rows: u64,
}

/// What an import makes of a source, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    /// The table's key: `id (S)`, `pk (S) with sk (N)`.
    pub(crate) key: String,
    /// The request the table is made with, as DynamoDB's JSON; nothing for one that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table_creation_parameters: Option<serde_json::Value>,
    /// `direct` or `native`.
    pub(crate) engine: String,
    /// Why this engine.
    pub(crate) because: String,
    /// What each would cost and take, in words.
    pub(crate) estimates: Estimates,
    /// Bytes of all items as DynamoDB counts them.
    pub(crate) item_bytes: u64,
    /// Write request units of all items, without indexes.
    pub(crate) write_units: u64,
}

/// What each engine would cost and take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Estimates {
    /// `BatchWriteItem`.
    pub(crate) direct: String,
    /// `ImportTable`.
    pub(crate) native: String,
}

/// How DynamoDB's own import went, in its own numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportTable {
    /// The job.
    pub(crate) import_arn: String,
    /// How it ended.
    pub(crate) import_status: String,
    /// Items it read.
    pub(crate) processed_item_count: i64,
    /// Items it wrote.
    pub(crate) imported_item_count: i64,
    /// Items it could not write.
    pub(crate) error_count: i64,
    /// Bytes it read, decompressed: what is charged for.
    pub(crate) processed_size_bytes: i64,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure_code: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure_message: Option<String>,
    /// Where it logged each item it could not write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_group: Option<String>,
}

impl ImportTable {
    /// Whether it was at work when it was last looked at.
    fn is_at_work(&self) -> bool {
        ["IN_PROGRESS", "CANCELLING"].contains(&self.import_status.as_str())
    }
}

/// How an import ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub(crate) enum Outcome {
    /// Every row is an item of the table, or a reject.
    Finished,
    /// A dry run: nothing was made.
    Planned,
    /// Something stood in the way that may pass; the queue tries again.
    Retrying {
        /// What it was.
        error: String,
    },
    /// The source cannot be imported, whoever tries again.
    Failed {
        /// What was expected, what was found, and what to do.
        error: String,
    },
}

impl Outcome {
    /// The status, as the report spells it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Planned => "planned",
            Self::Retrying { .. } => "retrying",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Report {
    /// What a person does next.
    pub(crate) fn next_step(&self) -> String {
        match (&self.outcome, self.rejects.first()) {
            (Outcome::Finished, None) => {
                format!("aws dynamodb scan --table-name {} --max-items 3", self.table)
            }
            (Outcome::Finished, Some(rejects)) => {
                let others = match self.rejects.len() {
                    1 => String::new(),
                    files => format!(" and of the {} others told here", files - 1),
                };
                format!(
                    "mend the rows of {rejects}{others} in place and drop what is mended under \
                     s3://{}/imports/",
                    self.source.bucket
                )
            }
            (Outcome::Planned, _) => {
                "set DryRun to false in the manifest and drop it again".to_owned()
            }
            (Outcome::Retrying { .. }, _) => {
                "wait: the queue tries again; after five attempts the message is in the dead-letter queue"
                    .to_owned()
            }
            (Outcome::Failed { .. }, _) => match &self.import_table {
                Some(job) if job.is_at_work() => format!(
                    "do what the error says once this tells that the job has ended: aws dynamodb \
                     describe-import --import-arn {}",
                    job.import_arn
                ),
                _ => "do what the error says, and drop the source again".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_failed_is_dropped_again_once_its_job_has_ended() {
        let next = |import_status: &str| {
            let job = json!({
                "importArn": "arn:1", "importStatus": import_status, "processedItemCount": 0,
                "importedItemCount": 0, "errorCount": 0, "processedSizeBytes": 0,
            });
            let report = json!({
                "importId": "0f", "source": {"bucket": "landing", "key": "imports/planes.csv", "size": 1},
                "table": "planes", "status": "failed", "error": "no", "rowsRead": 0, "rowsWritten": 0,
                "rowsRejected": 0, "rowsSuperseded": 0, "inferences": [], "throttledCalls": 0,
                "importTable": job, "enrolment": [], "turns": 1, "seconds": 0.0, "next": "",
            });
            serde_json::from_value::<Report>(report).unwrap().next_step()
        };
        insta::assert_snapshot!(next("FAILED"), @"do what the error says, and drop the source again");
        insta::assert_snapshot!(next("IN_PROGRESS"), @"do what the error says once this tells that the job has ended: aws dynamodb describe-import --import-arn arn:1");
        assert_eq!(next("CANCELLING"), next("IN_PROGRESS"));
        assert_eq!(next("COMPLETED"), next("FAILED"));
    }
}
