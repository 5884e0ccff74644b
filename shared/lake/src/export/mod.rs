//! What DynamoDB writes when it exports a table to S3.
//!
//! ```text
//! <prefix>/AWSDynamoDB/<export id>/manifest-summary.json   which table, as of when, how many items
//!                                 /manifest-files.json     JSON lines: one for each data file
//!                                 /data/<name>.json.gz     {"Item":{…}} lines, or .ion.gz
//! ```
//!
//! Both manifests are written when the data is. A data file of no items is there too.
//!
//! Source: [export output](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html).

mod checksum;

use item::format::Format;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use checksum::Checked;

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
    /// Items, or changed items.
    pub item_count: u64,
    /// `DYNAMODB_JSON` or `ION`.
    pub output_format: String,
    /// `INCREMENTAL_EXPORT`; a full export may say nothing.
    pub export_type: Option<String>,
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
