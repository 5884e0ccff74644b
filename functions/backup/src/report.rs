//! What a run did, for people and for the run's own outcome.

use aws::enrolment::Step;
use jiff::Timestamp;
use serde::Serialize;

/// The report of one run; written to `reports/backup/<time>.json` in the lake's bucket.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The time the run was scheduled for.
    pub(crate) scheduled_time: Timestamp,
    /// Each enrolled table, by name.
    pub(crate) tables: Vec<TableReport>,
}

/// What was done for one table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableReport {
    /// Its name.
    pub(crate) table: String,
    /// The steps of enrolment.
    pub(crate) enrolment: Vec<Step>,
    /// The backup of this time, if this or an earlier run made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backup_arn: Option<String>,
    /// The full export of this time, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export_arn: Option<String>,
    /// The invocation that is at work on this table instead of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_to: Option<String>,
    /// Names of the backups that retention removed.
    pub(crate) removed_backups: Vec<String>,
    /// What went wrong, and how far it got is above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

impl TableReport {
    pub(crate) fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            enrolment: Vec::new(),
            backup_arn: None,
            export_arn: None,
            left_to: None,
            removed_backups: Vec::new(),
            failure: None,
        }
    }
}

impl Report {
    /// The tables that failed, as one line; nothing if all went well.
    pub(crate) fn failures(&self) -> Option<String> {
        let failed: Vec<String> = self
            .tables
            .iter()
            .filter_map(|table| Some(format!("{}: {}", table.table, table.failure.as_ref()?)))
            .collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }
}
