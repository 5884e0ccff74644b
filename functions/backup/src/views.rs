//! The views of a table: made, written anew, kept, or left alone.
//!
//! A scheduled run does it for every table that it has enrolled. `{"views": ["orders"]}` does only this,
//! for someone who does not want to wait for the schedule.
//!
//! `<t>` stands on the newest whole snapshot of the table that the feed has passed: one that is a quarter of
//! an hour old. A feed that is later than that rings the stack's alarm. Until there is one it stands on the changes
//! alone.

use anyhow::{Context, anyhow, ensure};
use aws::{
    Class, Clients, Failure,
    catalog::{self, Lake},
    clock,
    enrolment::Step,
    sdk::dynamodb::types::TableDescription,
    snapshot::{self, Finished},
    table,
    view::{self, Ensured},
};
use jiff::{SignedDuration, Timestamp};
use lake::{
    Registry, WriteError,
    name::TableNames,
    view::{Since, Snapshot, View},
};
use lambda_runtime::Error;
use serde_json::Value;

use crate::Settings;

/// How old a snapshot is before a view stands on it: changes from before it have arrived by then.
pub(crate) const PASSED: SignedDuration = SignedDuration::from_mins(15);

/// What became of a table's views.
#[derive(Debug)]
pub(crate) struct Views {
    /// Of each view.
    pub(crate) steps: Vec<Step>,
    /// The snapshot that the current state stands on: `20261122T150000Z`.
    pub(crate) snapshot: Option<String>,
}

/// Makes sure that the tables an event names have their views, and gives what became of each.
///
/// Fails after every table has had its turn if any of them failed.
pub(crate) async fn run(
    clients: &Clients,
    settings: &Settings,
    tables: &Value,
) -> Result<Value, Error> {
    let mut views = serde_json::Map::new();
    let mut failures = Vec::new();
    for table in names(tables)? {
        match Box::pin(of_table(clients, settings, &table)).await {
            Ok(steps) => {
                views.insert(table, serde_json::to_value(steps)?);
            }
            Err(failure) => {
                tracing::error!(table, %failure, "views not made");
                failures.push(format!("{table}: {failure}"));
            }
        }
    }
    if failures.is_empty() {
        return Ok(serde_json::json!({ "views": views }));
    }
    Err(failures.join("; ").into())
}

/// The tables that an event names.
pub(crate) fn names(tables: &Value) -> anyhow::Result<Vec<String>> {
    let expected = r#"expected names of tables: ["orders"]"#;
    let names: Vec<String> = serde_json::from_value(tables.clone())
        .with_context(|| format!("{tables} is no list of tables; {expected}"))?;
    ensure!(!names.is_empty(), "the list of tables is empty; {expected}");
    Ok(names)
}

async fn of_table(clients: &Clients, settings: &Settings, name: &str) -> anyhow::Result<Vec<Step>> {
    let description = table::describe(clients.dynamodb(), name).await?;
    let description = description.ok_or_else(|| anyhow!("there is no such table"))?;
    Ok(ensure(clients, settings, &description, clock::now()).await?.steps)
}

/// Makes sure that a table has its views as of a time, and says what became of each.
///
/// Where nothing changed this costs some looks into the catalog and no statement.
pub(crate) async fn ensure(
    clients: &Clients,
    settings: &Settings,
    description: &TableDescription,
    as_of: Timestamp,
) -> Result<Views, Failure> {
    let table = description.table_name().unwrap_or_default();
    let database = &settings.enrolment.database;
    let Some(changes) = catalog::find(clients.glue(), database, table).await? else {
        let message = format!(
            "the catalog has no table for the changes of {table}: tag it headwater=on and run the schedule"
        );
        return Err(Failure::stated("GetTable", database, message, Class::Permanent));
    };
    let unnamed = || format!("the catalog's table {} is not called <table>__changes", changes.name);
    let names = TableNames::of_changes(&changes.name)
        .ok_or_else(|| Failure::stated("GetTable", database, unnamed(), Class::Permanent))?;
    let standing = standing(clients, settings, description, as_of).await?;
    let current = since(description)
        .and_then(|since| current(&names, &changes.registry, standing.as_ref(), &since))
        .map_err(|error| {
            let resource = format!("table {table}");
            Failure::stated("DescribeTable", resource, error.to_string(), Class::Permanent)
        })?;
    let history = View::history(&names, &changes.registry);
    let place = settings.athena();
    // Boxed: two of them side by side would make this future large.
    let [current, history] = [&current, &history].map(|view| Box::pin(one(clients, &place, view)));
    let (current, history) = tokio::join!(current, history);
    let snapshot = standing.and_then(|(finished, _)| finished.partition().ok());
    Ok(Views { steps: vec![current?, history?], snapshot })
}

/// The snapshot to stand on, and the columns of its catalog table.
async fn standing(
    clients: &Clients,
    settings: &Settings,
    description: &TableDescription,
    as_of: Timestamp,
) -> Result<Option<(Finished, Registry)>, Failure> {
    let table = description.table_name().unwrap_or_default();
    let of = (table, description.table_id().unwrap_or_default());
    let (database, bucket) = (&settings.enrolment.database, &settings.enrolment.lake_bucket);
    let newest = snapshot::newest(clients.s3(), bucket, of, as_of - PASSED, 1).await?;
    let Some(finished) = newest.into_iter().next() else {
        return Ok(None);
    };
    // It makes a catalog table that was lost.
    let lake = Lake { database, bucket };
    let registry = Box::pin(catalog::ensure_snapshots(clients.glue(), lake, table)).await?;
    Ok(Some((finished, registry)))
}

fn current(
    names: &TableNames,
    changes: &Registry,
    standing: Option<&(Finished, Registry)>,
    since: &Since,
) -> Result<View, WriteError> {
    let Some((finished, registry)) = standing else {
        return View::current(names, changes, None, since);
    };
    let partition = finished.partition()?;
    let export_time_ms = finished.export_time.as_millisecond();
    let snapshot = Snapshot { registry, partition: &partition, export_time_ms };
    View::current(names, changes, Some(&snapshot), since)
}

/// The first stream that is of the table as it is now.
pub(crate) fn since(description: &TableDescription) -> Result<Since, WriteError> {
    // DynamoDB gives it with every table; without it no change would be left out.
    let created = description.creation_date_time().and_then(|time| time.to_millis().ok());
    Since::of(created.unwrap_or_default(), description.latest_stream_label())
}

async fn one(
    clients: &Clients,
    place: &aws::athena::Place,
    wanted: &View,
) -> Result<Step, Failure> {
    Ok(step(view::ensure(clients, place, wanted).await?, wanted.name(), wanted.left_out()))
}

fn step(ensured: Ensured, name: &str, left_out: &[String]) -> Step {
    let without = match left_out {
        [] => String::new(),
        [first, ..] => format!(
            ", without the catalog's last {} columns, {first} and after: Athena takes no longer text",
            left_out.len()
        ),
    };
    match ensured {
        Ensured::Made => Step::Done(format!("view {name} made{without}")),
        Ensured::Replaced => Step::Done(format!("view {name} written anew{without}")),
        Ensured::AlreadySo => Step::AlreadySo(format!("view {name} there{without}")),
        Ensured::Foreign => Step::LeftAlone(format!(
            "view {name}: the catalog has a table or view of that name that Headwater did not make; \
             rename or drop it to get the view"
        )),
    }
}

#[cfg(test)]
mod tests {
    use aws::sdk::dynamodb::primitives::DateTime;

    use super::*;

    #[test]
    fn what_became_of_a_view_is_said() {
        let detail = |ensured, left_out: &[&str]| {
            let left_out: Vec<String> = left_out.iter().map(|&name| name.to_owned()).collect();
            format!("{:?}", step(ensured, "orders", &left_out))
        };
        insta::assert_snapshot!(detail(Ensured::Made, &[]), @r#"Done("view orders made")"#);
        insta::assert_snapshot!(
            detail(Ensured::Replaced, &["x", "y"]),
            @r#"Done("view orders written anew, without the catalog's last 2 columns, x and after: Athena takes no longer text")"#
        );
        insta::assert_snapshot!(detail(Ensured::AlreadySo, &[]), @r#"AlreadySo("view orders there")"#);
        insta::assert_snapshot!(
            detail(Ensured::Foreign, &[]),
            @r#"LeftAlone("view orders: the catalog has a table or view of that name that Headwater did not make; rename or drop it to get the view")"#
        );
    }

    #[test]
    fn an_event_names_tables_or_is_refused() {
        let event: Value =
            serde_json::from_str(include_str!("../../../events/backup-views.json")).unwrap();
        assert_eq!(names(&event["views"]).unwrap(), ["planes"]);
        let refused = |tables| names(&tables).unwrap_err().to_string();
        insta::assert_snapshot!(
            refused(serde_json::json!("planes")),
            @r#""planes" is no list of tables; expected names of tables: ["orders"]"#
        );
        insta::assert_snapshot!(
            refused(serde_json::json!([])),
            @r#"the list of tables is empty; expected names of tables: ["orders"]"#
        );
    }

    #[test]
    fn a_table_begins_with_its_creation() {
        let created = DateTime::from_millis(1_795_359_600_123);
        let description = TableDescription::builder()
            .creation_date_time(created)
            .latest_stream_label("2026-11-23T15:00:00.000")
            .build();
        assert_eq!(since(&description).unwrap(), Since::of(1_795_359_600_000, None).unwrap());
    }
}
