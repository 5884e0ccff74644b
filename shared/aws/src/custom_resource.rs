//! Custom resources: what a function does when a stack is made, changed or deleted.
//!
//! CloudFormation calls the function, without waiting for what it returns, and waits for an answer at an address
//! of its own: until the resource's `ServiceTimeout` is over, and then the stack fails.
//!
//! Source: [custom resource reference](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html).

use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::body::SdkBody;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Class, Failure};

/// What CloudFormation asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// What happens to the resource.
    pub request_type: RequestType,
    /// Where the answer goes.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    /// The stack, to be told in the answer.
    pub stack_id: String,
    /// The request, likewise.
    pub request_id: String,
    /// The resource's name in the template, likewise.
    pub logical_resource_id: String,
    /// What the resource is called, once it is made.
    pub physical_resource_id: Option<String>,
    /// What the template says of it.
    #[serde(default)]
    pub resource_properties: Value,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RequestType {
    /// It is made.
    Create,
    /// What the template says of it is changed.
    Update,
    /// It goes, or another has come for it.
    Delete,
}

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer<'r> {
    status: Status,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: String,
    physical_resource_id: &'r str,
    stack_id: &'r str,
    request_id: &'r str,
    logical_resource_id: &'r str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Success,
    Failed,
}

/// An answer is 4,096 bytes at most, and names take some of them.
const LONGEST_REASON: usize = 1000;

/// The longest that S3 may take to take an answer.
const TIME: Duration = Duration::from_secs(20);

impl<'r> Answer<'r> {
    /// What is answered to a request about the resource that is called `physical_id`.
    pub fn new(request: &'r Request, physical_id: &'r str, done: Result<(), String>) -> Self {
        let (status, reason) = match done {
            Ok(()) => (Status::Success, String::new()),
            Err(reason) => (Status::Failed, reason.chars().take(LONGEST_REASON).collect()),
        };
        Self {
            status,
            reason,
            physical_resource_id: physical_id,
            stack_id: &request.stack_id,
            request_id: &request.request_id,
            logical_resource_id: &request.logical_resource_id,
        }
    }
}

/// Puts an answer where CloudFormation waits for it. The address is signed, and no header may be added.
pub async fn answer(request: &Request, answer: &Answer<'_>) -> Result<(), Failure> {
    let failed = |message: String| {
        let resource = format!("the answer for {}", request.logical_resource_id);
        Failure::stated("PUT", resource, message, Class::Retryable)
    };
    let body = serde_json::to_vec(answer).map_err(|error| failed(error.to_string()))?;
    let mut put = HttpRequest::new(SdkBody::from(body));
    put.set_method("PUT").map_err(|error| failed(error.to_string()))?;
    put.set_uri(request.response_url.as_str()).map_err(|error| failed(error.to_string()))?;
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let connector = Connector::builder().tls_provider(provider).build();
    let answered = tokio::time::timeout(TIME, connector.call(put)).await;
    let answered = answered.map_err(|_| failed(format!("no answer in {} s", TIME.as_secs())))?;
    let answered = answered.map_err(|error| failed(format!("no answer: {error:?}")))?;
    match answered.status() {
        status if status.is_success() => Ok(()),
        status => Err(failed(format!("expected status 200, got {}", status.as_u16()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let event = include_str!("../../../events/backup-stack-deleted.json");
        serde_json::from_str(event).unwrap()
    }

    fn answered(done: Result<(), String>) -> String {
        serde_json::to_string(&Answer::new(&request(), "arn", done)).unwrap()
    }

    #[test]
    fn a_request_is_answered_with_its_own_names() {
        assert_eq!(request().request_type, RequestType::Delete);
        insta::assert_snapshot!(answered(Ok(())), @r#"{"Status":"SUCCESS","PhysicalResourceId":"arn","StackId":"arn:aws:cloudformation:us-east-1:123456789012:stack/headwater/0d3b5a10-c7d8-11f0-9f5b-0e1c6f0b9a51","RequestId":"8f6a3a62-6a25-4b0e-93d1-52e4f6d6c6b1","LogicalResourceId":"StreamMappings"}"#);
        insta::assert_snapshot!(answered(Err("denied".to_owned())), @r#"{"Status":"FAILED","Reason":"denied","PhysicalResourceId":"arn","StackId":"arn:aws:cloudformation:us-east-1:123456789012:stack/headwater/0d3b5a10-c7d8-11f0-9f5b-0e1c6f0b9a51","RequestId":"8f6a3a62-6a25-4b0e-93d1-52e4f6d6c6b1","LogicalResourceId":"StreamMappings"}"#);
    }

    #[test]
    fn an_answer_is_no_longer_than_cloudformation_takes() {
        assert!(answered(Err("é".repeat(5000))).len() <= 4096);
    }
}
