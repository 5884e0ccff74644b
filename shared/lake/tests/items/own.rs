//! The lake's own files: the items of a snapshot come back exactly, changes are refused.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use bytes::Bytes;
use item::Item;
use item::format::dynamodb_json::parse_item;
use item::testing;
use lake::items::Items;
use lake::{DEFAULT_COLUMN_LIMIT, Registry, Row, RowOp, Rows, parquet};
use proptest::collection::vec;
use proptest::prelude::*;

/// A file of the lake that holds rows of an operation.
fn file(items: &[Item<'static>], op: RowOp, limit: usize) -> Bytes {
    let mut rows = Rows::new();
    for item in items {
        let snapshot = Row::of_snapshot(0, item, item);
        rows.push(&Row { op, ..snapshot }).unwrap();
    }
    let mut registry = Registry::new();
    registry.assign(&rows.unnamed(&registry), limit);
    parquet::write("planes", &rows.finish(&registry).unwrap()).unwrap().into()
}

fn read(file: Bytes) -> Vec<Item<'static>> {
    let mut items = Items::open(file).unwrap();
    assert_eq!(items.table(), Some("planes"));
    let mut found = Vec::new();
    while let Some(row) = items.next_row().unwrap() {
        found.push(row.item().unwrap().into_owned());
    }
    assert_eq!(items.rows(), found.len() as u64);
    found
}

proptest! {
    #[test]
    fn items_of_a_snapshot_come_back(items in vec(testing::items(), 0..6), limit in 0..3_usize) {
        let limit = [0, 2, DEFAULT_COLUMN_LIMIT][limit];
        prop_assert_eq!(read(file(&items, RowOp::Snapshot, limit)), items);
    }
}

fn plane() -> Item<'static> {
    let text =
        br#"{"Tail No":{"S":"N1"},"seats":{"N":"55"},"price":{"N":"0.1"},"tags":{"SS":["a"]},
        "m":{"M":{}},"gone":{"NULL":true}}"#;
    parse_item(text).unwrap().into_owned()
}

#[test]
fn columns_are_told_with_their_attributes() {
    let items = Items::open(file(&[plane()], RowOp::Snapshot, DEFAULT_COLUMN_LIMIT)).unwrap();
    insta::assert_snapshot!(items.columns().join("\n"), @r#"
    tail_no: string of attribute "Tail No" -> S
    seats: bigint of attribute "seats" -> N
    price: double of attribute "price" -> N
    tags: string_set of attribute "tags" -> SS
    m: json of attribute "m" -> M or L
    "#);
}

#[test]
fn changes_are_refused() {
    for op in [RowOp::Insert, RowOp::Modify] {
        let mut items = Items::open(file(&[plane()], op, DEFAULT_COLUMN_LIMIT)).unwrap();
        let error = items.next_row().unwrap_err().to_string();
        let expected = format!(
            "{} in row 0: a file of table planes's changes is not its state; import files of one \
             snapshot (snapshots/planes/) or of an export instead",
            op.as_str()
        );
        assert_eq!(error, expected);
        assert!(items.next_row().unwrap().is_none());
    }
}

/// The file with a column replaced, or taken out.
fn with(file: Bytes, name: &str, array: Option<&ArrayRef>) -> Bytes {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let metadata = builder.metadata().file_metadata().key_value_metadata().cloned();
    let batch = builder.build().unwrap().next().unwrap().unwrap();
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    let columns = columns.filter_map(|(field, old)| {
        let new = if field.name() == name { array? } else { old };
        Some((field.name().as_str(), Arc::clone(new), true))
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let properties = WriterProperties::builder().set_key_value_metadata(metadata).build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file.into()
}

#[track_caller]
fn check_damaged(name: &str, array: Option<&ArrayRef>) -> String {
    let file = file(&[plane()], RowOp::Snapshot, DEFAULT_COLUMN_LIMIT);
    let mut items = Items::open(with(file, name, array)).unwrap();
    match items.next_row() {
        Ok(row) => {
            let error = row.unwrap().item().unwrap_err();
            assert!(error.text.starts_with(r#"{"_op":"#), "{}", error.text);
            format!("row error: {error}")
        }
        Err(error) => format!("file error: {error}"),
    }
}

#[test]
fn a_damaged_value_is_a_row_error_and_a_missing_column_the_files() {
    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let double = |double: f64| Arc::new(Float64Array::from(vec![double])) as ArrayRef;
    let all = [
        check_damaged("_rest", Some(&text("["))),
        check_damaged("_op", Some(&text("UPSERT"))),
        check_damaged("m", Some(&text("{"))),
        check_damaged("price", Some(&double(f64::NAN))),
        check_damaged("price", Some(&double(0.2))),
        check_damaged("price", Some(&text("0.1"))),
        check_damaged("_hash", None),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    row error: row 0, attribute _rest: expected an object in DynamoDB JSON: the file is damaged; take it from where it was made again
    row error: row 0, attribute _op: expected an operation: the file is damaged; take it from where it was made again
    row error: row 0, attribute m: expected a JSON object or array: the file is damaged; take it from where it was made again
    row error: row 0, attribute price: expected a double within DynamoDB's range: the file is damaged; take it from where it was made again
    row error: row 0: expected the item that was hashed when it was written: the file is damaged; take it from where it was made again
    file error: column "price": expected Float64, found Utf8
    file error: column "_hash" is missing: not a file of the lake
    "#);
}
