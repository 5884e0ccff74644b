//! The function's settings, validated at cold start.

use aws::environment::{Environment, EnvironmentError};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The lake's bucket.
    pub lake_bucket: String,
}

impl Settings {
    /// Reads `HEADWATER_LAKE_BUCKET`.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        Ok(Self { lake_bucket: environment.required("HEADWATER_LAKE_BUCKET")?.to_owned() })
    }
}
