//! One place that decides what a failed call means.
//!
//! | what AWS or the network said | class | why |
//! |---|---|---|
//! | no answer, broken answer, time-out, 5xx | retryable | the next attempt may be answered |
//! | throttling, limits, a resource being made or changed (`ResourceInUseException`) | retryable | passes with time |
//! | the upload is gone whose parts were sent (`NoSuchUpload`) | retryable | it was completed and the answer lost, or cleared away: the next attempt begins another |
//! | access denied (401, 403), bucket or key (KMS) missing or disabled | retryable | a person can mend it without touching the data; until then the trigger holds the data |
//! | anything else (validation, a name that is taken, not found) | permanent | the same request can never succeed |

use std::error::Error;

use aws_smithy_runtime_api::{client::result::SdkError, http::Response};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

/// Whether the same call may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Give it back to the trigger.
    Retryable,
    /// Never again: quarantine, report, go on.
    Permanent,
}

/// A call to AWS that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} on {resource} failed{}: {message}", code.as_ref().map(|c| format!(" with {c}")).unwrap_or_default())]
pub struct Failure {
    /// The API operation, as AWS names it.
    pub operation: &'static str,
    /// What it was called on: a table, `s3://bucket/key`, an ARN.
    pub resource: String,
    /// AWS's error code, if AWS answered.
    pub code: Option<String>,
    /// AWS's message, or what kept it from answering.
    pub message: String,
    /// Whether it may succeed later.
    pub class: Class,
    /// The SDK's error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Classifies what the SDK returned.
    pub fn of<E>(
        operation: &'static str,
        resource: impl Into<String>,
        error: SdkError<E, Response>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let service = error.as_service_error();
        let code = service.and_then(|e| e.code()).map(str::to_owned);
        let message = match service.and_then(|e| e.message()) {
            Some(message) => message.to_owned(),
            None => DisplayErrorContext(&error).to_string(),
        };
        let class = match error {
            SdkError::ConstructionFailure(_) => Class::Permanent,
            SdkError::ServiceError(_) => class_of(code.as_deref(), status),
            _ => Class::Retryable,
        };
        let source = Some(Box::new(error) as _);
        Self { operation, resource: resource.into(), code, message, class, source }
    }

    /// A failure that AWS reported in a well-formed answer, or that follows from one.
    pub fn stated(
        operation: &'static str,
        resource: impl Into<String>,
        message: impl Into<String>,
        class: Class,
    ) -> Self {
        let (resource, message) = (resource.into(), message.into());
        Self { operation, resource, code: None, message, class, source: None }
    }

    /// Whether the trigger should try again.
    pub fn is_retryable(&self) -> bool {
        self.class == Class::Retryable
    }

    /// Whether AWS asked to be called less often.
    pub fn is_throttling(&self) -> bool {
        self.code.as_deref().is_some_and(is_throttling_code)
    }

    /// Whether AWS answered with this error code.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

fn class_of(code: Option<&str>, status: Option<u16>) -> Class {
    let retryable_status = matches!(status, Some(401 | 403 | 408 | 429 | 500..));
    if retryable_status
        || code.is_none()
        || code.is_some_and(|code| is_throttling_code(code) || is_retryable_code(code))
    {
        Class::Retryable
    } else {
        Class::Permanent
    }
}

/// Throttling, in the spellings of the services called here.
fn is_throttling_code(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "SlowDown"
            | "BandwidthLimitExceeded"
    )
}

/// Codes of errors that pass: by themselves, or when a person grants access.
fn is_retryable_code(code: &str) -> bool {
    matches!(
        code,
        // Limits and resources in motion.
        "LimitExceededException"
            | "ResourceNumberLimitExceededException"
            | "ResourceNotReadyException"
            | "FederationSourceRetryableException"
            | "PointInTimeRecoveryUnavailableException"
            | "ResourceInUseException"
            | "ResourceConflictException"
            | "ConcurrentModificationException"
            | "OperationTimeoutException"
            | "TransactionInProgressException"
            | "ContinuousBackupsUnavailableException"
            | "BackupInUseException"
            | "TableInUseException"
            | "ConditionalRequestConflict"
            | "OperationAborted"
            | "RequestTimeout"
            | "RequestTimeTooSkewed"
            | "IDPCommunicationError"
            | "NoSuchUpload"
            // S3 may say so in an answer that began with 200.
            | "InternalError"
            | "InternalServerError"
            | "InternalFailure"
            | "InternalServiceException"
            | "ServiceUnavailable"
            // Rights and places that a person can mend.
            | "AccessDenied"
            | "AccessDeniedException"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "OptInRequired"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "NoSuchBucket"
            | "KMSAccessDeniedException"
            | "KMSDisabledException"
            | "KMSInvalidStateException"
            | "KMSNotFoundException"
            | "KMS.DisabledException"
            | "KMS.KMSInvalidStateException"
            | "KMS.NotFoundException"
            | "GlueEncryptionException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let check = |code: Option<&str>, status, expected| {
            assert_eq!(class_of(code, Some(status)), expected, "{code:?} {status}");
        };
        check(Some("ProvisionedThroughputExceededException"), 400, Class::Retryable);
        check(Some("SlowDown"), 503, Class::Retryable);
        check(Some("NeverHeardOf"), 500, Class::Retryable);
        check(None, 200, Class::Retryable);
        check(Some("AccessDenied"), 403, Class::Retryable);
        check(Some("NoSuchBucket"), 404, Class::Retryable);
        check(Some("ValidationException"), 400, Class::Permanent);
        check(Some("NoSuchUpload"), 404, Class::Retryable);
        check(Some("InternalError"), 200, Class::Retryable);
        check(Some("NoSuchKey"), 404, Class::Permanent);
        check(Some("PreconditionFailed"), 412, Class::Permanent);
        check(Some("ResourceNotFoundException"), 400, Class::Permanent);
    }

    #[test]
    fn a_failure_says_what_where_and_why() {
        let failure =
            Failure::stated("ExportTableToPointInTime", "table planes", "no", Class::Permanent);
        insta::assert_snapshot!(failure, @"ExportTableToPointInTime on table planes failed: no");
    }
}
