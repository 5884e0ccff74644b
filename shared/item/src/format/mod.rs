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
//! | [`json_array`] | an element of the file's one array | blanks |
//! | [`ion`] | a value at the top level, but for version markers and symbol tables | blanks |
//!
//! All but binary Ion are UTF-8, with or without a byte order mark, and lines end in LF or CRLF.
//! [`detect`](detect::detect) tells from a file's beginning and its name which of them it is.
//!
//! In a file of lines the next row is found whatever this one holds. Where a file is one structure that is
//! damaged (an array that is never closed, a length that ends nowhere), its rest is one last row error.
//!
//! Reading can stop at any row and go on later from its [`Place`], see [`Reader::resume`].
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
pub mod detect;
pub mod dynamodb_json;
pub mod ion;
pub mod json_array;
pub mod json_lines;

pub(crate) mod distinct;
pub(crate) mod json;
mod lines;
mod pieces;

use std::io::{self, BufRead, Cursor, Read};

use self::csv::{Columns, HeaderError, Records};
use self::ion::{IonRow, IonRows, Shape};
use self::json_array::ArrayCut;
use self::lines::Lines;
use self::pieces::Pieces;
use crate::change::{NetChange, net};
use crate::error::{Excerpt, ItemError, ParseError, Reason, RowError, StructureFault};
use crate::limits::{MAX_CHANGE_BYTES, MAX_ROW_BYTES};
use crate::{Item, NumberError};

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
    /// One array of `{"Item":{…}}`, each value with its type.
    DynamoDbJsonArray,
    /// One array of plain JSON objects.
    JsonArray,
    /// Ion text or binary, values `{Item:{…}}`.
    DynamoDbIon,
    /// Ion text or binary, plain structs.
    Ion,
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

/// A place between two rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The rows before it.
    pub ordinal: u64,
    /// The line that comes next, counted from 1.
    pub line: u64,
    /// The byte that comes next in the decompressed file, counted from 0.
    pub offset: u64,
    /// How far CSV follows a quote that may never be closed, in bytes; only CSV has it. It is part of
    /// the place because it decides where such rows end.
    pub patience: Option<usize>,
}

/// Rows of a file, one at a time.
#[derive(Debug)]
pub struct Reader<R> {
    rows: Rows<WithoutBom<R>>,
    /// The rows that were taken.
    ordinal: u64,
}

/// The dispatch point of the formats.
#[derive(Debug)]
enum Rows<R> {
    Lines(Lines<R>, ParseLine),
    Csv(Box<Records<R>>, Columns),
    Array(Box<Pieces<R, ArrayCut>>, ParseLine),
    Ion(Box<IonRows<R>>),
}

type ParseLine = for<'a> fn(&'a [u8]) -> Result<Item<'a>, ParseError>;

impl<R: BufRead> Reader<R> {
    /// Starts to read; takes the byte order mark and the header, if there are any.
    pub fn new(input: R, format: &Format) -> Result<Self, ReadError> {
        Self::with_limit(input, format, MAX_ROW_BYTES)
    }

    /// Starts to read an incremental export, whose rows hold two images each: see [`Row::change`].
    pub fn of_changes(input: R, format: &Format) -> Result<Self, ReadError> {
        Self::with_limit(input, format, MAX_CHANGE_BYTES)
    }

    /// Goes on behind the rows that were taken before: at `from`, which [`Reader::place`] gave.
    ///
    /// A file of lines, and CSV, is read from the byte `from.offset` on, and `input` begins there; CSV
    /// columns have to be named in the options ([`Reader::header`] has their names), and to a file that
    /// has a header row that is behind. JSON arrays and Ion are read from their beginning, and the rows
    /// before the place are passed without being read.
    pub fn resume(input: R, format: &Format, from: Place) -> Result<Self, ReadError> {
        Self::resume_with_limit(input, format, from, MAX_ROW_BYTES)
    }

    fn with_limit(input: R, format: &Format, limit: usize) -> Result<Self, ReadError> {
        let (input, start) = without_bom(input)?;
        let rows = match format {
            Format::DynamoDbJson | Format::JsonLines => lines(input, format, (1, start), limit),
            Format::Csv(options) => {
                let mut records = Records::new(input, options.delimiter, start, limit);
                let columns = Columns::read(&mut records, options)?;
                Rows::Csv(Box::new(records), columns)
            }
            Format::DynamoDbJsonArray | Format::JsonArray => {
                let pieces = Pieces::new(input, ArrayCut::new(), start, limit);
                Rows::Array(Box::new(pieces), parse_line(format))
            }
            Format::DynamoDbIon => ion_rows(input, Shape::DynamoDb, start, limit),
            Format::Ion => ion_rows(input, Shape::Plain, start, limit),
        };
        Ok(Self { rows, ordinal: 0 })
    }

    fn resume_with_limit(
        input: R,
        format: &Format,
        from: Place,
        limit: usize,
    ) -> Result<Self, ReadError> {
        // What begins within a file has no byte order mark.
        let behind = || Cursor::new(Vec::new());
        let rows = match format {
            Format::DynamoDbJson | Format::JsonLines => {
                lines(behind().chain(input), format, (from.line, from.offset), limit)
            }
            Format::Csv(options) => {
                let input = behind().chain(input);
                let records = Records::resume(input, options.delimiter, from, limit);
                let columns = options.header.as_ref().ok_or(HeaderError::NotGiven)?;
                Rows::Csv(Box::new(records), Columns::given(columns.clone(), options)?)
            }
            Format::DynamoDbJsonArray | Format::JsonArray | Format::DynamoDbIon | Format::Ion => {
                let mut reader = Self::with_limit(input, format, limit)?;
                while reader.ordinal < from.ordinal && reader.next_row()?.is_some() {}
                return Ok(reader);
            }
        };
        Ok(Self { rows, ordinal: from.ordinal })
    }

    /// Where the next row is looked for, for [`Reader::resume`]: behind the row that was lent last, and
    /// behind the header.
    pub fn place(&self) -> Place {
        let ((line, offset), patience) = match &self.rows {
            Rows::Lines(lines, _) => (lines.position(), None),
            Rows::Csv(records, _) => (records.position(), Some(records.patience())),
            Rows::Array(pieces, _) => (pieces.position(), None),
            Rows::Ion(rows) => (rows.position(), None),
        };
        Place { ordinal: self.ordinal, line, offset, patience }
    }

    /// The names of the columns, if the file has columns.
    pub fn header(&self) -> Option<Vec<String>> {
        match &self.rows {
            Rows::Csv(_, columns) => Some(columns.names().map(str::to_owned).collect()),
            Rows::Lines(..) | Rows::Array(..) | Rows::Ion(_) => None,
        }
    }

    /// The next row; nothing at the end of the file.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        let ordinal = self.ordinal;
        let row = match &mut self.rows {
            Rows::Lines(lines, parse) => lines.next()?.map(|line| {
                let content = line.unread.map_or(Content::Line(*parse), Content::Unread);
                Row { ordinal, line: line.number, offset: line.offset, bytes: line.bytes, content }
            }),
            Rows::Csv(records, columns) => records.next()?.map(|record| {
                let content = match record.fields {
                    Ok(fields) => Content::Fields(fields, columns),
                    Err(unread) => Content::Unread(unread),
                };
                let (line, offset) = (record.line, record.offset);
                Row { ordinal, line, offset, bytes: record.bytes, content }
            }),
            Rows::Array(pieces, parse) => pieces.next()?.map(|piece| {
                let content = piece.unread.map_or(Content::Line(*parse), Content::Unread);
                let (line, offset) = (piece.line, piece.offset);
                Row { ordinal, line, offset, bytes: pieces.bytes(), content }
            }),
            Rows::Ion(rows) => rows.next()?.map(|piece| {
                let (bytes, row) = rows.row();
                let content = piece.unread.map_or(Content::Ion(row), Content::Unread);
                Row { ordinal, line: piece.line, offset: piece.offset, bytes, content }
            }),
        };
        self.ordinal += u64::from(row.is_some());
        Ok(row)
    }
}

fn parse_line(format: &Format) -> ParseLine {
    match format {
        Format::DynamoDbJson | Format::DynamoDbJsonArray => dynamodb_json::parse_line,
        Format::JsonLines
        | Format::JsonArray
        | Format::Csv(_)
        | Format::DynamoDbIon
        | Format::Ion => json_lines::parse_item,
    }
}

fn lines<R: BufRead>(
    input: R,
    format: &Format,
    (line, offset): (u64, u64),
    limit: usize,
) -> Rows<R> {
    Rows::Lines(Lines::new(input, line, offset, limit), parse_line(format))
}

fn ion_rows<R: BufRead>(input: R, shape: Shape, start: u64, limit: usize) -> Rows<R> {
    Rows::Ion(Box::new(IonRows::new(input, shape, start, limit)))
}

/// One row, lent until the next.
#[derive(Debug)]
pub struct Row<'a> {
    /// The rows before it.
    pub ordinal: u64,
    /// The line it starts on, counted from 1.
    pub line: u64,
    /// The byte it starts at in the decompressed file, counted from 0.
    pub offset: u64,
    /// Its bytes as they stand in the file, without the line's end or the blanks behind it; only the
    /// first 4096 if the row is too long.
    pub bytes: &'a [u8],
    content: Content<'a>,
}

/// What [`Row::item`] reads.
#[derive(Debug)]
enum Content<'a> {
    Line(ParseLine),
    Fields(csv::Fields<'a>, &'a Columns),
    Ion(IonRow<'a>),
    Unread(Unread),
}

/// Why a row was cut from the file but not taken apart.
#[derive(Debug, Clone, Copy)]
enum Unread {
    TooLong {
        length: u64,
        limit: usize,
    },
    UnclosedQuote,
    /// Lists and structs nested so deep that taking them apart would be unsafe.
    TooDeep,
    /// A number of so many digits that taking it apart would take long.
    Digits(usize),
    /// Ion behind a slash that begins no comment.
    StraySlash,
    /// The rest of a file that cannot be told apart into rows.
    Lost(StructureFault),
}

impl Unread {
    /// The reason to give for the row that has so many before it.
    fn reason(self, rows: u64) -> Reason {
        match self {
            Self::TooLong { length, limit } => Reason::RowTooLong { length, limit },
            Self::UnclosedQuote => Reason::UnclosedQuote,
            Self::TooDeep => Reason::TooDeep,
            Self::Digits(digits) => Reason::Number {
                text: Excerpt::of("a long number"),
                error: NumberError::TooManyDigits(digits),
            },
            Self::StraySlash => {
                Reason::Ion { at: None, fault: "a slash before it begins no comment".into() }
            }
            Self::Lost(fault) => Reason::Structure { fault, rows },
        }
    }
}

impl<'a> Row<'a> {
    /// Reads the row.
    pub fn item(&self) -> Result<Item<'a>, RowError> {
        let item = match self.content {
            Content::Line(parse) => parse(self.bytes).map_err(ItemError::from),
            Content::Fields(fields, columns) => columns.item(fields),
            Content::Ion(row) => row.item(self.bytes),
            Content::Unread(unread) => Err(ItemError::of_item(unread.reason(self.ordinal))),
        };
        item.map_err(|error| self.reject(error))
    }

    /// Reads the row of an incremental export, a file in DynamoDB's JSON or Ion: what became of an item.
    pub fn change(&self) -> Result<NetChange<'a>, RowError> {
        let change = match self.content {
            Content::Line(_) => net::parse_line(self.bytes).map_err(ItemError::from),
            Content::Ion(row) => row.change(self.bytes),
            Content::Fields(..) => Err(ItemError::of_item(Reason::UnknownField {
                expected: "a line of an incremental export",
                found: Excerpt::of("delimited text"),
            })),
            Content::Unread(unread) => Err(ItemError::of_item(unread.reason(self.ordinal))),
        };
        change.map_err(|error| self.reject(error))
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
