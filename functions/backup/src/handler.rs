//! One scheduled run.

use anyhow::{Context, anyhow, ensure};
use aws::{
    Class, Clients, Failure, clock, enrolment, object, schedule,
    sdk::dynamodb::types::{TableDescription, TableStatus},
    table,
    tagged::TaggedTable,
};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

use crate::{
    Settings, audit, compaction, exports, left_mappings, naming,
    plan::Run,
    policy::{self, Exports, Mode, Reading},
    rebuild,
    report::{Report, TableReport},
    selection, stack_deletion,
    turn::Turn,
    views,
};

/// Handles `{"scheduledTime": "2026-11-22T03:00:00Z"}` and returns the run's report.
///
/// `{"exportTime": …}` makes the full exports that are due, where they have a schedule of their own.
/// `{"reconcileTime": …}` does not back up or remove: it enrols, exports tables that have no snapshot yet,
/// and again what came to nothing, goes on with chains of incremental exports, moves views, audits, and starts `compaction`
/// when all that is done.
/// With `"tables": ["orders"]` beside its time, a run is of those alone. For a person
/// who does not want to wait for the schedule there is `{"views": ["orders"]}`: only the views of those
/// tables. `rebuild` handles `{"rebuildCatalog": ["orders"]}`, and `stack_deletion` what CloudFormation asks.
///
/// Fails after every table has had its turn if any of them failed.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: LambdaEvent<Value>,
) -> Result<Value, Error> {
    let LambdaEvent { payload: event, context } = event;
    if event.get("ResponseURL").is_some() {
        return stack_deletion::run(clients, event).await;
    }
    if let Some(tables) = event.get("views") {
        return views::run(clients, settings, tables).await;
    }
    if let Some(tables) = event.get("rebuildCatalog") {
        return Box::pin(rebuild::run(clients, settings, tables)).await;
    }
    let (scheduled, run) = due(&event, clock::now())?;
    let only = event.get("tables").map(views::names).transpose()?;
    let tables = selection::tables(clients, settings, only.as_deref()).await?;
    let deadline = clock::end_of_invocation(context.deadline);
    let request_id = &context.request_id;
    let scheduled = ScheduledRun { clients, settings, scheduled, run, request_id, deadline };
    Box::pin(scheduled.run(&tables, only.as_deref())).await
}

/// Tables that have their turn at once: one waits for DynamoDB, Lambda, Glue and S3 in turn, a second or so.
const AT_A_TIME: usize = 4;
/// Milliseconds in which no table has its turn any more: one waits for its stream for up to four minutes, and for recovery for three.
const LEFT_FOR_A_TURN: i64 = 8 * 60 * 1000;
/// Milliseconds in which no view is begun any more: it may take two minutes, and each of the two queries of an audit as many.
const LEFT_FOR_QUERIES: i64 = 7 * 60 * 1000;

/// A run that the schedule asked for.
#[derive(Debug, Clone, Copy)]
struct ScheduledRun<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    scheduled: Timestamp,
    run: Run,
    /// The invocation.
    request_id: &'a str,
    /// When it is ended, in milliseconds since 1970.
    deadline: i64,
}

/// A table after its turn, and what it was like before, if it is there and not only observed.
type Turned = (TableReport, Option<TableDescription>);

impl ScheduledRun<'_> {
    /// Protects every table; then, and for as long as there is time, what asks Athena: no backup waits for that.
    async fn run(self, tables: &[TaggedTable], only: Option<&[String]>) -> Result<Value, Error> {
        let Self { clients, settings, scheduled, run, .. } = self;
        let turns = schedule::in_turn(tables, scheduled).map(|table| self.turn(table));
        let mut turned: Vec<Turned> = stream::iter(turns).buffered(AT_A_TIME).collect().await;
        // A run that comes late moves no view back.
        let as_of = scheduled.max(clock::now());
        let queries = turned.iter_mut().map(|turned| self.query(turned, as_of));
        let queries = stream::iter(queries).buffered(AT_A_TIME);
        queries.collect::<Vec<()>>().await;
        let removed = match run {
            Run::Reconcile => left_mappings::remove(clients, settings, only, clock::now()).await,
            Run::Backup | Run::Export => Ok(Vec::new()),
        };
        let mut tables: Vec<TableReport> = turned.into_iter().map(|(report, _)| report).collect();
        tables.sort_by(|a, b| a.table.cmp(&b.table));
        let mappings_failure = removed.as_ref().err().map(ToString::to_string);
        let removed_mappings = removed.unwrap_or_default();
        // After this run's own queries: none of them reads what is removed then.
        let begun = match run {
            Run::Reconcile => compaction::begin(clients, settings, scheduled, only).await,
            Run::Backup | Run::Export => Ok(false),
        };
        let report = Report {
            scheduled_time: scheduled,
            tables,
            removed_mappings,
            mappings_failure,
            compaction_failure: begun.as_ref().err().map(ToString::to_string),
            compaction_begun: begun.unwrap_or_default(),
        };
        write_report(clients, settings, run, &report).await?;
        match report.failures() {
            Some(failures) => Err(failures.into()),
            None => Ok(serde_json::to_value(&report)?),
        }
    }

    async fn turn(self, table: &TaggedTable) -> Turned {
        if clock::now().as_millisecond() > self.deadline - LEFT_FOR_A_TURN {
            let policy = policy::of_table(&self.settings.policy(), &table.tags).policy;
            return (TableReport::late(&table.name, policy), None);
        }
        // Boxed, as what it waits for is large.
        Box::pin(self.run_table(table)).await
    }

    /// Until when something is begun, in milliseconds since 1970.
    const fn until(self) -> i64 {
        self.deadline - LEFT_FOR_QUERIES
    }

    /// Moves a table's views, and audits its newest snapshot.
    async fn query(self, (report, there): &mut Turned, as_of: Timestamp) {
        let Self { clients, settings, .. } = self;
        let Some(description) = there else { return };
        report.is_left = clock::now().as_millisecond() > self.until();
        if report.is_left {
            return;
        }
        let views = Box::pin(views::ensure(clients, settings, description, as_of)).await;
        report.note_views(views);
        // Without a feed every change would be a difference, and what waits in one that was just made or goes on again
        // would be too.
        if report.has_feed && !report.is_changed() {
            let exports = report.policy.export != Exports::Off;
            let passed = audit::passed(as_of, report.feed_problem.is_some());
            let fed_since = exports::fed_since(description, report.has_feed);
            let times = audit::Times { as_of, passed, fed_since };
            let audit =
                Box::pin(audit::ensure(clients, settings, description, times, exports)).await;
            report.note_audit(audit);
        }
        // Deleted since its turn.
        let has_failed = report.has_failed();
        if has_failed && matches!(still_there(clients, &report.table).await, Ok(None)) {
            *report = TableReport::gone(&report.table, report.policy);
        }
    }

    /// Runs one table, all but what asks Athena. Its failure stands in its report and does not reach the others.
    async fn run_table(self, table: &TaggedTable) -> Turned {
        let Self { clients, settings, scheduled, run, request_id, .. } = self;
        let Reading { policy, refused, unknown } =
            policy::of_table(&settings.policy(), &table.tags);
        let mut report = TableReport::new(&table.name, policy);
        report.note_tags(&refused, &unknown);
        if policy.mode == Mode::Off {
            return (report, None);
        }
        let (description, ran) = match enrol(clients, settings, &table.name, &mut report).await {
            Ok(Some(description)) => {
                if run == Run::Reconcile {
                    report.count_feed_problem();
                }
                let table_id = description.table_id().unwrap_or_default();
                let fed_since = exports::fed_since(&description, report.has_feed);
                let turn =
                    Turn { clients, settings, table, table_id, fed_since, scheduled, request_id };
                let ran = turn.run(run, &mut report).await;
                let is_observed = policy.mode == Mode::Observe;
                ((!is_observed).then_some(description), ran)
            }
            // Deleted since the tags were read: nothing left to protect.
            Ok(None) => return (TableReport::gone(&table.name, policy), None),
            Err(failure) => (None, Err(failure)),
        };
        // Or between its description and what was done about it.
        let has_failed = ran.is_err() || report.has_failed();
        if has_failed && matches!(still_there(clients, &table.name).await, Ok(None)) {
            return (TableReport::gone(&table.name, policy), None);
        }
        if let Err(failure) = ran {
            tracing::error!(table = table.name, failure = %failure, "table not protected");
            report.failure = Some(failure.to_string());
        } else {
            tracing::info!(
                table = table.name,
                backup = report.backup_arn,
                export = report.export_arn,
                removed = report.removed_backups.len(),
                "table protected"
            );
        }
        (report, description)
    }
}

/// When a run is due, and what it does.
fn due(event: &Value, now: Timestamp) -> anyhow::Result<(Timestamp, Run)> {
    let expected = r#"expected {"scheduledTime": "2026-11-22T03:00:00Z"}, the same as "exportTime" or "reconcileTime", {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}"#;
    let named = |name| event.get(name).and_then(Value::as_str).map(|text| (name, text));
    let asked = named("scheduledTime").map(|due| (due, Run::Backup));
    let asked = asked.or_else(|| named("exportTime").map(|due| (due, Run::Export)));
    let asked = asked.or_else(|| named("reconcileTime").map(|due| (due, Run::Reconcile)));
    let ((name, text), run) =
        asked.ok_or_else(|| anyhow!("the event has no scheduledTime; {expected}"))?;
    let time: Timestamp =
        text.parse().with_context(|| format!("{name} is {text:?}; {expected}"))?;
    ensure!(!schedule::is_ahead(time, now), "{name} {time} is in the future (it is {now})");
    Ok((time, run))
}

/// Enrols the table as its policy says, if it is still there, and gives what it was like before.
async fn enrol(
    clients: &Clients,
    settings: &Settings,
    table: &str,
    report: &mut TableReport,
) -> Result<Option<TableDescription>, Failure> {
    let Some(description) = still_there(clients, table).await? else {
        return Ok(None);
    };
    ensure_usable(table, &description)?;
    let enrolment = &settings.enrolment;
    match report.policy.mode {
        Mode::On => {
            let now = clock::now();
            let enrolled = enrolment::enrol(clients, enrolment, &description, now).await;
            report.note_enrolment(enrolled);
        }
        Mode::Paused => match enrolment::pause(clients, enrolment, &description).await {
            Ok(steps) => report.enrolment = steps,
            Err(failure) => report.note_feed_failure(&failure),
        },
        Mode::Observe | Mode::Off => {
            report.enrolment = enrolment::observe(clients, enrolment, &description).await?;
        }
    }
    Ok(Some(description))
}

/// The table, unless it is deleted, or is being so.
async fn still_there(clients: &Clients, table: &str) -> Result<Option<TableDescription>, Failure> {
    let there = table::describe(clients.dynamodb(), table).await?;
    Ok(there.filter(|table| !table::is_being_deleted(table)))
}

/// A table in the making has to wait for the next attempt: the others do not wait for it. One that is being changed, which may
/// take hours where an index is made, is backed up all the same: what cannot be done then fails by itself.
///
/// Source: [CreateBackup](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateBackup.html), whose
/// `TableInUseException` is of tables that are being created or deleted.
fn ensure_usable(table: &str, description: &TableDescription) -> Result<(), Failure> {
    match description.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) => Ok(()),
        status => {
            let status = status.map_or("in an unknown state", TableStatus::as_str);
            let message = format!("the table is {status}, not ACTIVE");
            Err(Failure::stated(
                "DescribeTable",
                format!("table {table}"),
                message,
                Class::Retryable,
            ))
        }
    }
}

async fn write_report(
    clients: &Clients,
    settings: &Settings,
    run: Run,
    report: &Report,
) -> Result<(), Error> {
    let folder = match run {
        Run::Backup => "backup",
        Run::Export => "export",
        Run::Reconcile => "reconcile",
    };
    let key = format!("reports/{folder}/{}.json", naming::compact(report.scheduled_time));
    let bytes = serde_json::to_vec_pretty(report)?;
    let bucket = &settings.enrolment.lake_bucket;
    object::put(clients.s3(), bucket, &key, "application/json", bytes).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_its_time_or_is_refused_with_the_way_to_mend_it() {
        let scheduled = include_str!("../../../events/backup-scheduled.json");
        let event = serde_json::from_str(scheduled).unwrap();
        let now: Timestamp = "2026-11-22T03:00:05Z".parse().unwrap();
        let time: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        assert_eq!(due(&event, now).unwrap(), (time, Run::Backup));
        let reconcile = include_str!("../../../events/backup-reconcile.json");
        let event = serde_json::from_str(reconcile).unwrap();
        assert_eq!(due(&event, now).unwrap(), (time, Run::Reconcile));
        let export = include_str!("../../../events/backup-export.json");
        let event = serde_json::from_str(export).unwrap();
        assert_eq!(due(&event, now).unwrap(), (time, Run::Export));

        let refused = |event| format!("{:#}", due(&event, now).unwrap_err());
        insta::assert_snapshot!(
            refused(serde_json::json!({})),
            @r#"the event has no scheduledTime; expected {"scheduledTime": "2026-11-22T03:00:00Z"}, the same as "exportTime" or "reconcileTime", {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}"#
        );
        insta::assert_snapshot!(
            refused(serde_json::json!({"scheduledTime": "2062-01-01T00:00:00Z"})),
            @"scheduledTime 2062-01-01T00:00:00Z is in the future (it is 2026-11-22T03:00:05Z)"
        );
        insta::assert_snapshot!(
            refused(serde_json::json!({"scheduledTime": "<aws.scheduler.scheduled-time>"})),
            @r#"scheduledTime is "<aws.scheduler.scheduled-time>"; expected {"scheduledTime": "2026-11-22T03:00:00Z"}, the same as "exportTime" or "reconcileTime", {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}: failed to parse four digit integer as year: invalid digit, expected 0-9 but got <"#
        );
    }
}
