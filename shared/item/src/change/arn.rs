//! Names of streams.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::{Excerpt, Reason};
use crate::limits::TableName;

/// The name of a stream: `arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamArn<'a> {
    text: Cow<'a, str>,
    table: Range<usize>,
    label: Range<usize>,
}

impl<'a> StreamArn<'a> {
    /// Reads the name of a DynamoDB stream, in any partition of AWS.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Reason> {
        let text = text.into();
        match Self::parts(&text) {
            Some([table, label]) => Ok(Self { text, table, label }),
            None => Err(Reason::UnknownField {
                expected: "the ARN of a DynamoDB stream",
                found: Excerpt::of(&text),
            }),
        }
    }

    fn parts(text: &str) -> Option<[Range<usize>; 2]> {
        let mut fields = text.splitn(6, ':');
        let ("arn", _partition, "dynamodb") = (fields.next()?, fields.next()?, fields.next()?)
        else {
            return None;
        };
        let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
        let (table, label) = resource.strip_prefix("table/")?.split_once("/stream/")?;
        if region.is_empty()
            || account.is_empty()
            || TableName::from_str(table).is_err()
            || !label.bytes().any(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let resource_start = text.len() - resource.len();
        let label_start = text.len() - label.len();
        let table_start = resource_start + "table/".len();
        Some([table_start..table_start + table.len(), label_start..text.len()])
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.text[self.table.clone()]
    }

    /// The ARN of the table.
    pub fn table_arn(&self) -> &str {
        &self.text[..self.table.end]
    }

    /// The stream's label, the time it was made: `2026-11-22T15:00:00.000`.
    pub fn label(&self) -> &str {
        &self.text[self.label.clone()]
    }

    /// The label's digits alone, `20261122150000000`: later streams of a table have greater ones.
    pub fn label_digits(&self) -> String {
        self.label().chars().filter(char::is_ascii_digit).collect()
    }

    /// The same name, borrowing nothing.
    pub fn into_owned(self) -> StreamArn<'static> {
        StreamArn { text: Cow::Owned(self.text.into_owned()), ..self }
    }
}

impl fmt::Display for StreamArn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
