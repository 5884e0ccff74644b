//! `ImportTable` as the engine.

use std::collections::BTreeSet;

use anyhow::Result;
use aws::{
    sdk::dynamodb::types::ImportSummary,
    state::{self, Put},
};
use end_to_end::{Dropped, Stack, until};
use serde_json::{Value, json};

fn native() -> Value {
    json!({"Headwater": {"Engine": "native"}})
}

fn counts(report: &Value) -> Value {
    json!([report["status"], report["rowsRead"], report["rowsWritten"], report["rowsRejected"]])
}

#[tokio::test]
async fn a_file_is_staged_without_its_bad_rows_and_the_table_is_enrolled() -> Result<()> {
    let stack = Stack::of_environment();
    stack.drop("e2e-native/rows.csv", "id,n\n1,10\n2,x\n3,30\n4,40,50\n", &[]).await?;
    let manifest = json!({
        "Headwater": {"Engine": "native", "ColumnTypes": {"n": "N"}, "Tags": [{"Key": "team", "Value": "water"}]},
    });
    let dropped = stack.drop("e2e-native/_import.json", manifest.to_string(), &[]).await?;
    // It is looked at again and again while ImportTable is at work.
    let importing = async |after: u64| {
        let is_so = |status: &Value| {
            status["phase"] == "importing" && status["turn"].as_u64() > Some(after)
        };
        stack.status("e2e-native", &dropped, is_so).await
    };
    let status = importing(0).await?;
    assert_eq!(status["engine"]["stage"]["at"], "importing", "{status}");
    importing(status["turn"].as_u64().unwrap_or_default()).await?;
    let report = stack.report(&dropped).await?;
    assert_eq!(counts(&report), json!(["finished", 4, 2, 2]), "{report}");
    assert_eq!(
        stack.items("e2e-native").await?,
        [r#"{"id":{"N":"1"},"n":{"N":"10"}}"#, r#"{"id":{"N":"3"},"n":{"N":"30"}}"#]
    );
    assert_eq!(report["plan"]["because"], "Engine native is given");
    let told = &report["importTable"];
    assert_eq!(
        json!([
            told["importStatus"],
            told["processedItemCount"],
            told["importedItemCount"],
            told["errorCount"]
        ]),
        json!(["COMPLETED", 2, 2, 0])
    );
    assert_eq!(stack.rejects(&report).await?.len(), 1 + 2);
    assert!(
        stack
            .objects(&stack.landing, "staging/")
            .await?
            .keys()
            .all(|key| !key.contains(report["importId"].as_str().unwrap_or("?")))
    );
    let table =
        aws::table::describe(stack.clients.dynamodb(), "e2e-native").await?.expect("the table");
    let arn = table.table_arn().unwrap_or_default();
    for (tag, value) in [("team", "water"), ("headwater", "on")] {
        assert_eq!(
            aws::table::tag(stack.clients.dynamodb(), arn, tag).await?.as_deref(),
            Some(value)
        );
    }
    assert!(table.latest_stream_arn().is_some(), "the table has a stream");
    Ok(())
}

#[tokio::test]
async fn of_many_files_the_last_one_staged_starts_the_import_once() -> Result<()> {
    const FILES: usize = 12;
    let stack = Stack::of_environment();
    for file in 0..FILES {
        let rows: String =
            (0..50).map(|row| format!("{{\"id\":\"{file}-{row}\",\"n\":{row}}}\n")).collect();
        stack.drop(&format!("e2e-staged/{file}.jsonl"), rows, &[]).await?;
    }
    let report = stack.import_folder("e2e-staged", &native()).await?;
    assert_eq!(counts(&report), json!(["finished", FILES * 50, FILES * 50, 0]), "{report}");
    assert_eq!(stack.items("e2e-staged").await?.len(), FILES * 50);
    let imports = stack.clients.dynamodb().list_imports().send().await?;
    let table = |summary: &&ImportSummary| {
        summary.table_arn().is_some_and(|arn| arn.ends_with("/e2e-staged"))
    };
    assert_eq!(imports.import_summary_list().iter().filter(table).count(), 1);
    stack.until_queue_is_empty().await
}

/// The prefixes that `ImportTable` read for a table, one for each time.
async fn native_import(stack: &Stack, table: &str) -> Result<Vec<String>> {
    let imports = stack.clients.dynamodb().list_imports().send().await?;
    let of_table = imports.import_summary_list().iter().filter(|summary| {
        summary.table_arn().is_some_and(|arn| arn.ends_with(&format!("/{table}")))
    });
    let prefix =
        |summary: &ImportSummary| summary.s3_bucket_source()?.s3_key_prefix().map(str::to_owned);
    Ok(of_table.filter_map(prefix).collect())
}

/// Drops a folder of one file, and gives the keys of what is staged once `ImportTable` is at work.
async fn staged(stack: &Stack, folder: &str) -> Result<(Dropped, Vec<String>)> {
    stack.drop(&format!("{folder}/rows.csv"), "id,n\n1,10\n2,20\n", &[]).await?;
    let manifest = native().to_string();
    let dropped = stack.drop(&format!("{folder}/_import.json"), manifest, &[]).await?;
    let status = stack.status(folder, &dropped, |status| status["phase"] == "importing").await?;
    let prefix = format!("staging/{}/", status["importId"].as_str().unwrap_or_default());
    let keys = stack.objects(&stack.landing, &prefix).await?.into_keys().collect();
    Ok((dropped, keys))
}

#[tokio::test]
async fn an_import_that_fails_ends_with_what_dynamodb_says() -> Result<()> {
    let stack = Stack::of_environment();
    let (dropped, keys) = staged(&stack, "e2e-native-fails").await?;
    assert_eq!(keys.len(), 1);
    // The line of an item without its key.
    let mut line = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut line, b"{\"Item\":{\"n\":{\"N\":\"1\"}}}\n")?;
    let (s3, bucket) = (stack.clients.s3(), &stack.landing);
    aws::object::put(s3, bucket, &keys[0], "application/json", line.finish()?).await?;
    let report = stack.report(&dropped).await?;
    assert_eq!(counts(&report), json!(["failed", 2, 0, 0]), "{report}");
    let told = &report["importTable"];
    assert_eq!(
        json!([told["importStatus"], told["failureCode"], told["errorCount"]]),
        json!(["FAILED", "ItemValidationError", 1])
    );
    let log_group = told["logGroup"].as_str().unwrap_or_default();
    let error = report["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("ImportTable ended as FAILED with ItemValidationError"), "{error}");
    assert!(!log_group.is_empty() && error.contains(log_group), "{error}");
    let staged = stack.objects(&stack.landing, &keys[0]).await?;
    assert!(staged.is_empty(), "{staged:?}");
    assert_eq!(native_import(&stack, "e2e-native-fails").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_import_that_fails_for_a_passing_reason_is_tried_again() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-native-again";
    let (dropped, keys) = staged(&stack, table).await?;
    // The emulator comes to grief over data that is cut short, and says what AWS does of itself.
    let (s3, bucket) = (stack.clients.s3(), &stack.landing);
    let mut bytes = stack.read(bucket, &keys[0]).await?;
    bytes.truncate(bytes.len() - 4);
    aws::object::put(s3, bucket, &keys[0], "application/json", bytes).await?;
    stack.clients.dynamodb().delete_table().table_name(table).send().await?;
    let report = stack.report(&dropped).await?;
    assert_eq!(counts(&report), json!(["finished", 2, 2, 0]), "{report}");
    assert_eq!(stack.items(table).await?.len(), 2);
    assert_eq!(native_import(&stack, table).await?.len(), 2);
    Ok(())
}

/// As if it had been followed for a week: what `ImportTable` goes on reading is not taken away from it.
#[tokio::test]
async fn an_import_that_is_given_up_leaves_what_importtable_reads() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-native-given-up";
    let (dropped, keys) = staged(&stack, table).await?;
    let import_id = keys[0].split('/').nth(1).unwrap_or_default();
    let (s3, bucket, key) =
        (stack.clients.s3(), &stack.landing, format!("status/{table}/{import_id}.json"));
    until("a moment in which nobody is at the import", async || {
        let Some(found) = state::read(s3, bucket, &key).await? else { return Ok(None) };
        let mut status: Value = serde_json::from_slice(&found.bytes)?;
        if status.get("lease").is_some() {
            return Ok(None);
        }
        status["engine"]["notAfter"] = json!("2026-01-01T00:00:00Z");
        let put = state::write(s3, bucket, &key, status.to_string().into(), Some(&found.tag));
        Ok((put.await? != Put::Lost).then_some(()))
    })
    .await?;
    let report = stack.report(&dropped).await?;
    assert_eq!(report["status"], "failed", "{report}");
    assert_eq!(report["importTable"]["importStatus"], "IN_PROGRESS", "{report}");
    let error = report["error"].as_str().unwrap_or_default();
    let place = format!("s3://{bucket}/staging/{import_id}/");
    assert!(error.contains("is not followed any more") && error.contains(&place), "{error}");
    let next = report["next"].as_str().unwrap_or_default();
    assert!(next.contains("describe-import"), "{next}");
    assert_eq!(stack.objects(bucket, &keys[0]).await?.len(), 1);
    until("the items that ImportTable writes", async || {
        Ok((stack.items(table).await?.len() == 2).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_full_export_of_dynamodb_is_imported_as_it_is() -> Result<()> {
    let stack = Stack::of_environment();
    let rows: String = (0..300)
        .map(|n| format!("{{\"pk\":\"p{}\",\"sk\":{n},\"l\":[1,null,{{}}]}}\n", n % 7))
        .collect();
    let report = stack.import("e2e-exported.jsonl", rows, &[]).await?;
    assert_eq!(report["status"], "finished");
    let prefix = "e2e-exported/full/again";
    let table =
        aws::table::describe(stack.clients.dynamodb(), "e2e-exported").await?.expect("the table");
    let export = stack.clients.dynamodb().export_table_to_point_in_time();
    let export = export
        .table_arn(table.table_arn().unwrap_or_default())
        .s3_bucket(&stack.exports)
        .s3_prefix(prefix);
    export.send().await?;
    until("the export", async || {
        let objects = stack.objects(&stack.exports, prefix).await?;
        Ok(objects.keys().any(|key| key.ends_with("manifest-summary.json")).then_some(()))
    })
    .await?;
    let source = json!({"S3Bucket": stack.exports, "S3KeyPrefix": prefix});
    for engine in ["native", "direct"] {
        let folder = format!("e2e-exported-{engine}");
        let manifest = json!({"S3BucketSource": source, "Headwater": {"Engine": engine}});
        let report = stack.import_folder(&folder, &manifest).await?;
        assert_eq!(counts(&report), json!(["finished", 300, 300, 0]), "{report}");
        if engine == "native" {
            let source = &native_import(&stack, &folder).await?[0];
            assert!(source.contains("/data/"), "nothing was staged: {source}");
        }
        assert_eq!(stack.items(&folder).await?, stack.items("e2e-exported").await?);
    }
    // A data file that is not the one its manifest lists is not taken for it.
    let objects = stack.objects(&stack.exports, prefix).await?;
    let data: BTreeSet<&String> = objects.keys().filter(|key| key.contains("/data/")).collect();
    let first = *data.iter().next().expect("a data file");
    let mut bytes = stack.read(&stack.exports, first).await?;
    bytes[4] ^= 1;
    aws::object::put(stack.clients.s3(), &stack.exports, first, "application/json", bytes).await?;
    let report =
        stack.import_folder("e2e-exported-damaged", &json!({"S3BucketSource": source})).await?;
    let error = report["error"].as_str().unwrap_or_default();
    assert!(error.contains("its export's manifest says"), "{report}");
    Ok(())
}
