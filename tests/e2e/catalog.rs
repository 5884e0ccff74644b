//! The catalog as registry: many writers, columns of users, tables whose names collide or come again.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use end_to_end::{Stack, inserts, until};
use item::{canonical, format::dynamodb_json::parse_item};
use lake::{Column, ColumnType, Registry};
use serde_json::json;
use tokio::task::JoinSet;

const LABEL: &str = "2026-11-22T15:00:00.000";

/// Gives the stream function an event of these items.
async fn write(stack: &Stack, table: &str, first: u64, items: &[String]) -> Result<()> {
    let event = inserts(table, LABEL, first, items)?;
    let answer = stack.invoke(&stack.stream_function, &event).await?;
    anyhow::ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
    Ok(())
}

fn sorted(registry: &Registry) -> Vec<Column> {
    let mut columns = registry.columns().to_vec();
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    columns
}

/// What writer number `n` of the sixteen brings: attributes of its own, attributes that others bring
/// too, and one whose kind differs from writer to writer.
fn items_of_writer(n: u64) -> Vec<String> {
    let mixed = [r#"{"N":"1"}"#, r#"{"N":"0.5"}"#, r#"{"S":"x"}"#, r#"{"SS":["x"]}"#];
    let mixed = mixed[usize::try_from(n % 4).unwrap_or_default()];
    vec![
        format!(r#"{{"pk":{{"S":"{n}-a"}},"own {n}":{{"N":"{n}"}},"mixed":{mixed}}}"#),
        format!(r#"{{"pk":{{"S":"{n}-b"}},"own-{n}":{{"S":"{n}"}},"shared":{{"BOOL":true}}}}"#),
        format!(r#"{{"pk":{{"S":"{n}-c"}},"OWN {n}":{{"S":"{n}"}},"Shared":{{"L":[]}}}}"#),
    ]
}

#[tokio::test]
async fn sixteen_writers_at_once_bring_new_attributes_and_none_is_lost() -> Result<()> {
    const WRITERS: u64 = 16;
    let stack = Stack::of_environment();
    let table = "e2e-writers";
    stack.make_catalog_table(table).await?;

    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let stack = stack.clone();
        writers.spawn(async move { write(&stack, table, n * 100 + 1, &items_of_writer(n)).await });
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }

    // Every value is there.
    let mut expected = Vec::new();
    for item in (0..WRITERS).flat_map(items_of_writer) {
        expected.push(canonical(&parse_item(item.as_bytes())?));
    }
    expected.sort();
    assert_eq!(stack.changes(table).await?.items(), expected);

    // There is one column for each attribute and kind, and no name twice.
    let registry = stack.registry(table).await?;
    let columns = registry.columns();
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let kept = |column: &Column| (column.attribute.clone(), format!("{:?}", column.holds));
    let kinds: BTreeSet<_> = columns.iter().map(kept).collect();
    let of_all = ["pk", "shared", "Shared"].len() + ["bigint", "double", "string", "set"].len();
    let expected = of_all + 3 * usize::try_from(WRITERS)?;
    assert_eq!((columns.len(), names.len(), kinds.len()), (expected, expected, expected));

    // And every writer's file has its values there: nothing had to travel in `_rest`.
    assert_eq!(sorted(&stack.registry_of_files(table).await?), sorted(&registry));
    Ok(())
}

#[tokio::test]
async fn columns_of_users_are_filled_where_values_convert_exactly() -> Result<()> {
    /// Name, type and parameters of a column.
    type Added = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
    let stack = Stack::of_environment();
    let table = "e2e-added";
    let catalog_table = stack.make_catalog_table(table).await?;
    // A warm function knows the table before the columns come, and looks again for the next attribute.
    write(&stack, table, 1, &[r#"{"pk":{"S":"0"},"price":{"N":"1"}}"#.to_owned()]).await?;
    let added: [Added; 4] = [
        ("price_eur", "decimal(12,2)", &[("headwater.attribute", "price")]),
        ("seen", "timestamp", &[("headwater.attribute", "seen_at")]),
        ("expires", "timestamp", &[("headwater.attribute", "ttl"), ("headwater.epoch", "seconds")]),
        ("day", "date", &[("headwater.attribute", "due")]),
    ];
    for (column, type_text, parameters) in added {
        stack.add_column(&catalog_table, column, type_text, parameters).await?;
    }
    let items = [
        r#"{"pk":{"S":"1"},"price":{"N":"12.5"},"seen_at":{"S":"2026-11-22T16:00:00+01:00"},"ttl":{"N":"1795359600"},"due":{"S":"2026-12-24"}}"#,
        r#"{"pk":{"S":"2"},"price":{"S":"0.05"},"seen_at":{"S":"2026-11-22T15:00:00.250Z"}}"#,
        r#"{"pk":{"S":"3"},"price":{"N":"0.125"},"seen_at":{"S":"yesterday"},"ttl":{"N":"0.5"},"due":{"S":"2026-02-30"}}"#,
        r#"{"pk":{"S":"4"},"price":{"N":"10000000000"},"seen_at":{"N":"1795359600"},"due":{"N":"20261224"}}"#,
    ];
    write(&stack, table, 11, &items.map(str::to_owned)).await?;

    let sql = format!(
        r#"SELECT pk, CAST(price_eur AS varchar), CAST(seen AS varchar), CAST(expires AS varchar), CAST(day AS varchar)
           FROM "{catalog_table}" ORDER BY pk"#
    );
    let rows = stack.query(&sql).await?;
    let text = |row: &Vec<Option<String>>| {
        let cells = row.iter().map(|cell| cell.as_deref().filter(|cell| !cell.is_empty()));
        cells.map(|cell| cell.unwrap_or("-")).collect::<Vec<_>>().join(" | ")
    };
    let rows: Vec<String> = rows.iter().map(text).collect();
    assert!(rows[0].starts_with("0 | - | - | - | -"), "from before the columns: {rows:?}");
    assert!(rows[1].starts_with("1 | 12.50 | 2026-11-22 15:00:00"), "{rows:?}");
    assert!(rows[1].contains("| 2026-11-22 15:00:00") && rows[1].ends_with("| 2026-12-24"));
    assert!(rows[2].starts_with("2 | 0.05 | 2026-11-22 15:00:00.25"), "{rows:?}");
    assert_eq!(rows[3..], ["3 | - | - | - | -", "4 | - | - | - | -"]);

    // The files say what the columns are filled from, and items are rebuilt without them.
    let columns = stack.registry_of_files(table).await?;
    let is_added = |column: &&Column| matches!(column.holds, ColumnType::Added(_));
    assert_eq!(columns.columns().iter().filter(is_added).count(), added.len());
    let items = stack.changes(table).await?.items();
    assert!(items.contains(&canonical(&parse_item(
        r#"{"pk":{"S":"3"},"price":{"N":"0.125"},"seen_at":{"S":"yesterday"},"ttl":{"N":"0.5"},"due":{"S":"2026-02-30"}}"#.as_bytes()
    )?)));
    Ok(())
}

#[tokio::test]
async fn tables_that_become_one_name_keep_columns_and_files_apart() -> Result<()> {
    let stack = Stack::of_environment();
    let tables = ["e2e-col.a", "e2e-col-a", "e2e_col_a"];
    let mut names = BTreeMap::new();
    for (table, value) in tables.iter().zip([r#"{"N":"1"}"#, r#"{"S":"x"}"#, r#"{"BOOL":true}"#]) {
        names.insert(stack.make_catalog_table(table).await?, *table);
        write(&stack, table, 1, &[format!(r#"{{"pk":{{"S":"1"}},"v":{value}}}"#)]).await?;
    }
    let expected = ["e2e_col_a_2__changes", "e2e_col_a_3__changes", "e2e_col_a__changes"];
    assert_eq!(names.keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    let mut types = BTreeSet::new();
    for (name, table) in &names {
        let (type_text, ..) = stack.glue_columns(name).await?.remove("v").context("column v")?;
        types.insert(type_text);
        let location = stack.glue_table(name).await?.storage_descriptor;
        let location = location.and_then(|storage| storage.location).unwrap_or_default();
        assert_eq!(location, format!("s3://{}/changes/{table}/", stack.lake));
        assert_eq!(stack.changes(table).await?.rows.len(), 1, "{table}");
    }
    assert_eq!(types.len(), tables.len(), "{types:?}");
    Ok(())
}

/// Its registry goes on: a column's type must not change while old files are there.
#[tokio::test]
async fn a_table_that_is_created_anew_keeps_its_columns() -> Result<()> {
    let stack = Stack::of_environment();
    let (table, name) = ("e2e-anew", "e2e-anew.jsonl");
    let report = stack.import(name, r#"{"pk":"a","n":1}"#, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    stack.until_lake_equals_table(table).await?;
    let before = stack.registry(table).await?;

    stack.clients.dynamodb().delete_table().table_name(table).send().await?;
    until("the table to be gone", async || {
        Ok(aws::table::describe(stack.clients.dynamodb(), table).await?.is_none().then_some(()))
    })
    .await?;
    let report = stack.import(name, r#"{"pk":"b","n":"text"}"#, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    until("the new table's item to reach the lake", async || {
        let items = stack.changes(table).await?.items();
        Ok(items.contains(&r#"{"n":{"S":"text"},"pk":{"S":"b"}}"#.to_owned()).then_some(()))
    })
    .await?;
    let after = stack.registry(table).await?;
    let (kept, added) = after.columns().split_at(before.columns().len());
    assert_eq!(kept, before.columns());
    let added: Vec<&str> = added.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(added, ["n__string"]);
    let streams: BTreeSet<String> =
        stack.changes(table).await?.rows.into_iter().map(|row| row.stream).collect();
    assert_eq!(streams.len(), 2, "{streams:?}");
    Ok(())
}
