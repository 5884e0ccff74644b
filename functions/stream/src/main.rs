//! The `stream` Lambda function: wires, nothing else.

use aws::{Clients, environment::Environment, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use stream::{Settings, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    telemetry::start(&environment);
    let settings = Settings::from_environment(&environment)?;
    let clients = Clients::from_environment(&environment)?;
    run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        handler::handle(&clients, &settings, event.payload)
    }))
    .await
}
