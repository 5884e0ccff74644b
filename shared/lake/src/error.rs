//! What can go wrong on the way to Parquet, and on the way back.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::RowOp;

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A sequence number is not 1 to 40 digits.
    #[error("sequence number {0:?} is not 1 to 40 digits")]
    Sequence(String),
    /// A time before 1970 or after 9999.
    #[error("time {0} ms is not within the years 1970 to 9999")]
    Time(i64),
    /// Two snapshots that no change lies between.
    #[error(
        "snapshot {previous:?} is not older than snapshot {current:?}: audit the later of two by the earlier"
    )]
    SnapshotOrder {
        /// The partition of the one that should be older.
        previous: String,
        /// The partition of the one that is audited.
        current: String,
    },
    /// A change of another stream than those before it.
    #[error("change of stream {0:?} among changes of another")]
    OtherStream(String),
    /// A row without an item that is no REMOVE: the stream gives no new images.
    #[error("{} without an item; the stream has to give new images", .0.as_str())]
    NoItem(RowOp),
    /// A batch outgrew what one column can hold.
    #[error(
        "column {column:?} holds {bytes} bytes in one batch, more than 2147483647: finish batches earlier"
    )]
    TooLarge {
        /// The column's name.
        column: String,
        /// The bytes, or list members, it would hold.
        bytes: usize,
    },
    /// More rows than one batch takes.
    #[error("a batch takes at most 4294967295 rows")]
    TooManyRows,
    /// A value that was taken would not come back: nested deeper than is read, or an empty set, which
    /// no item that was read has.
    #[error("attribute {attribute:?} would not come back: expected {expected}")]
    Lost {
        /// The attribute's name.
        attribute: String,
        /// What its column should hold.
        expected: &'static str,
    },
    /// A column has another type than in the batches before it.
    #[error("column {column:?} has another type than in the file so far: begin a new file")]
    Schema {
        /// The column's name.
        column: String,
    },
    /// A file was ended before all of its rows were written.
    #[error("{rows} rows were taken and not written before the file was ended")]
    Unwritten {
        /// How many.
        rows: usize,
    },
    /// Arrow refused the columns.
    #[error("columns make no record batch")]
    Arrow(#[from] ArrowError),
    /// Parquet could not be encoded or written.
    #[error("parquet could not be written")]
    Parquet(#[from] ParquetError),
    /// The bytes could not be written.
    #[error("parquet could not be written")]
    Io(#[from] std::io::Error),
}

/// Why a file could not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes are no Parquet file that can be decoded.
    #[error("not a readable parquet file")]
    Parquet(#[from] ParquetError),
    /// The bytes could not be had; this may pass.
    #[error("the file could not be read from where it lies")]
    Source(#[from] std::io::Error),
    /// The file, or a column of it, is encrypted.
    #[error("parquet file is encrypted; write it without encryption")]
    Encrypted,
    /// A footer that would take too much memory.
    #[error("a footer of {length} bytes, the limit is {limit}; write fewer row groups or columns")]
    FooterTooLong {
        /// Its length in bytes.
        length: usize,
        /// The most bytes a footer may have.
        limit: usize,
    },
    /// Columns nested so deep that reading on would be unsafe.
    #[error("columns are nested deeper than {limit} levels; write them flatter")]
    TooDeep {
        /// The most levels that are read.
        limit: usize,
    },
    /// A column that lies beyond the end of the file.
    #[error(
        "column {column:?} lies beyond the {length} bytes of the file: the file is cut off or damaged; copy it again"
    )]
    Truncated {
        /// The column's path.
        column: String,
        /// The file's length in bytes.
        length: u64,
    },
    /// A column whose values are in another file.
    #[error("column {column:?} is kept in another file; write it into one file")]
    OtherFile {
        /// The column's path.
        column: String,
    },
    /// A column compressed by what no reader of ours knows.
    #[error("column {column:?} is compressed by {codec}; write it with zstd, snappy or gzip")]
    Codec {
        /// The column's path.
        column: String,
        /// The codec's name.
        codec: String,
    },
    /// Two columns, or two fields of one struct, have one name.
    #[error("the column {column:?} occurs twice; an item holds a name once, rename one")]
    RepeatedColumn {
        /// The column's path.
        column: String,
    },
    /// A column of a type that has no counterpart in DynamoDB.
    #[error("column {column:?} is of type {found}, which no attribute holds; write it as text")]
    UnsupportedColumn {
        /// The column's name.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// Changes where a table's state was expected.
    #[error(
        "{operation} in row {row}: a file of table {table}'s changes is not its state; import files of one \
         snapshot (snapshots/{table}/) or of an export instead"
    )]
    Changes {
        /// The DynamoDB table.
        table: String,
        /// The first row that is a change, counted from 0.
        row: u64,
        /// What it says.
        operation: &'static str,
    },
    /// The bytes are damaged in a way that the Parquet reader does not expect.
    #[error("parquet file is damaged")]
    Damaged,
    /// A row group could not be decoded.
    #[error("row group could not be decoded")]
    Arrow(#[from] ArrowError),
    /// A file in the lake without one of the columns every file has.
    #[error("column {0:?} is missing: not a file of the lake")]
    MissingColumn(&'static str),
    /// The file does not say which attributes its columns hold.
    #[error("parquet metadata {key:?} is {fault}")]
    Metadata {
        /// The metadata's key.
        key: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// A column of another type than its kind has.
    #[error("column {column:?}: expected {expected}, found {found}")]
    ColumnType {
        /// The column's name.
        column: String,
        /// The type of the column's kind.
        expected: DataType,
        /// The type in the file.
        found: DataType,
    },
    /// A value that should not be there.
    #[error("row {row}, column {column:?}: expected {expected}")]
    Value {
        /// The row in the file, counted from 0.
        row: usize,
        /// The column's name.
        column: String,
        /// What the column should hold.
        expected: &'static str,
    },
}
