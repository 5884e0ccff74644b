//! The report of an import, written beside its source.
//!
//! It is also the finished marker: a later delivery of the same event finds it and does nothing,
//! unless it says that the queue tries again.

use aws::enrolment::Step;
use serde::{Deserialize, Serialize};

/// What became of one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Names this writing of the object; the new table carries it as the tag `headwater:import`.
    pub(crate) import_id: String,
    /// What was imported.
    pub(crate) source: Source,
    /// The table it became, or would have.
    pub(crate) table: String,
    /// How it ended.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// Rows in the source: written and rejected together.
    pub(crate) rows_read: u64,
    /// Rows that are items of the table.
    pub(crate) rows_written: u64,
    /// Rows that are not, each kept in `rejects`.
    pub(crate) rows_rejected: u64,
    /// Where rejected rows are kept, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rejects: Option<String>,
    /// Everything that was inferred rather than given, and why.
    pub(crate) inferences: Vec<String>,
    /// Calls that DynamoDB throttled on the way.
    pub(crate) throttled_calls: u64,
    /// What the table was given besides its items.
    pub(crate) enrolment: Vec<Step>,
    /// Seconds from the event's arrival to this report.
    pub(crate) seconds: f64,
}

/// The object that was imported.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// Its bucket.
    pub(crate) bucket: String,
    /// Its key.
    pub(crate) key: String,
    /// Its version, in a versioned bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Bytes, as stored.
    pub(crate) size: u64,
}

/// How an import ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub(crate) enum Outcome {
    /// Every row is an item of the table, or a reject.
    Finished,
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
    /// How the import that wrote a report ended. One that cannot be read is not the last word.
    pub(crate) fn of_report(report: &[u8]) -> Self {
        serde_json::from_slice(report)
            .unwrap_or_else(|error| Self::Retrying { error: error.to_string() })
    }

    /// Whether a later delivery of the same event has nothing to do.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Retrying { .. })
    }
}
