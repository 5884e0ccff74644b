//! The lake format: items become typed Parquet columns and come back exactly.
//!
//! ```text
//! changes ──push──▶ Rows ──unnamed──▶ [ColumnKey] ──assign──▶ Registry      (the catalog keeps it)
//!                    │                                           │
//!                    └───────────────── finish ◀─────────────────┘
//!                                         │
//!                                    RecordBatch ──parquet::write──▶ bytes  (path says where to)
//!                                                                      │
//! current items ◀── Fold ◀── StoredRow ◀──────── read::rows ───────────┘
//! ```
//!
//! Three pure steps with the registry between them: gather rows, ask which columns have no name
//! yet, finish into a record batch once they have. Nothing is parsed twice, and where no name could
//! be agreed (the catalog was out of reach, the table is over its column limit) the values travel in
//! the column `_rest`. No step loses a value: [`read`] gives back the item that [`Rows::push`] took.
//!
//! | module | what it knows |
//! |---|---|
//! | [`Kind`] | which column type holds which DynamoDB value |
//! | [`name`] | safe and distinct names for columns and catalog tables |
//! | [`Registry`] | which column holds which attribute |
//! | [`Rows`] | rows to a record batch |
//! | [`changes`] | a batch of changes to one file a day |
//! | [`export`] | what DynamoDB exports consist of, and each of their files to one of the lake |
//! | [`parquet`] | record batches to Parquet |
//! | [`compaction`] | many small change files to few |
//! | [`read`], [`Fold`] | Parquet to rows, rows to current items |
//! | [`items`], [`source`] | any Parquet file to items, read by ranges |
//! | [`footer`] | the footers of a table's files to its columns, when the catalog was lost |
//! | [`path`] | object names |
//! | [`catalog`] | the catalog's table definitions, and the registry in them |
//! | [`view`] | the SQL of the views over them |
//! | [`audit`] | the SQL that holds a snapshot against the one before and the changes |
//!
//! This crate does no input or output and knows no clock, environment or randomness.

#![warn(clippy::wildcard_enum_match_arm)]

mod attributes;
mod batch;
mod column;
mod error;
mod fold;
mod json;
mod kind;
mod meta;
mod registry;
mod rest;
mod rows;
mod sheet;

pub mod audit;
pub mod catalog;
pub mod changes;
pub mod compaction;
pub mod export;
pub mod footer;
pub mod items;
pub mod name;
pub mod parquet;
pub mod path;
pub mod read;
pub mod source;
pub mod view;

pub use changes::{ChangeFile, ChangeFiles};
pub use column::user::{Epoch, UserType};
pub use error::{ReadError, WriteError};
pub use export::ExportFile;
pub use fold::Fold;
pub use kind::{Kind, UnknownKind};
pub use meta::{RowOp, pad_sequence};
pub use read::StoredRow;
pub use registry::{
    ATTRIBUTE, Column, ColumnKey, ColumnType, DEFAULT_COLUMN_LIMIT, KIND, Registry,
};
pub use rows::{Row, Rows};
