//! Where a column's values stand among the rows of a batch.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::error::WriteError;

/// Values outgrew the 31 bits of an offset: the bytes, or list members, there would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow(usize);

impl Overflow {
    /// The error for the column of that name.
    pub(crate) fn of(self, column: &str) -> WriteError {
        WriteError::TooLarge { column: column.to_owned(), bytes: self.0 }
    }
}

/// The rows that have a value, out of all rows of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement<'r> {
    /// Ascending; nothing where every row has a value.
    rows: Option<&'r [u32]>,
    len: usize,
}

impl<'r> Placement<'r> {
    /// `rows` of a batch of `len` rows have a value.
    pub(crate) fn new(rows: &'r [u32], len: usize) -> Self {
        Self { rows: (rows.len() < len).then_some(rows), len }
    }

    /// Each of `len` rows has a value.
    pub(crate) fn dense(len: usize) -> Self {
        Self { rows: None, len }
    }

    /// Which rows are null; nothing where none is.
    pub(crate) fn nulls(&self) -> Option<NullBuffer> {
        let rows = self.rows?;
        let mut valid = BooleanBufferBuilder::new(self.len);
        valid.append_n(self.len, false);
        for &row in rows {
            valid.set_bit(row as usize, true);
        }
        Some(NullBuffer::new(valid.finish()))
    }

    /// The values at their rows, with defaults between them.
    pub(super) fn spread<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        let Some(rows) = self.rows else { return values };
        let mut all = vec![T::default(); self.len];
        for (&row, value) in rows.iter().zip(values) {
            all[row as usize] = value;
        }
        all
    }

    /// The offsets of values of which each ends at one of `ends`; nulls are empty.
    pub(super) fn offsets(&self, ends: &[usize]) -> Result<OffsetBuffer<i32>, Overflow> {
        let last = ends.last().copied().unwrap_or(0);
        i32::try_from(last).map_err(|_| Overflow(last))?;
        let mut offsets = Vec::with_capacity(self.len + 1);
        let mut end = 0;
        for (at, &next) in ends.iter().enumerate() {
            let row = self.rows.map_or(at, |rows| rows[at] as usize);
            // Rows without a value, and this one, start where the value before ended.
            offsets.resize(row + 1, end);
            end = i32::try_from(next).map_err(|_| Overflow(next))?;
        }
        offsets.resize(self.len, end);
        offsets.push(end);
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
    }
}
