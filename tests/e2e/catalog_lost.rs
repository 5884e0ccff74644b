//! The catalog is out of reach, or gone: the feed goes on, and the registry comes back.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws::sdk::{
    glue::types::DatabaseInput,
    lambda::types::{Environment, LastUpdateStatus},
};
use end_to_end::{Stack, inserts, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Each test takes the catalog away from everyone.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Gives the stream function an event of one item.
async fn write(stack: &Stack, table: &str, sequence: u64, item: &str) -> Result<()> {
    let event = inserts(table, "2026-11-22T15:00:00.000", sequence, &[item.to_owned()])?;
    let answer = stack.invoke(&stack.stream_function, &event).await?;
    anyhow::ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
    Ok(())
}

/// Lets the stream function look for its catalog in another database, and gives the one it had.
async fn use_database(stack: &Stack, database: &str) -> Result<String> {
    let lambda = stack.clients.lambda();
    let settled = async || {
        let get = lambda.get_function_configuration().function_name(&stack.stream_function);
        let configuration = get.send().await?;
        let settled = configuration.last_update_status() != Some(&LastUpdateStatus::InProgress);
        Ok(settled.then_some(configuration))
    };
    let configuration = until("the function to be settled", settled).await?;
    let mut variables =
        configuration.environment.and_then(|environment| environment.variables).unwrap_or_default();
    let before = variables.insert("HEADWATER_DATABASE".to_owned(), database.to_owned());
    let environment = Environment::builder().set_variables(Some(variables)).build();
    let update = lambda.update_function_configuration().function_name(&stack.stream_function);
    update.environment(environment).send().await?;
    until("the function to be settled", settled).await?;
    before.context("the template names the database")
}

fn names(registry: &lake::Registry) -> Vec<&str> {
    registry.columns().iter().map(|column| column.name.as_str()).collect()
}

/// The function's role has no right to any other database, so that Glue denies every call.
#[tokio::test]
async fn a_catalog_that_denies_access_does_not_stop_the_feed() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let table = "e2e-glue-denied";
    stack.make_catalog_table(table).await?;
    let database = use_database(&stack, "elsewhere").await?;
    let denied = write(&stack, table, 1, r#"{"pk":{"S":"1"},"first":{"N":"0.5"}}"#).await;
    use_database(&stack, &database).await?;
    denied?;
    assert_eq!(names(&stack.registry(table).await?), [""; 0]);
    assert_eq!(names(&stack.registry_of_files(table).await?), [""; 0], "all of it in _rest");
    let first = r#"{"first":{"N":"0.5"},"pk":{"S":"1"}}"#;
    assert_eq!(stack.changes(table).await?.items(), [first]);

    write(&stack, table, 2, r#"{"pk":{"S":"2"},"second":{"BOOL":true}}"#).await?;
    assert_eq!(names(&stack.registry(table).await?), ["pk", "second"]);
    assert_eq!(names(&stack.registry_of_files(table).await?), ["pk", "second"]);
    let second = r#"{"pk":{"S":"2"},"second":{"BOOL":true}}"#;
    assert_eq!(stack.changes(table).await?.items(), [first, second]);
    Ok(())
}

/// A table whose columns are of every sort: siblings, collisions, names that were made safe, a user's.
async fn evolved_table(stack: &Stack, table: &str) -> Result<String> {
    let report = stack.import(&format!("{table}.jsonl"), r#"{"pk":"seed","n":1}"#, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    let step = report["enrolment"][1]["detail"].as_str().unwrap_or_default().to_owned();
    let name = step.strip_prefix("catalog table ").and_then(|rest| rest.split(' ').next());
    let name = name.with_context(|| step.clone())?.to_owned();
    stack.until_lake_equals_table(table).await?;
    let parameters = [("headwater.attribute", "at"), ("headwater.epoch", "seconds")];
    stack.add_column(&name, "at_time", "timestamp", &parameters).await?;
    let items = [
        r#"{"pk":{"S":"a"},"n":{"S":"text"},"N":{"BOOL":true},"at":{"N":"1795359600"}}"#,
        r#"{"pk":{"S":"b"},"n":{"N":"0.5"},"日本":{"SS":["x"]},"_op":{"L":[]},"a\"b.c":{"B":"AA=="}}"#,
    ];
    for item in items {
        stack.put(table, &parse_item(item.as_bytes())?).await?;
    }
    stack.until_lake_equals_table(table).await?;
    Ok(name)
}

type Columns = BTreeMap<String, end_to_end::Described>;

/// The columns and the parameters of a catalog table; a view's mark and the like stay out.
async fn described(stack: &Stack, name: &str) -> Result<(Columns, BTreeMap<String, String>)> {
    let parameters = stack.glue_table(name).await?.parameters.unwrap_or_default();
    Ok((stack.glue_columns(name).await?, parameters.into_iter().collect()))
}

#[tokio::test]
async fn a_lost_catalog_comes_back_from_the_files() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (asked, scheduled) = ("e2e-lost", "e2e-lost-too");
    let mut before = BTreeMap::new();
    for table in [asked, scheduled] {
        let name = evolved_table(&stack, table).await?;
        before.insert(table, (described(&stack, &name).await?, name));
    }

    let glue = stack.clients.glue();
    glue.delete_database().name(&stack.database).send().await?;
    let rebuild = json!({"rebuildCatalog": [asked]});
    let refused = stack.invoke(&stack.backup_function, &rebuild).await.unwrap_err().to_string();
    // What is new meanwhile travels in `_rest`, and is there.
    stack.put(asked, &parse_item(br#"{"pk":{"S":"c"},"later":{"N":"7"}}"#)?).await?;
    let meanwhile = stack.until_lake_equals_table(asked).await;
    let input = DatabaseInput::builder().name(&stack.database).build()?;
    glue.create_database().database_input(input).send().await?;
    assert!(refused.contains("aws glue create-database"), "{refused}");
    meanwhile?;

    // At a person's word, and by the next scheduled run: the very same columns.
    let rebuilt = stack.invoke(&stack.backup_function, &rebuild).await?;
    let rebuilt = &rebuilt["rebuiltCatalog"][asked];
    assert_eq!((&rebuilt["created"], &rebuilt["drift"]), (&json!(true), &json!([])), "{rebuilt}");
    // Of that table alone: a snapshot of the other one would bring the new attribute its column.
    let event = json!({"scheduledTime": "2026-11-18T03:00:00Z", "tables": [scheduled]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    let (_, name) = &before[scheduled];
    let detail = step(&report, scheduled, "catalog table")?;
    assert!(detail.starts_with(&format!("catalog table {name} made anew, with ")), "{detail}");
    for (columns, name) in before.values() {
        assert_eq!(described(&stack, name).await?, *columns, "{name}");
    }

    // A process that does not remember the loss gives the new attribute its column.
    for process in stack.processes(&stack.stream_function)? {
        process.kill().await?;
    }
    stack.put(asked, &parse_item(br#"{"pk":{"S":"d"},"later":{"N":"8"}}"#)?).await?;
    stack.until_lake_equals_table(asked).await?;
    let registry = stack.registry(asked).await?;
    assert_eq!(registry.name_of("later", lake::Kind::Bigint), Some("later"));
    Ok(())
}

/// What a step of a table's enrolment says, by how it begins.
fn step<'r>(report: &'r Value, table: &str, begins: &str) -> Result<&'r str> {
    let tables = report["tables"].as_array().context("a report has tables")?;
    let entry = tables.iter().find(|entry| entry["table"] == table).context("the table")?;
    let steps = entry["enrolment"].as_array().context("a table has steps")?;
    let details = steps.iter().filter_map(|step| step["detail"].as_str());
    let found = details.into_iter().find(|detail| detail.starts_with(begins));
    found.with_context(|| format!("a step that begins with {begins:?} in {entry}"))
}

#[tokio::test]
async fn a_table_that_nobody_knows_is_not_made() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let event = json!({"rebuildCatalog": ["e2e-mistyped"]});
    let refused = stack.invoke(&stack.backup_function, &event).await.unwrap_err().to_string();
    assert!(refused.contains("is the table's name right?"), "{refused}");
    let found = aws::catalog::find(stack.clients.glue(), &stack.database, "e2e-mistyped").await?;
    assert!(found.is_none());
    Ok(())
}

/// What a person changed is told by the run, and not honoured.
#[tokio::test]
async fn a_run_reports_what_was_changed_in_the_catalog() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let table = "e2e-drift";
    let name = evolved_table(&stack, table).await?;
    stack
        .change_columns(&name, |columns| {
            for column in columns {
                if column.name == "n__double" {
                    column.r#type = Some("decimal(12,2)".to_owned());
                }
            }
        })
        .await?;
    let event = json!({"scheduledTime": "2026-11-17T03:00:00Z"});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    let tables = report["tables"].as_array().context("a report has tables")?;
    let entry = tables.iter().find(|entry| entry["table"] == table).context("the table")?;
    let drift = entry["drift"].as_array().context("a table has drift")?;
    assert_eq!(drift.len(), 1, "{drift:?}");
    let text = drift[0].as_str().unwrap_or_default();
    assert!(text.starts_with(r#"column "n__double" holds double"#), "{text}");

    // Files go on with the type they had.
    stack.put(table, &parse_item(br#"{"pk":{"S":"e"},"n":{"N":"2.5"}}"#)?).await?;
    stack.until_lake_equals_table(table).await?;
    stack.registry_of_files(table).await?;
    Ok(())
}
