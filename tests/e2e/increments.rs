//! A finished incremental export becomes Parquet beside the snapshots: what became of each item in its window.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws::sdk::dynamodb::types::AttributeValue;
use end_to_end::{Stack, hour, until};
use item::format::dynamodb_json::parse_item;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Lets the scheduled run enrol a table, which switches its recovery on.
async fn enrol(stack: &Stack, table: &str) -> Result<()> {
    let run = json!({"reconcileTime": aws::clock::now().to_string(), "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &run).await?;
    anyhow::ensure!(report["tables"][0]["exportArn"].is_string(), "{report}");
    Ok(())
}

async fn put(stack: &Stack, table: &str, items: &[&str]) -> Result<()> {
    for item in items {
        stack.put(table, &parse_item(item.as_bytes())?).await?;
    }
    Ok(())
}

async fn delete(stack: &Stack, table: &str, keys: &[&str]) -> Result<()> {
    for key in keys {
        let key = AttributeValue::S((*key).to_owned());
        let delete = stack.clients.dynamodb().delete_item().table_name(table);
        delete.key("pk", key).send().await?;
    }
    Ok(())
}

/// What is noted of a finished increment.
async fn finished(stack: &Stack, table: &str, window: &str) -> Result<Value> {
    let key = format!("state/snapshot/{table}/increments/finished/{window}.json");
    until(&format!("the increment {window} of {table}"), async || {
        let note = aws::object::read(stack.clients.s3(), &stack.lake, &key).await?;
        Ok(note.map(|note| serde_json::from_slice(&note)).transpose()?)
    })
    .await
}

fn window_text((from, to): (Timestamp, Timestamp)) -> Result<String> {
    Ok(lake::path::window_text(from.as_millisecond(), to.as_millisecond())?)
}

/// What a query gives, a line for each row.
async fn lines(stack: &Stack, sql: &str) -> Result<Vec<String>> {
    let text = |row: Vec<Option<String>>| {
        row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" ")
    };
    Ok(stack.query(sql).await?.into_iter().map(text).collect())
}

/// The lake's objects of a table's increments, with their entity tags.
async fn objects(stack: &Stack, table: &str) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for prefix in [
        format!("increments/{table}/"),
        format!("state/snapshot/{table}/increments/"),
        format!("quarantine/snapshot/{table}/"),
    ] {
        all.extend(stack.objects(&stack.lake, &prefix).await?);
    }
    Ok(all)
}

#[tokio::test]
async fn an_increment_is_what_became_of_each_item_and_once() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-increments";
    let before = [
        r#"{"pk":{"S":"changed"},"n":{"N":"1"}}"#,
        r#"{"pk":{"S":"deleted"}}"#,
        r#"{"pk":{"S":"kept"}}"#,
    ];
    stack.existing_table(table, None, &before).await?;
    enrol(&stack, table).await?;
    let twice =
        [r#"{"pk":{"S":"changed"},"n":{"N":"2"}}"#, r#"{"pk":{"S":"changed"},"n":{"N":"2.5"}}"#];
    put(&stack, table, &twice).await?;
    put(&stack, table, &[r#"{"pk":{"S":"new"},"m":{"NULL":true}}"#, r#"{"pk":{"S":"fleeting"}}"#])
        .await?;
    delete(&stack, table, &["deleted", "fleeting"]).await?;
    let window = hour().await?;
    let (key, arn) = stack.export_window(table, window).await?;
    let note = finished(&stack, table, &window_text(window)?).await?;
    let [start, end] = [json!(window.0.to_string()), json!(window.1.to_string())];
    assert_eq!(
        [&note["exportArn"], &note["windowStart"], &note["exportTime"]],
        [&json!(arn), &start, &end],
        "{note}"
    );
    let counts = ["items", "rows", "quarantined", "damagedFiles"].map(|name| note[name].clone());
    assert_eq!(counts, [json!(3), json!(3), json!(0), json!(0)], "{note}");

    let end = lake::path::time_text(window.1.as_millisecond())?;
    let sql = format!(
        "SELECT pk, \"_op\", n__double, \"_old\", \"_rest\", \"_stream\", \"_seq\", \"_by\", window_end \
         FROM \"e2e_increments__increments\" WHERE window_end = '{end}' ORDER BY pk"
    );
    let expected = [
        format!(r#"changed MODIFY 2.5 {{"n":{{"N":"1"}},"pk":{{"S":"changed"}}}}     {end}"#),
        format!(r#"deleted REMOVE  {{"pk":{{"S":"deleted"}}}}     {end}"#),
        format!(r#"new INSERT   {{"m":{{"NULL":true}}}}    {end}"#),
    ];
    assert_eq!(lines(&stack, &sql).await?, expected);

    // The same end again, and another export of the same window: nothing is added or rewritten.
    let made = objects(&stack, table).await?;
    stack.deliver_summary(&key).await?;
    let (other, _) = stack.export_window(table, window).await?;
    stack.deliver_summary(&other).await?;
    assert_eq!(objects(&stack, table).await?, made);

    // The catalog is lost: both tables come back from the files.
    for name in ["e2e_increments__changes", "e2e_increments__increments"] {
        let delete = stack.clients.glue().delete_table().database_name(&stack.database);
        delete.name(name).send().await?;
    }
    stack.invoke(&stack.backup_function, &json!({"rebuildCatalog": [table]})).await?;
    assert_eq!(lines(&stack, &sql).await?, expected);
    Ok(())
}

#[tokio::test]
async fn increments_over_the_table_at_their_beginning_give_the_table() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-increments-replayed";
    let before = [r#"{"pk":{"S":"a"}}"#, r#"{"pk":{"S":"b"}}"#];
    stack.existing_table(table, None, &before).await?;
    // Of these items the text is that of the key, too.
    let mut items: BTreeMap<String, _> = BTreeMap::new();
    for text in before {
        items.insert(text.to_owned(), Some(parse_item(text.as_bytes())?));
    }
    enrol(&stack, table).await?;
    put(&stack, table, &[r#"{"pk":{"S":"a"},"n":{"N":"1"}}"#, r#"{"pk":{"S":"c"}}"#]).await?;
    let first = hour().await?;
    put(&stack, table, &[r#"{"pk":{"S":"a"},"n":{"S":"one"}}"#]).await?;
    delete(&stack, table, &["b"]).await?;
    // DynamoDB takes no window of less than a quarter of an hour, so both begin before the first change.
    let second = hour().await?;
    for window in [first, second] {
        stack.export_window(table, window).await?;
        finished(&stack, table, &window_text(window)?).await?;
        let prefix = lake::path::increment(table, window.1.as_millisecond())?;
        for key in stack.objects(&stack.lake, &prefix).await?.keys() {
            for row in lake::read::rows(stack.read(&stack.lake, key).await?)? {
                let row = row?;
                items.insert(item::canonical(&row.key), row.item);
            }
        }
    }
    let left: Vec<String> = items.values().flatten().map(item::canonical).collect();
    assert_eq!(left, stack.items(table).await?);
    assert_eq!(left.len(), 2);
    Ok(())
}

/// The summary of an incremental export of a table as DynamoDB writes it.
async fn summary(
    stack: &Stack,
    table: &str,
    (from, to): (&str, &str),
    format: &str,
    items: usize,
) -> Result<Value> {
    let described = aws::table::describe(stack.clients.dynamodb(), table).await?;
    let described = described.context("the table")?;
    let arn = described.table_arn.context("an ARN")?;
    Ok(json!({
        "version": "2020-06-30", "exportArn": format!("{arn}/export/{format}"), "tableArn": arn,
        "tableId": described.table_id, "itemCount": items, "outputFormat": format,
        "exportFromTime": from, "exportToTime": to,
        "outputView": "NEW_AND_OLD_IMAGES", "exportType": "INCREMENTAL_EXPORT",
    }))
}

#[tokio::test]
async fn a_line_that_is_no_change_is_told_and_its_increment_is_not_whole() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-increments-damaged";
    stack.import(&format!("{table}.jsonl"), "{\"pk\":\"a\"}\n", &[]).await?;
    let lines = [
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}},"Keys":{"pk":{"S":"a"}},"NewImage":{"pk":{"S":"a"}}}"#,
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}},"NewImage":{"pk":{"S":"a"}}}"#,
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}},"Keys":{"pk":{"N":"1"}}}"#,
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}},"Keys":{"pk":{"S":"a"}},"OldImage":{"pk":{"S":"b"}}}"#,
    ];
    let folder = format!("{table}/increment/AWSDynamoDB");
    let data = stack.put_data_file(&format!("{folder}/data/lines.json.gz"), &lines).await?;
    let window = ("2026-11-22T15:00:00Z", "2026-11-22T15:15:00Z");
    let told = summary(&stack, table, window, "DYNAMODB_JSON", lines.len()).await?;
    stack.put_manifests(&format!("{folder}/01-damaged"), &[data], &told).await?;

    let window = "20261122T150000Z_20261122T151500Z";
    let note = finished(&stack, table, window).await?;
    assert_eq!([&note["rows"], &note["quarantined"]], [&json!(1), &json!(3)], "{note}");
    let kept = format!("quarantine/snapshot/{table}/{window}-00000.jsonl");
    let kept = stack.read(&stack.lake, &kept).await?;
    let kept: Vec<Value> =
        String::from_utf8(kept)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let told = |line: &Value| (line["line"].clone(), line["reason"].clone(), line["row"].clone());
    let kept: Vec<_> = kept.iter().map(told).collect();
    assert_eq!(
        kept,
        [
            (
                json!(2),
                json!("line 2, byte 115, attribute Keys: the field is missing"),
                json!(lines[1])
            ),
            (
                json!(3),
                json!("attribute pk: a key of type S was expected, found type N"),
                json!(lines[2])
            ),
            (
                json!(4),
                json!(
                    "the key of an image is another than that in Keys; DynamoDB writes no such line, export the window again"
                ),
                json!(lines[3])
            ),
        ]
    );
    // No snapshot is among them.
    let snapshots =
        stack.objects(&stack.lake, &format!("state/snapshot/{table}/finished/")).await?;
    assert_eq!(snapshots.len(), 0);

    // As docs/operations.md has it: what was made of the window is removed, and it is exported anew.
    let finished_note = format!("state/snapshot/{table}/increments/finished/{window}.json");
    let made = [
        format!("state/snapshot/{table}/increments/{window}/"),
        format!("increments/{table}/window_end=20261122T151500Z/"),
    ];
    for prefix in made {
        for key in stack.objects(&stack.lake, &prefix).await?.keys() {
            stack.clients.s3().delete_object().bucket(&stack.lake).key(key).send().await?;
        }
    }
    let folder = format!("{table}/increment/by-hand/AWSDynamoDB");
    let data = stack.put_data_file(&format!("{folder}/data/lines.json.gz"), &lines[..1]).await?;
    let times = ("2026-11-22T15:00:00Z", "2026-11-22T15:15:00Z");
    let mut told = summary(&stack, table, times, "DYNAMODB_JSON", 1).await?;
    told["exportArn"] =
        json!(format!("{}-by-hand", told["exportArn"].as_str().unwrap_or_default()));
    stack.put_manifests(&format!("{folder}/01-by-hand"), &[data], &told).await?;
    until("the increment is whole", async || {
        let note: Value = serde_json::from_slice(&stack.read(&stack.lake, &finished_note).await?)?;
        Ok((note["exportArn"] == told["exportArn"]).then_some(note))
    })
    .await
    .map(|note| assert_eq!([&note["items"], &note["rows"]], [&json!(1), &json!(1)], "{note}"))
}

#[tokio::test]
async fn an_increment_in_ion_has_the_same_rows() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-increments-ion";
    stack.import(&format!("{table}.jsonl"), "{\"pk\":\"a\"}\n", &[]).await?;
    let lines = [
        r#"$ion_1_0 {Record:{Keys:{pk:"a"},Metadata:{WriteTimestampMicros:1795359600123456.},OldImage:{pk:"a"},NewImage:{pk:"a",n:12.5}}}"#,
        r#"$ion_1_0 {Record:{Keys:{pk:"b"},Metadata:{WriteTimestampMicros:1795359600123456.},OldImage:{pk:"b"}}}"#,
    ];
    let folder = format!("{table}/increment/AWSDynamoDB");
    let data = stack.put_data_file(&format!("{folder}/data/lines.ion.gz"), &lines).await?;
    let window = ("2026-11-22T15:00:00Z", "2026-11-22T15:15:00Z");
    let told = summary(&stack, table, window, "ION", lines.len()).await?;
    stack.put_manifests(&format!("{folder}/01-ion"), &[data], &told).await?;
    let note = finished(&stack, table, "20261122T150000Z_20261122T151500Z").await?;
    assert_eq!([&note["rows"], &note["quarantined"]], [&json!(2), &json!(0)], "{note}");
    let sql = "SELECT pk, \"_op\", n, \"_ts\", \"_old\" FROM \"e2e_increments_ion__increments\" \
               WHERE window_end = '20261122T151500Z' ORDER BY pk";
    let found = self::lines(&stack, sql).await?;
    assert_eq!(
        found,
        [
            r#"a MODIFY 12.5 2026-11-22 15:00:00.123 {"pk":{"S":"a"}}"#,
            r#"b REMOVE  2026-11-22 15:00:00.123 {"pk":{"S":"b"}}"#,
        ]
    );
    Ok(())
}
