//! Changes of a table, as DynamoDB Streams hands them to a Lambda function, and as exports tell them.
//!
//! 1. [`Event`] reads one record after the other strictly;
//! 2. where that fails, it looks at nothing but strings and brackets to find the record's end and its
//!    sequence number, and goes on behind it. So it does with all records of an event that is not UTF-8.
//!
//! So a record that cannot be read is told apart from its neighbours: its bytes can be kept, and the
//! batch can go on after its sequence number. Fields may come in any order; unknown ones are skipped.
//!
//! An incremental export tells of changes too, net for each item and window: [`NetChange`], which
//! [`format::Row::change`](crate::format::Row::change) reads from a line.
//!
//! Source: [the record](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html)
//! and [its part `dynamodb`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html).
//!
//! ```
//! use item::change::{Event, Operation};
//!
//! let event = br#"{"Records":[{"eventID":"1","eventName":"REMOVE","dynamodb":{
//!   "ApproximateCreationDateTime":1795359600,"SequenceNumber":"111","StreamViewType":"KEYS_ONLY",
//!   "Keys":{"tailnum":{"S":"N10156"}}},
//!   "eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/planes/stream/2026-11-22T15:00:00.000"}]}"#;
//! for record in Event::new(event) {
//!     let change = record?.change?;
//!     assert_eq!(change.op, Operation::Remove);
//!     assert_eq!(change.stream_arn.table(), "planes");
//! }
//! # Ok::<(), item::ParseError>(())
//! ```

mod arn;
mod event;
pub(crate) mod net;
mod record;

pub use arn::StreamArn;
pub use event::{Event, Record};
pub use net::NetChange;
pub use record::{Actor, Change, Operation, StreamView};

#[cfg(test)]
mod tests;
