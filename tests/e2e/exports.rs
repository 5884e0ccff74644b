//! Exports: full ones that come to nothing, and the chain of incremental ones.
//!
//! Tags of a table (`local/corrections/trials.py`) have its recovery be older than it is, so that windows are due, and its
//! exports fail, stay in progress or be throttled.

use anyhow::{Context, Result};
use aws::{
    export::{self, Content, Described, Status},
    sdk::dynamodb::types::{PointInTimeRecoverySpecification, StreamViewType},
};
use end_to_end::{Stack, until};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A table that is enrolled by its first run.
struct Exporting {
    stack: Stack,
    name: &'static str,
    arn: String,
}

impl Exporting {
    /// A table of one item, with tags, whose recovery is five hours old once it is on. It has no change feed, so that
    /// its exports may be as of before the test.
    async fn table(name: &'static str, tags: &[(&str, &str)]) -> Result<Self> {
        let stack = Stack::of_environment();
        stack
            .existing_table(name, Some(StreamViewType::KeysOnly), &[r#"{"pk":{"S":"a"}}"#])
            .await?;
        let described = aws::table::describe(stack.clients.dynamodb(), name).await?;
        let arn = described.and_then(|table| table.table_arn).context("the table")?;
        let table = Self { stack, name, arn };
        table.tag("local:recovery-hours", "5").await?;
        for (key, value) in tags {
            table.tag(key, value).await?;
        }
        Ok(table)
    }

    async fn tag(&self, key: &str, value: &str) -> Result<()> {
        self.stack.tag(self.name, key, value).await
    }

    /// What a run reports that was due so many minutes ago.
    async fn run(&self, minutes: i64) -> Result<Value> {
        let due = aws::clock::now() - SignedDuration::from_mins(minutes);
        let event = json!({"reconcileTime": due.to_string(), "tables": [self.name]});
        let report = self.stack.invoke(&self.stack.backup_function, &event).await?;
        Ok(report["tables"][0].clone())
    }

    /// All exports of the table, the oldest first.
    async fn exports(&self) -> Result<Vec<Described>> {
        let dynamodb = self.stack.clients.dynamodb();
        let page = export::list(dynamodb, &self.arn, None).await?;
        let mut exports = Vec::new();
        for arn in page.arns.iter().rev() {
            exports.push(export::describe(dynamodb, arn).await?.context("an export")?);
        }
        Ok(exports)
    }

    /// The exports, so many, once none is in progress but for so many that stay.
    async fn ended(&self, count: usize, stay: usize) -> Result<Vec<Described>> {
        until(&format!("{count} exports of {} to end", self.name), async || {
            let exports = self.exports().await?;
            let going = exports.iter().filter(|it| it.status == Status::InProgress).count();
            Ok((exports.len() == count && going <= stay).then_some(exports))
        })
        .await
    }
}

/// Windows and the times of full exports, in the order of their start.
fn contents(exports: &[Described]) -> Vec<Content> {
    exports.iter().filter_map(|export| export.content).collect()
}

fn time(text: &Value) -> Result<Timestamp> {
    Ok(text.as_str().context("a time")?.parse()?)
}

/// The window of one export.
fn window(export: &Described) -> Result<(Timestamp, Timestamp)> {
    match export.content {
        Some(Content::Incremental { from, to }) => Ok((from, to)),
        other => anyhow::bail!("no window: {other:?}"),
    }
}

const INCREMENTAL: (&str, &str) = ("headwater:export", "incremental");

#[tokio::test]
async fn a_chain_goes_on_from_the_full_export_and_once() -> Result<()> {
    let table = Exporting::table("e2e-chain", &[INCREMENTAL]).await?;
    let report = table.run(120).await?;
    assert!(report["exportArn"].is_string(), "{report}");
    let started = report["chain"]["started"].as_array().context("windows")?;
    assert_eq!(started.len(), 1, "{report}");

    // The full export is as of ten minutes before it was due, and the window from two minutes before that up to now, in
    // quarters of an hour.
    let exports = table.ended(2, 0).await?;
    let (from, to) = window(&exports[1])?;
    assert_eq!(
        exports[0].content,
        Some(Content::Full { time: Some(from + SignedDuration::from_mins(2)) })
    );
    assert_eq!(to.duration_since(from), SignedDuration::from_mins(120));
    assert_eq!((time(&started[0]["from"])?, time(&started[0]["to"])?), (from, to));
    assert_eq!(started[0]["exportArn"], exports[1].arn.as_str());
    assert!(exports.iter().all(|export| export.status == Status::Completed), "{exports:?}");
    let of_window = format!("{}/AWSDynamoDB/", exports[1].prefix);
    let files = table.stack.objects(&table.stack.exports, &of_window).await?;
    assert!(files.keys().any(|key| key.ends_with("/manifest-summary.json")), "{files:?}");
    let name = format!("{}/increment/", table.name);
    assert!(exports[1].prefix.starts_with(&name), "{}", exports[1].prefix);

    // Again: all is there.
    let report = table.run(0).await?;
    assert_eq!(time(&report["chain"]["proven"])?, to, "{report}");
    assert_eq!(report["chain"]["started"], json!([]));
    assert_eq!(report["exportArn"], Value::Null);
    assert_eq!(table.exports().await?, exports);

    // What is remembered is lost: it is read back.
    let key = format!("state/backup/{}/chain.json", table.name);
    table.stack.clients.s3().delete_object().bucket(&table.stack.lake).key(&key).send().await?;
    let report = table.run(0).await?;
    assert_eq!(time(&report["chain"]["proven"])?, to, "{report}");
    assert_eq!(table.exports().await?, exports);

    // A full export on its schedule, twice: once, and the chain goes on beside it.
    let due = aws::clock::now() - SignedDuration::from_mins(60);
    let event = json!({"scheduledTime": due.to_string(), "tables": [table.name]});
    for _ in 0..2 {
        let report = table.stack.invoke(&table.stack.backup_function, &event).await?;
        let report = &report["tables"][0];
        let all = table.ended(3, 0).await?;
        assert_eq!(report["exportArn"], all[2].arn.as_str(), "{report}");
        let as_of = Timestamp::from_second(due.as_second() - 600)?;
        assert_eq!(all[2].content, Some(Content::Full { time: Some(as_of) }));
        assert_eq!(time(&report["chain"]["proven"])?, to, "{report}");
        assert_eq!(report["chain"]["started"], json!([]));
    }
    Ok(())
}

#[tokio::test]
async fn a_window_that_fails_or_stays_is_started_again_under_another_token() -> Result<()> {
    let table =
        Exporting::table("e2e-chain-fails", &[INCREMENTAL, ("local:incremental-exports", "fail")])
            .await?;
    table.run(120).await?;
    let exports = table.ended(2, 0).await?;
    assert_eq!(exports[1].status, Status::Failed);

    table.tag("local:incremental-exports", "stay").await?;
    let report = table.run(0).await?;
    let failed = report["chain"]["failed"][0].as_str().unwrap_or_default();
    assert!(failed.contains("Unknown: a tag of the table says so"), "{report}");
    assert_eq!(report["chain"]["started"][0]["attempt"], 2, "{report}");
    table.ended(3, 1).await?;

    // It is in progress for more than a day, as the emulator tells it.
    table.tag("local:incremental-exports", "work").await?;
    let report = table.run(0).await?;
    assert_eq!(report["chain"]["stuck"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(report["chain"]["started"][0]["attempt"], 3, "{report}");
    let exports = table.ended(4, 1).await?;
    assert_eq!(exports[3].status, Status::Completed);
    let windows = contents(&exports[1..]);
    assert!(windows.iter().all(|content| *content == windows[0]), "{windows:?}");
    let mut tokens: Vec<_> = exports.iter().map(|export| export.client_token.clone()).collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 4);

    let report = table.run(0).await?;
    assert_eq!(time(&report["chain"]["proven"])?, window(&exports[3])?.1, "{report}");
    assert_eq!(report["chain"]["started"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_full_export_that_fails_or_stays_is_asked_for_again() -> Result<()> {
    let table = Exporting::table("e2e-full-fails", &[("local:full-exports", "fail")]).await?;
    let first = table.run(30).await?;
    table.ended(1, 0).await?;

    table.tag("local:full-exports", "stay").await?;
    let second = table.run(0).await?;
    let again = second["exportAgain"].as_str().unwrap_or_default();
    assert!(again.contains("attempt 1 failed: Unknown: a tag of the table says so"), "{second}");
    assert_ne!(first["exportArn"], second["exportArn"]);

    table.tag("local:full-exports", "work").await?;
    let third = table.run(0).await?;
    let again = third["exportAgain"].as_str().unwrap_or_default();
    assert!(again.contains("attempt 2: in progress for more than a day"), "{third}");
    let exports = table.ended(3, 1).await?;
    assert_eq!(exports[2].status, Status::Completed);
    assert_eq!(third["exportArn"], exports[2].arn.as_str());
    // All of them are the same: as of the same time.
    let fulls = contents(&exports);
    assert!(fulls.iter().all(|content| *content == fulls[0]), "{fulls:?}");

    let report = table.run(0).await?;
    assert_eq!((&report["exportAgain"], &report["exportArn"]), (&Value::Null, &Value::Null));
    assert_eq!(table.exports().await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_gap_that_recovery_left_begins_the_chain_anew_and_is_told() -> Result<()> {
    let table = Exporting::table("e2e-chain-gap", &[INCREMENTAL]).await?;
    table.run(120).await?;
    let before = table.ended(2, 0).await?;

    let dynamodb = table.stack.clients.dynamodb();
    let off = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(false);
    dynamodb
        .update_continuous_backups()
        .table_name(table.name)
        .point_in_time_recovery_specification(off.build()?)
        .send()
        .await?;
    table.tag("local:recovery-hours", "0").await?;
    let report = table.run(0).await?;
    let chain = &report["chain"];
    let why = chain["beginsAnew"].as_str().unwrap_or_default();
    let ends = format!("increments end at {}, and recovery reaches back to", window(&before[1])?.1);
    assert!(why.starts_with(&ends), "{report}");
    let exports = table.ended(3, 0).await?;
    assert_eq!(chain["fullExportArn"], exports[2].arn.as_str());
    assert!(exports[2].prefix.ends_with("-anew"), "{}", exports[2].prefix);

    let report = table.run(0).await?;
    assert_eq!(report["chain"]["beginsAnew"], Value::Null, "{report}");
    assert!(time(&report["chain"]["proven"])? > window(&before[1])?.1, "{report}");
    assert_eq!(table.exports().await?, exports);
    Ok(())
}

#[tokio::test]
async fn two_runs_at_once_start_one_export_of_what_both_plan() -> Result<()> {
    let table = Exporting::table("e2e-chain-twice", &[INCREMENTAL]).await?;
    // Enrolled first, since that is no part of it; one of the clocks is a minute off.
    table.tag("headwater:export", "off").await?;
    table.run(120).await?;
    table.tag("headwater:export", "incremental").await?;
    let (first, second) = tokio::join!(table.run(120), table.run(121));
    let (first, second) = (first?, second?);
    let exports = table.ended(2, 0).await?;
    window(&exports[1])?;
    // Both may have asked for it, under one token: it is one export, and a run that tells of it tells of that one.
    let started = [&first, &second].map(|report| report["chain"]["started"].as_array());
    let started = started.into_iter().flatten().flatten();
    let arns: Vec<_> = started.map(|window| window["exportArn"].as_str()).collect();
    assert!(!arns.is_empty(), "{first} {second}");
    assert!(arns.iter().all(|arn| *arn == Some(exports[1].arn.as_str())), "{first} {second}");
    Ok(())
}

#[tokio::test]
async fn a_control_plane_that_is_throttled_delays_and_does_not_double() -> Result<()> {
    let table = Exporting::table(
        "e2e-chain-throttled",
        &[INCREMENTAL, ("local:describe-exports", "throttle")],
    )
    .await?;
    let refused = table.run(120).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("e2e-chain-throttled: DescribeExport on arn"), "{refused}");
    assert!(refused.contains("failed with ThrottlingException"), "{refused}");

    table.tag("local:describe-exports", "work").await?;
    let report = table.run(0).await?;
    assert_eq!(report["chain"]["started"].as_array().map(Vec::len), Some(1), "{report}");
    let exports = table.ended(2, 0).await?;
    window(&exports[1])?;
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_only_observed_gets_its_plan_told() -> Result<()> {
    let table = Exporting::table("e2e-chain-observed", &[("headwater:export", "off")]).await?;
    table.run(0).await?;
    table.tag("headwater", "observe").await?;
    table.tag("headwater:export", "incremental").await?;
    let report = table.run(0).await?;
    assert_eq!(
        report["chain"],
        json!({"waiting": [], "started": [], "beginsAnew": "there is no full export to begin at"})
    );
    assert_eq!(table.exports().await?, []);
    let key = format!("state/backup/{}/", table.name);
    assert!(table.stack.objects(&table.stack.lake, &key).await?.is_empty());
    Ok(())
}
