//! The function's settings, validated at cold start.

use aws::{
    catalog::Lake,
    environment::{Environment, EnvironmentError},
};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The lake's bucket.
    pub lake_bucket: String,
    /// The Glue database of the catalog.
    pub database: String,
    /// How many columns of ours a table gets before further attributes travel in `_rest`.
    pub column_limit: usize,
    /// The queue the function is fed from, where it sends a message for each data file.
    pub queue: String,
}

impl Settings {
    /// Reads `HEADWATER_LAKE_BUCKET`, `HEADWATER_DATABASE`, `HEADWATER_COLUMN_LIMIT` and
    /// `HEADWATER_SNAPSHOT_QUEUE` (its URL).
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        Ok(Self {
            lake_bucket: environment.required("HEADWATER_LAKE_BUCKET")?.to_owned(),
            database: environment.required("HEADWATER_DATABASE")?.to_owned(),
            column_limit: environment.parsed("HEADWATER_COLUMN_LIMIT")?,
            queue: environment.required("HEADWATER_SNAPSHOT_QUEUE")?.to_owned(),
        })
    }

    /// Where the catalog keeps the lake.
    pub(crate) fn lake(&self) -> Lake<'_> {
        Lake { database: &self.database, bucket: &self.lake_bucket }
    }
}
