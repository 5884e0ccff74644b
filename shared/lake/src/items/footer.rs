//! A file's footer, fetched from its end.

use ::parquet::basic::Compression;
use ::parquet::file::metadata::{
    ColumnChunkMetaData, FooterTail, ParquetMetaData, ParquetMetaDataReader,
};

use super::depth;
use crate::error::ReadError;
use crate::read::guarded;
use crate::source::Source;

/// The bytes fetched first, which hold the footer of most files.
const TAIL_BYTES: u64 = 64 * 1024;
/// The bytes at the end that say how long the footer is.
const LENGTH_AND_MAGIC: usize = 8;
/// The longest footer that is read. In memory it takes some ten times as much.
const MAX_FOOTER_BYTES: usize = 64 * 1024 * 1024;

/// Reads the footer, and looks whether the rest can be read.
pub(super) fn read(source: &Source) -> Result<ParquetMetaData, ReadError> {
    let length = source.length();
    let mut tail = source.read(length.saturating_sub(TAIL_BYTES)..length)?;
    let end = tail.last_chunk::<LENGTH_AND_MAGIC>().ok_or(ReadError::Damaged)?;
    let end = guarded(|| Ok(FooterTail::try_new(end)?))?;
    if end.is_encrypted_footer() {
        return Err(ReadError::Encrypted);
    }
    let footer = end.metadata_length();
    if footer > MAX_FOOTER_BYTES {
        return Err(ReadError::FooterTooLong { length: footer, limit: MAX_FOOTER_BYTES });
    }
    let whole = footer + LENGTH_AND_MAGIC;
    if tail.len() < whole {
        let start = length.checked_sub(whole as u64).ok_or(ReadError::Damaged)?;
        tail = source.read(start..length)?;
    }
    let footer = &tail[tail.len() - whole..tail.len() - LENGTH_AND_MAGIC];
    if depth::of(footer).ok_or(ReadError::Damaged)? > depth::MAX_DEPTH {
        return Err(ReadError::TooDeep { limit: depth::MAX_DEPTH });
    }
    let metadata = guarded(|| Ok(ParquetMetaDataReader::decode_metadata(footer)?))?;
    for row_group in metadata.row_groups() {
        row_group.columns().iter().try_for_each(|chunk| check(chunk, length))?;
    }
    Ok(metadata)
}

/// Whether a column's chunk is in this file, and of a codec that is read.
fn check(chunk: &ColumnChunkMetaData, length: u64) -> Result<(), ReadError> {
    if chunk.file_path().is_some() {
        return Err(ReadError::OtherFile { column: chunk.column_path().string() });
    }
    if matches!(chunk.compression(), Compression::LZO) {
        let codec = chunk.compression().to_string();
        return Err(ReadError::Codec { column: chunk.column_path().string(), codec });
    }
    // Fails for negative numbers.
    let (start, bytes) = guarded(|| Ok(chunk.byte_range()))?;
    match start.checked_add(bytes) {
        Some(end) if end <= length => Ok(()),
        _ => Err(ReadError::Truncated { column: chunk.column_path().string(), length }),
    }
}
