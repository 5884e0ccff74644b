//! Changes become Parquet.

use std::collections::BTreeMap;

use anyhow::Result;
use end_to_end::{Stack, event, until};
use item::format::dynamodb_json::parse_item;
use lake::RowOp;
use serde_json::json;

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
    let delete = stack.clients.dynamodb.delete_item().table_name("e2e-types");
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
    let catalogued = aws::catalog::find(&stack.clients.glue, &stack.database, "e2e-types").await?;
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
    for name in [
        "stream-insert-modify-remove",
        "stream-two-days",
        "stream-ttl-delete",
        "stream-new-image-only",
    ] {
        let event = event(name)?;
        let answer = stack.invoke(&stack.stream_function, &event).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{name}");
        let before = stack.objects_of_event(&event).await?;
        assert!(!before.is_empty(), "{name}");
        stack.invoke(&stack.stream_function, &event).await?;
        assert_eq!(stack.objects_of_event(&event).await?, before, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_can_never_be_a_row_is_quarantined_and_its_neighbours_are_not() -> Result<()>
{
    let stack = Stack::of_environment();
    let event = event("stream-poison-record")?;
    for _ in 0..2 {
        let answer = stack.invoke(&stack.stream_function, &event).await?;
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    let sequence =
        |n: usize| event["Records"][n]["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
    let kept = stack.objects(&stack.lake, "quarantine/stream/").await?;
    let of_poison: Vec<&String> = kept.keys().filter(|key| key.contains(sequence(1))).collect();
    assert_eq!(of_poison.len(), 1, "{kept:?}");
    let kept: serde_json::Value =
        serde_json::from_slice(&stack.read(&stack.lake, of_poison[0]).await?)?;
    assert_eq!(kept["record"], event["Records"][1], "the record as it came");
    assert!(
        kept["reason"].as_str().is_some_and(|reason| reason.contains("not a DynamoDB number")),
        "{kept}"
    );

    let written = stack.rows_of_event(&event).await?;
    for neighbour in [0, 2] {
        assert!(written.iter().any(|row| row.seq.ends_with(sequence(neighbour))), "{neighbour}");
    }
    assert!(!written.iter().any(|row| row.seq.ends_with(sequence(1))));
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_none_is_an_error_that_says_so() -> Result<()> {
    let stack = Stack::of_environment();
    let refused = stack.invoke(&stack.stream_function, &json!({"records": []})).await.unwrap_err();
    assert!(refused.to_string().contains("Records"), "{refused}");
    assert_eq!(
        stack.invoke(&stack.stream_function, &event("stream-empty")?).await?,
        json!({"batchItemFailures": []})
    );
    Ok(())
}

#[tokio::test]
async fn a_killed_stream_loses_nothing_and_doubles_nothing() -> Result<()> {
    const ITEMS: usize = 3_000;
    let stack = Stack::of_environment();
    table(&stack, "e2e-stream-killed").await?;
    stack.until_lake_equals_table("e2e-stream-killed").await?;
    let rows: String = (0..ITEMS).map(|n| format!("{{\"pk\":\"{n}\",\"n\":{n}}}\n")).collect();

    // Another table's import writes while the function that carries its changes is killed again and again.
    let dropped = stack.drop("e2e-stream-killed-load.jsonl", rows, &[]).await?;
    let mut killed = 0;
    until("the function to have been killed in its work", async || {
        for process in stack.processes(&stack.stream_function)? {
            killed += usize::from(process.kill().await?);
        }
        Ok((killed >= 5).then_some(()))
    })
    .await?;

    let report = stack.report(&dropped).await?;
    assert_eq!(report["rowsWritten"], ITEMS, "{report}");
    let changes = stack.until_lake_equals_table("e2e-stream-killed-load").await?;
    assert_eq!(changes.items().len(), ITEMS);
    let sequences: std::collections::BTreeSet<&str> =
        changes.rows.iter().map(|row| row.seq.as_str()).collect();
    assert_eq!(
        sequences.len(),
        ITEMS,
        "each change has one sequence number, however often it was written"
    );
    Ok(())
}
