//! Functions that are killed in the middle of their work, and tables that are deleted in the middle of it.

use std::collections::BTreeSet;

use anyhow::Result;
use end_to_end::{Stack, until};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Each test kills every process of a function, whichever import or batch that works for.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn a_killed_import_loses_nothing_and_doubles_nothing() -> Result<()> {
    const ROWS: usize = 20_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let rows: String = (0..ROWS).map(|n| format!("{n},name {n},{}\n", n % 7)).collect();
    let visible_after = stack.redeliver_after_seconds("15").await?;
    let dropped = stack.drop("e2e-killed.csv", format!("id,name,group\n{rows}"), &[]).await?;

    let there = until("the import to be killed in the middle of its load", async || {
        let there = stack.items("e2e-killed").await.map_or(0, |items| items.len());
        if there == 0 {
            return Ok(None);
        }
        for process in stack.processes(&stack.import_function)? {
            process.kill().await?;
        }
        Ok(Some(stack.items("e2e-killed").await?.len()))
    })
    .await?;
    assert!(there < ROWS, "the load was over before it could be killed");

    let report = stack.report(&dropped).await?;
    let counts = ["rowsRead", "rowsWritten", "rowsRejected"].map(|name| report[name].clone());
    assert_eq!(counts, [ROWS, ROWS, 0].map(Value::from), "{report}");
    assert_eq!(report["status"], "finished");
    assert_eq!(stack.items("e2e-killed").await?.len(), ROWS);
    let changes = stack.until_lake_equals_table("e2e-killed").await?;
    assert_eq!(changes.items().len(), ROWS);
    stack.redeliver_after_seconds(&visible_after).await?;
    stack.until_queue_is_empty().await
}

#[tokio::test]
async fn the_same_event_many_times_at_once_is_one_import() -> Result<()> {
    const ROWS: usize = 3_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let visible_after = stack.redeliver_after_seconds("15").await?;
    let rows: String = (0..ROWS).map(|n| format!("{n},{}\n", n % 7)).collect();
    let dropped = stack.drop("e2e-at-once.csv", format!("id,n\n{rows}"), &[]).await?;
    let event = stack.delivery(&dropped, rows.len() + 5);
    let again = || stack.invoke(&stack.import_function, &event);
    let answers = tokio::try_join!(again(), again(), again(), again())?;
    // One works, if the queue's own delivery does not; the others wait, or find it done.
    let nothing = json!({"batchItemFailures": []});
    let later = json!({"batchItemFailures": [{"itemIdentifier": "again"}]});
    let all = <[Value; 4]>::from(answers);
    assert!(all.iter().all(|answer| *answer == nothing || *answer == later), "{all:?}");
    let report = stack.report(&dropped).await?;
    assert_eq!((&report["status"], &report["rowsWritten"]), (&json!("finished"), &json!(ROWS)));
    let changes = stack.until_lake_equals_table("e2e-at-once").await?;
    assert_eq!(changes.rows.len(), ROWS, "no item was written twice");
    stack.redeliver_after_seconds(&visible_after).await?;
    stack.until_queue_is_empty().await
}

#[tokio::test]
async fn the_version_of_the_event_is_read_or_nothing() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    // So that the objects change between their events and their reading.
    stack.hold_messages_back_seconds("8").await?;
    let first = stack.drop("e2e-overwritten.csv", "id\n1\n", &[]).await?;
    let second = stack.drop("e2e-overwritten.csv", "id\n2\n", &[]).await?;
    let gone = stack.drop("e2e-gone.csv", "id\n1\n", &[]).await?;
    let delete = stack.clients.s3().delete_object().bucket(&stack.landing).key(&gone.key);
    delete.version_id(&gone.version).send().await?;

    let statuses = [stack.report(&first).await?, stack.report(&second).await?]
        .map(|report| report["status"].clone());
    stack.hold_messages_back_seconds("0").await?;
    // Whichever came first made the table, and of its own version.
    let items = stack.items("e2e-overwritten").await?;
    let (expected, one) = match &statuses {
        [first, _] if first == "finished" => ([first, &statuses[1]], "1"),
        [first, second] => ([second, first], "2"),
    };
    assert_eq!(expected, ["finished", "failed"]);
    assert_eq!(items, [format!(r#"{{"id":{{"N":"{one}"}}}}"#)]);

    let report = stack.report(&gone).await?;
    let error = format!(
        "s3://{}/{} (version {}) was deleted before it could be read; drop it anew to import it",
        stack.landing, gone.key, gone.version
    );
    assert_eq!(report["error"], error);
    assert!(aws::table::describe(stack.clients.dynamodb(), "e2e-gone").await?.is_none());
    stack.until_queue_is_empty().await
}

#[tokio::test]
async fn a_load_that_outlasts_the_function_goes_on_from_its_checkpoints() -> Result<()> {
    const ROWS: usize = 12_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let before = stack.set_timeout(&stack.import_function, 10).await?;
    let rows: String = (0..ROWS).map(|n| format!("p{:02},{n},{}\n", n / 1000, n % 7)).collect();
    let gzipped = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, format!("pk,sk,n\n{rows}").as_bytes())?;
        encoder.finish()?
    };
    for (folder, name, bytes) in [
        ("e2e-outlast", "rows.csv", format!("pk,sk,n\n{rows}").into_bytes()),
        ("e2e-outlast-gz", "rows.csv.gz", gzipped),
    ] {
        stack.drop(&format!("{folder}/{name}"), bytes, &[]).await?;
        let key = [("pk", "HASH"), ("sk", "RANGE")];
        let key = key.map(|(name, role)| json!({"AttributeName": name, "KeyType": role}));
        let manifest = json!({
            "TableCreationParameters": {"KeySchema": key}, "Headwater": {"MaxWriteRate": 800},
        });
        let report = stack.import_folder(folder, &manifest).await?;
        let counts = ["rowsRead", "rowsWritten", "rowsRejected"].map(|name| report[name].clone());
        assert_eq!(counts, [ROWS, ROWS, 0].map(Value::from), "{report}");
        assert!(report["turns"].as_u64() > Some(1), "{report}");
        assert_eq!(stack.items(folder).await?.len(), ROWS);
    }
    stack.set_timeout(&stack.import_function, before).await?;
    stack.until_queue_is_empty().await
}

#[tokio::test]
async fn a_table_that_is_being_deleted_is_waited_for() -> Result<()> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, name) = ("e2e-deleting", "e2e-deleting.csv");
    let dynamodb = stack.clients.dynamodb();
    let report = stack.import(name, "id\nformer\n", &[]).await?;
    assert_eq!(report["status"], "finished", "{report}");
    dynamodb.delete_table().table_name(table).send().await?;
    let dropped = stack.drop(name, "id\nlatter\n", &[]).await?;
    stack.status(table, &dropped, |_| true).await?;
    let there = aws::table::describe(dynamodb, table).await?;
    assert!(there.as_ref().is_some_and(aws::table::is_being_deleted), "{there:?}");
    let report = stack.report(&dropped).await?;
    assert_eq!(report["status"], "finished", "{report}");
    assert_eq!(stack.items(table).await?, [r#"{"id":{"S":"latter"}}"#]);
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_deleted_between_two_turns_is_not_filled_halfway() -> Result<()> {
    const ROWS: usize = 12_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-deleted-midway", stack.clients.dynamodb());
    let before = stack.set_timeout(&stack.import_function, 10).await?;
    let rows: String = (0..ROWS).map(|n| format!("{n},{}\n", n % 7)).collect();
    stack.drop(&format!("{table}/rows.csv"), format!("id,n\n{rows}"), &[]).await?;
    let manifest = json!({"Headwater": {"MaxWriteRate": 400}}).to_string();
    let dropped = stack.drop(&format!("{table}/_import.json"), manifest, &[]).await?;
    stack.status(table, &dropped, |status| status["turn"].as_u64() >= Some(1)).await?;
    dynamodb.delete_table().table_name(table).send().await?;

    let report = stack.report(&dropped).await?;
    assert_eq!(report["status"], "failed", "{report}");
    assert_eq!(
        report["error"],
        "the table e2e-deleted-midway was deleted while the import was at work on it; drop the source again"
    );
    until("the table to be gone", async || {
        Ok(aws::table::describe(dynamodb, table).await?.is_none().then_some(()))
    })
    .await?;
    stack.set_timeout(&stack.import_function, before).await?;
    stack.until_queue_is_empty().await?;
    // Nobody made it anew.
    assert!(aws::table::describe(dynamodb, table).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_killed_stream_loses_nothing_and_doubles_nothing() -> Result<()> {
    const ITEMS: usize = 5_000;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let rows: String = (0..ITEMS).map(|n| format!("{{\"pk\":\"{n}\",\"n\":{n}}}\n")).collect();
    let dropped = stack.drop("e2e-stream-killed.jsonl", rows, &[]).await?;

    // Until the mapping itself says that a batch of this table broke off.
    let mut killed = 0;
    until("a batch to break off", async || {
        for process in stack.processes(&stack.stream_function)? {
            killed += usize::from(process.kill().await?);
        }
        let result = stack.last_processing_result("e2e-stream-killed").await?;
        Ok(result.is_some_and(|result| result.contains("PROBLEM")).then_some(()))
    })
    .await?;
    assert!(killed > 0);

    let report = stack.report(&dropped).await?;
    assert_eq!(report["rowsWritten"], ITEMS, "{report}");
    let changes = stack.until_lake_equals_table("e2e-stream-killed").await?;
    assert_eq!(changes.items().len(), ITEMS);
    let sequences: BTreeSet<&str> = changes.rows.iter().map(|row| row.seq.as_str()).collect();
    assert_eq!(
        sequences.len(),
        ITEMS,
        "one sequence number a change, however often it was written"
    );
    Ok(())
}
