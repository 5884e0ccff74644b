//! Event source mappings: which function a stream feeds.

use aws_sdk_lambda::{
    Client,
    types::{
        DestinationConfig, EventSourceMappingConfiguration, EventSourcePosition,
        FunctionResponseType, OnFailure,
    },
};

use crate::{Class, Failure};

/// How a mapping batches and where it leaves what it gives up on.
#[derive(Debug, Clone)]
pub struct MappingSettings {
    /// The function that is fed, as an ARN.
    pub function: String,
    /// Records per batch, 1 to 10,000.
    pub batch_size: i32,
    /// Seconds to wait for a batch to fill, 0 to 300.
    pub batch_window_seconds: i32,
    /// The bucket that gets the whole invocation record of a batch that was given up.
    pub failure_bucket: String,
}

/// A stream holds 24 hours; a batch older than this is given up to the failure bucket, while
/// there is still time to tell.
const MAXIMUM_RECORD_AGE_SECONDS: i32 = 20 * 3600;

/// Every mapping of a stream, whichever function it feeds.
pub async fn of_stream(
    lambda: &Client,
    stream_arn: &str,
) -> Result<Vec<EventSourceMappingConfiguration>, Failure> {
    let mut mappings = Vec::new();
    let mut marker = None;
    loop {
        let page = lambda
            .list_event_source_mappings()
            .event_source_arn(stream_arn)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| Failure::of("ListEventSourceMappings", stream_arn, error))?;
        mappings.extend(page.event_source_mappings.unwrap_or_default());
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(mappings);
        }
    }
}

/// Whether a mapping feeds the function, whose ARN may carry a version or alias.
pub fn feeds(mapping: &EventSourceMappingConfiguration, function: &str) -> bool {
    mapping.function_arn().is_some_and(|arn| {
        arn == function || arn.strip_prefix(function).is_some_and(|rest| rest.starts_with(':'))
    })
}

/// Makes the mapping from a stream to the function.
///
/// It reads from the oldest change (`TRIM_HORIZON`): a new mapping takes up to minutes to begin
/// polling, and `LATEST` would miss what is written meanwhile. Failed batches are split in two to
/// find the record at fault, and tried again until they are 20 hours old.
///
/// Source: [processing DynamoDB records with Lambda](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html).
pub async fn create(
    lambda: &Client,
    stream_arn: &str,
    settings: &MappingSettings,
) -> Result<(), Failure> {
    // The partition (`aws`, `aws-cn`, …) is that of the function.
    let partition = settings.function.split(':').nth(1).unwrap_or("aws");
    let destination = format!("arn:{partition}:s3:::{}", settings.failure_bucket);
    let created = lambda
        .create_event_source_mapping()
        .event_source_arn(stream_arn)
        .function_name(&settings.function)
        .starting_position(EventSourcePosition::TrimHorizon)
        .batch_size(settings.batch_size)
        .maximum_batching_window_in_seconds(settings.batch_window_seconds)
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(-1)
        .maximum_record_age_in_seconds(MAXIMUM_RECORD_AGE_SECONDS)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .destination_config(
            DestinationConfig::builder()
                .on_failure(OnFailure::builder().destination(destination).build())
                .build(),
        )
        .send()
        .await
        .map_err(|error| Failure::of("CreateEventSourceMapping", stream_arn, error));
    match created {
        Ok(_) => Ok(()),
        // Another invocation was quicker.
        Err(failure) if failure.has_code("ResourceConflictException") => Ok(()),
        // A role is not known everywhere in the seconds after it was made.
        Err(mut failure) if failure.message.contains("Cannot access stream") => {
            failure.class = Class::Retryable;
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// What became of a mapping's last batch, if that failed: what comes after it in its shard waits.
///
/// Source: `LastProcessingResult` of
/// [EventSourceMappingConfiguration](https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html).
pub fn problem(mapping: &EventSourceMappingConfiguration) -> Option<String> {
    let result = mapping.last_processing_result()?;
    result.starts_with("PROBLEM").then(|| result.to_owned())
}

/// Whether a mapping is on and batches as the settings say.
pub fn is_as_set(mapping: &EventSourceMappingConfiguration, settings: &MappingSettings) -> bool {
    !rests(mapping)
        && mapping.batch_size() == Some(settings.batch_size)
        && mapping.maximum_batching_window_in_seconds() == Some(settings.batch_window_seconds)
}

/// Switches a mapping off; it goes on from there once it is [repaired](repair).
pub async fn rest(lambda: &Client, uuid: &str) -> Result<(), Failure> {
    let updated = lambda.update_event_source_mapping().uuid(uuid).enabled(false).send().await;
    updated.map_err(|error| Failure::of("UpdateEventSourceMapping", uuid, error))?;
    Ok(())
}

/// Whether a mapping is off.
pub fn rests(mapping: &EventSourceMappingConfiguration) -> bool {
    matches!(mapping.state(), Some("Disabled" | "Disabling"))
}

/// Switches a mapping on and lets it batch as the settings say.
pub async fn repair(
    lambda: &Client,
    uuid: &str,
    settings: &MappingSettings,
) -> Result<(), Failure> {
    let updated = lambda
        .update_event_source_mapping()
        .uuid(uuid)
        .enabled(true)
        .batch_size(settings.batch_size)
        .maximum_batching_window_in_seconds(settings.batch_window_seconds)
        .send()
        .await;
    updated.map_err(|error| Failure::of("UpdateEventSourceMapping", uuid, error))?;
    Ok(())
}
