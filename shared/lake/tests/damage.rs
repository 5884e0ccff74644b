//! Files that are none of the lake's, or were damaged, are told from empty ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use item::format::dynamodb_json::parse_item;
use lake::{ColumnKey, Kind, Registry, Row, RowOp, Rows, parquet, read};

/// One row with one string attribute, as a record batch.
fn batch() -> RecordBatch {
    let item = parse_item(br#"{"id":{"S":"a"}}"#).unwrap();
    let mut rows = Rows::new();
    rows.push(&Row {
        op: RowOp::Snapshot,
        ts_ms: 0,
        stream: "",
        seq: "",
        by: None,
        event_id: "",
        key: &item,
        item: Some(&item),
        old: None,
    })
    .unwrap();
    let mut registry = Registry::new();
    let key = ColumnKey { attribute: "id".to_owned(), kind: Kind::String };
    registry.assign(&[key], 1);
    rows.finish(&registry).unwrap()
}

/// The batch with one column replaced.
fn with(name: &str, array: &ArrayRef) -> RecordBatch {
    let batch = batch();
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    RecordBatch::try_from_iter_with_nullable(columns.map(|(field, old)| {
        let replaced = field.name() == name;
        (field.name().as_str(), if replaced { Arc::clone(array) } else { Arc::clone(old) }, true)
    }))
    .unwrap()
}

/// A Parquet file whose metadata maps columns to attributes by `columns`, if that is given.
fn file(batch: &RecordBatch, columns: Option<&str>) -> Vec<u8> {
    let entry = |text: &str| vec![KeyValue::new("headwater.columns".to_owned(), text.to_owned())];
    let properties = WriterProperties::builder().set_key_value_metadata(columns.map(entry)).build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    file
}

#[track_caller]
fn check(file: Vec<u8>, expected: &str) {
    let rows = read::rows(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let error = rows.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

fn texts(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

const ID: Option<&str> = Some(r#"{"id":{"attribute":"id","kind":"string"}}"#);

#[test]
fn not_parquet() {
    let whole = parquet::write(&batch()).unwrap();
    check(Vec::new(), "not a readable parquet file");
    check(b"{\"id\":1}".to_vec(), "not a readable parquet file");
    check(whole[..whole.len() - 1].to_vec(), "not a readable parquet file");
}

#[test]
fn not_of_the_lake() {
    check(file(&batch(), None), "\"headwater.columns\" is missing");
    check(file(&batch(), Some("{")), "\"headwater.columns\" is malformed");
    let later = Some(r#"{"id":{"attribute":"id","kind":"uuid"}}"#);
    check(file(&batch(), later), "no kind of column is called \"uuid\"");
    let alone = RecordBatch::try_from_iter([("id", texts("a"))]).unwrap();
    check(file(&alone, ID), "column \"_op\" is missing");
}

#[test]
fn columns_of_another_type() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    check(file(&with("id", &numbers), ID), "column \"id\": expected Utf8, found Int64");
    check(file(&with("_key", &numbers), ID), "column \"_key\": expected Utf8, found Int64");
}

#[test]
fn values_that_should_not_be_there() {
    for (column, text, expected) in [
        ("_op", "UPSERT", "row 0, column \"_op\": expected an operation"),
        ("_op", "REMOVE", "row 0, column \"_hash\": expected a hash, but for REMOVE"),
        ("_key", "{", "row 0, column \"_key\": expected an object in DynamoDB JSON"),
        ("_rest", "[]", "row 0, column \"_rest\": expected an object in DynamoDB JSON"),
        ("_by", "root", "row 0, column \"_by\": expected user or ttl"),
    ] {
        check(file(&with(column, &texts(text)), ID), expected);
    }
    let json = Some(r#"{"id":{"attribute":"id","kind":"json"}}"#);
    check(file(&batch(), json), "row 0, column \"id\": expected a JSON object or array");
}

#[test]
fn a_changed_value_is_not_intact() {
    let intact = |file| read::rows(file).unwrap().all(|row| row.unwrap().is_intact());
    assert!(intact(file(&batch(), ID)));
    assert!(!intact(file(&with("id", &texts("b")), ID)));
}
