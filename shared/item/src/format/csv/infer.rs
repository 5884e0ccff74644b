//! Column types from a sample.

use super::columns::{Columns, HeaderError, boolean, number};
use super::records::Records;
use super::{ColumnType, Options};
use crate::error::Excerpt;
use crate::format::{ReadError, Unread, without_bom};
use crate::limits::MAX_ROW_BYTES;

/// The type found for a column, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    /// The column's name.
    pub column: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What decided it, to be shown to the user.
    pub because: String,
}

/// Finds the types of a file's columns from its beginning, in the order of the header.
///
/// A column holds numbers or booleans only if every value of it in the sample is one and there is at
/// least one; see the [module](super) for what counts. A type in `options.types` stands. `sample` is
/// the decompressed beginning of the file, and `whole` tells that it is all of it; otherwise its last
/// record may be cut and is not looked at. Rows that would be rejected are not looked at either.
///
/// ```
/// use item::format::csv::{ColumnType, Options, infer};
///
/// let inferences = infer(b"code,seats\n007,55\n012,NA\n", true, &Options::default())?;
/// assert_eq!(inferences[0].column_type, ColumnType::String);
/// assert_eq!(inferences[0].because, r#""007" on line 2 is not a plain number"#);
/// assert_eq!(inferences[1].column_type, ColumnType::Number);
/// assert_eq!(inferences[1].because, "the only value sampled is a number; 1 missing");
/// # Ok::<(), item::format::ReadError>(())
/// ```
pub fn infer(sample: &[u8], whole: bool, options: &Options) -> Result<Vec<Inference>, ReadError> {
    let cut = memchr::memrchr(b'\n', sample).map_or(0, |last| last + 1);
    let lines = if whole { sample } else { &sample[..cut] };
    let (input, start) = without_bom(lines)?;
    let mut records = Records::new(input, options.delimiter, start, MAX_ROW_BYTES);
    let columns = Columns::read(&mut records, options).map_err(|error| match error {
        ReadError::Header(HeaderError::Missing) if !whole => {
            HeaderError::LongerThanSample(sample.len()).into()
        }
        ReadError::Header(_) | ReadError::Io(_) => error,
    })?;
    let unknown = |name: &str| columns.names().all(|known| known != name);
    if let Some((name, _)) = options.types.iter().find(|(name, _)| unknown(name)) {
        return Err(HeaderError::UnknownColumn(Excerpt::of(name)).into());
    }
    let mut evidence: Vec<Evidence> = columns.names().map(|_| Evidence::default()).collect();
    while let Some(record) = records.next()? {
        if !whole && matches!(record.fields, Err(Unread::UnclosedQuote)) {
            break;
        }
        let Some(texts) = record.fields.ok().and_then(|fields| columns.texts(fields).ok()) else {
            continue;
        };
        for (column, text) in evidence.iter_mut().zip(texts) {
            column.add(record.line, text, columns.is_missing(text));
        }
    }
    let named = columns.names().zip(&evidence);
    Ok(named.map(|(column, evidence)| evidence.decide(column, options)).collect())
}

/// What the sample tells about one column.
#[derive(Default)]
struct Evidence {
    values: usize,
    missing: usize,
    not_number: Option<Counterexample>,
    not_boolean: Option<Counterexample>,
}

/// The first value that speaks against a type.
struct Counterexample {
    line: u64,
    text: Excerpt,
}

impl Evidence {
    fn add(&mut self, line: u64, text: &str, is_missing: bool) {
        if is_missing {
            self.missing += 1;
            return;
        }
        self.values += 1;
        let counterexample = || Counterexample { line, text: Excerpt::of(text) };
        if self.not_number.is_none() && number(text).is_none() {
            self.not_number = Some(counterexample());
        }
        if self.not_boolean.is_none() && boolean(text).is_none() {
            self.not_boolean = Some(counterexample());
        }
    }

    fn decide(&self, column: &str, options: &Options) -> Inference {
        let given = options.types.iter().find(|(name, _)| name == column);
        let (column_type, because) = match (given, &self.not_number, &self.not_boolean) {
            (Some((_, given)), _, _) => (*given, "the type was given".to_owned()),
            _ if self.values == 0 => (ColumnType::String, "no value in the sample".to_owned()),
            (None, None, _) => (ColumnType::Number, self.agreed("a number", "numbers")),
            (None, _, None) => (ColumnType::Boolean, self.agreed("true or false", "true or false")),
            (None, Some(Counterexample { line, text }), _) => {
                (ColumnType::String, format!("{text} on line {line} is not a plain number"))
            }
        };
        Inference { column: column.to_owned(), column_type, because }
    }

    fn agreed(&self, one: &str, many: &str) -> String {
        let values = match self.values {
            1 => format!("the only value sampled is {one}"),
            count => format!("all {count} values sampled are {many}"),
        };
        if self.missing == 0 { values } else { format!("{values}; {} missing", self.missing) }
    }
}
