//! How files are encoded, and files of many batches.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ::parquet::basic::{Compression, Encoding};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow::array::RecordBatch;
use bytes::Bytes;
use item::{Item, Number, Value};
use lake::parquet::{self, Writer};
use lake::{DEFAULT_COLUMN_LIMIT, Registry, Row, RowOp, Rows, WriteError, read};

/// Rows of a snapshot.
fn rows(items: &[Item<'static>]) -> Rows {
    let key = Item::from_distinct(vec![("id".into(), Value::S("a".into()))]);
    let mut rows = Rows::new();
    for item in items {
        rows.push(&Row {
            op: RowOp::Snapshot,
            ts_ms: 0,
            stream: "",
            seq: "",
            by: None,
            event_id: "",
            key: &key,
            item: Some(item),
            old: None,
        })
        .unwrap();
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
        .inspect(|column| assert!(matches!(column.compression(), Compression::ZSTD(_))))
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

#[test]
fn a_file_takes_batches_until_the_registry_grows() {
    let batches = [
        vec![item(&[("id", text("1")), ("a", text("x"))]), item(&[("id", text("2"))])],
        vec![item(&[("id", text("3")), ("b", Value::Bool(true))])],
        vec![item(&[("id", text("4"))])],
    ];
    let mut registry = Registry::new();
    for items in &batches {
        registry.assign(&rows(items).unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    }
    let first = finished(&batches[0], &registry);
    let mut writer = Writer::new(Vec::new(), "planes", &registry.schema(), &first).unwrap();
    for items in &batches {
        let batch = finished(items, &registry);
        assert!(writer.fits(&batch));
        writer.write(&batch).unwrap();
    }

    let newer = [item(&[("id", text("5")), ("c", text("y"))])];
    registry.assign(&rows(&newer).unnamed(&registry), DEFAULT_COLUMN_LIMIT);
    let wider = finished(&newer, &registry);
    assert!(!writer.fits(&wider));
    let error = writer.write(&wider).unwrap_err();
    assert!(matches!(error, WriteError::Schema { column } if column == "c"));

    assert_eq!(writer.rows(), 4);
    assert_eq!(items_in(writer.finish().unwrap()), batches.concat());
}

#[test]
fn row_groups_are_bounded() {
    const MIB: usize = 1024 * 1024;
    let mut seed: u64 = 1;
    let mut incompressible = || {
        let word = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 32).to_le_bytes()[..4].to_vec()
        };
        Value::B(std::iter::repeat_with(word).take(MIB / 4).flatten().collect::<Vec<_>>().into())
    };
    let mut registry = Registry::new();
    let mut writer = None;
    for _ in 0..9 {
        let items: Vec<_> = (0..8).map(|_| item(&[("noise", incompressible())])).collect();
        let rows = rows(&items);
        registry.assign(&rows.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
        let batch = rows.finish(&registry).unwrap();
        let writer = writer.get_or_insert_with(|| {
            Writer::new(Vec::new(), "planes", &registry.schema(), &batch).unwrap()
        });
        writer.write(&batch).unwrap();
        assert!(writer.bytes() >= writer.rows() * MIB);
    }
    let file = open(writer.unwrap().finish().unwrap());
    let groups = file.metadata().row_groups();
    assert_eq!(groups.iter().map(RowGroupMetaData::num_rows).sum::<i64>(), 72);
    assert!(groups.len() > 1, "{}", groups.len());
}
