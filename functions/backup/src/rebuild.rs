//! At a person's word: catalog tables are made anew, or completed, from the footers of their files.
//!
//! `{"rebuildCatalog": ["orders"]}` does for a table what a scheduled run does where the catalog table is
//! missing, and also completes one that is there. It needs no DynamoDB table: the files may have
//! outlived it.

use anyhow::{anyhow, ensure};
use aws::{
    Clients,
    catalog::{self, Lake, Restored},
    clock, enrolment,
};
use lambda_runtime::Error;
use serde::Serialize;
use serde_json::Value;

use crate::Settings;

/// What was done for one table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rebuilt {
    /// The catalog table.
    catalog_table: String,
    /// Whether it was made now.
    created: bool,
    /// Files whose footers were read.
    files: usize,
    /// Names of the columns that they brought.
    columns: Vec<String>,
    /// What a person should look at.
    drift: Vec<String>,
}

/// Rebuilds the catalog tables of the DynamoDB tables that an event names, and gives a report of each.
///
/// Fails after every table has had its turn if any of them failed.
pub(crate) async fn run(
    clients: &Clients,
    settings: &Settings,
    tables: &Value,
) -> Result<Value, Error> {
    let tables = names(tables, &settings.table_prefix)?;
    let mut rebuilt = serde_json::Map::new();
    let mut failures = Vec::new();
    for table in tables {
        match rebuild(clients, settings, &table).await {
            Ok(report) => {
                rebuilt.insert(table, serde_json::to_value(report)?);
            }
            Err(failure) => {
                tracing::error!(table, %failure, "catalog table not rebuilt");
                failures.push(format!("{table}: {failure}"));
            }
        }
    }
    if failures.is_empty() {
        return Ok(serde_json::json!({ "rebuiltCatalog": rebuilt }));
    }
    Err(failures.join("; ").into())
}

fn names(tables: &Value, prefix: &str) -> anyhow::Result<Vec<String>> {
    let expected = r#"expected names of tables: {"rebuildCatalog": ["orders"]}"#;
    let names: Option<Vec<&str>> =
        tables.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
    let names = names.ok_or_else(|| anyhow!("rebuildCatalog is {tables}; {expected}"))?;
    ensure!(!names.is_empty(), "rebuildCatalog names no table; {expected}");
    for name in &names {
        ensure!(
            name.starts_with(prefix),
            "the table name {name:?} does not begin with {prefix:?}, which this stack is limited to (TablePrefix)"
        );
        // Such as `!_orders`, which is the folder of `_orders`: two catalog tables would lead there.
        let is_of_tables = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        ensure!(
            name.chars().all(is_of_tables),
            "no table can be called {name:?}: expected letters, digits, _, . and -"
        );
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

async fn rebuild(clients: &Clients, settings: &Settings, table: &str) -> anyhow::Result<Rebuilt> {
    let bucket = &settings.enrolment.lake_bucket;
    let database = &settings.enrolment.database;
    let there = catalog::find(clients.glue(), database, table).await?;
    if there.is_none() {
        // A name that was mistyped would become an empty catalog table.
        let any = aws::footer::has_changes(clients.s3(), bucket, table).await?;
        let prefix = lake::path::changes(table);
        ensure!(any, "there is no file below s3://{bucket}/{prefix}: is the table's name right?");
    }
    let lake = Lake { database, bucket };
    let ensured = catalog::rebuild(clients, lake, table, clock::now()).await?;
    let drift = enrolment::to_look_at(&ensured);
    let Restored { files, columns, .. } = ensured.restored.unwrap_or_default();
    tracing::info!(table, catalog_table = ensured.name, files, columns = columns.len(), "rebuilt");
    Ok(Rebuilt { catalog_table: ensured.name, created: ensured.created, files, columns, drift })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_names_tables_of_this_stack_or_is_refused() {
        let sample = include_str!("../../../events/backup-rebuild-catalog.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        assert_eq!(names(&sample["rebuildCatalog"], "").unwrap(), ["planes"]);
        let asked = names(&json!(["prod-orders", "prod-planes"]), "prod-").unwrap();
        assert_eq!(asked, ["prod-orders", "prod-planes"]);
        let refused = |tables: Value| names(&tables, "prod-").unwrap_err().to_string();
        insta::assert_snapshot!(refused(json!("prod-orders")), @r#"rebuildCatalog is "prod-orders"; expected names of tables: {"rebuildCatalog": ["orders"]}"#);
        insta::assert_snapshot!(refused(json!(["prod-orders", 1])), @r#"rebuildCatalog is ["prod-orders",1]; expected names of tables: {"rebuildCatalog": ["orders"]}"#);
        insta::assert_snapshot!(refused(json!([])), @r#"rebuildCatalog names no table; expected names of tables: {"rebuildCatalog": ["orders"]}"#);
        insta::assert_snapshot!(refused(json!(["prod-!_orders"])), @r#"no table can be called "prod-!_orders": expected letters, digits, _, . and -"#);
        insta::assert_snapshot!(refused(json!(["orders"])), @r#"the table name "orders" does not begin with "prod-", which this stack is limited to (TablePrefix)"#);
    }
}
