//! Exports that are not whole, that come at once, or that are of a table which had the name before.

use anyhow::{Context, Result};
use end_to_end::{Stack, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};

/// The folder of a table's first full export, and its summary.
async fn first_export(stack: &Stack, table: &str) -> Result<(String, Value)> {
    until(&format!("an export of {table}"), async || {
        let objects = stack.objects(&stack.exports, &format!("{table}/full/")).await?;
        let key = objects.into_keys().find(|key| key.ends_with("/manifest-summary.json"));
        let Some(key) = key else { return Ok(None) };
        let summary = serde_json::from_slice(&stack.read(&stack.exports, &key).await?)?;
        Ok(Some((key.trim_end_matches("/manifest-summary.json").to_owned(), summary)))
    })
    .await
}

/// The notes of a table's finished snapshots, by time, once there are so many.
async fn finished(stack: &Stack, table: &str, count: usize) -> Result<Vec<Value>> {
    let prefix = format!("state/snapshot/{table}/finished/");
    until(&format!("snapshot {count} of {table}"), async || {
        let keys = stack.objects(&stack.lake, &prefix).await?;
        if keys.len() < count {
            return Ok(None);
        }
        let mut notes = Vec::new();
        for key in keys.keys() {
            notes.push(serde_json::from_slice(&stack.read(&stack.lake, key).await?)?);
        }
        Ok(Some(notes))
    })
    .await
}

async fn reconciled(stack: &Stack, table: &str, minutes: u64) -> Result<Value> {
    let due = aws::clock::now() + std::time::Duration::from_mins(minutes);
    let run = json!({"reconcileTime": due.to_string(), "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &run).await?;
    Ok(report["tables"][0].clone())
}

/// A summary as of some hours later than one that DynamoDB wrote, of another export.
fn later(summary: &Value, name: &str, hours: u64, items: usize) -> Value {
    let mut later = summary.clone();
    let arn = summary["exportArn"].as_str().unwrap_or_default();
    later["exportArn"] = json!(format!("{arn}-{name}"));
    let time = aws::clock::now() + std::time::Duration::from_hours(hours);
    later["exportTime"] = json!(time.to_string());
    later["itemCount"] = json!(items);
    later
}

async fn put_sum(stack: &Stack, key: &str, sum: &str) -> Result<()> {
    stack.put_export_object(key, sum.as_bytes().to_vec()).await
}

/// A manifest that lacks a line, or is not what its sum says, is not begun with; once it is whole, it is.
#[tokio::test]
async fn a_manifest_that_is_not_whole_is_waited_for() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-bad-days-manifest";
    stack.existing_table(table, None, &[r#"{"pk":{"S":"a"}}"#]).await?;
    reconciled(&stack, table, 0).await?;
    let (_, summary) = first_export(&stack, table).await?;
    finished(&stack, table, 1).await?;

    let folder = format!("{table}/full/by-hand/AWSDynamoDB/01-by-hand");
    let data = |name: &str| format!("{folder}/data/{name}.json.gz");
    let first = stack.put_data_file(&data("a"), &[r#"{"Item":{"pk":{"S":"a"}}}"#]).await?;
    let second = stack.put_data_file(&data("b"), &[r#"{"Item":{"pk":{"S":"b"}}}"#]).await?;
    let told = later(&summary, "by-hand", 24, 2);
    let failed = json!({"batchItemFailures": [{"itemIdentifier": "again"}]});
    let summary_key = format!("{folder}/manifest-summary.json");

    stack.put_manifests(&folder, std::slice::from_ref(&first), &told).await?;
    assert_eq!(stack.answer_to_summary(&summary_key).await?, failed);
    put_sum(&stack, &format!("{folder}/manifest-files.md5"), "XUFAKrxLKna5cZ2REBfFkg==").await?;
    stack.put_manifests(&folder, &[first, second], &told).await?;
    assert_eq!(stack.answer_to_summary(&summary_key).await?, failed);
    assert_eq!(finished(&stack, table, 1).await?.len(), 1);

    let sum = stack.clients.s3().delete_object().bucket(&stack.exports);
    sum.key(format!("{folder}/manifest-files.md5")).send().await?;
    stack.deliver_summary(&summary_key).await?;
    let notes = finished(&stack, table, 2).await?;
    assert_eq!((&notes[1]["rows"], &notes[1]["files"]), (&json!(2), &json!(2)), "{notes:?}");
    Ok(())
}

/// Two exports of one table whose files come in between one another, each in any order, and some twice; in one of them
/// the bytes of a file are what the manifest says, and no gzip.
#[tokio::test]
async fn exports_at_once_come_to_what_each_of_them_holds() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-bad-days-at-once";
    stack.existing_table(table, None, &[r#"{"pk":{"S":"a"}}"#]).await?;
    reconciled(&stack, table, 0).await?;
    let (_, summary) = first_export(&stack, table).await?;
    finished(&stack, table, 1).await?;

    let mut made = Vec::new();
    for (name, hours) in [("one", 24), ("two", 25)] {
        let folder = format!("{table}/full/{name}/AWSDynamoDB/01-{name}");
        let mut files = Vec::new();
        for number in 0..6 {
            let line = format!(r#"{{"Item":{{"pk":{{"S":"{name}-{number}"}}}}}}"#);
            let key = format!("{folder}/data/{number}.json.gz");
            files.push(stack.put_data_file(&key, &[line.as_str()]).await?);
        }
        if name == "two" {
            // As if DynamoDB had written no gzip: md5 of `hello`.
            stack.put_export_object(&format!("{folder}/data/0.json.gz"), b"hello".to_vec()).await?;
            files[0]["md5Checksum"] = json!("XUFAKrxLKna5cZ2REBfFkg==");
        }
        made.push((folder, files, later(&summary, name, hours, 6)));
    }
    let [one, two] = made.as_slice() else { unreachable!("two were made") };
    tokio::try_join!(
        stack.put_manifests(&one.0, &one.1, &one.2),
        stack.put_manifests(&two.0, &two.1, &two.2)
    )?;
    for _ in 0..2 {
        for (folder, ..) in [two, one] {
            stack.deliver_summary(&format!("{folder}/manifest-summary.json")).await?;
        }
    }
    let notes = finished(&stack, table, 3).await?;
    let told = |note: &Value| {
        ["items", "rows", "quarantined", "damagedFiles"].map(|name| note[name].as_u64())
    };
    assert_eq!(told(&notes[1]), [Some(6), Some(6), Some(0), Some(0)], "{notes:#?}");
    assert_eq!(told(&notes[2]), [Some(6), Some(5), Some(0), Some(1)], "{notes:#?}");

    // The one that is damaged is no snapshot to stand on.
    let report = reconciled(&stack, table, 30).await?;
    let first = notes[0]["exportTime"].as_str().context("a time")?.replace(['-', ':'], "");
    let stands = report["snapshot"].as_str().context("a snapshot")?;
    assert!(first.starts_with(stands.trim_end_matches('Z')), "{report}");
    Ok(())
}

/// A table that is created anew under its name has none of the former one's items, in no snapshot and in no
/// view, and no audit holds one against the other.
#[tokio::test]
async fn a_snapshot_of_a_former_table_is_none_of_this_one() -> Result<()> {
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-bad-days-anew", stack.clients.dynamodb());
    stack.existing_table(table, None, &[r#"{"pk":{"S":"former"}}"#]).await?;
    reconciled(&stack, table, 0).await?;
    let former = finished(&stack, table, 1).await?;
    let (folder, _) = first_export(&stack, table).await?;
    dynamodb.delete_table().table_name(table).send().await?;
    until("the table is gone", async || {
        Ok(aws::table::describe(dynamodb, table).await?.is_none().then_some(()))
    })
    .await?;

    stack.existing_table(table, None, &[r#"{"pk":{"S":"new"}}"#]).await?;
    let report = reconciled(&stack, table, 0).await?;
    assert!(report["exportArn"].is_string(), "{report}");
    let notes = finished(&stack, table, 2).await?;
    assert_ne!(notes[1]["tableId"], former[0]["tableId"]);
    assert_eq!(notes[1]["rows"], json!(1));
    // The end of the former one's export comes again.
    stack.deliver_summary(&format!("{folder}/manifest-summary.json")).await?;
    assert_eq!(finished(&stack, table, 2).await?, notes);

    let report = reconciled(&stack, table, 30).await?;
    assert_eq!(report["audit"], Value::Null, "{report}");
    let rows = stack.query(r#"SELECT "pk" FROM "e2e_bad_days_anew""#).await?;
    assert_eq!(rows, [[Some("new".to_owned())]]);
    stack.put(table, &parse_item(br#"{"pk":{"S":"newer"}}"#)?).await?;
    stack.until_changes(table, 1).await?;
    let mut rows = stack.query(r#"SELECT "pk" FROM "e2e_bad_days_anew""#).await?;
    rows.sort();
    assert_eq!(rows, [[Some("new".to_owned())], [Some("newer".to_owned())]]);
    Ok(())
}
