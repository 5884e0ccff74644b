//! Finished snapshots: a small object for each, which `snapshot` writes and `backup` reads.
//!
//! `state/snapshot/<table>/finished/<export time>.json` in the lake's bucket. Its names sort by time.

use aws_sdk_s3::Client;
use jiff::Timestamp;
use lake::{WriteError, path};
use serde::{Deserialize, Serialize};

use crate::{Class, Failure, listing, object};

/// A snapshot of which every data file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// The table.
    pub table: String,
    /// Tells the table from one that had its name before.
    pub table_id: String,
    /// The export it is of.
    pub export_arn: String,
    /// As of when.
    pub export_time: Timestamp,
    /// Data files of the export.
    pub files: usize,
    /// Items the export's manifest says.
    pub items: u64,
    /// Items in the lake.
    pub rows: u64,
    /// Lines that are no items, kept below `quarantine/snapshot/<table>/`.
    pub quarantined: u64,
    /// Data files that are not what DynamoDB wrote, or are missing.
    pub damaged_files: usize,
}

impl Finished {
    /// Whether every item of the export is in the lake.
    pub fn is_whole(&self) -> bool {
        self.quarantined == 0 && self.damaged_files == 0 && self.rows == self.items
    }

    /// The value of the partition column `snapshot`: `20261122T150000Z`.
    pub fn partition(&self) -> Result<String, WriteError> {
        path::time_text(self.export_time.as_millisecond())
    }
}

/// Notes a finished snapshot.
pub async fn note(s3: &Client, bucket: &str, finished: &Finished) -> Result<(), Failure> {
    let partition = finished.partition().map_err(|error| {
        let resource = finished.export_arn.clone();
        Failure::stated("PutObject", resource, error.to_string(), Class::Permanent)
    })?;
    let key = format!("{}{partition}.json", prefix(&finished.table));
    let bytes = serde_json::json!(finished).to_string().into_bytes();
    object::put(s3, bucket, &key, "application/json", bytes).await
}

/// The newest whole snapshots of a table as of `until` or earlier, newest first, `count` at most.
///
/// Those of another table that had its name before are not among them. One listing, and a look at each that
/// is given and at those that are passed over.
pub async fn newest(
    s3: &Client,
    bucket: &str,
    (table, table_id): (&str, &str),
    until: Timestamp,
    count: usize,
) -> Result<Vec<Finished>, Failure> {
    let mut keys = listing::keys(s3, bucket, &prefix(table)).await?;
    keys.sort_unstable();
    let mut found = Vec::new();
    for key in keys.iter().rev() {
        let Some(bytes) = object::read(s3, bucket, key).await? else { continue };
        let finished: Finished = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("not the note of a snapshot ({error}); delete the object");
            Failure::stated("GetObject", format!("s3://{bucket}/{key}"), message, Class::Permanent)
        })?;
        // The table was created anew after this one, and after those before it.
        if finished.table_id != table_id {
            break;
        }
        if finished.is_whole() && finished.export_time <= until {
            found.push(finished);
        }
        if found.len() == count {
            break;
        }
    }
    Ok(found)
}

fn prefix(table: &str) -> String {
    path::state("snapshot", &format!("{}/finished/", path::folder(table)))
}
