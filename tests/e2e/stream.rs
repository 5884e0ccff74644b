//! Changes become Parquet.

use std::collections::BTreeMap;

use anyhow::Result;
use end_to_end::{Stack, event};
use item::format::dynamodb_json::parse_item;
use lake::RowOp;
use serde_json::{Value, json};

async fn table(stack: &Stack, name: &str) -> Result<()> {
    let report = stack.import(&format!("{name}.jsonl"), r#"{"pk":"seed"}"#, &[]).await?;
    assert_eq!(report["status"], "finished", "{report}");
    Ok(())
}

async fn put(stack: &Stack, table: &str, items: &[&str]) -> Result<()> {
    for item in items {
        stack.put(table, &parse_item(item.as_bytes())?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_type_arrives_and_every_item_is_rebuilt() -> Result<()> {
    let stack = Stack::of_environment();
    table(&stack, "e2e-types").await?;
    let items = [
        r#"{"pk":{"S":"a"},"n":{"N":"12345678901234567890123456789012345678"},"s":{"S":""},"b":{"B":"AP8="}}"#,
        r#"{"pk":{"S":"b"},"n":{"N":"0.1"},"bool":{"BOOL":false},"nul":{"NULL":true},"ss":{"SS":["x","y"]}}"#,
        r#"{"pk":{"S":"c"},"n":{"N":"-7"},"ns":{"NS":["1","2.5"]},"bs":{"BS":["AA==","/w=="]}}"#,
        r#"{"pk":{"S":"d"},"l":{"L":[{"M":{"x":{"SS":["deep"]}}},{"NULL":true}]},"m":{"M":{"":{"N":"1"}}}}"#,
        r#"{"pk":{"S":"e"},"N":{"S":"a name that differs in case"},"_op":{"S":"a meta column's name"},"sélection.*":{"N":"1"}}"#,
        r#"{"pk":{"S":"b"},"n":{"S":"a number no more"},"ss":{"SS":["z"]}}"#,
    ];
    put(&stack, "e2e-types", &items).await?;
    let delete = stack.clients.dynamodb().delete_item().table_name("e2e-types");
    let key = aws::item_to_sdk(&parse_item(br#"{"pk":{"S":"c"}}"#)?);
    delete.set_key(Some(key)).send().await?;

    let changes = stack.until_lake_equals_table("e2e-types").await?;
    let mut ops = BTreeMap::new();
    for row in &changes.rows {
        assert!(row.is_intact(), "the hash is that of the item: {row:?}");
        *ops.entry(row.op.as_str()).or_insert(0) += 1;
    }
    assert_eq!(ops, BTreeMap::from([("INSERT", 6), ("MODIFY", 1), ("REMOVE", 1)]));
    let old = |op: RowOp| {
        changes.rows.iter().filter(move |row| row.op == op).all(|row| row.old.is_some())
    };
    assert!(old(RowOp::Modify) && old(RowOp::Remove) && !old(RowOp::Insert));

    // The catalog names a column for every attribute and kind, and columns keep their types.
    let catalogued = aws::catalog::find(stack.clients.glue(), &stack.database, "e2e-types").await?;
    let registry = catalogued.expect("a catalog table").registry;
    let names: Vec<&str> = registry.columns().iter().map(|column| column.name.as_str()).collect();
    for expected in ["pk", "n", "n__bigint", "n__string", "n_2", "ss", "l", "m", "bool", "b"] {
        assert!(names.contains(&expected), "{expected} in {names:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_same_event_twice_is_the_same_objects() -> Result<()> {
    let stack = Stack::of_environment();
    let samples = [
        "stream-insert-modify-remove",
        "stream-two-days",
        "stream-ttl-delete",
        "stream-new-image-only",
        "stream-keys-only",
    ];
    for sample in samples {
        let table = format!("e2e-{sample}");
        let event = event(sample, &table)?;
        let written = async || -> Result<_> {
            let answer = stack.invoke(&stack.stream_function, &event).await?;
            assert_eq!(answer, json!({"batchItemFailures": []}), "{sample}");
            let changes = stack.objects(&stack.lake, &format!("changes/{table}/")).await?;
            let quarantine =
                stack.objects(&stack.lake, &format!("quarantine/stream/{table}/")).await?;
            Ok((changes, quarantine))
        };
        let first = written().await?;
        assert!(!first.0.is_empty(), "{sample}");
        assert_eq!(written().await?, first, "{sample}");
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_can_never_be_a_row_is_quarantined_and_its_neighbours_are_not() -> Result<()>
{
    let stack = Stack::of_environment();
    let event = event("stream-poison-record", "e2e-poison")?;
    for _ in 0..2 {
        let answer = stack.invoke(&stack.stream_function, &event).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    let kept = stack.objects(&stack.lake, "quarantine/stream/e2e-poison/").await?;
    assert_eq!(kept.len(), 1, "{kept:?}");
    let kept: Vec<&String> = kept.keys().collect();
    let kept: Value = serde_json::from_slice(&stack.read(&stack.lake, kept[0]).await?)?;
    assert_eq!(kept["record"], event["Records"][1], "the record as it came");
    let reason = kept["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("not a DynamoDB number"), "{reason}");

    let rows = stack.changes("e2e-poison").await?.rows;
    let written: Vec<&str> = rows.iter().map(|row| row.seq.trim_start_matches('0')).collect();
    assert_eq!(written, [sequence(&event, 0), sequence(&event, 2)]);
    Ok(())
}

fn sequence(event: &Value, record: usize) -> &str {
    event["Records"][record]["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_answer_names_the_first_change_that_was_not_written() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-denied";
    let event = event("stream-two-days", table)?;

    // Nobody may write the second day: two of the four changes are written, the third is not.
    let denied = format!("changes/{table}/dt=2026-11-23/*");
    let policy = stack.deny_writes(&denied).await?;
    let answer = stack.invoke(&stack.stream_function, &event).await?;
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": sequence(&event, 2)}]}));
    let first_day = stack.objects(&stack.lake, &format!("changes/{table}/")).await?;
    assert_eq!(first_day.len(), 1, "{first_day:?}");

    // The mapping comes back from there, once it is mended.
    stack.set_lake_policy(&policy).await?;
    let mut rest = event.clone();
    rest["Records"].as_array_mut().expect("records").drain(..2);
    let answer = stack.invoke(&stack.stream_function, &rest).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let rows = stack.changes(table).await?.rows;
    let written: Vec<&str> = rows.iter().map(|row| row.seq.trim_start_matches('0')).collect();
    assert_eq!(written, [0, 1, 2, 3].map(|record| sequence(&event, record)));
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_none_is_an_error_that_says_so() -> Result<()> {
    let stack = Stack::of_environment();
    let refused = stack.invoke(&stack.stream_function, &json!({"records": []})).await.unwrap_err();
    assert!(refused.to_string().contains("Records"), "{refused}");
    assert_eq!(
        stack.invoke(&stack.stream_function, &event("stream-empty", "e2e-none")?).await?,
        json!({"batchItemFailures": []})
    );
    Ok(())
}
