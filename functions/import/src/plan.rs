//! From an object's name to the table it becomes: pure.
//!
//! | key | plan |
//! |---|---|
//! | `imports/orders.csv`, `.tsv`, `.csv.gz` | table `orders`, delimited text |
//! | `imports/orders.jsonl`, `.ndjson`, `.json`, `.gz` | table `orders`, JSON lines or DynamoDB JSON, told apart by the first row |
//! | `imports/orders/part-1.csv` | nothing yet: a folder waits for its `_import.json` |
//! | `imports/` | nothing: a folder's marker |
//! | anything else under `imports/` | refused, with the reason |

use item::limits::TableName;

/// Where imports are dropped.
pub(crate) const PREFIX: &str = "imports/";

/// What an object is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A table of its own.
    Table {
        /// The table's name.
        table: TableName,
        /// What its name says it holds.
        content: Content,
    },
    /// Nothing, and nobody needs to be told.
    Nothing,
    /// Nothing, and why.
    Refused {
        /// A name to report under, safe in a key.
        name: String,
        /// What was expected and found.
        reason: String,
    },
}

/// What an object's name says it holds. Compression is seen in the bytes, not in the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON value per line: plain, or DynamoDB JSON.
    Json,
}

/// Plans for a key; `prefix` is what table names must begin with.
pub(crate) fn plan(key: &str, prefix: &str) -> Plan {
    let Some(name) = key.strip_prefix(PREFIX) else {
        return Plan::Nothing;
    };
    let file = name.rsplit('/').next().unwrap_or_default();
    if file == "_import.json" {
        let reason = "a folder with a manifest (_import.json) cannot be imported by this version; \
                      drop its objects one by one as imports/<table>.<format>";
        return refused(name, reason.to_owned());
    }
    if name.is_empty() || name.contains('/') {
        return Plan::Nothing;
    }
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    let Some((table, content)) = split_content(stem) else {
        let reason = format!(
            "the name {name:?} does not end in .csv, .tsv, .jsonl, .ndjson or .json (or one of \
             these and .gz), so its format is not known; name it imports/<table>.<format>"
        );
        return refused(name, reason);
    };
    match table.parse::<TableName>() {
        Ok(table) if table.as_str().starts_with(prefix) => Plan::Table { table, content },
        Ok(_) => refused(
            name,
            format!(
                "the table name {table:?} does not begin with {prefix:?}, which this stack is limited to (TablePrefix)"
            ),
        ),
        Err(error) => refused(name, format!("{error}; name the object imports/<table>.<format>")),
    }
}

fn split_content(stem: &str) -> Option<(&str, Content)> {
    let (table, extension) = stem.rsplit_once('.')?;
    let content = match extension.to_ascii_lowercase().as_str() {
        "csv" => Content::Csv,
        "tsv" => Content::Tsv,
        "jsonl" | "ndjson" | "json" => Content::Json,
        _ => return None,
    };
    Some((table, content))
}

fn refused(name: &str, reason: String) -> Plan {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' }
    };
    Plan::Refused { name: name.chars().map(safe).take(200).collect(), reason }
}

/// Names one writing of one object, so that its retries and late duplicates are recognised.
pub(crate) fn import_id(bucket: &str, key: &str, writing: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(format!("{bucket}/{key}#{writing}").as_bytes());
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(key: &str) -> String {
        match plan(key, "prod") {
            Plan::Table { table, content } => format!("table {table} from {content:?}"),
            Plan::Nothing => "nothing".to_owned(),
            Plan::Refused { name, reason } => format!("refused as {name}: {reason}"),
        }
    }

    #[test]
    fn a_key_says_table_and_content() {
        let check = |key: &str, expected: &str| assert_eq!(planned(key), expected, "{key}");
        check("imports/prod-orders.csv", "table prod-orders from Csv");
        check("imports/prod.v2.TSV.gz", "table prod.v2 from Tsv");
        check("imports/prod.jsonl", "table prod from Json");
        check("imports/prod.ndjson.gz", "table prod from Json");
        check("imports/prod.json", "table prod from Json");
    }

    #[test]
    fn what_is_no_import_is_nothing() {
        let check = |key: &str| assert_eq!(planned(key), "nothing", "{key}");
        check("reports/prod.csv");
        check("imports/");
        check("imports/prod/");
        check("imports/prod/part-1.csv");
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        insta::assert_snapshot!(planned("imports/prod.parquet"), @r#"refused as prod.parquet: the name "prod.parquet" does not end in .csv, .tsv, .jsonl, .ndjson or .json (or one of these and .gz), so its format is not known; name it imports/<table>.<format>"#);
        insta::assert_snapshot!(planned("imports/prod"), @r#"refused as prod: the name "prod" does not end in .csv, .tsv, .jsonl, .ndjson or .json (or one of these and .gz), so its format is not known; name it imports/<table>.<format>"#);
        insta::assert_snapshot!(planned("imports/prod orders.csv"), @r#"refused as prod-orders.csv: "prod orders" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>"#);
        insta::assert_snapshot!(planned("imports/test.csv"), @r#"refused as test.csv: the table name "test" does not begin with "prod", which this stack is limited to (TablePrefix)"#);
        insta::assert_snapshot!(planned("imports/prod/_import.json"), @"refused as prod-_import.json: a folder with a manifest (_import.json) cannot be imported by this version; drop its objects one by one as imports/<table>.<format>");
    }

    #[test]
    fn an_import_is_named_by_the_writing_of_its_object() {
        let first = import_id("bucket", "imports/a.csv", "version-1");
        assert_eq!(first, import_id("bucket", "imports/a.csv", "version-1"));
        assert_ne!(first, import_id("bucket", "imports/a.csv", "version-2"));
        assert_eq!(first.len(), 32);
    }
}
