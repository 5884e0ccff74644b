//! What a file holds, from its beginning and its name.
//!
//! | looked at, in this order | it is |
//! |---|---|
//! | `PAR1` | Parquet |
//! | the version marker of binary Ion, `$ion_` or a name in `.ion` or `.10n` | Ion |
//! | UTF-16, bytes that are zero, an archive | refused, with what to do |
//! | `[` before an object | a JSON array |
//! | a line that is a JSON object | JSON lines |
//! | a JSON object over several lines | refused, with what to do |
//! | a name in `.csv`, `.tsv`, `.json`, `.jsonl`, `.ndjson` | what the name says |
//! | lines of as many fields | CSV |
//!
//! Whether values name their types, as DynamoDB's own JSON and Ion do, is decided by the first row.

use super::csv::{self, Delimiter};
use super::json::Scanner;
use super::{Format, Reader, dynamodb_json, ion};
use crate::error::{Excerpt, JsonFault, ParseError, Reason};

/// What a file is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// What it holds.
    pub content: Content,
    /// What decided it, to be shown to the user.
    pub because: String,
}

/// What a file can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Rows for a [`Reader`].
    Rows(Format),
    /// Parquet, which is no concern of this crate.
    Parquet,
}

/// Why it is not known, or known and not read, what a file holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// No bytes but blanks.
    #[error("the file is empty; a file to import has a row at least")]
    Empty,
    /// UTF-16, or UTF-32.
    #[error("the file is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)")]
    Utf16,
    /// A byte that is zero, which no text has.
    #[error(
        "byte {at} of the file is zero, so it is no text; convert it to UTF-8, or give a format that is read"
    )]
    Nul {
        /// Where it is, counted from 0.
        at: usize,
    },
    /// A format that is known and not read.
    #[error("the file is {found}; {advice}")]
    Unread {
        /// What it is, with an article.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A name that says Parquet before bytes that are none.
    #[error(
        "the name says Parquet, but the file does not begin with PAR1; is it damaged or named wrongly?"
    )]
    NotParquet,
    /// JSON objects over several lines.
    #[error(
        "a JSON object over several lines; write one object per line (jq -c .) or one array (jq -s .)"
    )]
    ObjectOverLines,
    /// Nothing that is known.
    #[error(
        "the format is not known from the name or from the first line, {0}; name it .csv, .tsv, .jsonl, .ion or .parquet"
    )]
    Unknown(Excerpt),
}

/// How other files begin that people try to import.
const UNREAD: [(&[u8], &str, &str); 5] = [
    (b"PK\x03\x04", "a ZIP archive or a workbook", "unpack it, or save it as CSV"),
    (b"\x1f\x8b", "compressed twice", "compress it once"),
    (b"\x28\xb5\x2f\xfd", "compressed twice", "compress it once"),
    (b"Obj\x01", "Avro", "convert it to JSON lines or Parquet"),
    (b"SQLite format 3\0", "an SQLite database", "export its tables as CSV"),
];

/// Tells what a file holds from its decompressed beginning and its name.
///
/// The sample may end within a row. The larger it is the more certain the answer; its first row should
/// be whole.
///
/// ```
/// use item::format::{Format, detect::{Content, detect}};
///
/// let detected = detect(b"{\"Item\":{\"id\":{\"S\":\"a\"}}}\n", "orders.json.gz")?;
/// assert_eq!(detected.content, Content::Rows(Format::DynamoDbJson));
/// assert_eq!(detected.because, r#"DynamoDB JSON: the first row is {"Item":{…}}"#);
/// # Ok::<(), item::format::detect::DetectError>(())
/// ```
pub fn detect(sample: &[u8], name: &str) -> Result<Detected, DetectError> {
    let extension = extension(name);
    if is_parquet(sample) {
        let because = "Parquet: the file begins with PAR1".to_owned();
        return Ok(Detected { content: Content::Parquet, because });
    }
    if sample.starts_with(&ion::BINARY_VERSION) {
        return Ok(ion(sample, "binary Ion: the file begins with its version marker"));
    }
    refuse_binary(sample)?;
    let text = sample.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(sample).trim_ascii_start();
    match text.first() {
        None => Err(DetectError::Empty),
        Some(_) if text.starts_with(b"$ion_") => {
            Ok(ion(sample, "Ion text: the file begins with its version marker"))
        }
        Some(_) if matches!(extension.as_str(), "ion" | "10n") => {
            Ok(ion(sample, "Ion text: the name says so"))
        }
        Some(_) if extension == "parquet" => Err(DetectError::NotParquet),
        Some(b'[') if is_array(text) => Ok(array(sample)),
        Some(b'{') => match object(text)? {
            Some(detected) => Ok(detected),
            None => by_name_or_lines(text, &extension),
        },
        Some(_) => by_name_or_lines(text, &extension),
    }
}

/// Whether `PAR1` stands before what is no text; a column may have that name.
fn is_parquet(sample: &[u8]) -> bool {
    let behind = sample.strip_prefix(b"PAR1");
    behind.is_some_and(|behind| {
        behind.first().is_none_or(|byte| *byte < b' ' && !byte.is_ascii_whitespace())
    })
}

/// The last part of a name in lower case, without the part that names a compression.
fn extension(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let compressions = [".gz", ".gzip", ".zst", ".zstd"];
    let stem = compressions.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let file = stem.rsplit('/').next().unwrap_or_default();
    file.rsplit_once('.').map_or("", |(_, extension)| extension).to_owned()
}

fn refuse_binary(sample: &[u8]) -> Result<(), DetectError> {
    if sample.starts_with(b"\xFF\xFE") || sample.starts_with(b"\xFE\xFF") {
        return Err(DetectError::Utf16);
    }
    let known = UNREAD.iter().find(|(start, _, _)| sample.starts_with(start));
    if let Some(&(_, found, advice)) = known {
        return Err(DetectError::Unread { found, advice });
    }
    match memchr::memchr(0, sample) {
        None => Ok(()),
        // Letters of ASCII in UTF-16 without a mark: every other byte is zero.
        Some(0 | 1)
            if sample.chunks_exact(2).take(8).all(|pair| (pair[0] == 0) != (pair[1] == 0)) =>
        {
            Err(DetectError::Utf16)
        }
        Some(at) => Err(DetectError::Nul { at }),
    }
}

fn rows(format: Format, because: impl Into<String>) -> Detected {
    Detected { content: Content::Rows(format), because: because.into() }
}

/// Whether the first row is an item when it is read as this format.
fn first_row_is_item(sample: &[u8], format: &Format) -> bool {
    let first = |reader: &mut Reader<&[u8]>| {
        reader.next_row().is_ok_and(|row| row.is_some_and(|row| row.item().is_ok()))
    };
    Reader::new(sample, format).is_ok_and(|mut reader| first(&mut reader))
}

fn ion(sample: &[u8], because: &str) -> Detected {
    if first_row_is_item(sample, &Format::DynamoDbIon) {
        rows(Format::DynamoDbIon, format!("{because}, and the first row is {{Item:{{…}}}}"))
    } else {
        rows(Format::Ion, format!("{because}, and the first row is not {{Item:{{…}}}}"))
    }
}

/// Whether `[` begins a JSON array of objects: the first line of a CSV file may begin with it too.
fn is_array(text: &[u8]) -> bool {
    matches!(text[1..].trim_ascii_start().first(), None | Some(b'{' | b']'))
}

fn array(sample: &[u8]) -> Detected {
    if first_row_is_item(sample, &Format::DynamoDbJsonArray) {
        rows(
            Format::DynamoDbJsonArray,
            "an array of DynamoDB JSON: its first element is {\"Item\":{…}}",
        )
    } else {
        rows(Format::JsonArray, "an array of plain JSON: its first element is not {\"Item\":{…}}")
    }
}

/// JSON lines, if the first line is an object or the beginning of one.
fn object(text: &[u8]) -> Result<Option<Detected>, DetectError> {
    let (line, is_whole) = match memchr::memchr(b'\n', text) {
        Some(end) => (text[..end].trim_ascii_end(), true),
        None => (text, false),
    };
    match skipped(line) {
        Ok(()) => Ok(Some(json_lines(line))),
        Err(fault) if is_cut(&fault) && !is_whole => Ok(Some(cut_json_line(line))),
        // The line breaks off within the object: is it damaged, or does it go on behind the line?
        Err(fault) if is_cut(&fault) => match skipped(text).err().map(|error| error.reason) {
            None | Some(Reason::Json { fault: JsonFault::Truncated | JsonFault::Trailing, .. }) => {
                Err(DetectError::ObjectOverLines)
            }
            Some(_) => Ok(Some(json_lines(line))),
        },
        Err(_) => Ok(None),
    }
}

fn skipped(text: &[u8]) -> Result<(), ParseError> {
    Scanner::whole(text, Scanner::skip)
}

fn is_cut(error: &ParseError) -> bool {
    matches!(error.reason, Reason::Json { fault: JsonFault::Truncated, .. })
}

/// Plain JSON or DynamoDB JSON: what the first row is, all are.
fn json_lines(line: &[u8]) -> Detected {
    if dynamodb_json::parse_line(line).is_ok() {
        rows(Format::DynamoDbJson, "DynamoDB JSON: the first row is {\"Item\":{…}}")
    } else {
        rows(Format::JsonLines, "plain JSON: the first row is not {\"Item\":{…}}")
    }
}

/// The same of a line that the sample ends in, and which cannot be read for that.
fn cut_json_line(line: &[u8]) -> Detected {
    if line.starts_with(br#"{"Item":{"#) {
        rows(Format::DynamoDbJson, "DynamoDB JSON: the first row begins with {\"Item\":{")
    } else {
        rows(Format::JsonLines, "plain JSON: the first row does not begin with {\"Item\":{")
    }
}

fn by_name_or_lines(text: &[u8], extension: &str) -> Result<Detected, DetectError> {
    match extension {
        "csv" => Ok(named_csv(text)),
        "tsv" | "tab" => Ok(csv(Delimiter::Tab, "tab-separated values: the name says so".into())),
        "json" | "jsonl" | "ndjson" => Ok(json_lines_by_name(text)),
        _ => delimited(text),
    }
}

/// CSV, if the first lines look like it.
fn delimited(text: &[u8]) -> Result<Detected, DetectError> {
    let Some((delimiter, fields)) = delimiter_of_lines(text) else {
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Err(DetectError::Unknown(Excerpt::of(&String::from_utf8_lossy(line))));
    };
    let spoken = spoken(delimiter);
    let because = format!("delimited text: the first lines have {fields} fields each, {spoken}");
    Ok(csv(delimiter, because))
}

/// The rows tell what is wrong with them.
fn json_lines_by_name(text: &[u8]) -> Detected {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Detected { content, .. } = json_lines(line.trim_ascii_end());
    Detected { content, because: "JSON lines: the name says so".to_owned() }
}

/// Commas, unless the first line has none and another delimiter.
fn named_csv(text: &[u8]) -> Detected {
    let said = "comma-separated values: the name says so".to_owned();
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if fields(header, Delimiter::Comma) > 1 {
        return csv(Delimiter::Comma, said);
    }
    match delimiter_of_lines(text) {
        Some((delimiter, _)) => {
            let because = format!(
                "delimited text: the name says so, and the header has no comma; its fields are {}",
                spoken(delimiter)
            );
            csv(delimiter, because)
        }
        None => csv(Delimiter::Comma, said),
    }
}

fn csv(delimiter: Delimiter, because: String) -> Detected {
    rows(Format::Csv(csv::Options { delimiter, ..csv::Options::default() }), because)
}

/// The delimiter that gives the first lines as many fields each, and how many.
///
/// Spaces and colons are not among them, which stand in ordinary text; the last line may be cut.
fn delimiter_of_lines(text: &[u8]) -> Option<(Delimiter, usize)> {
    /// Lines looked at.
    const LINES: usize = 10;

    let whole = memchr::memrchr(b'\n', text).map_or(text, |last| &text[..last]);
    let lines: Vec<&[u8]> = whole
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty())
        .take(LINES)
        .collect();
    let header = lines.first()?;
    let all = [Delimiter::Comma, Delimiter::Tab, Delimiter::Semicolon, Delimiter::Pipe];
    all.into_iter().find_map(|delimiter| {
        let count = fields(header, delimiter);
        let agree = count > 1 && lines.iter().all(|line| fields(line, delimiter) == count);
        agree.then_some((delimiter, count))
    })
}

/// The fields of a line; delimiters in quotes are text.
fn fields(line: &[u8], delimiter: Delimiter) -> usize {
    let mut quoted = false;
    let between = |byte: &&u8| {
        quoted ^= **byte == b'"';
        !quoted && **byte == delimiter.byte()
    };
    line.iter().filter(between).count() + 1
}

fn spoken(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Comma => "separated by commas",
        Delimiter::Tab => "separated by tabs",
        Delimiter::Semicolon => "separated by semicolons",
        Delimiter::Pipe => "separated by pipes",
        Delimiter::Colon => "separated by colons",
        Delimiter::Space => "separated by spaces",
    }
}

#[cfg(test)]
mod tests;
