//! The columns of a file, and what their fields become.

use std::io::BufRead;

use super::records::{Fields, Records};
use super::{ColumnType, Options};
use crate::error::{Excerpt, ItemError, Reason};
use crate::format::ReadError;
use crate::{Item, Number, Value};

/// A header that does not name columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The file holds no line.
    #[error("the file has no header row; its first line names the columns")]
    Missing,
    /// The header row itself cannot be read.
    #[error("the header row cannot be read: {0}")]
    Unreadable(Reason),
    /// The header row does not end within a sample.
    #[error("the header row is longer than the sample of {0} bytes; take a larger sample")]
    LongerThanSample(usize),
    /// A column whose name holds a carriage return, as in a file of lines that end in those alone.
    #[error(
        "column {position} of the header holds a carriage return without line feed; lines end in LF or CRLF"
    )]
    CarriageReturn {
        /// The column, counted from 1.
        position: usize,
    },
    /// A column without name.
    #[error("column {position} of the header has no name; give it one")]
    EmptyName {
        /// The column, counted from 1.
        position: usize,
    },
    /// Two columns of one name.
    #[error("columns {first} and {second} of the header are both named {name}; rename one")]
    DuplicateName {
        /// The name.
        name: Excerpt,
        /// The first column of this name, counted from 1.
        first: usize,
        /// The second.
        second: usize,
    },
    /// A file that is read on from its middle, without the columns' names.
    #[error(
        "a file that is read on from its middle needs the names of its columns; give the header"
    )]
    NotGiven,
    /// A type given for a column that the file does not have.
    #[error("a type is given for column {0}, which the header does not name")]
    UnknownColumn(Excerpt),
}

/// The names and types of a file's columns.
#[derive(Debug)]
pub(in crate::format) struct Columns {
    columns: Vec<(String, ColumnType)>,
    missing: Vec<String>,
}

impl Columns {
    /// Takes the columns from the options or else from the header row, which is then behind `records`.
    pub(in crate::format) fn read<R: BufRead>(
        records: &mut Records<R>,
        options: &Options,
    ) -> Result<Self, ReadError> {
        let names = match &options.header {
            Some(names) => names.clone(),
            None => header_row(records)?,
        };
        Ok(Self::given(names, options)?)
    }

    /// The columns of these names.
    pub(in crate::format) fn given(
        names: Vec<String>,
        options: &Options,
    ) -> Result<Self, HeaderError> {
        check_names(&names)?;
        let typed = |name: String| {
            let given = options.types.iter().find(|(column, _)| *column == name);
            let column_type = given.map_or(ColumnType::String, |(_, column_type)| *column_type);
            (name, column_type)
        };
        let columns = names.into_iter().map(typed).collect();
        Ok(Self { columns, missing: options.missing.clone() })
    }

    /// The columns' names.
    pub(in crate::format) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a field stands for no value, whatever it would be otherwise.
    pub(super) fn is_missing(&self, field: &str) -> bool {
        field.is_empty() || self.missing.iter().any(|word| word == field)
    }

    /// The record's fields as text, one for each column.
    pub(super) fn texts<'a>(
        &self,
        fields: Fields<'a>,
    ) -> Result<impl Iterator<Item = &'a str>, Reason> {
        let (expected, found) = (self.columns.len(), fields.len());
        let texts = fields.texts()?;
        if found == expected { Ok(texts) } else { Err(Reason::FieldCount { expected, found }) }
    }

    /// The item a record stands for.
    pub(in crate::format) fn item<'a>(&'a self, fields: Fields<'a>) -> Result<Item<'a>, ItemError> {
        let texts = self.texts(fields).map_err(ItemError::of_item)?;
        let mut entries = Vec::with_capacity(self.columns.len());
        for ((name, column_type), text) in self.columns.iter().zip(texts) {
            let value = self.value(*column_type, text);
            if let Some(value) = value.map_err(|reason| ItemError::of_attribute(name, reason))? {
                entries.push((name.into(), value));
            }
        }
        Ok(Item::from_distinct(entries))
    }

    fn value<'a>(
        &self,
        column_type: ColumnType,
        text: &'a str,
    ) -> Result<Option<Value<'a>>, Reason> {
        if text.is_empty() {
            return Ok(None);
        }
        let value = match column_type {
            ColumnType::String => return Ok(Some(Value::S(text.into()))),
            ColumnType::Number => number(text).map(Value::N),
            ColumnType::Boolean => boolean(text).map(Value::Bool),
        };
        match value {
            Some(value) => Ok(Some(value)),
            None if self.is_missing(text) => Ok(None),
            None => Err(Reason::ColumnType { expected: column_type, found: Excerpt::of(text) }),
        }
    }
}

/// A number, unless its text is a code that the number would not give back: one with a plus sign or
/// leading zeros, or digits with one `E` among them.
pub(super) fn number(text: &str) -> Option<Number<'_>> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_code =
        matches!(digits, [b'+', ..] | [b'0', b'0'..=b'9', ..]) || is_digits_around_e(text);
    Number::parse(text).ok().filter(|_| !is_code)
}

/// Whether a text is like `1E3` or `2e10`, which is a code more often than a thousand: what writes
/// numbers with exponents gives them a sign, a fraction, or both.
fn is_digits_around_e(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(['e', 'E']).is_some_and(|(before, after)| digits(before) && digits(after))
}

/// `true` or `false`, exactly.
pub(super) fn boolean(text: &str) -> Option<bool> {
    text.parse().ok()
}

fn header_row<R: BufRead>(records: &mut Records<R>) -> Result<Vec<String>, ReadError> {
    let record = records.next()?.ok_or(HeaderError::Missing)?;
    let fields = match record.fields {
        Ok(fields) => fields.texts(),
        Err(unread) => Err(unread.reason(0)),
    };
    let names: Vec<String> = fields.map_err(HeaderError::Unreadable)?.map(str::to_owned).collect();
    let lone = |name: &String| name.replace("\r\n", "").contains('\r');
    match names.iter().position(lone) {
        None => Ok(names),
        Some(index) => Err(HeaderError::CarriageReturn { position: index + 1 }.into()),
    }
}

fn check_names(names: &[String]) -> Result<(), HeaderError> {
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(HeaderError::EmptyName { position: index + 1 });
        }
        if let Some(first) = names[..index].iter().position(|earlier| earlier == name) {
            let name = Excerpt::of(name);
            return Err(HeaderError::DuplicateName { name, first: first + 1, second: index + 1 });
        }
    }
    Ok(())
}
