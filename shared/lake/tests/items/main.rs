//! Parquet files to items: anyone's by type, the lake's own exactly, and what is damaged.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod nested;
mod others;
mod own;
mod parquet_types;
mod scalars;
mod source;
mod whole;

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use lake::items::Items;

/// A file of one column, with or without the Arrow schema.
pub(crate) fn file_of(array: &ArrayRef, embedded: bool) -> Bytes {
    let field = Field::new("v", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::clone(array)]);
    write(&batch.unwrap(), embedded)
}

pub(crate) fn write(batch: &RecordBatch, embedded: bool) -> Bytes {
    let mut file = Vec::new();
    let options = ArrowWriterOptions::new().with_skip_arrow_metadata(!embedded);
    let mut writer = ArrowWriter::try_new_with_options(&mut file, batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    file.into()
}

/// Every row: the attribute `v` as DynamoDB JSON, `-` where it is absent, or the error and the row's text.
pub(crate) fn rows(file: Bytes) -> Vec<String> {
    let mut items = Items::open(file).unwrap();
    let mut found = Vec::new();
    while let Some(row) = items.next_row().unwrap() {
        assert_eq!(row.ordinal, found.len() as u64);
        found.push(match row.item() {
            Ok(item) => item.get("v").map_or("-".to_owned(), |value| {
                let mut text = String::new();
                item::write_canonical_value(value, &mut text);
                text
            }),
            Err(error) => format!("{error} | {}", error.text),
        });
    }
    assert_eq!(items.rows(), found.len() as u64);
    found
}

/// The column's line, then every row.
pub(crate) fn read(file: Bytes) -> String {
    let line = Items::open(file.clone()).unwrap().columns().join("\n");
    format!("{line}\n{}", rows(file).join("\n"))
}

/// What becomes of a column, however it was written.
pub(crate) fn same(array: impl Array + 'static) -> String {
    let array: ArrayRef = Arc::new(array);
    let found = read(file_of(&array, true));
    assert_eq!(read(file_of(&array, false)), found);
    found
}

/// What becomes of a column that is written with the Arrow schema.
pub(crate) fn embedded(array: impl Array + 'static) -> String {
    let array: ArrayRef = Arc::new(array);
    read(file_of(&array, true))
}
