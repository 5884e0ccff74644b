//! The function's settings, validated at cold start.

use aws::{
    enrolment::EnrolmentSettings,
    environment::{Environment, EnvironmentError},
};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the new table is given.
    pub enrolment: EnrolmentSettings,
    /// Rows that may be rejected before the import is refused as a whole.
    pub max_rejects: u64,
    /// The queue the function is fed from, where it sends what is to go on later.
    pub queue: String,
    /// What a new table's name must begin with; the function has no rights beyond it.
    pub table_prefix: String,
}

impl Settings {
    /// Reads `HEADWATER_MAX_REJECTS`, `HEADWATER_IMPORT_QUEUE` (its URL), `HEADWATER_TABLE_PREFIX` (may be empty) and what
    /// [`EnrolmentSettings`] needs.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        Ok(Self {
            enrolment: EnrolmentSettings::from_environment(environment)?,
            max_rejects: environment.parsed("HEADWATER_MAX_REJECTS")?,
            queue: environment.required("HEADWATER_IMPORT_QUEUE")?.to_owned(),
            table_prefix: environment
                .optional("HEADWATER_TABLE_PREFIX")
                .unwrap_or_default()
                .to_owned(),
        })
    }
}
