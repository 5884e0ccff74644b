//! What must hold of every parser, whatever the bytes are. The fuzz targets call this.

mod files;
mod identity;

pub use files::{File, Verdict, assert_replays, read};
pub use identity::{changes_come_back, comes_back_from_parquet, comes_back_from_text};
