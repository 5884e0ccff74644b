//! A stream event to Parquet by Headwater, as the function `stream` does it.

use anyhow::{Result, ensure};
use item::change::Event;
use lake::{ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry};
use serde_json::value::RawValue;

use crate::typed::deserialize;

/// What an event became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// As a function gets it that leaves the payload to `lambda_runtime`, which looks over it and copies it.
pub(crate) fn raw(event: &[u8], registry: &mut Registry) -> Result<Written> {
    let raw: Box<RawValue> = deserialize(event)?;
    direct(raw.get().as_bytes(), registry)
}

/// As the function `stream` gets it: the payload's bytes.
///
/// The registry is that of a warm function: it knows the columns from its second event on.
pub(crate) fn direct(event: &[u8], registry: &mut Registry) -> Result<Written> {
    let mut files = ChangeFiles::new();
    for record in Event::new(event) {
        files.push(&record?.change?)?;
    }
    let records = files.len();
    registry.assign(&files.unnamed(registry), DEFAULT_COLUMN_LIMIT);
    let mut written = Written { rows: 0, bytes: 0 };
    for file in files.finish(registry)? {
        written.rows += file.rows;
        written.bytes += file.bytes.len();
    }
    ensure!(written.rows == records, "rows were lost");
    Ok(written)
}
