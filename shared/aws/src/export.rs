//! Exports to S3 through DynamoDB's own `ExportTableToPointInTime`.

use aws_sdk_dynamodb::{
    Client,
    types::{ExportFormat, ExportType, S3SseAlgorithm},
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
