//! The `stream` Lambda function: wires, nothing else.

use aws::{Clients, environment::Environment, telemetry};
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use stream::payload::{Payloads, payload};
use stream::{Registries, Settings, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    telemetry::start(&environment)?;
    let settings = Settings::from_environment(&environment)?;
    let clients = Clients::from_environment(&environment)?;
    let registries = Registries::default();
    let handler = service_fn(async |_: LambdaEvent<()>| {
        let event = payload()?;
        Box::pin(handler::handle(&clients, &settings, &registries, &event)).await
    });
    Runtime::new(handler).layer(Payloads).run().await
}
