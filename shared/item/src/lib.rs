//! DynamoDB items as pure data: no input, no output, no clock.
//!
//! ```text
//! bytes ──format::dynamodb_json──┐
//! bytes ──format::json_lines─────┼──▶ Item ──canonical──▶ text, hash   ──size──▶ bytes DynamoDB counts
//! bytes ──format::csv────────────┘     │
//! stream event ──change──▶ Change      └──key──▶ Key ──batch──▶ write batches
//! ```
//!
//! An [`Item`] borrows from the bytes it was read from wherever it can; a [`Number`] is text of at
//! most 38 significant digits and never passes through a float.

#![warn(clippy::wildcard_enum_match_arm)]

mod canonical;
mod error;
mod number;
mod value;

pub mod batch;
pub mod change;
pub mod format;
pub mod key;
pub mod limits;
pub mod size;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use canonical::{canonical, hash, hash_canonical, write_canonical, write_canonical_value};
pub use error::{Excerpt, ItemError, JsonFault, ParseError, Reason, RowError};
pub use number::{Number, NumberError};
pub use value::{Item, Map, Value};
