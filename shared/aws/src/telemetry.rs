//! Logs: one JSON object per line, never the contents of an item.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

use crate::environment::{Environment, EnvironmentError};

/// Writes JSON lines to standard output, which Lambda sends to the function's log group.
///
/// `HEADWATER_LOG` is the least important level that is written: `TRACE`, `DEBUG`, `INFO`, `WARN`
/// or `ERROR`.
pub fn start(environment: &Environment) -> Result<(), EnvironmentError> {
    let level: LevelFilter = environment.parsed("HEADWATER_LOG")?;
    let subscriber = fmt().json().flatten_event(true).with_max_level(level).finish();
    // A second start in one process (a test's) keeps the first subscriber.
    tracing::subscriber::set_global_default(subscriber).unwrap_or_default();
    Ok(())
}
