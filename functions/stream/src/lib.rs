//! A batch of changes becomes Parquet in the lake.
//!
//! ```text
//! event, as raw bytes ─ decode ─▶ changes of a stream ─▶ ChangeFiles ─ unnamed ─▶ new columns?
//!                          │                                 │                     │ catalog
//!                          ▼                                 └─── finish ◀─────────┘ (or _rest)
//!                    impossible records                            │
//!                          │                                       ▼
//!                    quarantine/…                      changes/<table>/dt=<day>/….parquet
//! ```
//!
//! | what happens | answer | what the mapping does |
//! |---|---|---|
//! | all written | no failures | goes on |
//! | a record that can never become a row | quarantined, the others written, no failures | goes on |
//! | the catalog is out of reach | new attributes travel in `_rest`, no failures | goes on |
//! | the catalog table is missing | everything travels in `_rest` until a backup run has made it anew | goes on |
//! | a file could not be written | the first sequence number not written | comes back from there |
//! | the event names an object with what was given up (`redrive`) | what was written of it, or an error | |
//! | the process is killed | none | comes back with the batch, or halves of it |
//!
//! An object's name derives from the rows in it, so a batch that comes back overwrites itself; where
//! it is cut differently rows stand twice, and readers take each (`_stream`, `_seq`) once.

mod config;
mod decode;
mod quarantine;
mod redrive;
mod registries;

pub mod handler;
pub mod payload;

pub use config::Settings;
pub use redrive::Redriven;
pub use registries::Registries;
