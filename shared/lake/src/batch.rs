//! How many rows of a Parquet file are decoded at a time, so that a batch fits in memory.
//!
//! A batch is decoded whole, and rows have any size: 1024 of 2 MB are 2 GB. What a row group's values take in
//! memory, its footer says:
//!
//! | values | take |
//! |---|---|
//! | any | what they take in the file, decompressed |
//! | byte arrays | what they take unencoded, where the writer says that |
//! | byte arrays of a dictionary, where it does not | each as much as the longest in the dictionary |
//! | in lists and maps | each as much as its type is wide: a million equal ones take a few bytes in the file |
//!
//! What counts is the mean of a row group: where large rows stand together among many small ones, a batch
//! takes as many times more as they are larger than the mean. 1024 items of the largest that DynamoDB takes are 400 MiB.
//! Files of a writer that says nothing and writes `DELTA_BYTE_ARRAY`, which leaves out what a value has in common with
//! the one before it, may also take more.

use ::parquet::basic::{Encoding, Type};
use ::parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use ::parquet::schema::types::ColumnDescriptor;

/// What a batch has at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of values, unless one row has more.
    pub(crate) bytes: u64,
    /// Rows.
    pub(crate) rows: u64,
}

impl Limits {
    /// The rows of a batch of a row group, at least one.
    ///
    /// `longest` has for each column that [hides its lengths](hides_lengths) the bytes of its dictionary's longest
    /// value, and 0 for the others; it may end early.
    pub(crate) fn rows_of(self, group: &RowGroupMetaData, longest: &[u64]) -> usize {
        let chunks = group.columns().iter().enumerate();
        let bytes = chunks.map(|(at, chunk)| {
            let longest = longest.get(at).copied().unwrap_or_default();
            bytes_of(chunk).max(said(chunk.num_values()).saturating_mul(longest))
        });
        let bytes = bytes.fold(0, u64::saturating_add);
        let of_row = (bytes / said(group.num_rows()).max(1)).max(1);
        usize::try_from((self.bytes / of_row).clamp(1, self.rows)).unwrap_or(1)
    }
}

/// Whether a column's values may take far more than the footer says: a dictionary has each once.
pub(crate) fn hides_lengths(chunk: &ColumnChunkMetaData) -> bool {
    let encodings = chunk.encodings_mask();
    chunk.column_type() == Type::BYTE_ARRAY
        && chunk.unencoded_byte_array_data_bytes().is_none()
        && (encodings.is_set(Encoding::RLE_DICTIONARY)
            || encodings.is_set(Encoding::PLAIN_DICTIONARY))
}

/// The bytes of the longest value of a dictionary of byte arrays, in which each stands behind its length.
pub(crate) fn longest(dictionary: &[u8]) -> u64 {
    let (mut rest, mut longest) = (dictionary, 0);
    while let Some((length, values)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length));
        let after = usize::try_from(length).ok().and_then(|length| values.get(length..));
        rest = after.unwrap_or_default();
    }
    longest
}

/// What the values of a column take, as far as the footer says.
fn bytes_of(chunk: &ColumnChunkMetaData) -> u64 {
    let encoded = said(chunk.uncompressed_size());
    let unencoded = said(chunk.unencoded_byte_array_data_bytes().unwrap_or_default());
    let column = chunk.column_descr();
    let is_hidden =
        column.max_rep_level() > 0 || column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY;
    let values = if is_hidden { said(chunk.num_values()) } else { 0 };
    encoded.max(unencoded).max(values.saturating_mul(width(column)))
}

/// The bytes of one value; of a byte array those of its place.
fn width(column: &ColumnDescriptor) -> u64 {
    match column.physical_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => said(column.type_length().into()),
    }
}

/// A number of a footer, of which none is negative.
fn said(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_a_dictionary() {
        let value = |length: &u8| {
            let text = "x".repeat(usize::from(*length));
            [&[*length, 0, 0, 0][..], text.as_bytes()].concat()
        };
        let dictionary = |lengths: &[u8]| lengths.iter().flat_map(value).collect::<Vec<u8>>();
        let whole = dictionary(&[2, 200, 0, 7]);
        assert_eq!(longest(&whole), 200);
        assert_eq!(longest(&[]), 0);
        assert_eq!(longest(&dictionary(&[0, 0])), 0);
        // Of a damaged one as far as it goes; who decodes it says that it is damaged.
        assert_eq!(longest(&whole[..50]), 200);
        assert_eq!(longest(&whole[..8]), 2);
        assert_eq!(longest(&[255; 4]), u64::from(u32::MAX));
    }
}
