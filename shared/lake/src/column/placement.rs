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

/// The rows that have a value, ascending.
///
/// Most attributes are in every row, so the rows up to the first that has none are counted, and only those behind
/// it are listed.
#[derive(Debug, Default)]
pub(crate) struct RowNumbers {
    counted: u32,
    listed: Vec<u32>,
}

impl RowNumbers {
    /// Adds a row behind all others.
    pub(crate) fn push(&mut self, row: u32) {
        if row == self.counted && self.listed.is_empty() {
            self.counted += 1;
        } else {
            self.listed.push(row);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.counted as usize + self.listed.len()
    }

    /// The row of the value at a place.
    pub(crate) fn at(&self, place: usize) -> u32 {
        match place.checked_sub(self.counted as usize) {
            Some(place) => self.listed[place],
            // Less than the rows counted, which are of 32 bits.
            None => u32::try_from(place).unwrap_or(u32::MAX),
        }
    }
}

/// Where each of some values ends among all that they consist of.
#[derive(Debug)]
pub(crate) struct Ends(Vec<i32>);

impl Default for Ends {
    fn default() -> Self {
        Self::in_memory_of(Vec::new())
    }
}

impl Ends {
    /// No values, in the memory of others.
    pub(super) fn in_memory_of(mut memory: Vec<i32>) -> Self {
        memory.clear();
        // Where the first starts.
        memory.push(0);
        Self(memory)
    }

    /// Adds a value that ends there. One that is out of reach is told by [`Placement::offsets`].
    #[inline]
    pub(crate) fn push(&mut self, end: usize) {
        self.0.push(i32::try_from(end).unwrap_or(i32::MAX));
    }
}

/// The rows that have a value, out of all rows of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement<'r> {
    /// Nothing where every row has a value.
    rows: Option<&'r RowNumbers>,
    len: usize,
}

impl<'r> Placement<'r> {
    /// `rows` of a batch of `len` rows have a value.
    pub(crate) fn new(rows: &'r RowNumbers, len: usize) -> Self {
        Self { rows: (rows.len() < len).then_some(rows), len }
    }

    /// Each of `len` rows has a value.
    pub(crate) fn dense(len: usize) -> Self {
        Self { rows: None, len }
    }

    /// Which rows are null; nothing where none is.
    pub(crate) fn nulls(&self) -> Option<NullBuffer> {
        let RowNumbers { counted, listed } = self.rows?;
        let counted = *counted as usize;
        let mut valid = BooleanBufferBuilder::new(self.len);
        valid.append_n(counted, true);
        valid.append_n(self.len - counted, false);
        for &row in listed {
            valid.set_bit(row as usize, true);
        }
        Some(NullBuffer::new(valid.finish()))
    }

    /// The values at their rows, with defaults between them.
    pub(super) fn spread<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        let Some(RowNumbers { counted, listed }) = self.rows else { return values };
        let mut all = values;
        let later = all.split_off(*counted as usize);
        all.resize(self.len, T::default());
        for (&row, value) in listed.iter().zip(later) {
            all[row as usize] = value;
        }
        all
    }

    /// The offsets of values that end at `ends`, of `total` bytes or members in all; nulls are empty.
    pub(super) fn offsets(&self, ends: Ends, total: usize) -> Result<OffsetBuffer<i32>, Overflow> {
        i32::try_from(total).map_err(|_| Overflow(total))?;
        let mut offsets = ends.0;
        if let Some(RowNumbers { counted, listed }) = self.rows {
            let counted = *counted as usize;
            let mut end = offsets[counted];
            let later = offsets.split_off(counted + 1);
            offsets.pop();
            offsets.reserve(self.len + 1 - counted);
            for (&row, next) in listed.iter().zip(later) {
                // Rows without a value, and this one, start where the value before ended.
                offsets.resize(row as usize + 1, end);
                end = next;
            }
            offsets.resize(self.len + 1, end);
        }
        Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_stand_in_their_rows(cells in prop::collection::vec(prop::option::weighted(0.7, 1..4_usize), 0..40)) {
            let (mut rows, mut ends, mut values, mut total) =
                (RowNumbers::default(), Ends::default(), Vec::new(), 0);
            for (row, length) in cells.iter().enumerate().filter_map(|(row, cell)| Some((row, (*cell)?))) {
                prop_assert_eq!(rows.len(), values.len());
                rows.push(u32::try_from(row).unwrap());
                prop_assert_eq!(rows.at(values.len()) as usize, row);
                values.push(length);
                total += length;
                ends.push(total);
            }
            let placement = Placement::new(&rows, cells.len());
            let lengths: Vec<usize> = cells.iter().map(|cell| cell.unwrap_or_default()).collect();
            let offsets = placement.offsets(ends, total).unwrap();
            prop_assert_eq!(offsets.lengths().collect::<Vec<_>>(), &lengths[..]);
            prop_assert_eq!(placement.spread(values), lengths);
            let valid: Vec<bool> = match placement.nulls() {
                Some(nulls) => nulls.iter().collect(),
                None => vec![true; cells.len()],
            };
            prop_assert_eq!(valid, cells.iter().map(Option::is_some).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_out_of_reach_of_an_offset_is_told() {
        let (most, beyond) = (i32::MAX as usize, i32::MAX as usize + 1);
        let one = |total| {
            let mut ends = Ends::default();
            ends.push(total);
            Placement::dense(1).offsets(ends, total).map(|offsets| offsets.len())
        };
        assert_eq!((one(most), one(beyond)), (Ok(2), Err(Overflow(beyond))));
    }
}
