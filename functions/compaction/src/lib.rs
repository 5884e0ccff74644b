//! Many small change files become few, table by table, for as long as there is time.
//!
//! ```text
//! hourly run of `backup` ─▶ tables of the event, or all of the lake
//!   each: claim ─▶ notes, change files ─▶ steps ─▶ remove: inputs of an hour ago, by entity tag; the note
//!   then each:                                     merge:  note ─▶ files, fetched ahead ─▶ thread ─▶ parts ─▶ upload ─▶ note
//!                                                  claim let go of
//! report of all ◀────────────────────────
//! ```
//!
//! One run at a time is at a table's files: the claim is `state/compaction/<table>.json`, and another run
//! leaves them to that one. A file that cannot be read, or has other rows than its name says, is left alone and the others
//! of its group are merged; where a column changes its type a merge ends before it.
//!
//! What is to be done, and why it can stop anywhere, is `lake::compaction`. Memory is a window of files, a
//! row group and three parts of the upload: about 150 MiB, whatever the table's size.

mod config;
mod merge;
mod report;
mod table;

pub mod handler;

pub use config::Settings;
