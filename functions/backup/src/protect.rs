//! What a table gets once per scheduled time: its backup, its export, and the removal of what is kept no more.
//!
//! A table that has no snapshot yet is exported out of turn, and a full export that came to nothing is asked for
//! again by each run in between.

use aws::{
    Clients, Failure,
    backup::{self, Backup},
    clock, snapshot,
    tagged::TaggedTable,
};
use jiff::Timestamp;
use lake::path;

use crate::{
    Settings,
    claim::{self, Made},
    exports::{FullExports, Looked, Why},
    plan,
    policy::{Exports, Policy},
    report::TableReport,
};

/// Exports out of turn of which no snapshot comes, before no more are asked for.
const MOST_FRUITLESS: u32 = 3;

/// A table whose turn it is in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) settings: &'a Settings,
    pub(crate) table: &'a TaggedTable,
    /// Tells the table from one that had its name before.
    pub(crate) table_id: &'a str,
    /// Since when the change feed tells of its changes.
    pub(crate) fed_since: Timestamp,
    /// When the run was due.
    pub(crate) scheduled: Timestamp,
    /// The invocation.
    pub(crate) request_id: &'a str,
}

impl Turn<'_> {
    /// Backs the table up, exports it and removes expired backups, each as its policy says.
    pub(crate) async fn protect(&self, report: &mut TableReport) -> Result<(), Failure> {
        let Self { table, request_id, .. } = *self;
        let now = clock::now();
        let (s3, bucket) = self.state();
        let folder = path::folder(&table.name);
        let name = format!("{folder}/{}.json", plan::compact(self.scheduled));
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
        self.remove_expired(report).await
    }

    /// The backups of this table. Those of one that had its name before are for a person to remove: nothing else is
    /// left of it.
    async fn backups(&self) -> Result<Vec<Backup>, Failure> {
        let mut backups = backup::list(&self.clients.dynamodb, &self.table.name).await?;
        backups.retain(|backup| backup.table_id.as_deref().is_none_or(|id| id == self.table_id));
        Ok(backups)
    }

    async fn remove_expired(&self, report: &mut TableReport) -> Result<(), Failure> {
        let Self { clients, table, .. } = *self;
        let Some(retain) = report.policy.retain else {
            return Ok(());
        };
        let backups = self.backups().await?;
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

    /// Tells what a run would do, and does nothing.
    pub(crate) async fn plan(
        &self,
        backs_up: bool,
        report: &mut TableReport,
    ) -> Result<(), Failure> {
        let Policy { backup, export, retain, .. } = report.policy;
        let would = &mut report.would_do;
        if backs_up && backup {
            would.push(format!("make the backup {}", plan::backup_name(self.scheduled)));
        }
        if backs_up && let Some(retain) = retain {
            let backups = self.backups().await?;
            let expired = retain.review(&backups, clock::now()).expired;
            would.extend(expired.iter().map(|backup| format!("remove the backup {}", backup.name)));
        }
        let exports = export != Exports::Off;
        if exports && backs_up {
            would.push("export the whole table, as it is due".to_owned());
        } else if exports && !self.has_snapshot(clock::now()).await? {
            would.push("export the whole table, for its first snapshot".to_owned());
        }
        would.push("make its views".to_owned());
        Ok(())
    }

    /// Makes the backup, unless a run that broke off had already made it, and starts the export.
    async fn make(&self, policy: Policy) -> Result<Made, Failure> {
        let Self { clients, table, scheduled, .. } = *self;
        let mut made = Made { backup_arn: None, export_arn: None };
        if policy.backup {
            let name = plan::backup_name(scheduled);
            let existing = self.backups().await?;
            let existing = existing.into_iter().find(|backup| backup.name == name);
            made.backup_arn = Some(match existing {
                Some(backup) => backup.arn,
                None => backup::create(&clients.dynamodb, &table.name, &name).await?,
            });
        }
        if policy.export != Exports::Off {
            made.export_arn = Some(self.exports(clock::now()).ask(scheduled, Why::Due).await?);
        }
        Ok(made)
    }

    /// The table's full exports.
    pub(crate) fn exports(&self, now: Timestamp) -> FullExports<'_> {
        let Self { clients, settings, table, table_id, fed_since, .. } = *self;
        let table = (table.name.as_str(), table.arn.as_str());
        FullExports { clients, settings, table, table_id, fed_since, now }
    }

    /// Asks for the newest full export again if it came to nothing, and gives it.
    ///
    /// A table that has no snapshot is exported: one that had items before it was enrolled is not in the changes
    /// alone. The schedule of backups exports it anyway.
    pub(crate) async fn look_after_exports(
        &self,
        report: &mut TableReport,
    ) -> Result<Option<String>, Failure> {
        let now = clock::now();
        let exports = self.exports(now);
        match exports.look().await? {
            Looked::Again { arn, why } => {
                tracing::warn!(table = self.table.name, export = arn, why, "exported again");
                report.export_again = Some(why);
                report.export_arn = Some(arn.clone());
                Ok(Some(arn))
            }
            Looked::GivenUp { why } => {
                report.export_failure = Some(why);
                Ok(None)
            }
            Looked::Left { arn, is_old: false, .. } => Ok(arn),
            // Of another account's bucket no snapshot is made.
            Looked::Left { arn, .. } if self.settings.exports.bucket_owner.is_some() => Ok(arn),
            Looked::None | Looked::Left { .. } if self.has_snapshot(now).await? => Ok(None),
            Looked::Left { fruitless: MOST_FRUITLESS.., .. } => {
                report.export_failure = Some(format!(
                    "{MOST_FRUITLESS} full exports completed and no whole snapshot came of them; see the operations \
                     guide, \"A snapshot does not come\". The next scheduled one is tried again"
                ));
                Ok(None)
            }
            Looked::None | Looked::Left { .. } => {
                let arn = exports.ask(self.scheduled, Why::First).await?;
                report.export_arn = Some(arn.clone());
                Ok(Some(arn))
            }
        }
    }

    async fn has_snapshot(&self, now: Timestamp) -> Result<bool, Failure> {
        let (s3, bucket) = self.state();
        let of = (self.table.name.as_str(), self.table_id);
        Ok(!snapshot::newest(s3, bucket, of, now, 1).await?.is_empty())
    }

    pub(crate) fn state(&self) -> (&aws::sdk::s3::Client, &str) {
        (&self.clients.s3, &self.settings.enrolment.lake_bucket)
    }
}
