//! The scheduled run.

use anyhow::{Context, Result};
use aws::{
    backup::{self, Backup},
    sdk::dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoveryStatus,
        ScalarAttributeType, StreamSpecification, StreamViewType, Tag,
    },
};
use end_to_end::{Stack, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A table that was there before Headwater, with the tag that enrols it and an item.
async fn existing_table(stack: &Stack, name: &str, view: Option<StreamViewType>) -> Result<()> {
    let attribute = AttributeDefinition::builder().attribute_name("pk");
    let element = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash);
    let mut create = stack
        .clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build()?)
        .key_schema(element.build()?)
        .tags(Tag::builder().key("headwater").value("on").build()?);
    if let Some(view) = view {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
        create = create.stream_specification(stream.build()?);
    }
    create.send().await?;
    aws::table::wait_until_active(&stack.clients.dynamodb, name).await?;
    stack.put(name, &parse_item(br#"{"pk":{"S":"before"}}"#)?).await
}

/// A run looks at every enrolled table, so runs of two tests would see each other's.
static ONE_RUN_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn run(stack: &Stack, scheduled: &str) -> Result<Value> {
    stack.invoke(&stack.backup_function, &json!({"scheduledTime": scheduled})).await
}

fn of_table<'r>(report: &'r Value, table: &str) -> Result<&'r Value> {
    let tables = report["tables"].as_array().context("a report has tables")?;
    let found = tables.iter().find(|entry| entry["table"] == table);
    found.with_context(|| format!("{table} in {report}"))
}

fn names(backups: &[Backup]) -> Vec<&str> {
    let mut names: Vec<&str> = backups.iter().map(|backup| backup.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The finished full exports of a table for a scheduled time.
async fn exports(stack: &Stack, table: &str, time: &str) -> Result<Vec<String>> {
    let prefix = format!("{table}/full/{time}/AWSDynamoDB/");
    let objects = stack.objects(&stack.exports, &prefix).await?;
    Ok(objects.into_keys().filter(|key| key.ends_with("manifest-summary.json")).collect())
}

#[tokio::test]
async fn an_existing_table_is_enrolled_protected_and_once() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    existing_table(&stack, "e2e-existing", None).await?;
    let report = run(&stack, "2026-11-20T03:00:00Z").await?;
    let first = of_table(&report, "e2e-existing")?;
    assert_eq!(
        first["enrolment"],
        json!([
            {"outcome": "done", "detail": "stream with new and old images on"},
            {"outcome": "done", "detail": "catalog table e2e_existing__changes made"},
            {"outcome": "done", "detail": "stream mapping made"},
            {"outcome": "done", "detail": "point-in-time recovery of 35 days on"},
        ])
    );
    let described = stack.clients.dynamodb.describe_continuous_backups().table_name("e2e-existing");
    let recovery = described.send().await?.continuous_backups_description;
    let recovery = recovery.and_then(|description| description.point_in_time_recovery_description);
    let status = recovery.as_ref().and_then(|recovery| recovery.point_in_time_recovery_status());
    assert_eq!(status, Some(&PointInTimeRecoveryStatus::Enabled));

    let manifests = until("the export's manifest", async || {
        let manifests = exports(&stack, "e2e-existing", "20261120T030000Z").await?;
        Ok((!manifests.is_empty()).then_some(manifests))
    })
    .await?;
    let manifest: Value =
        serde_json::from_slice(&stack.read(&stack.exports, &manifests[0]).await?)?;
    assert_eq!(manifest["itemCount"], 1);

    // The same time again: the same backup, the same export, nothing repaired.
    let report = run(&stack, "2026-11-20T03:00:00Z").await?;
    let second = of_table(&report, "e2e-existing")?;
    assert_eq!(
        (&second["backupArn"], &second["exportArn"]),
        (&first["backupArn"], &first["exportArn"])
    );
    let steps = second["enrolment"].as_array().context("steps")?;
    assert!(steps.iter().all(|step| step["outcome"] == "alreadySo"), "{steps:?}");
    let backups = backup::list(&stack.clients.dynamodb, "e2e-existing").await?;
    assert_eq!(names(&backups), ["headwater-20261120T030000Z"]);
    assert_eq!(exports(&stack, "e2e-existing", "20261120T030000Z").await?, manifests);

    // Its changes reach the lake from now on.
    stack.put("e2e-existing", &parse_item(br#"{"pk":{"S":"after"}}"#)?).await?;
    until("the change to reach the lake", async || {
        let changes = stack.changes("e2e-existing").await?.items();
        Ok(changes.contains(&r#"{"pk":{"S":"after"}}"#.to_owned()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn retention_removes_only_our_own_old_backups() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    existing_table(&stack, "e2e-retention", None).await?;
    let dynamodb = &stack.clients.dynamodb;
    for name in ["before-migration", "headwater-old", "headwater-20250101T030000Z"] {
        backup::create(dynamodb, "e2e-retention", name).await?;
    }
    let report = run(&stack, "2026-11-21T03:00:00Z").await?;
    let table = of_table(&report, "e2e-retention")?;
    assert_eq!(table["removedBackups"], json!(["headwater-20250101T030000Z"]));
    let left = backup::list(dynamodb, "e2e-retention").await?;
    assert_eq!(names(&left), ["before-migration", "headwater-20261121T030000Z", "headwater-old"]);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_serves_someone_else_is_left_alone() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    existing_table(&stack, "e2e-keys-only", Some(StreamViewType::KeysOnly)).await?;
    let report = run(&stack, "2026-11-19T03:00:00Z").await?;
    let table = of_table(&report, "e2e-keys-only")?;
    let first = &table["enrolment"][0];
    assert_eq!(first["outcome"], "leftAlone");
    assert!(table["backupArn"].is_string() && table["exportArn"].is_string(), "{table}");
    let described = aws::table::describe(&stack.clients.dynamodb, "e2e-keys-only").await?;
    let stream = described.and_then(|table| table.stream_specification);
    let view = stream.and_then(|stream| stream.stream_view_type);
    assert_eq!(view, Some(StreamViewType::KeysOnly));
    Ok(())
}

#[tokio::test]
async fn an_event_without_its_time_is_refused_with_what_to_send() -> Result<()> {
    let stack = Stack::of_environment();
    let refused = stack.invoke(&stack.backup_function, &json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("expected {\\\"scheduledTime\\\""), "{refused}");
    Ok(())
}
