//! The deployed stack.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use aws::{Clients, environment::Environment};
use jiff::Timestamp;
use lake::path;
use serde_json::Value;
use tokio::process::Command;

/// Clients and names of a deployed stack.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Clients with the rights of whoever deployed it.
    pub clients: Clients,
    /// Where files are dropped.
    pub landing: String,
    /// Where Parquet goes.
    pub lake: String,
    /// Where DynamoDB exports to.
    pub exports: String,
    /// The Glue database.
    pub database: String,
    /// The Athena workgroup.
    pub workgroup: String,
    /// Names of the functions.
    pub import_function: String,
    /// The function fed by streams.
    pub stream_function: String,
    /// The scheduled function.
    pub backup_function: String,
    /// The function that merges small change files.
    pub compaction_function: String,
    /// The function that makes snapshots of exports.
    pub snapshot_function: String,
    /// Where imports wait.
    pub import_queue: String,
    /// Where imports go that were given up.
    pub import_dead_letter_queue: String,
    /// The endpoint, which tells this stack's processes from another's.
    pub endpoint: String,
}

impl Stack {
    /// The stack of this process's environment.
    ///
    /// # Panics
    /// Without a stack: the tests that call this are run by `make test`.
    pub fn of_environment() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "a test without its stack has nothing to go on with"
        )]
        Self::from(&Environment::of_process())
            .expect("a deployed stack; run these tests with: make test")
    }

    /// Deletes the stack and leaves the local AWS as it is then.
    pub async fn delete() -> Result<()> {
        local_aws("delete", &[]).await
    }

    /// Deploys the template once more, with parameters, and gives the stack as it is then.
    pub async fn deploy(parameters: &[&str]) -> Result<Self> {
        let options: Vec<&str> = parameters.iter().flat_map(|it| ["--parameter", it]).collect();
        local_aws("deploy", &options).await?;
        let file = root().join("target/local").join(local_name()?).join("env");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let variables = text.lines().filter_map(|line| line.split_once('='));
        Self::from(&Environment::from_variables(variables))
    }

    /// The report of the merge of small files that a run due at that time has begun, once it is there and tells of
    /// the table.
    pub async fn merge_report(&self, table: &str, due: Timestamp) -> Result<Value> {
        let key = format!("reports/compaction/{}.json", path::time_text(due.as_millisecond())?);
        until(&format!("{key} to tell of {table}"), async || {
            if self.objects(&self.lake, &key).await?.is_empty() {
                return Ok(None);
            }
            let report: Value = serde_json::from_slice(&self.read(&self.lake, &key).await?)?;
            let tables = report["tables"].as_array().into_iter().flatten();
            Ok(tables.clone().find(|told| told["table"] == table).cloned())
        })
        .await
    }

    fn from(environment: &Environment) -> Result<Self> {
        let output =
            |name: &str| environment.required(&format!("HEADWATER_{name}")).map(str::to_owned);
        Ok(Self {
            clients: Clients::from_environment(environment)?,
            landing: output("LANDING_BUCKET")?,
            lake: output("LAKE_BUCKET")?,
            exports: output("EXPORTS_BUCKET")?,
            database: output("DATABASE")?,
            workgroup: output("WORKGROUP")?,
            import_function: output("IMPORT_FUNCTION_NAME")?,
            stream_function: output("STREAM_FUNCTION_NAME")?,
            backup_function: output("BACKUP_FUNCTION_NAME")?,
            compaction_function: output("COMPACTION_FUNCTION_NAME")?,
            snapshot_function: output("SNAPSHOT_FUNCTION_NAME")?,
            import_queue: output("IMPORT_QUEUE")?,
            import_dead_letter_queue: output("IMPORT_DEAD_LETTER_QUEUE")?,
            endpoint: environment.required("AWS_ENDPOINT_URL")?.to_owned(),
        })
    }
}

/// Runs a sub-command of `local/aws` on the stack that the test was given.
async fn local_aws(command: &str, options: &[&str]) -> Result<()> {
    let mut program = Command::new(root().join("local/aws"));
    program.arg(command).args(["--name", &local_name()?]).args(options);
    let ended = program.status().await?;
    ensure!(ended.success(), "local/aws {command}: {ended}");
    Ok(())
}

/// The name of the stack that the test was given.
pub(crate) fn local_name() -> Result<String> {
    Ok(Environment::of_process().required("LOCAL_AWS_NAME")?.to_owned())
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// How long a test waits for what must come. Generous: it bounds a failure, not a success.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// Looks until there is something to see, and gives it.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await.with_context(|| format!("looking for {what}"))? {
            return Ok(seen);
        }
        if began.elapsed() > DEADLINE {
            bail!("{what}: not so within {} seconds", DEADLINE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
