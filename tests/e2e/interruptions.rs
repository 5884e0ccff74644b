//! Functions that are killed in the middle of their work.

use std::collections::BTreeSet;

use anyhow::Result;
use end_to_end::{Stack, until};
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
    assert_eq!(counts, [ROWS, ROWS, 0].map(serde_json::Value::from), "{report}");
    assert_eq!(report["status"], "finished");
    assert_eq!(stack.items("e2e-killed").await?.len(), ROWS);
    let changes = stack.until_lake_equals_table("e2e-killed").await?;
    assert_eq!(changes.items().len(), ROWS);
    stack.redeliver_after_seconds(&visible_after).await?;
    stack.until_queue_is_empty().await
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
