//! Another function is called, and nobody waits for it.

use aws_sdk_lambda::{Client, types::InvocationType};
use serde_json::Value;

use crate::Failure;

/// Hands an event of up to 1 MB to a function's queue, from which Lambda calls it.
///
/// An event may come more than once; whether a call that fails is made again is the function's configuration.
///
/// Source: [Invoke](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
pub async fn call(lambda: &Client, function: &str, event: &Value) -> Result<(), Failure> {
    let request = lambda.invoke().function_name(function).invocation_type(InvocationType::Event);
    let payload = event.to_string().into_bytes().into();
    let sent = request.payload(payload).send().await;
    sent.map(|_| ()).map_err(|error| Failure::of("Invoke", format!("function {function}"), error))
}
