//! Rows not to write, passed over in order.

use crate::work::Work;

/// Goes along the rows of a file, or of a source from a row on, and says which are not to be written.
#[derive(Debug)]
pub(crate) struct Skip {
    /// The rows not to write, counted over all files, in order.
    rows: Vec<u64>,
    /// How many of them are behind.
    passed: usize,
    /// The row that comes next, counted over all files.
    next: u64,
    /// The row it began at.
    first: u64,
}

impl Skip {
    /// Along all rows from one on, counted over all files.
    pub(crate) fn from_row(work: &Work, row: u64) -> Self {
        let rows = work.skipped();
        let passed = rows.partition_point(|skipped| *skipped < row);
        Self { rows, passed, next: row, first: row }
    }

    /// Along the rows of one file.
    pub(crate) fn of_file(work: &Work, file: usize) -> Self {
        Self::from_row(work, work.rows.iter().take(file).sum())
    }

    /// Whether the next row is not to be written; goes on to the one after it.
    pub(crate) fn next(&mut self) -> bool {
        let skipped = self.rows.get(self.passed) == Some(&self.next);
        self.passed += usize::from(skipped);
        self.next += 1;
        skipped
    }

    /// How many rows it has gone along.
    pub(crate) fn rows(&self) -> u64 {
        self.next - self.first
    }

    /// The row that comes next, counted over all files.
    pub(crate) fn at(&self) -> u64 {
        self.next
    }
}
