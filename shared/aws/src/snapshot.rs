//! Finished exports: a small object for each, which `snapshot` writes and `backup` reads.
//!
//! | what | object in the lake's bucket |
//! |---|---|
//! | a snapshot | `state/snapshot/<table>/finished/<export time>.json` |
//! | an increment | `state/snapshot/<table>/increments/finished/<from>_<to>.json` |
//!
//! Names sort by time. An increment is never among the snapshots.

use aws_sdk_s3::Client;
use jiff::Timestamp;
use lake::{WriteError, path};
use serde::{Deserialize, Serialize};

use crate::{Class, Failure, listing, object};

/// A snapshot or increment of which every data file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// The table.
    pub table: String,
    /// Tells the table from one that had its name before.
    pub table_id: String,
    /// The export it is of.
    pub export_arn: String,
    /// As of when; of an increment the end of its window.
    pub export_time: Timestamp,
    /// Since when, of an increment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_start: Option<Timestamp>,
    /// Data files of the export.
    pub files: usize,
    /// Items, or changed items, the export's manifest says.
    pub items: u64,
    /// Rows in the lake.
    pub rows: u64,
    /// Lines that are no items or no changes, kept below `quarantine/snapshot/<table>/`.
    pub quarantined: u64,
    /// Data files that are not what DynamoDB wrote, or are missing.
    pub damaged_files: usize,
    /// The mark of the privacy rules it was written under, if there were any: `_hash` is of what they left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<String>,
}

impl Finished {
    /// Whether every line of the export is in the lake.
    pub fn is_whole(&self) -> bool {
        self.quarantined == 0 && self.damaged_files == 0 && self.rows == self.items
    }

    /// The value of the partition column `snapshot`, or `window_end`: `20261122T150000Z`.
    pub fn partition(&self) -> Result<String, WriteError> {
        path::time_text(self.export_time.as_millisecond())
    }

    /// The object it is noted in.
    fn note(&self) -> Result<String, WriteError> {
        let Some(from) = self.window_start else {
            return Ok(format!("{}{}.json", prefix(&self.table), self.partition()?));
        };
        let window = path::window_text(from.as_millisecond(), self.export_time.as_millisecond())?;
        let table = path::folder(&self.table);
        Ok(path::state("snapshot", &format!("{table}/increments/finished/{window}.json")))
    }
}

/// Notes a finished snapshot or increment.
pub async fn note(s3: &Client, bucket: &str, finished: &Finished) -> Result<(), Failure> {
    let key = finished.note().map_err(|error| {
        let resource = finished.export_arn.clone();
        Failure::stated("PutObject", resource, error.to_string(), Class::Permanent)
    })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_increment_is_not_noted_among_the_snapshots() {
        let time = |text: &str| text.parse().unwrap();
        let snapshot = Finished {
            table: "_planes".to_owned(),
            table_id: "1".to_owned(),
            export_arn: "arn".to_owned(),
            export_time: time("2026-11-22T15:15:00Z"),
            window_start: None,
            files: 4,
            items: 2,
            rows: 2,
            quarantined: 0,
            damaged_files: 0,
            privacy: None,
        };
        let increment =
            Finished { window_start: Some(time("2026-11-22T15:00:00Z")), ..snapshot.clone() };
        insta::assert_snapshot!(snapshot.note().unwrap(), @"state/snapshot/!_planes/finished/20261122T151500Z.json");
        insta::assert_snapshot!(increment.note().unwrap(), @"state/snapshot/!_planes/increments/finished/20261122T150000Z_20261122T151500Z.json");
        assert!(!increment.note().unwrap().starts_with(&prefix(&increment.table)));
        for finished in [snapshot, increment] {
            let text = serde_json::json!(finished).to_string();
            assert_eq!(serde_json::from_str::<Finished>(&text).unwrap(), finished);
        }
    }
}
