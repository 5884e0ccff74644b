//! Event source mappings: which function a stream feeds.

use aws_sdk_lambda::{
    Client,
    operation::list_event_source_mappings::builders::ListEventSourceMappingsFluentBuilder,
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

/// As many attempts as the record's age allows.
const UNLIMITED_RETRIES: i32 = -1;

/// Every mapping of a stream, whichever function it feeds.
pub async fn of_stream(
    lambda: &Client,
    stream_arn: &str,
) -> Result<Vec<EventSourceMappingConfiguration>, Failure> {
    list(lambda.list_event_source_mappings().event_source_arn(stream_arn), stream_arn).await
}

/// Every mapping that feeds a function, whichever stream or queue it comes from.
pub async fn of_function(
    lambda: &Client,
    function: &str,
) -> Result<Vec<EventSourceMappingConfiguration>, Failure> {
    list(lambda.list_event_source_mappings().function_name(function), function).await
}

async fn list(
    request: ListEventSourceMappingsFluentBuilder,
    of: &str,
) -> Result<Vec<EventSourceMappingConfiguration>, Failure> {
    let mut mappings = Vec::new();
    let mut marker = None;
    loop {
        let page = request.clone().set_marker(marker).send().await;
        let page = page.map_err(|error| Failure::of("ListEventSourceMappings", of, error))?;
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
    let created = lambda
        .create_event_source_mapping()
        .event_source_arn(stream_arn)
        .function_name(&settings.function)
        .starting_position(EventSourcePosition::TrimHorizon)
        .batch_size(settings.batch_size)
        .maximum_batching_window_in_seconds(settings.batch_window_seconds)
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(UNLIMITED_RETRIES)
        .maximum_record_age_in_seconds(MAXIMUM_RECORD_AGE_SECONDS)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .destination_config(settings.destination())
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

impl MappingSettings {
    /// Where what is given up goes, whole: a queue or a topic would get no more than where it was.
    fn destination(&self) -> DestinationConfig {
        // The partition (`aws`, `aws-cn`, …) is that of the function.
        let partition = self.function.split(':').nth(1).unwrap_or("aws");
        let destination = format!("arn:{partition}:s3:::{}", self.failure_bucket);
        let on_failure = OnFailure::builder().destination(destination).build();
        DestinationConfig::builder().on_failure(on_failure).build()
    }
}

/// Whether a mapping is on, batches as the settings say, and keeps what fails as [`create`] does.
pub fn is_as_set(mapping: &EventSourceMappingConfiguration, settings: &MappingSettings) -> bool {
    !rests(mapping)
        && mapping.batch_size() == Some(settings.batch_size)
        && mapping.maximum_batching_window_in_seconds() == Some(settings.batch_window_seconds)
        && mapping.bisect_batch_on_function_error() == Some(true)
        && mapping.maximum_retry_attempts() == Some(UNLIMITED_RETRIES)
        && mapping.maximum_record_age_in_seconds() == Some(MAXIMUM_RECORD_AGE_SECONDS)
        && mapping.function_response_types() == [FunctionResponseType::ReportBatchItemFailures]
        && given_up_to(mapping.destination_config()) == given_up_to(Some(&settings.destination()))
}

fn given_up_to(destination: Option<&DestinationConfig>) -> Option<&str> {
    destination?.on_failure()?.destination()
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

/// Switches a mapping on, and sets all that [`is_as_set`] looks at.
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
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(UNLIMITED_RETRIES)
        .maximum_record_age_in_seconds(MAXIMUM_RECORD_AGE_SECONDS)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .destination_config(settings.destination())
        .send()
        .await;
    updated.map_err(|error| Failure::of("UpdateEventSourceMapping", uuid, error))?;
    Ok(())
}

/// Whether a mapping is being deleted.
pub fn is_leaving(mapping: &EventSourceMappingConfiguration) -> bool {
    mapping.state() == Some("Deleting")
}

/// Deletes a mapping. One that is gone is no failure, one that is just being changed a retryable one.
pub async fn delete(lambda: &Client, uuid: &str) -> Result<(), Failure> {
    let deleted = lambda.delete_event_source_mapping().uuid(uuid).send().await;
    match deleted.map_err(|error| Failure::of("DeleteEventSourceMapping", uuid, error)) {
        Err(failure) if !failure.has_code("ResourceNotFoundException") => Err(failure),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::types::builders::EventSourceMappingConfigurationBuilder;

    use super::*;

    fn settings() -> MappingSettings {
        MappingSettings {
            function: "arn:aws-cn:lambda:cn-north-1:123456789012:function:stream".to_owned(),
            batch_size: 1000,
            batch_window_seconds: 30,
            failure_bucket: "lake".to_owned(),
        }
    }

    /// Whether a mapping as it is made, but for one change, is as set.
    fn check(
        change: impl FnOnce(
            EventSourceMappingConfigurationBuilder,
        ) -> EventSourceMappingConfigurationBuilder,
    ) -> bool {
        let made = EventSourceMappingConfiguration::builder()
            .state("Enabled")
            .batch_size(1000)
            .maximum_batching_window_in_seconds(30)
            .bisect_batch_on_function_error(true)
            .maximum_retry_attempts(-1)
            .maximum_record_age_in_seconds(72_000)
            .function_response_types(FunctionResponseType::ReportBatchItemFailures)
            .destination_config(settings().destination());
        is_as_set(&change(made).build(), &settings())
    }

    #[test]
    fn a_mapping_that_would_lose_or_hold_up_changes_is_not_as_set() {
        assert!(check(|it| it));
        assert!(check(|it| it.state("Enabling")));
        assert!(!check(|it| it.state("Disabled")));
        assert!(!check(|it| it.batch_size(100)));
        assert!(!check(|it| it.maximum_batching_window_in_seconds(0)));
        assert!(!check(|it| it.bisect_batch_on_function_error(false)));
        assert!(!check(|it| it.maximum_retry_attempts(3)));
        assert!(!check(|it| it.maximum_record_age_in_seconds(-1)));
        assert!(!check(|it| it.set_function_response_types(None)));
        assert!(!check(|it| it.destination_config(DestinationConfig::builder().build())));
    }

    #[test]
    fn what_is_given_up_goes_to_the_bucket_in_the_partition_of_the_function() {
        assert_eq!(given_up_to(Some(&settings().destination())), Some("arn:aws-cn:s3:::lake"));
    }
}
