//! One run.

use anyhow::{Context, ensure};
use aws::{Clients, Failure, clock, listing, object, schedule};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lake::path;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Settings,
    report::{Report, TableReport},
    table::{Budget, ChangeFiles, Planned},
};

/// Handles `{"compactionTime": "2026-11-22T03:00:00Z"}`, which the hourly run of `backup` sends at its end, and
/// returns the run's report. With `"tables": ["orders"]` beside its time, a run is of those alone.
///
/// Fails after every table has had its turn if any of them failed.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    event: LambdaEvent<Value>,
) -> Result<Value, Error> {
    let LambdaEvent { payload: event, context } = event;
    let now = clock::now();
    let asked = Asked::of(&event, now)?;
    let mut tables = match asked.tables {
        Some(tables) => tables,
        None => tables_of_lake(clients, &settings.lake_bucket).await?,
    };
    tables.sort_unstable();
    tables.dedup();
    // An event may come twice at once, under one id. Of both, one has the claims.
    let until = clock::end_of_invocation(context.deadline);
    let holder = format!("{}, until {until}", context.request_id);
    let run = Run {
        clients,
        bucket: &settings.lake_bucket,
        holder: &holder,
        due: asked.compaction_time,
        // A run that comes late has more hours that are over.
        as_of: asked.compaction_time.max(now),
        until: until - LEFT_FOR_A_MERGE,
    };
    let report = Box::pin(run.run(&tables)).await;
    write_report(clients, &settings.lake_bucket, &report).await?;
    match report.failures() {
        Some(failures) => Err(failures.into()),
        None => Ok(serde_json::to_value(&report)?),
    }
}

/// Tables that are looked at at once: one waits for S3 in turn, a fifth of a second or so.
const AT_A_TIME: usize = 4;
/// Milliseconds in which no merge is begun any more: to fetch and merge 128 MiB of the smallest files takes a minute, and
/// longer where S3 is slow.
const LEFT_FOR_A_MERGE: i64 = 3 * 60 * 1000;

/// What an event asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    /// When the run was due.
    compaction_time: Timestamp,
    /// The tables that it is of, if not all.
    tables: Option<Vec<String>>,
}

impl Asked {
    fn of(event: &Value, now: Timestamp) -> anyhow::Result<Self> {
        let expected = r#"expected {"compactionTime": "2026-11-22T03:00:00Z"}, and "tables": ["orders"] beside it for some alone"#;
        let asked = Self::deserialize(event)
            .with_context(|| format!("the event is {event}; {expected}"))?;
        if let Some(tables) = &asked.tables {
            let is_named = !tables.is_empty() && tables.iter().all(|table| !table.is_empty());
            ensure!(is_named, "the event names no table: {event}; {expected}");
        }
        let due = asked.compaction_time;
        ensure!(
            !schedule::is_ahead(due, now),
            "compactionTime {due} is in the future (it is {now})"
        );
        Ok(asked)
    }
}

/// The DynamoDB tables that the lake has change files of, those that are gone included: who queries these pays for
/// small files too.
async fn tables_of_lake(clients: &Clients, bucket: &str) -> Result<Vec<String>, Error> {
    let folders = listing::folders(clients.s3(), bucket, path::CHANGES).await?;
    let tables = folders.iter().map(|folder| path::table_of(folder).to_owned());
    Ok(tables.filter(|table| !table.is_empty()).collect())
}

/// A run that is due.
#[derive(Debug, Clone, Copy)]
struct Run<'a> {
    clients: &'a Clients,
    bucket: &'a str,
    /// The invocation, and until when it has time.
    holder: &'a str,
    due: Timestamp,
    as_of: Timestamp,
    /// Until when something is begun, in milliseconds since 1970.
    until: i64,
}

impl<'a> Run<'a> {
    /// Removes first, of all tables: a query that begins when that is done reads nothing that this run removes.
    async fn run(self, tables: &'a [String]) -> Report {
        let budget = Budget::of_run();
        let looks = schedule::in_turn(tables, self.due).map(|table| self.look(table, &budget));
        let looked_at: Vec<_> = stream::iter(looks).buffered(AT_A_TIME).collect().await;
        let mut reports = Vec::new();
        for (table, planned) in looked_at {
            reports.push(match planned {
                None => TableReport::late(table),
                Some(Err(failure)) => TableReport::new(table, Err(failure)),
                Some(Ok(planned)) => {
                    let files = self.files_of(table);
                    TableReport::new(table, Box::pin(files.merge(planned, self.until)).await)
                }
            });
        }
        reports.sort_by(|a, b| a.table.cmp(&b.table));
        Report { compaction_time: self.due, tables: reports }
    }

    /// A table and what is to be merged of it, if there is time to look.
    async fn look(
        self,
        table: &'a str,
        budget: &Budget,
    ) -> (&'a str, Option<Result<Planned, Failure>>) {
        if clock::now().as_millisecond() > self.until {
            return (table, None);
        }
        (table, Some(Box::pin(self.files_of(table).remove_and_plan(budget)).await))
    }

    fn files_of(self, table: &'a str) -> ChangeFiles<'a> {
        let Self { clients, bucket, holder, as_of, .. } = self;
        ChangeFiles { clients, bucket, table, holder, as_of }
    }
}

async fn write_report(clients: &Clients, bucket: &str, report: &Report) -> Result<(), Error> {
    let time = path::time_text(report.compaction_time.as_millisecond())?;
    let key = format!("reports/compaction/{time}.json");
    let bytes = serde_json::to_vec_pretty(report)?;
    object::put(clients.s3(), bucket, &key, "application/json", bytes).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_names_its_time_or_is_refused_with_the_way_to_mend_it() {
        let now: Timestamp = "2026-11-22T03:00:05Z".parse().unwrap();
        let sample = include_str!("../../../events/compaction-hourly.json");
        let asked = Asked::of(&serde_json::from_str(sample).unwrap(), now).unwrap();
        let due: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        assert_eq!((asked.compaction_time, asked.tables), (due, None));
        let event = json!({"compactionTime": due.to_string(), "tables": ["orders"]});
        assert_eq!(Asked::of(&event, now).unwrap().tables, Some(vec!["orders".to_owned()]));

        let refused = |event| format!("{:#}", Asked::of(&event, now).unwrap_err());
        insta::assert_snapshot!(refused(json!({})), @r#"the event is {}; expected {"compactionTime": "2026-11-22T03:00:00Z"}, and "tables": ["orders"] beside it for some alone: missing field `compactionTime`"#);
        insta::assert_snapshot!(refused(json!({"compactionTime": "now"})), @r#"the event is {"compactionTime":"now"}; expected {"compactionTime": "2026-11-22T03:00:00Z"}, and "tables": ["orders"] beside it for some alone: expected four digit year (or leading sign for six digit year), but found end of input"#);
        insta::assert_snapshot!(refused(json!({"compactionTime": "2026-11-22T03:00:00Z", "table": "orders"})), @r#"the event is {"compactionTime":"2026-11-22T03:00:00Z","table":"orders"}; expected {"compactionTime": "2026-11-22T03:00:00Z"}, and "tables": ["orders"] beside it for some alone: unknown field `table`, expected `compactionTime` or `tables`"#);
        insta::assert_snapshot!(refused(json!({"compactionTime": "2026-11-22T03:00:00Z", "tables": []})), @r#"the event names no table: {"compactionTime":"2026-11-22T03:00:00Z","tables":[]}; expected {"compactionTime": "2026-11-22T03:00:00Z"}, and "tables": ["orders"] beside it for some alone"#);
        insta::assert_snapshot!(refused(json!({"compactionTime": "2026-11-22T03:00:00Z", "tables": ["orders", ""]})), @r#"the event names no table: {"compactionTime":"2026-11-22T03:00:00Z","tables":["orders",""]}; expected {"compactionTime": "2026-11-22T03:00:00Z"}, and "tables": ["orders"] beside it for some alone"#);
        insta::assert_snapshot!(refused(json!({"compactionTime": "2062-01-01T00:00:00Z"})), @"compactionTime 2062-01-01T00:00:00Z is in the future (it is 2026-11-22T03:00:05Z)");
    }
}
