//! Stream mappings whose table is gone, or has another stream since: they are deleted once they can tell no more.
//!
//! ```text
//! mappings of the stream function ─▶ those of a stream that no table has ─▶ first seen so 25 hours ago ─▶ deleted
//!                                                                       └─▶ noted when they were first seen so
//! ```
//!
//! A stream can be read for 24 hours after its table was deleted, or it was switched off: its last changes are
//! fed until then. A mapping that is kept for longer does nothing, and nobody is told of it. When each was first seen is
//! in `state/backup/left-mappings.json`.
//!
//! Source: [streams](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).

use std::collections::BTreeMap;

use aws::{Clients, Failure, mapping, object, table};
use jiff::{SignedDuration, Timestamp};
use lake::path;
use serde::{Deserialize, Serialize};

use crate::Settings;

/// So long a stream that no table has any more can be read, and an hour.
const STAYS: SignedDuration = SignedDuration::from_hours(25);

/// When a mapping was first seen to be left, by its UUID.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen(BTreeMap<String, Timestamp>);

/// A mapping that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    uuid: String,
    stream: String,
}

/// Deletes the mappings that have been left for long enough, and gives their streams. With `only`, those of these
/// tables.
pub(crate) async fn remove(
    clients: &Clients,
    settings: &Settings,
    only: Option<&[String]>,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let left = left(clients, settings, only).await?;
    let (s3, bucket) = (clients.s3(), &settings.enrolment.lake_bucket);
    let key = path::state("backup", "left-mappings.json");
    let read = object::read(s3, bucket, &key).await?;
    // Seen anew, should it not be readable.
    let before = read.and_then(|bytes| serde_json::from_slice::<Seen>(&bytes).ok());
    let before = before.unwrap_or_default();
    let (seen, expired) = review(&before, &left, only.is_none(), now);
    // Before anything is deleted, which may fail. What is deleted is left no more, and forgotten by the next run.
    if seen != before {
        let bytes = serde_json::json!(seen).to_string().into_bytes();
        object::put(s3, bucket, &key, "application/json", bytes).await?;
    }
    let (mut removed, mut ran) = (Vec::new(), Ok(()));
    for Left { uuid, stream } in expired {
        let deleted = mapping::delete(clients.lambda(), &uuid).await;
        if deleted.is_ok() {
            tracing::info!(stream, uuid, "mapping of a stream that no table has deleted");
            removed.push(stream);
        }
        ran = ran.and(deleted);
    }
    ran.map(|()| removed)
}

/// What to note, and what to delete. What was seen and is left no more is noted no more, if all were looked at.
fn review(before: &Seen, left: &[Left], is_all: bool, now: Timestamp) -> (Seen, Vec<Left>) {
    let is_left = |uuid: &String| left.iter().any(|left| left.uuid == *uuid);
    let mut seen = before.clone();
    seen.0.retain(|uuid, _| !is_all || is_left(uuid));
    for left in left {
        seen.0.entry(left.uuid.clone()).or_insert(now);
    }
    let (expired, _): (Vec<Left>, Vec<Left>) = left.iter().cloned().partition(|left| {
        seen.0.get(&left.uuid).is_some_and(|since| now.duration_since(*since) >= STAYS)
    });
    (seen, expired)
}

/// The mappings of the stream function whose stream is not, or no longer, that of a table.
async fn left(
    clients: &Clients,
    settings: &Settings,
    only: Option<&[String]>,
) -> Result<Vec<Left>, Failure> {
    let function = &settings.enrolment.mapping.function;
    // Tables are described once, whatever the number of their streams.
    let mut streams: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut left = Vec::new();
    for mapping in mapping::of_function(clients.lambda(), function).await? {
        let (Some(uuid), Some(stream)) = (mapping.uuid(), mapping.event_source_arn()) else {
            continue;
        };
        let Some(name) = table_of(stream) else { continue };
        // The rights end with the prefix: tables that had it once are for a person to see to.
        if !name.starts_with(&settings.table_prefix) {
            continue;
        }
        if mapping::is_leaving(&mapping) || only.is_some_and(|only| !only.contains(&name.into())) {
            continue;
        }
        if !streams.contains_key(name) {
            let described = table::describe(clients.dynamodb(), name).await?;
            let newest = described.and_then(|table| table.latest_stream_arn);
            streams.insert(name.to_owned(), newest);
        }
        if streams.get(name).and_then(Option::as_deref) != Some(stream) {
            left.push(Left { uuid: uuid.to_owned(), stream: stream.to_owned() });
        }
    }
    Ok(left)
}

/// The table in a stream's ARN: `arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-11-22T15:00:00.000`.
fn table_of(stream: &str) -> Option<&str> {
    let (_, rest) = stream.split_once(":table/")?;
    Some(rest.split_once("/stream/")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_deleted_once_its_stream_can_be_read_no_more() {
        let now: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let left = |uuid: &str| Left { uuid: uuid.to_owned(), stream: format!("stream of {uuid}") };
        let seen = |hours: &[(&str, i64)]| {
            let ago = |hours: i64| now - SignedDuration::from_hours(hours);
            Seen(hours.iter().map(|(uuid, hours)| ((*uuid).to_owned(), ago(*hours))).collect())
        };
        let mappings = [left("old"), left("young"), left("new")];
        let before = seen(&[("old", 25), ("young", 24), ("other", 30)]);
        // One that feeds a table again is forgotten, unless not all were looked at.
        let expected = (seen(&[("old", 25), ("young", 24), ("new", 0)]), vec![left("old")]);
        assert_eq!(review(&before, &mappings, true, now), expected);
        let expected = seen(&[("old", 25), ("young", 24), ("new", 0), ("other", 30)]);
        assert_eq!(review(&before, &mappings, false, now).0, expected);
        assert_eq!(review(&Seen::default(), &[], true, now), (Seen::default(), Vec::new()));
    }

    #[test]
    fn a_stream_is_of_a_table() {
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/my.orders/stream/2026-11-22T15:00:00.000";
        assert_eq!(table_of(arn), Some("my.orders"));
        assert_eq!(table_of("arn:aws:sqs:us-east-1:123456789012:queue"), None);
    }
}
