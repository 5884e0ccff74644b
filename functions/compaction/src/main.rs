//! The `compaction` Lambda function: wires, nothing else.

use aws::{Clients, environment::Environment, telemetry};
use compaction::{Settings, handler};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    telemetry::start(&environment)?;
    let settings = Settings::from_environment(&environment)?;
    let clients = Clients::from_environment(&environment)?;
    run(service_fn(|event: LambdaEvent<Value>| handler::handle(&clients, &settings, event))).await
}
