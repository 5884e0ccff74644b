//! A stream event to Parquet through `lambda_runtime`'s typed events.
//!
//! The event is read as `lambda_runtime` 1.5 reads it, becomes Arrow columns of the schema that was given, and a file with the
//! settings one gets from the `parquet` crate. No type is inferred and nothing but the schema's columns is kept.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use parquet::arrow::ArrowWriter;
use serde::de::DeserializeOwned;

use crate::images::Images;
use crate::naive::properties;
use crate::ours::Written;
use crate::schema::Column;

/// What `lambda_runtime` does with every payload.
pub(crate) fn deserialize<T: DeserializeOwned>(payload: &[u8]) -> Result<T> {
    let json = &mut serde_json::Deserializer::from_slice(payload);
    Ok(serde_path_to_error::deserialize(json)?)
}

pub(crate) fn typed(event: &[u8], schema: &[Column]) -> Result<Written> {
    let event: Event = deserialize(event)?;
    write(&event, schema)
}

/// An event that was read to a file.
pub(crate) fn write(event: &Event, schema: &[Column]) -> Result<Written> {
    let batch = batch(&event.records, schema)?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties()?))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(Written { rows: batch.num_rows(), bytes: bytes.len() })
}

fn batch(records: &[EventRecord], schema: &[Column]) -> Result<RecordBatch> {
    let (mut id, mut name, mut sequence) =
        (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut at, mut size) = (Int64Builder::new(), Int64Builder::new());
    let (mut new, mut old) = (Images::new(schema), Images::new(schema));
    for record in records {
        let change = &record.change;
        id.append_value(&record.event_id);
        name.append_value(&record.event_name);
        sequence.append_option(change.sequence_number.as_ref());
        at.append_value(change.approximate_creation_date_time.timestamp());
        size.append_value(change.size_bytes);
        new.push(&change.new_image)?;
        old.push(&change.old_image)?;
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("event_id", Arc::new(id.finish())),
        ("event_name", Arc::new(name.finish())),
        ("sequence", Arc::new(sequence.finish())),
        ("at", Arc::new(at.finish())),
        ("size", Arc::new(size.finish())),
        ("new", new.finish()),
        ("old", old.finish()),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
