//! What DynamoDB writes when it exports a table to S3.
//!
//! ```text
//! <prefix>/AWSDynamoDB/<export id>/manifest-summary.json   which table, as of when, how many items
//!                                 /manifest-files.json     JSON lines: one for each data file
//!                                 /manifest-….md5          the sum of each of them
//!                                 /data/<name>.json.gz     {"Item":{…}} lines, or .ion.gz
//! <prefix>/AWSDynamoDB/data/<name>.json.gz                 of incremental exports: changes, see [`NetChange`]
//! ```
//!
//! Both manifests are written when the data is. A data file of no items is there too.
//!
//! | | full | incremental |
//! |---|---|---|
//! | holds | every item | what became of every item that was written in a window, net |
//! | as of | `exportTime` | `exportFromTime` (inclusive) to `exportToTime` (exclusive) |
//! | images | | `outputView`: the new ones, or the old ones too |
//!
//! Source: [export output](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html).

mod checksum;
mod file;

#[cfg(doc)]
use item::change::NetChange;
use item::format::Format;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use checksum::{Checked, is_sum, sum_key};
pub use file::ExportFile;

/// How the key of every summary ends.
pub const SUMMARY: &str = "/manifest-summary.json";
/// The name of the list of data files, beside the summary.
pub const FILES: &str = "manifest-files.json";

/// `manifest-summary.json`: what was exported.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The export.
    pub export_arn: String,
    /// The table.
    pub table_arn: String,
    /// Tells the table from one that had its name before.
    pub table_id: String,
    /// As of when; an incremental export has none.
    pub export_time: Option<Timestamp>,
    /// The first instant of an incremental export's window.
    pub export_from_time: Option<Timestamp>,
    /// The first instant behind it.
    pub export_to_time: Option<Timestamp>,
    /// Which images an incremental export has.
    pub output_view: Option<View>,
    /// Items, or changed items.
    pub item_count: u64,
    /// `DYNAMODB_JSON` or `ION`.
    pub output_format: String,
    /// `INCREMENTAL_EXPORT`; a full export may say nothing.
    pub export_type: Option<String>,
}

/// The window of an incremental export that ends where the export is as of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Its first instant.
    pub from: Timestamp,
    /// The images of its changes.
    pub view: View,
}

/// Which images an incremental export has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum View {
    /// Each item as it is at the window's end. The documentation has both spellings.
    #[serde(alias = "NEW_IMAGES")]
    NewImage,
    /// And as it was at its start.
    NewAndOldImages,
}

/// A line of `manifest-files.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataFile {
    /// Its items.
    pub item_count: u64,
    /// The md5 sum of its bytes as stored, as base64.
    pub md5_checksum: String,
    /// Where it is, in the bucket it was exported to.
    #[serde(rename = "dataFileS3Key")]
    pub key: String,
}

impl Summary {
    /// Reads the object's bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Whether it is of all items, and not of what changed.
    pub fn is_full(&self) -> bool {
        self.export_type.as_deref().is_none_or(|kind| kind == "FULL_EXPORT")
    }

    /// As of when the lake has the export: a full one's time, or the end of the window.
    pub fn time(&self) -> Option<Timestamp> {
        if self.is_full() { self.export_time } else { self.export_to_time }
    }

    /// The window of an incremental export.
    pub fn window(&self) -> Option<Window> {
        let from = self.export_from_time.filter(|_| !self.is_full())?;
        Some(Window { from, view: self.output_view? })
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        self.table_arn.rsplit('/').next().unwrap_or_default()
    }

    /// How the lines of the data files are read.
    pub fn format(&self) -> Format {
        format(&self.output_format)
    }
}

/// How the lines of data files are read, by the `outputFormat` of their export.
pub fn format(output_format: &str) -> Format {
    match output_format {
        "ION" => Format::DynamoDbIon,
        _ => Format::DynamoDbJson,
    }
}

/// Reads the lines of `manifest-files.json`.
pub fn data_files(bytes: &[u8]) -> Result<Vec<DataFile>, serde_json::Error> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.map(serde_json::from_slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documentation has it, with a file that is empty.
    const FULL: &str = r#"{
        "version": "2020-06-30",
        "exportArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Music/export/01234567890123-a1b2c3d4",
        "startTime": "2020-11-04T07:28:34.028Z",
        "endTime": "2020-11-04T07:33:43.897Z",
        "tableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Music",
        "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
        "exportTime": "2020-11-04T07:28:34.028Z",
        "s3Bucket": "ddb-productcatalog-export",
        "s3Prefix": "2020-Nov",
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": null,
        "manifestFilesS3Key": "AWSDynamoDB/01693685827463-2d8752fd/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": 8,
        "outputFormat": "DYNAMODB_JSON"
    }"#;

    #[test]
    fn a_summary_says_what_was_exported() {
        let summary = Summary::parse(FULL.as_bytes()).unwrap();
        assert_eq!((summary.table(), summary.is_full(), summary.item_count), ("Music", true, 8));
        let of = |kind: &str| Summary { export_type: Some(kind.to_owned()), ..summary.clone() };
        assert!(of("FULL_EXPORT").is_full());
        assert!(!of("INCREMENTAL_EXPORT").is_full());
        assert!(Summary::parse(b"{}").is_err());
    }

    #[test]
    fn a_summary_says_which_window_was_exported() {
        assert_eq!(Summary::parse(FULL.as_bytes()).unwrap().window(), None);
        let window = r#""exportFromTime": "2020-11-04T07:00:00.000Z", "exportToTime": "2020-11-04T07:15:00.000Z",
            "exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES""#;
        let text = FULL.replace(r#""exportTime": "2020-11-04T07:28:34.028Z""#, window);
        let summary = Summary::parse(text.as_bytes()).unwrap();
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(summary.time(), Some(time("2020-11-04T07:15:00Z")));
        let from = time("2020-11-04T07:00:00Z");
        assert_eq!(summary.window(), Some(Window { from, view: View::NewAndOldImages }));
    }

    #[test]
    fn every_line_is_a_file() {
        let lines = concat!(
            r#"{"itemCount":8,"md5Checksum":"sQMSpEILNgoQmarvDFonGQ==","etag":"af83d6f217c19b8b0fff8023d8ca4716-1","dataFileS3Key":"AWSDynamoDB/01/data/asdl123dasas.json.gz"}"#,
            "\n",
            r#"{"itemCount":0,"md5Checksum":"e30EXAMPLE","etag":"x","dataFileS3Key":"AWSDynamoDB/01/data/b.json.gz"}"#,
            "\n\n",
        );
        let counts = |files: Vec<DataFile>| files.into_iter().map(|file| file.item_count).collect();
        let counts: Vec<u64> = counts(data_files(lines.as_bytes()).unwrap());
        assert_eq!(counts, [8, 0]);
        assert!(data_files(b"{}\n").is_err());
    }
}
