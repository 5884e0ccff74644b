//! DynamoDB's own import from S3 (`ImportTable`).
//!
//! Source: [ImportTable](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ImportTable.html).

use aws_sdk_dynamodb::{
    Client,
    operation::import_table::builders::ImportTableInputBuilder,
    types::{ImportStatus, ImportTableDescription},
};

use crate::{Class, Failure};

/// Starts an import and gives its ARN.
///
/// The same client token within eight hours starts nothing new and gives the ARN of the first.
pub async fn start(
    dynamodb: &Client,
    table: &str,
    request: ImportTableInputBuilder,
) -> Result<String, Failure> {
    let sent = request.send_with(dynamodb).await;
    let sent = sent.map_err(|error| Failure::of("ImportTable", format!("table {table}"), error))?;
    let arn = sent.import_table_description.and_then(|description| description.import_arn);
    arn.ok_or_else(|| {
        let message = "the import was started and has no ARN";
        Failure::stated("ImportTable", format!("table {table}"), message, Class::Retryable)
    })
}

/// How an import stands.
pub async fn describe(dynamodb: &Client, arn: &str) -> Result<ImportTableDescription, Failure> {
    let described = dynamodb.describe_import().import_arn(arn).send().await;
    let described = described.map_err(|error| Failure::of("DescribeImport", arn, error))?;
    described.import_table_description.ok_or_else(|| {
        Failure::stated("DescribeImport", arn, "the answer is empty", Class::Retryable)
    })
}

/// Whether an import has ended, well or not.
pub fn has_ended(description: &ImportTableDescription) -> bool {
    let going = [ImportStatus::InProgress, ImportStatus::Cancelling];
    description.import_status().is_some_and(|status| !going.contains(status))
}

/// The ARN of the newest import that reads this prefix, if there is one among the account's.
///
/// An import whose start was not noted is found again by what only it reads.
pub async fn of_prefix(
    dynamodb: &Client,
    bucket: &str,
    prefix: &str,
) -> Result<Option<String>, Failure> {
    let mut pages = dynamodb.list_imports().into_paginator().send();
    let mut found: Option<(i64, String)> = None;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::of("ListImports", "this account", error))?;
        for summary in page.import_summary_list() {
            let Some(source) = summary.s3_bucket_source() else { continue };
            if source.s3_bucket() != bucket || source.s3_key_prefix() != Some(prefix) {
                continue;
            }
            let began = summary
                .start_time()
                .map(aws_sdk_dynamodb::primitives::DateTime::secs)
                .unwrap_or_default();
            if let Some(arn) = summary.import_arn()
                && found.as_ref().is_none_or(|(latest, _)| *latest <= began)
            {
                found = Some((began, arn.to_owned()));
            }
        }
    }
    Ok(found.map(|(_, arn)| arn))
}
