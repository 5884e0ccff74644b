//! A finished export becomes Parquet, and the views stand on it.

use anyhow::{Context, Result};
use end_to_end::{Stack, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};

/// What is noted of the newest snapshot of a table, once `count` of them are finished.
async fn finished(stack: &Stack, table: &str, count: usize) -> Result<Value> {
    let prefix = format!("state/snapshot/{table}/finished/");
    until(&format!("snapshot {count} of {table}"), async || {
        let keys = stack.objects(&stack.lake, &prefix).await?;
        if keys.len() < count {
            return Ok(None);
        }
        let newest = keys.keys().next_back().context("a key")?;
        Ok(Some(serde_json::from_slice(&stack.read(&stack.lake, newest).await?)?))
    })
    .await
}

/// The key and text of the summary of a table's only export.
async fn summary(stack: &Stack, table: &str) -> Result<(String, Value)> {
    let objects = stack.objects(&stack.exports, &format!("{table}/full/")).await?;
    let key = objects.into_keys().find(|key| key.ends_with("/manifest-summary.json"));
    let key = key.context("a summary")?;
    let text = stack.read(&stack.exports, &key).await?;
    Ok((key, serde_json::from_slice(&text)?))
}

/// What the run reports of a table that is due so many minutes from now: half an hour on, the feed has
/// passed every export that there is.
async fn reconciled(stack: &Stack, table: &str, minutes: u64) -> Result<Value> {
    let due = aws::clock::now() + std::time::Duration::from_mins(minutes);
    let run = json!({"reconcileTime": due.to_string(), "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &run).await?;
    Ok(report["tables"][0].clone())
}

/// What a query gives, a line for each row.
async fn lines(stack: &Stack, sql: &str) -> Result<Vec<String>> {
    let text = |row: Vec<Option<String>>| {
        row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(",")
    };
    Ok(stack.query(sql).await?.into_iter().map(text).collect())
}

#[tokio::test]
async fn an_export_becomes_the_items_it_holds_and_once() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-snapshot";
    let rows: Vec<String> = (0..300).map(|n| format!("{{\"pk\":\"k{n}\",\"n\":{n}.5}}")).collect();
    let report = stack.import(&format!("{table}.jsonl"), rows.join("\n"), &[]).await?;
    assert_eq!(report["status"], "finished", "{report}");
    let arn = stack.export(table, "by-hand").await?;
    let note = finished(&stack, table, 1).await?;
    assert_eq!(
        (&note["exportArn"], &note["items"], &note["rows"]),
        (&json!(arn), &json!(300), &json!(300)),
        "{note}"
    );
    assert_eq!((&note["quarantined"], &note["damagedFiles"]), (&json!(0), &json!(0)));
    assert_eq!(stack.snapshot_items(table).await?, stack.items(table).await?);

    // The same message again: every file is noted already.
    stack.until_changes(table, 300).await?;
    let objects = stack.objects(&stack.lake, "").await?;
    let (key, _) = summary(&stack, table).await?;
    stack.deliver_summary(&key).await?;
    let ours = |objects: &end_to_end::Objects| {
        let ours = objects.iter().filter(|(key, _)| key.contains(&format!("/{table}/")));
        ours.map(|(key, tag)| (key.clone(), tag.clone())).collect::<Vec<_>>()
    };
    assert_eq!(ours(&stack.objects(&stack.lake, "").await?), ours(&objects));
    Ok(())
}

#[tokio::test]
async fn a_view_stands_on_the_snapshot_and_on_what_changed_since() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-snapshot-view";
    let reconcile = async |minutes: u64| reconciled(&stack, table, minutes).await;
    // Its items were there before it was enrolled: no change tells of them.
    let before = [r#"{"pk":{"S":"a"}}"#, r#"{"pk":{"S":"b"},"n":{"N":"1"}}"#];
    stack.existing_table(table, None, &before).await?;
    let report = reconcile(0).await?;
    assert!(report["exportArn"].is_string(), "{report}");
    let note = finished(&stack, table, 1).await?;
    assert_eq!((&note["exportArn"], &note["rows"]), (&report["exportArn"], &json!(2)));
    stack.put(table, &parse_item(br#"{"pk":{"S":"b"},"n":{"N":"2.5"}}"#)?).await?;
    stack.put(table, &parse_item(br#"{"pk":{"S":"c"},"m":{"S":"new"}}"#)?).await?;
    stack.until_changes(table, 2).await?;

    // Not before the feed must have passed the export.
    let report = reconcile(0).await?;
    assert_eq!((&report["snapshot"], &report["exportArn"]), (&Value::Null, &Value::Null));
    let report = reconcile(30).await?;
    assert!(report["snapshot"].is_string(), "{report}");
    let rows = lines(&stack, "SELECT pk, n, m FROM \"e2e_snapshot_view\" ORDER BY pk").await?;
    assert_eq!(rows, ["a,,", "b,2.5,", "c,,new"]);
    Ok(())
}

#[tokio::test]
async fn a_hole_in_the_feed_is_found_by_the_audit_and_closed_by_the_export_it_asks_for()
-> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-snapshot-hole";
    let before = [r#"{"pk":{"S":"a"}}"#, r#"{"pk":{"S":"b"}}"#, r#"{"pk":{"S":"c"}}"#];
    stack.existing_table(table, None, &before).await?;
    reconciled(&stack, table, 0).await?;
    finished(&stack, table, 1).await?;
    stack.put(table, &parse_item(br#"{"pk":{"S":"a"},"n":{"N":"1"}}"#)?).await?;
    stack.until_changes(table, 1).await?;
    let lost = stack.objects(&stack.lake, &format!("changes/{table}/")).await?;
    stack.put(table, &parse_item(br#"{"pk":{"S":"b"},"n":{"N":"2"}}"#)?).await?;
    stack.until_changes(table, 2).await?;
    for key in lost.keys() {
        stack.clients.s3().delete_object().bucket(&stack.lake).key(key).send().await?;
    }
    stack.export(table, "by-hand").await?;
    finished(&stack, table, 2).await?;

    // A change that is late would look like this too: it is looked again.
    let report = reconciled(&stack, table, 20).await?;
    let suspected = report["audit"].clone();
    assert_eq!((&suspected["isSettled"], &suspected["different"]), (&json!(false), &json!(1)));
    let again = reconciled(&stack, table, 30).await?;
    assert_eq!((&again["audit"], &again["exportArn"]), (&suspected, &Value::Null), "{again}");
    // What is suspected is looked at again, although there is a newer snapshot by then.
    stack.export(table, "by-hand").await?;
    finished(&stack, table, 3).await?;
    let report = reconciled(&stack, table, 55).await?;
    let audit = &report["audit"];
    assert_eq!((&audit["snapshot"], &audit["isSettled"]), (&suspected["snapshot"], &json!(true)));
    assert_eq!((&audit["isClean"], &audit["different"]), (&json!(false), &json!(1)), "{report}");
    assert_eq!(audit["differences"][0]["key"], r#"{"pk":{"S":"a"}}"#, "{audit}");
    assert_eq!(audit["differences"].as_array().map(Vec::len), Some(1), "{audit}");
    let rows = lines(&stack, "SELECT pk, n FROM \"e2e_snapshot_hole\" ORDER BY pk").await?;
    assert_eq!(rows, ["a,1", "b,2", "c,"]);

    let asked_for = finished(&stack, table, 4).await?;
    assert_eq!(asked_for["exportArn"], audit["exportArn"]);
    let audit = reconciled(&stack, table, 30).await?["audit"].clone();
    assert_eq!(
        (&audit["isClean"], &audit["expected"], &audit["found"]),
        (&json!(true), &json!(3), &json!(3)),
        "{audit}"
    );
    Ok(())
}

#[tokio::test]
async fn a_feed_that_is_late_is_no_hole() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-snapshot-late";
    stack.existing_table(table, None, &[r#"{"pk":{"S":"a"}}"#]).await?;
    reconciled(&stack, table, 0).await?;
    finished(&stack, table, 1).await?;
    stack.put(table, &parse_item(br#"{"pk":{"S":"a"},"n":{"N":"1"}}"#)?).await?;
    stack.until_changes(table, 1).await?;
    let folder = format!("changes/{table}/");
    let late = stack.objects(&stack.lake, &folder).await?.into_keys().next().context("a file")?;
    let bytes = stack.read(&stack.lake, &late).await?;
    stack.clients.s3().delete_object().bucket(&stack.lake).key(&late).send().await?;
    stack.export(table, "by-hand").await?;
    finished(&stack, table, 2).await?;
    let suspected = reconciled(&stack, table, 20).await?["audit"].clone();
    assert_eq!((&suspected["isSettled"], &suspected["different"]), (&json!(false), &json!(1)));

    // It arrives.
    let put = stack.clients.s3().put_object().bucket(&stack.lake).key(&late);
    put.body(bytes.into()).send().await?;
    let audit = reconciled(&stack, table, 55).await?["audit"].clone();
    assert_eq!(
        [&audit["isSettled"], &audit["isClean"], &audit["exportArn"]],
        [&json!(true), &json!(true), &Value::Null],
        "{audit}"
    );
    Ok(())
}

#[tokio::test]
async fn a_table_comes_back_from_its_snapshot() -> Result<()> {
    let stack = Stack::of_environment();
    let (table, restored) = ("e2e-snapshot-lost", "e2e-snapshot-restored");
    let items = [
        r#"{"pk":{"S":"a"},"n":{"N":"12345678901234567890123456789012345678"}}"#,
        r#"{"pk":{"S":"b"},"s":{"NS":["1","2.5"]},"m":{"M":{"x":{"L":[{"NULL":true},{"B":"AP8="}]}}}}"#,
    ];
    stack.existing_table(table, None, &items).await?;
    reconciled(&stack, table, 0).await?;
    finished(&stack, table, 1).await?;
    // As docs/operations.md has it: its files are dropped as a folder.
    let files = stack.objects(&stack.lake, &format!("snapshots/{table}/")).await?;
    for key in files.keys() {
        let name = key.rsplit('/').next().unwrap_or_default();
        let bytes = stack.read(&stack.lake, key).await?;
        stack.drop(&format!("{restored}/{name}"), bytes, &[]).await?;
    }
    let key = json!([{"AttributeName": "pk", "KeyType": "HASH"}]);
    let manifest = json!({"TableCreationParameters": {"KeySchema": key}});
    let report = stack.import_folder(restored, &manifest).await?;
    assert_eq!((&report["status"], &report["rowsWritten"]), (&json!("finished"), &json!(2)));
    assert_eq!(stack.items(restored).await?, stack.items(table).await?);
    Ok(())
}

#[tokio::test]
async fn what_is_damaged_is_told_and_no_view_stands_on_it() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-snapshot-damaged";
    stack.import(&format!("{table}.jsonl"), "{\"pk\":\"a\"}\n", &[]).await?;
    stack.export(table, "by-hand").await?;
    finished(&stack, table, 1).await?;
    let (_, mut told) = summary(&stack, table).await?;

    // Another export, a day later: a line that is no item, bytes that are others, a file that is not there.
    let folder = format!("{table}/full/damaged/AWSDynamoDB/01-damaged");
    let key = |name: &str| format!("{folder}/data/{name}.json.gz");
    let lines = [r#"{"Item":{"pk":{"S":"a"}}}"#, r#"{"Item":{"pk":{"N":"1"}}}"#];
    let lines = stack.put_data_file(&key("lines"), &lines).await?;
    stack.put_export_object(&key("bytes"), b"no gzip".to_vec()).await?;
    let file = |name: &str, items: u64| json!({"itemCount": items, "md5Checksum": lines["md5Checksum"], "dataFileS3Key": key(name)});
    let files = [lines.clone(), file("bytes", 1), file("missing", 1), file("empty", 0)];
    let arn = format!("{}-damaged", told["exportArn"].as_str().unwrap_or_default());
    told["exportArn"] = json!(arn);
    told["exportTime"] =
        json!((aws::clock::now() + std::time::Duration::from_hours(24)).to_string());
    told["itemCount"] = json!(4);
    stack.put_manifests(&folder, &files, &told).await?;

    let note = finished(&stack, table, 2).await?;
    assert_eq!(
        [&note["exportArn"], &note["rows"], &note["quarantined"], &note["damagedFiles"]],
        [&json!(arn), &json!(1), &json!(1), &json!(2)],
        "{note}"
    );
    let kept = stack.objects(&stack.lake, &format!("quarantine/snapshot/{table}/")).await?;
    let kept = stack.read(&stack.lake, kept.keys().next().context("quarantine")?).await?;
    let kept: Value = serde_json::from_slice(&kept)?;
    assert_eq!(
        (&kept["line"], &kept["reason"], &kept["row"]),
        (
            &json!(2),
            &json!("attribute pk: a key of type S was expected, found type N"),
            &json!(r#"{"Item":{"pk":{"N":"1"}}}"#)
        )
    );
    Ok(())
}
