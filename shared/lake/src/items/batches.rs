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
use crate::batch;
use crate::error::ReadError;
use crate::read::guarded;
use crate::source::{Chunk, RangedRead, Source};

/// What is decoded at a time.
const BATCH: batch::Limits = batch::Limits { bytes: 32 * 1024 * 1024, rows: 1024 };
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
        let batch_rows = BATCH.rows_of(self.metadata.row_group(at), &row_group.longest()?);
        let batches = ParquetRecordBatchReader::try_new_with_row_groups(
            &self.schema.levels,
            &row_group,
            batch_rows,
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

impl RowGroup {
    fn pages(&self, column: usize) -> Result<SerializedPageReader<Chunk>, ParquetError> {
        let Some(chunk) = self.chunks.get(column) else {
            return Err(ParquetError::General(format!("a row group without its column {column}")));
        };
        let metadata = self.metadata.row_group(self.at).column(column);
        SerializedPageReader::new(Arc::new(chunk.clone()), metadata, self.rows, None)
    }

    /// The bytes of the longest value in the dictionary of each column that hides them; 0 of the others.
    fn longest(&self) -> Result<Vec<u64>, ParquetError> {
        let columns = 0..self.metadata.row_group(self.at).num_columns();
        columns.map(|column| self.longest_of(column)).collect()
    }

    /// The dictionary is read once more when the column is decoded, mostly from the same window.
    fn longest_of(&self, column: usize) -> Result<u64, ParquetError> {
        if !batch::hides_lengths(self.metadata.row_group(self.at).column(column)) {
            return Ok(0);
        }
        let mut pages = self.pages(column)?;
        if !pages.peek_next_page()?.is_some_and(|page| page.is_dict) {
            return Ok(0);
        }
        let dictionary = pages.get_next_page()?;
        Ok(dictionary.map_or(0, |page| batch::longest(page.buffer())))
    }
}

impl RowGroups for RowGroup {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, i: usize) -> Result<Box<dyn PageIterator>, ParquetError> {
        Ok(Box::new(Pages(Some(Box::new(self.pages(i)?)))))
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

#[cfg(test)]
mod tests {
    use ::parquet::arrow::ArrowWriter;
    use ::parquet::file::properties::{
        EnabledStatistics, WriterProperties, WriterPropertiesBuilder,
    };
    use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    /// A file of one row group, with the numbers of its rows and what `values` makes of them.
    fn file(
        rows: i64,
        properties: WriterPropertiesBuilder,
        values: impl Fn(Range<i64>) -> ArrayRef,
    ) -> Bytes {
        let batch = |rows: Range<i64>| {
            let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.clone()));
            RecordBatch::try_from_iter([("n", numbers), ("v", values(rows))]).unwrap()
        };
        let mut file = Vec::new();
        let (schema, properties) = (batch(0..1).schema(), properties.build());
        let mut writer = ArrowWriter::try_new(&mut file, schema, Some(properties)).unwrap();
        // Some at a time: all of them take the memory that is not to be taken.
        for first in (0..rows).step_by(100) {
            writer.write(&batch(first..rows.min(first + 100))).unwrap();
        }
        writer.close().unwrap();
        file.into()
    }

    /// Texts of so many bytes, of which there are three.
    fn texts(length: usize) -> impl Fn(Range<i64>) -> ArrayRef {
        move |rows: Range<i64>| -> ArrayRef {
            let text = |row: i64| Some((row % 3).to_string().repeat(length));
            Arc::new(rows.map(text).collect::<StringArray>())
        }
    }

    fn plain() -> WriterPropertiesBuilder {
        WriterProperties::builder().set_dictionary_enabled(false)
    }

    /// As writers do that do not say how long the values of a dictionary are.
    fn silent() -> WriterPropertiesBuilder {
        WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None)
    }

    /// How many rows each batch has. All rows are there, and no batch takes more than it may.
    fn sizes(file: Bytes) -> Vec<usize> {
        let mut batches = Batches::open(file).unwrap();
        let (mut sizes, mut next) = (Vec::new(), 0);
        while let Some(batch) = batches.next_batch().unwrap() {
            let numbers = batch.column(0).as_primitive::<Int64Type>();
            for number in numbers.values() {
                assert_eq!(*number, next);
                next += 1;
            }
            let bytes = batch.column(1).to_data().get_slice_memory_size().unwrap() as u64;
            // A bit for each value says whether it is there.
            assert!(bytes <= BATCH.bytes + BATCH.bytes / 32, "{bytes}");
            sizes.push(batch.num_rows());
        }
        assert_eq!(u64::try_from(next).unwrap(), batches.rows());
        sizes
    }

    #[test]
    fn usual_rows_are_decoded_1024_at_a_time() {
        for properties in [plain, silent, WriterProperties::builder] {
            for length in [100, 1000] {
                assert_eq!(sizes(file(2500, properties(), texts(length))), [1024, 1024, 452]);
            }
        }
    }

    #[test]
    fn large_rows_are_decoded_few_at_a_time() {
        for properties in [plain, silent, WriterProperties::builder] {
            let sizes = sizes(file(3000, properties(), texts(64 * 1024)));
            // 32 MiB are 512 of them, without what is told of them.
            assert_eq!(sizes.len(), 6, "{sizes:?}");
        }
    }

    #[test]
    fn a_row_larger_than_a_batch_is_decoded_by_itself() {
        let mut batches = Batches::open(file(2, plain(), texts(33 * 1024 * 1024))).unwrap();
        for _ in 0..2 {
            assert_eq!(batches.next_batch().unwrap().unwrap().num_rows(), 1);
        }
        assert!(batches.next_batch().unwrap().is_none());
    }

    /// Which take next to nothing in the file.
    #[test]
    fn long_lists_of_one_value_are_decoded_few_at_a_time() {
        let lists = |rows: Range<i64>| -> ArrayRef {
            let list = |_| Some(vec![Some(7); 50_000]);
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows.map(list)))
        };
        let file = file(200, WriterProperties::builder(), lists);
        assert!(file.len() < 200_000, "{}", file.len());
        assert_eq!(sizes(file), [83, 83, 34]);
    }
}
