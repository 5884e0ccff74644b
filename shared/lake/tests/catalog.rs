//! The catalog's definitions: what Athena projects is where the writer puts files, and the registry
//! survives the catalog.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow::datatypes::DataType;
use bytes::Bytes;
use item::Item;
use lake::catalog::{Drift, EPOCH, TableDefinition};
use lake::path::{self, ChangeObject};
use lake::{
    ATTRIBUTE, Column, ColumnKey, ColumnType, DEFAULT_COLUMN_LIMIT, Epoch, KIND, Kind, Registry,
    Row, Rows, UserType, parquet, read,
};

/// 2026-11-22T15:00:00Z
const NOW_MS: i64 = 1_795_359_600_000;

fn changes() -> TableDefinition {
    TableDefinition::changes("Planes.v2", "planes_v2__changes", "lake-bucket", NOW_MS).unwrap()
}

fn key(attribute: &str, kind: Kind) -> ColumnKey {
    ColumnKey { attribute: attribute.to_owned(), kind }
}

#[test]
fn parameters_of_the_changes_table() {
    let definition = changes();
    let parameters: Vec<String> =
        definition.parameters.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    insta::assert_snapshot!(parameters.join("\n"), @r#"
    classification = parquet
    headwater.table = Planes.v2
    projection.dt.format = yyyy-MM-dd
    projection.dt.interval = 1
    projection.dt.interval.unit = DAYS
    projection.dt.range = 2026-10-18,NOW
    projection.dt.type = date
    projection.enabled = true
    storage.location.template = s3://lake-bucket/changes/Planes.v2/dt=${dt}/
    "#);
    insta::assert_snapshot!(definition.location, @"s3://lake-bucket/changes/Planes.v2/");
    assert_eq!(definition.table(), Some("Planes.v2"));
}

#[test]
fn columns_of_the_changes_table() {
    let mut definition = changes();
    let mut registry = Registry::from(&definition);
    let keys = [key("Tail\nNum", Kind::String), key("stops", Kind::StringSet)];
    definition.add(&registry.assign(&keys, DEFAULT_COLUMN_LIMIT));
    let columns: Vec<String> = definition
        .columns
        .iter()
        .map(|column| {
            let comment = column.comment.as_deref().unwrap_or_default();
            format!("{} {} {:?} -- {comment}", column.name, column.type_text, column.parameters)
        })
        .collect();
    insta::assert_snapshot!(columns.join("\n"), @r#"
    _op string {} -- INSERT, MODIFY or REMOVE; SNAPSHOT for an item of an export
    _ts timestamp {} -- when; streams give whole seconds, rounded down
    _stream string {} -- label of the stream; changes of one key are ordered by _stream, _seq
    _seq string {} -- sequence number, zero-padded to 40 digits
    _key string {} -- primary key as canonical DynamoDB JSON
    _hash bigint {} -- XXH64 of the item's canonical DynamoDB JSON
    _by string {} -- ttl when time-to-live deleted the item, else user
    _event_id string {} -- id of the stream record
    _old string {} -- the item before the change as canonical DynamoDB JSON
    _rest string {} -- DynamoDB JSON of what the other columns do not hold exactly
    tail_num string {"headwater.attribute": "Tail\nNum", "headwater.kind": "string"} -- string of attribute Tail Num
    stops array<string> {"headwater.attribute": "stops", "headwater.kind": "string_set"} -- string_set of attribute stops
    "#);
}

/// The catalog refuses the whole table for a comment with one of these.
#[test]
fn comments_have_only_what_the_catalog_takes() {
    let mut definition = changes();
    let attribute = "a\u{fffd}\u{fffe}\u{ffff}\u{10000}\u{1}\u{85}b";
    let added = Registry::from(&definition).assign(&[key(attribute, Kind::Json)], 500);
    definition.add(&added);
    let column = definition.columns.last().unwrap();
    let expected = "json of attribute a\u{fffd}  \u{10000}  b";
    assert_eq!(column.comment.as_deref(), Some(expected));
    assert_eq!(column.parameters[ATTRIBUTE], attribute);
}

/// Puts `value` where Athena does: in the place of `${partition}` in the template.
fn expanded(definition: &TableDefinition, value: &str) -> String {
    let partition = &definition.partition_keys[0].name;
    definition.parameters["storage.location.template"].replace(&format!("${{{partition}}}"), value)
}

#[test]
fn projected_locations_are_where_files_go() {
    let (table, bucket) = ("Planes.v2", "lake-bucket");
    let object = ChangeObject {
        table,
        day: path::day(NOW_MS).unwrap(),
        stream: "20261122150000000",
        first: "1",
        last: "2",
        count: 2,
        hash: 0,
    };
    let snapshot = path::snapshot(table, NOW_MS).unwrap();
    let increment = path::increment(table, NOW_MS).unwrap();
    let hidden = "_internal";
    for (definition, value, path) in [
        (
            TableDefinition::changes(hidden, "c", bucket, NOW_MS).unwrap(),
            "2026-11-22",
            ChangeObject { table: hidden, ..object.clone() }.path(),
        ),
        (
            TableDefinition::snapshots(hidden, "s", bucket),
            "20261122T150000Z",
            path::snapshot(hidden, NOW_MS).unwrap(),
        ),
        (changes(), "2026-11-22", object.path()),
        (TableDefinition::snapshots(table, "s", bucket), "20261122T150000Z", snapshot),
        (TableDefinition::increments(table, "i", bucket), "20261122T150000Z", increment),
    ] {
        let location = expanded(&definition, value);
        let file = format!("s3://{bucket}/{path}");
        assert!(location.starts_with(&definition.location), "{location}");
        assert!(!location.contains("/_"), "{location}");
        let within = file.strip_prefix(&location);
        assert!(within.is_some_and(|name| !name.contains('/')), "{file} is not in {location}");
    }
}

#[test]
fn the_registry_survives_the_catalog() {
    let mut definition = changes();
    let mut registry = Registry::from(&definition);
    assert_eq!(registry.columns(), []);
    let keys = [key("Price", Kind::Bigint), key("price", Kind::String), key("Price", Kind::Double)];
    definition.add(&registry.assign(&keys, DEFAULT_COLUMN_LIMIT));
    assert_eq!(Registry::from(&definition), registry);

    let before = definition.clone();
    definition.add(registry.columns());
    assert_eq!(definition, before, "columns are added once");
}

/// A file of one item, and the item.
fn file(registry: &Registry, item: &Item<'_>) -> Vec<u8> {
    let mut rows = Rows::new();
    let row = Row::of_snapshot(0, item, item);
    rows.push(&row).unwrap();
    parquet::write("Planes.v2", &rows.finish(registry).unwrap()).unwrap()
}

/// The columns of a file with their types.
fn columns_in(file: &[u8]) -> HashMap<String, DataType> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = Bytes::copy_from_slice(file);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let fields = reader.schema().fields().iter();
    fields.map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

/// Two writers bring new columns at once: one is first in the catalog, the other loads it again, and
/// a third knows nothing of either.
#[test]
fn files_of_writers_that_know_different_columns_read_by_name() {
    let item = item::format::dynamodb_json::parse_item(
        br#"{"A":{"S":"1"},"a":{"N":"2"},"b":{"L":[]},"c":{"SS":["x"]}}"#,
    )
    .unwrap();
    let first = changes();
    let mut second = first.clone();
    let mut registry = Registry::from(&first);
    second.add(&registry.assign(&[key("a", Kind::Bigint), key("c", Kind::StringSet)], 500));
    let mut third = second.clone();
    let mut registry = Registry::from(&second);
    third.add(&registry.assign(&[key("A", Kind::String), key("b", Kind::Json)], 500));

    let mut types = HashMap::new();
    for (definition, count) in [(first, 0), (second, 2), (third, 4)] {
        let file = file(&Registry::from(&definition), &item);
        let columns = columns_in(&file);
        assert_eq!(columns.len(), 10 + count);
        for (name, data_type) in columns {
            let cataloged = definition.columns.iter().any(|column| column.name == name);
            assert!(cataloged, "{name}");
            let known = types.entry(name).or_insert_with(|| data_type.clone());
            assert_eq!(*known, data_type);
        }
        let rows: Vec<_> = read::rows(file).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows[0].item.as_ref(), Some(&item));
    }
    let named = |name: &str| types.get(name).cloned();
    assert_eq!(named("a"), Some(DataType::Int64));
    assert_eq!(named("a_2"), Some(DataType::Utf8));
}

/// The columns that `keys` get in a table of which a user dropped the column `dropped`.
fn names_after_dropping(dropped: &ColumnKey, keys: &[ColumnKey]) -> (Vec<String>, Vec<String>) {
    let mut definition = changes();
    let mut registry = Registry::from(&definition);
    definition.add(&registry.assign(std::slice::from_ref(dropped), DEFAULT_COLUMN_LIMIT));
    assert_eq!(definition.drift(), []);
    definition.columns.pop();
    let added = Registry::from(&definition).assign(keys, DEFAULT_COLUMN_LIMIT);
    let drift = definition.drift().iter().map(ToString::to_string).collect();
    (added.into_iter().map(|column| column.name).collect(), drift)
}

#[test]
fn the_name_of_a_dropped_column_is_not_given_again() {
    let price = key("price", Kind::Bigint);
    let (names, drift) = names_after_dropping(&price, &[key("price", Kind::String), price.clone()]);
    assert_eq!(names, ["price_2", "price_2__bigint"]);
    insta::assert_snapshot!(drift.join("\n"), @r#"column "price" held bigint and was dropped: files still have it, so no other column gets its name"#);

    let long = "p".repeat(250);
    let (names, drift) =
        names_after_dropping(&key(&long, Kind::Bigint), &[key(&long, Kind::String)]);
    assert_eq!(names, [format!("{long}_2")]);
    assert_eq!(drift.len(), 1);
}

#[test]
fn keys_of_parameters_fit_the_catalog() {
    let mut definition = changes();
    let mut registry = Registry::from(&definition);
    let keys = [key(&"p".repeat(300), Kind::Bigint), key(&"p".repeat(255), Kind::Json)];
    definition.add(&registry.assign(&keys, DEFAULT_COLUMN_LIMIT));
    assert!(definition.parameters.keys().all(|key| key.len() <= 255));
    let given = definition.parameters.keys().filter(|key| key.starts_with("headwater.column."));
    assert_eq!(given.count(), keys.len());
    assert_eq!(definition.drift(), []);
}

#[test]
fn names_differ_by_more_than_case() {
    let mut definition = changes();
    definition.columns.push(user_column("Price", "decimal(12,2)", &[(ATTRIBUTE, "price")]));
    let added = Registry::from(&definition).assign(&[key("price", Kind::Bigint)], 500);
    assert_eq!(added[0].name, "price_2");
}

/// A column as a user adds it.
fn user_column(
    name: &str,
    type_text: &str,
    parameters: &[(&str, &str)],
) -> lake::catalog::ColumnDefinition {
    lake::catalog::ColumnDefinition {
        name: name.to_owned(),
        type_text: type_text.to_owned(),
        comment: None,
        parameters: parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

#[test]
fn columns_of_users_are_kept_in_order_and_their_names_are_not_given() {
    let mut definition = changes();
    definition.columns.extend([
        user_column("price_eur", "decimal(12,2)", &[(ATTRIBUTE, "price")]),
        user_column("note", "string", &[]),
        user_column("seen", "timestamp", &[(ATTRIBUTE, "seen_at"), (EPOCH, "seconds")]),
    ]);
    let mut registry = Registry::from(&definition);
    let added = |name: &str, attribute: &str, user_type| Column {
        name: name.to_owned(),
        attribute: attribute.to_owned(),
        holds: ColumnType::Added(user_type),
    };
    assert_eq!(
        registry.columns(),
        [
            added("price_eur", "price", UserType::Decimal { precision: 12, scale: 2 }),
            added("seen", "seen_at", UserType::Timestamp { epoch: Some(Epoch::Seconds) }),
        ]
    );
    let keys = [key("note", Kind::String), key("price_eur", Kind::Bigint)];
    let names: Vec<_> = registry
        .assign(&keys, DEFAULT_COLUMN_LIMIT)
        .into_iter()
        .map(|column| column.name)
        .collect();
    assert_eq!(names, ["note_2", "price_eur_2"]);
    assert_eq!(definition.drift(), []);
}

#[test]
fn what_was_changed_is_reported() {
    let mut definition = changes();
    let mut registry = Registry::from(&definition);
    definition.add(&registry.assign(&[key("n", Kind::Bigint)], DEFAULT_COLUMN_LIMIT));
    definition.columns.last_mut().unwrap().type_text = "decimal(12,2)".to_owned();
    definition.columns.extend([
        user_column("shape", "struct<a:int>", &[(ATTRIBUTE, "shape")]),
        user_column("v", "variant", &[(ATTRIBUTE, "v"), (KIND, "variant")]),
    ]);
    let drift = definition.drift();
    assert!(matches!(drift[0], Drift::TypeChanged { kind: Kind::Bigint, .. }));
    let texts: Vec<_> = drift.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    column "n" holds bigint and is bigint in its files, but decimal(12,2) in the catalog: change it back and add a column of your own
    column "shape" stays empty: values do not convert to struct<a:int>
    column "v" holds "variant", which this version does not know
    "#);

    let registry = Registry::from(&definition);
    assert_eq!(registry.name_of("n", Kind::Bigint), Some("n"), "files keep their type");
}
