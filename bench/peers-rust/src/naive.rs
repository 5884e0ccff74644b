//! An export to Parquet as one writes it from the crates that are at hand.
//!
//! ```text
//! line ──serde_json──▶ Value ──serde──▶ serde_dynamo::Item ──serde──▶ Value ──arrow-json──▶ RecordBatch ──▶ Parquet
//! ```

use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow_json::reader::{Decoder, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_dynamo::{AttributeValue, Item};
use serde_json::{Value, json};

use crate::schema;

/// Lines that become one record batch.
const BATCH: usize = 8192;
/// The rows of a row group: `DuckDB`'s default, which all peers have.
const ROW_GROUP: usize = 122_880;

pub(crate) fn export(input: &str, output: &str, schema: &str) -> Result<Value> {
    let schema = schema::arrow(&schema::read(schema)?);
    let open = File::open(input).with_context(|| format!("opening {input}"))?;
    let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(open)));
    // Numbers in columns of text, where an attribute has both.
    let mut decoder =
        ReaderBuilder::new(schema.clone()).with_coerce_primitive(true).build_decoder()?;
    let sink = BufWriter::new(File::create(output)?);
    let mut writer = ArrowWriter::try_new(sink, schema, Some(properties()?))?;
    let mut items = Vec::with_capacity(BATCH);
    let mut rows = 0;
    for line in lines.lines() {
        items.push(plain(&line?)?);
        if items.len() == BATCH {
            rows += write(&mut writer, &mut decoder, &items)?;
            items.clear();
        }
    }
    rows += write(&mut writer, &mut decoder, &items)?;
    writer.close()?;
    Ok(json!({ "rows": rows }))
}

pub(crate) fn properties() -> Result<WriterProperties> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder().set_compression(zstd);
    Ok(properties.set_max_row_group_row_count(Some(ROW_GROUP)).build())
}

fn write<W: std::io::Write + Send>(
    writer: &mut ArrowWriter<W>,
    decoder: &mut Decoder,
    items: &[Value],
) -> Result<usize> {
    decoder.serialize(items)?;
    let batch: Option<RecordBatch> = decoder.flush()?;
    let Some(batch) = batch else {
        return Ok(0);
    };
    writer.write(&batch)?;
    Ok(batch.num_rows())
}

/// A line of an export as plain JSON.
fn plain(line: &str) -> Result<Value> {
    let mut line: Value = serde_json::from_str(line)?;
    let item: Item = serde_json::from_value(line["Item"].take())?;
    let mut attributes = item.into_inner();
    // `from_item` has no binary values in plain JSON, and `arrow-json` takes them as hexadecimal digits.
    for value in attributes.values_mut() {
        if let AttributeValue::B(bytes) = value {
            *value = AttributeValue::S(hexadecimal(bytes));
        }
    }
    Ok(serde_dynamo::from_item(Item::from(attributes))?)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
