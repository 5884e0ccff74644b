//! A lost registry comes back from the footers of the files, name by name.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{RecordBatch, StringArray};
use item::Item;
use item::format::dynamodb_json::parse_item;
use lake::catalog::{ColumnDefinition, EPOCH, TableDefinition};
use lake::footer::{self, Conflict, Footer, Footers, Tail};
use lake::{ATTRIBUTE, ColumnKey, DEFAULT_COLUMN_LIMIT, Kind, Registry, Row, Rows, parquet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// 2026-11-22T15:00:00Z
const NOW_MS: i64 = 1_795_359_600_000;

fn plain_new() -> TableDefinition {
    TableDefinition::changes("planes", "planes__changes", "lake-bucket", NOW_MS).unwrap()
}

fn key(attribute: &str, kind: Kind) -> ColumnKey {
    ColumnKey { attribute: attribute.to_owned(), kind }
}

/// A value of a kind, in DynamoDB JSON.
fn value(kind: Kind) -> &'static str {
    match kind {
        Kind::String => r#"{"S":"12.50"}"#,
        Kind::Bigint => r#"{"N":"12"}"#,
        Kind::Double => r#"{"N":"12.5"}"#,
        Kind::Boolean => r#"{"BOOL":true}"#,
        Kind::Binary => r#"{"B":"AA=="}"#,
        Kind::StringSet => r#"{"SS":["a"]}"#,
        Kind::BigintSet => r#"{"NS":["1"]}"#,
        Kind::DoubleSet => r#"{"NS":["1.5"]}"#,
        Kind::BinarySet => r#"{"BS":["AA=="]}"#,
        Kind::Json => r#"{"L":[]}"#,
    }
}

/// A file with an item for each key that the table has a column for.
fn file(definition: &TableDefinition, keys: &[ColumnKey]) -> Vec<u8> {
    let items = keys.iter().map(|ColumnKey { attribute, kind }| {
        let attribute = serde_json::json!(attribute);
        parse_item(format!("{{{attribute}:{}}}", value(*kind)).as_bytes()).unwrap().into_owned()
    });
    file_of(definition, &items.collect::<Vec<_>>())
}

fn file_of(definition: &TableDefinition, items: &[Item<'_>]) -> Vec<u8> {
    let mut rows = Rows::new();
    for item in items {
        let row = Row::of_snapshot(0, item, item);
        rows.push(&row).unwrap();
    }
    parquet::write("planes", &rows.finish(&Registry::from(definition)).unwrap()).unwrap()
}

fn footer_of(file: &[u8]) -> Footer {
    match footer::read(file).unwrap() {
        Tail::Complete(footer) => footer,
        Tail::Longer(length) => panic!("a whole file is tail enough, not {length}"),
    }
}

/// What the footers say, of files on one day after the other.
fn footers(files: &[Vec<u8>]) -> Footers {
    let mut footers = Footers::new();
    for (day, file) in files.iter().enumerate() {
        let path = format!("changes/planes/dt=2026-11-{:02}/f.parquet", day + 1);
        footers.add(&path, footer_of(file));
    }
    footers
}

/// A table that gave names to `keys`.
fn named(keys: &[ColumnKey]) -> TableDefinition {
    let mut definition = plain_new();
    let added = Registry::from(&definition).assign(keys, DEFAULT_COLUMN_LIMIT);
    definition.add(&added);
    definition
}

fn sorted(mut definition: TableDefinition) -> TableDefinition {
    definition.columns.sort_by(|a, b| a.name.cmp(&b.name));
    definition
}

fn keys() -> impl Strategy<Value = Vec<ColumnKey>> {
    let attribute = prop_oneof![
        item::testing::names(),
        "[aA.]{1,2}(__(string|double|json))?(_[23])?",
        select(vec!["dt", "_op", "a".repeat(300).leak(), "b".repeat(255).leak()])
            .prop_map(str::to_owned),
    ];
    let key = (attribute, select(Kind::ALL.as_slice()));
    vec(key.prop_map(|(attribute, kind)| ColumnKey { attribute, kind }), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whichever file holds which column: the same columns, and what comes later gets the same names.
    #[test]
    fn a_registry_comes_back_and_goes_on_as_it_would_have(
        batches in vec(keys(), 1..4), later in keys(), backwards: bool,
    ) {
        let mut definition = plain_new();
        for keys in &batches {
            definition.add(&Registry::from(&definition).assign(keys, DEFAULT_COLUMN_LIMIT));
        }
        let mut files: Vec<_> = batches.iter().map(|keys| file(&definition, keys)).collect();
        if backwards {
            files.reverse();
        }
        let mut restored = plain_new();
        prop_assert_eq!(footers(&files).restore(&mut restored), []);
        let days = "projection.dt.range".to_owned();
        definition.parameters.insert(days.clone(), restored.parameters[&days].clone());
        prop_assert_eq!(sorted(restored.clone()), sorted(definition.clone()));

        let goes_on = |definition: &TableDefinition| {
            Registry::from(definition).assign(&later, DEFAULT_COLUMN_LIMIT)
        };
        prop_assert_eq!(goes_on(&restored), goes_on(&definition));
    }
}

/// A column as a user adds it.
fn user_column(name: &str, type_text: &str, parameters: &[(&str, &str)]) -> ColumnDefinition {
    ColumnDefinition {
        name: name.to_owned(),
        type_text: type_text.to_owned(),
        comment: None,
        parameters: parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

#[test]
fn columns_of_users_come_back_where_a_file_has_them() {
    let mut definition = named(&[key("price", Kind::String), key("at", Kind::Bigint)]);
    let price = (ATTRIBUTE, "price");
    let filled = [
        user_column("price_eur", "decimal(12,2)", &[price]),
        user_column("seen", "timestamp", &[(ATTRIBUTE, "at"), (EPOCH, "seconds")]),
        user_column("digits", "string", &[(ATTRIBUTE, "at")]),
    ];
    definition.columns.extend(filled.clone());
    definition.columns.push(user_column("day", "date", &[price]));
    let file = file(&definition, &[key("price", Kind::String), key("at", Kind::Bigint)]);

    let mut restored = plain_new();
    assert_eq!(footers(&[file]).restore(&mut restored), []);
    for column in filled {
        assert!(restored.columns.contains(&column), "{column:?} in {restored:#?}");
    }
    let never_filled = restored.columns.iter().find(|column| column.name == "day");
    assert_eq!(never_filled, None, "no file has it");
    assert_eq!(restored.drift(), []);
}

fn conflicts(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_name_that_stands_for_two_things_is_the_newest_files_and_reported() {
    let bigint = named(&[key("n", Kind::Bigint)]);
    let string = named(&[key("n", Kind::String)]);
    let other = named(&[key("N", Kind::Bigint)]);
    let files = [
        file(&string, &[key("n", Kind::String)]),
        file(&other, &[key("N", Kind::Bigint)]),
        file(&string, &[key("n", Kind::String)]),
        file(&bigint, &[key("n", Kind::Bigint)]),
    ];
    let mut restored = plain_new();
    let found = footers(&files).restore(&mut restored);
    insta::assert_snapshot!(conflicts(&found), @r#"
    column "n" stands for bigint of attribute "n", but in changes/planes/dt=2026-11-01/f.parquet for string of attribute "n": engines fail on that file or misread it; its items can still be rebuilt from it
    column "n" stands for bigint of attribute "n", but in changes/planes/dt=2026-11-02/f.parquet for bigint of attribute "N": engines fail on that file or misread it; its items can still be rebuilt from it
    "#);
    assert_eq!(Registry::from(&restored).name_of("n", Kind::Bigint), Some("n"));
}

#[test]
fn a_catalog_that_is_there_is_completed_and_stays_as_it_is() {
    let mut there = named(&[key("n", Kind::String), key("gone", Kind::String)]);
    there.columns.pop();
    there.columns.push(user_column("note", "string", &[]));
    let before = there.clone();
    let keys = [key("n", Kind::Bigint), key("gone", Kind::String), key("note", Kind::Json)];
    let elsewhere = named(&[keys.as_slice(), &[key("new", Kind::Json)]].concat());
    let file = file(&elsewhere, &[keys.as_slice(), &[key("new", Kind::Json)]].concat());

    let found = footers(&[file]).restore(&mut there);
    insta::assert_snapshot!(conflicts(&found), @r#"
    column "n" stands for string of attribute "n", but in changes/planes/dt=2026-11-01/f.parquet for bigint of attribute "n": engines fail on that file or misread it; its items can still be rebuilt from it
    column "note" stands for nothing of ours, but in changes/planes/dt=2026-11-01/f.parquet for json of attribute "note": engines fail on that file or misread it; its items can still be rebuilt from it
    "#);
    let (kept, added) = there.columns.split_at(before.columns.len());
    assert_eq!(kept, before.columns);
    let added: Vec<_> = added.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(added, ["new"], "what a person dropped stays away");
}

#[test]
fn projected_days_begin_with_the_oldest_file_and_never_later_than_they_did() {
    let file = file(&plain_new(), &[]);
    for (day, expected) in [("2026-01-31", "2026-01-31,NOW"), ("2026-11-21", "2026-10-18,NOW")] {
        let mut footers = Footers::new();
        footers.add(&format!("changes/planes/dt={day}/f.parquet"), footer_of(&file));
        footers.add("changes/planes/dt=2026-11-22/f.parquet", footer_of(&file));
        let mut restored = plain_new();
        assert_eq!(footers.restore(&mut restored), []);
        assert_eq!(restored.parameters["projection.dt.range"], expected);
        assert_eq!(footers.files(), 2);
    }
}

#[test]
fn a_tail_that_is_too_short_says_how_long_it_has_to_be() {
    let keys: Vec<_> = (0..50).map(|n| key(&format!("attribute {n}"), Kind::Double)).collect();
    let file = file(&named(&keys), &keys);
    let tail = |bytes: usize| footer::read(&file[file.len() - bytes..]).unwrap();
    let Tail::Longer(needed) = tail(8) else { panic!("a footer is longer than 8 bytes") };
    assert_eq!(tail(needed - 1), Tail::Longer(needed));
    assert_eq!(tail(needed), Tail::Complete(footer_of(&file)));
}

/// A Parquet file with the given metadata.
fn foreign(entries: &[(&str, &str)]) -> Vec<u8> {
    let entries = entries.iter().map(|(k, v)| KeyValue::new((*k).to_owned(), (*v).to_owned()));
    let properties =
        WriterProperties::builder().set_key_value_metadata(Some(entries.collect())).build();
    let column = Arc::new(StringArray::from(vec!["a"]));
    let batch = RecordBatch::try_from_iter([("a", column as _)]).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

#[test]
fn what_is_no_file_of_the_lake_is_refused_with_the_reason() {
    let mut damaged = foreign(&[]);
    let end = damaged.len() - 12;
    damaged[end..end + 4].fill(0xff);
    for (file, expected) in [
        (b"PAR1".to_vec(), "parquet file is damaged"),
        (b"name,seats\nN10156,55\n".to_vec(), "not a readable parquet file"),
        (foreign(&[]), "parquet metadata \"headwater.columns\" is missing"),
        (
            foreign(&[("headwater.columns", "[]")]),
            "parquet metadata \"headwater.columns\" is malformed",
        ),
        (
            foreign(&[("headwater.columns", "{}"), ("headwater.added", "no")]),
            "parquet metadata \"headwater.added\" is malformed",
        ),
    ] {
        let error = footer::read(&file).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(footer::read(&damaged).is_err());
}

#[test]
fn names_that_a_later_version_gave_are_not_given_again() {
    let later = foreign(&[(
        "headwater.columns",
        r#"{"a":{"attribute":"a","kind":"variant"},"b":{"attribute":"b","kind":"string"}}"#,
    )]);
    let mut restored = plain_new();
    assert_eq!(footers(&[later]).restore(&mut restored), []);
    let keys = [key("a", Kind::String), key("b", Kind::String)];
    let added = Registry::from(&restored).assign(&keys, DEFAULT_COLUMN_LIMIT);
    let names: Vec<_> = added.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a_2"], "b is there");
}
