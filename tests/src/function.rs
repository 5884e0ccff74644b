//! Calling functions, and ending their processes.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use aws::sdk::lambda::primitives::Blob;
use serde_json::Value;
use tokio::process::Command;

use crate::Stack;

/// A sample of `events/`, by name, as if it came from `table` instead of `planes`.
pub fn event(name: &str, table: &str) -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(name);
    let text = fs::read_to_string(path.with_extension("json"))
        .with_context(|| format!("events/{name}.json"))?;
    let text = text.replace(":table/planes/", &format!(":table/{table}/"));
    Ok(serde_json::from_str(&text)?)
}

impl Stack {
    /// Calls a function and gives its answer; its error is ours.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let payload = Blob::new(event.to_string());
        let call = self.clients.lambda().invoke().function_name(function).payload(payload);
        let answer = call.send().await?;
        let payload = answer.payload.context("an answer has a payload")?;
        let payload: Value = serde_json::from_slice(payload.as_ref())?;
        match answer.function_error {
            Some(error) => bail!("{function} failed ({error}): {payload}"),
            None => Ok(payload),
        }
    }

    /// Gives a function another time-out, in seconds, and says what it was.
    pub async fn set_timeout(&self, function: &str, seconds: i32) -> Result<i32> {
        let lambda = self.clients.lambda();
        let before = lambda.get_function_configuration().function_name(function).send().await?;
        lambda
            .update_function_configuration()
            .function_name(function)
            .timeout(seconds)
            .send()
            .await?;
        before.timeout.context("a function has a time-out")
    }

    /// What a table's mapping says of its last batch.
    pub async fn last_processing_result(&self, table: &str) -> Result<Option<String>> {
        let Some(described) = aws::table::describe(self.clients.dynamodb(), table).await? else {
            return Ok(None);
        };
        let Some(stream) = described.latest_stream_arn() else { return Ok(None) };
        let mappings = aws::mapping::of_stream(self.clients.lambda(), stream).await?;
        Ok(mappings.into_iter().next().and_then(|mapping| mapping.last_processing_result))
    }

    /// The processes that run a function of this stack now.
    pub fn processes(&self, function: &str) -> Result<Vec<Process>> {
        let name = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        let endpoint = format!("AWS_ENDPOINT_URL={}", self.endpoint);
        let mut processes = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let Some(id) = process_id(&path) else {
                continue;
            };
            // Processes of others are not readable, and one may end while it is looked at.
            let Ok(environment) = fs::read(path.join("environ")) else {
                continue;
            };
            let has = |variable: &str| {
                environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
            };
            if has(&name) && has(&endpoint) {
                processes.push(Process { id });
            }
        }
        Ok(processes)
    }
}

fn process_id(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

/// A process that runs a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    id: u32,
}

impl Process {
    /// Ends it as a crash does: at once, whatever it is doing.
    pub async fn kill(self) -> Result<bool> {
        let killed = Command::new("kill").arg("-KILL").arg(self.id.to_string()).status().await?;
        Ok(killed.success())
    }
}
