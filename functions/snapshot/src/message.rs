//! What a queue message says: an export has ended, a data file is to be converted, or nothing of ours.

use aws::{object::ObjectId, object_created};
use jiff::Timestamp;
use lake::export::{DataFile, SUMMARY, Window};
use serde::{Deserialize, Serialize};

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// To look at the summary of an export.
    Ended(ObjectId),
    /// To convert a data file.
    File(Box<FileOfExport>),
}

/// An export of an enrolled table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Export {
    /// The bucket it was written to.
    pub(crate) bucket: String,
    /// The table.
    pub(crate) table: String,
    /// Tells the table from one that had its name before.
    pub(crate) table_id: String,
    /// The export.
    pub(crate) arn: String,
    /// As of when: an incremental one as of the end of its window.
    pub(crate) time: Timestamp,
    /// The window of an incremental export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    /// `DYNAMODB_JSON` or `ION`.
    pub(crate) output_format: String,
    /// How many data files there are.
    pub(crate) files: usize,
    /// How many items, or changed items.
    pub(crate) items: u64,
}

/// One data file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileOfExport {
    pub(crate) export: Export,
    /// The file, counted from 0.
    pub(crate) number: usize,
    pub(crate) file: DataFile,
}

/// A message of our own is told from S3's by its one field.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Own {
    headwater_snapshot: FileOfExport,
}

impl FileOfExport {
    /// The message's body.
    pub(crate) fn body(&self) -> String {
        serde_json::json!(Own { headwater_snapshot: self.clone() }).to_string()
    }
}

/// What a message asks for; nothing if it is of some other kind, which retrying would not change.
pub(crate) fn read(body: &str) -> Option<Message> {
    if let Ok(own) = serde_json::from_str::<Own>(body) {
        return Some(Message::File(Box::new(own.headwater_snapshot)));
    }
    let created = object_created::read(body)?.object;
    created.key.ends_with(SUMMARY).then_some(Message::Ended(created))
}

#[cfg(test)]
mod tests {
    use lake::export::View;

    use super::*;

    fn body_of(event: &str) -> String {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        event["Records"][0]["body"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_end_of_an_export_is_told_by_its_summary() {
        let ended = body_of(include_str!("../../../events/snapshot-export-ended.json"));
        let Some(Message::Ended(object)) = read(&ended) else { panic!("{ended}") };
        insta::assert_snapshot!(object, @"s3://headwater-exportsbucket-1x2y3z4a5b6c7/planes/full/20261122T030000Z/AWSDynamoDB/01795316400000-3f8a2c1d/manifest-summary.json");
        let data = ended.replace("manifest-summary.json", "data/a.json.gz");
        assert_eq!(read(&data), None);
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn our_own_message_is_read_as_it_was_written() {
        let check = |event: &str, number: usize, window: Option<Window>| {
            let own = body_of(event);
            let Some(Message::File(file)) = read(&own) else { panic!("{own}") };
            let export = &file.export;
            assert_eq!((export.table.as_str(), file.number, export.files), ("planes", number, 4));
            assert_eq!(export.window, window);
            assert_eq!(read(&file.body()), Some(Message::File(file)));
        };
        check(include_str!("../../../events/snapshot-data-file.json"), 1, None);
        let from = "2026-11-22T03:00:00Z".parse().unwrap();
        check(
            include_str!("../../../events/snapshot-data-file-incremental.json"),
            2,
            Some(Window { from, view: View::NewAndOldImages }),
        );
    }
}
