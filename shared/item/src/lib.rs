//! DynamoDB items as pure data: no input, no output, no clock.
//!
//! ```text
//! file ──format::Reader──▶ Row ──▶ Item ──canonical──▶ text, hash
//!           dynamodb_json           ▲ │───key──▶ key, its identity
//!           json_lines, json_array  │ │───limits──▶ what DynamoDB would refuse, size in bytes
//!           csv, ion                │ ├───batch──▶ batches for BatchWriteItem
//!                                   │ └───privacy──▶ an item without what nobody is to see
//!                                   │
//! stream event ──change──▶ Change ──┘
//! ```
//!
//! An [`Item`] borrows from the bytes it was read from wherever it can; a [`Number`] is text of at
//! most 38 significant digits and never passes through a float.

#![warn(clippy::wildcard_enum_match_arm)]

mod canonical;
mod error;
mod item;
mod number;
mod value;

pub mod batch;
pub mod change;
pub mod format;
pub mod key;
pub mod limits;
pub mod privacy;
pub mod size;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use canonical::{
    canonical, hash, hash_canonical, write_canonical, write_canonical_in_order,
    write_canonical_value, write_json_string,
};
pub use error::{Excerpt, ItemError, JsonFault, ParseError, Reason, RowError, StructureFault};
pub use item::Item;
pub use number::{Number, NumberError};
pub use value::{Map, Value};
