//! A file of many record batches whose columns come as they come.
//!
//! ```text
//! batch ──encode──▶ a file of its own, in memory ──▶ its pages go to the sink, its metadata is kept
//!                                                     with the offsets they have there
//! finish ──▶ for each row group without some column: a chunk of nulls   ──▶ one footer for all
//! ```
//!
//! A Parquet file has one schema, and it stands at the end. So a column that first appears in the
//! millionth row needs no second pass and no second file: row groups before it get a chunk of nulls,
//! which may stand anywhere. Nothing that was written is written again, and memory holds one row
//! group and the metadata of those before.
//!
//! Source: [the file format](https://parquet.apache.org/docs/file-format/): a row group has no physical
//! structure that is guaranteed, only its column chunks are contiguous.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::schema::types::{ColumnDescPtr, SchemaDescPtr};

use super::{Encoded, encode};
use crate::Registry;
use crate::error::WriteError;

/// How every Parquet file begins; its footer ends with the same.
const MAGIC: &[u8] = b"PAR1";

/// A Parquet file of many record batches, of which one is held in memory at a time.
///
/// Each batch becomes a row group: larger ones compress better, smaller ones need less memory. Batches
/// may have different columns; what a batch does not have is null in its rows.
#[derive(Debug)]
pub struct Writer<W> {
    sink: Sink<W>,
    table: String,
    /// The meta columns and every other that a batch had, in first-seen order. Each has one leaf.
    fields: Vec<FieldRef>,
    /// The place in `fields` of each column.
    places: HashMap<String, usize>,
    groups: Vec<Group>,
    rows: usize,
    /// What the last row group was encoded into, for the next.
    memory: Vec<u8>,
}

/// A row group that was written.
#[derive(Debug)]
struct Group {
    rows: i64,
    /// Its columns, each with its place in [`Writer::fields`].
    columns: Vec<(usize, ColumnChunkMetaData)>,
}

impl<W: Write> Writer<W> {
    /// Begins a file of rows of the DynamoDB table `table`.
    pub fn new(sink: W, table: &str) -> Result<Self, WriteError> {
        let mut sink = Sink { inner: sink, written: 0 };
        sink.write(MAGIC)?;
        let mut writer = Self {
            sink,
            table: table.to_owned(),
            fields: Vec::new(),
            places: HashMap::new(),
            groups: Vec::new(),
            rows: 0,
            memory: Vec::new(),
        };
        writer.places_of(&Registry::new().schema())?;
        Ok(writer)
    }

    /// Writes a batch as a row group.
    ///
    /// Fails if a column has another type than in a batch before; nothing was written then.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let places = self.places_of(batch.schema_ref())?;
        let memory = std::mem::take(&mut self.memory);
        let Encoded { bytes, metadata } = encode(&self.table, batch, memory)?;
        for group in metadata.row_groups() {
            let columns = self.sink.append(&bytes, group.columns())?;
            let columns = places.iter().copied().zip(columns).collect();
            self.groups.push(Group { rows: group.num_rows(), columns });
        }
        self.rows += batch.num_rows();
        self.memory = bytes;
        Ok(())
    }

    /// The places of a batch's columns among the file's, which learns the new ones.
    fn places_of(&mut self, schema: &Schema) -> Result<Vec<usize>, WriteError> {
        let known = |field: &Field| Some(&self.fields[*self.places.get(field.name())?]);
        let changed = |field: &&FieldRef| {
            known(field).is_some_and(|known| known.data_type() != field.data_type())
        };
        if let Some(field) = schema.fields().iter().find(changed) {
            return Err(WriteError::Schema { column: field.name().clone() });
        }
        let place = |field: &FieldRef| {
            *self.places.entry(field.name().clone()).or_insert_with(|| {
                self.fields.push(Arc::clone(field));
                self.fields.len() - 1
            })
        };
        Ok(schema.fields().iter().map(place).collect())
    }

    /// How many rows were written.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes were written.
    pub fn bytes(&self) -> u64 {
        self.sink.written
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(mut self) -> Result<W, WriteError> {
        let footer = self.footer()?;
        let groups = self.complete_groups(&footer.schema_descr_ptr())?;
        let metadata = ParquetMetaData::new(footer, groups);
        ParquetMetaDataWriter::new(&mut self.sink.inner, &metadata).finish()?;
        self.sink.inner.flush()?;
        Ok(self.sink.inner)
    }

    /// What the footer says of the file as a whole, from that of a file of all columns and no rows.
    fn footer(&self) -> Result<FileMetaData, WriteError> {
        let schema = Arc::new(Schema::new(self.fields.clone()));
        let empty = encode(&self.table, &RecordBatch::new_empty(schema), Vec::new())?;
        let file = empty.metadata.file_metadata();
        Ok(FileMetaData::new(
            file.version(),
            self.groups.iter().map(|group| group.rows).sum(),
            file.created_by().map(str::to_owned),
            file.key_value_metadata().cloned(),
            file.schema_descr_ptr(),
            file.column_orders().cloned(),
        ))
    }

    /// The row groups with every column of the file, in the file's order.
    fn complete_groups(
        &mut self,
        schema: &SchemaDescPtr,
    ) -> Result<Vec<RowGroupMetaData>, WriteError> {
        let mut nulls = Nulls::default();
        let mut complete = Vec::with_capacity(self.groups.len());
        for Group { rows, columns } in std::mem::take(&mut self.groups) {
            let mut all: Vec<Option<ColumnChunkMetaData>> = vec![None; self.fields.len()];
            for (place, column) in columns {
                all[place] = Some(column);
            }
            for (place, column) in all.iter_mut().enumerate().filter(|(_, c)| c.is_none()) {
                let chunk = nulls.chunk(self.fields[place].data_type(), rows)?;
                *column = Some(chunk.append(schema.column(place), &mut self.sink)?);
            }
            let all: Vec<_> = all.into_iter().flatten().collect();
            let bytes = all.iter().map(ColumnChunkMetaData::uncompressed_size).sum();
            let group = RowGroupMetaData::builder(Arc::clone(schema)).set_num_rows(rows);
            let group = group.set_total_byte_size(bytes).set_column_metadata(all);
            complete.push(group.build()?);
        }
        Ok(complete)
    }
}

/// What the file is written to, and how far it is.
#[derive(Debug)]
struct Sink<W> {
    inner: W,
    written: u64,
}

impl<W: Write> Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.inner.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes the pages of the columns of an encoded file, and tells where they are now.
    fn append(
        &mut self,
        file: &[u8],
        columns: &[ColumnChunkMetaData],
    ) -> Result<Vec<ColumnChunkMetaData>, WriteError> {
        let ranges = columns.iter().map(ColumnChunkMetaData::byte_range);
        let start = ranges.clone().map(|(start, _)| start).min().unwrap_or_default();
        let end = ranges.map(|(start, length)| start + length).max().unwrap_or_default();
        let shift = self.written.cast_signed() - start.cast_signed();
        self.write(&file[in_memory(start)..in_memory(end)])?;
        columns.iter().map(|column| at(column, column.column_descr_ptr(), shift)).collect()
    }
}

/// A place in a file that is held in memory.
fn in_memory(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The metadata of a column chunk of the column `descriptor`, `shift` bytes further on.
fn at(
    chunk: &ColumnChunkMetaData,
    descriptor: ColumnDescPtr,
    shift: i64,
) -> Result<ColumnChunkMetaData, WriteError> {
    let mut moved = ColumnChunkMetaData::builder(descriptor)
        .set_compression_codec(chunk.compression_codec())
        .set_data_page_offset(chunk.data_page_offset() + shift)
        .set_definition_level_histogram(chunk.definition_level_histogram().cloned())
        .set_dictionary_page_offset(chunk.dictionary_page_offset().map(|offset| offset + shift))
        .set_encodings_mask(*chunk.encodings_mask())
        .set_num_values(chunk.num_values())
        .set_repetition_level_histogram(chunk.repetition_level_histogram().cloned())
        .set_total_compressed_size(chunk.compressed_size())
        .set_total_uncompressed_size(chunk.uncompressed_size())
        .set_unencoded_byte_array_data_bytes(chunk.unencoded_byte_array_data_bytes());
    if let Some(statistics) = chunk.statistics() {
        moved = moved.set_statistics(statistics.clone());
    }
    if let Some(encodings) = chunk.page_encoding_stats() {
        moved = moved.set_page_encoding_stats(encodings.clone());
    } else if let Some(encodings) = chunk.page_encoding_stats_mask() {
        moved = moved.set_page_encoding_stats_mask(*encodings);
    }
    Ok(moved.build()?)
}

/// Encoded chunks of nothing but nulls, by type and number of rows.
#[derive(Debug, Default)]
struct Nulls {
    chunks: HashMap<(DataType, i64), NullChunk>,
}

/// A chunk of nulls of one type. Its bytes are the same whatever the column is called.
#[derive(Debug)]
struct NullChunk {
    file: Vec<u8>,
    column: ColumnChunkMetaData,
}

impl Nulls {
    fn chunk(&mut self, data_type: &DataType, rows: i64) -> Result<&NullChunk, WriteError> {
        let key = (data_type.clone(), rows);
        match self.chunks.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(NullChunk::new(data_type, rows)?)),
        }
    }
}

impl NullChunk {
    fn new(data_type: &DataType, rows: i64) -> Result<Self, WriteError> {
        let schema = Schema::new(vec![Field::new("null", data_type.clone(), true)]);
        let array = new_null_array(data_type, usize::try_from(rows).unwrap_or_default());
        let batch = RecordBatch::try_new(Arc::new(schema), vec![array])?;
        let Encoded { bytes, metadata } = encode("", &batch, Vec::new())?;
        let column = metadata.row_group(0).column(0).clone();
        Ok(Self { file: bytes, column })
    }

    /// Writes the chunk as one of the column `descriptor`.
    fn append<W: Write>(
        &self,
        descriptor: ColumnDescPtr,
        sink: &mut Sink<W>,
    ) -> Result<ColumnChunkMetaData, WriteError> {
        let columns = sink.append(&self.file, std::slice::from_ref(&self.column))?;
        at(&columns[0], descriptor, 0)
    }
}
