//! How files are encoded, and files of many batches.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ::parquet::basic::{Compression, Encoding};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow::array::RecordBatch;
use bytes::Bytes;
use item::{Item, Number, Value};
use lake::parquet::{self, Writer};
use lake::{ColumnKey, DEFAULT_COLUMN_LIMIT, Kind, Registry, Row, Rows, WriteError, read};

/// Rows of a snapshot.
fn rows(items: &[Item<'static>]) -> Rows {
    let key = Item::from_distinct(vec![("id".into(), Value::S("a".into()))]);
    let mut rows = Rows::new();
    for item in items {
        rows.push(&Row::of_snapshot(0, &key, item)).unwrap();
    }
    rows
}

fn item(attributes: &[(&'static str, Value<'static>)]) -> Item<'static> {
    attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::S(text.into().into())
}

fn finished(items: &[Item<'static>], registry: &Registry) -> RecordBatch {
    rows(items).finish(registry).unwrap()
}

fn items_in(file: Vec<u8>) -> Vec<Item<'static>> {
    read::rows(file).unwrap().map(|row| row.unwrap().item.unwrap()).collect()
}

fn open(file: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(file)).unwrap()
}

#[test]
fn only_columns_that_repeat_have_a_dictionary() {
    let items: Vec<_> = (0..100)
        .map(|n| {
            let number = Value::N(Number::from(n % 5));
            let set = Value::Ss(vec![format!("tag {}", n % 5).into()]);
            item(&[
                ("few", text((n % 5).to_string())),
                ("many", text(n.to_string())),
                ("number", number),
                ("tags", set),
            ])
        })
        .collect();
    let rows = rows(&items);
    let mut registry = Registry::new();
    registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    let file = open(parquet::write("planes", &rows.finish(&registry).unwrap()).unwrap());
    let metadata = file.metadata().row_group(0);
    let with_dictionary: Vec<_> = metadata
        .columns()
        .iter()
        .inspect(|column| {
            let compressed = matches!(column.compression(), Compression::ZSTD(_));
            assert_eq!(compressed, column.column_path().string() != "_hash");
        })
        .filter(|column| column.encodings().any(|e| e == Encoding::RLE_DICTIONARY))
        .map(|column| column.column_path().string())
        .collect();
    assert_eq!(with_dictionary, ["_op", "_ts", "_key", "few", "number", "tags.list.element"]);
}

#[test]
fn the_file_says_which_attribute_and_kind_each_column_holds() {
    let rows = rows(&[item(&[("Größe", text("1")), ("a", Value::L(Vec::new()))])]);
    let mut registry = Registry::new();
    registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    let file = open(parquet::write("planes", &rows.finish(&registry).unwrap()).unwrap());
    let metadata = file.metadata().file_metadata();
    let entries: Vec<_> = metadata
        .key_value_metadata()
        .unwrap()
        .iter()
        .map(|entry| format!("{} = {}", entry.key, entry.value.as_deref().unwrap_or_default()))
        .collect();
    insta::assert_snapshot!(entries.join("\n"), @r#"
    headwater.format = 1
    headwater.table = planes
    headwater.columns = {"a":{"attribute":"a","kind":"json"},"gr__e":{"attribute":"Größe","kind":"string"}}
    "#);
    let expected = concat!("headwater version ", env!("CARGO_PKG_VERSION"));
    assert_eq!(metadata.created_by(), Some(expected));
}

/// Writes each list of items as a batch of its own, naming columns as they come.
fn written(batches: &[Vec<Item<'static>>]) -> Vec<u8> {
    let mut registry = Registry::new();
    let mut writer = Writer::new(Vec::new(), "planes").unwrap();
    for items in batches {
        let rows = rows(items);
        registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
        writer.write(&rows.finish(&registry).unwrap()).unwrap();
    }
    assert_eq!(writer.rows(), batches.concat().len());
    writer.finish().unwrap()
}

#[test]
fn columns_may_come_in_any_batch() {
    let batches = [
        vec![item(&[("id", text("1")), ("a", text("x"))]), item(&[("id", text("2"))])],
        vec![item(&[("id", text("3")), ("b", Value::Bool(true))])],
        vec![item(&[("c", Value::Ss(vec!["s".into()])), ("a", Value::N(Number::from(7)))])],
        vec![item(&[("id", text("5"))])],
    ];
    let file = written(&batches);
    assert_eq!(items_in(file.clone()), batches.concat());

    // Every row group has every column, with as many values as rows, and no two share their bytes.
    let file = open(file);
    let metadata = file.metadata();
    let names: Vec<_> =
        metadata.file_metadata().schema_descr().columns().iter().map(|c| c.name()).collect();
    assert_eq!(names[names.len() - 5..], ["id", "a", "b", "element", "a__bigint"]);
    assert_eq!(metadata.file_metadata().num_rows(), 5);
    assert_eq!(metadata.num_row_groups(), 4);
    let mut ranges = Vec::new();
    for group in metadata.row_groups() {
        assert_eq!(group.num_columns(), names.len());
        for column in group.columns() {
            assert_eq!(column.num_values(), group.num_rows());
            ranges.push(column.byte_range());
        }
    }
    ranges.sort_unstable();
    let disjoint = |pair: &[(u64, u64)]| pair[0].0 + pair[0].1 <= pair[1].0;
    assert!(ranges.windows(2).all(disjoint), "{ranges:?}");
}

#[test]
fn a_column_of_another_type_begins_a_new_file() {
    let batch = |kind| {
        let key = ColumnKey { attribute: "a".to_owned(), kind };
        let mut registry = Registry::new();
        registry.assign(&[key], DEFAULT_COLUMN_LIMIT);
        let value = if kind == Kind::String { text("x") } else { Value::Bool(true) };
        finished(&[item(&[("a", value)])], &registry)
    };
    let mut writer = Writer::new(Vec::new(), "planes").unwrap();
    writer.write(&batch(Kind::String)).unwrap();
    let error = writer.write(&batch(Kind::Boolean)).unwrap_err();
    assert!(matches!(error, WriteError::Schema { column } if column == "a"));
    assert_eq!(items_in(writer.finish().unwrap()), [item(&[("a", text("x"))])]);
}

#[test]
fn a_file_may_have_no_rows() {
    assert_eq!(items_in(written(&[])), []);
    assert_eq!(items_in(written(&[Vec::new()])), []);
}

#[test]
fn a_batch_is_a_row_group_and_leaves_memory_when_it_is_written() {
    let batches: Vec<Vec<_>> =
        (0..5).map(|n| vec![item(&[("n", Value::N(Number::from(n)))]); 3]).collect();
    let file = open(written(&batches));
    let groups = file.metadata().row_groups();
    assert_eq!(groups.iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>(), [3; 5]);
}
