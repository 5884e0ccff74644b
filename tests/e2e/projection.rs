//! Athena finds a file only where a table's projection leads, and the local Athena does not look.
//!
//! So this expands the projection of every table as Athena documents it, with none of the lake's code,
//! and looks for each object that the tests before it wrote. It comes last.
//!
//! Source: [partition projection](https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result, ensure};
use end_to_end::Stack;
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::json;

/// The folders that a table's projection leads to.
fn expanded(parameters: &HashMap<String, String>, today: Date) -> Result<BTreeSet<String>> {
    let parameter = |key: &str| {
        let value = parameters.get(key).map(String::as_str);
        value.with_context(|| format!("parameter {key} of {parameters:?}"))
    };
    for (key, expected) in [
        ("projection.enabled", "true"),
        ("projection.dt.type", "date"),
        ("projection.dt.format", "yyyy-MM-dd"),
        ("projection.dt.interval", "1"),
        ("projection.dt.interval.unit", "DAYS"),
    ] {
        ensure!(parameter(key)? == expected, "{key} is {}", parameter(key)?);
    }
    let (first, last) = parameter("projection.dt.range")?.split_once(',').context("a range")?;
    ensure!(last == "NOW", "the range ends with {last}");
    let template = parameter("storage.location.template")?;
    ensure!(template.ends_with("/dt=${dt}/"), "{template}");
    let mut folders = BTreeSet::new();
    let mut day: Date = first.parse()?;
    while day <= today {
        folders.insert(template.replace("${dt}", &day.to_string()));
        day = day.checked_add(1.day())?;
    }
    Ok(folders)
}

/// The projections of the tables over changes, by the DynamoDB table.
async fn projections(stack: &Stack, today: Date) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut projections = BTreeMap::new();
    let tables = stack.clients.glue().get_tables().database_name(&stack.database);
    let mut pages = tables.into_paginator().send();
    while let Some(page) = pages.try_next().await? {
        for table in page.table_list() {
            let parameters = table.parameters().cloned().unwrap_or_default();
            let Some(of) =
                parameters.get("headwater.table").filter(|_| is_over_changes(table.name()))
            else {
                continue;
            };
            let folders = expanded(&parameters, today).with_context(|| table.name().to_owned())?;
            projections.insert(of.clone(), folders);
        }
    }
    Ok(projections)
}

fn is_over_changes(name: &str) -> bool {
    name.ends_with("__changes")
}

#[tokio::test]
async fn every_file_of_the_tests_is_where_its_own_table_leads() -> Result<()> {
    let stack = Stack::of_environment();
    let objects = stack.objects(&stack.lake, "changes/").await?;
    let folders: BTreeMap<&str, BTreeSet<&str>> = objects
        .keys()
        .filter_map(|key| {
            let (folder, _) = key.rsplit_once('/')?;
            // A table whose name an engine would take for hidden has `!` before it.
            Some((key.split('/').nth(1)?.trim_start_matches('!'), folder))
        })
        .fold(BTreeMap::new(), |mut tables, (table, folder)| {
            tables.entry(table).or_insert_with(BTreeSet::new).insert(folder);
            tables
        });
    ensure!(folders.len() > 10, "the other end to end tests run before this one: {folders:?}");

    // Tests that gave the stream function events of no table have files and no catalog table yet.
    let today = aws::clock::now().to_zoned(TimeZone::UTC).date();
    let known = projections(&stack, today).await?;
    let unknown: Vec<&str> =
        folders.keys().filter(|table| !known.contains_key(**table)).copied().collect();
    if !unknown.is_empty() {
        let event = json!({ "rebuildCatalog": unknown });
        stack.invoke(&stack.backup_function, &event).await?;
    }

    let projections = projections(&stack, today).await?;
    for (table, folders) in &folders {
        for folder in folders {
            let folder = format!("s3://{}/{folder}/", stack.lake);
            let leading: Vec<&String> = projections
                .iter()
                .filter(|(_, projected)| projected.contains(&folder))
                .map(|(of, _)| of)
                .collect();
            assert_eq!(leading, [table], "tables that lead to {folder}");
        }
    }
    Ok(())
}
