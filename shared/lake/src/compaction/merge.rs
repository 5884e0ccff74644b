//! Many change files to one, in bounded memory.
//!
//! ```text
//! file ──push──▶ batches ──▶ rows of a row group ──full──▶ Writer ──▶ sink
//! ```
//!
//! Nothing is decoded to items and no column is filled anew: the output has the columns of its inputs by
//! their names, each as it is, and null where an input lacks it. Rows keep their order and are all there,
//! copies too: to find them would take the memory of all their sequence numbers, and the views count
//! them once anyhow.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::file::metadata::{FileMetaData, ParquetMetaData};
use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use bytes::Bytes;

use crate::batch;
use crate::catalog::{EPOCH, TABLE};
use crate::error::{ReadError, WriteError};
use crate::footer::json;
use crate::meta;
use crate::parquet::{
    ADDED, AddedMetadata, COLUMNS, ColumnMetadata, FORMAT, FORMAT_VERSION, Writer,
};
use crate::read::{entry, guarded, optional_entry};
use crate::registry::{ATTRIBUTE, KIND, TYPE};

/// Bytes of columns in memory after which a row group is written; as a snapshot's, about.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of small batches after which they become one: a column of three rows takes the memory of a
/// hundred.
const LOOSE_BYTES: usize = 4 * 1024 * 1024;
/// What is decoded at a time.
const BATCH: batch::Limits = batch::Limits { bytes: 2 * 1024 * 1024, rows: 8192 };

/// Why files could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file could not be read, or is none of ours.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file of another table.
    #[error("is of table {found:?}, expected {expected:?}")]
    OtherTable {
        /// The table whose files are merged.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// A column's name stands for two things.
    #[error(
        "column {column:?} is another than in the files before it, in type or attribute: \
         merge neither, both can be read as they are"
    )]
    OtherColumn {
        /// The column's name.
        column: String,
    },
}

/// A file being merged of many.
#[derive(Debug)]
pub struct Merge<W> {
    writer: Writer<W>,
    table: String,
    /// What each column is, of all files so far.
    columns: HashMap<String, FieldRef>,
    loose: Batches,
    joined: Batches,
}

/// Batches that wait to become one.
#[derive(Debug, Default)]
struct Batches {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl<W: Write> Merge<W> {
    /// Begins a file of changes of the DynamoDB table `table`.
    pub fn new(sink: W, table: &str) -> Result<Self, WriteError> {
        Ok(Self {
            writer: Writer::new(sink, table)?,
            table: table.to_owned(),
            columns: HashMap::new(),
            loose: Batches::default(),
            joined: Batches::default(),
        })
    }

    /// Takes every row of a change file, and says how many there were.
    pub fn push(&mut self, file: Bytes) -> Result<usize, MergeError> {
        let (batches, schema) = self.open(file)?;
        let mut rows = 0;
        let mut batches = batches.into_iter();
        while let Some(batch) = guarded(|| Ok(batches.next().transpose()?))? {
            rows += batch.num_rows();
            let columns = batch.columns().to_vec();
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
            self.loose.add(batch.map_err(WriteError::from)?);
            if self.loose.bytes >= LOOSE_BYTES {
                self.join()?;
            }
        }
        Ok(rows)
    }

    /// Makes one of the small batches, and a row group if there is enough for one.
    fn join(&mut self) -> Result<(), WriteError> {
        if let Some(batch) = self.loose.take()? {
            self.joined.add(batch);
        }
        if self.joined.bytes >= ROW_GROUP_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), WriteError> {
        match self.joined.take()? {
            Some(batch) => self.writer.write(&batch),
            None => Ok(()),
        }
    }

    /// Ends the file and gives back what it was written to, and how many rows it has.
    pub fn finish(mut self) -> Result<(W, usize), WriteError> {
        self.join()?;
        self.write()?;
        let rows = self.writer.rows();
        Ok((self.writer.finish()?, rows))
    }

    /// A file's batches, and the columns they have.
    fn open(&mut self, file: Bytes) -> Result<(ParquetRecordBatchReader, SchemaRef), MergeError> {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder =
            guarded(|| Ok(ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?))?;
        let metadata = builder.metadata().file_metadata();
        let format = entry(metadata, FORMAT)?;
        if format != FORMAT_VERSION {
            let fault = format!("of a later version: {format:?}");
            return Err(ReadError::Metadata { key: FORMAT, fault }.into());
        }
        let found = entry(metadata, TABLE)?;
        if found != self.table {
            let (expected, found) = (self.table.clone(), found.to_owned());
            return Err(MergeError::OtherTable { expected, found });
        }
        let schema = described(builder.schema(), metadata)?;
        self.agree(&schema)?;
        let rows = batch_rows(builder.metadata());
        let batches = guarded(|| Ok(builder.with_batch_size(rows).build()?))?;
        Ok((batches, schema))
    }

    /// Learns the columns of a file, which have to be what they are in the others.
    fn agree(&mut self, schema: &Schema) -> Result<(), MergeError> {
        for meta in meta::COLUMNS {
            let field = schema.field_with_name(meta.name);
            let field = field.map_err(|_| ReadError::MissingColumn(meta.name))?;
            if *field != meta.field() {
                return Err(MergeError::OtherColumn { column: meta.name.to_owned() });
            }
        }
        let other =
            |field: &&FieldRef| self.columns.get(field.name()).is_some_and(|known| known != *field);
        if let Some(field) = schema.fields().iter().find(other) {
            return Err(MergeError::OtherColumn { column: field.name().clone() });
        }
        let columns = schema.fields().iter();
        self.columns.extend(columns.map(|field| (field.name().clone(), Arc::clone(field))));
        Ok(())
    }
}

impl Batches {
    fn add(&mut self, batch: RecordBatch) {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
    }

    /// All of them as one, with every column that one of them has.
    fn take(&mut self) -> Result<Option<RecordBatch>, WriteError> {
        let Self { batches, .. } = std::mem::take(self);
        if batches.is_empty() {
            return Ok(None);
        }
        let mut fields: Vec<FieldRef> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for field in batches.iter().flat_map(|batch| batch.schema_ref().fields().iter()) {
            places.entry(field.name().clone()).or_insert_with(|| {
                fields.push(Arc::clone(field));
                fields.len() - 1
            });
        }
        let columns = fields.iter().map(|field| column(field, &batches));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?))
    }
}

/// One column of some batches.
fn column(field: &Field, batches: &[RecordBatch]) -> Result<ArrayRef, WriteError> {
    let of_batch = |batch: &RecordBatch| {
        let there = batch.column_by_name(field.name()).cloned();
        there.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()))
    };
    let arrays: Vec<ArrayRef> = batches.iter().map(of_batch).collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(concat(&arrays)?)
}

/// A file's columns with what its metadata says of them, as the writer takes it.
fn described(schema: &Schema, metadata: &FileMetaData) -> Result<SchemaRef, ReadError> {
    let ours: BTreeMap<String, ColumnMetadata> = json(COLUMNS, entry(metadata, COLUMNS)?)?;
    let added = optional_entry(metadata, ADDED).unwrap_or("{}");
    let added: BTreeMap<String, AddedMetadata> = json(ADDED, added)?;
    let says = |name: &str| {
        let mut says = HashMap::new();
        if let Some(ColumnMetadata { attribute, kind }) = ours.get(name) {
            says.insert(ATTRIBUTE.to_owned(), attribute.clone());
            says.insert(KIND.to_owned(), kind.clone());
        } else if let Some(AddedMetadata { attribute, type_text, epoch }) = added.get(name) {
            says.insert(ATTRIBUTE.to_owned(), attribute.clone());
            says.insert(TYPE.to_owned(), type_text.clone());
            says.extend(epoch.clone().map(|epoch| (EPOCH.to_owned(), epoch)));
        }
        says
    };
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_metadata(says(field.name())));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// How many rows are decoded at a time, by the row group whose rows are the largest.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    // Our own files say how long the values are that dictionaries hold.
    let rows = metadata.row_groups().iter().map(|group| BATCH.rows_of(group, &[]));
    rows.min().unwrap_or(1)
}
