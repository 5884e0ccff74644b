//! The stack deployed again over itself: what was there stays, and new settings reach what was made before.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use aws::{environment::Environment, sdk::lambda::types::EventSourceMappingConfiguration};
use end_to_end::{Stack, until};
use item::format::dynamodb_json::parse_item;
use serde_json::json;
use tokio::process::Command;

const TABLE: &str = "e2e-upgrade";

/// Deploys the template of the working tree to the running stack, with other parameters.
async fn deploy(parameters: &[&str]) -> Result<()> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // `local/aws` tells its commands which of its stacks is theirs.
    let environment = Environment::of_process();
    let name = environment.required("LOCAL_AWS_STACK")?;
    let mut update = Command::new(repository.join("local/aws"));
    update.args(["deploy", "--name", name]);
    for parameter in parameters {
        update.args(["--parameter", parameter]);
    }
    let updated = update.output().await?;
    ensure!(updated.status.success(), "{}", String::from_utf8_lossy(&updated.stderr));
    Ok(())
}

async fn mapping(stack: &Stack) -> Result<EventSourceMappingConfiguration> {
    let table =
        aws::table::describe(stack.clients.dynamodb(), TABLE).await?.context("the table")?;
    let stream = table.latest_stream_arn().context("its stream")?;
    let mappings = aws::mapping::of_stream(stack.clients.lambda(), stream).await?;
    ensure!(mappings.len() == 1, "{mappings:?}");
    mappings.into_iter().next().context("its mapping")
}

async fn put(stack: &Stack, item: &str) -> Result<()> {
    stack.put(TABLE, &parse_item(item.as_bytes())?).await
}

async fn until_in_lake(stack: &Stack, item: &str) -> Result<()> {
    until(&format!("{item} to reach the lake"), async || {
        Ok(stack.changes(TABLE).await?.items().iter().any(|it| it == item).then_some(()))
    })
    .await
}

#[tokio::test]
async fn an_update_keeps_data_and_mappings_and_new_settings_reach_them() -> Result<()> {
    let [first, second, third] =
        [r#"{"id":{"S":"a"}}"#, r#"{"id":{"S":"b"}}"#, r#"{"id":{"S":"c"}}"#];
    let stack = Stack::of_environment();
    let report = stack.import(&format!("{TABLE}.jsonl"), "{\"id\":\"a\"}\n", &[]).await?;
    ensure!(report["status"] == "finished", "{report}");
    until_in_lake(&stack, first).await?;
    let (before, files) = (mapping(&stack).await?, stack.objects(&stack.lake, "changes/").await?);

    deploy(&["BatchWindowSeconds=2", "Compaction=off", "LogRetentionDays=7"]).await?;

    // The same buckets with the same objects, the same mapping, and a feed that goes on.
    let after = mapping(&stack).await?;
    assert_eq!((after.uuid(), after.state()), (before.uuid(), Some("Enabled")));
    let kept = stack.objects(&stack.lake, "changes/").await?;
    assert!(files.keys().all(|key| kept.contains_key(key)), "objects are gone");
    put(&stack, second).await?;
    until_in_lake(&stack, second).await?;

    // A run of `backup` brings the mapping to the new settings, which no deployment does.
    let event = json!({"reconcileTime": "2026-11-24T05:00:00Z", "tables": [TABLE]});
    let run = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(run["compactionBegun"], json!(false));
    let repaired = json!({"outcome": "done", "detail": "stream mapping repaired"});
    let steps = run["tables"][0]["enrolment"].as_array().context("steps")?.clone();
    assert!(steps.contains(&repaired), "{steps:?}");
    assert_eq!(mapping(&stack).await?.maximum_batching_window_in_seconds(), Some(2));
    assert_eq!(mapping(&stack).await?.uuid(), before.uuid());
    put(&stack, third).await?;
    until_in_lake(&stack, third).await
}
