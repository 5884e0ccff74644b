//! CSV and its relatives: a header row of attribute names, then one record per item.
//!
//! Quoting follows [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180): a field in quotes may hold
//! delimiters, line ends and doubled quotes. Lines end in LF or CRLF, and a carriage return without
//! line feed is text; blank lines are no rows. A quote within a field that does not start with one is
//! text. A quote that is open at the end of the file or of the longest row costs one row, up to the
//! end of its line; the lines after it are rows again.
//!
//! What a field becomes depends on its column's type:
//!
//! | field | String column | Number column | Boolean column |
//! |---|---|---|---|
//! | empty, `""` | no attribute | no attribute | no attribute |
//! | a word for "missing", by default `NA` | text | no attribute | no attribute |
//! | `12.5`, `-3`, `.5` | text | number | rejected |
//! | `1e-05`, `1E+20`, `1.5e3`, `-1E3` | text | number | rejected |
//! | `1E3`, `2e10`, `007`, `+1`, ` 1`, `0x1F`, `NaN`, 39 digits | text | rejected | rejected |
//! | `true`, `false` | text | rejected | boolean |
//! | `True`, `yes`, anything else | text | rejected | rejected |
//!
//! A column of numbers holds only what reads back as the same number. A leading zero or a plus sign
//! marks a code, which a number would lose, and so do digits with one `E` among them. A row with more or fewer fields than the header is rejected.
//!
//! [`infer`] finds the types from a sample; they then hold for the whole file.

mod columns;
mod infer;
mod records;
mod replay;

use std::fmt;
use std::str::FromStr;

pub use columns::HeaderError;
pub use infer::{Inference, infer};

pub(super) use columns::Columns;
pub(super) use records::{Fields, Records};

/// How a CSV file is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What stands between two fields.
    pub delimiter: Delimiter,
    /// The columns' names, where the file has no header row; then its first line is data.
    pub header: Option<Vec<String>>,
    /// The types of columns by name. A column that is not named here holds strings; a name that no column
    /// has is an error of [`infer`], and passed over in reading: the files of a folder need not all have
    /// the same columns.
    pub types: Vec<(String, ColumnType)>,
    /// Words that mean "no value" in columns of numbers and booleans.
    pub missing: Vec<String>,
}

impl Default for Options {
    /// Commas, a header row, strings only, and `NA` for "no value".
    fn default() -> Self {
        Self {
            delimiter: Delimiter::Comma,
            header: None,
            types: Vec::new(),
            missing: vec!["NA".to_owned()],
        }
    }
}

/// What stands between two fields; the choice is that of `ImportTable`'s
/// [`CsvOptions`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CsvOptions.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// A tab.
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Pipe,
    /// `:`
    Colon,
    /// A space.
    Space,
}

impl Delimiter {
    /// The character as a byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
            Self::Semicolon => b';',
            Self::Pipe => b'|',
            Self::Colon => b':',
            Self::Space => b' ',
        }
    }
}

/// A text that is no delimiter, or no column type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not one of the delimiters.
    #[error("a delimiter is one of , ; : | tab space")]
    Delimiter,
    /// Not one of the column types.
    #[error("a column type is one of S, N, BOOL")]
    ColumnType,
}

impl FromStr for Delimiter {
    type Err = OptionError;

    /// Reads the delimiter itself.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Comma, Self::Tab, Self::Semicolon, Self::Pipe, Self::Colon, Self::Space];
        let found = all.into_iter().find(|delimiter| text.as_bytes() == [delimiter.byte()]);
        found.ok_or(OptionError::Delimiter)
    }
}

/// What the fields of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// Text.
    String,
    /// Numbers.
    Number,
    /// `true` and `false`.
    Boolean,
}

impl ColumnType {
    /// The descriptor of the DynamoDB type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
            Self::Boolean => "BOOL",
        }
    }
}

impl FromStr for ColumnType {
    type Err = OptionError;

    /// Reads the descriptor of the DynamoDB type: `S`, `N` or `BOOL`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::String, Self::Number, Self::Boolean];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or(OptionError::ColumnType)
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "strings",
            Self::Number => "numbers",
            Self::Boolean => "true or false",
        })
    }
}

#[cfg(test)]
mod tests;
