//! The `stream` Lambda function: wires, nothing else.

use aws::{Clients, environment::Environment, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use stream::{Registries, Settings, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    telemetry::start(&environment)?;
    let settings = Settings::from_environment(&environment)?;
    let clients = Clients::from_environment(&environment)?;
    let registries = Registries::default();
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        Box::pin(handler::handle(&clients, &settings, &registries, &event.payload)).await
    }))
    .await
}
