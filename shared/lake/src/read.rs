//! Parquet back to rows with the exact items.
//!
//! 1. The file's metadata says which attribute and kind each column holds.
//! 2. `_rest` is read first: what it holds overrides the columns.
//! 3. Every other column that has a value gives its attribute that value.
//!
//! Nothing but the file is needed: no catalog, no other file.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::file::metadata::FileMetaData;
use ::parquet::file::reader::ChunkReader;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMillisecondType};
use bytes::Bytes;
use item::Item;
use item::change::Actor;
use item::format::dynamodb_json::parse_item;

use crate::Kind;
use crate::catalog::TABLE;
use crate::column::read::Reader;
use crate::error::ReadError;
use crate::meta::{self, RowOp};
use crate::parquet::{COLUMNS, ColumnMetadata};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;

/// The columns of each attribute.
pub(crate) type Attributes = BTreeMap<String, Vec<(String, Kind)>>;

/// A row as the lake holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// What happened.
    pub op: RowOp,
    /// When, in milliseconds since 1970 UTC.
    pub ts_ms: i64,
    /// The stream's label as digits; empty where the row is from an export.
    pub stream: String,
    /// The sequence number, zero-padded to 40 digits; empty where the row is from an export.
    pub seq: String,
    /// The key attributes.
    pub key: Item<'static>,
    /// The item; nothing for a [`RowOp::Remove`].
    pub item: Option<Item<'static>>,
    /// The item as it was before, where it is stored.
    pub old: Option<Item<'static>>,
    /// Who did it, which exports do not tell.
    pub by: Option<Actor>,
    /// The stream record's id; empty where the row is from an export.
    pub event_id: String,
    /// The hash stored next to the item, as [`item::hash`] computes it.
    pub hash: Option<u64>,
}

impl StoredRow {
    /// Whether the item is the one that was hashed when the row was written.
    pub fn is_intact(&self) -> bool {
        self.item.as_ref().map(item::hash) == self.hash
    }
}

/// Reads a file of the lake that is held in memory, row by row.
pub fn rows(file: Vec<u8>) -> Result<StoredRows, ReadError> {
    rows_of(Bytes::from(file))
}

/// Reads a file of the lake from the disk, row by row; a part of one row group is held in memory.
pub fn rows_of_file(file: File) -> Result<StoredRows, ReadError> {
    rows_of(file)
}

fn rows_of(file: impl ChunkReader + 'static) -> Result<StoredRows, ReadError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        guarded(|| Ok(ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?))?;
    let metadata = builder.metadata().file_metadata();
    let table = entry(metadata, TABLE)?.to_owned();
    let attributes = attributes(metadata)?;
    let batches = guarded(|| Ok(builder.with_batch_size(BATCH_ROWS).build()?))?;
    let decoded = VecDeque::new();
    Ok(StoredRows { batches: Some(batches), table, attributes, decoded, first_row: 0 })
}

/// Lets the Parquet reader work, which panics on some damaged files.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    // What a panic may leave half done is not used again.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(ReadError::Damaged))
}

/// The rows of one file, in its order. See [`rows`].
#[derive(Debug)]
pub struct StoredRows {
    /// Nothing once the file has ended, or could not be read on.
    batches: Option<ParquetRecordBatchReader>,
    table: String,
    attributes: Attributes,
    decoded: VecDeque<StoredRow>,
    /// The place in the file of the next batch's first row.
    first_row: usize,
}

impl Iterator for StoredRows {
    type Item = Result<StoredRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.decoded.pop_front() {
                return Some(Ok(row));
            }
            match self.next_batch().transpose()?.and_then(|batch| self.decode(&batch)) {
                Ok(rows) => self.decoded = rows,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl StoredRows {
    /// The DynamoDB table whose items these are.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The next batch; after an error there is none.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let Some(mut batches) = self.batches.take() else {
            return Ok(None);
        };
        let batch = guarded(|| Ok(batches.next().transpose()?))?;
        self.batches = batch.is_some().then_some(batches);
        Ok(batch)
    }

    fn decode(&mut self, batch: &RecordBatch) -> Result<VecDeque<StoredRow>, ReadError> {
        let first_row = self.first_row;
        self.first_row += batch.num_rows();
        let decoder = Decoder::new(batch, &self.attributes, first_row)?;
        (0..batch.num_rows()).map(|row| decoder.row(row)).collect()
    }
}

/// An entry of the file's metadata that every file has.
pub(crate) fn entry<'m>(
    metadata: &'m FileMetaData,
    key: &'static str,
) -> Result<&'m str, ReadError> {
    let missing = || "missing: not a file of the lake".to_owned();
    optional_entry(metadata, key).ok_or_else(|| ReadError::Metadata { key, fault: missing() })
}

/// An entry of the file's metadata.
pub(crate) fn optional_entry<'m>(metadata: &'m FileMetaData, key: &str) -> Option<&'m str> {
    let entries = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
    entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.as_deref())
}

/// Which columns hold which attribute, from the file's metadata.
pub(crate) fn attributes(metadata: &FileMetaData) -> Result<Attributes, ReadError> {
    let fault = |fault: String| ReadError::Metadata { key: COLUMNS, fault };
    let columns: BTreeMap<String, ColumnMetadata> = serde_json::from_str(entry(metadata, COLUMNS)?)
        .map_err(|error| fault(format!("malformed: {error}")))?;
    let mut attributes = Attributes::new();
    for (column, ColumnMetadata { attribute, kind }) in columns {
        let kind =
            kind.parse().map_err(|unknown| fault(format!("of a later version: {unknown}")))?;
        attributes.entry(attribute).or_default().push((column, kind));
    }
    Ok(attributes)
}

/// The columns of one batch.
pub(crate) struct Decoder<'b> {
    op: &'b StringArray,
    ts: &'b arrow::array::TimestampMillisecondArray,
    stream: &'b StringArray,
    seq: &'b StringArray,
    key: &'b StringArray,
    hash: &'b Int64Array,
    by: &'b StringArray,
    event_id: &'b StringArray,
    old: &'b StringArray,
    rest: &'b StringArray,
    columns: Vec<AttributeColumn<'b>>,
    /// The columns of each attribute, which lie side by side.
    attributes: Vec<(&'b str, Range<usize>)>,
    first_row: usize,
}

struct AttributeColumn<'b> {
    name: &'b str,
    reader: Reader<'b>,
}

impl<'b> Decoder<'b> {
    pub(crate) fn new(
        batch: &'b RecordBatch,
        attributes: &'b Attributes,
        first_row: usize,
    ) -> Result<Self, ReadError> {
        let mut columns = Vec::new();
        let mut ranges = Vec::new();
        for (attribute, named) in attributes {
            let start = columns.len();
            for (name, kind) in named {
                columns.extend(attribute_column(batch, name, *kind)?);
            }
            ranges.push((attribute.as_str(), start..columns.len()));
        }
        Ok(Self {
            op: text(batch, meta::OP)?,
            ts: timestamp(batch, meta::TS)?,
            stream: text(batch, meta::STREAM)?,
            seq: text(batch, meta::SEQ)?,
            key: text(batch, meta::KEY)?,
            hash: integer(batch, meta::HASH)?,
            by: text(batch, meta::BY)?,
            event_id: text(batch, meta::EVENT_ID)?,
            old: text(batch, meta::OLD)?,
            rest: text(batch, meta::REST)?,
            columns,
            attributes: ranges,
            first_row,
        })
    }

    pub(crate) fn row(&self, row: usize) -> Result<StoredRow, ReadError> {
        let op = RowOp::of(optional(self.op, row).unwrap_or_default());
        let op = op.ok_or_else(|| self.fault(row, meta::OP, "an operation"))?;
        let hash = self.hash.is_valid(row).then(|| self.hash.value(row).cast_unsigned());
        if hash.is_none() != (op == RowOp::Remove) {
            return Err(self.fault(row, meta::HASH, "a hash, but for REMOVE"));
        }
        if self.ts.is_null(row) {
            return Err(self.fault(row, meta::TS, "a time"));
        }
        let key = self.optional_item(self.key, row, meta::KEY)?;
        Ok(StoredRow {
            op,
            ts_ms: self.ts.value(row),
            stream: optional(self.stream, row).unwrap_or_default().to_owned(),
            seq: optional(self.seq, row).unwrap_or_default().to_owned(),
            key: key.ok_or_else(|| self.fault(row, meta::KEY, "a key"))?,
            item: hash.map(|_| self.item(row)).transpose()?,
            old: self.optional_item(self.old, row, meta::OLD)?,
            by: self.actor(row)?,
            event_id: optional(self.event_id, row).unwrap_or_default().to_owned(),
            hash,
        })
    }

    fn actor(&self, row: usize) -> Result<Option<Actor>, ReadError> {
        let Some(text) = optional(self.by, row) else {
            return Ok(None);
        };
        let actor = meta::actor(text).ok_or_else(|| self.fault(row, meta::BY, "user or ttl"))?;
        Ok(Some(actor))
    }

    fn optional_item(
        &self,
        column: &StringArray,
        row: usize,
        name: &str,
    ) -> Result<Option<Item<'static>>, ReadError> {
        let Some(text) = optional(column, row) else {
            return Ok(None);
        };
        match parse_item(text.as_bytes()) {
            Ok(item) => Ok(Some(item.into_owned())),
            Err(_) => Err(self.fault(row, name, "an object in DynamoDB JSON")),
        }
    }

    /// The item that `_rest` and the columns make up.
    fn item(&self, row: usize) -> Result<Item<'static>, ReadError> {
        let rest = self.optional_item(self.rest, row, meta::REST)?.unwrap_or_default();
        let overridden: HashSet<&str> = rest.iter().map(|(attribute, _)| attribute).collect();
        let mut entries = Vec::new();
        for (attribute, columns) in &self.attributes {
            if overridden.contains(attribute) {
                continue;
            }
            let mut columns = self.columns[columns.clone()].iter();
            if let Some(column) = columns.find(|column| column.reader.is_valid(row)) {
                let value = column.reader.value(row);
                let value = value.map_err(|expected| self.fault(row, column.name, expected))?;
                entries.push(((*attribute).to_owned().into(), value.into_owned()));
            }
        }
        entries.extend(rest);
        Ok(Item::from_distinct(entries))
    }

    fn fault(&self, row: usize, column: &str, expected: &'static str) -> ReadError {
        ReadError::Value { row: self.first_row + row, column: column.to_owned(), expected }
    }
}

fn optional(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// The column of that name, if the file has it: a file's metadata may name more than it holds.
fn attribute_column<'b>(
    batch: &'b RecordBatch,
    name: &'b str,
    kind: Kind,
) -> Result<Option<AttributeColumn<'b>>, ReadError> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    match Reader::new(kind, array) {
        Some(reader) => Ok(Some(AttributeColumn { name, reader })),
        None => Err(mismatch(name, kind.data_type(), array)),
    }
}

fn mismatch(column: &str, expected: DataType, found: &ArrayRef) -> ReadError {
    let found = found.data_type().clone();
    ReadError::ColumnType { column: column.to_owned(), expected, found }
}

fn meta_column<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b ArrayRef, ReadError> {
    batch.column_by_name(name).ok_or(ReadError::MissingColumn(name))
}

fn text<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b StringArray, ReadError> {
    let array = meta_column(batch, name)?;
    array.as_string_opt().ok_or_else(|| mismatch(name, DataType::Utf8, array))
}

fn integer<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b Int64Array, ReadError> {
    let array = meta_column(batch, name)?;
    array.as_primitive_opt::<Int64Type>().ok_or_else(|| mismatch(name, DataType::Int64, array))
}

fn timestamp<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b arrow::array::TimestampMillisecondArray, ReadError> {
    let array = meta_column(batch, name)?;
    array.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(|| {
        mismatch(name, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), array)
    })
}
