//! The two ways an import stops early.

use aws::Failure;

use crate::reject::Reject;

/// Why an import did not finish.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The object cannot become the table, whoever tries again.
    Refused(Refusal),
    /// A call failed. Whether the queue should try again, the failure knows.
    Failed(Failure),
}

/// An object that cannot become a table, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// What was expected, what was found, and what to do.
    pub(crate) reason: String,
    /// Rows read until then.
    pub(crate) rows: u64,
    /// The rows that were rejected until then.
    pub(crate) rejects: Vec<Reject>,
}

impl Stop {
    /// Whether the queue should try again.
    pub(crate) fn is_retryable(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_retryable())
    }

    /// Why, in words.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Refused(refusal) => refusal.reason,
            Self::Failed(failure) => failure.to_string(),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, ..Self::default() }
    }
}

impl Refusal {
    /// A row that passed the survey and no longer does: the bytes of one version cannot change.
    pub(crate) fn changed(error: &str) -> Self {
        Self::from(format!("the object is not what it was when it was surveyed: {error}"))
    }
}
