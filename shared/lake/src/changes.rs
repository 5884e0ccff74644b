//! The changes of one stream to files: one for each day.
//!
//! ```
//! use item::change::Event;
//! use lake::{ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry};
//!
//! let event = br#"{"Records":[{"eventID":"1","eventName":"INSERT","dynamodb":{
//!   "ApproximateCreationDateTime":1795359600,"SequenceNumber":"111","StreamViewType":"NEW_IMAGE",
//!   "Keys":{"tailnum":{"S":"N10156"}},"NewImage":{"tailnum":{"S":"N10156"},"seats":{"N":"55"}}},
//!   "eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000"}]}"#;
//! let mut files = ChangeFiles::new();
//! for record in Event::new(event) {
//!     files.push(&record?.change?)?;
//! }
//!
//! let mut registry = Registry::new();
//! let added = registry.assign(&files.unnamed(&registry), DEFAULT_COLUMN_LIMIT);
//! assert_eq!(added.len(), 2);
//!
//! for file in files.finish(&registry)? {
//!     assert_eq!(
//!         file.path,
//!         "changes/planes/dt=2026-11-22/20261122150000000-111-111-1-022439bc57dae1e2.parquet",
//!     );
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use item::change::{Change, StreamArn};
use item::privacy::Redaction;
use jiff::civil::Date;
use xxhash_rust::xxh64::xxh64;

use crate::error::WriteError;
use crate::meta::pad_sequence;
use crate::path::{self, ChangeObject};
use crate::registry::{ColumnKey, Registry};
use crate::rows::{Row, Rows};
use crate::{RowOp, parquet};

/// The changes of one stream, being gathered into one file for each day.
#[derive(Debug, Default)]
pub struct ChangeFiles {
    stream: Option<Stream>,
    /// In first-seen order; changes of one batch seldom have more than one or two.
    days: Vec<Day>,
    redaction: Option<Arc<Redaction>>,
}

#[derive(Debug)]
struct Stream {
    arn: StreamArn<'static>,
    label: String,
}

/// The changes of one day.
#[derive(Debug)]
struct Day {
    /// Days since 1970.
    number: i64,
    date: Date,
    rows: Rows,
    first: String,
    last: String,
    /// The sequence numbers, each zero-padded to 40 digits.
    sequences: String,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeFile {
    /// The object's name in the lake.
    pub path: String,
    /// The Parquet file.
    pub bytes: Vec<u8>,
    /// How many changes it holds.
    pub rows: usize,
    /// How many of their values have no column, and so travel in `_rest`.
    pub rescued: u64,
    /// The sequence number of its first change: where a batch goes on if this file is not written.
    pub first: String,
}

impl ChangeFiles {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, of which changes are taken under privacy rules if there are any.
    #[must_use]
    pub fn under(mut self, redaction: Option<Arc<Redaction>>) -> Self {
        self.redaction = redaction;
        self
    }

    /// How many changes were taken.
    pub fn len(&self) -> usize {
        self.days.iter().map(|day| day.rows.len()).sum()
    }

    /// Whether no change was taken.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Takes a change, which is of the same stream as all others. Where it fails, nothing was taken.
    pub fn push(&mut self, change: &Change<'_>) -> Result<(), WriteError> {
        let padded = pad_sequence(change.sequence)?;
        let number = change.at_ms.div_euclid(path::DAY_MS);
        let date = path::day(change.at_ms)?;
        let mut first = None;
        let stream = match &self.stream {
            Some(stream) => stream.check(&change.stream_arn)?,
            None => first.insert(Stream::new(&change.stream_arn)),
        };
        let at = self.days.iter().position(|day| day.number == number);
        let mut new = None;
        let day = match at {
            Some(at) => &mut self.days[at],
            None => new.insert(Day::new(number, date, change.sequence, self.redaction.clone())),
        };
        day.rows.push(&row(change, &stream.label))?;
        day.sequences.push_str(&padded);
        change.sequence.clone_into(&mut day.last);
        self.days.extend(new);
        self.stream = first.or(self.stream.take());
        Ok(())
    }

    /// The columns that `registry` has no name for, in first-seen order.
    pub fn unnamed(&self, registry: &Registry) -> Vec<ColumnKey> {
        let keys = self.days.iter().flat_map(|day| day.rows.unnamed(registry));
        let mut seen = HashSet::new();
        keys.filter(|key| seen.insert(key.clone())).collect()
    }

    /// Ends the files. What `registry` has no name for goes to `_rest`.
    pub fn finish(self, registry: &Registry) -> Result<Vec<ChangeFile>, WriteError> {
        let Some(stream) = self.stream else {
            return Ok(Vec::new());
        };
        self.days.into_iter().map(|day| day.finish(&stream, registry)).collect()
    }
}

impl Stream {
    fn new(arn: &StreamArn<'_>) -> Self {
        Self { arn: arn.clone().into_owned(), label: arn.label_digits() }
    }

    /// This stream, which must be `arn`.
    fn check(&self, arn: &StreamArn<'_>) -> Result<&Self, WriteError> {
        if self.arn.as_str() == arn.as_str() {
            Ok(self)
        } else {
            Err(WriteError::OtherStream(arn.as_str().to_owned()))
        }
    }
}

impl Day {
    fn new(number: i64, date: Date, first: &str, redaction: Option<Arc<Redaction>>) -> Self {
        Self {
            number,
            date,
            rows: Rows::new().under(redaction),
            first: first.to_owned(),
            last: String::new(),
            sequences: String::new(),
        }
    }

    fn finish(self, stream: &Stream, registry: &Registry) -> Result<ChangeFile, WriteError> {
        let rows = self.rows.len();
        let object = ChangeObject {
            table: stream.arn.table(),
            day: self.date,
            stream: &stream.label,
            first: &self.first,
            last: &self.last,
            count: rows,
            hash: xxh64(self.sequences.as_bytes(), 0),
        };
        let rescued = self.rows.rescued(registry);
        let bytes = parquet::write(object.table, &self.rows.finish(registry)?)?;
        Ok(ChangeFile { path: object.path(), bytes, rows, rescued, first: self.first })
    }
}

fn row<'r>(change: &'r Change<'_>, stream: &'r str) -> Row<'r> {
    Row {
        op: RowOp::from(change.op),
        ts_ms: change.at_ms,
        stream,
        seq: change.sequence,
        by: Some(change.by),
        event_id: &change.event_id,
        key: &change.keys,
        item: change.new.as_ref(),
        old: change.old.as_ref(),
    }
}
