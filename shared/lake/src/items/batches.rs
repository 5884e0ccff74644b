//! The rows of a file as record batches, row group by row group.

use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, RowGroups, RowSelection, RowSelector,
};
use ::parquet::column::page::{PageIterator, PageReader};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use ::parquet::file::serialized_reader::SerializedPageReader;
use arrow::array::RecordBatch;
use bytes::Bytes;

use super::footer;
use super::schema::Schema;
use crate::error::ReadError;
use crate::read::guarded;
use crate::source::{Chunk, RangedRead, Source};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;
/// A row group of up to so many bytes is fetched in one request.
const WHOLE_BYTES: u64 = 16 * 1024 * 1024;
/// The bytes that the windows of all columns take together, of a larger row group.
const WINDOWS_BYTES: u64 = 32 * 1024 * 1024;
/// The least and the most bytes that a column's window has.
const WINDOW_BYTES: (u64, u64) = (128 * 1024, 8 * 1024 * 1024);

/// A file, read from front to back.
#[derive(Debug)]
pub(super) struct Batches {
    source: Source,
    metadata: Arc<ParquetMetaData>,
    schema: Schema,
    /// The rows of each row group.
    rows: Vec<u64>,
    /// The row group that is opened next, and how many of its rows are passed over.
    next: (usize, u64),
    open: Option<OpenRowGroup>,
}

/// A row group being read.
struct OpenRowGroup {
    batches: ParquetRecordBatchReader,
    /// Rows that the footer says are yet to come.
    left: u64,
}

impl std::fmt::Debug for OpenRowGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenRowGroup").field("left", &self.left).finish_non_exhaustive()
    }
}

impl Batches {
    /// Opens a file: reads its footer.
    pub(super) fn open(file: impl RangedRead + 'static) -> Result<Self, ReadError> {
        let source = Source::new(file);
        let metadata = footer::read(&source)?;
        let schema = Schema::of(metadata.file_metadata())?;
        let rows = |row_group: &RowGroupMetaData| {
            u64::try_from(row_group.num_rows()).map_err(|_| ReadError::Damaged)
        };
        let rows = metadata.row_groups().iter().map(rows).collect::<Result<Vec<_>, _>>()?;
        let total = rows.iter().try_fold(0_u64, |sum, rows| sum.checked_add(*rows));
        if total != u64::try_from(metadata.file_metadata().num_rows()).ok() {
            return Err(ReadError::Damaged);
        }
        let metadata = Arc::new(metadata);
        Ok(Self { source, metadata, schema, rows, next: (0, 0), open: None })
    }

    pub(super) fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Rows of the whole file.
    pub(super) fn rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// Goes on at a row, counted from 0. Row groups before it are not read.
    pub(super) fn seek(&mut self, row: u64) {
        let (mut at, mut left) = (0, row);
        while let Some(rows) = self.rows.get(at).filter(|rows| left >= **rows) {
            left -= rows;
            at += 1;
        }
        self.next = (at, left);
        self.open = None;
    }

    /// The next rows; nothing at the end, and after an error.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let batch = guarded(|| self.decode());
        // The Parquet reader only has the text of what went wrong below it.
        match self.source.take_failure() {
            Some(error) => {
                self.end();
                Err(ReadError::Source(error))
            }
            None => batch.inspect_err(|_| self.end()),
        }
    }

    fn end(&mut self) {
        self.next = (self.rows.len(), 0);
        self.open = None;
    }

    fn decode(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        loop {
            let Some(mut open) =
                self.open.take().map_or_else(|| self.open_next(), |o| Ok(Some(o)))?
            else {
                return Ok(None);
            };
            let batch = open.batches.next().transpose()?;
            let rows = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
            // Fewer rows than promised would be rows that vanish.
            open.left = open.left.checked_sub(rows).ok_or(ReadError::Damaged)?;
            match batch {
                Some(batch) => {
                    self.open = Some(open);
                    return Ok(Some(batch));
                }
                None if open.left > 0 => return Err(ReadError::Damaged),
                None => {}
            }
        }
    }

    fn open_next(&mut self) -> Result<Option<OpenRowGroup>, ReadError> {
        let (at, passed) = self.next;
        let Some(rows) = self.rows.get(at).copied() else {
            return Ok(None);
        };
        self.next = (at + 1, 0);
        let count = |rows: u64| usize::try_from(rows).map_err(|_| ReadError::Damaged);
        let left = rows.saturating_sub(passed);
        let selection = (passed > 0)
            .then_some([RowSelector::skip(count(passed)?), RowSelector::select(count(left)?)]);
        let row_group = RowGroup {
            chunks: chunks(&self.source, self.metadata.row_group(at))?,
            rows: count(rows)?,
            metadata: Arc::clone(&self.metadata),
            at,
        };
        let batches = ParquetRecordBatchReader::try_new_with_row_groups(
            &self.schema.levels,
            &row_group,
            BATCH_ROWS,
            selection.map(|selectors| RowSelection::from(selectors.to_vec())),
        )?;
        Ok(Some(OpenRowGroup { batches, left }))
    }
}

/// The columns' bytes: fetched at once if they are few.
fn chunks(source: &Source, row_group: &RowGroupMetaData) -> Result<Vec<Chunk>, ReadError> {
    let range = |(start, length): (u64, u64)| start..start + length;
    let ranges = row_group.columns().iter().map(|chunk| range(chunk.byte_range()));
    let ranges: Vec<Range<u64>> = ranges.collect();
    let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    if end - start > WHOLE_BYTES {
        let (least, most) = WINDOW_BYTES;
        let ahead = (WINDOWS_BYTES / ranges.len().max(1) as u64).clamp(least, most);
        let chunk = |range| Chunk::new(source.clone(), range, ahead);
        return Ok(ranges.into_iter().map(chunk).collect());
    }
    let whole = source.read(start..end)?;
    let place = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
    let part = |range: &Range<u64>| whole.slice(place(range.start)..place(range.end));
    let chunk = |range: Range<u64>| {
        let bytes: Bytes = part(&range);
        Chunk::fetched(source.clone(), range, bytes)
    };
    Ok(ranges.into_iter().map(chunk).collect())
}

/// One row group, as the Parquet reader asks for it.
struct RowGroup {
    chunks: Vec<Chunk>,
    rows: usize,
    metadata: Arc<ParquetMetaData>,
    at: usize,
}

impl RowGroups for RowGroup {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, i: usize) -> Result<Box<dyn PageIterator>, ParquetError> {
        let Some(chunk) = self.chunks.get(i) else {
            return Err(ParquetError::General(format!("a row group without its column {i}")));
        };
        let (chunk, rows) = (Arc::new(chunk.clone()), self.rows);
        let metadata = self.metadata.row_group(self.at).column(i);
        let pages = SerializedPageReader::new(chunk, metadata, rows, None)?;
        Ok(Box::new(Pages(Some(Box::new(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.at)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of one column in one row group.
struct Pages(Option<Box<dyn PageReader>>);

impl Iterator for Pages {
    type Item = Result<Box<dyn PageReader>, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for Pages {}
