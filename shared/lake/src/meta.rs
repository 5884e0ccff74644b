//! The columns that every file has.
//!
//! Their names start with an underscore, which no attribute's column does.
//!
//! | column | type | what |
//! |---|---|---|
//! | `_op` | string | `INSERT`, `MODIFY`, `REMOVE`; `SNAPSHOT` for an item of an export |
//! | `_ts` | timestamp, ms, UTC | when; streams give whole seconds, rounded down |
//! | `_stream` | string | the stream's label as digits; null in snapshots and increments |
//! | `_seq` | string | the sequence number, zero-padded to 40 digits; null in snapshots and increments |
//! | `_key` | string | the key as canonical DynamoDB JSON |
//! | `_hash` | bigint | XXH64 of the canonical item, as a signed number; null for `REMOVE` |
//! | `_by` | string | `ttl` when time-to-live deleted the item, else `user`; null in snapshots and increments |
//! | `_event_id` | string | the stream record's id; null in snapshots and increments |
//! | `_old` | string | the item before, as canonical DynamoDB JSON, where the stream gives it |
//! | `_rest` | string | what the columns do not hold: see [`rest`](crate::rest) |

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, TimeUnit};
use item::Item;
use item::change::{Actor, Operation};

use crate::column::{Placement, RowNumbers, Texts, Values};
use crate::error::WriteError;
use crate::rows::Row;

pub(crate) const OP: &str = "_op";
pub(crate) const TS: &str = "_ts";
pub(crate) const STREAM: &str = "_stream";
pub(crate) const SEQ: &str = "_seq";
pub(crate) const KEY: &str = "_key";
pub(crate) const HASH: &str = "_hash";
pub(crate) const BY: &str = "_by";
pub(crate) const EVENT_ID: &str = "_event_id";
pub(crate) const OLD: &str = "_old";
pub(crate) const REST: &str = "_rest";

/// Digits of a sequence number in `_seq`: the most that DynamoDB gives.
///
/// Source: [StreamRecord](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html).
pub(crate) const SEQ_DIGITS: usize = 40;

/// The time zone of `_ts`.
const UTC: &str = "UTC";

/// What a meta column is called, in files and in the catalog.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MetaColumn {
    pub(crate) name: &'static str,
    pub(crate) catalog_type: &'static str,
    pub(crate) comment: &'static str,
}

/// The meta columns, in the order files and catalog have them, before all others.
pub(crate) const COLUMNS: [MetaColumn; 10] = [
    meta(OP, "string", "INSERT, MODIFY or REMOVE; SNAPSHOT for an item of an export"),
    meta(TS, "timestamp", "when; streams give whole seconds, rounded down"),
    meta(STREAM, "string", "label of the stream; changes of one key are ordered by _stream, _seq"),
    meta(SEQ, "string", "sequence number, zero-padded to 40 digits"),
    meta(KEY, "string", "primary key as canonical DynamoDB JSON"),
    meta(HASH, "bigint", "XXH64 of the item's canonical DynamoDB JSON"),
    meta(BY, "string", "ttl when time-to-live deleted the item, else user"),
    meta(EVENT_ID, "string", "id of the stream record"),
    meta(OLD, "string", "the item before the change as canonical DynamoDB JSON"),
    meta(REST, "string", "DynamoDB JSON of what the other columns do not hold exactly"),
];

const fn meta(name: &'static str, catalog_type: &'static str, comment: &'static str) -> MetaColumn {
    MetaColumn { name, catalog_type, comment }
}

impl MetaColumn {
    /// The column's field in a record batch.
    pub(crate) fn field(&self) -> Field {
        let data_type = match self.name {
            TS => DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into())),
            HASH => DataType::Int64,
            _ => DataType::Utf8,
        };
        Field::new(self.name, data_type, !matches!(self.name, OP | TS | KEY))
    }
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowOp {
    /// A new item.
    Insert,
    /// Another version of an item.
    Modify,
    /// The item's end.
    Remove,
    /// An item as an export found it.
    Snapshot,
}

impl RowOp {
    /// The text in `_op`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
            Self::Snapshot => "SNAPSHOT",
        }
    }

    /// The operation whose text in `_op` this is.
    pub(crate) fn of(text: &str) -> Option<Self> {
        [Self::Insert, Self::Modify, Self::Remove, Self::Snapshot]
            .into_iter()
            .find(|op| op.as_str() == text)
    }
}

impl From<Operation> for RowOp {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Insert => Self::Insert,
            Operation::Modify => Self::Modify,
            Operation::Remove => Self::Remove,
        }
    }
}

/// The text in `_by`.
pub(crate) fn actor_text(actor: Actor) -> &'static str {
    match actor {
        Actor::User => "user",
        Actor::TimeToLive => "ttl",
    }
}

/// The actor whose text in `_by` this is.
pub(crate) fn actor(text: &str) -> Option<Actor> {
    [Actor::User, Actor::TimeToLive].into_iter().find(|actor| actor_text(*actor) == text)
}

/// A sequence number as `_seq` has it, where text order is the order of numbers.
///
/// ```
/// assert_eq!(lake::pad_sequence("4100").unwrap(), "0000000000000000000000000000000000004100");
/// assert!(lake::pad_sequence("4-100").is_err());
/// ```
pub fn pad_sequence(sequence: &str) -> Result<String, WriteError> {
    let mut padded = String::with_capacity(SEQ_DIGITS);
    write_padded(sequence, &mut padded)?;
    Ok(padded)
}

fn write_padded(sequence: &str, out: &mut String) -> Result<(), WriteError> {
    let digits = sequence.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = SEQ_DIGITS.checked_sub(sequence.len());
    let Some(zeros) = zeros.filter(|_| digits && !sequence.is_empty()) else {
        return Err(WriteError::Sequence(sequence.to_owned()));
    };
    out.extend(std::iter::repeat_n('0', zeros));
    out.push_str(sequence);
    Ok(())
}

/// A nullable column: the values, and the rows that have them.
#[derive(Debug, Default)]
struct Sparse<V> {
    rows: RowNumbers,
    values: V,
}

impl Sparse<Texts> {
    /// Gives a row a text; an empty one is none.
    fn push(&mut self, row: u32, text: &str) {
        if !text.is_empty() {
            self.rows.push(row);
            self.values.push(text);
        }
    }

    /// Lets `write` append a row's text, and returns what it returns.
    fn push_with<T>(&mut self, row: u32, write: impl FnOnce(&mut String) -> T) -> T {
        self.rows.push(row);
        self.values.push_with(write)
    }
}

impl<V: Values> Sparse<V> {
    fn array(self, name: &str, len: usize) -> Result<ArrayRef, WriteError> {
        self.values.array(&Placement::new(&self.rows, len)).map_err(|overflow| overflow.of(name))
    }
}

/// The meta columns' values, `_rest` aside.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    op: Texts,
    ts: Vec<i64>,
    stream: Sparse<Texts>,
    seq: Sparse<Texts>,
    key: Texts,
    hash: Sparse<Vec<i64>>,
    by: Sparse<Texts>,
    event_id: Sparse<Texts>,
    old: Sparse<Texts>,
    /// Text that is on its way to a column or a hash.
    scratch: String,
}

impl Meta {
    /// Takes the memory of an array that one of the larger columns became.
    pub(crate) fn take_memory(&mut self, name: &str, array: ArrayRef) {
        match name {
            OP => self.op = Values::in_memory_of(array),
            KEY => self.key = Values::in_memory_of(array),
            HASH => self.hash.values = Values::in_memory_of(array),
            _ => {}
        }
    }

    /// Takes a row's meta columns but for `_hash` and `_old`, and returns how many bytes of text they took.
    ///
    /// Takes nothing where it fails.
    pub(crate) fn push(&mut self, at: u32, row: &Row<'_>) -> Result<usize, WriteError> {
        if !row.seq.is_empty() {
            self.scratch.clear();
            write_padded(row.seq, &mut self.scratch)?;
            self.seq.push(at, &self.scratch);
        }
        self.op.push(row.op.as_str());
        self.ts.push(row.ts_ms);
        self.stream.push(at, row.stream);
        self.by.push(at, row.by.map_or("", actor_text));
        self.event_id.push(at, row.event_id);
        Ok(self.key.push_with(|out| {
            let start = out.len();
            item::write_canonical(row.key, out);
            out.len() - start
        }))
    }

    /// Takes a row's item for `_hash`, and returns how many bytes of text it is.
    ///
    /// `by_name` is the order of its names, see [`item::write_canonical_in_order`].
    pub(crate) fn push_hash<'n>(
        &mut self,
        at: u32,
        item: &Item<'_>,
        by_name: impl Iterator<Item = (usize, &'n str)>,
    ) -> usize {
        self.scratch.clear();
        item::write_canonical_in_order(item, by_name, &mut self.scratch);
        self.hash.rows.push(at);
        self.hash.values.push(item::hash_canonical(&self.scratch).cast_signed());
        self.scratch.len()
    }

    /// Takes the item that a row had before, and returns how many bytes of text it is.
    ///
    /// `by_name` is as for [`Meta::push_hash`].
    pub(crate) fn push_old<'n>(
        &mut self,
        at: u32,
        old: &Item<'_>,
        by_name: impl Iterator<Item = (usize, &'n str)>,
    ) -> usize {
        self.old.push_with(at, |out| {
            let start = out.len();
            item::write_canonical_in_order(old, by_name, out);
            out.len() - start
        })
    }

    /// The columns of a batch of `len` rows, in the order of [`COLUMNS`].
    pub(crate) fn arrays(self, rest: ArrayRef, len: usize) -> Result<[ArrayRef; 10], WriteError> {
        let all = Placement::dense(len);
        Ok([
            self.op.array(&all).map_err(|overflow| overflow.of(OP))?,
            Arc::new(TimestampMillisecondArray::from(self.ts).with_timezone(UTC)),
            self.stream.array(STREAM, len)?,
            self.seq.array(SEQ, len)?,
            self.key.array(&all).map_err(|overflow| overflow.of(KEY))?,
            self.hash.array(HASH, len)?,
            self.by.array(BY, len)?,
            self.event_id.array(EVENT_ID, len)?,
            self.old.array(OLD, len)?,
            rest,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_padded_or_refused() {
        let longest = "9".repeat(SEQ_DIGITS);
        assert_eq!(pad_sequence(&longest).unwrap(), longest);
        assert_eq!(pad_sequence("0").unwrap(), "0".repeat(SEQ_DIGITS));
        for text in ["", "-1", "1e3", "٣", &"1".repeat(SEQ_DIGITS + 1)] {
            let error = pad_sequence(text).unwrap_err();
            assert!(matches!(error, WriteError::Sequence(found) if found == text));
        }
    }

    #[test]
    fn operations_and_actors_come_back() {
        for op in [RowOp::Insert, RowOp::Modify, RowOp::Remove, RowOp::Snapshot] {
            assert_eq!(RowOp::of(op.as_str()), Some(op));
        }
        assert_eq!(RowOp::of("insert"), None);
        for by in [Actor::User, Actor::TimeToLive] {
            assert_eq!(actor(actor_text(by)), Some(by));
        }
        assert_eq!(actor("root"), None);
    }
}
