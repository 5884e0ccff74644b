//! Whole rows and files.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int32Array, ListArray, RecordBatch, RecordBatchOptions,
    StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema};
use lake::items::Items;

use crate::{file_of, read, rows, write};

#[track_caller]
fn refused(batch: &RecordBatch, expected: &str) {
    let error = Items::open(write(batch, true)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn names_that_repeat_are_refused() {
    let array = |number: i32| Arc::new(Int32Array::from(vec![number])) as ArrayRef;
    let field = |name: &str| Field::new(name, DataType::Int32, true);
    let twice = Schema::new(vec![field("a"), field("a")]);
    let batch = RecordBatch::try_new(Arc::new(twice), vec![array(1), array(2)]).unwrap();
    refused(&batch, "the column \"a\" occurs twice; an item holds a name once, rename one");
    let fields: Fields = vec![field("x"), field("x")].into();
    let structs = StructArray::new(fields, vec![array(1), array(2)], None);
    let batch = RecordBatch::try_from_iter([("s", Arc::new(structs) as ArrayRef)]).unwrap();
    refused(&batch, "the column \"s.x\" occurs twice; an item holds a name once, rename one");
}

#[test]
fn a_row_is_told_whole() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a\nb"), None]));
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"hi", b"\xFF"]));
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, f64::NAN]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
    ]));
    let columns = [("text", texts), ("bytes", bytes), ("n", doubles), ("list", lists)];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)));
    insta::assert_snapshot!(rows(write(&batch.unwrap(), true)).join("\n"), @r#"
    row 0, attribute n: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"text":"a\nb","bytes":"aGk=","n":"NaN","list":[1,null]}
    row 1, attribute n: "NaN" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3 | {"bytes":"/w==","n":"NaN"}
    "#);
}

#[test]
fn files_without_rows_or_columns() {
    let empty: ArrayRef = Arc::new(Int32Array::from(Vec::<i32>::new()));
    assert_eq!(read(file_of(&empty, true)), "v: int32 -> N\n");
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let none = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options);
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, Arc::new(Schema::empty()), None).unwrap();
    writer.write(&none.unwrap()).unwrap();
    writer.close().unwrap();
    assert_eq!(read(file.into()), "\n");
}
