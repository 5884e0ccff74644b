//! On a schedule: every enrolled table has its recovery, its backup, its retention and its export.
//!
//! ```text
//! schedule ─▶ tables by tag or by name ─▶ per table: enrol (repair drift)
//!                                                       claim the scheduled time, once
//!                                                       backup headwater-<time>, full export
//!                                                       the chain of incremental exports goes on
//!                                                       delete our backups that retention keeps no more
//!                                                       make its views, or write them anew
//!             hourly: `compaction` is called
//!             report of all ◀──────────────────────────
//! ```
//!
//! Everything is named by the *scheduled* time, never by the clock, so that a second run for the
//! same time finds its work done. One table's failure does not stop the others; it fails the run
//! at its end, so that the schedule tries again and an alarm can ring.

mod audit;
mod compaction;
mod config;
mod exports;
mod increments;
mod left_mappings;
mod naming;
mod plan;
mod protect;
mod rebuild;
mod report;
mod stack_deletion;
mod turn;
mod views;

pub mod chain;
pub mod handler;
pub mod policy;
pub mod retention;
pub mod selection;

pub use config::{FullExportsDue, Settings};
