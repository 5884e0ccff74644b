//! When the stack goes, the mappings go that functions made: Lambda would keep them without their function.
//!
//! The template has a custom resource that names the stream function, and stands for all its mappings.
//!
//! | it is | then |
//! |---|---|
//! | made, or changed | nothing: mappings are made with tables' enrolment |
//! | deleted, or replaced with the function | every mapping of the function it names is deleted |
//!
//! CloudFormation is answered whatever becomes of it. If it cannot be told, the call fails, and Lambda makes it again.

use std::time::Duration;

use aws::{
    Clients, Failure,
    custom_resource::{self, Answer, Request, RequestType},
    mapping,
};
use lambda_runtime::Error;
use serde_json::{Value, json};

/// The template's `ServiceTimeout` is longer: what is left then is told, and not only missed.
const TIME: Duration = Duration::from_secs(200);
/// A mapping that was just made or changed cannot be deleted for a while.
const PAUSE: Duration = Duration::from_secs(2);

/// Handles a request of CloudFormation.
pub(crate) async fn run(clients: &Clients, event: Value) -> Result<Value, Error> {
    let request: Request = serde_json::from_value(event)?;
    let function = function_of(&request);
    let done = match (request.request_type, function) {
        (RequestType::Delete, Some(function)) => removed(clients, function).await,
        // Nothing is made of it, and nothing of a resource that names no function.
        (RequestType::Create | RequestType::Update | RequestType::Delete, _) => Ok(()),
    };
    if let Err(reason) = &done {
        tracing::error!(function, reason, "stream mappings not deleted");
    }
    let is_done = done.is_ok();
    // Another function is another resource, so that CloudFormation has that of the old one deleted.
    let id = function.or(request.physical_resource_id.as_deref()).unwrap_or("none");
    custom_resource::answer(&request, &Answer::new(&request, id, done)).await?;
    tracing::info!(function, is_done, request = ?request.request_type, "CloudFormation answered");
    Ok(json!({ "isDone": is_done }))
}

/// The function whose mappings the resource stands for.
fn function_of(request: &Request) -> Option<&str> {
    request.resource_properties.get("FunctionArn").and_then(Value::as_str)
}

/// Deletes every mapping of the function, or says what is left and what to do.
async fn removed(clients: &Clients, function: &str) -> Result<(), String> {
    let mut last = None;
    let removal = tokio::time::timeout(TIME, remove(clients, function, &mut last));
    let failure = match removal.await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failure)) => failure.to_string(),
        Err(_) => last.unwrap_or_else(|| "no answer from Lambda in time".to_owned()),
    };
    Err(format!(
        "Stream mappings of {function} are not all deleted: {failure}. Delete the stack again, or those that \
         `aws lambda list-event-source-mappings --function-name {function}` lists with `aws lambda \
         delete-event-source-mapping`, and then the stack"
    ))
}

/// Goes on until no mapping is left, or one can never be deleted. `last` is why the last one could not be yet.
async fn remove(
    clients: &Clients,
    function: &str,
    last: &mut Option<String>,
) -> Result<(), Failure> {
    loop {
        let mappings = mapping::of_function(clients.lambda(), function).await?;
        let left: Vec<_> = mappings.iter().filter(|it| !mapping::is_leaving(it)).collect();
        if left.is_empty() {
            return Ok(());
        }
        for mapping in left {
            match mapping::delete(clients.lambda(), mapping.uuid().unwrap_or_default()).await {
                Ok(()) => {}
                // A right that is missing does not come while the stack goes.
                Err(failure) if failure.has_code("AccessDeniedException") => return Err(failure),
                Err(failure) if failure.is_retryable() => *last = Some(failure.to_string()),
                Err(failure) => return Err(failure),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
