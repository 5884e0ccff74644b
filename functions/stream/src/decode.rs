//! From an event's bytes to the changes of each stream: pure.

use item::change::{Event, Record, StreamArn};
use item::privacy::Privacy;
use lake::ChangeFiles;

use crate::quarantine::{Impossible, Refused};

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
    /// The attributes of its key that a privacy rule is on, in vain.
    pub(crate) in_vain: Vec<String>,
}

/// Decodes an event. Fails only if it is no event of records at all.
pub(crate) fn decode(event: &[u8], privacy: &Privacy) -> Result<Decoded, item::ParseError> {
    let mut decoded = Decoded::default();
    for record in Event::new(event) {
        let record = record?;
        decoded.records += 1;
        if let Err(refused) = take(&mut decoded.streams, &record, privacy) {
            decoded.impossible.push(Impossible::of(&record, &refused, privacy));
        }
    }
    Ok(decoded)
}

fn take(
    streams: &mut Vec<StreamChanges>,
    record: &Record<'_>,
    privacy: &Privacy,
) -> Result<(), Refused> {
    let change = record.change.as_ref().map_err(|error| Refused::Unread(error.clone()))?;
    let known =
        streams.iter().position(|known| known.stream.as_str() == change.stream_arn.as_str());
    let at = known.unwrap_or_else(|| {
        let stream = change.stream_arn.clone().into_owned();
        let redaction = privacy.of(stream.table());
        let key = change.keys.iter().map(|(name, _)| name);
        let in_vain = redaction.as_ref().map(|rules| rules.in_vain_on(key)).unwrap_or_default();
        let in_vain = in_vain.into_iter().map(str::to_owned).collect();
        let files = ChangeFiles::new().under(redaction);
        streams.push(StreamChanges { stream, files, oldest_ms: i64::MAX, in_vain });
        streams.len() - 1
    });
    streams[at].files.push(change).map_err(Refused::NoRow)?;
    streams[at].oldest_ms = streams[at].oldest_ms.min(change.at_ms);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many records there are, the files they make with their rows, and what is kept aside.
    fn decoded(event: &str) -> String {
        let decoded = decode(event.as_bytes(), &Privacy::default()).unwrap();
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
    fn a_privacy_rule_on_the_key_is_told_of() {
        let in_vain = |rules: &str| {
            let privacy = Privacy::new(rules.parse().unwrap(), None).unwrap();
            let event = event!("stream-insert-modify-remove");
            decode(event.as_bytes(), &privacy).unwrap().streams.remove(0).in_vain
        };
        assert_eq!(in_vain("planes:drop=tailnum,seats"), ["tailnum"]);
        assert!(in_vain("planes:drop=seats; other:drop=tailnum").is_empty());
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
        assert!(decode(b"{}", &Privacy::default()).is_err());
        assert!(decode(b"[1]", &Privacy::default()).is_err());
    }
}
