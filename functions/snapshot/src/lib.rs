//! A finished export becomes Parquet in the lake: a full one the table as it stood, an incremental one what became
//! of its items in a window.
//!
//! ```text
//! manifest-summary.json ─▶ begin: which table, as of when, which files ─▶ a message for each
//!                                                                              │
//!        finished.json ◀─ all are there? ◀─ note of the file ◀─ convert ◀──────┘
//!                                                                 └─▶ snapshots/<t>/snapshot=<time>/<data file>.parquet
//!                                                                     increments/<t>/window_end=<to>/<data file>.parquet
//! ```
//!
//! Any order, any repetition, several at once: everything is named by the export, so that the end is the
//! same. A line that is no item, or no change, goes to quarantine, and a file whose bytes are not those that DynamoDB wrote is
//! noted as damaged; the snapshot or increment then says that it is not whole, and no view stands on such a snapshot.

mod begin;
mod config;
mod convert;
mod file;
mod kind;
mod message;
mod notes;
mod quarantine;

pub mod handler;

pub use config::Settings;
