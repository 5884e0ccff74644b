//! A file dropped into a bucket becomes a new DynamoDB table.
//!
//! ```text
//! SQS message ─ message ─▶ object ─ target ─▶ table ─ lease ─▶ ours alone
//!                                                       │
//! settle ─ asked: manifest, files ─ sample: layout ─ survey: every row, key, rejects ─ price: engine
//!          ───────────────── nothing exists until here ─────────────────
//! direct ─ table, enrolment, rows ─ shuffle ─▶ BatchWriteItem ─ checkpoints ─▶ later message
//! native ─ stage: DynamoDB JSON ─▶ ImportTable ─ follow ─▶ enrolment
//!                                                       │
//!                        status/…   rejects/…   reports/… ─▶ next step
//! ```
//!
//! What cannot be imported ends in a report that says why; only what may succeed later goes back
//! to the queue.

mod asked;
mod capacity;
mod config;
mod deadline;
mod definition;
mod direct;
mod export;
mod import;
mod index;
mod invocation;
mod key;
mod layout;
mod lease;
mod message;
mod meter;
mod native;
mod pace;
mod price;
mod reject;
mod rejects;
mod report;
mod sample;
mod seen;
mod settle;
mod shuffle;
mod skip;
mod source;
mod status;
mod stop;
mod survey;
mod target;
mod turn;
mod work;

pub mod handler;
pub mod manifest;

pub use config::Settings;
