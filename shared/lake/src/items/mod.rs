//! Any Parquet file to items.
//!
//! ```text
//! RangedRead ──footer──▶ columns, number of rows
//!     │                        │ one Column each, chosen once a batch
//!     └──row group──▶ batch of rows ──▶ Row ──item──▶ Item, or why it is none
//! ```
//!
//! 1. [`Items::open`] reads the footer: nothing else is needed to know the [number of rows](Items::rows) and
//!    [what the columns become](Items::columns), or that the file cannot be read.
//! 2. [`Items::seek`] passes over what was done before; row groups in between are not fetched.
//! 3. [`Items::next_row`] lends one row after the other.
//! 4. [`Row::item`] makes the item, which borrows from the batch. A row that cannot be one becomes a
//!    [`RowError`] with the row as plain JSON, and reading goes on with the next row.
//!
//! So rows read = items + row errors. In memory are one batch, the page of each column that it is in, and
//! of the file 16 MiB of a small row group, or 32 MiB of windows into a large one. A batch is 1024 rows, or as many
//! fewer as take 32 MiB by the mean of their row group.
//!
//! The lake's own files are known by their metadata, and files of snapshots give back the exact items; files of
//! changes are refused. Anyone's files are read by their types:
//!
//! | Parquet, Arrow | DynamoDB | note |
//! |---|---|---|
//! | INT32, INT64, signed and unsigned | N | |
//! | FLOAT, DOUBLE, FLOAT16 | N | shortest text that gives the float back; FLOAT16 that of the FLOAT it is. NaN, infinities and what is beyond DynamoDB's range are row errors |
//! | DECIMAL of any width | N | exact; more than 38 significant digits are a row error |
//! | BOOLEAN | BOOL | |
//! | STRING, ENUM, JSON | S | text as it is: JSON is not taken apart |
//! | `BYTE_ARRAY`, `FIXED_LEN_BYTE_ARRAY`, BSON | B | also text that its writer did not mark as such |
//! | UUID | S | `00112233-4455-6677-8899-aabbccddeeff` |
//! | DATE | S | `2026-11-25`; beyond the years 0 to 9999 a row error, as below |
//! | TIME | S | `15:00:00.123`, with the digits of its unit, as below |
//! | TIMESTAMP, adjusted to UTC | S | `2026-11-25T15:00:00.123Z` |
//! | TIMESTAMP otherwise | S | `2026-11-25T15:00:00.123`, no zone: the file names none |
//! | INT96 | S | `2026-11-25T15:00:00.123456789`; no zone, since writers differ in what they mean |
//! | Arrow duration | S | `PT90.500S`, in seconds; known only where the Arrow schema is embedded, else INT64 |
//! | INTERVAL | S | `P1M2DT3.004S`: the months, days and seconds that are not made of one another |
//! | LIST, repeated fields | L | null elements are NULL |
//! | struct | M | null fields are absent, as null columns are |
//! | MAP | M | keys that are no text become their text (`7`, `true`, base64); null values are NULL; a null key, or one that occurs twice, is a row error |
//! | Arrow dictionary | as its values | |
//! | null | absent | at the top and in structs |
//!
//! Sets are never made: the format has none. Values below the 32nd level are row errors, names that repeat are
//! errors of the file. Codecs: all but LZO. No encryption.
//!
//! ```
//! use bytes::Bytes;
//! use lake::items::Items;
//! # use std::sync::Arc;
//! # use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
//! # let id: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
//! # let x: ArrayRef = Arc::new(Float64Array::from(vec![0.5, f64::NAN]));
//! # let batch = RecordBatch::try_from_iter([("id", id), ("x", x)])?;
//! # let mut file = Vec::new();
//! # let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), None)?;
//! # writer.write(&batch)?;
//! # writer.close()?;
//! let mut items = Items::open(Bytes::from(file))?;
//! assert_eq!(items.rows(), 2);
//! assert_eq!(items.columns(), ["id: string -> S", "x: double -> N"]);
//! while let Some(row) = items.next_row()? {
//!     match row.item() {
//!         Ok(item) => assert_eq!(item::canonical(&item), r#"{"id":{"S":"a"},"x":{"N":"0.5"}}"#),
//!         Err(error) => {
//!             assert_eq!((error.row, error.path.as_str()), (1, "x"));
//!             assert_eq!(error.text, r#"{"id":"b","x":"NaN"}"#);
//!         }
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batches;
mod boolean;
mod bytes;
mod column;
mod decimal;
mod depth;
mod dictionary;
mod footer;
mod nested;
mod number;
mod own;
mod schema;
mod text;
mod time;
mod types;

use arrow::array::RecordBatch;
use item::{Item, ItemError, Reason};

use self::batches::Batches;
use self::column::Unsupported;
use self::nested::Named;
use self::own::{Decoded, Own};
use crate::error::ReadError;
use crate::read::guarded;
use crate::source::RangedRead;

/// The rows of a Parquet file, one after the other.
#[derive(Debug)]
pub struct Items {
    batches: Batches,
    /// What the file says if it is the lake's.
    own: Option<Own>,
    batch: Option<Batch>,
    /// The place in the file of the next row.
    next: u64,
}

/// Rows that were decoded.
#[derive(Debug)]
struct Batch {
    columns: Named,
    own: Option<Decoded>,
    rows: usize,
    /// The place in the batch of the next row.
    next: usize,
}

impl Items {
    /// Opens a file: reads its footer.
    pub fn open(file: impl RangedRead + 'static) -> Result<Self, ReadError> {
        let batches = Batches::open(file)?;
        let own = Own::of(batches.metadata().file_metadata())?;
        Ok(Self { batches, own, batch: None, next: 0 })
    }

    /// How many rows the file has.
    pub fn rows(&self) -> u64 {
        self.batches.rows()
    }

    /// The DynamoDB table that the items were of, if the file is the lake's.
    pub fn table(&self) -> Option<&str> {
        self.own.as_ref().map(|own| own.table.as_str())
    }

    /// What the columns become, a line for each in the file's order: `price: decimal(12,2) -> N`.
    pub fn columns(&self) -> Vec<String> {
        let schema = self.batches.schema();
        if let Some(own) = &self.own {
            return own.lines(&schema.fields);
        }
        let mut leaves = schema.leaves.iter().copied();
        schema.fields.iter().map(|field| types::line(field, &mut leaves)).collect()
    }

    /// Goes on at a row, counted from 0, wherever reading was; beyond the last row there are none.
    ///
    /// Row groups before it are not fetched; of its own row group the rows before it are passed over.
    pub fn seek(&mut self, row: u64) {
        self.batches.seek(row);
        self.batch = None;
        self.next = row;
    }

    /// The next row; nothing at the end of the file, and after an error.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        while self.batch.as_ref().is_none_or(|batch| batch.next == batch.rows) {
            self.batch = None;
            let Some(batch) = self.batches.next_batch()? else {
                return Ok(None);
            };
            self.batch = Some(guarded(|| self.decode(&batch)).inspect_err(|_| {
                self.batches.seek(u64::MAX);
            })?);
        }
        let Some(batch) = &mut self.batch else {
            return Ok(None);
        };
        let (at, ordinal) = (batch.next, self.next);
        batch.next += 1;
        self.next += 1;
        let own = batch.own.as_ref().and_then(|own| own.get(at));
        Ok(Some(Row { ordinal, columns: &batch.columns, at, own }))
    }

    fn decode(&self, batch: &RecordBatch) -> Result<Batch, ReadError> {
        let mut leaves = self.batches.schema().leaves.iter().copied();
        let schema = batch.schema_ref();
        // Unsupported types were refused when the file was opened.
        let columns = Named::new(schema.fields(), batch.columns(), &mut leaves, 1)
            .map_err(|Unsupported(_)| ReadError::Damaged)?;
        let own = self.own.as_ref().map(|own| own.decode(batch, self.next)).transpose()?;
        Ok(Batch { columns, own, rows: batch.num_rows(), next: 0 })
    }
}

/// One row, lent until the next.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its place in the file, counted from 0.
    pub ordinal: u64,
    columns: &'a Named,
    at: usize,
    /// What it is in a file of the lake.
    own: Option<&'a Result<Item<'static>, ItemError>>,
}

impl<'a> Row<'a> {
    /// The item, as far as the file knows: keys, names and sizes are not looked at, see
    /// [`item::limits::check`].
    pub fn item(&self) -> Result<Item<'a>, RowError> {
        let item = match self.own {
            Some(own) => own.as_ref().map(Item::reborrow).map_err(Clone::clone),
            None => self.columns.item(self.at),
        };
        item.map_err(|error| self.reject(error))
    }

    /// The error that this row's item cannot be taken.
    pub fn reject(&self, error: ItemError) -> RowError {
        let ItemError { path, reason } = error;
        RowError { row: self.ordinal, path, reason, text: self.text() }
    }

    /// The row as one line of plain JSON, whether it can be an item or not.
    ///
    /// What JSON has no form for is a string: bytes as base64, `NaN`, numbers of too many digits. Nulls are left
    /// out but in lists. An entry of a map that occurs twice stands there twice.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.columns.write_json(self.at, &mut text);
        text
    }
}

/// A row that cannot be an item: where it stands, why, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}{}: {reason}", at(path))]
pub struct RowError {
    /// Its place in the file, counted from 0.
    pub row: u64,
    /// The attribute path within the row (`address.lines[2]`); empty for the row as a whole.
    pub path: String,
    /// What was expected and what was found.
    pub reason: Reason,
    /// The row as plain JSON, see [`Row::text`].
    pub text: String,
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(", attribute {path}") }
}
