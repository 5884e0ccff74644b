//! Columns that users add: filled when the value converts exactly, null otherwise.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMillisecondType;
use arrow::util::display::array_value_to_string;
use item::format::dynamodb_json::parse_item;
use item::{Item, Value};
use lake::catalog::{ColumnDefinition, EPOCH, TableDefinition};
use lake::{ATTRIBUTE, DEFAULT_COLUMN_LIMIT, Registry, Row, Rows, parquet, read};

/// The registry of a table to which a user added a column of `type_text` for the attribute `v`.
fn registry(type_text: &str, epoch: Option<&str>) -> Registry {
    let mut definition = TableDefinition::changes("t", "t__changes", "b", 0).unwrap();
    let attribute = (ATTRIBUTE.to_owned(), "v".to_owned());
    let epoch = epoch.map(|epoch| (EPOCH.to_owned(), epoch.to_owned()));
    definition.columns.push(ColumnDefinition {
        name: "mine".to_owned(),
        type_text: type_text.to_owned(),
        comment: None,
        parameters: std::iter::once(attribute).chain(epoch).collect(),
    });
    Registry::from(&definition)
}

/// What the column holds of a value, as text; and that the item comes back.
fn filled(registry: &Registry, limit: usize, value: &str) -> Option<String> {
    let key = Item::from_distinct(vec![("id".into(), Value::S("a".into()))]);
    let text = format!(r#"{{"v":{value}}}"#);
    let item = parse_item(text.as_bytes()).unwrap();
    let mut rows = Rows::new();
    let row = Row::of_snapshot(0, &key, &item);
    rows.push(&row).unwrap();
    let mut registry = registry.clone();
    registry.assign(&rows.unnamed(&registry), limit);
    let batch = rows.finish(&registry).unwrap();
    let cell = |array: &ArrayRef| array.is_valid(0).then(|| cell_text(array));
    let found = batch.column_by_name("mine").and_then(cell);
    let mut stored = read::rows(parquet::write("t", &batch).unwrap()).unwrap();
    assert_eq!(stored.next().unwrap().unwrap().item, Some(item.into_owned()));
    found
}

/// The cell as text; a time as milliseconds since 1970.
fn cell_text(array: &ArrayRef) -> String {
    match array.as_primitive_opt::<TimestampMillisecondType>() {
        Some(times) => times.value(0).to_string(),
        None => array_value_to_string(array, 0).unwrap(),
    }
}

#[track_caller]
fn check(type_text: &str, epoch: Option<&str>, cases: &[(&str, Option<&str>)]) {
    let registry = registry(type_text, epoch);
    for (value, expected) in cases {
        for limit in [DEFAULT_COLUMN_LIMIT, 0] {
            let found = filled(&registry, limit, value);
            assert_eq!(found.as_deref(), *expected, "{value} as {type_text}, limit {limit}");
        }
    }
}

#[test]
fn decimals() {
    check(
        "decimal(5,2)",
        None,
        &[
            (r#"{"N":"1"}"#, Some("1.00")),
            (r#"{"N":"-12.5"}"#, Some("-12.50")),
            (r#"{"S":"0.05"}"#, Some("0.05")),
            (r#"{"N":"999.99"}"#, Some("999.99")),
            (r#"{"N":"1000"}"#, None),
            (r#"{"N":"0.001"}"#, None),
            (r#"{"S":"free"}"#, None),
            (r#"{"BOOL":true}"#, None),
            (r#"{"NULL":true}"#, None),
            (r#"{"L":[{"N":"1"}]}"#, None),
        ],
    );
    let digits = "1234567890123456789012345678.0123456789";
    check("decimal(38,10)", None, &[(&format!(r#"{{"N":"{digits}"}}"#), Some(digits))]);
}

#[test]
fn numbers() {
    check(
        "bigint",
        None,
        &[
            (r#"{"N":"9223372036854775807"}"#, Some("9223372036854775807")),
            (r#"{"S":"12"}"#, Some("12")),
            (r#"{"N":"9223372036854775808"}"#, None),
            (r#"{"N":"1.5"}"#, None),
        ],
    );
    check(
        "int",
        None,
        &[(r#"{"N":"2147483647"}"#, Some("2147483647")), (r#"{"N":"2147483648"}"#, None)],
    );
    check(
        "double",
        None,
        &[
            (r#"{"N":"1"}"#, Some("1.0")),
            (r#"{"N":"0.1"}"#, Some("0.1")),
            (r#"{"N":"9007199254740993"}"#, None),
        ],
    );
}

#[test]
fn texts_and_truths() {
    check(
        "string",
        None,
        &[
            (r#"{"S":"a"}"#, Some("a")),
            (r#"{"N":"0.10"}"#, Some("0.1")),
            (r#"{"BOOL":false}"#, Some("false")),
            (r#"{"B":"aGk="}"#, None),
            (r#"{"SS":["a"]}"#, None),
        ],
    );
    check(
        "boolean",
        None,
        &[
            (r#"{"BOOL":true}"#, Some("true")),
            (r#"{"S":"false"}"#, Some("false")),
            (r#"{"N":"1"}"#, None),
        ],
    );
}

#[test]
fn times() {
    check(
        "timestamp",
        None,
        &[
            (r#"{"S":"2026-11-22T15:00:00Z"}"#, Some("1795359600000")),
            (r#"{"S":"2026-11-22T16:00:00.250+01:00"}"#, Some("1795359600250")),
            (r#"{"S":"2026-11-22T15:00:00.000001Z"}"#, None),
            (r#"{"S":"2026-11-22T15:00:00"}"#, None),
            (r#"{"S":"yesterday"}"#, None),
            (r#"{"N":"1795359600"}"#, None),
        ],
    );
    check(
        "timestamp",
        Some("seconds"),
        &[(r#"{"N":"1795359600"}"#, Some("1795359600000")), (r#"{"N":"1e30"}"#, None)],
    );
    check(
        "timestamp",
        Some("milliseconds"),
        &[(r#"{"N":"1795359600250"}"#, Some("1795359600250"))],
    );
    check(
        "date",
        None,
        &[
            (r#"{"S":"2026-11-22"}"#, Some("2026-11-22")),
            (r#"{"S":"1969-12-31"}"#, Some("1969-12-31")),
            (r#"{"S":"2026-11-22T15:00:00"}"#, None),
            (r#"{"S":"2026-02-30"}"#, None),
            (r#"{"N":"20261122"}"#, None),
        ],
    );
}

#[test]
fn types_that_are_never_filled() {
    for type_text in ["struct<a:int>", "decimal(39,2)", "decimal(5,6)", "decimal(5)", "varchar(10)"]
    {
        check(type_text, None, &[(r#"{"S":"1"}"#, None)]);
    }
}
