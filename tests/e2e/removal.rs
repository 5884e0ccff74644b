//! A stack that is deleted: data stays, mappings go, and it can be made anew.

use anyhow::{Context, Result};
use aws::{Clients, mapping};
use end_to_end::{CloudFormation, Stack, event, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};

/// What the template's resource `StreamMappings` is asked by CloudFormation, and what it answers. `function` is the one
/// whose mappings are to be deleted.
async fn asked(stack: &Stack, request: &str, function: &str) -> Result<Value> {
    let cloudformation = CloudFormation::listen()?;
    let mut event = event("backup-stack-deleted", "planes")?;
    event["RequestType"] = json!(request);
    event["ResponseURL"] = json!(cloudformation.url("answer?signature=a%2Fb"));
    event["ResourceProperties"]["FunctionArn"] = json!(function);
    stack.invoke(&stack.backup_function, &event).await?;
    let answer = cloudformation.answer().await?;
    anyhow::ensure!(answer.target == "/answer?signature=a%2fb", "{answer:?}");
    Ok(answer.body)
}

async fn arn(clients: &Clients, function: &str) -> Result<String> {
    let got = clients.lambda().get_function_configuration().function_name(function).send().await?;
    got.function_arn.context("a function has an ARN")
}

/// The functions that a table's stream feeds.
async fn fed(clients: &Clients, table: &str) -> Result<Vec<String>> {
    let described = aws::table::describe(clients.dynamodb(), table).await?.context("the table")?;
    let stream = described.latest_stream_arn.context("a stream")?;
    let mappings = mapping::of_stream(clients.lambda(), &stream).await?;
    Ok(mappings.into_iter().filter_map(|mapping| mapping.function_arn).collect())
}

/// Runs the schedule for one table.
async fn run(stack: &Stack, table: &str, due: &str) -> Result<()> {
    let event = json!({"scheduledTime": due, "tables": [table]});
    stack.invoke(&stack.backup_function, &event).await.map(|_| ())
}

#[tokio::test]
async fn a_deleted_stack_leaves_its_data_and_no_mapping_and_comes_back() -> Result<()> {
    const TABLE: &str = "e2e-outlives";
    let before = Stack::of_environment();
    before.existing_table(TABLE, None, &[r#"{"pk":{"S":"a"}}"#]).await?;
    run(&before, TABLE, "2026-11-20T03:00:00Z").await?;
    before.put(TABLE, &parse_item(br#"{"pk":{"S":"b"},"n":{"N":"1"}}"#)?).await?;
    before.until_changes(TABLE, 1).await?;
    let stream_function = arn(&before.clients, &before.stream_function).await?;
    assert_eq!(fed(&before.clients, TABLE).await?, std::slice::from_ref(&stream_function));

    // What CloudFormation would get if the function may not do it: an answer, and nothing is deleted.
    let import_function = arn(&before.clients, &before.import_function).await?;
    let answer = asked(&before, "Delete", &import_function).await?;
    assert_eq!(answer["Status"], "FAILED");
    let reason = answer["Reason"].as_str().unwrap_or_default();
    assert!(reason.contains("AccessDenied") && reason.contains(&import_function), "{reason}");
    let queue = mapping::of_function(before.clients.lambda(), &import_function).await?;
    assert_eq!(queue.len(), 1, "the import's queue feeds it still");
    // And where there is nothing to do.
    for request in ["Create", "Update"] {
        let answer = asked(&before, request, &stream_function).await?;
        assert_eq!(answer["Status"], "SUCCESS", "{answer}");
        assert_eq!(answer["PhysicalResourceId"], json!(stream_function));
    }
    assert_eq!(fed(&before.clients, TABLE).await?, [stream_function]);

    Stack::delete().await?;
    assert_eq!(fed(&before.clients, TABLE).await?, [""; 0]);
    assert!(arn(&before.clients, &before.backup_function).await.is_err(), "the functions are gone");
    assert_eq!(before.changes(TABLE).await?.rows.len(), 1);
    for bucket in [&before.landing, &before.lake, &before.exports] {
        before.clients.s3().head_bucket().bucket(bucket).send().await?;
    }

    let after = Stack::deploy(&["BatchWindowSeconds=1"]).await?;
    assert_ne!(after.lake, before.lake, "the bucket that is there is left alone");
    for key in before.objects(&before.lake, "changes/").await?.keys() {
        let source = format!("{}/{key}", before.lake);
        after
            .clients
            .s3()
            .copy_object()
            .bucket(&after.lake)
            .key(key)
            .copy_source(source)
            .send()
            .await?;
    }
    let event = json!({"rebuildCatalog": [TABLE]});
    after.invoke(&after.backup_function, &event).await?;
    let columns = after.registry(TABLE).await?;
    assert_eq!(
        columns,
        before.registry_of_files(TABLE).await?,
        "the old lake goes on in the new one"
    );
    run(&after, TABLE, "2026-11-21T03:00:00Z").await?;
    let stream_function = arn(&after.clients, &after.stream_function).await?;
    assert_eq!(fed(&after.clients, TABLE).await?, [stream_function]);
    // A stream tells of a day, so that the lake gets what came while there was no stack, and has it once.
    after.put(TABLE, &parse_item(br#"{"pk":{"S":"c"}}"#)?).await?;
    until("both changes", async || {
        Ok((after.changes(TABLE).await?.items().len() == 2).then_some(()))
    })
    .await
}
