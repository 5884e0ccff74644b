//! The views that people query: their SQL, and how one of ours is known again.
//!
//! | view | rows | made of |
//! |---|---|---|
//! | `<t>` | the items there are now | the newest change of each key, and a snapshot's items that have none |
//! | `<t>__history` | every version once | all changes |
//!
//! The SQL is Athena's (Trino's). Three things shape it:
//!
//! - **Only changes are sorted.** The snapshot is read as it lies, but for keys that changed since.
//! - **Explicit columns.** A column that is added to a table later does not make the view stale; it is in the
//!   view once that is written again. Inside, where names would cost length, stands `*`.
//! - **A mark.** The first query in `WITH` is called `headwater_` and a hash of the view's text. Athena keeps that
//!   name in the catalog, so that whoever looks there knows whether the view is ours and as it should
//!   be: no state, and no statement where nothing changed.
//!
//! ```
//! use lake::name::TableNames;
//! use lake::view::{self, Since, View};
//! use lake::{ColumnKey, DEFAULT_COLUMN_LIMIT, Kind, Registry};
//!
//! let mut registry = Registry::new();
//! let key = |kind| ColumnKey { attribute: "price".to_owned(), kind };
//! registry.assign(&[key(Kind::Bigint), key(Kind::Double)], DEFAULT_COLUMN_LIMIT);
//! let since = Since::of(1_795_359_600_000, Some("2026-11-22T15:00:00.123"))?;
//! let view = View::current(&TableNames::of("orders", 1), &registry, None, &since)?;
//!
//! let (begins, _) = view.statement().split_once(" AS (").unwrap();
//! assert_eq!(begins, format!(r#"CREATE OR REPLACE VIEW "orders" AS WITH "{}""#, view.mark()));
//! assert!(view.statement().contains(
//!     r#"SELECT COALESCE(CAST("price" AS double), "price__double") AS "price", "_key", "_ts","#
//! ));
//! # Ok::<(), lake::WriteError>(())
//! ```

mod columns;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use xxhash_rust::xxh64::xxh64;

use crate::Registry;
use crate::error::WriteError;
use crate::meta::{self, HASH, KEY, OP, REST, SEQ, STREAM, TS};
use crate::name::TableNames;
use crate::path;
use columns::{Outputs, Side};

/// How long before a snapshot's export time changes begin to overlay it, in milliseconds.
///
/// DynamoDB takes an export as of within a minute of the time asked for, and the times of changes are
/// rounded down to the second: two minutes leave no change out that the snapshot may lack.
pub const OVERLAY_MS: i64 = 2 * 60 * 1000;

/// The partition column of change tables.
pub(crate) const DAY: &str = "dt";
/// The partition column of snapshot tables.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// The columns of the current state after the attributes'.
const CURRENT: [&str; 4] = [KEY, TS, HASH, REST];
/// What the name of the first query begins with; a hash follows.
const MARK: &str = "headwater_";
const MARK_DIGITS: usize = 16;

/// A view as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    name: String,
    mark: String,
    statement: String,
    left_out: Vec<String>,
}

/// A snapshot that the current state may stand on.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// The columns of its catalog table, which may lack some of the changes' and have others.
    pub registry: &'a Registry,
    /// Its value of the partition column `snapshot`, as `20261122T150000Z`.
    pub partition: &'a str,
    /// The time of its export, in milliseconds since 1970 UTC.
    pub export_time_ms: i64,
}

/// The first stream that can be of the table as it is now: seventeen digits, to compare with `_stream`.
///
/// A table that was deleted and created anew under one name has one folder of change files. What came
/// before it was created belongs to the former table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Since(String);

impl Since {
    /// For a table that was created at a time, in milliseconds since 1970 UTC, and whose latest
    /// stream has this label.
    ///
    /// The time is rounded down to the second, which is how exact it may come; an earlier label of
    /// the table's own stream is the better bound.
    pub fn of(created_ms: i64, latest_label: Option<&str>) -> Result<Self, WriteError> {
        let created = path::label_digits(created_ms)?;
        let digits = |label: &str| label.chars().filter(char::is_ascii_digit).collect::<String>();
        let label = latest_label.map(digits).filter(|label| !label.is_empty());
        Ok(Self(label.map_or(created.clone(), |label| label.min(created))))
    }
}

impl View {
    /// The current state: each item once, as its newest version.
    ///
    /// Without a snapshot it stands on the changes alone, and has only items that changed since the
    /// table was enrolled.
    pub fn current(
        names: &TableNames,
        changes: &Registry,
        snapshot: Option<&Snapshot<'_>>,
        since: &Since,
    ) -> Result<Self, WriteError> {
        let outputs = Outputs::of(changes, snapshot.map(|snapshot| snapshot.registry));
        let (outputs, left_out) = outputs.fitting();
        let select = |side| columns::list(outputs.select(side), &[], &CURRENT);
        let wanted = wanted(since, snapshot)?;
        let changes = quoted(&names.changes);
        let rest = match snapshot {
            Some(snapshot) => unchanged(names, snapshot, &select(Side::Snapshot), &wanted),
            None => String::new(),
        };
        let [key, stream, seq, op] = [KEY, STREAM, SEQ, OP].map(quoted);
        let text = |mark: &str| {
            format!(
                "WITH {mark} AS (SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY {stream} DESC, {seq} DESC, {SHORTEST_REST}) AS \"_age\" FROM {changes} WHERE {wanted})\n\
                 SELECT {} FROM {mark} WHERE \"_age\" = 1 AND {op} <> 'REMOVE'{rest}",
                select(Side::Changes),
            )
        };
        Ok(Self::marked(&names.current, left_out, text))
    }

    /// Every version once: all changes of the table and of those that had its name before.
    ///
    /// A version is in more than one file where a retry was cut differently. Where the files differ,
    /// because one was written while the catalog was out of reach, the one that has more in columns and
    /// less in `_rest` is shown.
    pub fn history(names: &TableNames, changes: &Registry) -> Self {
        let (outputs, left_out) = Outputs::of(changes, None).fitting();
        let all = meta::COLUMNS.map(|column| column.name);
        let columns = columns::list(outputs.select(Side::Changes), &all, &[DAY]);
        let changes = quoted(&names.changes);
        // One version has one day and one key: naming them too lets Athena apply conditions on them
        // before it looks for copies.
        let version = [DAY, KEY, STREAM, SEQ].map(quoted).join(", ");
        let text = |mark: &str| {
            format!(
                "WITH {mark} AS (SELECT *, row_number() OVER (PARTITION BY {version} ORDER BY {SHORTEST_REST}) AS \"_copy\" FROM {changes})\n\
                 SELECT {columns} FROM {mark} WHERE \"_copy\" = 1"
            )
        };
        Self::marked(&names.history, left_out, text)
    }

    /// The view whose text depends on its mark, which is a hash of the text with an empty one.
    fn marked(name: &str, left_out: Vec<String>, text: impl Fn(&str) -> String) -> Self {
        let create = |mark: &str| {
            format!("CREATE OR REPLACE VIEW {} AS {}", quoted(name), text(&quoted(mark)))
        };
        let mark = format!("{MARK}{:016x}", xxh64(create(MARK).as_bytes(), 0));
        let statement = create(&mark);
        Self { name: name.to_owned(), mark, statement, left_out }
    }

    /// Its name in the catalog.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the first query in it, which no other text of a view has.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The statement that makes it, in place of what it was before.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// The columns that it would have if Athena took longer texts, the last in the catalog's order.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

/// The order of files that have one version: where the most is in columns. `_rest` is never empty.
const SHORTEST_REST: &str = r#"coalesce(length("_rest"), 0)"#;

/// The condition on the changes that make the current state, all or those that overlay a snapshot.
pub(crate) fn wanted(since: &Since, snapshot: Option<&Snapshot<'_>>) -> Result<String, WriteError> {
    let of_the_table = format!("{} >= {}", quoted(STREAM), literal(&since.0));
    Ok(match snapshot {
        Some(snapshot) => format!("{of_the_table} AND {}", overlaying(snapshot)?),
        None => of_the_table,
    })
}

/// The condition on changes that may be newer than a snapshot.
fn overlaying(snapshot: &Snapshot<'_>) -> Result<String, WriteError> {
    let from_ms = snapshot.export_time_ms.saturating_sub(OVERLAY_MS).max(0);
    let (day, time) = (day(from_ms)?, timestamp(from_ms)?);
    Ok(format!("{} >= {day} AND {} >= {time}", quoted(DAY), quoted(TS)))
}

/// The snapshot's items whose keys have none of the changes that are `wanted`.
fn unchanged(names: &TableNames, snapshot: &Snapshot<'_>, select: &str, wanted: &str) -> String {
    let [snapshots, changes, key] = [&names.snapshot, &names.changes, KEY].map(quoted);
    let (snapshot, partition) = (quoted(SNAPSHOT), literal(snapshot.partition));
    format!(
        "\nUNION ALL SELECT {select} FROM {snapshots} WHERE {snapshot} = {partition} AND {key} NOT IN (SELECT {key} FROM {changes} WHERE {wanted})"
    )
}

/// A value of the partition column of changes, from a time in milliseconds since 1970 UTC.
pub(crate) fn day(time_ms: i64) -> Result<String, WriteError> {
    Ok(literal(&path::day(time_ms)?.to_string()))
}

/// A value of `_ts`, from a time in milliseconds since 1970 UTC.
pub(crate) fn timestamp(time_ms: i64) -> Result<String, WriteError> {
    Ok(format!("TIMESTAMP {}", literal(&path::sql_time(time_ms)?)))
}

/// An identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What the catalog's text of a view begins and ends with.
///
/// Source: [`ConnectorViewDefinition`](https://github.com/trinodb/trino/blob/master/plugin/trino-hive/src/main/java/io/trino/plugin/hive/ViewReaderUtil.java)
/// as Trino keeps it in a Hive catalog.
const TEXT_BEGINS: &str = "/* Presto View: ";
const TEXT_ENDS: &str = " */";

/// The part of a view's definition that is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    original_sql: String,
}

/// The mark of a view in the catalog, from its `ViewOriginalText`; nothing if it is not one of ours.
pub fn mark_in(view_original_text: &str) -> Option<String> {
    let encoded = view_original_text.trim().strip_prefix(TEXT_BEGINS)?.strip_suffix(TEXT_ENDS)?;
    let json = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let sql = serde_json::from_slice::<Definition>(&json).ok()?.original_sql;
    // Athena may lay the text out anew, so words are compared and not the text.
    let mut words = sql.split_whitespace();
    let with = words.next()?;
    let name = words.next()?.trim_matches('"');
    let hash = name.strip_prefix(MARK)?;
    let is_hash = hash.len() == MARK_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (with.eq_ignore_ascii_case("with") && is_hash).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalog's text of a view with this SQL.
    fn catalog_text(sql: &str) -> String {
        let json = serde_json::json!({"originalSql": sql, "catalog": "awsdatacatalog"});
        format!("/* Presto View: {} */", BASE64_STANDARD.encode(json.to_string()))
    }

    #[test]
    fn a_view_of_ours_is_known_by_its_mark_however_it_is_laid_out() {
        let history = View::history(&TableNames::of("orders", 1), &Registry::new());
        let (_, sql) = history.statement().split_once(" AS ").unwrap();
        for sql in [
            sql.to_owned(),
            sql.replace("WITH ", "WITH\n  ").replace(" AS (", " AS (\n   "),
            sql.to_lowercase(),
            sql.replace(&quoted(history.mark()), history.mark()),
        ] {
            let mark = mark_in(&catalog_text(&sql));
            assert_eq!(mark.as_deref(), Some(history.mark()), "{sql}");
        }
    }

    #[test]
    fn what_others_made_has_no_mark() {
        let hash = "0123456789abcdef";
        for sql in [
            format!("SELECT 1 AS headwater_{hash}"),
            format!("WITH a AS (SELECT 1 AS \"headwater_{hash}\") SELECT * FROM a"),
            format!("WITH headwater_{hash}0 AS (SELECT 1) SELECT 1"),
            "WITH headwater_ AS (SELECT 1) SELECT 1".to_owned(),
            "WITH headwater_0123456789abcdeg AS (SELECT 1) SELECT 1".to_owned(),
            String::new(),
        ] {
            assert_eq!(mark_in(&catalog_text(&sql)), None, "{sql}");
        }
        let foreign = [
            "",
            "SELECT 1",
            "/* Presto View: */",
            "/* Presto View: !! */",
            "/* Presto View: YQ== */",
        ];
        for text in foreign {
            assert_eq!(mark_in(text), None, "{text}");
        }
    }

    #[test]
    fn the_mark_changes_with_the_text_and_only_then() {
        let mut registry = Registry::new();
        let names = TableNames::of("orders", 1);
        let before = View::history(&names, &registry);
        assert_eq!(View::history(&names, &registry), before);
        let key = crate::ColumnKey { attribute: "price".to_owned(), kind: crate::Kind::Double };
        registry.assign(&[key], 1);
        assert_ne!(View::history(&names, &registry).mark(), before.mark());
        assert_ne!(
            View::history(&TableNames::of("orders", 2), &Registry::new()).mark(),
            before.mark()
        );
    }

    #[test]
    fn a_table_begins_when_it_was_created_or_with_its_own_stream() {
        let created_ms = 1_795_359_600_999;
        let check = |label, expected| {
            assert_eq!(Since::of(created_ms, label).unwrap().0, expected, "{label:?}");
        };
        check(None, "20261122150000000");
        check(Some("2026-11-22T15:00:00.999"), "20261122150000000");
        check(Some("2026-11-25T08:00:00.000"), "20261122150000000");
        check(Some("2026-11-22T14:59:59.990"), "20261122145959990");
        check(Some(""), "20261122150000000");
        assert!(matches!(Since::of(-1, None), Err(WriteError::Time(-1))));
    }
}
