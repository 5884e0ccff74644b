//! From an event's bytes to the changes of each stream: pure.

use item::change::{Event, Record, StreamArn};
use lake::{ChangeFiles, path};
use serde::Serialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh64::xxh64;

/// What an event holds.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Records in the event.
    pub(crate) records: usize,
    /// The changes of each stream; a mapping sends those of one.
    pub(crate) streams: Vec<StreamChanges>,
    /// Records that can never become rows.
    pub(crate) impossible: Vec<Impossible>,
}

/// The changes of one stream.
#[derive(Debug)]
pub(crate) struct StreamChanges {
    /// The stream.
    pub(crate) stream: StreamArn<'static>,
    /// Its changes, gathered into files.
    pub(crate) files: ChangeFiles,
    /// When the oldest of them was made, in milliseconds since 1970.
    pub(crate) oldest_ms: i64,
}

/// A record that can never become a row, and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impossible {
    /// The object's name in the lake, from the record alone.
    pub(crate) path: String,
    /// The object: the reason, and the record as it came.
    pub(crate) json: Vec<u8>,
    /// Why. It may quote the value at fault, so it is for the object and not for a log.
    pub(crate) reason: String,
}

/// Decodes an event. Fails only if it is no event of records at all.
pub(crate) fn decode(event: &[u8]) -> Result<Decoded, item::ParseError> {
    let mut decoded = Decoded::default();
    for record in Event::new(event) {
        let record = record?;
        decoded.records += 1;
        if let Err(reason) = take(&mut decoded.streams, &record) {
            decoded.impossible.push(impossible(&record, reason));
        }
    }
    Ok(decoded)
}

fn take(streams: &mut Vec<StreamChanges>, record: &Record<'_>) -> Result<(), String> {
    let change = record.change.as_ref().map_err(ToString::to_string)?;
    let known =
        streams.iter().position(|known| known.stream.as_str() == change.stream_arn.as_str());
    let at = known.unwrap_or_else(|| {
        let stream = change.stream_arn.clone().into_owned();
        streams.push(StreamChanges { stream, files: ChangeFiles::new(), oldest_ms: i64::MAX });
        streams.len() - 1
    });
    streams[at].files.push(change).map_err(|error| error.to_string())?;
    streams[at].oldest_ms = streams[at].oldest_ms.min(change.at_ms);
    Ok(())
}

/// The object that keeps a record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'r> {
    reason: &'r str,
    record: &'r RawValue,
}

fn impossible(record: &Record<'_>, reason: String) -> Impossible {
    let (table, stream) = origin(record.bytes);
    let name = match record.sequence {
        Some(sequence) => format!("{stream}-{sequence}.json"),
        None => format!("{stream}-{:016x}.json", xxh64(record.bytes, 0)),
    };
    Impossible {
        path: path::quarantine("stream", &table, &name),
        json: kept(record.bytes, &reason),
        reason,
    }
}

/// The table and the stream's label, as far as they can be told.
fn origin(record: &[u8]) -> (String, String) {
    let value: serde_json::Value = serde_json::from_slice(record).unwrap_or_default();
    let arn = value["eventSourceARN"].as_str().and_then(|arn| StreamArn::parse(arn).ok());
    match arn {
        Some(arn) => (arn.table().to_owned(), arn.label_digits()),
        None => ("unknown-table".to_owned(), "unknown-stream".to_owned()),
    }
}

fn kept(record: &[u8], reason: &str) -> Vec<u8> {
    // Lambda sends JSON, which nobody has checked as a whole: where a record is none, its text is kept.
    let kept = match serde_json::from_slice(record) {
        Ok(record) => serde_json::to_string(&Kept { reason, record }),
        Err(_) => serde_json::to_string(&serde_json::json!({
            "reason": reason,
            "record": String::from_utf8_lossy(record),
        })),
    };
    kept.unwrap_or_else(|_| String::from_utf8_lossy(record).into_owned()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many records there are, the files they make with their rows, and what is kept aside.
    fn decoded(event: &str) -> String {
        let decoded = decode(event.as_bytes()).unwrap();
        let mut lines = vec![format!("{} records", decoded.records)];
        for StreamChanges { files, oldest_ms, .. } in decoded.streams {
            lines.push(format!("the oldest is of {oldest_ms}"));
            for file in files.finish(&lake::Registry::new()).unwrap() {
                lines.push(format!("{} rows from {} in {}", file.rows, file.first, file.path));
            }
        }
        for Impossible { path, reason, json } in decoded.impossible {
            serde_json::from_slice::<serde_json::Value>(&json).expect("what is kept is JSON");
            lines.push(format!("{path}: {reason}"));
        }
        lines.join("\n")
    }

    macro_rules! event {
        ($name:literal) => {
            include_str!(concat!("../../../events/", $name, ".json"))
        };
    }

    #[test]
    fn every_operation() {
        insta::assert_snapshot!(decoded(event!("stream-insert-modify-remove")), @"
        4 records
        the oldest is of 1795359601000
        4 rows from 4421584500000000017450439091 in changes/planes/dt=2026-11-22/20261122150000000-4421584500000000017450439091-4421584500000000017450439394-4-0a935037150dd80b.parquet
        ");
    }

    #[test]
    fn two_days_are_two_files() {
        insta::assert_snapshot!(decoded(event!("stream-two-days")), @"
        4 records
        the oldest is of 1795391998000
        2 rows from 999999800000000017450439091 in changes/planes/dt=2026-11-22/20261122150000000-999999800000000017450439091-999999900000000017450439092-2-da5256bd41dce66d.parquet
        2 rows from 1000000000000000017450439093 in changes/planes/dt=2026-11-23/20261122150000000-1000000000000000017450439093-1000000100000000017450439094-2-33094360dee52773.parquet
        ");
    }

    #[test]
    fn a_poison_record_is_kept_aside_and_its_neighbours_are_not() {
        insta::assert_snapshot!(decoded(event!("stream-poison-record")), @r#"
        3 records
        the oldest is of 1795359601000
        2 rows from 4421584500000000017450439091 in changes/planes/dt=2026-11-22/20261122150000000-4421584500000000017450439091-4421584500000000017450439293-2-83dd5295809cafe0.parquet
        quarantine/stream/planes/20261122150000000-4421584500000000017450439192.json: byte 388, attribute dynamodb.NewImage.year: "abc" is not a DynamoDB number: not a decimal number; write it with digits, as in -12.5 or 1E3
        "#);
    }

    #[test]
    fn keys_alone_are_kept_aside() {
        insta::assert_snapshot!(decoded(event!("stream-keys-only")), @"
        3 records
        the oldest is of 1795359603000
        1 rows from 4421584500000000017450439293 in changes/planes/dt=2026-11-22/20261122150000000-4421584500000000017450439293-4421584500000000017450439293-1-76f103e8999db0f5.parquet
        quarantine/stream/planes/20261122150000000-4421584500000000017450439091.json: INSERT without an item; the stream has to give new images
        quarantine/stream/planes/20261122150000000-4421584500000000017450439192.json: MODIFY without an item; the stream has to give new images
        ");
    }

    #[test]
    fn new_images_suffice() {
        insta::assert_snapshot!(decoded(event!("stream-new-image-only")), @"
        3 records
        the oldest is of 1795359601000
        3 rows from 4421584500000000017450439091 in changes/planes/dt=2026-11-22/20261122150000000-4421584500000000017450439091-4421584500000000017450439293-3-c45a011109918198.parquet
        ");
    }

    #[test]
    fn nothing_is_nothing() {
        insta::assert_snapshot!(decoded(event!("stream-empty")), @"0 records");
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        assert!(decode(b"{}").is_err());
        assert!(decode(b"[1]").is_err());
    }
}
