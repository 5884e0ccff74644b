//! Logs: one JSON object per line, never the contents of an item.

use tracing_subscriber::{EnvFilter, fmt};

use crate::environment::Environment;

/// Writes JSON lines to standard output, which Lambda sends to the function's log group.
///
/// `HEADWATER_LOG` is a [filter](EnvFilter) such as `info` or `warn,stream=debug`; unset means
/// `info`. A filter that does not parse is reported and `info` holds, so that a typing error
/// never silences a function.
pub fn start(environment: &Environment) {
    let filter = environment.optional("HEADWATER_LOG").unwrap_or("info");
    let (filter, problem) = match EnvFilter::try_new(filter) {
        Ok(parsed) => (parsed, None),
        Err(problem) => (EnvFilter::new("info"), Some(problem.to_string())),
    };
    let subscriber = fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(filter)
        .with_target(true)
        .finish();
    // A second start in one process (a test's) keeps the first subscriber.
    if tracing::subscriber::set_global_default(subscriber).is_ok()
        && let Some(problem) = problem
    {
        tracing::warn!(variable = "HEADWATER_LOG", problem, "filter does not parse, using info");
    }
}
