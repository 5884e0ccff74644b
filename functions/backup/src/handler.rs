//! One scheduled run.

use anyhow::{Context, anyhow, ensure};
use aws::{
    Class, Clients, Failure, backup, clock,
    enrolment::{self, ON, TAG},
    export::{self, FullExport},
    object,
    sdk::dynamodb::types::{TableDescription, TableStatus},
    table,
    tagged::{self, TaggedTable},
};
use jiff::{SignedDuration, Timestamp};
use lake::path;
use lambda_runtime::Error;
use serde_json::Value;

use crate::{
    Settings,
    claim::{self, Made, Turn},
    plan, rebuild,
    report::{Report, TableReport},
    views,
};

/// Handles `{"scheduledTime": "2026-11-22T03:00:00Z"}` and returns the run's report; or, for a
/// person who does not want to wait for the schedule, `{"views": ["orders"]}`: only the views of
/// those tables. `rebuild` handles `{"rebuildCatalog": ["orders"]}`.
///
/// Fails after every table has had its turn if any of them failed.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: Value,
    request_id: String,
) -> Result<Value, Error> {
    if let Some(tables) = event.get("views") {
        return views::run(clients, settings, tables).await;
    }
    if let Some(tables) = event.get("rebuildCatalog") {
        return Box::pin(rebuild::run(clients, settings, tables)).await;
    }
    let scheduled = scheduled_time(&event, clock::now())?;
    let tables = tagged::tables(&clients.tagging, TAG, ON, &settings.table_prefix).await?;
    let mut report = Report { scheduled_time: scheduled, tables: Vec::new() };
    for table in &tables {
        // Boxed, as what it waits for is large.
        let run = Box::pin(run_table(clients, settings, table, scheduled, &request_id));
        report.tables.push(run.await);
    }
    write_report(clients, settings, &report).await?;
    match report.failures() {
        Some(failures) => Err(failures.into()),
        None => Ok(serde_json::to_value(&report)?),
    }
}

/// A clock may be a little ahead of the scheduler's; a time beyond this is a mistake, and retention
/// by it would remove what should be kept.
const MOST_AHEAD: SignedDuration = SignedDuration::from_hours(1);

fn scheduled_time(event: &Value, now: Timestamp) -> anyhow::Result<Timestamp> {
    let expected = r#"expected {"scheduledTime": "2026-11-22T03:00:00Z"}, {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}"#;
    let text = event.get("scheduledTime").and_then(Value::as_str);
    let text = text.ok_or_else(|| anyhow!("the event has no scheduledTime; {expected}"))?;
    let time: Timestamp =
        text.parse().with_context(|| format!("scheduledTime is {text:?}; {expected}"))?;
    ensure!(time <= now + MOST_AHEAD, "scheduledTime {time} is in the future (it is {now})");
    Ok(time)
}

/// Runs one table; its failure stands in its report and does not reach the others.
async fn run_table(
    clients: &Clients,
    settings: &Settings,
    table: &TaggedTable,
    scheduled: Timestamp,
    request_id: &str,
) -> TableReport {
    let mut report = TableReport::new(&table.name);
    let ran = match enrol(clients, settings, &table.name, &mut report).await {
        Ok(Some(description)) => {
            let ran = protect(clients, settings, table, scheduled, request_id, &mut report).await;
            // Last: no backup waits for Athena, and a view does not depend on one.
            report.note_views(views::ensure(clients, settings, &description).await);
            ran
        }
        // Deleted since the tags were read: nothing left to protect.
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
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
    report
}

/// Enrols the table, if it is still there, and gives what it was like before.
async fn enrol(
    clients: &Clients,
    settings: &Settings,
    table: &str,
    report: &mut TableReport,
) -> Result<Option<TableDescription>, Failure> {
    let Some(description) = table::describe(&clients.dynamodb, table).await? else {
        return Ok(None);
    };
    ensure_active(table, &description)?;
    let now = clock::now();
    let enrolled = enrolment::enrol(clients, &settings.enrolment, &description, now).await?;
    report.note_enrolment(enrolled);
    Ok(Some(description))
}

async fn protect(
    clients: &Clients,
    settings: &Settings,
    table: &TaggedTable,
    scheduled: Timestamp,
    request_id: &str,
    report: &mut TableReport,
) -> Result<(), Failure> {
    let now = clock::now();
    let bucket = &settings.enrolment.lake_bucket;
    let name = format!("{}/{}.json", table.name, plan::compact(scheduled));
    let key = path::state("backup", &name);
    let made = match claim::take(&clients.s3, bucket, &key, request_id, now).await? {
        Turn::Done(made) => made,
        Turn::Theirs { holder } => {
            report.left_to = Some(holder);
            return Ok(());
        }
        Turn::Ours => {
            let made = make(clients, settings, table, scheduled).await?;
            claim::finish(&clients.s3, bucket, &key, request_id, now, made.clone()).await?;
            made
        }
    };
    report.backup_arn = Some(made.backup_arn);
    report.export_arn = Some(made.export_arn);
    remove_expired(clients, settings, table, scheduled, report).await
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

/// Makes the backup, unless a run that broke off had already made it, and starts the export.
async fn make(
    clients: &Clients,
    settings: &Settings,
    table: &TaggedTable,
    scheduled: Timestamp,
) -> Result<Made, Failure> {
    let name = plan::backup_name(scheduled);
    let existing = backup::list(&clients.dynamodb, &table.name).await?;
    let backup_arn = match existing.into_iter().find(|backup| backup.name == name) {
        Some(backup) => backup.arn,
        None => backup::create(&clients.dynamodb, &table.name, &name).await?,
    };
    let export = FullExport {
        table_arn: &table.arn,
        bucket: &settings.exports_bucket,
        prefix: &plan::export_prefix(&table.name, scheduled),
        client_token: &plan::export_token(&table.arn, scheduled),
    };
    let export_arn = export::start_full(&clients.dynamodb, &export).await?;
    Ok(Made { backup_arn, export_arn })
}

async fn remove_expired(
    clients: &Clients,
    settings: &Settings,
    table: &TaggedTable,
    scheduled: Timestamp,
    report: &mut TableReport,
) -> Result<(), Failure> {
    let backups = backup::list(&clients.dynamodb, &table.name).await?;
    for expired in plan::expired(&backups, scheduled, settings.keep_days) {
        backup::delete(&clients.dynamodb, &expired.arn).await?;
        report.removed_backups.push(expired.name.clone());
    }
    Ok(())
}

async fn write_report(
    clients: &Clients,
    settings: &Settings,
    report: &Report,
) -> Result<(), Error> {
    let key = format!("reports/backup/{}.json", plan::compact(report.scheduled_time));
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
        assert_eq!(scheduled_time(&event, now).unwrap().to_string(), "2026-11-22T03:00:00Z");

        let refused = |event| format!("{:#}", scheduled_time(&event, now).unwrap_err());
        insta::assert_snapshot!(
            refused(serde_json::json!({})),
            @r#"the event has no scheduledTime; expected {"scheduledTime": "2026-11-22T03:00:00Z"}, {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}"#
        );
        insta::assert_snapshot!(
            refused(serde_json::json!({"scheduledTime": "2062-01-01T00:00:00Z"})),
            @"scheduledTime 2062-01-01T00:00:00Z is in the future (it is 2026-11-22T03:00:05Z)"
        );
        insta::assert_snapshot!(
            refused(serde_json::json!({"scheduledTime": "<aws.scheduler.scheduled-time>"})),
            @r#"scheduledTime is "<aws.scheduler.scheduled-time>"; expected {"scheduledTime": "2026-11-22T03:00:00Z"}, {"views": ["orders"]} or {"rebuildCatalog": ["orders"]}: failed to parse four digit integer as year: invalid digit, expected 0-9 but got <"#
        );
    }
}
