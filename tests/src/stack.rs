//! The deployed stack.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws::{Clients, environment::Environment};

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
        Self::from_variables().expect("a deployed stack; run these tests with: make test")
    }

    fn from_variables() -> Result<Self> {
        let environment = Environment::of_process();
        let output =
            |name: &str| environment.required(&format!("HEADWATER_{name}")).map(str::to_owned);
        Ok(Self {
            clients: Clients::from_environment(&environment)?,
            landing: output("LANDING_BUCKET")?,
            lake: output("LAKE_BUCKET")?,
            exports: output("EXPORTS_BUCKET")?,
            database: output("DATABASE")?,
            workgroup: output("WORKGROUP")?,
            import_function: output("IMPORT_FUNCTION_NAME")?,
            stream_function: output("STREAM_FUNCTION_NAME")?,
            backup_function: output("BACKUP_FUNCTION_NAME")?,
            snapshot_function: output("SNAPSHOT_FUNCTION_NAME")?,
            import_queue: output("IMPORT_QUEUE")?,
            import_dead_letter_queue: output("IMPORT_DEAD_LETTER_QUEUE")?,
            endpoint: environment.required("AWS_ENDPOINT_URL")?.to_owned(),
        })
    }
}

/// How long a test waits for what must come. Generous: it bounds a failure, not a success.
const DEADLINE: Duration = Duration::from_mins(2);

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
