//! A file is rows and blank lines, and every byte of it is in one of them.

use std::io::BufReader;

use item::format::csv::Options;
use item::format::{Format, Reader};
use item::{Item, RowError};

/// What a reader made of one row.
pub type Verdict = Result<Item<'static>, RowError>;

/// A file that was read to its end.
#[derive(Debug)]
pub struct File<'f> {
    /// The bytes of each row, and what became of it.
    pub rows: Vec<(&'f [u8], Verdict)>,
}

/// Reads a file; nothing if its header names no columns.
///
/// Holds the reader to its word: each row stands in the file where it says, on the line it says; between
/// rows there are only blank lines; and the size of the buffer makes no difference.
pub fn read<'f>(file: &'f [u8], format: &Format) -> Option<File<'f>> {
    let whole = read_in_pieces(file, format, file.len().max(1))?;
    // The file decides, so that one input always does the same.
    let piece = [1, 7][file.len() % 2];
    let again = read_in_pieces(file, format, piece).expect("the header is the same");
    assert_eq!(again, whole, "read {piece} bytes at a time");
    let has_header = matches!(format, Format::Csv(Options { header: None, .. }));
    let mut end = if has_header { whole.first().map_or(file.len(), |row| row.offset) } else { 0 };
    let mut rows = Vec::new();
    for row in whole {
        assert!(row.offset >= end, "rows ascend and do not overlap");
        assert!(is_blank(&file[end..row.offset], format), "between rows are blank lines");
        let line = file[..row.offset].split(|byte| *byte == b'\n').count() as u64;
        assert_eq!(row.line, line);
        end = row.offset + row.bytes.len();
        assert_eq!(file.get(row.offset..end), Some(row.bytes.as_slice()), "the row's own bytes");
        if let Err(error) = &row.verdict {
            let place = (error.line, error.offset, error.bytes.as_slice());
            assert_eq!(place, (row.line, row.offset as u64, row.bytes.as_slice()));
        }
        rows.push((&file[row.offset..end], row.verdict));
    }
    assert!(is_blank(&file[end..], format), "after the last row are blank lines");
    Some(File { rows })
}

/// What a file of one row becomes.
fn only_row(row: &[u8], format: &Format) -> Verdict {
    // After a blank line: a byte order mark that the row begins with is one only at a file's beginning.
    let file = [b"\n", row].concat();
    let mut rows = read_in_pieces(&file, format, file.len()).expect("the columns are given");
    assert_eq!(rows.len(), 1, "a row alone is one row");
    rows.remove(0).verdict
}

/// A row as the reader tells of it.
#[derive(Debug, PartialEq)]
struct Told {
    line: u64,
    offset: usize,
    bytes: Vec<u8>,
    verdict: Verdict,
}

fn read_in_pieces(file: &[u8], format: &Format, piece: usize) -> Option<Vec<Told>> {
    let mut reader = Reader::new(BufReader::with_capacity(piece, file), format).ok()?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().expect("bytes in memory can be read") {
        rows.push(Told {
            line: row.line,
            offset: usize::try_from(row.offset).expect("an offset within the file"),
            bytes: row.bytes.to_vec(),
            verdict: row.item().map(Item::into_owned),
        });
    }
    Some(rows)
}

/// Whether bytes between rows are no row: the end of a line, blank lines, and the byte order mark.
fn is_blank(bytes: &[u8], format: &Format) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match format {
        Format::Csv(_) => {
            bytes.split_inclusive(|byte| *byte == b'\n').all(|line| matches!(line, b"\n" | b"\r\n"))
        }
        Format::DynamoDbJson | Format::JsonLines => bytes.trim_ascii().is_empty(),
        Format::DynamoDbJsonArray | Format::JsonArray | Format::DynamoDbIon | Format::Ion => {
            unreachable!("no target reads files that are not lines")
        }
    }
}

/// Holds that a row alone, as it is when someone mends a rejected one, reads as it did in its file.
pub fn assert_replays(row: &[u8], verdict: &Verdict, format: &Format) {
    match (verdict, &only_row(row, format)) {
        (Ok(item), Ok(again)) => assert_eq!(again, item),
        (Err(error), Err(again)) => {
            assert_eq!((&again.path, &again.reason), (&error.path, &error.reason));
        }
        (verdict, alone) => panic!("{verdict:?} in the file, {alone:?} alone"),
    }
}
