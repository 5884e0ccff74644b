//! Rows of a file, whatever its format: the import's one dispatch point of formats.
//!
//! | layout | read by | goes on at a checkpoint |
//! |---|---|---|
//! | CSV, JSON lines, DynamoDB JSON | [`item::format`] | at the byte; if compressed, after decompressing up to it |
//! | JSON arrays, Ion | [`item::format`] | after passing over the rows before it |
//! | Parquet | [`lake::items`] | at the row group |
//! | mended rejects | [`crate::rejects`] | after passing over the rows before it |

use std::{
    io::{self, BufRead, BufReader, Read},
    ops::Range,
    sync::Arc,
};

use aws::opener;
use item::{
    Item,
    format::{Format, ReadError, Reader, Row as TextRow, csv::HeaderError},
};
use lake::{
    export::Checked,
    items::{Items, Row as ParquetRow},
    source::RangedRead,
};

use super::{Compression, File, Opener, decompress};
use crate::{
    layout::Layout,
    reject::{Place, Reject},
    rejects::{Mended, Rows},
    report::Source,
    status::Checkpoint,
    stop::{Refusal, Stop},
};

pub(crate) use item::format::Place as Position;

/// Whether to go on to the next row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Go {
    /// There may be more to do.
    On,
    /// It is enough.
    Enough,
}

/// One row, lent until the next.
pub(crate) struct Row<'a> {
    content: Content<'a>,
    source: &'a Arc<Source>,
    /// The place before it.
    start: Position,
}

enum Content<'a> {
    Text(TextRow<'a>, Option<&'a Arc<Vec<String>>>),
    Parquet(ParquetRow<'a>),
    Mended(&'a Mended),
}

impl Row<'_> {
    /// The item, or why the row is none.
    pub(crate) fn item(&self) -> Result<Item<'_>, Reject> {
        match &self.content {
            Content::Text(row, _) => {
                row.item().map_err(|error| self.reject(&error.path, error.reason.to_string()))
            }
            Content::Parquet(row) => {
                row.item().map_err(|error| self.reject(&error.path, error.reason.to_string()))
            }
            Content::Mended(row) => row.item(),
        }
    }

    /// The row as one that is not taken.
    pub(crate) fn reject(&self, path: &str, reason: String) -> Reject {
        Reject { place: self.place(), path: path.to_owned(), reason, duplicate: None }
    }

    /// Where the row stands, and its bytes.
    pub(crate) fn place(&self) -> Place {
        match &self.content {
            Content::Text(row, columns) => Place {
                source: Arc::clone(self.source),
                line: row.line,
                offset: row.offset,
                bytes: row.bytes.to_vec(),
                columns: columns.cloned(),
            },
            Content::Parquet(row) => Place {
                source: Arc::clone(self.source),
                line: row.ordinal + 1,
                offset: 0,
                bytes: row.text().into_bytes(),
                columns: None,
            },
            Content::Mended(row) => row.place.clone(),
        }
    }

    /// The place before this row, in the file `file`, where `rows` rows of all files are behind.
    pub(crate) fn checkpoint(&self, file: usize, rows: u64) -> Checkpoint {
        let Position { ordinal, line, offset, patience } = self.start;
        Checkpoint { file, rows, rows_of_file: ordinal, line, offset, patience }
    }
}

/// The place in its file of a checkpoint.
impl From<Checkpoint> for Position {
    fn from(checkpoint: Checkpoint) -> Self {
        let Checkpoint { rows_of_file, line, offset, patience, .. } = checkpoint;
        Self { ordinal: rows_of_file, line, offset, patience }
    }
}

/// The beginning of a file.
pub(crate) const BEGINNING: Position = Position { ordinal: 0, line: 1, offset: 0, patience: None };

/// A place in a file whose rows have no bytes of their own.
fn at_row(ordinal: u64) -> Position {
    Position { ordinal, ..BEGINNING }
}

/// What is done with every row.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<Go, Stop> + 't;

/// Gives every row of a file, from a place on, until one is enough.
pub(crate) fn each(
    opener: &Opener,
    file: &File,
    layout: &Layout,
    from: Position,
    take: &mut Take<'_>,
) -> Result<Go, Stop> {
    match (layout, layout.text()) {
        (Layout::Rejects { of }, _) => each_mended(opener, file, of, from, take),
        (Layout::Parquet, _) => each_of_parquet(opener, file, from, take),
        (_, Some(format)) => each_of_text(opener, file, (layout, &format), from, take),
        (_, None) => Ok(Go::On),
    }
}

fn each_of_text(
    opener: &Opener,
    file: &File,
    (layout, format): (&Layout, &Format),
    from: Position,
    take: &mut Take<'_>,
) -> Result<Go, Stop> {
    let stop = |error| file.stop(error);
    let reader = match from.ordinal {
        0 => match Reader::new(file.decompressed(opener, 0)?, format) {
            // One of many files may be empty; a source that is empty as a whole was refused.
            Err(ReadError::Header(HeaderError::Missing)) => return Ok(Go::On),
            reader => reader.map_err(stop)?,
        },
        _ if layout.resumes_at_bytes() => {
            let format = file.with_header(opener, format)?;
            Reader::resume(file.decompressed(opener, from.offset)?, &format, from).map_err(stop)?
        }
        _ => Reader::resume(file.decompressed(opener, 0)?, format, from).map_err(stop)?,
    };
    until_enough(reader, file, take)
}

fn until_enough<R: BufRead>(
    mut reader: Reader<R>,
    file: &File,
    take: &mut Take<'_>,
) -> Result<Go, Stop> {
    let source = Arc::new(Source::from(file.clone()));
    let columns = reader.header().map(Arc::new);
    loop {
        let start = reader.place();
        let Some(row) = reader.next_row().map_err(|error| file.stop(error))? else {
            return Ok(Go::On);
        };
        let content = Content::Text(row, columns.as_ref());
        if take(&Row { content, source: &source, start })? == Go::Enough {
            return Ok(Go::Enough);
        }
    }
}

fn each_of_parquet(
    opener: &Opener,
    file: &File,
    from: Position,
    take: &mut Take<'_>,
) -> Result<Go, Stop> {
    let stop = |error| file.stop_of_parquet(error);
    let source = Arc::new(Source::from(file.clone()));
    let mut items = file.parquet(opener)?;
    items.seek(from.ordinal);
    while let Some(row) = items.next_row().map_err(stop)? {
        let start = at_row(row.ordinal);
        let content = Content::Parquet(row);
        if take(&Row { content, source: &source, start })? == Go::Enough {
            return Ok(Go::Enough);
        }
    }
    Ok(Go::On)
}

fn each_mended(
    opener: &Opener,
    file: &File,
    layout: &Layout,
    from: Position,
    take: &mut Take<'_>,
) -> Result<Go, Stop> {
    let mut rows = Rows::new(file.decompressed(opener, 0)?, file, layout)?;
    rows.pass_over(from.ordinal, file)?;
    let source = Arc::new(Source::from(file.clone()));
    let mut at = from.ordinal;
    while let Some(row) = rows.next_row(file)? {
        let content = Content::Mended(&row);
        if take(&Row { content, source: &source, start: at_row(at) })? == Go::Enough {
            return Ok(Go::Enough);
        }
        at += 1;
    }
    Ok(Go::On)
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

/// An object that is read by ranges.
struct Ranges {
    opener: Opener,
    file: File,
}

impl RangedRead for Ranges {
    fn length(&self) -> u64 {
        self.file.size
    }

    fn read(&self, range: Range<u64>) -> io::Result<bytes::Bytes> {
        let read = self.opener.range(&self.file.object, range);
        read.map(Into::into).map_err(|failure| opener::network(&failure.to_string()))
    }
}

impl File {
    /// Opens it as Parquet.
    pub(crate) fn parquet(&self, opener: &Opener) -> Result<Items, Stop> {
        let ranges = Ranges { opener: opener.clone(), file: self.clone() };
        Items::open(ranges).map_err(|error| self.stop_of_parquet(error))
    }

    fn stop_of_parquet(&self, error: lake::ReadError) -> Stop {
        match error {
            lake::ReadError::Source(error) => self.stop(error.into()),
            error => Refusal::from(format!("{}: {}", self.object, with_causes(&error))).into(),
        }
    }

    /// Its decompressed bytes, from one on.
    fn decompressed(&self, opener: &Opener, from: u64) -> Result<Box<dyn BufRead + Send>, Stop> {
        let open = |at| opener.open(&self.object, self.size, at);
        let stop = |error: io::Error| self.stop(error.into());
        if let (0, Some(expected)) = (from, &self.expected) {
            let checked = Checked::new(open(0)?, expected.md5.clone());
            return decompress::decompressed(checked, self.size).map_err(stop);
        }
        if from == 0 {
            return decompress::decompressed(open(0)?, self.size).map_err(stop);
        }
        if self.compression(opener)? == Compression::None {
            return Ok(Box::new(BufReader::with_capacity(decompress::BUFFER, open(from)?)));
        }
        let mut bytes = decompress::decompressed(open(0)?, self.size).map_err(stop)?;
        io::copy(&mut bytes.by_ref().take(from), &mut io::sink()).map_err(stop)?;
        Ok(bytes)
    }

    /// The format with the names of this file's columns, for reading that begins after the header.
    fn with_header(&self, opener: &Opener, format: &Format) -> Result<Format, Stop> {
        let Format::Csv(options) = format else {
            return Ok(format.clone());
        };
        let mut options = options.clone();
        if options.header.is_none() {
            let reader = Reader::new(self.decompressed(opener, 0)?, format);
            options.header = reader.map_err(|error| self.stop(error))?.header();
        }
        Ok(Format::Csv(options))
    }
}

/// Gives every row of a text that is in memory; what tests read.
#[cfg(test)]
pub(crate) fn each_of_bytes(
    bytes: &[u8],
    format: &Format,
    from: Option<Position>,
    take: &mut Take<'_>,
) -> Result<Go, Stop> {
    let object = aws::object::ObjectId { bucket: "b".into(), key: "k".into(), version: None };
    let file = File::new(object, bytes.len() as u64);
    let reader = match from {
        None => Reader::new(bytes, format),
        Some(from) => Reader::resume(bytes, format, from),
    };
    until_enough(reader.map_err(|error| file.stop(error))?, &file, take)
}
