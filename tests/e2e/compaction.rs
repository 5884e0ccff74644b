//! Small change files become few, whoever stops the run and wherever; views never show it.

use std::time::Duration;

use anyhow::{Context, Result};
use aws::sdk::s3::primitives::ByteStream;
use end_to_end::{Objects, Stack, until};
use item::format::dynamodb_json::parse_item;
use jiff::Timestamp;
use lake::path;
use serde_json::{Value, json};
use tokio::sync::Mutex;

const TABLE: &str = "e2e-compaction";
/// A table that is gone, and whose folder is called otherwise.
const GONE: &str = "_e2e-compaction-gone";
/// Held by a test while all reports are its own: runs are due at the same time.
static REPORTS: Mutex<()> = Mutex::const_new(());
/// A table that has files which do not go with others.
const AT_FAULT: &str = "e2e-compaction-at-fault";
/// Changes that are written one by one, and so make a file each; a column comes in the middle.
const CHANGES: [&str; 10] = [
    r#"{"pk":{"S":"a"},"n":{"N":"1"}}"#,
    r#"{"pk":{"S":"b"},"n":{"N":"2"}}"#,
    r#"{"pk":{"S":"a"},"n":{"N":"3"}}"#,
    r#"{"pk":{"S":"c"},"n":{"N":"4.5"}}"#,
    r#"{"pk":{"S":"d"},"n":{"S":"text"}}"#,
    r#"{"pk":{"S":"a"},"later":{"SS":["x","y"]}}"#,
    r#"{"pk":{"S":"e"},"n":{"N":"12345678901234567890123456789012345678"}}"#,
    r#"{"pk":{"S":"b"},"later":{"M":{"x":{"NULL":true}}}}"#,
    r#"{"pk":{"S":"f"},"n":{"NS":["1","2.5"]}}"#,
    r#"{"pk":{"S":"a"},"n":{"N":"5"},"later":{"BOOL":true}}"#,
];

async fn change_files(stack: &Stack) -> Result<Objects> {
    stack.objects(&stack.lake, &format!("changes/{TABLE}/")).await
}

async fn notes(stack: &Stack) -> Result<Objects> {
    stack.objects(&stack.lake, &format!("state/compaction/{TABLE}/")).await
}

/// A table whose changes are in many files.
async fn table_of_many_files(stack: &Stack) -> Result<()> {
    let report = stack.import(&format!("{TABLE}.jsonl"), r#"{"pk":"gone"}"#, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    // Without snapshots: all that is known is in the changes.
    stack.tag(TABLE, "headwater:export", "off").await?;
    stack.until_changes(TABLE, 1).await?;
    let next = async || -> Result<()> {
        let before = change_files(stack).await?.len();
        until(
            "another file",
            async || Ok((change_files(stack).await?.len() > before).then_some(())),
        )
        .await
    };
    for change in CHANGES {
        let (item, written) = (parse_item(change.as_bytes())?, next());
        tokio::try_join!(written, stack.put(TABLE, &item))?;
    }
    let key = aws::item_to_sdk(&parse_item(br#"{"pk":{"S":"gone"}}"#)?);
    let delete = stack.clients.dynamodb().delete_item().table_name(TABLE);
    delete.set_key(Some(key)).send().await?;
    stack.until_lake_equals_table(TABLE).await?;
    Ok(())
}

/// A run that is due at a time, of this table alone; its report of it.
async fn run(stack: &Stack, due: Timestamp) -> Result<Value> {
    run_of(stack, TABLE, due).await
}

async fn run_of(stack: &Stack, table: &str, due: Timestamp) -> Result<Value> {
    let event = json!({"compactionTime": due.to_string(), "tables": [table]});
    let report = stack.invoke(&stack.compaction_function, &event).await?;
    Ok(report["tables"][0].clone())
}

/// The same, begun as each hour by the run of `backup`.
async fn hourly_run(stack: &Stack, due: Timestamp) -> Result<Value> {
    // A run that was due at the same time has left one.
    let key = format!("reports/compaction/{}.json", path::time_text(due.as_millisecond())?);
    stack.clients.s3().delete_object().bucket(&stack.lake).key(&key).send().await?;
    let event = json!({"reconcileTime": due.to_string(), "tables": [TABLE]});
    let report = stack.invoke(&stack.backup_function, &event).await?;
    assert_eq!(report["compactionBegun"], json!(true), "{report}");
    stack.merge_report(TABLE, due).await
}

/// The next full hour: whatever is there now was written before it. A run may be due an hour ahead.
fn next_hour() -> Result<Timestamp> {
    const HOUR: i64 = 3600;
    let second = aws::clock::now().as_second();
    Ok(Timestamp::from_second((second / HOUR + 1) * HOUR)?)
}

/// What the views show: the state's hashes, and the versions.
async fn shown(stack: &Stack) -> Result<Vec<Vec<Option<String>>>> {
    let mut rows = stack.query(r#"SELECT "_key", "_hash" FROM e2e_compaction"#).await?;
    let history = r#"SELECT "_stream", "_seq", "_op", "_hash" FROM e2e_compaction__history"#;
    rows.extend(stack.query(history).await?);
    rows.sort();
    Ok(rows)
}

fn files(report: &Value) -> [&Value; 5] {
    ["before", "after", "merged", "written", "removed"].map(|name| &report[name]["files"])
}

#[tokio::test]
async fn many_files_become_one_and_no_query_shows_it() -> Result<()> {
    let _alone = REPORTS.lock().await;
    let stack = Stack::of_environment();
    table_of_many_files(&stack).await?;
    stack.invoke(&stack.backup_function, &json!({"views": [TABLE]})).await?;
    let before = change_files(&stack).await?;
    let many = before.len();
    assert!(many >= CHANGES.len(), "{before:?}");
    let (rows, expected) = (stack.changes(TABLE).await?.rows.len(), shown(&stack).await?);
    let items = stack.items(TABLE).await?;

    // The run stops after it has noted what it is about to do.
    let policy = stack.deny_writes(&format!("changes/{TABLE}/*")).await?;
    let failed = run(&stack, next_hour()?).await;
    stack.set_lake_policy(&policy).await?;
    assert!(failed.is_err_and(|failed| failed.to_string().contains("UploadPart")
        || failed.to_string().contains("MultipartUpload")));
    assert_eq!((change_files(&stack).await?, notes(&stack).await?.len()), (before.clone(), 1));

    // The next one does just that. The inputs stay, and nothing is counted twice.
    let report = hourly_run(&stack, next_hour()?).await?;
    let merged = [&json!(many), &json!(many + 1), &json!(many), &json!(1), &json!(0)];
    assert_eq!(files(&report), merged, "{report}");
    let beside = change_files(&stack).await?;
    assert!(before.iter().all(|(key, tag)| beside.get(key) == Some(tag)));
    let output = beside.keys().find(|key| !before.contains_key(*key)).context("an output")?.clone();
    assert_eq!(shown(&stack).await?, expected);
    assert_eq!(stack.changes(TABLE).await?.rows.len(), 2 * rows);

    // As if it had stopped after the output: the same again, to the same bytes.
    let note_key = notes(&stack).await?.into_keys().next().context("a note")?;
    let mut note: Value = serde_json::from_slice(&stack.read(&stack.lake, &note_key).await?)?;
    assert_eq!(note["output"], json!(output));
    note["stage"] = json!("begun");
    put(&stack, &note_key, note.to_string().into_bytes()).await?;
    // Another run is at it.
    let claim_key = format!("state/compaction/{TABLE}.json");
    let claim = json!({"holder": "another", "claimedAt": aws::clock::now().to_string()});
    put(&stack, &claim_key, claim.to_string().into_bytes()).await?;
    let report = run(&stack, next_hour()?).await?;
    assert_eq!((&report["leftTo"], &report["before"]["files"]), (&json!("another"), &json!(0)));
    // It ended without its claim, long ago.
    let claim = json!({"holder": "another", "claimedAt": minutes_ago(17)});
    put(&stack, &claim_key, claim.to_string().into_bytes()).await?;
    run(&stack, next_hour()?).await?;
    assert_eq!(change_files(&stack).await?, beside);
    assert!(stack.objects(&stack.lake, &claim_key).await?.is_empty());

    // Too early to remove anything; once an hour has passed the inputs go, and the note.
    let report = run(&stack, aws::clock::now()).await?;
    assert_eq!((&report["merged"]["files"], &report["removed"]["files"]), (&json!(0), &json!(0)));
    assert_eq!(change_files(&stack).await?, beside);
    let first = before.keys().next().context("a file")?.clone();
    let bytes = stack.read(&stack.lake, &first).await?;
    let mut note: Value = serde_json::from_slice(&stack.read(&stack.lake, &note_key).await?)?;
    note["stage"]["written"]["at"] = json!(minutes_ago(60));
    put(&stack, &note_key, note.to_string().into_bytes()).await?;
    let report = run(&stack, next_hour()?).await?;
    let removed = [&json!(many + 1), &json!(1), &json!(0), &json!(0), &json!(many)];
    assert_eq!(files(&report), removed, "{report}");
    assert_eq!(change_files(&stack).await?.into_keys().collect::<Vec<_>>(), [output]);
    assert!(notes(&stack).await?.is_empty());
    assert_eq!(stack.changes(TABLE).await?.rows.len(), rows);
    assert_eq!(stack.changes(TABLE).await?.items(), items);
    assert_eq!(shown(&stack).await?, expected);

    // The catalog comes back from the merged file as it was.
    let catalog = "e2e_compaction__changes";
    let columns = stack.glue_columns(catalog).await?;
    let glue = stack.clients.glue();
    glue.delete_table().database_name(&stack.database).name(catalog).send().await?;
    let rebuilt = stack.invoke(&stack.backup_function, &json!({"rebuildCatalog": [TABLE]})).await?;
    assert_eq!(rebuilt["rebuiltCatalog"][TABLE]["drift"], json!([]), "{rebuilt}");
    assert_eq!(stack.glue_columns(catalog).await?, columns);

    // A late retry of the stream writes one of them again: it is a copy, as before.
    put(&stack, &first, bytes).await?;
    assert_eq!(shown(&stack).await?, expected);
    Ok(())
}

fn minutes_ago(minutes: u64) -> String {
    (aws::clock::now() - Duration::from_secs(60 * minutes)).to_string()
}

async fn put(stack: &Stack, key: &str, bytes: Vec<u8>) -> Result<()> {
    let put = stack.clients.s3().put_object().bucket(&stack.lake).key(key);
    put.body(ByteStream::from(bytes)).send().await?;
    Ok(())
}

async fn change_file_of_another_table(stack: &Stack) -> Result<Vec<u8>> {
    let table = "e2e-compaction-other";
    let report = stack.import(&format!("{table}.jsonl"), r#"{"pk":"1"}"#, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    stack.until_changes(table, 1).await?;
    let files = stack.objects(&stack.lake, &format!("changes/{table}/")).await?;
    stack.read(&stack.lake, files.keys().next().context("a file")?).await
}

/// A change file under other names, as a stream that was cut otherwise leaves it.
struct Copies {
    bytes: Vec<u8>,
    /// The name, up to the count.
    head: String,
    count: String,
    hash: u64,
}

impl Copies {
    /// Of the first of a table's files.
    async fn of(stack: &Stack, table: &str) -> Result<Self> {
        let files = stack.objects(&stack.lake, &path::changes(table)).await?;
        let file = files.into_keys().next().context("a file")?;
        let bytes = stack.read(&stack.lake, &file).await?;
        let (head, hash) = file.rsplit_once('-').context("a hash")?;
        let (head, count) = head.rsplit_once('-').context("a count")?;
        let hash = u64::from_str_radix(hash.trim_end_matches(".parquet"), 16)?;
        Ok(Self { bytes, head: head.to_owned(), count: count.to_owned(), hash })
    }

    fn name(&self, nth: u64, count: &str) -> String {
        let Self { head, hash, .. } = self;
        format!("{head}-{count}-{:016x}.parquet", hash.wrapping_add(nth))
    }

    async fn put(&self, stack: &Stack, copies: u64) -> Result<()> {
        for nth in 1..=copies {
            put(stack, &self.name(nth, &self.count), self.bytes.clone()).await?;
        }
        Ok(())
    }
}

/// A run of no tables by name is of all that the lake has files of, whether there is such a table or not.
#[tokio::test]
async fn files_of_a_table_that_is_gone_are_merged_too() -> Result<()> {
    let _alone = REPORTS.lock().await;
    let stack = Stack::of_environment();
    let report = stack.import(&format!("{GONE}.jsonl"), r#"{"pk":"1"}"#, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    stack.until_changes(GONE, 1).await?;
    Copies::of(&stack, GONE).await?.put(&stack, 9).await?;
    stack.clients.dynamodb().delete_table().table_name(GONE).send().await?;
    // A file that is in no table's folder holds nobody up.
    put(&stack, "changes//stray.parquet", b"no Parquet".to_vec()).await?;

    let event = json!({"compactionTime": next_hour()?.to_string()});
    let report = stack.invoke(&stack.compaction_function, &event).await?;
    let tables = report["tables"].as_array().context("tables")?;
    let told =
        tables.iter().find(|told| told["table"] == GONE).context("the table that is gone")?;
    assert_eq!([&told["merged"]["files"], &told["written"]["files"]], [&json!(10), &json!(1)]);
    assert!(tables.iter().all(|told| told["isLeft"] == json!(false)), "{report}");
    stack
        .clients
        .s3()
        .delete_object()
        .bucket(&stack.lake)
        .key("changes//stray.parquet")
        .send()
        .await?;
    Ok(())
}

/// A file of another table, and one that says another number of rows than it has, stay as they are; those beside
/// them are merged. A note that nobody can read stops the table, and says so.
#[tokio::test]
async fn a_file_at_fault_holds_up_no_other() -> Result<()> {
    let _alone = REPORTS.lock().await;
    let stack = Stack::of_environment();
    let rows: String = (0..3).map(|pk| format!("{{\"pk\":\"{pk}\"}}\n")).collect();
    let report = stack.import(&format!("{AT_FAULT}.jsonl"), rows.as_str(), &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    stack.tag(AT_FAULT, "headwater:export", "off").await?;
    stack.until_changes(AT_FAULT, 3).await?;
    let copies = Copies::of(&stack, AT_FAULT).await?;
    copies.put(&stack, 9).await?;
    let (of_another, miscounted) = (copies.name(10, "1"), copies.name(11, "7"));
    put(&stack, &of_another, change_file_of_another_table(&stack).await?).await?;
    put(&stack, &miscounted, copies.bytes).await?;

    let due = next_hour()?;
    let mut left_alone = Vec::new();
    // A run for each that is found to be at fault, and one for the others.
    for _ in 0..3 {
        let report = run_of(&stack, AT_FAULT, due).await?;
        left_alone = serde_json::from_value(report["leftAlone"].clone()).unwrap_or_default();
    }
    let left_alone: Vec<String> = left_alone;
    assert_eq!(left_alone.len(), 2, "{left_alone:#?}");
    assert!(
        left_alone.iter().any(|why| why.contains("has 3 rows, and another number by its name"))
    );
    let notes = stack.objects(&stack.lake, &format!("state/compaction/{AT_FAULT}/")).await?;
    assert_eq!(notes.len(), 3, "{notes:?}");
    let mut named = Vec::new();
    for key in notes.keys() {
        let note: Value = serde_json::from_slice(&stack.read(&stack.lake, key).await?)?;
        let inputs = note["inputs"].as_array().context("inputs")?;
        named.push((note["stage"].get("written").is_some(), inputs.len()));
    }
    named.sort_unstable();
    assert_eq!(named.first(), Some(&(false, 1)));
    assert!(
        named.last().is_some_and(|(is_written, inputs)| *is_written && *inputs >= 9),
        "{named:?}"
    );

    let unread = format!("state/compaction/{AT_FAULT}/unread.json");
    put(&stack, &unread, b"{".to_vec()).await?;
    let report = run_of(&stack, AT_FAULT, due).await?;
    let says = report["leftAlone"].to_string();
    assert!(says.contains("cannot be read as a note"), "{report}");
    stack.clients.s3().delete_object().bucket(&stack.lake).key(&unread).send().await?;
    for key in [of_another, miscounted] {
        stack.clients.s3().delete_object().bucket(&stack.lake).key(key).send().await?;
    }
    stack.until_lake_equals_table(AT_FAULT).await?;
    Ok(())
}
