//! Exports to S3 through DynamoDB's own `ExportTableToPointInTime`.

use aws_sdk_dynamodb::{
    Client,
    types::{ExportFormat, ExportStatus, ExportType, S3SseAlgorithm},
};

use crate::{Class, Failure};

/// A full export to start.
#[derive(Debug, Clone)]
pub struct FullExport<'a> {
    /// The table's ARN.
    pub table_arn: &'a str,
    /// The bucket DynamoDB writes to, with the caller's rights.
    pub bucket: &'a str,
    /// The prefix below which DynamoDB puts `AWSDynamoDB/<export id>/`.
    pub prefix: &'a str,
    /// Makes a second request of the same run the same export; DynamoDB remembers it for 8 hours.
    pub client_token: &'a str,
}

/// Starts a full export of the table as it is now and returns the export's ARN.
///
/// Needs point-in-time recovery. Source:
/// [ExportTableToPointInTime](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html).
pub async fn start_full(dynamodb: &Client, export: &FullExport<'_>) -> Result<String, Failure> {
    let started = dynamodb
        .export_table_to_point_in_time()
        .table_arn(export.table_arn)
        .s3_bucket(export.bucket)
        .s3_prefix(export.prefix)
        .s3_sse_algorithm(S3SseAlgorithm::Aes256)
        .export_format(ExportFormat::DynamodbJson)
        .export_type(ExportType::FullExport)
        .client_token(export.client_token)
        .send()
        .await
        .map_err(|error| Failure::of("ExportTableToPointInTime", export.table_arn, error))?;
    let arn = started.export_description.and_then(|description| description.export_arn);
    arn.ok_or_else(|| {
        let message = "the answer names no export";
        Failure::stated("ExportTableToPointInTime", export.table_arn, message, Class::Retryable)
    })
}

/// How an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// DynamoDB is at it.
    InProgress,
    /// Its files are written.
    Completed,
    /// It came to nothing.
    Failed,
}

/// How an export is; DynamoDB tells for some 90 days, and one that it knows no more has long been completed or
/// failed.
pub async fn progress(dynamodb: &Client, arn: &str) -> Result<Progress, Failure> {
    let described = dynamodb.describe_export().export_arn(arn).send().await;
    let described = match described.map_err(|error| Failure::of("DescribeExport", arn, error)) {
        Ok(described) => described,
        Err(failure) if failure.has_code("ExportNotFoundException") => return Ok(Progress::Failed),
        Err(failure) => return Err(failure),
    };
    let status = described.export_description.and_then(|description| description.export_status);
    Ok(match status {
        Some(ExportStatus::Completed) => Progress::Completed,
        Some(ExportStatus::Failed) => Progress::Failed,
        _ => Progress::InProgress,
    })
}
