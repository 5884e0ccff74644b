//! Every kind of table that docs/tables.md has, as far as the local AWS knows it.

use anyhow::{Context, Result};
use aws::sdk::dynamodb::{
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        LocalSecondaryIndex, Projection, ProjectionType, ProvisionedThroughput,
        ScalarAttributeType, SseSpecification, SseType, StreamSpecification, StreamViewType,
        TableClass, TableDescription, Tag, TimeToLiveSpecification,
    },
};
use end_to_end::{Stack, until};
use item::{canonical, change::Actor, format::dynamodb_json::parse_item};
use lake::{RowOp, StoredRow};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A run's report is of all tables that it is asked for, and its time claims them.
static ONE_RUN_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// What is special about a table: its own way to be created.
type Special = fn(CreateTableFluentBuilder) -> CreateTableFluentBuilder;

fn key(name: &str, role: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(role).build().unwrap()
}

fn text(name: &str) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder().attribute_name(name);
    attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
}

fn capacity() -> ProvisionedThroughput {
    ProvisionedThroughput::builder().read_capacity_units(5).write_capacity_units(5).build().unwrap()
}

fn all() -> Projection {
    Projection::builder().projection_type(ProjectionType::All).build()
}

fn stream(view: StreamViewType) -> StreamSpecification {
    StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build().unwrap()
}

/// A table with the key `pk`, on demand, tagged; and what is special about it.
async fn create(stack: &Stack, table: &str, special: Special) -> Result<()> {
    let tag = Tag::builder().key("headwater").value("on").build()?;
    let create = stack.clients.dynamodb().create_table().table_name(table).tags(tag);
    let create = create.attribute_definitions(text("pk")).key_schema(key("pk", KeyType::Hash));
    special(create.billing_mode(BillingMode::PayPerRequest)).send().await?;
    aws::table::wait_until_active(stack.clients.dynamodb(), table).await?;
    Ok(())
}

async fn described(stack: &Stack, table: &str) -> Result<TableDescription> {
    aws::table::describe(stack.clients.dynamodb(), table).await?.context("the table")
}

/// What the run said of the table, after it put the table's first item and before its second.
async fn enrolled(stack: &Stack, table: &str, scheduled: &str) -> Result<Value> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    stack.put(table, &parse_item(br#"{"pk":{"S":"before"},"sk":{"S":"1"}}"#)?).await?;
    let event = json!({"scheduledTime": scheduled, "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    let entry = report["tables"].as_array().and_then(|tables| tables.first()).cloned();
    let entry = entry.with_context(|| format!("{table} in {report}"))?;
    anyhow::ensure!(entry["failure"].is_null(), "{entry}");
    anyhow::ensure!(entry["backupArn"].is_string() && entry["exportArn"].is_string(), "{entry}");
    stack.put(table, &parse_item(br#"{"pk":{"S":"after"},"sk":{"S":"1"}}"#)?).await?;
    Ok(entry)
}

fn outcomes(entry: &Value) -> Vec<String> {
    let steps = entry["enrolment"].as_array().cloned().unwrap_or_default();
    let told = |step: &Value| format!("{}: {}", step["outcome"], step["detail"]).replace('"', "");
    steps.iter().map(told).collect()
}

async fn until_fed(stack: &Stack, table: &str) -> Result<()> {
    let after = r#"{"pk":{"S":"after"},"sk":{"S":"1"}}"#;
    until(&format!("a change of {table} to reach the lake"), async || {
        let items = stack.changes(table).await?.items();
        Ok(items.iter().any(|item| item == after).then_some(()))
    })
    .await
}

/// The table gets backup, export, recovery and a feed, and keeps what is special about it.
async fn is_enrolled_as_any_other(table: &str, scheduled: &str, special: Special) -> Result<()> {
    let stack = Stack::of_environment();
    create(&stack, table, special).await?;
    let before = described(&stack, table).await?;
    let entry = enrolled(&stack, table, scheduled).await?;
    let catalogued = format!("done: catalog table {}__changes made", table.replace('-', "_"));
    assert_eq!(
        outcomes(&entry),
        [
            "done: stream with new and old images on",
            catalogued.as_str(),
            "done: stream mapping made",
            "done: point-in-time recovery of 35 days on",
        ]
    );
    until_fed(&stack, table).await?;
    let after = described(&stack, table).await?;
    assert_eq!(before.billing_mode_summary(), after.billing_mode_summary());
    assert_eq!(before.table_class_summary(), after.table_class_summary());
    assert_eq!(before.sse_description(), after.sse_description());
    assert_eq!(before.deletion_protection_enabled(), after.deletion_protection_enabled());
    assert_eq!(before.key_schema(), after.key_schema());
    let count = |table: &TableDescription| {
        (table.global_secondary_indexes().len(), table.local_secondary_indexes().len())
    };
    assert_eq!(count(&before), count(&after));
    Ok(())
}

#[tokio::test]
async fn provisioned_with_indexes() -> Result<()> {
    is_enrolled_as_any_other("e2e-kind-provisioned", "2026-10-01T03:00:00Z", |create| {
        let global = GlobalSecondaryIndex::builder().index_name("by-sk").projection(all());
        let global = global.key_schema(key("sk", KeyType::Hash));
        let local = LocalSecondaryIndex::builder().index_name("by-at").projection(all());
        let local =
            local.key_schema(key("pk", KeyType::Hash)).key_schema(key("at", KeyType::Range));
        create
            .billing_mode(BillingMode::Provisioned)
            .provisioned_throughput(capacity())
            .attribute_definitions(text("sk"))
            .attribute_definitions(text("at"))
            .key_schema(key("sk", KeyType::Range))
            .global_secondary_indexes(global.provisioned_throughput(capacity()).build().unwrap())
            .local_secondary_indexes(local.build().unwrap())
    })
    .await
}

#[tokio::test]
async fn infrequent_access_that_is_protected() -> Result<()> {
    is_enrolled_as_any_other("e2e-kind-infrequent", "2026-10-02T03:00:00Z", |create| {
        create.table_class(TableClass::StandardInfrequentAccess).deletion_protection_enabled(true)
    })
    .await
}

#[tokio::test]
async fn under_a_key_of_ones_own() -> Result<()> {
    is_enrolled_as_any_other("e2e-kind-encrypted", "2026-10-03T03:00:00Z", |create| {
        let key = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555";
        let sse = SseSpecification::builder().enabled(true).sse_type(SseType::Kms);
        create.sse_specification(sse.kms_master_key_id(key).build())
    })
    .await
}

#[tokio::test]
async fn a_stream_of_new_images_is_used_as_it_is() -> Result<()> {
    let (stack, table) = (Stack::of_environment(), "e2e-kind-new-image");
    create(&stack, table, |it| it.stream_specification(stream(StreamViewType::NewImage))).await?;
    let entry = enrolled(&stack, table, "2026-10-04T03:00:00Z").await?;
    assert_eq!(outcomes(&entry)[0], "alreadySo: stream on (NEW_IMAGE)");
    assert_eq!(outcomes(&entry)[2], "done: stream mapping made");
    until_fed(&stack, table).await
}

#[tokio::test]
async fn a_stream_without_new_images_is_left_to_whom_it_serves() -> Result<()> {
    let stack = Stack::of_environment();
    let views: [(&str, &str, &str, Special); 2] = [
        ("e2e-kind-old-image", "OLD_IMAGE", "2026-10-05T03:00:00Z", |it| {
            it.stream_specification(stream(StreamViewType::OldImage))
        }),
        ("e2e-kind-keys-only", "KEYS_ONLY", "2026-10-06T03:00:00Z", |it| {
            it.stream_specification(stream(StreamViewType::KeysOnly))
        }),
    ];
    for (table, view, scheduled, special) in views {
        create(&stack, table, special).await?;
        let entry = enrolled(&stack, table, scheduled).await?;
        let told = outcomes(&entry);
        assert!(
            told[0].starts_with(&format!("leftAlone: stream: its view type {view}")),
            "{told:?}"
        );
        assert!(!told.iter().any(|step| step.contains("mapping")), "{told:?}");
        let left = described(&stack, table).await?.stream_specification;
        let left = left.and_then(|stream| stream.stream_view_type);
        assert_eq!(left.as_ref().map(StreamViewType::as_str), Some(view));
    }
    Ok(())
}

#[tokio::test]
async fn what_time_to_live_deletes_is_told_from_what_people_delete() -> Result<()> {
    let (stack, table) = (Stack::of_environment(), "e2e-kind-ttl");
    create(&stack, table, |it| it).await?;
    let expires = TimeToLiveSpecification::builder().enabled(true).attribute_name("expires");
    let update = stack.clients.dynamodb().update_time_to_live().table_name(table);
    update.time_to_live_specification(expires.build()?).send().await?;
    enrolled(&stack, table, "2026-10-08T03:00:00Z").await?;
    for key in ["ttl", "user"] {
        let expires = if key == "ttl" { 1_700_000_000_u64 } else { 4_000_000_000 };
        let item = format!(r#"{{"pk":{{"S":"{key}"}},"expires":{{"N":"{expires}"}}}}"#);
        stack.put(table, &parse_item(item.as_bytes())?).await?;
    }
    let gone = aws::item_to_sdk(&parse_item(br#"{"pk":{"S":"user"}}"#)?);
    let delete = stack.clients.dynamodb().delete_item().table_name(table);
    delete.set_key(Some(gone)).send().await?;
    until("both deletes in the lake, each with who did it", async || {
        let rows = stack.changes(table).await?.rows;
        let removed = |key: &str, by: Actor| {
            let key = format!(r#"{{"pk":{{"S":"{key}"}}}}"#);
            let is_it = |row: &&StoredRow| row.op == RowOp::Remove && canonical(&row.key) == key;
            rows.iter().find(is_it).is_some_and(|row| row.by == Some(by))
        };
        Ok((removed("ttl", Actor::TimeToLive) && removed("user", Actor::User)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_thousand_attributes_and_one() -> Result<()> {
    let (stack, table) = (Stack::of_environment(), "e2e-kind-wide");
    create(&stack, table, |it| it).await?;
    enrolled(&stack, table, "2026-10-07T03:00:00Z").await?;
    let attributes: Vec<String> =
        (0..1001).map(|number| format!(r#""a{number:04}":{{"N":"{number}"}}"#)).collect();
    let wide = format!(r#"{{{},"pk":{{"S":"wide"}}}}"#, attributes.join(","));
    stack.put(table, &parse_item(wide.as_bytes())?).await?;
    until("the wide item, rebuilt from the lake", async || {
        Ok(stack.changes(table).await?.items().contains(&wide).then_some(()))
    })
    .await?;
    // As many columns of attributes as the stack allows, and the rest in `_rest`.
    let columns = stack.glue_columns(&format!("{}__changes", table.replace('-', "_"))).await?;
    let ours = columns.keys().filter(|name| !name.starts_with('_'));
    assert_eq!(ours.count(), 500);
    Ok(())
}
