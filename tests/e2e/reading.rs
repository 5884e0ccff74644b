//! The queries of docs/reading.md, asked as they stand there.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use end_to_end::{Stack, hour, until};
use item::format::dynamodb_json::parse_item;
use serde_json::json;

const TABLE: &str = "e2e-reading";
/// Those that the page names.
const SNAPSHOT: &str = "20261122T030000Z";
const WINDOW_END: &str = "20261122T151500Z";

/// The name of the one note in a folder of the table's, once it is there.
async fn finished(stack: &Stack, folder: &str) -> Result<String> {
    let prefix = format!("state/snapshot/{TABLE}/{folder}/");
    until(&prefix, async || {
        let keys = stack.objects(&stack.lake, &prefix).await?;
        let name =
            keys.keys().next().and_then(|key| key.strip_prefix(&prefix)?.strip_suffix(".json"));
        Ok(name.map(str::to_owned))
    })
    .await
}

/// The page's queries in their order, on a table that `import` made as the quick start does and that has lived a little.
#[tokio::test]
async fn every_query_of_the_page_gives_an_answer() -> Result<()> {
    let stack = Stack::of_environment();
    let csv = "tailnum,manufacturer,seats\nN10156,EMBRAER,55\nN103US,AIRBUS INDUSTRIE,182\nN104UW,AIRBUS INDUSTRIE,182\n";
    let report = stack.import(&format!("{TABLE}.csv"), csv, &[]).await?;
    anyhow::ensure!(report["status"] == "finished", "{report}");
    let changed = [
        r#"{"tailnum":{"S":"N10156"},"manufacturer":{"S":"EMBRAER"},"seats":{"N":"50"},"serial":{"N":"12345678901234567890123456789012345678"},"engines":{"L":[{"M":{"type":{"S":"Turbo-fan"},"hours":{"N":"1200"}}}]},"routes":{"SS":["EWR","ORD"]}}"#,
    ];
    for item in changed {
        stack.put(TABLE, &parse_item(item.as_bytes())?).await?;
    }
    let gone = aws::item_to_sdk(&parse_item(br#"{"tailnum":{"S":"N104UW"}}"#)?);
    let delete = stack.clients.dynamodb().delete_item().table_name(TABLE);
    delete.set_key(Some(gone)).send().await?;
    stack.until_changes(TABLE, 5).await?;
    stack.export_window(TABLE, hour().await?).await?;
    stack.export(TABLE, "by-hand").await?;
    let snapshot = finished(&stack, "finished").await?;
    let increment = finished(&stack, "increments/finished").await?;
    let (_, window_end) = increment.split_once('_').context("a window")?;
    stack.invoke(&stack.backup_function, &json!({"views": [TABLE]})).await?;

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reading.md");
    let page = fs::read_to_string(page)?;
    let mut answers = Vec::new();
    for query in page.split("```sql\n").skip(1) {
        let query = query.split("```").next().context("a block that ends")?;
        let query = query.replace("planes", "e2e_reading");
        let query = query.trim().trim_end_matches(';');
        // The snapshot and the increment that are there.
        let asked = query.replace(SNAPSHOT, &snapshot).replace(WINDOW_END, window_end);
        let rows = stack.query(&asked).await.with_context(|| asked.clone())?;
        answers.push(query.lines().next().unwrap_or_default().to_owned());
        answers.extend(rows.into_iter().map(told));
        answers.push(String::new());
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
        SELECT manufacturer, count(*) AS e2e_reading, avg(seats) AS seats FROM e2e_reading GROUP BY manufacturer ORDER BY manufacturer
        AIRBUS INDUSTRIE | 1 | 182.0
        EMBRAER | 1 | 50.0

        SELECT "_op", "_by", seats FROM e2e_reading__history
        INSERT | user | 55
        MODIFY | user | 50

        SELECT tailnum, manufacturer, seats FROM (
        N10156 | EMBRAER | 50
        N103US | AIRBUS INDUSTRIE | 182

        SELECT tailnum, seats FROM e2e_reading__snapshot WHERE snapshot = '20261122T030000Z' ORDER BY tailnum
        N10156 | 50
        N103US | 182

        SELECT dt, "_op", count(*) AS changes FROM e2e_reading__history
        (a time) | INSERT | 3
        (a time) | MODIFY | 1
        (a time) | REMOVE | 1

        SELECT p.tailnum, h.seats AS once, p.seats AS now
        N10156 | 55 | 50

        SELECT "_op", count(*) AS items FROM e2e_reading__increments
        INSERT | 2

        SELECT tailnum, coalesce(json_extract_scalar("_rest", '$.serial.N'), cast(serial AS varchar)) AS serial
        N10156 | 12345678901234567890123456789012345678

        SELECT tailnum, json_extract_scalar(engines, '$[0].type') AS engine, cardinality(routes) AS routes
        N10156 | Turbo-fan | 2
        "#);
    Ok(())
}

/// A row of an answer. When it was asked is not in it.
fn told(row: Vec<Option<String>>) -> String {
    let cell = |cell: Option<String>| match cell {
        None => "-".to_owned(),
        Some(text) if text.parse::<jiff::civil::Date>().is_ok() => "(a time)".to_owned(),
        Some(text) => text,
    };
    row.into_iter().map(cell).collect::<Vec<_>>().join(" | ")
}
