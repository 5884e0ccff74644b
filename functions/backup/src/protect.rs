//! What a table gets once per scheduled time: its backup, its export, and the removal of what is kept no more.
//!
//! A table that has no snapshot yet is exported out of turn.

use aws::{
    Clients, Failure, backup, clock,
    export::{self, Progress},
    snapshot,
    tagged::TaggedTable,
};
use jiff::{SignedDuration, Timestamp};
use lake::path;
use serde::{Deserialize, Serialize};

use crate::{
    Settings,
    claim::{self, Made},
    exports::{self, Why},
    plan,
    policy::{Exports, Policy},
    report::TableReport,
};

/// A table whose turn it is in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    pub(crate) table: &'a TaggedTable,
    /// When the run was due.
    pub(crate) scheduled: Timestamp,
    /// The invocation.
    pub(crate) request_id: &'a str,
}

impl Turn<'_> {
    /// Backs the table up, exports it and removes expired backups, each as its policy says.
    pub(crate) async fn protect(&self, report: &mut TableReport) -> Result<(), Failure> {
        let Self { clients, table, request_id, .. } = *self;
        let now = clock::now();
        let (s3, bucket) = self.state();
        let name = format!("{}/{}.json", table.name, plan::compact(self.scheduled));
        let key = path::state("backup", &name);
        let made = match claim::take(s3, bucket, &key, request_id, now).await? {
            claim::Turn::Done(made) => made,
            claim::Turn::Theirs { holder } => {
                report.left_to = Some(holder);
                return Ok(());
            }
            claim::Turn::Ours => {
                let made = self.make(report.policy).await?;
                claim::finish(s3, bucket, &key, request_id, now, made.clone()).await?;
                made
            }
        };
        report.backup_arn = made.backup_arn;
        report.export_arn = made.export_arn;
        remove_expired(clients, table, report).await
    }

    /// Makes the backup, unless a run that broke off had already made it, and starts the export.
    async fn make(&self, policy: Policy) -> Result<Made, Failure> {
        let Self { clients, table, scheduled, .. } = *self;
        let mut made = Made { backup_arn: None, export_arn: None };
        if policy.backup {
            let name = plan::backup_name(scheduled);
            let existing = backup::list(&clients.dynamodb, &table.name).await?;
            let existing = existing.into_iter().find(|backup| backup.name == name);
            made.backup_arn = Some(match existing {
                Some(backup) => backup.arn,
                None => backup::create(&clients.dynamodb, &table.name, &name).await?,
            });
        }
        if policy.export == Exports::Full {
            made.export_arn = Some(self.export(Why::Due).await?);
        }
        Ok(made)
    }

    async fn export(&self, why: Why) -> Result<String, Failure> {
        let of = (self.table.name.as_str(), self.table.arn.as_str());
        exports::start(self.clients, self.settings, of, self.scheduled, why).await
    }

    /// Exports a table that has no snapshot: a table that had items before it was enrolled is not in the
    /// changes alone. Once, and again where that came to nothing; the schedule of backups exports it anyway.
    pub(crate) async fn first_export(
        &self,
        table_id: &str,
        report: &mut TableReport,
    ) -> Result<(), Failure> {
        let Self { clients, table, request_id, .. } = *self;
        let now = clock::now();
        let (s3, bucket) = self.state();
        if !snapshot::newest(s3, bucket, (&table.name, table_id), now, 1).await?.is_empty() {
            return Ok(());
        }
        let name = format!("{}/first-export-{table_id}.json", path::folder(&table.name));
        let key = path::state("backup", &name);
        let attempt = match claim::take::<FirstExport>(s3, bucket, &key, request_id, now).await? {
            claim::Turn::Done(first) if first.may_come(clients, now).await? => return Ok(()),
            claim::Turn::Done(first) => first.attempt + 1,
            claim::Turn::Theirs { holder } => {
                report.left_to = Some(holder);
                return Ok(());
            }
            claim::Turn::Ours => 0,
        };
        let why = if attempt == 0 { Why::Due } else { Why::Again(attempt) };
        let arn = self.export(why).await?;
        report.export_arn = Some(arn.clone());
        let first = FirstExport { arn, attempt, started_at: now };
        claim::finish(s3, bucket, &key, request_id, now, first).await
    }

    fn state(&self) -> (&aws::sdk::s3::Client, &str) {
        (&self.clients.s3, &self.settings.enrolment.lake_bucket)
    }
}

/// The export that a table's first snapshot is to be made of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirstExport {
    arn: String,
    /// Those before it that came to nothing.
    attempt: u32,
    started_at: Timestamp,
}

impl FirstExport {
    /// No export that is going to end takes longer.
    const LONGEST: SignedDuration = SignedDuration::from_hours(24);

    /// Whether it may become a snapshot still.
    async fn may_come(&self, clients: &Clients, now: Timestamp) -> Result<bool, Failure> {
        Ok(match export::progress(&clients.dynamodb, &self.arn).await? {
            Progress::Failed => false,
            Progress::InProgress | Progress::Completed => {
                now.duration_since(self.started_at) < Self::LONGEST
            }
        })
    }
}

async fn remove_expired(
    clients: &Clients,
    table: &TaggedTable,
    report: &mut TableReport,
) -> Result<(), Failure> {
    let Some(retain) = report.policy.retain else {
        return Ok(());
    };
    let backups = backup::list(&clients.dynamodb, &table.name).await?;
    let review = retain.review(&backups, clock::now());
    for broken in review.broken {
        tracing::warn!(table = table.name, backup = broken.name, "backup broken");
        report.broken_backups.push(broken.name.clone());
    }
    for expired in review.expired {
        backup::delete(&clients.dynamodb, &expired.arn).await?;
        report.removed_backups.push(expired.name.clone());
    }
    Ok(())
}
