//! Why a row was not taken.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::NumberError;
use crate::format::csv::ColumnType;
use crate::limits::{MAX_ITEM_BYTES, MAX_NAME_BYTES, MAX_NESTING};

/// A row that could not become an item: where it stands, why, and what its bytes were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, byte {offset}{}: {reason}", at(path))]
pub struct RowError {
    /// The line the row starts on, counted from 1.
    pub line: u64,
    /// The byte the row starts at in the decompressed object, counted from 0.
    pub offset: u64,
    /// The attribute path within the row (`address.lines[2]`); empty for the row as a whole.
    pub path: String,
    /// What was expected and what was found.
    pub reason: Reason,
    /// The row's bytes as they stood in the object, without the line's end.
    pub bytes: Vec<u8>,
}

/// Bytes that could not become a value, an item or a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}{}: {reason}", at(path))]
pub struct ParseError {
    /// The path to the value (`NewImage.address.lines[2]`); empty for the whole.
    pub path: String,
    /// The byte at which the fault was noticed, counted from 0 in the bytes given to the parser.
    pub offset: usize,
    /// What was expected and what was found.
    pub reason: Reason,
}

/// An item, wherever it is from, that DynamoDB would not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", of(path))]
pub struct ItemError {
    /// The attribute path (`address.lines[2]`); empty for the item as a whole.
    pub path: String,
    /// What was expected and what was found.
    pub reason: Reason,
}

impl ItemError {
    /// An error of the item as a whole.
    pub fn of_item(reason: Reason) -> Self {
        Self { path: String::new(), reason }
    }

    /// An error of one attribute.
    pub fn of_attribute(name: &str, reason: Reason) -> Self {
        Self { path: path_step(name).into_owned(), reason }
    }

    /// The error as seen from the map that holds the faulty value as `name`.
    #[must_use]
    pub fn within_name(mut self, name: &str) -> Self {
        prepend(&mut self.path, &path_step(name));
        self
    }

    /// The error as seen from the list that holds the faulty value at `index`.
    #[must_use]
    pub fn within_index(mut self, index: usize) -> Self {
        prepend(&mut self.path, &format!("[{index}]"));
        self
    }
}

impl RowError {
    /// What may be told of it where values are not: neither what was found, nor within what.
    pub fn withheld(&self) -> String {
        let Self { line, offset, reason, .. } = self;
        format!("line {line}, byte {offset}: {}", reason.withheld())
    }
}

impl ParseError {
    /// What may be told of it where values are not, as of a [row](RowError::withheld).
    pub fn withheld(&self) -> String {
        format!("byte {}: {}", self.offset, self.reason.withheld())
    }
}

impl From<ParseError> for ItemError {
    fn from(error: ParseError) -> Self {
        Self { path: error.path, reason: error.reason }
    }
}

fn of(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("attribute {path}: ") }
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(", attribute {path}") }
}

/// What the parsers of this crate hand up internally.
pub(crate) type Parsed<T> = Result<T, Fault>;

/// A [`ParseError`] on its way up, where each list and map adds its step to the path; boxed, so that
/// success stays small.
#[derive(Debug)]
pub(crate) struct Fault(Box<ParseError>);

impl Fault {
    pub(crate) fn new(offset: usize, reason: Reason) -> Self {
        Self(Box::new(ParseError { path: String::new(), offset, reason }))
    }

    /// The fault as seen from the map that holds the faulty value as `name`.
    pub(crate) fn within_name(self, name: &str) -> Self {
        self.within(&path_step(name))
    }

    /// The fault as seen from the top of a path of names.
    pub(crate) fn within_path(self, names: &[&str]) -> Self {
        names.iter().rev().fold(self, |fault, name| fault.within_name(name))
    }

    /// The fault as seen from the list that holds the faulty value at `index`.
    pub(crate) fn within_index(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    /// The fault with its place in a row that begins at `start` of the bytes it was found in.
    pub(crate) fn within_row(mut self, start: usize) -> Self {
        if let Reason::Ion { at, .. } = &mut self.0.reason {
            *at = at.and_then(|at| at.checked_sub(start));
        }
        self
    }

    fn within(mut self, step: &str) -> Self {
        prepend(&mut self.0.path, step);
        self
    }
}

/// Puts a step before a path.
fn prepend(path: &mut String, step: &str) {
    let joint = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    path.insert_str(0, joint);
    path.insert_str(0, step);
}

impl From<Fault> for ParseError {
    fn from(fault: Fault) -> Self {
        *fault.0
    }
}

impl From<Fault> for ItemError {
    fn from(fault: Fault) -> Self {
        ParseError::from(fault).into()
    }
}

/// A name as it stands in a path: in brackets and quotes when it could be misread.
fn path_step(name: &str) -> Cow<'_, str> {
    let simple = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '$');
    if !name.is_empty() && name.len() <= Excerpt::LENGTH && name.chars().all(simple) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("[{}]", Excerpt::of(name)))
    }
}

/// The beginning of a text that was found where something else was expected.
///
/// Shown in quotes and cut at 40 characters, so that a report never holds whole values.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// The most characters an excerpt shows.
    const LENGTH: usize = 40;

    /// The first 40 characters of a text.
    pub fn of(text: &str) -> Self {
        match text.char_indices().nth(Self::LENGTH) {
            Some((end, _)) => Self(format!("{}…", &text[..end]).into()),
            None => Self(text.into()),
        }
    }

    /// The beginning of bytes, as base64.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self::of(&STANDARD.encode(&bytes[..bytes.len().min(Self::LENGTH)]))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The kinds of fault a row can have. The text says what was expected, what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Bytes that are not UTF-8 text.
    #[error("not UTF-8 text at byte {at} of the row; convert the file to UTF-8")]
    NotUtf8 {
        /// The first byte that is not UTF-8, counted from 0 in the row.
        at: usize,
    },
    /// Text that is not JSON.
    #[error("not JSON: {fault}, at byte {at} of the row")]
    Json {
        /// The byte of the row at which the fault was noticed, counted from 0.
        at: usize,
        /// What the grammar of JSON does not allow.
        fault: JsonFault,
    },
    /// JSON of another kind than the place asks for.
    #[error("expected {expected}, found {found}")]
    JsonKind {
        /// What the place asks for, with an article.
        expected: &'static str,
        /// The kind of JSON found, with an article.
        found: &'static str,
    },
    /// A row longer than is read.
    #[error("a row of {length} bytes, the limit is {limit}; is a quote or a line's end missing?")]
    RowTooLong {
        /// The row's length in bytes.
        length: u64,
        /// The most a row may have.
        limit: usize,
    },
    /// A line of DynamoDB JSON without `Item`.
    #[error(r#"an object without "Item"; a line is {{"Item":{{...}}}}"#)]
    NoItem,
    /// A line of DynamoDB JSON that holds something else than `Item`.
    #[error(r#"expected "Item" alone, found {0}; a line is {{"Item":{{...}}}}"#)]
    NotItem(Excerpt),
    /// An object that holds a name twice.
    #[error("the name {0} occurs twice; DynamoDB holds a name once, rename or remove one")]
    DuplicateName(Excerpt),
    /// A value without a type descriptor.
    #[error(r#"an attribute value without type; write it as {{"S":"text"}}"#)]
    NoDescriptor,
    /// A type descriptor DynamoDB does not know.
    #[error("unknown type {0}; expected S, N, B, BOOL, NULL, SS, NS, BS, L or M")]
    UnknownDescriptor(Excerpt),
    /// A value with more than one type descriptor.
    #[error("a second type {second} after {first}; a value has one")]
    TwoDescriptors {
        /// The first type descriptor.
        first: &'static str,
        /// What stands where the value should end.
        second: Excerpt,
    },
    /// Text that is not a number DynamoDB can hold.
    #[error("{text} is not a DynamoDB number: {error}")]
    Number {
        /// The text found.
        text: Excerpt,
        /// Why it is no number.
        error: NumberError,
    },
    /// Text that is not base64.
    #[error("binary that is not standard base64 with padding")]
    Base64,
    /// `{"NULL":false}`.
    #[error(r#"NULL is false; write {{"NULL":true}} or leave the attribute out"#)]
    NullIsFalse,
    /// A set without members.
    #[error("an empty {0}; DynamoDB sets have members, leave the attribute out")]
    EmptySet(&'static str),
    /// A set that holds a member twice.
    #[error("{0} occurs twice in one set; remove one")]
    DuplicateMember(Excerpt),
    /// Lists and maps nested too deep.
    #[error("lists and maps are nested deeper than {MAX_NESTING} levels, DynamoDB's limit")]
    TooDeep,
    /// A name without characters.
    #[error("a name without characters; give it one")]
    EmptyName,
    /// A name longer than DynamoDB allows.
    #[error("a name of {length} bytes, DynamoDB's limit is {MAX_NAME_BYTES}")]
    NameTooLong {
        /// The name's length in bytes.
        length: usize,
    },
    /// An item larger than DynamoDB allows.
    #[error(
        "an item of {size} bytes, DynamoDB's limit is {MAX_ITEM_BYTES}; split it or leave attributes out"
    )]
    ItemTooLarge {
        /// The item's size in bytes, as DynamoDB counts.
        size: usize,
    },
    /// An item without one of its key attributes.
    #[error("the key attribute is missing; every item needs it, of type {expected}")]
    KeyMissing {
        /// The type of the key attribute.
        expected: &'static str,
    },
    /// A key attribute of another type.
    #[error("a key of type {expected} was expected, found type {found}")]
    KeyType {
        /// The type of the key attribute.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// A key attribute that is an empty string or empty bytes.
    #[error("an empty key; DynamoDB takes no empty string or binary as key")]
    KeyEmpty,
    /// A key attribute longer than DynamoDB allows.
    #[error("a key of {length} bytes, DynamoDB's limit is {limit}")]
    KeyTooLong {
        /// The key's length in bytes.
        length: usize,
        /// The most bytes this key may have.
        limit: usize,
    },
    /// A CSV record with more or fewer fields than the header.
    #[error(
        "expected {expected} fields as in the header, found {found}; is a delimiter or a quote missing?"
    )]
    FieldCount {
        /// The number of columns.
        expected: usize,
        /// The number of fields in the row.
        found: usize,
    },
    /// A CSV field whose opening quote is never closed.
    #[error("a quote is opened and never closed; close it, or double it if it is text")]
    UnclosedQuote,
    /// A CSV field with text after its closing quote.
    #[error("text after a closing quote; double the quotes that are text")]
    TextAfterQuote,
    /// A CSV field that does not fit its column's type.
    #[error("the column holds {expected}, found {found}; mend it or make the column a string")]
    ColumnType {
        /// The type of the column.
        expected: ColumnType,
        /// The text found.
        found: Excerpt,
    },
    /// A time that has no ISO 8601 text of four-digit years.
    #[error("{found} is not within {range}; make the column a number or a string")]
    Time {
        /// What a time can be.
        range: &'static str,
        /// The number found, with its unit.
        found: Excerpt,
    },
    /// A key of a map that is null.
    #[error("a map's key is null; DynamoDB names every entry of a map, give it a key")]
    NullKey,
    /// A stored value that is not what was written.
    #[error("expected {expected}: the file is damaged; take it from where it was made again")]
    Stored {
        /// What was written.
        expected: &'static str,
    },
    /// Bytes that are not Ion.
    #[error("not Ion: {fault}{}", at_byte(*at))]
    Ion {
        /// The byte of the row at which the fault was noticed, counted from 0, where that is known.
        at: Option<usize>,
        /// What `ion-rs` says of it.
        fault: Box<str>,
    },
    /// Ion of another type than the place asks for.
    #[error("expected {expected}, found {found}")]
    IonType {
        /// What the place asks for, with an article.
        expected: &'static str,
        /// The type found, with an article.
        found: &'static str,
    },
    /// A symbol whose text no symbol table gives.
    #[error("a symbol without text; the file's symbol table does not hold it, write the file anew")]
    UnknownSymbol,
    /// A file whose structure is lost, so that no rows can be told apart behind this place.
    #[error("{fault} (rows read before this place: {rows}; behind it: none)")]
    Structure {
        /// What is wrong with the file.
        fault: StructureFault,
        /// The rows before this one.
        rows: u64,
    },
    /// A field of a stream record that is missing.
    #[error("the field is missing")]
    MissingField,
    /// A field of a stream record that holds something unknown.
    #[error("expected {expected}, found {found}")]
    UnknownField {
        /// What the field can hold.
        expected: &'static str,
        /// What it holds.
        found: Excerpt,
    },
}

impl Reason {
    /// The same, without what was found: it may be a value, or a name within one.
    #[must_use]
    pub fn withheld(&self) -> Self {
        let nothing = || Excerpt("…".into());
        match self {
            Self::NotItem(_) => Self::NotItem(nothing()),
            Self::DuplicateName(_) => Self::DuplicateName(nothing()),
            Self::UnknownDescriptor(_) => Self::UnknownDescriptor(nothing()),
            Self::TwoDescriptors { first, .. } => Self::TwoDescriptors { first, second: nothing() },
            Self::Number { error, .. } => Self::Number { text: nothing(), error: *error },
            Self::DuplicateMember(_) => Self::DuplicateMember(nothing()),
            Self::ColumnType { expected, .. } => {
                Self::ColumnType { expected: *expected, found: nothing() }
            }
            Self::Time { range, .. } => Self::Time { range, found: nothing() },
            Self::UnknownField { expected, .. } => {
                Self::UnknownField { expected, found: nothing() }
            }
            Self::Ion { at, .. } => Self::Ion { at: *at, fault: "…".into() },
            Self::NotUtf8 { .. }
            | Self::Json { .. }
            | Self::JsonKind { .. }
            | Self::RowTooLong { .. }
            | Self::NoItem
            | Self::NoDescriptor
            | Self::Base64
            | Self::NullIsFalse
            | Self::EmptySet(_)
            | Self::TooDeep
            | Self::EmptyName
            | Self::NameTooLong { .. }
            | Self::ItemTooLarge { .. }
            | Self::KeyMissing { .. }
            | Self::KeyType { .. }
            | Self::KeyEmpty
            | Self::KeyTooLong { .. }
            | Self::FieldCount { .. }
            | Self::UnclosedQuote
            | Self::TextAfterQuote
            | Self::NullKey
            | Self::Stored { .. }
            | Self::IonType { .. }
            | Self::UnknownSymbol
            | Self::Structure { .. }
            | Self::MissingField => self.clone(),
        }
    }
}

fn at_byte(at: Option<usize>) -> String {
    at.map_or_else(String::new, |at| format!(", at byte {at} of the row"))
}

/// Why the rest of a file cannot be told apart into rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StructureFault {
    /// A file that does not begin with `[`.
    #[error("expected a JSON array, which begins with [")]
    NotAnArray,
    /// A file that ends within a JSON array.
    #[error("the JSON array is never closed; is the end of the file missing?")]
    ArrayNotClosed,
    /// A file that goes on behind the JSON array.
    #[error("text after the end of the JSON array; a file is one array, or one object per line")]
    AfterArray,
    /// A file that ends within a value of Ion.
    #[error("the Ion value is never ended; is a bracket, a quote or the end of the file missing?")]
    IonNotEnded,
    /// Binary Ion whose next byte begins no value.
    #[error("byte {0:#04x} begins no Ion value; is the file damaged?")]
    IonDescriptor(u8),
    /// A version of Ion that is not read.
    #[error("Ion of another version than 1.0; write the file as Ion 1.0")]
    IonVersion,
    /// A symbol table that needs others which are not in the file.
    #[error("a symbol table imports shared ones, which the file does not hold; write it without")]
    SharedSymbols,
    /// A symbol table that cannot be read.
    #[error("the symbol table cannot be read, without which rows have no names")]
    SymbolTable,
}

/// What the grammar of JSON does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Something else than what the grammar asks for.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The text ends within a value.
    #[error("it ends too early")]
    Truncated,
    /// Something follows the value.
    #[error("text after the end of the value")]
    Trailing,
    /// A control character within a string.
    #[error("a control character in a string; write it as an escape")]
    ControlCharacter,
    /// A backslash followed by something unknown.
    #[error("an unknown escape")]
    Escape,
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair")]
    LoneSurrogate,
    /// A number JSON does not allow, such as `007`, `+1` or `.5`.
    #[error("a malformed number")]
    Number,
    /// Values nested so deep that reading on would be unsafe.
    #[error("values nested too deep")]
    TooDeep,
}
