//! The scheduled run.

use anyhow::{Context, Result};
use aws::{
    backup::{self, Backup},
    mapping,
    sdk::dynamodb::types::{PointInTimeRecoveryStatus, StreamSpecification, StreamViewType},
};
use end_to_end::{Stack, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// What a table holds before it is enrolled.
const BEFORE: &[&str] = &[r#"{"pk":{"S":"before"}}"#];

/// A run looks at every enrolled table, so runs of two tests would see each other's.
static ONE_RUN_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn run(stack: &Stack, scheduled: &str) -> Result<Value> {
    stack.invoke(&stack.backup_function, &json!({"scheduledTime": scheduled})).await
}

fn of_table<'r>(report: &'r Value, table: &str) -> Result<&'r Value> {
    let tables = report["tables"].as_array().context("a report has tables")?;
    let found = tables.iter().find(|entry| entry["table"] == table);
    found.with_context(|| format!("{table} in {report}"))
}

fn names(backups: &[Backup]) -> Vec<&str> {
    let mut names: Vec<&str> = backups.iter().map(|backup| backup.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// The finished full exports of a table for a scheduled time.
async fn exports(stack: &Stack, table: &str, time: &str) -> Result<Vec<String>> {
    let prefix = format!("{table}/full/{time}/AWSDynamoDB/");
    let objects = stack.objects(&stack.exports, &prefix).await?;
    Ok(objects.into_keys().filter(|key| key.ends_with("manifest-summary.json")).collect())
}

#[tokio::test]
async fn an_existing_table_is_enrolled_protected_and_once() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    stack.existing_table("e2e-existing", None, BEFORE).await?;
    let report = run(&stack, "2026-11-20T03:00:00Z").await?;
    let first = of_table(&report, "e2e-existing")?;
    assert_eq!(
        first["enrolment"],
        json!([
            {"outcome": "done", "detail": "stream with new and old images on"},
            {"outcome": "done", "detail": "catalog table e2e_existing__changes made"},
            {"outcome": "done", "detail": "stream mapping made"},
            {"outcome": "done", "detail": "point-in-time recovery of 35 days on"},
        ])
    );
    let described =
        stack.clients.dynamodb().describe_continuous_backups().table_name("e2e-existing");
    let recovery = described.send().await?.continuous_backups_description;
    let recovery = recovery.and_then(|description| description.point_in_time_recovery_description);
    let status = recovery.as_ref().and_then(|recovery| recovery.point_in_time_recovery_status());
    assert_eq!(status, Some(&PointInTimeRecoveryStatus::Enabled));

    let manifests = until("the export's manifest", async || {
        let manifests = exports(&stack, "e2e-existing", "20261120T030000Z").await?;
        Ok((!manifests.is_empty()).then_some(manifests))
    })
    .await?;
    let manifest: Value =
        serde_json::from_slice(&stack.read(&stack.exports, &manifests[0]).await?)?;
    assert_eq!(manifest["itemCount"], 1);

    // The same time again: the same backup, the same export, nothing repaired.
    let report = run(&stack, "2026-11-20T03:00:00Z").await?;
    let second = of_table(&report, "e2e-existing")?;
    assert_eq!(
        (&second["backupArn"], &second["exportArn"]),
        (&first["backupArn"], &first["exportArn"])
    );
    let steps = second["enrolment"].as_array().context("steps")?;
    assert!(steps.iter().all(|step| step["outcome"] == "alreadySo"), "{steps:?}");
    let backups = backup::list(stack.clients.dynamodb(), "e2e-existing").await?;
    assert_eq!(names(&backups), ["headwater-20261120T030000Z"]);
    assert_eq!(exports(&stack, "e2e-existing", "20261120T030000Z").await?, manifests);

    assert_eq!(second["backupAgeHours"], 0);

    // A mapping that somebody taught to give up early is as it was made.
    let lambda = stack.clients.lambda();
    let described = aws::table::describe(stack.clients.dynamodb(), "e2e-existing").await?;
    let stream = described.and_then(|table| table.latest_stream_arn).context("a stream")?;
    let made = mapping::of_stream(lambda, &stream).await?;
    let changed = lambda.update_event_source_mapping().set_uuid(made[0].uuid.clone());
    changed.maximum_retry_attempts(2).maximum_record_age_in_seconds(60).send().await?;
    let report = run(&stack, "2026-11-20T03:00:00Z").await?;
    let steps = &of_table(&report, "e2e-existing")?["enrolment"];
    assert_eq!(
        steps[2],
        json!({"outcome": "done", "detail": "stream mapping repaired"}),
        "{steps}"
    );
    let repaired = mapping::of_stream(lambda, &stream).await?;
    assert_eq!(repaired.len(), 1);
    assert_eq!(repaired[0].maximum_retry_attempts, made[0].maximum_retry_attempts);
    assert_eq!(repaired[0].maximum_record_age_in_seconds, Some(72_000));

    // Its changes reach the lake from now on.
    stack.put("e2e-existing", &parse_item(br#"{"pk":{"S":"after"}}"#)?).await?;
    until("the change to reach the lake", async || {
        let changes = stack.changes("e2e-existing").await?.items();
        Ok(changes.contains(&r#"{"pk":{"S":"after"}}"#.to_owned()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn retention_removes_only_our_own_but_the_newest_of_a_day() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    stack.existing_table("e2e-retention", None, BEFORE).await?;
    let dynamodb = stack.clients.dynamodb();
    let ours = ["headwater-20250101T020000Z", "headwater-20250101T030000Z"];
    for name in ours.into_iter().chain(["before-migration", "headwater-old"]) {
        backup::create(dynamodb, "e2e-retention", name).await?;
    }
    let report = run(&stack, "2026-11-21T03:00:00Z").await?;
    let table = of_table(&report, "e2e-retention")?;
    assert_eq!(table["removedBackups"], json!([ours[0]]));
    let left = backup::list(dynamodb, "e2e-retention").await?;
    assert_eq!(
        names(&left),
        ["before-migration", ours[1], "headwater-20261121T030000Z", "headwater-old"]
    );
    Ok(())
}

#[tokio::test]
async fn a_stream_that_serves_someone_else_is_left_alone() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    stack.existing_table("e2e-keys-only", Some(StreamViewType::KeysOnly), BEFORE).await?;
    let report = run(&stack, "2026-11-19T03:00:00Z").await?;
    let table = of_table(&report, "e2e-keys-only")?;
    let first = &table["enrolment"][0];
    assert_eq!(first["outcome"], "leftAlone");
    assert!(table["backupArn"].is_string() && table["exportArn"].is_string(), "{table}");
    let described = aws::table::describe(stack.clients.dynamodb(), "e2e-keys-only").await?;
    let stream = described.and_then(|table| table.stream_specification);
    let view = stream.and_then(|stream| stream.stream_view_type);
    assert_eq!(view, Some(StreamViewType::KeysOnly));
    Ok(())
}

#[tokio::test]
async fn an_event_without_its_time_is_refused_with_what_to_send() -> Result<()> {
    let stack = Stack::of_environment();
    let refused = stack.invoke(&stack.backup_function, &json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("expected {\\\"scheduledTime\\\""), "{refused}");
    Ok(())
}

#[tokio::test]
async fn tags_say_what_is_done_and_what_is_only_told() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let table = "e2e-tagged";
    stack.existing_table(table, None, BEFORE).await?;
    let run = async |scheduled: &str| -> Result<Value> {
        let event = json!({"scheduledTime": scheduled, "tables": [table]});
        let report = stack.invoke(&stack.backup_function, &event).await?;
        Ok(of_table(&report, table)?.clone())
    };

    // Observed: everything is told, and nothing is done.
    stack.tag(table, "headwater", "observe").await?;
    let report = run("2026-11-10T03:00:00Z").await?;
    assert_eq!(
        report["enrolment"],
        json!([
            {"outcome": "would", "detail": "stream with new and old images on"},
            {"outcome": "would", "detail": "catalog table made"},
            {"outcome": "would", "detail": "stream mapping made"},
            {"outcome": "would", "detail": "point-in-time recovery of 35 days on"},
        ])
    );
    assert_eq!((&report["backupArn"], &report["exportArn"]), (&Value::Null, &Value::Null));
    let described = aws::table::describe(stack.clients.dynamodb(), table).await?;
    assert!(described.context("the table")?.latest_stream_arn().is_none());

    // On, without an export; a tag that is none is told.
    stack.tag(table, "headwater", "on").await?;
    stack.tag(table, "headwater:export", "off").await?;
    stack.tag(table, "headwater:backups", "off").await?;
    let report = run("2026-11-10T04:00:00Z").await?;
    assert_eq!(report["policy"]["export"], "off");
    assert!(report["backupArn"].is_string() && report["exportArn"].is_null(), "{report}");
    assert_eq!(
        report["tags"],
        json!(["tag headwater:backups does nothing: is headwater:backup meant?"])
    );

    // Paused: the feed rests, and goes on from there.
    stack.tag(table, "headwater", "paused").await?;
    let report = run("2026-11-10T05:00:00Z").await?;
    assert_eq!(report["enrolment"][0]["outcome"], "done", "{report}");
    stack.put(table, &parse_item(br#"{"pk":{"S":"meanwhile"}}"#)?).await?;
    stack.tag(table, "headwater", "on").await?;
    let report = run("2026-11-10T06:00:00Z").await?;
    assert_eq!(
        report["enrolment"][2],
        json!({"outcome": "done", "detail": "stream mapping repaired"})
    );
    stack.until_changes(table, 1).await?;

    // A value that is none fails the run, after what could be done.
    stack.tag(table, "headwater:retain", "seven days").await?;
    let failed = run("2026-11-10T07:00:00Z").await.err().map(|error| error.to_string());
    assert!(failed.is_some_and(|error| error.contains("tag headwater:retain")));
    // Runs of other tests see this table, too.
    stack.tag(table, "headwater:retain", "7d").await?;
    Ok(())
}

/// The end to end tests deploy the stack with the patterns `e2e-named-*` and `e2e-fits-??`.
#[tokio::test]
async fn tables_are_enrolled_by_their_names() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    for (table, tag) in [
        ("e2e-named-orders", None),
        ("e2e-named-observed", Some("observe")),
        ("e2e-named-off", Some("off")),
        ("e2e-fits-01", None),
        ("e2e-fits-1", None),
    ] {
        stack.table_of_someone(table, tag, None, BEFORE).await?;
    }
    let report = run(&stack, "2026-11-23T03:00:00Z").await?;
    let mode =
        |table: &str| of_table(&report, table).ok().map(|table| table["policy"]["mode"].clone());
    let modes = ["orders", "observed", "off"].map(|name| mode(&format!("e2e-named-{name}")));
    assert_eq!(modes, [Some(json!("on")), Some(json!("observe")), Some(json!("off"))]);
    let modes = ["e2e-fits-01", "e2e-fits-1"].map(mode);
    assert_eq!(modes, [Some(json!("on")), None]);
    assert_eq!(
        of_table(&report, "e2e-named-observed")?["wouldDo"],
        json!([
            "make the backup headwater-20261123T030000Z",
            "export the whole table, as it is due",
            "make its views"
        ])
    );
    for (table, backups) in [("e2e-named-orders", 1), ("e2e-named-off", 0)] {
        assert_eq!(backup::list(stack.clients.dynamodb(), table).await?.len(), backups, "{table}");
    }
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_deleted_ends_cleanly() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-deleted", stack.clients.dynamodb());
    stack.existing_table(table, None, BEFORE).await?;
    let event = json!({"scheduledTime": "2026-11-24T03:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert!(of_table(&report, table)?["backupArn"].is_string(), "{report}");
    dynamodb.delete_table().table_name(table).send().await?;
    // It keeps its tag while it is being deleted.
    let event = json!({"scheduledTime": "2026-11-25T03:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    let told = of_table(&report, table)?;
    assert_eq!((&told["isGone"], &told["backupArn"]), (&json!(true), &Value::Null), "{report}");
    until("the table to be gone", async || {
        Ok(aws::table::describe(dynamodb, table).await?.is_none().then_some(()))
    })
    .await?;
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(report["tables"], json!([]));

    // Its stream can be read for a day still; then its mapping goes too.
    let mappings = async || -> Result<Vec<String>> {
        let all = mapping::of_function(stack.clients.lambda(), &stack.stream_function).await?;
        let of_table = format!(":table/{table}/stream/");
        let all = all
            .into_iter()
            .filter(|it| it.event_source_arn().is_some_and(|arn| arn.contains(&of_table)));
        Ok(all.filter_map(|mapping| mapping.uuid).collect())
    };
    let event = json!({"reconcileTime": "2026-11-25T04:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(report["removedMappings"], Value::Null, "{report}");
    let left = mappings().await?;
    assert_eq!(left.len(), 1);
    let (bucket, key) = (&stack.lake, "state/backup/left-mappings.json");
    let mut seen: Value = serde_json::from_slice(&stack.read(bucket, key).await?)?;
    seen[&left[0]] = json!((aws::clock::now() - std::time::Duration::from_hours(25)).to_string());
    let put = stack.clients.s3().put_object().bucket(bucket).key(key);
    put.body(seen.to_string().into_bytes().into()).send().await?;
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(report["removedMappings"].as_array().map(Vec::len), Some(1), "{report}");
    assert!(mappings().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn backups_of_a_table_that_had_the_name_before_are_left_alone() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-anew-backups", stack.clients.dynamodb());
    stack.existing_table(table, None, BEFORE).await?;
    stack.tag(table, "headwater:retain", "1d").await?;
    backup::create(dynamodb, table, "headwater-20260101T030000Z").await?;
    dynamodb.delete_table().table_name(table).send().await?;
    until("the table to be gone", async || {
        Ok(aws::table::describe(dynamodb, table).await?.is_none().then_some(()))
    })
    .await?;
    stack.existing_table(table, None, BEFORE).await?;
    stack.tag(table, "headwater:retain", "1d").await?;
    let event = json!({"scheduledTime": "2026-11-26T03:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(of_table(&report, table)?["removedBackups"], json!([]), "{report}");
    let left = backup::list(dynamodb, table).await?;
    assert_eq!(names(&left), ["headwater-20260101T030000Z", "headwater-20261126T030000Z"]);
    Ok(())
}

#[tokio::test]
async fn what_someone_switched_off_is_switched_on_again() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-drifted", stack.clients.dynamodb());
    stack.existing_table(table, None, BEFORE).await?;
    let done = async || -> Result<Vec<String>> {
        let event = json!({"reconcileTime": "2026-11-26T04:00:00Z", "tables": [table]});
        let report = stack.invoke(&stack.backup_function, &event).await?;
        let steps = of_table(&report, table)?["enrolment"].as_array().context("steps")?.clone();
        let done = steps.into_iter().filter(|step| step["outcome"] == "done");
        Ok(done.filter_map(|step| step["detail"].as_str().map(str::to_owned)).collect())
    };
    assert_eq!(done().await?.len(), 4);
    assert_eq!(done().await?, [""; 0]);

    let described = aws::table::describe(dynamodb, table).await?.context("the table")?;
    let stream = described.latest_stream_arn().context("its stream")?;
    for mapping in mapping::of_stream(stack.clients.lambda(), stream).await? {
        let delete = stack.clients.lambda().delete_event_source_mapping();
        delete.set_uuid(mapping.uuid).send().await?;
    }
    assert_eq!(done().await?, ["stream mapping made"]);

    let off = StreamSpecification::builder().stream_enabled(false).build()?;
    dynamodb.update_table().table_name(table).stream_specification(off).send().await?;
    assert_eq!(done().await?, ["stream with new and old images on", "stream mapping made"]);
    Ok(())
}

#[tokio::test]
async fn a_long_list_of_backups_is_read_to_its_end() -> Result<()> {
    const OTHERS: usize = 104;
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-many-backups", stack.clients.dynamodb());
    stack.existing_table(table, None, BEFORE).await?;
    stack.tag(table, "headwater:retain", "1d").await?;
    // On the first page of a hundred, and on the second.
    let ours = ["headwater-20260101T030000Z", "headwater-20260102T030000Z"];
    backup::create(dynamodb, table, ours[0]).await?;
    for other in 0..OTHERS {
        backup::create(dynamodb, table, &format!("other-{other:03}")).await?;
    }
    backup::create(dynamodb, table, ours[1]).await?;
    let event = json!({"scheduledTime": "2026-11-26T05:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    // The newest good one stays until a later run has seen that the new one is good.
    assert_eq!(of_table(&report, table)?["removedBackups"], json!([ours[0]]), "{report}");
    let left = backup::list(dynamodb, table).await?;
    assert_eq!(left.len(), OTHERS + 2);
    Ok(())
}

#[tokio::test]
async fn of_two_runs_at_once_one_backs_the_table_up() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let table = "e2e-two-runs";
    stack.existing_table(table, None, BEFORE).await?;
    let enrol = json!({"reconcileTime": "2026-11-26T06:00:00Z", "tables": [table]});
    stack.invoke(&stack.backup_function, &enrol).await?;
    let event = json!({"scheduledTime": "2026-11-26T07:00:00Z", "tables": [table]});
    let run = || stack.invoke(&stack.backup_function, &event);
    let reports = <[Value; 2]>::from(tokio::try_join!(run(), run())?);
    // The other leaves it to that one, or finds it done.
    let tables = [of_table(&reports[0], table)?, of_table(&reports[1], table)?];
    for told in tables {
        assert!(told["backupArn"].is_string() != told["leftTo"].is_string(), "{told}");
    }
    assert!(tables.iter().any(|told| told["backupArn"].is_string()), "{tables:?}");
    let backups = backup::list(stack.clients.dynamodb(), table).await?;
    assert_eq!(names(&backups), ["headwater-20261126T070000Z"]);
    Ok(())
}

/// By a tag of the table (`local/corrections/trials.py`) it is deleted just when its backup is to be made.
#[tokio::test]
async fn a_table_that_is_deleted_between_plan_and_act_ends_cleanly() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let table = "e2e-deleted-between";
    stack.existing_table(table, None, BEFORE).await?;
    stack.tag(table, "local:backups", "delete").await?;
    let event = json!({"scheduledTime": "2026-11-24T03:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    let told = of_table(&report, table)?;
    assert_eq!((&told["isGone"], &told["failure"]), (&json!(true), &Value::Null), "{report}");
    assert!(backup::list(stack.clients.dynamodb(), table).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_throttled_backup_is_delayed_and_made_once() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-throttled-backup", stack.clients.dynamodb());
    stack.existing_table(table, None, BEFORE).await?;
    stack.tag(table, "local:backups", "throttle").await?;
    let event = json!({"scheduledTime": "2026-11-24T03:00:00Z", "tables": [table]});
    let failed = stack.invoke(&stack.backup_function, &event).await;
    let told = failed.err().context("a failure")?.to_string();
    assert!(told.contains("ThrottlingException"), "{told}");
    stack.tag(table, "local:backups", "no").await?;
    assert!(backup::list(dynamodb, table).await?.is_empty());
    for _ in 0..2 {
        let report = stack.invoke(&stack.backup_function, &event).await?;
        assert!(of_table(&report, table)?["backupArn"].is_string(), "{report}");
    }
    assert_eq!(names(&backup::list(dynamodb, table).await?), ["headwater-20261124T030000Z"]);
    Ok(())
}

/// Making an index takes hours, and a backup is due each day. By a tag of the table (`local/corrections/trials.py`) it is
/// being changed.
#[tokio::test]
async fn a_table_that_is_being_changed_is_backed_up_and_fed_later() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let (table, dynamodb) = ("e2e-being-changed", stack.clients.dynamodb());
    stack.existing_table(table, None, BEFORE).await?;
    stack.tag(table, "local:table", "updating").await?;
    let event = json!({"scheduledTime": "2026-11-24T03:00:00Z", "tables": [table]});
    let failed = stack.invoke(&stack.backup_function, &event).await;
    let told = failed.err().context("a failure")?.to_string();
    assert!(told.contains("ResourceInUseException"), "{told}");
    let report = stack.read(&stack.lake, "reports/backup/20261124T030000Z.json").await?;
    let report: Value = serde_json::from_slice(&report)?;
    let told = of_table(&report, table)?;
    assert!(told["feedFailure"].is_string() && told["backupArn"].is_string(), "{told}");
    assert_eq!((&told["hasFeed"], &told["failure"]), (&json!(false), &Value::Null), "{told}");
    assert!(aws::recovery::is_on(dynamodb, table, 35).await?);

    stack.tag(table, "local:table", "no").await?;
    let event = json!({"reconcileTime": "2026-11-24T04:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(of_table(&report, table)?["hasFeed"], json!(true), "{report}");
    assert_eq!(names(&backup::list(dynamodb, table).await?), ["headwater-20261124T030000Z"]);

    // What changed between the export and the feed is in neither: another export follows, and no third.
    let event = json!({"reconcileTime": "2026-11-24T05:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    let export = of_table(&report, table)?["exportArn"].clone();
    assert!(export.is_string() && export != told["exportArn"], "{report}");
    let event = json!({"reconcileTime": "2026-11-24T06:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(of_table(&report, table)?["exportArn"], Value::Null, "{report}");
    Ok(())
}

/// The guide's two ways within DynamoDB. The local AWS restores a point in time as the table is now, whatever time is given.
#[tokio::test]
async fn a_protected_table_is_restored_from_its_backup_and_its_recovery() -> Result<()> {
    let stack = Stack::of_environment();
    let table = "e2e-to-restore";
    stack.existing_table(table, None, BEFORE).await?;
    let run = json!({"scheduledTime": "2026-11-20T03:00:00Z", "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &run).await?;
    let arn = of_table(&report, table)?["backupArn"].as_str().context("an ARN")?;
    let before = stack.items(table).await?;
    stack.put(table, &parse_item(br#"{"pk":{"S":"after"}}"#)?).await?;

    let dynamodb = stack.clients.dynamodb();
    let restore = dynamodb.restore_table_from_backup().target_table_name("e2e-of-backup");
    restore.backup_arn(arn).send().await?;
    let restore = dynamodb.restore_table_to_point_in_time().source_table_name(table);
    let restore = restore.target_table_name("e2e-of-recovery").use_latest_restorable_time(true);
    restore.send().await?;
    for (restored, items) in
        [("e2e-of-backup", before), ("e2e-of-recovery", stack.items(table).await?)]
    {
        aws::table::wait_until_active(dynamodb, restored).await?;
        assert_eq!(stack.items(restored).await?, items, "{restored}");
        // What the guide tells to set again: the tag, which brings the rest.
        stack.tag(restored, "headwater", "on").await?;
        let run = json!({"reconcileTime": "2026-11-20T04:00:00Z", "tables": [restored]});
        let report = stack.invoke(&stack.backup_function, &run).await?;
        let steps = of_table(&report, restored)?["enrolment"].as_array().context("steps")?;
        assert_eq!(steps.len(), 4);
        assert!(steps.iter().all(|step| step["outcome"] == "done"), "{steps:?}");
    }
    Ok(())
}

/// Full exports on a schedule of their own: no backup is made, and of one time one export.
#[tokio::test]
async fn an_export_run_exports_and_once() -> Result<()> {
    let _run = ONE_RUN_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let table = "e2e-export-run";
    stack.existing_table(table, None, BEFORE).await?;
    let event = json!({"exportTime": "2026-11-24T03:00:00Z", "tables": [table]});
    let first = stack.invoke(&stack.backup_function, &event).await?;
    let arn = of_table(&first, table)?["exportArn"].clone();
    assert!(arn.is_string(), "{first}");
    let again = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(of_table(&again, table)?["exportArn"], arn);
    assert!(backup::list(stack.clients.dynamodb(), table).await?.is_empty());
    Ok(())
}
