//! A file dropped into a bucket becomes a new DynamoDB table.
//!
//! ```text
//! SQS message ─ event ─▶ object ─ plan ─▶ table name, content
//!                                            │
//!            ┌───────── the object's version, read three times ──────────┐
//!            │ sample: format, column types                              │
//!            │ survey: every row checked, the key settled, rejects kept  │
//!            │         ── nothing exists until here ──                   │
//!            │ create the table, enrol it (stream, mapping, recovery)    │
//!            │ load:   the rows that passed                              │
//!            └───────────────────────────────────────────────────────────┘
//!                                            │
//!                              rejects/…   reports/…   (the report is the finished marker)
//! ```
//!
//! What cannot be imported ends in a report that says why; only what may succeed later goes back
//! to the queue.

mod config;
mod event;
mod key;
mod load;
mod plan;
mod reject;
mod report;
mod source;
mod stop;
mod survey;

pub mod handler;

pub use config::Settings;
