//! What a run did, for people and for the run's own outcome.

use aws::{
    Failure,
    enrolment::{Enrolled, Step},
};
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
    /// What a person should look at in the catalog: it is reported, not honoured.
    pub(crate) drift: Vec<String>,
    /// Why there is no catalog table; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) catalog_failure: Option<String>,
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
    /// What became of each view.
    pub(crate) views: Vec<Step>,
    /// Why the views are not as they should be; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) views_failure: Option<String>,
}

impl TableReport {
    pub(crate) fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            enrolment: Vec::new(),
            drift: Vec::new(),
            catalog_failure: None,
            backup_arn: None,
            export_arn: None,
            left_to: None,
            removed_backups: Vec::new(),
            failure: None,
            views: Vec::new(),
            views_failure: None,
        }
    }

    /// Notes what became of the enrolment.
    pub(crate) fn note_enrolment(&mut self, enrolled: Enrolled) {
        let Enrolled { steps, drift, uncatalogued } = enrolled;
        self.enrolment = steps;
        self.drift = drift;
        if let Some(failure) = uncatalogued {
            tracing::error!(table = self.table, %failure, "catalog table not made");
            self.catalog_failure = Some(failure.to_string());
        }
    }

    /// Notes what became of the views.
    pub(crate) fn note_views(&mut self, views: Result<Vec<Step>, Failure>) {
        match views {
            Ok(views) => self.views = views,
            Err(failure) => {
                tracing::error!(table = self.table, failure = %failure, "views not made");
                self.views_failure = Some(failure.to_string());
            }
        }
    }

    /// What failed, if anything did.
    fn failures(&self) -> impl Iterator<Item = &String> {
        self.failure.iter().chain(&self.catalog_failure).chain(&self.views_failure)
    }
}

impl Report {
    /// The tables that failed, as one line; nothing if all went well.
    pub(crate) fn failures(&self) -> Option<String> {
        let failed: Vec<String> = self
            .tables
            .iter()
            .flat_map(|table| table.failures().map(|failure| format!("{}: {failure}", table.table)))
            .collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }
}
