//! Record batches to Parquet: the only place that decides how files are encoded.
//!
//! | property | value | why |
//! |---|---|---|
//! | compression | zstd 3 | a tenth smaller than level 1 for a fifth more time |
//! | dictionary | where a sample of the column repeats | on unique values it costs time and bytes |
//! | statistics | per column chunk | small files have few pages |
//! | row group | at most 64 MiB encoded | a reader, and the writer, hold one at a time |
//! | list members | `element` | the Parquet specification |
//! | key-value [`COLUMNS`] | JSON: column name to attribute and kind | how [`read`](crate::read) rebuilds items |
//! | key-value [`TABLE`] | the DynamoDB table's name | a file says whose items it holds |
//! | key-value [`FORMAT`] | `1` | the version of this format |
//!
//! The same batches give the same bytes. No Arrow schema is embedded: it would repeat the Parquet
//! schema in a footer that is often as large as the data.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, new_null_array};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    Schema, SchemaRef, TimestampMillisecondType, ToByteSlice,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::TABLE;
use crate::error::WriteError;
use crate::registry::{ATTRIBUTE, KIND};

/// The key of the metadata that says which attribute and kind each column holds.
pub const COLUMNS: &str = "headwater.columns";
/// The key of the metadata that says which version of the format a file has.
pub const FORMAT: &str = "headwater.format";

/// The version of the format.
const FORMAT_VERSION: &str = "1";
/// Readers parse `<application> version <version>`.
const CREATED_BY: &str = concat!("headwater version ", env!("CARGO_PKG_VERSION"));
/// Encoded bytes after which a row group ends.
const MAX_ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;
/// The zstd level: best size for time on items of DynamoDB exports.
const ZSTD_LEVEL: i32 = 3;
/// How many values of a column decide about its dictionary.
const SAMPLE: usize = 1000;
/// Fewer values than this need no dictionary.
const MIN_SAMPLE: usize = 32;

/// What the file's metadata says about a column of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnMetadata {
    pub(crate) attribute: String,
    pub(crate) kind: String,
}

/// One record batch of a DynamoDB table's rows as a Parquet file.
pub fn write(table: &str, batch: &RecordBatch) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::new(Vec::new(), table, &batch.schema(), batch)?;
    writer.write(batch)?;
    writer.finish()
}

/// A Parquet file of many record batches, of which one row group at a time is held in memory.
#[derive(Debug)]
pub struct Writer<W: Write + Send> {
    inner: ArrowWriter<W>,
    schema: SchemaRef,
    rows: usize,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file of rows of the DynamoDB table `table` with the columns of `schema`; `sample` shows
    /// what they will hold.
    ///
    /// With [`Registry::schema`](crate::Registry::schema) a file takes every batch until the
    /// registry grows.
    pub fn new(
        sink: W,
        table: &str,
        schema: &SchemaRef,
        sample: &RecordBatch,
    ) -> Result<Self, WriteError> {
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table, schema, sample)?)
            .with_skip_arrow_metadata(true);
        let inner = ArrowWriter::try_new_with_options(sink, Arc::clone(schema), options)?;
        Ok(Self { inner, schema: Arc::clone(schema), rows: 0 })
    }

    /// Whether the file has all of a batch's columns. If not, the batch begins a new file.
    pub fn fits(&self, batch: &RecordBatch) -> bool {
        self.first_unknown(batch).is_none()
    }

    fn first_unknown<'b>(&self, batch: &'b RecordBatch) -> Option<&'b str> {
        let known = |name: &str, data_type: &DataType| {
            self.schema.field_with_name(name).is_ok_and(|field| field.data_type() == data_type)
        };
        let schema = batch.schema_ref();
        let mut fields = schema.fields().iter();
        fields
            .find(|field| !known(field.name(), field.data_type()))
            .map(|field| field.name().as_str())
    }

    /// Writes a batch; columns of the file that it does not have are null.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        if let Some(column) = self.first_unknown(batch) {
            return Err(WriteError::Schema { column: column.to_owned() });
        }
        let rows = batch.num_rows();
        let columns =
            self.schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
                Some(array) => Arc::clone(array),
                None => new_null_array(field.data_type(), rows),
            });
        let wide = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect())?;
        self.inner.write(&wide)?;
        self.rows += rows;
        Ok(())
    }

    /// How many rows were written.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes the file has so far, of which the current row group is an estimate.
    pub fn bytes(&self) -> usize {
        self.inner.bytes_written() + self.inner.in_progress_size()
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(self) -> Result<W, WriteError> {
        Ok(self.inner.into_inner()?)
    }
}

fn properties(
    table: &str,
    schema: &Schema,
    sample: &RecordBatch,
) -> Result<WriterProperties, WriteError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_bytes(Some(MAX_ROW_GROUP_BYTES))
        .set_key_value_metadata(Some(key_values(table, schema)));
    for (field, array) in sample.schema_ref().fields().iter().zip(sample.columns()) {
        properties = with_dictionary(properties, field.name(), array);
    }
    Ok(properties.build())
}

fn key_values(table: &str, schema: &Schema) -> Vec<KeyValue> {
    let columns: BTreeMap<&str, ColumnMetadata> = schema
        .fields()
        .iter()
        .filter_map(|field| {
            let attribute = field.metadata().get(ATTRIBUTE)?.clone();
            let kind = field.metadata().get(KIND)?.clone();
            Some((field.name().as_str(), ColumnMetadata { attribute, kind }))
        })
        .collect();
    let columns = serde_json::json!(columns).to_string();
    vec![
        KeyValue::new(FORMAT.to_owned(), FORMAT_VERSION.to_owned()),
        KeyValue::new(TABLE.to_owned(), table.to_owned()),
        KeyValue::new(COLUMNS.to_owned(), columns),
    ]
}

/// Gives the column a dictionary if its values repeat.
fn with_dictionary(
    properties: WriterPropertiesBuilder,
    name: &str,
    array: &ArrayRef,
) -> WriterPropertiesBuilder {
    let list: Option<&ListArray> = array.as_list_opt();
    let (path, values) = match list {
        Some(list) => (vec![name, "list", "element"], list.values()),
        None => (vec![name], array),
    };
    let path = ColumnPath::new(path.into_iter().map(str::to_owned).collect());
    properties.set_column_dictionary_enabled(path, repeats(values))
}

/// Whether, of a sample spread over the column, at most every second value is a new one.
fn repeats(array: &ArrayRef) -> bool {
    let step = (array.len() / SAMPLE).max(1);
    let places = (0..array.len()).step_by(step).filter(|at| array.is_valid(*at));
    let mut distinct = HashSet::new();
    let mut sampled = 0;
    for at in places {
        let Some(hash) = hash_at(array, at) else {
            return false;
        };
        distinct.insert(hash);
        sampled += 1;
    }
    sampled >= MIN_SAMPLE && distinct.len() * 2 <= sampled
}

/// A hash of one value; nothing for types that need no dictionary.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow has some thirty types that no column has"
)]
fn hash_at(array: &ArrayRef, at: usize) -> Option<u64> {
    let hash = match array.data_type() {
        DataType::Utf8 => xxh3_64(array.as_string::<i32>().value(at).as_bytes()),
        DataType::Binary => xxh3_64(array.as_binary::<i32>().value(at)),
        DataType::Int32 => hash_value::<Int32Type>(array, at),
        DataType::Date32 => hash_value::<Date32Type>(array, at),
        DataType::Int64 => hash_value::<Int64Type>(array, at),
        DataType::Float64 => hash_value::<Float64Type>(array, at),
        DataType::Timestamp(_, _) => hash_value::<TimestampMillisecondType>(array, at),
        DataType::Decimal128(_, _) => hash_value::<Decimal128Type>(array, at),
        // Truth values, for which Parquet has no dictionary.
        _ => return None,
    };
    Some(hash)
}

fn hash_value<T: ArrowPrimitiveType>(array: &ArrayRef, at: usize) -> u64 {
    xxh3_64(array.as_primitive::<T>().value(at).to_byte_slice())
}
