//! The two ways an import stops early.

use aws::Failure;

/// Why an import did not finish.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The object cannot become the table, whoever tries again: what was expected, what was
    /// found, and what to do.
    #[error("{0}")]
    Refused(String),
    /// A call failed. Whether the queue should try again, the failure knows.
    #[error(transparent)]
    Failed(#[from] Failure),
}
