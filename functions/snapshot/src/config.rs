//! The function's settings, validated at cold start.

use aws::{
    catalog::Lake,
    environment::{Environment, EnvironmentError},
};
use item::privacy::Privacy;

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The lake's bucket.
    pub lake_bucket: String,
    /// The Glue database of the catalog.
    pub database: String,
    /// How many columns of ours a table gets before further attributes travel in `_rest`.
    pub column_limit: usize,
    /// What is not to be written of items.
    pub privacy: Privacy,
    /// The queue the function is fed from, where it sends a message for each data file.
    pub queue: String,
}

impl Settings {
    /// Reads `HEADWATER_LAKE_BUCKET`, `HEADWATER_DATABASE`, `HEADWATER_COLUMN_LIMIT`,
    /// `HEADWATER_SNAPSHOT_QUEUE` (its URL), and what may be empty: `HEADWATER_PRIVACY_RULES` and
    /// `HEADWATER_PRIVACY_KEY`.
    pub fn from_environment(environment: &Environment) -> Result<Self, EnvironmentError> {
        Ok(Self {
            lake_bucket: environment.required("HEADWATER_LAKE_BUCKET")?.to_owned(),
            database: environment.required("HEADWATER_DATABASE")?.to_owned(),
            column_limit: environment.parsed("HEADWATER_COLUMN_LIMIT")?,
            privacy: environment.privacy("HEADWATER_PRIVACY_RULES", "HEADWATER_PRIVACY_KEY")?,
            queue: environment.required("HEADWATER_SNAPSHOT_QUEUE")?.to_owned(),
        })
    }

    /// Where the catalog keeps the lake.
    pub(crate) fn lake(&self) -> Lake<'_> {
        Lake { database: &self.database, bucket: &self.lake_bucket }
    }
}
