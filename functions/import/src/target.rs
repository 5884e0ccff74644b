//! From an object's key to the table it becomes: pure.
//!
//! | key | target |
//! |---|---|
//! | `imports/orders.csv`, also `.gz` or `.zst` | table `orders`, from this one object |
//! | `imports/orders/_import.json` | table `orders`, from every other object in that folder |
//! | `imports/orders/part-1.csv` | nothing yet: a folder waits for its `_import.json` |
//! | `imports/….rejects.jsonl`, also compressed | the table the mended rows were rejected from |
//! | `imports/` | nothing: a folder's marker |
//! | anything else under `imports/` | refused, with the reason |
//!
//! What an object holds is seen in its bytes; the ending says it where bytes cannot.

use item::limits::TableName;

/// Where imports are dropped.
pub(crate) const PREFIX: &str = "imports/";
/// The object that starts the import of its folder.
pub(crate) const MANIFEST: &str = "_import.json";
/// Endings of what can be imported.
const FORMATS: [&str; 10] =
    ["csv", "tsv", "txt", "jsonl", "ndjson", "json", "ion", "10n", "parquet", "pq"];
/// Endings of what is compressed.
const COMPRESSIONS: [&str; 4] = ["gz", "gzip", "zst", "zstd"];

/// What an object is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A table, from this object alone.
    Object(TableName),
    /// A table, from the folder this manifest stands in; the folder's key ends with `/`.
    Folder(TableName, String),
    /// Rows of a table that were rejected before.
    Rejects(String),
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

/// The target of a key; `prefix` is what table names must begin with.
pub(crate) fn of(key: &str, prefix: &str) -> Target {
    let Some(name) = key.strip_prefix(PREFIX) else {
        return Target::Nothing;
    };
    match name.split_once('/') {
        None if name.is_empty() => Target::Nothing,
        None => of_object(name, prefix),
        Some((folder, MANIFEST)) => match table(folder, prefix) {
            Ok(table) => Target::Folder(table, format!("{PREFIX}{folder}/")),
            Err(reason) => refused(folder, format!("{reason}; name the folder imports/<table>/")),
        },
        // A manifest deeper down would be a folder within a folder.
        Some((_, rest)) if rest.ends_with(&format!("/{MANIFEST}")) => {
            let reason = format!(
                "a manifest stands right in its folder, imports/<table>/{MANIFEST}; this one is deeper"
            );
            refused(name, reason)
        }
        Some(_) => Target::Nothing,
    }
}

fn of_object(name: &str, prefix: &str) -> Target {
    let stem = without_ending(name, &COMPRESSIONS).unwrap_or(name);
    if stem.to_ascii_lowercase().ends_with(".rejects.jsonl") {
        return Target::Rejects(safe(name));
    }
    let Some(stem) = without_ending(stem, &FORMATS) else {
        let reason = format!(
            "the name {name:?} does not end in .{} (or one of these and .{}), so it is not taken for \
             data; name it imports/<table>.<format>",
            FORMATS.join(", ."),
            COMPRESSIONS.join(", .")
        );
        return refused(name, reason);
    };
    match table(stem, prefix) {
        Ok(table) => Target::Object(table),
        Err(reason) => refused(name, format!("{reason}; name the object imports/<table>.<format>")),
    }
}

/// The name without its ending, if that is one of these.
fn without_ending<'n>(name: &'n str, endings: &[&str]) -> Option<&'n str> {
    let (stem, ending) = name.rsplit_once('.')?;
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known)).then_some(stem)
}

/// The table of that name, if the name is one and begins with `prefix`.
pub(crate) fn table(name: &str, prefix: &str) -> Result<TableName, String> {
    let table = name.parse::<TableName>().map_err(|error| error.to_string())?;
    if table.as_str().starts_with(prefix) {
        return Ok(table);
    }
    Err(format!(
        "the table name {name:?} does not begin with {prefix:?}, which this stack is limited to (TablePrefix)"
    ))
}

fn refused(name: &str, reason: String) -> Target {
    Target::Refused { name: safe(name), reason }
}

/// The name as one folder of a key.
fn safe(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' }
    };
    let name: String = name.chars().map(safe).take(200).collect();
    // Which whoever takes a key for a path would leave out, or go up by.
    if ["", ".", ".."].contains(&name.as_str()) { "-".to_owned() } else { name }
}

/// Names one writing of one object, so that its retries and late duplicates are recognised.
pub(crate) fn import_id(bucket: &str, key: &str, writing: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(format!("{bucket}/{key}#{writing}").as_bytes());
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(key: &str) -> String {
        told_of(key, "prod")
    }

    fn told_of(key: &str, prefix: &str) -> String {
        match of(key, prefix) {
            Target::Object(table) => format!("table {table}"),
            Target::Folder(table, folder) => format!("table {table} from {folder}"),
            Target::Rejects(name) => format!("rejects, reported as {name}"),
            Target::Nothing => "nothing".to_owned(),
            Target::Refused { name, reason } => format!("refused as {name}: {reason}"),
        }
    }

    #[test]
    fn a_key_says_the_table() {
        let check = |key: &str, expected: &str| assert_eq!(told(key), expected, "{key}");
        check("imports/prod-orders.csv", "table prod-orders");
        check("imports/prod.v2.TSV.gz", "table prod.v2");
        check("imports/prod.ndjson.zst", "table prod");
        check("imports/prod.parquet", "table prod");
        check("imports/prod.10n", "table prod");
        check("imports/prod/_import.json", "table prod from imports/prod/");
        check("imports/prod.rejects.jsonl", "rejects, reported as prod.rejects.jsonl");
        check("imports/0f 1.rejects.jsonl.gz", "rejects, reported as 0f-1.rejects.jsonl.gz");
    }

    #[test]
    fn what_is_no_import_is_nothing() {
        let check = |key: &str| assert_eq!(told(key), "nothing", "{key}");
        check("reports/prod.csv");
        check("imports/");
        check("imports/prod/");
        check("imports/prod/part-1.csv");
        check("imports/prod/2026/part-1.csv");
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        insta::assert_snapshot!(told("imports/prod.xlsx"), @r#"refused as prod.xlsx: the name "prod.xlsx" does not end in .csv, .tsv, .txt, .jsonl, .ndjson, .json, .ion, .10n, .parquet, .pq (or one of these and .gz, .gzip, .zst, .zstd), so it is not taken for data; name it imports/<table>.<format>"#);
        insta::assert_snapshot!(told("imports/prod orders.csv"), @r#"refused as prod-orders.csv: "prod orders" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>"#);
        insta::assert_snapshot!(told("imports/test.csv"), @r#"refused as test.csv: the table name "test" does not begin with "prod", which this stack is limited to (TablePrefix); name the object imports/<table>.<format>"#);
        insta::assert_snapshot!(told("imports/test/_import.json"), @r#"refused as test: the table name "test" does not begin with "prod", which this stack is limited to (TablePrefix); name the folder imports/<table>/"#);
        insta::assert_snapshot!(told("imports/prod/a/_import.json"), @"refused as prod-a-_import.json: a manifest stands right in its folder, imports/<table>/_import.json; this one is deeper");
    }

    #[test]
    fn a_name_of_a_table_may_be_odd_and_no_path() {
        let check = |key: &str, expected: &str| assert_eq!(told_of(key, ""), expected, "{key}");
        check("imports/....csv", "table ...");
        check("imports/.../_import.json", "table ... from imports/.../");
        check("imports/._x.csv", "table ._x");
        check("imports/_xy.csv", "table _xy");
        check("imports/--x.csv", "table --x");
        check("imports/../x.csv", "nothing");
        check("imports//x.csv", "nothing");
        check("imports/a/../x.csv", "nothing");
        check("imports/.rejects.jsonl", "rejects, reported as .rejects.jsonl");
        check("imports/..\0.rejects.jsonl", "rejects, reported as ..-.rejects.jsonl");
        let told = |names: &[&str]| {
            let told = names.iter().map(|name| told_of(&format!("imports/{name}"), ""));
            told.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(told(&["_x.csv", "..csv", "a\0\n\tb.csv", "\"'a'\".csv", "%2e%2e%2fx.csv", "caf\u{e9}\u{202e}\u{fffd}.csv"]), @r#"
        refused as _x.csv: "_x" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>
        refused as ..csv: "." cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>
        refused as a---b.csv: "a\0\n\tb" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>
        refused as --a--.csv: "\"'a'\"" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>
        refused as -2e-2e-2fx.csv: "%2e%2e%2fx" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>
        refused as caf---.csv: "café\u{202e}�" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>
        "#);
        insta::assert_snapshot!(told(&["../_import.json", "/_import.json", "%2e%2e/_import.json", "a/../_import.json", "../../_import.json"]), @r#"
        refused as -: ".." cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the folder imports/<table>/
        refused as -: "" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the folder imports/<table>/
        refused as -2e-2e: "%2e%2e" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the folder imports/<table>/
        refused as a-..-_import.json: a manifest stands right in its folder, imports/<table>/_import.json; this one is deeper
        refused as ..-..-_import.json: a manifest stands right in its folder, imports/<table>/_import.json; this one is deeper
        "#);
    }

    #[test]
    fn a_long_name_is_told_in_short() {
        let long = "x".repeat(1000);
        let Target::Refused { name, reason } = of(&format!("imports/{long}.csv"), "") else {
            panic!("no table has a name so long")
        };
        assert_eq!(name, long[..200]);
        insta::assert_snapshot!(reason, @r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" cannot be a table's name; use 3 to 255 letters, digits, underscores, hyphens and dots; name the object imports/<table>.<format>"#);
        let longest = &long[..255];
        assert_eq!(told_of(&format!("imports/{longest}.csv"), ""), format!("table {longest}"));
    }

    proptest! {
        /// Under which its state, its rejects and its report are kept.
        #[test]
        fn whatever_the_key_its_name_is_one_folder(
            key in r#"[./_a%"é\x00-]{0,8}(/_import\.json|\.csv|\.rejects\.jsonl)?"#,
        ) {
            let name = match of(&format!("imports/{key}"), "") {
                Target::Object(table) => table.to_string(),
                Target::Folder(table, folder) => {
                    prop_assert_eq!(folder, format!("imports/{table}/"));
                    table.to_string()
                }
                Target::Rejects(name) | Target::Refused { name, .. } => name,
                Target::Nothing => return Ok(()),
            };
            prop_assert!(!["", ".", ".."].contains(&name.as_str()), "{:?}", name);
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            prop_assert!(name.bytes().all(is_safe), "{:?}", name);
        }
    }

    #[test]
    fn an_import_is_named_by_the_writing_of_its_object() {
        let first = import_id("bucket", "imports/a.csv", "version-1");
        assert_eq!(first, import_id("bucket", "imports/a.csv", "version-1"));
        assert_ne!(first, import_id("bucket", "imports/a.csv", "version-2"));
        assert_eq!(first.len(), 32);
    }
}
