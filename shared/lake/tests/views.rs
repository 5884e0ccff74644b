//! The SQL of the views. `local/tests/test_views.py` reads the snapshots beside this file: it parses each as
//! Athena's SQL, and runs those of `orders` on histories that it makes up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lake::catalog::{ColumnDefinition, TableDefinition};
use lake::name::TableNames;
use lake::view::{Since, Snapshot, View};
use lake::{ATTRIBUTE, ColumnKey, DEFAULT_COLUMN_LIMIT, Kind, Registry};

/// 2026-11-22T15:00:00Z.
const EXPORTED_MS: i64 = 1_795_359_600_000;

/// What the registry of a table holds: our columns in order, then a user's of a name and a type.
fn registry(keys: &[(&str, Kind)], added: &[(&str, &str, &str)]) -> Registry {
    let mut definition = TableDefinition::changes("t", "t__changes", "b", 0).unwrap();
    let keys: Vec<ColumnKey> = keys
        .iter()
        .map(|&(attribute, kind)| ColumnKey { attribute: attribute.to_owned(), kind })
        .collect();
    let limit = keys.len();
    definition.add(&Registry::from(&definition).assign(&keys, limit));
    for (name, attribute, type_text) in added {
        definition.columns.push(ColumnDefinition {
            name: (*name).to_owned(),
            type_text: (*type_text).to_owned(),
            comment: None,
            parameters: [(ATTRIBUTE.to_owned(), (*attribute).to_owned())].into(),
        });
    }
    Registry::from(&definition)
}

fn since() -> Since {
    Since::of(EXPORTED_MS - 86_400_000, Some("2026-11-21T15:00:00.250")).unwrap()
}

fn snapshot(registry: &Registry) -> Snapshot<'_> {
    Snapshot { registry, partition: "20261122T150000Z", export_time_ms: EXPORTED_MS }
}

fn current(table: &str, changes: &Registry, snapshot: Option<&Snapshot<'_>>) -> View {
    View::current(&TableNames::of(table, 1), changes, snapshot, &since()).unwrap()
}

fn history(table: &str, changes: &Registry) -> View {
    View::history(&TableNames::of(table, 1), changes)
}

fn orders() -> Registry {
    registry(
        &[
            ("id", Kind::Bigint),
            ("id", Kind::Double),
            ("note", Kind::String),
            ("note", Kind::Bigint),
            ("sizes", Kind::BigintSet),
            ("note", Kind::Double),
            ("sizes", Kind::DoubleSet),
            ("tags", Kind::StringSet),
            ("paid", Kind::Boolean),
            ("scan", Kind::Binary),
            ("lines", Kind::Json),
            ("total", Kind::Double),
        ],
        &[("total_eur", "total", "decimal(12,2)"), ("never", "total", "map<string,string>")],
    )
}

/// A snapshot from before some columns, and with some that no change has.
fn orders_exported() -> Registry {
    registry(
        &[
            ("total", Kind::Bigint),
            ("id", Kind::Bigint),
            ("tags", Kind::StringSet),
            ("old", Kind::Json),
            ("Total_EUR", Kind::BinarySet),
        ],
        &[],
    )
}

#[test]
fn the_current_state_on_changes_alone() {
    insta::assert_snapshot!("orders_current", current("orders", &orders(), None).statement());
}

#[test]
fn the_current_state_on_a_snapshot() {
    let exported = orders_exported();
    let view = current("orders", &orders(), Some(&snapshot(&exported)));
    insta::assert_snapshot!("orders_current_on_snapshot", view.statement());
}

#[test]
fn the_history() {
    insta::assert_snapshot!("orders_history", history("orders", &orders()).statement());
}

#[test]
fn a_table_without_changes_yet() {
    let none = Registry::new();
    insta::assert_snapshot!("new_current", current("new", &none, None).statement());
    insta::assert_snapshot!("new_history", history("new", &none).statement());
    let exported = orders_exported();
    let view = current("new", &none, Some(&snapshot(&exported)));
    insta::assert_snapshot!("new_current_on_snapshot", view.statement());
}

#[test]
fn hostile_names() {
    let s = Kind::String;
    let changes = registry(
        &[
            ("a\"b'c;--", s),
            ("a.b", s),
            ("A.B", s),
            ("a b", Kind::Bigint),
            ("a b", Kind::Double),
            ("_key", s),
            ("dt", s),
            ("snapshot", s),
            ("größe", s),
            ("select", s),
            ("日本", s),
            ("*/ DROP TABLE x /*", s),
            ("headwater_0123456789abcdef", s),
        ],
        &[
            ("it\"s; DROP VIEW \"x\" --", "x", "string"),
            ("o'clock */", "x", "timestamp"),
            ("naïve 名", "x", "date"),
        ],
    );
    let table = "select.from-WHERE";
    let snapshot =
        Snapshot { registry: &changes, partition: "it's; -- */", export_time_ms: EXPORTED_MS };
    let view = current(table, &changes, Some(&snapshot));
    insta::assert_snapshot!("hostile_current_on_snapshot", view.statement());
    insta::assert_snapshot!("hostile_current", current(table, &changes, None).statement());
    insta::assert_snapshot!("hostile_history", history(table, &changes).statement());
}

/// Attributes whose columns have the longest names there are.
fn long(count: usize, kinds: &[Kind]) -> Registry {
    let names: Vec<String> =
        (0..count).map(|number| format!("{number:03}{}", "x".repeat(300))).collect();
    let keys: Vec<_> =
        names.iter().flat_map(|name| kinds.iter().map(|kind| (name.as_str(), *kind))).collect();
    registry(&keys, &[])
}

/// The length of the catalog's text of a view, laid out as Trino does: each column on a line of its own.
fn catalog_text_bytes(view: &View) -> usize {
    let (_, sql) = view.statement().split_once(" AS ").unwrap();
    let columns = sql.matches("\", ").count();
    let laid_out = sql.replace("\", ", "\"\n      , ");
    let entries = "array(varbinary)".len() + 255 + r#"{"name":"","type":""},"#.len();
    let json = serde_json::json!({
        "originalSql": laid_out, "catalog": "awsdatacatalog", "schema": "headwater", "columns": [],
    });
    let padding = " ".repeat(columns * entries);
    BASE64_STANDARD.encode(format!("{json}{padding}")).len()
}

#[test]
fn the_longest_names_fit_and_what_does_not_fit_is_named() {
    let plain = long(DEFAULT_COLUMN_LIMIT, &[Kind::Json]);
    for view in [current("t", &plain, None), history("t", &plain)] {
        assert_eq!(view.left_out(), Vec::<String>::new());
        assert!(view.statement().len() <= 262_144);
        assert!(catalog_text_bytes(&view) <= 409_600, "{}", catalog_text_bytes(&view));
    }
    let numbers = long(DEFAULT_COLUMN_LIMIT / 2, &[Kind::Bigint, Kind::Double]);
    assert_eq!(current("t", &numbers, None).left_out(), Vec::<String>::new());

    // With a snapshot every name is in it twice: the catalog's last columns are left out.
    let view = current("t", &plain, Some(&snapshot(&plain)));
    let there = DEFAULT_COLUMN_LIMIT - view.left_out().len();
    assert!(there > 300, "{there}");
    let left_out: Vec<_> =
        plain.columns()[there..].iter().map(|column| column.name.as_str()).collect();
    assert_eq!(view.left_out(), left_out);
    for column in plain.columns() {
        let is_there = view.statement().contains(&column.name);
        assert_eq!(is_there, !left_out.contains(&column.name.as_str()), "{}", column.name);
    }
}

#[test]
fn a_snapshot_of_another_time_or_table_is_another_view() {
    let (changes, exported) = (orders(), orders_exported());
    let view = |partition, export_time_ms| {
        let snapshot = Snapshot { registry: &exported, partition, export_time_ms };
        current("orders", &changes, Some(&snapshot)).mark().to_owned()
    };
    let mark = view("20261122T150000Z", EXPORTED_MS);
    assert_eq!(mark, view("20261122T150000Z", EXPORTED_MS));
    assert_ne!(mark, view("20261123T150000Z", EXPORTED_MS));
    assert_ne!(mark, view("20261122T150000Z", EXPORTED_MS + 1000));
    let names = TableNames::of("orders", 1);
    let later = Since::of(EXPORTED_MS, None).unwrap();
    let later = View::current(&names, &changes, None, &later).unwrap();
    assert_ne!(later.mark(), current("orders", &changes, None).mark());
}

/// What a query costs does not grow with what happened before the snapshot.
#[test]
fn no_day_before_a_snapshot_is_read() {
    let (changes, exported) = (orders(), orders_exported());
    for (seconds_of_the_day, day) in [
        (15 * 3600, "2026-11-22"),
        (86_399, "2026-11-22"),
        (120, "2026-11-22"),
        (119, "2026-11-21"),
        (0, "2026-11-21"),
    ] {
        let export_time_ms = EXPORTED_MS + (seconds_of_the_day - 15 * 3600) * 1000;
        let snapshot = Snapshot { export_time_ms, ..snapshot(&exported) };
        let view = current("orders", &changes, Some(&snapshot));
        let reads: Vec<_> =
            view.statement().split(r#" FROM "orders__changes" WHERE "#).skip(1).collect();
        assert_eq!(reads.len(), 2);
        for condition in reads {
            let wanted = format!(r#""_stream" >= '20261121150000000' AND "dt" >= '{day}' AND "#);
            assert!(condition.starts_with(&wanted), "{export_time_ms}: {condition}");
        }
    }
}
