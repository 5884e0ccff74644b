//! One line of an incremental export: what a window of time did to an item.
//!
//! ```json
//! {"Metadata":{"WriteTimestampMicros":{"N":"1795359600123456"}},"Keys":{…},"OldImage":{…},"NewImage":{…}}
//! ```
//!
//! | images | what happened | in an export with new images only |
//! |---|---|---|
//! | new | the item is new | the item is new or another |
//! | old and new | it is another | does not occur |
//! | old | it is gone | does not occur |
//! | none | it is gone | it is gone |
//!
//! In Ion the same four fields stand in a struct `Record`, and the time is a number. The time may also be a
//! plain number or text: the documentation has it so, the exports have it as above.
//!
//! Source: [incremental export output](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html#incremental-export-output).

use super::record::{each_field, image, unknown};
use crate::change::Operation;
use crate::error::{Fault, ParseError, Parsed, Reason};
use crate::format::dynamodb_json::{attributes, value};
use crate::format::json::Scanner;
use crate::{Item, Number, Value};

/// What a window of time did to an item: its ends, without the steps between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetChange<'a> {
    /// When the item was last written within the window, in microseconds since 1970.
    pub at_us: i64,
    /// The key attributes.
    pub keys: Item<'a>,
    /// The item at the window's end; nothing if it is gone.
    pub new: Option<Item<'a>>,
    /// The item at the window's start, if there was one and the export has old images.
    pub old: Option<Item<'a>>,
}

impl NetChange<'_> {
    /// What happened, as far as the images tell: without old images an item that is another looks new.
    pub fn operation(&self) -> Operation {
        match (&self.old, &self.new) {
            (_, None) => Operation::Remove,
            (None, Some(_)) => Operation::Insert,
            (Some(_), Some(_)) => Operation::Modify,
        }
    }

    /// The time in milliseconds since 1970, rounded down.
    pub fn at_ms(&self) -> i64 {
        self.at_us.div_euclid(1000)
    }
}

/// Reads one line of DynamoDB JSON. Fields may come in any order; unknown ones are skipped.
pub(crate) fn parse_line(line: &[u8]) -> Result<NetChange<'_>, ParseError> {
    Scanner::whole(line, |scanner| {
        let mut draft = Draft::default();
        each_field(scanner, |scanner, name| draft.field(scanner, name))?;
        draft.finish(scanner.offset())
    })
}

/// What has been read of a line so far.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    pub(crate) at_us: Option<i64>,
    pub(crate) keys: Option<Item<'a>>,
    pub(crate) new: Option<Item<'a>>,
    pub(crate) old: Option<Item<'a>>,
}

impl<'a> Draft<'a> {
    fn field(&mut self, scanner: &mut Scanner<'a>, name: &str) -> Parsed<()> {
        match name {
            "Metadata" => each_field(scanner, |scanner, name| match name {
                "WriteTimestampMicros" => {
                    self.at_us = Some(microseconds(scanner)?);
                    Ok(())
                }
                _ => scanner.skip(),
            })?,
            "Keys" => self.keys = Some(attributes(scanner)?),
            "NewImage" => self.new = image(scanner)?,
            "OldImage" => self.old = image(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    /// The change, unless something of it is missing.
    pub(crate) fn finish(self, end: usize) -> Parsed<NetChange<'a>> {
        let missing = |path| Fault::new(end, Reason::MissingField).within_path(path);
        Ok(NetChange {
            at_us: self.at_us.ok_or_else(|| missing(&["Metadata", "WriteTimestampMicros"]))?,
            keys: self.keys.ok_or_else(|| missing(&["Keys"]))?,
            new: self.new,
            old: self.old,
        })
    }
}

/// What the time of a change is to be.
pub(crate) const MICROSECONDS: &str = "microseconds since 1970";

/// `{"N":"1795359600123456"}`, `"1795359600123456"` or `1795359600123456`.
fn microseconds(scanner: &mut Scanner<'_>) -> Parsed<i64> {
    let text = match scanner.peek() {
        Some(b'{') => {
            let value = value(scanner, 0)?;
            let Value::N(number) = &value else {
                return Err(unknown(scanner, MICROSECONDS, value.type_descriptor()));
            };
            number.as_str().to_owned()
        }
        Some(b'"') => scanner.string()?.into_owned(),
        _ => scanner.number()?.to_owned(),
    };
    let whole = Number::parse(&text).ok().and_then(|number| number.to_i64());
    whole.ok_or_else(|| unknown(scanner, MICROSECONDS, &text))
}

#[cfg(test)]
mod tests;
