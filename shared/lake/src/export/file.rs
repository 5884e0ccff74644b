//! The items or changes of an export to one file, in bounded memory.
//!
//! ```text
//! row ──push──▶ rows of a row group ──unnamed──▶ names agreed ──write_rows──▶ file
//!                     ▲                                             │
//!                     └──────────── until the export ends ◀─────────┘
//! ```
//!
//! Columns come as rows bring them: see [`Writer`].

use std::io::Write;
use std::sync::Arc;

use item::privacy::Redaction;

use crate::error::WriteError;
use crate::parquet::Writer;
use crate::registry::{ColumnKey, Registry};
use crate::rows::{Row, Rows};

/// Text of the rows after which a row group is full, in bytes.
///
/// A row group of it is some 18,000 items of 0.9 KB, about a page of each column, and the whole conversion
/// takes 45 MiB. Twice as much takes 71 MiB, no less time, and makes files smaller by 0.4 %.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// A file of a snapshot or an increment, being written.
#[derive(Debug)]
pub struct ExportFile<W> {
    writer: Writer<W>,
    rows: Rows,
    redaction: Option<Arc<Redaction>>,
}

impl<W: Write> ExportFile<W> {
    /// Begins a file of what an export of the DynamoDB table `table` holds.
    pub fn new(sink: W, table: &str) -> Result<Self, WriteError> {
        Ok(Self { writer: Writer::new(sink, table)?, rows: Rows::new(), redaction: None })
    }

    /// The same, of which rows are taken under privacy rules if there are any.
    #[must_use]
    pub fn under(mut self, redaction: Option<Arc<Redaction>>) -> Self {
        self.rows = self.rows.under(redaction.clone());
        self.redaction = redaction;
        self
    }

    /// Takes a row. Where it fails, nothing of the row was taken.
    pub fn push(&mut self, row: &Row<'_>) -> Result<(), WriteError> {
        self.rows.push(row)
    }

    /// Whether the rows taken make a row group: it is time to [write](Self::write_rows) them.
    pub fn is_full(&self) -> bool {
        self.rows.bytes() >= ROW_GROUP_BYTES
    }

    /// The columns of the rows taken that `registry` has no name for, in first-seen order.
    pub fn unnamed(&self, registry: &Registry) -> Vec<ColumnKey> {
        self.rows.unnamed(registry)
    }

    /// Writes the rows taken as a row group. What `registry` has no name for goes to `_rest`.
    pub fn write_rows(&mut self, registry: &Registry) -> Result<(), WriteError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.rows).finish(registry)?;
        self.writer.write(&batch)?;
        self.rows = Rows::in_memory_of(batch).under(self.redaction.clone());
        Ok(())
    }

    /// How many values of the rows taken have no column in `registry`, and so travel in `_rest`.
    pub fn rescued(&self, registry: &Registry) -> u64 {
        self.rows.rescued(registry)
    }

    /// How many rows were written to the file.
    pub fn written(&self) -> usize {
        self.writer.rows()
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// Rows that were taken and not [written](Self::write_rows) are not in it: this is their last chance
    /// to be noticed, so it fails then.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.rows.len() {
            0 => self.writer.finish(),
            rows => Err(WriteError::Unwritten { rows }),
        }
    }
}
