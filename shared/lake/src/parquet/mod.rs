//! Record batches to Parquet: the only place that decides how files are encoded.
//!
//! | property | value | why |
//! |---|---|---|
//! | compression | zstd 3 | a tenth smaller than level 1 for a fifth more time |
//! | dictionary | where a sample of the column repeats | on unique values it costs time and bytes |
//! | statistics | per column chunk, but for JSON and `_hash` | small files have few pages; nobody asks for a range of JSON |
//! | pages | 384 KiB | what is compressed at a time stays in a processor's cache; files are 0.2 % larger than with 1 MiB |
//! | row group | a record batch | a reader, and the writer, hold one at a time |
//! | list members | `element` | the Parquet specification |
//! | key-value [`COLUMNS`] | JSON: column name to attribute and kind | how [`read`](crate::read) rebuilds items |
//! | key-value [`ADDED`] | JSON: a user's column to attribute, type and epoch; where there are any | how [`footer`](crate::footer) restores them |
//! | key-value [`TABLE`] | the DynamoDB table's name | a file says whose items it holds |
//! | key-value [`FORMAT`] | `1` | the version of this format |
//!
//! The same batches give the same bytes. No Arrow schema is embedded: it would repeat the Parquet
//! schema in a footer that is often as large as the data.

mod dictionary;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::Kind;
use crate::catalog::{EPOCH, TABLE};
use crate::error::WriteError;
use crate::meta;
use crate::registry::{ATTRIBUTE, KIND, TYPE};

pub use writer::Writer;

/// The key of the metadata that says which attribute and kind each column holds.
pub const COLUMNS: &str = "headwater.columns";
/// The key of the metadata that says what each column that a user added is filled from.
pub const ADDED: &str = "headwater.added";
/// The key of the metadata that says which version of the format a file has.
pub const FORMAT: &str = "headwater.format";

/// The version of the format.
pub(crate) const FORMAT_VERSION: &str = "1";
/// Readers parse `<application> version <version>`.
const CREATED_BY: &str = concat!("headwater version ", env!("CARGO_PKG_VERSION"));
/// The zstd level: best size for time on items of DynamoDB exports.
const ZSTD_LEVEL: i32 = 3;
/// Bytes of a page before it is compressed.
const PAGE_BYTES: usize = 384 * 1024;

/// What the file's metadata says about a column of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnMetadata {
    pub(crate) attribute: String,
    pub(crate) kind: String,
}

/// What the file's metadata says about a user's column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddedMetadata {
    pub(crate) attribute: String,
    /// The type, as the catalog spells it.
    #[serde(rename = "type")]
    pub(crate) type_text: String,
    /// What numbers count, where the catalog says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<String>,
}

/// One record batch of a DynamoDB table's rows as a Parquet file.
pub fn write(table: &str, batch: &RecordBatch) -> Result<Vec<u8>, WriteError> {
    Ok(encode(table, batch, Vec::new())?.bytes)
}

/// A Parquet file in memory, and what its footer says.
struct Encoded {
    bytes: Vec<u8>,
    metadata: ParquetMetaData,
}

/// Encodes a batch as a file of one row group, or of none if it has no rows, into `memory`.
///
/// Column by column: compressing takes a megabyte of working memory for each column that is open.
fn encode(table: &str, batch: &RecordBatch, memory: Vec<u8>) -> Result<Encoded, WriteError> {
    let schema = batch.schema();
    let properties = Arc::new(properties(table, &schema, batch)?);
    let root = ArrowSchemaConverter::new().convert(&schema)?.root_schema_ptr();
    let mut bytes = memory;
    bytes.clear();
    let mut file = SerializedFileWriter::new(&mut bytes, root, properties)?;
    if batch.num_rows() > 0 {
        let columns = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
        let columns = columns.create_column_writers(0)?;
        let mut row_group = file.next_row_group()?;
        // Lists of values have one leaf, as every other column has.
        for ((field, array), mut column) in schema.fields().iter().zip(batch.columns()).zip(columns)
        {
            for leaf in compute_leaves(field, array)? {
                column.write(&leaf)?;
            }
            column.close()?.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
    }
    let metadata = file.close()?;
    Ok(Encoded { bytes, metadata })
}

fn properties(
    table: &str,
    schema: &Schema,
    batch: &RecordBatch,
) -> Result<WriterProperties, WriteError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(key_values(table, schema)));
    for field in schema.fields() {
        properties = special(properties, field);
    }
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        properties = dictionary::choose(properties, field.name(), array);
    }
    Ok(properties.build())
}

/// What a column has otherwise than others.
fn special(properties: WriterPropertiesBuilder, field: &Field) -> WriterPropertiesBuilder {
    let column = ColumnPath::from(field.name().as_str());
    let kind = field.metadata().get(KIND);
    match field.name().as_str() {
        // They do not compress, and nobody looks for a range of them.
        meta::HASH => properties
            .set_column_compression(column.clone(), Compression::UNCOMPRESSED)
            .set_column_statistics_enabled(column, EnabledStatistics::None),
        // Nobody looks for a range of JSON either.
        meta::OLD | meta::REST => {
            properties.set_column_statistics_enabled(column, EnabledStatistics::None)
        }
        _ if kind.is_some_and(|kind| kind == Kind::Json.as_str()) => {
            properties.set_column_statistics_enabled(column, EnabledStatistics::None)
        }
        _ => properties,
    }
}

fn key_values(table: &str, schema: &Schema) -> Vec<KeyValue> {
    let mut columns: BTreeMap<&str, ColumnMetadata> = BTreeMap::new();
    let mut added: BTreeMap<&str, AddedMetadata> = BTreeMap::new();
    for field in schema.fields() {
        let says = |key: &str| field.metadata().get(key).cloned();
        let Some(attribute) = says(ATTRIBUTE) else { continue };
        if let Some(kind) = says(KIND) {
            columns.insert(field.name(), ColumnMetadata { attribute, kind });
        } else if let Some(type_text) = says(TYPE) {
            let epoch = says(EPOCH);
            added.insert(field.name(), AddedMetadata { attribute, type_text, epoch });
        }
    }
    let mut entries = vec![
        (FORMAT, FORMAT_VERSION.to_owned()),
        (TABLE, table.to_owned()),
        (COLUMNS, serde_json::json!(columns).to_string()),
    ];
    if !added.is_empty() {
        entries.push((ADDED, serde_json::json!(added).to_string()));
    }
    entries.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect()
}
