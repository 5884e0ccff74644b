//! The items of an export to one file, in bounded memory.
//!
//! ```text
//! item ──push──▶ rows of a row group ──unnamed──▶ names agreed ──write_rows──▶ file
//!                      ▲                                             │
//!                      └──────────── until the export ends ◀─────────┘
//! ```
//!
//! Columns come as items bring them: see [`Writer`].

use std::io::Write;

use item::Item;

use crate::error::WriteError;
use crate::parquet::Writer;
use crate::path;
use crate::registry::{ColumnKey, Registry};
use crate::rows::{Row, Rows};

/// Text of the items after which a row group is full, in bytes.
///
/// A row group of it is some 18,000 items of 0.9 KB, about a page of each column, and the whole conversion
/// takes 45 MiB. Twice as much takes 71 MiB, no less time, and makes files smaller by 0.4 %.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// A snapshot's file being written.
#[derive(Debug)]
pub struct SnapshotFile<W> {
    writer: Writer<W>,
    rows: Rows,
    export_time_ms: i64,
}

impl<W: Write> SnapshotFile<W> {
    /// Begins a file of items that the DynamoDB table `table` had at a time, in milliseconds since
    /// 1970 UTC.
    pub fn new(sink: W, table: &str, export_time_ms: i64) -> Result<Self, WriteError> {
        // Fails for a time that no path could name either.
        path::time_text(export_time_ms)?;
        Ok(Self { writer: Writer::new(sink, table)?, rows: Rows::new(), export_time_ms })
    }

    /// Takes an item with its key attributes.
    pub fn push(&mut self, key: &Item<'_>, item: &Item<'_>) -> Result<(), WriteError> {
        self.rows.push(&Row::of_snapshot(self.export_time_ms, key, item))
    }

    /// Whether the items taken make a row group: it is time to [write](Self::write_rows) them.
    pub fn is_full(&self) -> bool {
        self.rows.bytes() >= ROW_GROUP_BYTES
    }

    /// The columns of the items taken that `registry` has no name for, in first-seen order.
    pub fn unnamed(&self, registry: &Registry) -> Vec<ColumnKey> {
        self.rows.unnamed(registry)
    }

    /// Writes the items taken as a row group. What `registry` has no name for goes to `_rest`.
    pub fn write_rows(&mut self, registry: &Registry) -> Result<(), WriteError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.rows).finish(registry)?;
        self.writer.write(&batch)?;
        self.rows = Rows::in_memory_of(batch);
        Ok(())
    }

    /// How many items were written to the file.
    pub fn written(&self) -> usize {
        self.writer.rows()
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// Items that were taken and not [written](Self::write_rows) are not in it: this is their last chance
    /// to be noticed, so it fails then.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.rows.len() {
            0 => self.writer.finish(),
            rows => Err(WriteError::Unwritten { rows }),
        }
    }
}
