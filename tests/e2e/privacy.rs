//! What the stack's privacy rules are on reaches neither the lake nor a log.
//!
//! The stack has the rules `e2e-private*:drop=ssn,card.number; e2e-private*:hash=email; e2e-private-key:hash=pk`.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use end_to_end::{Stack, event, until};
use item::format::dynamodb_json::{parse_item, parse_value};
use serde_json::{Value, json};
use tokio::sync::Mutex;

const TABLE: &str = "e2e-private";

/// A table with a rule on its key.
const KEYED: &str = "e2e-private-key";

/// Held by a test while the lake is its own: one reads all that is in it, and the other's claims come and go.
static LAKE: Mutex<()> = Mutex::const_new(());

/// What nobody is to see: an item has one of each, and no other text.
const SECRETS: [&str; 4] =
    ["078-05-1120", "4111-1111-1111-1111", "planted@example.org", "219-09-9999"];

/// An item with all of them.
fn item(pk: &str, seats: u32) -> String {
    let [ssn, number, email, _] = SECRETS;
    json!({
        "pk": {"S": pk}, "seats": {"N": seats.to_string()}, "ssn": {"S": ssn}, "email": {"S": email},
        "card": {"M": {"number": {"S": number}, "by": {"S": "open"}}},
    })
    .to_string()
}

/// What the run reports of the table that is due so many minutes from now.
async fn reconciled(stack: &Stack, table: &str, minutes: u64) -> Result<Value> {
    let due = aws::clock::now() + Duration::from_mins(minutes);
    let run = json!({"reconcileTime": due.to_string(), "tables": [table]});
    let report = stack.invoke(&stack.backup_function, &run).await?;
    // Its claim comes and goes.
    stack.merge_report(table, due).await?;
    Ok(report["tables"][0].clone())
}

/// The note of the newest snapshot, once there are so many.
async fn finished(stack: &Stack, table: &str, count: usize) -> Result<Value> {
    let prefix = format!("state/snapshot/{table}/finished/");
    until(&format!("snapshot {count} of {table}"), async || {
        let keys = stack.objects(&stack.lake, &prefix).await?;
        let newest = keys.keys().next_back().filter(|_| keys.len() >= count);
        let Some(newest) = newest else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&stack.read(&stack.lake, newest).await?)?))
    })
    .await
}

/// An export such as DynamoDB would have written, a day ahead, with a line that is no item.
async fn export_with_a_line_that_is_no_item(stack: &Stack) -> Result<()> {
    let objects = stack.objects(&stack.exports, &format!("{TABLE}/full/")).await?;
    let key = objects.into_keys().find(|key| key.ends_with("/manifest-summary.json"));
    let mut told: Value =
        serde_json::from_slice(&stack.read(&stack.exports, &key.context("a summary")?).await?)?;
    let folder = format!("{TABLE}/full/by-hand/AWSDynamoDB/01-by-hand");
    let broken = item("broken", 1).replace(r#""N":"1""#, &format!(r#""N":"{}""#, SECRETS[3]));
    let lines = [item("a", 1), broken].map(|item| format!(r#"{{"Item":{item}}}"#));
    let lines = lines.each_ref().map(String::as_str);
    let file = stack.put_data_file(&format!("{folder}/data/lines.json.gz"), &lines).await?;
    let arn = told["exportArn"].as_str().unwrap_or_default();
    told["exportArn"] = json!(format!("{arn}-by-hand"));
    told["exportTime"] = json!((aws::clock::now() + Duration::from_hours(24)).to_string());
    told["itemCount"] = json!(2);
    stack.put_manifests(&folder, &[file], &told).await
}

/// A record of the table's that is no change, for the sake of an attribute that no rule is on.
fn poison() -> Result<Value> {
    let mut event = event("stream-poison-record", TABLE)?;
    let image = &mut event["Records"][1]["dynamodb"]["NewImage"];
    let secrets: Value = serde_json::from_str(&item("poison", 1))?;
    for (name, value) in secrets.as_object().context("an item")? {
        image[name] = value.clone();
    }
    image["ssn"] = json!({"N": SECRETS[3]});
    Ok(event)
}

/// Where in the lake one of the secrets stands.
async fn found(stack: &Stack) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut looked_at = 0;
    for key in stack.objects(&stack.lake, "").await?.into_keys() {
        let bytes = stack.read(&stack.lake, &key).await?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if key.ends_with(".parquet") {
            let rows: Vec<_> = lake::read::rows(bytes)?.collect::<Result<_, _>>()?;
            text = format!("{text}{rows:?}");
        }
        looked_at += usize::from(key.contains(&format!("/{TABLE}/")));
        let stands = SECRETS.iter().filter(|secret| text.contains(**secret));
        found.extend(stands.map(|secret| format!("{secret} in {key}")));
    }
    // Changes, snapshots, what is in quarantine of both, and notes.
    assert!(looked_at > 10, "{looked_at} objects are of the table");
    Ok(found)
}

#[tokio::test]
async fn no_secret_reaches_the_lake_or_a_log() -> Result<()> {
    let _alone = LAKE.lock().await;
    let stack = Stack::of_environment();
    let before = [item("a", 1), item("b", 1), item("c", 1)];
    stack.existing_table(TABLE, None, &before.each_ref().map(String::as_str)).await?;
    let report = reconciled(&stack, TABLE, 0).await?;
    assert!(report["exportArn"].is_string(), "{report}");
    let first = finished(&stack, TABLE, 1).await?;
    assert_eq!((&first["rows"], first["privacy"].is_string()), (&json!(3), true), "{first}");

    stack.put(TABLE, &parse_item(item("b", 2).as_bytes())?).await?;
    stack.put(TABLE, &parse_item(item("d", 1).as_bytes())?).await?;
    let key = aws::item_to_sdk(&parse_item(br#"{"pk":{"S":"c"}}"#)?);
    stack.clients.dynamodb().delete_item().table_name(TABLE).set_key(Some(key)).send().await?;
    stack.until_changes(TABLE, 3).await?;
    let changes = stack.changes(TABLE).await?.rows;

    // Both sides of an audit are under the rules, and agree.
    stack.export(TABLE, "second").await?;
    finished(&stack, TABLE, 2).await?;
    let audit = reconciled(&stack, TABLE, 30).await?["audit"].clone();
    assert_eq!((&audit["isClean"], &audit["found"]), (&json!(true), &json!(3)), "{audit}");

    let answer = stack.invoke(&stack.stream_function, &poison()?).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    export_with_a_line_that_is_no_item(&stack).await?;
    let broken = finished(&stack, TABLE, 3).await?;
    assert_eq!((&broken["rows"], &broken["quarantined"]), (&json!(1), &json!(1)), "{broken}");

    assert_eq!(found(&stack).await?, Vec::<String>::new());
    let logs = until("the line of the record that was kept aside", async || {
        let logs = stack.logs().await?;
        Ok(logs.contains(&format!("quarantine/stream/{TABLE}/")).then_some(logs))
    })
    .await?;
    assert!(logs.contains("export finished"));
    for secret in SECRETS {
        assert_eq!(logs.lines().find(|line| line.contains(secret)), None);
    }
    what_is_left(&stack, &changes).await
}

/// Rows cannot do without their key: it stays, and both who write it say so.
#[tokio::test]
async fn a_rule_on_the_key_is_warned_of() -> Result<()> {
    let _alone = LAKE.lock().await;
    let stack = Stack::of_environment();
    stack.existing_table(KEYED, None, &[&item("a", 1)]).await?;
    let report = reconciled(&stack, KEYED, 0).await?;
    assert!(report["exportArn"].is_string(), "{report}");
    finished(&stack, KEYED, 1).await?;
    stack.put(KEYED, &parse_item(item("b", 1).as_bytes())?).await?;
    stack.until_changes(KEYED, 1).await?;
    for group in ["headwater-snapshot: ", "headwater-stream: "] {
        until(&format!("a warning in {group}"), async || {
            let logs = stack.logs().await?;
            let mut lines = logs.lines().filter(|line| line.contains("leave it in _key"));
            Ok(lines.any(|line| line.contains(group) && line.contains(KEYED)).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// What rules are not on is there, and what is hashed can be joined.
async fn what_is_left(stack: &Stack, changes: &[lake::StoredRow]) -> Result<()> {
    let card = parse_value(br#"{"M":{"by":{"S":"open"}}}"#)?;
    for row in changes {
        assert!(row.is_intact(), "{row:?}");
        for item in row.item.iter().chain(&row.old) {
            let names: Vec<&str> = item.iter().map(|(name, _)| name).collect();
            assert!(!names.contains(&"ssn") && names.contains(&"seats"), "{names:?}");
            assert_eq!(item.get("card"), Some(&card));
        }
    }
    let hashes: BTreeSet<String> = changes
        .iter()
        .filter_map(|row| row.item.as_ref()?.get("email").map(canonical_value))
        .collect();
    assert_eq!(hashes.len(), 1, "equal values have one hash: {hashes:?}");
    let hash = hashes.into_iter().next().context("a hash")?;
    let digits = hash.trim_start_matches(r#"{"S":""#).trim_end_matches(r#""}"#);
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    let snapshots = stack.snapshot_items(TABLE).await?;
    assert!(snapshots.iter().all(|item| item.contains(&hash)), "{snapshots:?}");

    let kept = stack.objects(&stack.lake, &format!("quarantine/stream/{TABLE}/")).await?;
    let kept = stack.read(&stack.lake, kept.keys().next().context("quarantine")?).await?;
    let kept: Value = serde_json::from_slice(&kept)?;
    let image = &kept["record"]["dynamodb"]["NewImage"];
    assert_eq!((&image["ssn"], &image["email"]), (&Value::Null, &json!({"S": digits})));
    assert_eq!(image["card"], json!({"M": {"by": {"S": "open"}}}));
    Ok(())
}

fn canonical_value(value: &item::Value<'_>) -> String {
    let mut text = String::new();
    item::write_canonical_value(value, &mut text);
    text
}
