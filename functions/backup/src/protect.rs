//! What a run does to protect a table: it is looked at, planned for (`plan`), and the plan is done.

use aws::{
    Failure,
    backup::{self, Backup},
    claim, clock, snapshot,
};
use jiff::Timestamp;
use lake::path;
use serde::{Deserialize, Serialize};

use crate::{
    exports::{Newest, Standing},
    increments::{self, ChainReport},
    naming,
    plan::{Act, Observed, Run, plan},
    policy::{Exports, Mode, Policy},
    report::TableReport,
    turn::Turn,
};

/// What a finished run made for a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    /// The backup's ARN, if the table gets backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup_arn: Option<String>,
    /// The full export's ARN, if it is exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    export_arn: Option<String>,
}

impl Turn<'_> {
    /// Observes the table, plans the run, and does what is planned, as far as the table's mode allows.
    pub(crate) async fn run(&self, run: Run, report: &mut TableReport) -> Result<(), Failure> {
        let policy = report.policy;
        let observed = self.observe(run, policy).await;
        let full = observed.as_ref().ok().and_then(|(_, newest)| newest.standing.arn());
        let full = full.map(str::to_owned);
        let ran = match observed {
            Ok((observed, newest)) => self.follow(&plan(&observed), &newest, report).await,
            Err(failure) => Err(failure),
        };
        if policy.mode != Mode::Observe && policy.backup {
            report.note_backup_age(self.backup_age().await);
        }
        // A chain goes on whatever became of the rest.
        if policy.export == Exports::Incremental {
            let full = report.export_arn.clone().or(full);
            let mut of_chain = ChainReport::default();
            let kept =
                Box::pin(increments::ensure(self, policy.mode, full.as_deref(), &mut of_chain))
                    .await;
            report.note_chain(of_chain, kept);
        }
        ran
    }

    /// Does what is planned, or tells it, as the table's mode says.
    async fn follow(
        &self,
        acts: &[Act],
        newest: &Newest,
        report: &mut TableReport,
    ) -> Result<(), Failure> {
        if report.policy.mode == Mode::Observe {
            report.would_do = acts.iter().map(ToString::to_string).collect();
            report.would_do.push("make its views".to_owned());
            return Ok(());
        }
        self.act(acts, newest, report).await
    }

    /// Looks at what the run has to do with.
    async fn observe(&self, run: Run, policy: Policy) -> Result<(Observed, Newest), Failure> {
        let now = clock::now();
        let has_to_do = run == Run::Backup && policy.retain.is_some();
        let backups = if has_to_do { self.backups().await? } else { Vec::new() };
        let looks = run == Run::Reconcile && policy.export != Exports::Off;
        let newest = if looks { self.exports(now).look().await? } else { Newest::default() };
        // The table itself is looked at only where it matters.
        let asks =
            matches!(newest.standing, Standing::None | Standing::Completed { is_old: true, .. });
        let has_snapshot = !(looks && asks) || self.has_snapshot(now).await?;
        let observed = Observed {
            run,
            policy,
            scheduled: self.scheduled,
            now,
            backups,
            full: newest.standing.clone(),
            precedes_feed: newest.precedes_feed,
            has_snapshot,
            full_exports: self.settings.full_exports,
            exports_leave: self.settings.exports.bucket_owner.is_some(),
        };
        Ok((observed, newest))
    }

    /// Does what is planned: first what is made once for a scheduled time, under its claim.
    async fn act(
        &self,
        acts: &[Act],
        newest: &Newest,
        report: &mut TableReport,
    ) -> Result<(), Failure> {
        let (once, others): (Vec<&Act>, Vec<&Act>) = acts.iter().partition(|act| act.is_once());
        let mut ran = Ok(());
        if !once.is_empty() {
            match self.act_once(&once, report).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // Retention goes on, which never removes the newest good backup.
                Err(failure) => ran = Err(failure),
            }
        }
        let exports = self.exports(clock::now());
        ran = ran.and(exports.settle(newest).await);
        for act in others {
            ran = ran.and(self.act_on(act, newest, report).await);
        }
        ran
    }

    async fn act_on(
        &self,
        act: &Act,
        newest: &Newest,
        report: &mut TableReport,
    ) -> Result<(), Failure> {
        let exports = self.exports(clock::now());
        match act {
            Act::Export(why) => {
                report.export_arn = Some(exports.ask(self.scheduled, *why).await?);
            }
            Act::ExportAgain { why } => {
                report.export_again = Some(why.clone());
                report.export_arn = exports.ask_again(newest).await?;
                let export = report.export_arn.as_deref();
                tracing::warn!(table = self.table.name, export, why, "exported again");
            }
            Act::GiveUpExport { why } => {
                exports.give_up(newest).await?;
                report.export_failure = Some(why.clone());
            }
            Act::TellFruitless => report.export_failure = Some(act.to_string()),
            Act::TellBroken { name } => {
                tracing::warn!(table = self.table.name, backup = name, "backup broken");
                report.broken_backups.push(name.clone());
            }
            Act::Remove { name, arn } => {
                backup::delete(self.clients.dynamodb(), arn).await?;
                report.removed_backups.push(name.clone());
            }
            // Done once.
            Act::BackUp { .. } => {}
        }
        Ok(())
    }

    /// Makes what is made once for a scheduled time, unless that was done; false if another run is at it.
    async fn act_once(&self, acts: &[&Act], report: &mut TableReport) -> Result<bool, Failure> {
        let Self { table, request_id, .. } = *self;
        let now = clock::now();
        let (s3, bucket) = self.state();
        let folder = path::folder(&table.name);
        // Of one time there may be a run of backups, and one of exports.
        let has_backup = acts.iter().any(|act| matches!(act, Act::BackUp { .. }));
        let kind = if has_backup { "" } else { "-export" };
        let name = format!("{folder}/{}{kind}.json", naming::compact(self.scheduled));
        let key = path::state("backup", &name);
        let made = match claim::take(s3, bucket, &key, request_id, now).await? {
            claim::Turn::Done(made) => made,
            claim::Turn::Theirs { holder } => {
                report.left_to = Some(holder);
                return Ok(false);
            }
            claim::Turn::Ours => {
                let made = match self.make(acts, report).await {
                    Ok(made) => made,
                    Err(failure) => {
                        let released = claim::release::<Made>(s3, bucket, &key, request_id).await;
                        if let Err(failure) = released {
                            let table = table.name.as_str();
                            tracing::warn!(table, %failure, "claim not let go of: the next run waits");
                        }
                        return Err(failure);
                    }
                };
                claim::finish(s3, bucket, &key, request_id, now, made.clone()).await?;
                made
            }
        };
        report.backup_arn = made.backup_arn;
        report.export_arn = made.export_arn;
        Ok(true)
    }

    /// What is made stands in the report, should what comes after it fail.
    async fn make(&self, acts: &[&Act], report: &mut TableReport) -> Result<Made, Failure> {
        let Self { clients, table, scheduled, .. } = *self;
        for act in acts {
            match act {
                Act::BackUp { name } => {
                    // Looked for under the claim: only then is no other run about to make it.
                    let existing = self.backups().await?;
                    let existing = existing.into_iter().find(|backup| backup.name == *name);
                    report.backup_arn = Some(match existing {
                        Some(backup) => backup.arn,
                        None => backup::create(clients.dynamodb(), &table.name, name).await?,
                    });
                }
                Act::Export(why) => {
                    let asked = self.exports(clock::now()).ask(scheduled, *why).await?;
                    report.export_arn = Some(asked);
                }
                _ => {}
            }
        }
        let (backup_arn, export_arn) = (report.backup_arn.clone(), report.export_arn.clone());
        Ok(Made { backup_arn, export_arn })
    }

    /// The backups of this table. Those of one that had its name before are for a person to remove: nothing else is
    /// left of it.
    async fn backups(&self) -> Result<Vec<Backup>, Failure> {
        let mut backups = backup::list(self.clients.dynamodb(), &self.table.name).await?;
        backups.retain(|backup| backup.table_id.as_deref().is_none_or(|id| id == self.table_id));
        Ok(backups)
    }

    /// How many hours ago the newest backup was asked for that can be restored from, if there is one.
    async fn backup_age(&self) -> Result<Option<u64>, Failure> {
        let backups = self.backups().await?;
        let newest = backups.iter().filter(|backup| backup.available).map(|backup| backup.created);
        let age = newest.max().map(|newest| clock::now().duration_since(newest).as_hours());
        Ok(age.and_then(|hours| u64::try_from(hours).ok()))
    }

    async fn has_snapshot(&self, now: Timestamp) -> Result<bool, Failure> {
        let (s3, bucket) = self.state();
        let of = (self.table.name.as_str(), self.table_id);
        Ok(!snapshot::newest(s3, bucket, of, now, 1).await?.is_empty())
    }
}
