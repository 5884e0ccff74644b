//! The views: what they show of a table, and that they are made once.

use anyhow::{Context, Result};
use aws::sdk::{
    dynamodb::types::TableDescription,
    glue::types::{StorageDescriptor, TableInput},
};
use end_to_end::{Stack, until};
use item::format::dynamodb_json::parse_item;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A scheduled run looks at every enrolled table, and counts of statements are of a whole workgroup.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A table with one item, enrolled by its import.
async fn table(stack: &Stack, name: &str, first: &str) -> Result<()> {
    let report = stack.import(&format!("{name}.jsonl"), first, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    Ok(())
}

async fn put(stack: &Stack, table: &str, items: &[&str]) -> Result<()> {
    for item in items {
        stack.put(table, &parse_item(item.as_bytes())?).await?;
    }
    Ok(())
}

async fn delete(stack: &Stack, table: &str, key: &str) -> Result<()> {
    let key = aws::item_to_sdk(&parse_item(key.as_bytes())?);
    let delete = stack.clients.dynamodb().delete_item().table_name(table);
    delete.set_key(Some(key)).send().await?;
    Ok(())
}

/// Makes the views of a table and gives the outcome of each: `<t>`, then `<t>__history`.
async fn make(stack: &Stack, table: &str) -> Result<[String; 2]> {
    let made = stack.invoke(&stack.backup_function, &json!({"views": [table]})).await?;
    outcomes(&made["views"][table])
}

fn outcomes(views: &Value) -> Result<[String; 2]> {
    let step = |number: usize| {
        let outcome = views[number]["outcome"].as_str();
        outcome.map(str::to_owned).with_context(|| format!("an outcome of {views}"))
    };
    Ok([step(0)?, step(1)?])
}

/// The answer's rows, each as a line, sorted.
async fn lines(stack: &Stack, sql: &str) -> Result<Vec<String>> {
    let line = |row: Vec<Option<String>>| row.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = stack.query(sql).await?.into_iter().map(line).collect();
    lines.sort();
    Ok(lines)
}

/// The hashes of a table's items as `_hash` has them.
async fn hashes(stack: &Stack, table: &str) -> Result<Vec<String>> {
    let items = stack.items(table).await?;
    let hash = |text: &String| item::hash_canonical(text).cast_signed().to_string();
    let mut hashes: Vec<String> = items.iter().map(hash).collect();
    hashes.sort();
    Ok(hashes)
}

const LIVES: [&str; 7] = [
    r#"{"pk":{"N":"1"},"n":{"N":"7"},"ns":{"NS":["1","2"]}}"#,
    r#"{"pk":{"N":"2.5"},"n":{"N":"7.5"},"ns":{"NS":["0.5"]},"s":{"S":"gone soon"}}"#,
    r#"{"pk":{"N":"2.50"},"n":{"N":"8.25"},"ns":{"NS":["0.5","1"]}}"#,
    r#"{"pk":{"N":"3"},"n":{"S":"deleted"}}"#,
    r#"{"pk":{"N":"4"},"n":{"S":"inserted again"}}"#,
    r#"{"pk":{"N":"1"},"n":{"N":"12345678901234567890123456789012345678"},"m":{"M":{"x":{"NULL":true}}}}"#,
    r#"{"pk":{"N":"5"},"n":{"N":"-9"}}"#,
];

#[tokio::test]
async fn the_views_show_the_table_and_are_made_once() -> Result<()> {
    let _one = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let t = "e2e-Views";
    table(&stack, t, r#"{"pk":0}"#).await?;
    put(&stack, t, &LIVES).await?;
    delete(&stack, t, r#"{"pk":{"N":"3"}}"#).await?;
    delete(&stack, t, r#"{"pk":{"N":"4"}}"#).await?;
    put(&stack, t, &LIVES[4..5]).await?;
    let changes = stack.until_lake_equals_table(t).await?;

    assert_eq!(make(&stack, t).await?, ["done", "done"]);
    let current = "SELECT \"_hash\" FROM \"e2e_views\"";
    assert_eq!(lines(&stack, current).await?, hashes(&stack, t).await?);
    let numbers = "SELECT pk, n FROM e2e_views WHERE n IS NOT NULL";
    let expected = ["1.0 1.2345678901234568E37", "2.5 8.25", "5.0 -9.0"];
    assert_eq!(lines(&stack, numbers).await?, expected);
    let history = "SELECT \"_stream\", \"_seq\" FROM e2e_views__history";
    let mut versions: Vec<String> =
        changes.rows.iter().map(|row| format!("{} {}", row.stream, row.seq)).collect();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), 11);
    assert_eq!(lines(&stack, history).await?, versions);

    // Files that overlap change nothing.
    for key in stack.objects(&stack.lake, &format!("changes/{t}/")).await?.keys() {
        let copy = key.replace(".parquet", "-again.parquet");
        let source = format!("{}/{key}", stack.lake);
        let copied = stack.clients.s3().copy_object().bucket(&stack.lake).key(copy);
        copied.copy_source(source).send().await?;
    }
    assert_eq!(stack.changes(t).await?.rows.len(), 2 * changes.rows.len());
    assert_eq!(lines(&stack, current).await?, hashes(&stack, t).await?);
    assert_eq!(lines(&stack, history).await?, versions);

    // Nothing changed: no statement. A new column: both anew. One dropped: that one is made again.
    let statements = stack.statements().await?;
    assert_eq!(make(&stack, t).await?, ["alreadySo", "alreadySo"]);
    assert_eq!(stack.statements().await?, statements);
    put(&stack, t, &[r#"{"pk":{"N":"6"},"later":{"S":"x"}}"#]).await?;
    stack.until_lake_equals_table(t).await?;
    assert_eq!(make(&stack, t).await?, ["done", "done"]);
    assert_eq!(stack.statements().await?, statements + 2);
    assert_eq!(lines(&stack, "SELECT later FROM e2e_views WHERE pk = 6").await?, ["x"]);
    stack.query("DROP VIEW e2e_views__history").await?;
    assert_eq!(make(&stack, t).await?, ["alreadySo", "done"]);
    assert_eq!(lines(&stack, history).await?.len(), versions.len() + 1);
    Ok(())
}

#[tokio::test]
async fn a_table_created_anew_has_none_of_the_former_items() -> Result<()> {
    let _one = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let t = "e2e-views-anew";
    table(&stack, t, r#"{"pk":"former"}"#).await?;
    stack.until_lake_equals_table(t).await?;
    let former = describe(&stack, t).await?;
    make(&stack, t).await?;
    let current = "SELECT pk FROM e2e_views_anew";
    assert_eq!(lines(&stack, current).await?, ["former"]);

    stack.clients.dynamodb().delete_table().table_name(t).send().await?;
    until("the table to be gone", async || {
        let gone = aws::table::describe(stack.clients.dynamodb(), t).await?.is_none();
        // The lineage is told by the second.
        let second = aws::clock::now().as_second();
        let created =
            former.creation_date_time().map_or(0, aws::sdk::dynamodb::primitives::DateTime::secs);
        Ok((gone && second > created + 1).then_some(()))
    })
    .await?;
    table(&stack, t, r#"{"pk":"of now"}"#).await?;
    until("the new table's change", async || {
        let items = stack.changes(t).await?.items();
        Ok((items.len() == 2).then_some(()))
    })
    .await?;
    assert_eq!(make(&stack, t).await?, ["done", "alreadySo"]);
    assert_eq!(lines(&stack, current).await?, ["of now"]);
    assert_eq!(
        lines(&stack, "SELECT pk FROM e2e_views_anew__history").await?,
        ["former", "of now"]
    );
    Ok(())
}

async fn describe(stack: &Stack, table: &str) -> Result<TableDescription> {
    let described = aws::table::describe(stack.clients.dynamodb(), table).await?;
    described.with_context(|| format!("{table} is there"))
}

#[tokio::test]
async fn hostile_names() -> Result<()> {
    let _one = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let t = "select.E2E-from";
    table(&stack, t, r#"{"pk":"a"}"#).await?;
    let item = r#"{"pk":{"S":"b"},"a\"b'c;--":{"S":"quotes"},"select":{"S":"reserved"},"_key":{"S":"meta"},
        "größe":{"N":"1"},"Größe":{"N":"2.5"},"*/ DROP TABLE x":{"S":"comment"}}"#;
    put(&stack, t, &[item]).await?;
    stack.until_lake_equals_table(t).await?;
    assert_eq!(make(&stack, t).await?, ["done", "done"]);
    let columns = r#""a_b_c___", "select", "c_key", "gr__e", "gr__e_2", "c____drop_table_x""#;
    for view in ["select_e2e_from", "select_e2e_from__history"] {
        let rows = stack.query(&format!("SELECT {columns} FROM \"{view}\" WHERE pk = 'b'")).await?;
        let row: Vec<&str> = rows[0].iter().map(|cell| cell.as_deref().unwrap_or("null")).collect();
        assert_eq!(row[..3], ["quotes", "reserved", "meta"]);
        assert_eq!((rows.len(), row[5]), (1, "comment"));
        // Which of the two came first is not said.
        let mut sizes = [row[3], row[4]];
        sizes.sort_unstable();
        assert_eq!(sizes, ["1", "2.5"]);
    }
    Ok(())
}

#[tokio::test]
async fn what_someone_else_called_so_is_left_alone_and_nothing_else_suffers() -> Result<()> {
    let _one = ONE_AT_A_TIME.lock().await;
    let stack = Stack::of_environment();
    let t = "e2e-foreign";
    table(&stack, t, r#"{"pk":"a"}"#).await?;
    let location = format!("s3://{}/elsewhere/", stack.landing);
    let storage = StorageDescriptor::builder().location(location).build();
    let input = TableInput::builder().name("e2e_foreign").table_type("EXTERNAL_TABLE");
    let input = input.storage_descriptor(storage).build()?;
    let create = stack.clients.glue().create_table().database_name(&stack.database);
    create.table_input(input).send().await?;

    let run = json!({"scheduledTime": "2026-11-18T03:00:00Z", "tables": [t]});
    let report = stack.invoke(&stack.backup_function, &run).await?;
    let tables = report["tables"].as_array().context("a report has tables")?;
    let report = tables.iter().find(|entry| entry["table"] == t).context("the table's report")?;
    assert_eq!(outcomes(&report["views"])?, ["leftAlone", "done"]);
    assert!(report["backupArn"].is_string() && report["exportArn"].is_string(), "{report}");
    let found = stack.clients.glue().get_table().database_name(&stack.database).name("e2e_foreign");
    let found = found.send().await?.table;
    assert_eq!(found.and_then(|table| table.table_type).as_deref(), Some("EXTERNAL_TABLE"));
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_not_enrolled_is_refused_with_what_to_do() -> Result<()> {
    let stack = Stack::of_environment();
    let refused = async |tables: Value| {
        let made = stack.invoke(&stack.backup_function, &json!({"views": tables})).await;
        made.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let missing = refused(json!(["e2e-nowhere"])).await;
    assert!(missing.contains("e2e-nowhere: there is no such table"), "{missing}");
    let not_a_list = refused(json!("e2e-nowhere")).await;
    assert!(not_a_list.contains("expected names of tables"), "{not_a_list}");
    Ok(())
}
