//! What a run did, for people and for the run's own outcome.

use aws::{
    Failure,
    enrolment::{Enrolled, Step},
    telemetry,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    audit::AuditReport,
    increments::ChainReport,
    policy::{Policy, RefusedTag, UnknownTag},
    views::Views,
};

/// The report of one run; written to `reports/backup/<time>.json` in the lake's bucket.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// The time the run was scheduled for.
    pub(crate) scheduled_time: Timestamp,
    /// Each enrolled table, by name.
    pub(crate) tables: Vec<TableReport>,
    /// Streams that no table has any more, whose mappings were deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed_mappings: Vec<String>,
    /// Why mappings are left that should not be; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mappings_failure: Option<String>,
    /// Whether `compaction` was called, by this attempt at the run or an earlier one.
    pub(crate) compaction_begun: bool,
    /// Why it was not; the next hourly run asks for it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compaction_failure: Option<String>,
}

/// What was done for one table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableReport {
    /// Its name.
    pub(crate) table: String,
    /// What is to be done for it, by the stack and its tags.
    pub(crate) policy: Policy,
    /// What its tags say that is none of what they can say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    /// Why a tag was refused; what could be done was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags_failure: Option<String>,
    /// Whether it is deleted, or being so: nothing is done for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_gone: bool,
    /// Whether its changes reach the lake, as far as was looked.
    pub(crate) has_feed: bool,
    /// What the feed's last batch failed of, if it did: snapshots of the last day are not audited then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feed_problem: Option<String>,
    /// The steps of enrolment.
    pub(crate) enrolment: Vec<Step>,
    /// What a person should look at in the catalog: it is reported, not honoured.
    pub(crate) drift: Vec<String>,
    /// Why there is no catalog table; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) catalog_failure: Option<String>,
    /// Why its changes do not reach the lake; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feed_failure: Option<String>,
    /// Why recovery is not on; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_failure: Option<String>,
    /// The backup of this time, if this or an earlier run made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backup_arn: Option<String>,
    /// The full export of this time, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export_arn: Option<String>,
    /// Why a full export was asked for again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export_again: Option<String>,
    /// Why a full export was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export_failure: Option<String>,
    /// The chain of incremental exports, if the table has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chain: Option<ChainReport>,
    /// Why the chain is not as it should be; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chain_failure: Option<String>,
    /// The invocation that is at work on this table instead of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_to: Option<String>,
    /// What the run would do besides enrolling the table, were it not only observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) would_do: Vec<String>,
    /// How many hours ago the newest backup was asked for that can be restored from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backup_age_hours: Option<u64>,
    /// Names of the backups that retention removed.
    pub(crate) removed_backups: Vec<String>,
    /// Names of our backups that could not be restored from a day after they were asked for.
    pub(crate) broken_backups: Vec<String>,
    /// What went wrong, and how far it got is above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// Whether views and audit are left to the next run, since the time of this one was up.
    pub(crate) is_left: bool,
    /// What became of each view.
    pub(crate) views: Vec<Step>,
    /// The snapshot that the current state stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
    /// The audit of the newest snapshot, if there are two to compare and it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audit: Option<AuditReport>,
    /// Why there is no audit; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audit_failure: Option<String>,
    /// Why the views are not as they should be; the rest went its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) views_failure: Option<String>,
}

impl TableReport {
    pub(crate) fn new(table: &str, policy: Policy) -> Self {
        Self {
            table: table.to_owned(),
            policy,
            tags: Vec::new(),
            tags_failure: None,
            is_gone: false,
            has_feed: false,
            feed_problem: None,
            enrolment: Vec::new(),
            drift: Vec::new(),
            catalog_failure: None,
            feed_failure: None,
            recovery_failure: None,
            backup_arn: None,
            export_arn: None,
            export_again: None,
            export_failure: None,
            chain: None,
            chain_failure: None,
            left_to: None,
            would_do: Vec::new(),
            backup_age_hours: None,
            removed_backups: Vec::new(),
            broken_backups: Vec::new(),
            failure: None,
            is_left: false,
            views: Vec::new(),
            snapshot: None,
            audit: None,
            audit_failure: None,
            views_failure: None,
        }
    }

    /// Of a table that was deleted since its tags were read.
    pub(crate) fn gone(table: &str, policy: Policy) -> Self {
        tracing::info!(table, "table is deleted");
        Self { is_gone: true, ..Self::new(table, policy) }
    }

    /// Of a table that had no turn. The run fails of it, and the next attempt at it finds the others done.
    pub(crate) fn late(table: &str, policy: Policy) -> Self {
        let failure =
            "the time of the run was up before its turn; the next one begins with another table";
        Self { failure: Some(failure.to_owned()), is_left: true, ..Self::new(table, policy) }
    }

    /// Whether enrolment had anything to do.
    pub(crate) fn is_changed(&self) -> bool {
        self.enrolment.iter().any(|step| matches!(step, Step::Done(_)))
    }

    /// Whether anything failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failures().next().is_some()
    }

    /// Notes what the table's tags say that they cannot say.
    pub(crate) fn note_tags(&mut self, refused: &[RefusedTag], unknown: &[UnknownTag]) {
        self.tags = unknown.iter().map(ToString::to_string).collect();
        let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
        self.tags_failure = (!refused.is_empty()).then(|| refused.join("; "));
    }

    /// Notes what became of the enrolment.
    pub(crate) fn note_enrolment(&mut self, enrolled: Enrolled) {
        let Enrolled { steps, has_feed, feed_problem, drift, uncatalogued, unfed, unrecoverable } =
            enrolled;
        self.has_feed = has_feed;
        if let Some(problem) = &feed_problem {
            tracing::warn!(table = self.table, problem, "change feed has a problem");
        }
        self.feed_problem = feed_problem;
        self.enrolment = steps;
        self.drift = drift;
        if let Some(failure) = uncatalogued {
            tracing::error!(table = self.table, %failure, "catalog table not made");
            self.catalog_failure = Some(failure.to_string());
        }
        if let Some(failure) = unfed {
            self.note_feed_failure(&failure);
        }
        if let Some(failure) = unrecoverable {
            tracing::error!(table = self.table, %failure, "recovery not on");
            self.recovery_failure = Some(failure.to_string());
        }
    }

    /// Notes why a change feed is not as it should be.
    pub(crate) fn note_feed_failure(&mut self, failure: &Failure) {
        tracing::error!(table = self.table, %failure, "change feed not as it should be");
        self.feed_failure = Some(failure.to_string());
    }

    /// An alarm rings where it goes on: changes that no function is given have no lag. Nothing is counted of a feed that is
    /// well, since each metric of a table costs.
    pub(crate) fn count_feed_problem(&self) {
        if self.feed_problem.is_some() || self.feed_failure.is_some() {
            telemetry::count(&self.table, &[("FeedProblems", 1)]);
        }
    }

    /// Notes what became of the chain of incremental exports.
    pub(crate) fn note_chain(&mut self, chain: ChainReport, ran: Result<(), Failure>) {
        self.chain = Some(chain);
        if let Err(failure) = ran {
            tracing::error!(table = self.table, %failure, "chain of exports not kept");
            self.chain_failure = Some(failure.to_string());
        }
    }

    /// Notes how old the newest backup is, which an alarm watches. Where it cannot be told the run goes on.
    pub(crate) fn note_backup_age(&mut self, age: Result<Option<u64>, Failure>) {
        match age {
            Ok(age) => {
                self.backup_age_hours = age;
                if let Some(hours) = age {
                    telemetry::hours(&self.table, &[("BackupAgeHours", hours)]);
                }
            }
            Err(failure) => tracing::warn!(table = self.table, %failure, "age of backups not told"),
        }
    }

    /// Notes what became of the views.
    pub(crate) fn note_views(&mut self, views: Result<Views, Failure>) {
        match views {
            Ok(Views { steps, snapshot }) => (self.views, self.snapshot) = (steps, snapshot),
            Err(failure) => {
                tracing::error!(table = self.table, failure = %failure, "views not made");
                self.views_failure = Some(failure.to_string());
            }
        }
    }

    /// Notes what an audit found.
    pub(crate) fn note_audit(&mut self, audit: Result<Option<AuditReport>, Failure>) {
        match audit {
            Ok(audit) => self.audit = audit,
            Err(failure) => {
                tracing::error!(table = self.table, failure = %failure, "snapshot not audited");
                self.audit_failure = Some(failure.to_string());
            }
        }
    }

    /// What failed, if anything did.
    fn failures(&self) -> impl Iterator<Item = &String> {
        self.failure
            .iter()
            .chain(&self.export_failure)
            .chain(&self.chain_failure)
            .chain(&self.tags_failure)
            .chain(&self.catalog_failure)
            .chain(&self.feed_failure)
            .chain(&self.recovery_failure)
            .chain(&self.views_failure)
            .chain(&self.audit_failure)
    }
}

impl Report {
    /// The tables that failed, as one line; nothing if all went well.
    pub(crate) fn failures(&self) -> Option<String> {
        let failed: Vec<String> = self
            .tables
            .iter()
            .flat_map(|table| table.failures().map(|failure| format!("{}: {failure}", table.table)))
            .chain(self.mappings_failure.clone())
            .chain(self.compaction_failure.clone())
            .collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }
}
