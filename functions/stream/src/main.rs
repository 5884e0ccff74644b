//! The `stream` Lambda function: wires, nothing else.

use aws::{Clients, counts, environment::Environment, telemetry};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use stream::payload::{Payloads, take_payload};
use stream::{Registries, Settings, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    telemetry::start(&environment)?;
    let settings = Settings::from_environment(&environment)?;
    let clients = Clients::from_environment(&environment)?;
    let registries = Registries::default();
    let handler = service_fn(async |event: LambdaEvent<()>| {
        let handled = handler::handle(&clients, &settings, &registries, take_payload()?);
        Box::pin(counts::invocation(&event.context.request_id, handled)).await
    });
    // What `lambda_runtime::run` does, and the layer for the payload.
    Runtime::new(handler).layer(TracingLayer::new()).layer(Payloads).run().await
}
