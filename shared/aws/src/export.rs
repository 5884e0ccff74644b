//! Exports to S3 through DynamoDB's own `ExportTableToPointInTime`: start, list, describe.

use std::{fmt, str::FromStr};

use aws_sdk_dynamodb::{
    Client,
    operation::export_table_to_point_in_time::{
        ExportTableToPointInTimeInput, builders::ExportTableToPointInTimeInputBuilder,
    },
    primitives::DateTime,
    types::{
        ExportDescription, ExportFormat, ExportStatus, ExportType, ExportViewType,
        IncrementalExportSpecification, S3SseAlgorithm,
    },
};
use jiff::Timestamp;

use crate::{Class, Failure};

/// Where exports go, and how they are written: the same for every export of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The bucket that DynamoDB writes to, with the rights of the one who asks.
    pub bucket: String,
    /// The account that the bucket belongs to, if it is another.
    pub bucket_owner: Option<String>,
    /// The key (KMS) that objects are encrypted with; without one it is S3's own.
    pub kms_key_id: Option<String>,
    /// What an item is written as.
    pub format: Format,
}

/// In one line, so that a token can be made of it: another destination is another request.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, bucket_owner, kms_key_id, format } = self;
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (owner, key) = (or_none(bucket_owner), or_none(kms_key_id));
        write!(f, "{bucket} {owner} {key} {}", format.sdk().as_str())
    }
}

/// DynamoDB's `ExportFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `DYNAMODB_JSON`.
    DynamodbJson,
    /// `ION`.
    Ion,
}

/// A text that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("exports are written as DYNAMODB_JSON or ION")]
pub struct FormatError;

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "DYNAMODB_JSON" => Ok(Self::DynamodbJson),
            "ION" => Ok(Self::Ion),
            _ => Err(FormatError),
        }
    }
}

impl Format {
    const fn sdk(self) -> ExportFormat {
        match self {
            Self::DynamodbJson => ExportFormat::DynamodbJson,
            Self::Ion => ExportFormat::Ion,
        }
    }
}

/// An export to start.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The table's ARN.
    pub table_arn: &'a str,
    /// The prefix below which DynamoDB puts `AWSDynamoDB/<export id>/`.
    pub prefix: &'a str,
    /// Makes a second request of the same the same export; DynamoDB remembers it for 8 hours, and refuses it
    /// where anything else in the request differs.
    pub client_token: &'a str,
    /// What is exported.
    pub content: Content,
}

/// What an export holds. DynamoDB takes whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The table as of a time; without one, of when the export is asked for.
    Full {
        /// As of when.
        time: Option<Timestamp>,
    },
    /// What changed in a time, new and old images.
    Incremental {
        /// Inclusive.
        from: Timestamp,
        /// Exclusive.
        to: Timestamp,
    },
}

/// Starts an export and returns its ARN.
///
/// Needs point-in-time recovery. Source:
/// [ExportTableToPointInTime](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html).
pub async fn start(
    dynamodb: &Client,
    to: &Destination,
    export: Export<'_>,
) -> Result<String, Failure> {
    let started = request(to, export)
        .send_with(dynamodb)
        .await
        .map_err(|error| Failure::of("ExportTableToPointInTime", export.table_arn, error))?;
    let arn = started.export_description.and_then(|description| description.export_arn);
    arn.ok_or_else(|| {
        let message = "the answer names no export";
        Failure::stated("ExportTableToPointInTime", export.table_arn, message, Class::Retryable)
    })
}

fn request(to: &Destination, export: Export<'_>) -> ExportTableToPointInTimeInputBuilder {
    let algorithm = to.kms_key_id.as_ref().map_or(S3SseAlgorithm::Aes256, |_| S3SseAlgorithm::Kms);
    let request = ExportTableToPointInTimeInput::builder()
        .table_arn(export.table_arn)
        .s3_bucket(&to.bucket)
        .set_s3_bucket_owner(to.bucket_owner.clone())
        .s3_prefix(export.prefix)
        .s3_sse_algorithm(algorithm)
        .set_s3_sse_kms_key_id(to.kms_key_id.clone())
        .export_format(to.format.sdk())
        .client_token(export.client_token);
    match export.content {
        Content::Full { time } => {
            request.export_type(ExportType::FullExport).set_export_time(time.map(whole_second))
        }
        Content::Incremental { from, to } => {
            let window = IncrementalExportSpecification::builder()
                .export_from_time(whole_second(from))
                .export_to_time(whole_second(to))
                .export_view_type(ExportViewType::NewAndOldImages);
            request
                .export_type(ExportType::IncrementalExport)
                .incremental_export_specification(window.build())
        }
    }
}

fn whole_second(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_millisecond().div_euclid(1000))
}

/// Some of a table's exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Their ARNs, the newest first.
    pub arns: Vec<String>,
    /// What asks for older ones, if there are any.
    pub next: Option<String>,
}

/// The most exports of a page that DynamoDB gives.
pub const PAGE: i32 = 25;

/// Lists a page of a table's exports of the last 90 days, the newest first: from the beginning, or from where
/// another page ended.
///
/// DynamoDB lists by ARN, backwards, and an ARN ends in the time of the export's start. It is said to list
/// completed ones; whoever started one knows of it anyway. Source:
/// [ListExports](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListExports.html).
pub async fn list(
    dynamodb: &Client,
    table_arn: &str,
    from: Option<String>,
) -> Result<Page, Failure> {
    let request = dynamodb.list_exports().table_arn(table_arn).max_results(PAGE);
    let page = request
        .set_next_token(from)
        .send()
        .await
        .map_err(|error| Failure::of("ListExports", table_arn, error))?;
    let summaries = page.export_summaries.unwrap_or_default().into_iter();
    let arns = summaries.filter_map(|summary| summary.export_arn).collect();
    Ok(Page { arns, next: page.next_token.filter(|token| !token.is_empty()) })
}

/// How an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// DynamoDB is at it.
    InProgress,
    /// Its files are written.
    Completed,
    /// It came to nothing.
    Failed,
}

/// An export as `DescribeExport` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its ARN.
    pub arn: String,
    /// Tells the table from one that had its name before.
    pub table_id: String,
    /// What it holds; nothing if DynamoDB did not tell.
    pub content: Option<Content>,
    /// How it is.
    pub status: Status,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// What it was asked for with.
    pub client_token: Option<String>,
    /// Where in the bucket it is.
    pub prefix: String,
    /// The code and message of what made it fail.
    pub failure: Option<String>,
    /// The key of its summary, once it is completed.
    pub manifest: Option<String>,
}

/// An export, or nothing if DynamoDB knows it no more, as after some 90 days.
pub async fn describe(dynamodb: &Client, arn: &str) -> Result<Option<Described>, Failure> {
    let described = dynamodb.describe_export().export_arn(arn).send().await;
    match described.map_err(|error| Failure::of("DescribeExport", arn, error)) {
        Ok(described) => Ok(described.export_description.map(|told| of_description(arn, told))),
        Err(failure) if failure.has_code("ExportNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn of_description(arn: &str, told: ExportDescription) -> Described {
    let failure = told.failure_code.into_iter().chain(told.failure_message);
    let failure: Vec<String> = failure.collect();
    let window = told.incremental_export_specification;
    let content = match told.export_type {
        Some(ExportType::IncrementalExport) => window.and_then(|window| {
            let from = time(window.export_from_time)?;
            Some(Content::Incremental { from, to: time(window.export_to_time)? })
        }),
        _ => Some(Content::Full { time: time(told.export_time) }),
    };
    Described {
        arn: arn.to_owned(),
        table_id: told.table_id.unwrap_or_default(),
        content,
        status: match told.export_status {
            Some(ExportStatus::Completed) => Status::Completed,
            Some(ExportStatus::Failed) => Status::Failed,
            _ => Status::InProgress,
        },
        started: time(told.start_time),
        client_token: told.client_token,
        prefix: told.s3_prefix.unwrap_or_default(),
        failure: (!failure.is_empty()).then(|| failure.join(": ")),
        manifest: told.export_manifest,
    }
}

fn time(time: Option<DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(time?.to_millis().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_one_of_two() {
        assert_eq!("DYNAMODB_JSON".parse(), Ok(Format::DynamodbJson));
        assert_eq!("ION".parse(), Ok(Format::Ion));
        assert_eq!("PARQUET".parse::<Format>(), Err(FormatError));
    }

    #[test]
    fn a_destination_is_told_in_one_line() {
        let own = Destination {
            bucket: "exports".into(),
            bucket_owner: None,
            kms_key_id: None,
            format: Format::DynamodbJson,
        };
        assert_eq!(own.to_string(), "exports - - DYNAMODB_JSON");
        let other = Destination {
            bucket_owner: Some("123456789012".into()),
            kms_key_id: Some("key".into()),
            format: Format::Ion,
            ..own
        };
        assert_eq!(other.to_string(), "exports 123456789012 key ION");
    }

    #[test]
    fn a_request_says_all_that_its_destination_is() {
        let destination = Destination {
            bucket: "exports".into(),
            bucket_owner: Some("123456789012".into()),
            kms_key_id: Some("key".into()),
            format: Format::Ion,
        };
        let export = |content| Export {
            table_arn: "arn",
            prefix: "planes/full/x",
            client_token: "token",
            content,
        };
        let time = Timestamp::from_millisecond(1_795_316_400_999).unwrap();
        let full = request(&destination, export(Content::Full { time: Some(time) }));
        insta::assert_snapshot!(
            format!("{:?}", full.build().unwrap()),
            @r#"ExportTableToPointInTimeInput { table_arn: Some("arn"), export_time: Some(2026-11-22T03:00:00Z), client_token: Some("token"), s3_bucket: Some("exports"), s3_bucket_owner: Some("123456789012"), s3_prefix: Some("planes/full/x"), s3_sse_algorithm: Some(Kms), s3_sse_kms_key_id: Some("key"), export_format: Some(Ion), export_type: Some(FullExport), incremental_export_specification: None, filter_specification: None }"#
        );
        let own = Destination {
            bucket_owner: None,
            kms_key_id: None,
            format: Format::DynamodbJson,
            ..destination
        };
        let to = Timestamp::from_second(1_795_320_000).unwrap();
        let window = request(&own, export(Content::Incremental { from: time, to }));
        insta::assert_snapshot!(
            format!("{:?}", window.build().unwrap()),
            @r#"ExportTableToPointInTimeInput { table_arn: Some("arn"), export_time: None, client_token: Some("token"), s3_bucket: Some("exports"), s3_bucket_owner: None, s3_prefix: Some("planes/full/x"), s3_sse_algorithm: Some(Aes256), s3_sse_kms_key_id: None, export_format: Some(DynamodbJson), export_type: Some(IncrementalExport), incremental_export_specification: Some(IncrementalExportSpecification { export_from_time: Some(2026-11-22T03:00:00Z), export_to_time: Some(2026-11-22T04:00:00Z), export_view_type: Some(NewAndOldImages) }), filter_specification: None }"#
        );
    }

    #[test]
    fn what_dynamodb_tells_of_an_export() {
        let window = IncrementalExportSpecification::builder()
            .export_from_time(DateTime::from_secs(1_795_316_400))
            .export_to_time(DateTime::from_secs(1_795_320_000))
            .build();
        let told = ExportDescription::builder()
            .export_type(ExportType::IncrementalExport)
            .incremental_export_specification(window)
            .export_status(ExportStatus::Failed)
            .start_time(DateTime::from_millis(1_795_320_300_500))
            .table_id("id")
            .s3_prefix("planes/increment/x")
            .failure_code("S3AccessDenied")
            .failure_message("no")
            .build();
        insta::assert_debug_snapshot!(of_description("arn", told), @r#"
        Described {
            arn: "arn",
            table_id: "id",
            content: Some(
                Incremental {
                    from: 2026-11-22T03:00:00Z,
                    to: 2026-11-22T04:00:00Z,
                },
            ),
            status: Failed,
            started: Some(
                2026-11-22T04:05:00.5Z,
            ),
            client_token: None,
            prefix: "planes/increment/x",
            failure: Some(
                "S3AccessDenied: no",
            ),
            manifest: None,
        }
        "#);
    }
}
