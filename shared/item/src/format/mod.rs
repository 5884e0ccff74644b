//! Text formats: bytes to items.
//!
//! 1. [`Reader::next_row`] cuts the file into rows and lends each with its line, its byte offset and
//!    its bytes;
//! 2. [`Row::item`] reads one row. A row that cannot be read becomes a [`RowError`] that keeps the
//!    bytes, and reading goes on with the next row.
//!
//! So rows read = items + row errors, whatever the file holds. Memory is bounded by the longest row,
//! of which [`MAX_ROW_BYTES`] are held, for CSV twice; a longer one is a row error that keeps its
//! beginning.
//!
//! | format | a row is | blank lines |
//! |---|---|---|
//! | [`dynamodb_json`] | a line, `{"Item":{…}}` | no rows |
//! | [`json_lines`] | a line, `{…}` | no rows |
//! | [`csv`] | a record, which quotes may stretch over lines | no rows |
//!
//! All are UTF-8, with or without a byte order mark, and lines end in LF or CRLF.
//!
//! ```
//! use item::format::{Format, Reader};
//!
//! let file = b"{\"name\":\"a\"}\n{\"name\":\n";
//! let mut reader = Reader::new(file.as_slice(), &Format::JsonLines)?;
//! while let Some(row) = reader.next_row()? {
//!     match row.item() {
//!         Ok(item) => assert_eq!(item::canonical(&item), r#"{"name":{"S":"a"}}"#),
//!         Err(error) => assert_eq!((error.line, error.bytes.as_slice()), (2, b"{\"name\":".as_slice())),
//!     }
//! }
//! # Ok::<(), item::format::ReadError>(())
//! ```

pub mod csv;
pub mod dynamodb_json;
pub mod json_lines;

pub(crate) mod distinct;
pub(crate) mod json;
mod lines;

use std::io::{self, BufRead, Cursor, Read};

use self::csv::{Columns, HeaderError, Records};
use self::lines::Lines;
use crate::Item;
use crate::error::{ItemError, ParseError, Reason, RowError};
use crate::limits::MAX_ROW_BYTES;

/// The bytes kept of a row that is too long.
const KEPT_BYTES: usize = 4096;

/// How the bytes of a file stand for items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One `{"Item":{…}}` per line, each value with its type.
    DynamoDbJson,
    /// One plain JSON object per line.
    JsonLines,
    /// Comma-separated values and the like.
    Csv(csv::Options),
}

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had or decompressed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The header of a CSV file does not name its columns.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Rows of a file, one at a time.
#[derive(Debug)]
pub struct Reader<R> {
    rows: Rows<WithoutBom<R>>,
}

/// The dispatch point of the formats.
#[derive(Debug)]
enum Rows<R> {
    Lines(Lines<R>, ParseLine),
    Csv(Box<Records<R>>, Columns),
}

type ParseLine = for<'a> fn(&'a [u8]) -> Result<Item<'a>, ParseError>;

impl<R: BufRead> Reader<R> {
    /// Starts to read; takes the byte order mark and the header, if there are any.
    pub fn new(input: R, format: &Format) -> Result<Self, ReadError> {
        Self::with_limit(input, format, MAX_ROW_BYTES)
    }

    fn with_limit(input: R, format: &Format, limit: usize) -> Result<Self, ReadError> {
        let (input, start) = without_bom(input)?;
        let lines = |input| Lines::new(input, start, limit);
        let rows = match format {
            Format::DynamoDbJson => Rows::Lines(lines(input), dynamodb_json::parse_line),
            Format::JsonLines => Rows::Lines(lines(input), json_lines::parse_item),
            Format::Csv(options) => {
                let mut records = Records::new(input, options.delimiter, start, limit);
                let columns = Columns::read(&mut records, options)?;
                Rows::Csv(Box::new(records), columns)
            }
        };
        Ok(Self { rows })
    }

    /// The next row; nothing at the end of the file.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        let row = match &mut self.rows {
            Rows::Lines(lines, parse) => lines.next()?.map(|line| {
                let content = line.unread.map_or(Content::Line(*parse), Content::Unread);
                Row { line: line.number, offset: line.offset, bytes: line.bytes, content }
            }),
            Rows::Csv(records, columns) => records.next()?.map(|record| {
                let content = match record.fields {
                    Ok(fields) => Content::Fields(fields, columns),
                    Err(unread) => Content::Unread(unread),
                };
                Row { line: record.line, offset: record.offset, bytes: record.bytes, content }
            }),
        };
        Ok(row)
    }
}

/// One row, lent until the next.
#[derive(Debug)]
pub struct Row<'a> {
    /// The line it starts on, counted from 1.
    pub line: u64,
    /// The byte it starts at in the decompressed file, counted from 0.
    pub offset: u64,
    /// Its bytes without the line's end; only the first 4096 if the row is too long.
    pub bytes: &'a [u8],
    content: Content<'a>,
}

/// What [`Row::item`] reads.
#[derive(Debug)]
enum Content<'a> {
    Line(ParseLine),
    Fields(csv::Fields<'a>, &'a Columns),
    Unread(Unread),
}

/// Why a row was cut from the file but not taken apart.
#[derive(Debug, Clone, Copy)]
enum Unread {
    TooLong { length: u64, limit: usize },
    UnclosedQuote,
}

impl From<Unread> for Reason {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLong { length, limit } => Self::RowTooLong { length, limit },
            Unread::UnclosedQuote => Self::UnclosedQuote,
        }
    }
}

impl<'a> Row<'a> {
    /// Reads the row.
    pub fn item(&self) -> Result<Item<'a>, RowError> {
        let item = match self.content {
            Content::Line(parse) => parse(self.bytes).map_err(ItemError::from),
            Content::Fields(fields, columns) => columns.item(fields),
            Content::Unread(unread) => Err(ItemError::of_item(unread.into())),
        };
        item.map_err(|error| self.reject(error))
    }

    /// The error that this row's item cannot be taken.
    pub fn reject(&self, error: ItemError) -> RowError {
        let ItemError { path, reason } = error;
        RowError { line: self.line, offset: self.offset, path, reason, bytes: self.bytes.to_vec() }
    }
}

/// An input whose byte order mark is behind it.
type WithoutBom<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Takes the byte order mark, if there is one; also returns the bytes taken.
fn without_bom<R: BufRead>(mut input: R) -> io::Result<(WithoutBom<R>, u64)> {
    const BOM: &[u8] = b"\xEF\xBB\xBF";
    let mut start = Vec::new();
    input.by_ref().take(BOM.len() as u64).read_to_end(&mut start)?;
    let taken = if start == BOM { std::mem::take(&mut start).len() } else { 0 };
    Ok((Cursor::new(start).chain(input), taken as u64))
}

#[cfg(test)]
mod tests;
