//! One scheduled run.

use anyhow::{Context, anyhow, ensure};
use aws::{
    Class, Clients, Failure, clock, enrolment, object,
    sdk::dynamodb::types::{TableDescription, TableStatus},
    table,
    tagged::TaggedTable,
};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

use crate::{
    Compaction, Settings, audit, compaction, exports,
    increments::{self, ChainReport},
    plan,
    policy::{self, Exports, Mode, Policy, Reading},
    protect::Turn,
    rebuild,
    report::{Report, TableReport},
    selection, views,
};

/// Handles `{"scheduledTime": "2026-11-22T03:00:00Z"}` and returns the run's report.
///
/// `{"reconcileTime": …}` does not back up or remove: it enrols, exports tables that have no snapshot yet,
/// and again what came to nothing, goes on with chains of incremental exports, moves views, audits and compacts.
/// With `"tables": ["orders"]` beside its time, a run is of those alone. For a person
/// who does not want to wait for the schedule there is `{"views": ["orders"]}`: only the views of those
/// tables. `rebuild` handles `{"rebuildCatalog": ["orders"]}`.
///
/// Fails after every table has had its turn if any of them failed.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: LambdaEvent<Value>,
) -> Result<Value, Error> {
    let LambdaEvent { payload: event, context } = event;
    if let Some(tables) = event.get("views") {
        return views::run(clients, settings, tables).await;
    }
    if let Some(tables) = event.get("rebuildCatalog") {
        return Box::pin(rebuild::run(clients, settings, tables)).await;
    }
    let (scheduled, run) = due(&event, clock::now())?;
    let only = event.get("tables").map(views::names).transpose()?;
    let tables = selection::tables(clients, settings, only.as_deref()).await?;
    let mut report = Report { scheduled_time: scheduled, tables: Vec::new() };
    let mut there = Vec::new();
    for table in &tables {
        // Boxed, as what it waits for is large.
        let ran = run_table(clients, settings, table, (scheduled, run), &context.request_id);
        let (of_table, description) = Box::pin(ran).await;
        report.tables.push(of_table);
        there.push(description);
    }
    // Second, and for as long as there is time: no backup waits for Athena.
    let until = i64::try_from(context.deadline).unwrap_or(i64::MAX) - LEFT_FOR_THE_REPORT;
    // A run that comes late moves no view back.
    let as_of = scheduled.max(clock::now());
    let compacts = run == Run::Reconcile && settings.compaction == Compaction::On;
    let (mut planned, mut budget) = (Vec::new(), compaction::Budget::of_run());
    if compacts {
        for (of_table, _) in report.tables.iter().zip(&there).filter(|(_, there)| there.is_some()) {
            // The tables that are left then are told so below.
            if clock::now().as_millisecond() > until {
                break;
            }
            let name = &of_table.table;
            planned.push(compaction::remove(clients, settings, name, as_of, &mut budget).await);
        }
    }
    for (of_table, description) in report.tables.iter_mut().zip(&there) {
        let Some(description) = description else { continue };
        of_table.is_left = clock::now().as_millisecond() > until;
        if !of_table.is_left {
            Box::pin(query(clients, settings, description, as_of, of_table)).await;
        }
    }
    let compacted = report.tables.iter_mut().zip(&there).filter(|(_, there)| there.is_some());
    let compacted = compacted.map(|(of_table, _)| of_table).zip(planned);
    Box::pin(compaction::merge(clients, settings, compacted, until)).await;
    write_report(clients, settings, run, &report).await?;
    match report.failures() {
        Some(failures) => Err(failures.into()),
        None => Ok(serde_json::to_value(&report)?),
    }
}

/// Milliseconds in which no view is begun any more: one, and an audit, may take two minutes each.
const LEFT_FOR_THE_REPORT: i64 = 5 * 60 * 1000;

/// A clock may be a little ahead of the scheduler's; a time beyond this is a mistake, and retention
/// by it would remove what should be kept.
const MOST_AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Everything.
    Backup,
    /// All but backups and their removal; it exports what has no snapshot, and what came to nothing.
    Reconcile,
}

/// When a run is due, and what it does.
fn due(event: &Value, now: Timestamp) -> anyhow::Result<(Timestamp, Run)> {
    let expected = r#"expected {"scheduledTime": "2026-11-22T03:00:00Z"}, the same as "reconcileTime", {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}"#;
    let named = |name| event.get(name).and_then(Value::as_str).map(|text| (name, text));
    let asked = named("scheduledTime").map(|due| (due, Run::Backup));
    let asked = asked.or_else(|| named("reconcileTime").map(|due| (due, Run::Reconcile)));
    let ((name, text), run) =
        asked.ok_or_else(|| anyhow!("the event has no scheduledTime; {expected}"))?;
    let time: Timestamp =
        text.parse().with_context(|| format!("{name} is {text:?}; {expected}"))?;
    ensure!(time <= now + MOST_AHEAD, "{name} {time} is in the future (it is {now})");
    Ok((time, run))
}

/// Runs one table, all but what asks Athena, and gives it if it is there and not only observed. Its failure
/// stands in its report and does not reach the others.
async fn run_table(
    clients: &Clients,
    settings: &Settings,
    table: &TaggedTable,
    (scheduled, run): (Timestamp, Run),
    request_id: &str,
) -> (TableReport, Option<TableDescription>) {
    let Reading { policy, refused, unknown } = policy::of_table(&settings.policy(), &table.tags);
    let mut report = TableReport::new(&table.name, policy);
    report.note_tags(&refused, &unknown);
    if policy.mode == Mode::Off {
        return (report, None);
    }
    let (description, ran) = match enrol(clients, settings, &table.name, &mut report).await {
        Ok(Some(description)) => {
            let table_id = description.table_id().unwrap_or_default();
            let fed_since = exports::fed_since(&description, report.has_feed);
            let turn =
                Turn { clients, settings, table, table_id, fed_since, scheduled, request_id };
            let ran = act(&turn, run, &mut report).await;
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

/// Does what a run does for a table, all but what asks Athena.
async fn act(turn: &Turn<'_>, run: Run, report: &mut TableReport) -> Result<(), Failure> {
    let Policy { mode, export, .. } = report.policy;
    let ran = match run {
        _ if mode == Mode::Observe => turn.plan(run == Run::Backup, report).await.map(|()| None),
        Run::Backup => turn.protect(report).await.map(|()| report.export_arn.clone()),
        Run::Reconcile if export == Exports::Off => Ok(None),
        Run::Reconcile => turn.look_after_exports(report).await,
    };
    // A chain goes on whatever became of the full export.
    if export == Exports::Incremental {
        let full = ran.as_ref().ok().and_then(Option::as_deref);
        let mut chain = ChainReport::default();
        let kept = Box::pin(increments::ensure(turn, mode, full, &mut chain)).await;
        report.note_chain(chain, kept);
    }
    ran.map(|_| ())
}

/// Moves a table's views, and audits its newest snapshot.
async fn query(
    clients: &Clients,
    settings: &Settings,
    description: &TableDescription,
    as_of: Timestamp,
    report: &mut TableReport,
) {
    let views = Box::pin(views::ensure(clients, settings, description, as_of)).await;
    report.note_views(views);
    // Without a feed every change would be a difference, and what waits in one that was just made, or goes on
    // again, would be too.
    if report.has_feed && !report.is_changed() {
        let exports = report.policy.export != Exports::Off;
        let audit = Box::pin(audit::ensure(clients, settings, description, (as_of, exports))).await;
        report.note_audit(audit);
    }
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
    ensure_active(table, &description)?;
    let enrolment = &settings.enrolment;
    match report.policy.mode {
        Mode::On => {
            let now = clock::now();
            let enrolled = enrolment::enrol(clients, enrolment, &description, now).await?;
            report.note_enrolment(enrolled);
        }
        Mode::Paused => {
            report.enrolment = enrolment::pause(clients, enrolment, &description).await?;
        }
        Mode::Observe | Mode::Off => {
            report.enrolment = enrolment::observe(clients, enrolment, &description).await?;
        }
    }
    Ok(Some(description))
}

/// The table, unless it is deleted, or is being so.
async fn still_there(clients: &Clients, table: &str) -> Result<Option<TableDescription>, Failure> {
    let there = table::describe(&clients.dynamodb, table).await?;
    Ok(there.filter(|table| !table::is_being_deleted(table)))
}

/// A table in motion has to wait for the next attempt: the others do not wait for it.
fn ensure_active(table: &str, description: &TableDescription) -> Result<(), Failure> {
    match description.table_status() {
        Some(TableStatus::Active) => Ok(()),
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
        Run::Reconcile => "reconcile",
    };
    let key = format!("reports/{folder}/{}.json", plan::compact(report.scheduled_time));
    let bytes = serde_json::to_vec_pretty(report)?;
    let bucket = &settings.enrolment.lake_bucket;
    object::put(&clients.s3, bucket, &key, "application/json", bytes).await?;
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

        let refused = |event| format!("{:#}", due(&event, now).unwrap_err());
        insta::assert_snapshot!(
            refused(serde_json::json!({})),
            @r#"the event has no scheduledTime; expected {"scheduledTime": "2026-11-22T03:00:00Z"}, the same as "reconcileTime", {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}"#
        );
        insta::assert_snapshot!(
            refused(serde_json::json!({"scheduledTime": "2062-01-01T00:00:00Z"})),
            @"scheduledTime 2062-01-01T00:00:00Z is in the future (it is 2026-11-22T03:00:05Z)"
        );
        insta::assert_snapshot!(
            refused(serde_json::json!({"scheduledTime": "<aws.scheduler.scheduled-time>"})),
            @r#"scheduledTime is "<aws.scheduler.scheduled-time>"; expected {"scheduledTime": "2026-11-22T03:00:00Z"}, the same as "reconcileTime", {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}: failed to parse four digit integer as year: invalid digit, expected 0-9 but got <"#
        );
    }
}
