//! What was given up or put in quarantine is written from where it is kept.

use anyhow::{Context, Result};
use aws::sdk::s3::primitives::ByteStream;
use end_to_end::{Stack, event, inserts};
use serde_json::{Value, json};

async fn keep(stack: &Stack, key: &str, object: &Value) -> Result<()> {
    let body = ByteStream::from(object.to_string().into_bytes());
    stack.clients.s3().put_object().bucket(&stack.lake).key(key).body(body).send().await?;
    Ok(())
}

async fn redrive(stack: &Stack, key: &str) -> Result<Value> {
    stack.invoke(&stack.stream_function, &json!({ "redrive": key })).await
}

#[tokio::test]
async fn a_redriven_batch_counts_once_in_the_views() -> Result<()> {
    let (stack, table) = (Stack::of_environment(), "e2e-redriven");
    let report = stack.import(&format!("{table}.jsonl"), r#"{"pk":"seed"}"#, &[]).await?;
    assert_eq!(report["status"], "finished", "{report}");
    stack.until_changes(table, 1).await?;
    let items: Vec<String> = (0..5).map(|n| format!(r#"{{"pk":{{"S":"{n}"}}}}"#)).collect();
    let described = aws::table::describe(stack.clients.dynamodb(), table).await?;
    let described = described.context("the table")?;
    let label = described.latest_stream_label().context("its stream")?;
    let batch = inserts(table, label, 100, &items)?;

    // A part of it was written before it was given up.
    let mut part = batch.clone();
    part["Records"].as_array_mut().context("records")?.truncate(2);
    stack.invoke(&stack.stream_function, &part).await?;
    let key = "aws/lambda/mapping/shard/2026/11/22/e2e-redriven";
    keep(&stack, key, &json!({"requestContext": {}, "payload": batch.to_string()})).await?;
    for _ in 0..2 {
        let answer = redrive(&stack, key).await?;
        let expected =
            json!({"redriven": key, "records": 5, "rows": 5, "files": 1, "quarantined": 0});
        assert_eq!(answer, expected);
    }

    assert_eq!(stack.changes(table).await?.rows.len(), 1 + 2 + 5, "two rows stand twice");
    stack.invoke(&stack.backup_function, &json!({"views": [table]})).await?;
    let count = async |view: &str| -> Result<Option<String>> {
        let rows = stack.query(&format!(r#"SELECT count(*) FROM "{view}""#)).await?;
        rows.into_iter().flatten().next().context("a count")
    };
    assert_eq!(count("e2e_redriven__history").await?.as_deref(), Some("6"));
    assert_eq!(count("e2e_redriven").await?.as_deref(), Some("6"));
    Ok(())
}

#[tokio::test]
async fn a_record_in_quarantine_is_written_once_it_is_mended() -> Result<()> {
    let (stack, table) = (Stack::of_environment(), "e2e-redriven-record");
    stack.invoke(&stack.stream_function, &event("stream-poison-record", table)?).await?;
    let kept = stack.objects(&stack.lake, &format!("quarantine/stream/{table}/")).await?;
    let key = kept.into_keys().next().context("a record in quarantine")?;

    let answer = redrive(&stack, &key).await?;
    assert_eq!((&answer["rows"], &answer["quarantined"]), (&json!(0), &json!(1)), "{answer}");
    let mut object: Value = serde_json::from_slice(&stack.read(&stack.lake, &key).await?)?;
    object["record"]["dynamodb"]["NewImage"]["year"] = json!({"N": "2004"});
    keep(&stack, &key, &object).await?;
    let answer = redrive(&stack, &key).await?;
    assert_eq!((&answer["rows"], &answer["quarantined"]), (&json!(1), &json!(0)), "{answer}");
    assert_eq!(stack.changes(table).await?.rows.len(), 3);
    Ok(())
}

#[tokio::test]
async fn nothing_else_is_redriven() -> Result<()> {
    let stack = Stack::of_environment();
    for (key, expected) in [
        (
            "state/backup/x.json",
            "is nothing to redrive; give a key below aws/lambda/ or quarantine/stream/",
        ),
        ("aws/lambda/e2e-none", "is not there"),
    ] {
        let refused = redrive(&stack, key).await.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    Ok(())
}
