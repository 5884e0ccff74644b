//! The columns a warm function knows, so that the catalog is asked only about new ones.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aws::{Class, Failure, catalog, clock, sdk::glue::Client};
use lake::{ChangeFiles, ColumnKey, DEFAULT_COLUMN_LIMIT, Registry};

/// The longest a batch waits for the catalog: the feed goes on without it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the catalog is left alone after it did not answer.
const RESPITE: Duration = Duration::from_mins(1);

/// The registries of the tables this process has seen.
///
/// Columns are only ever added and never change their type, so an old registry is a valid one: what
/// it lacks is asked for.
#[derive(Debug, Default)]
pub struct Registries {
    known: Mutex<HashMap<String, Registry>>,
    out_of_reach_since: Mutex<Option<Instant>>,
}

impl Registries {
    /// A registry that names every attribute of the files, as far as the column limit goes.
    pub(crate) async fn naming(
        &self,
        glue: &Client,
        place: &CatalogPlace<'_>,
        files: &ChangeFiles,
    ) -> Result<Registry, Failure> {
        let known = self.of(place.table);
        let unnamed = files.unnamed(&known);
        if unnamed.is_empty() || known.is_full(DEFAULT_COLUMN_LIMIT) {
            return Ok(known);
        }
        if lock(&self.out_of_reach_since).is_some_and(|since| since.elapsed() < RESPITE) {
            return Err(place.unanswered("it did not answer a moment ago"));
        }
        let asked = tokio::time::timeout(PATIENCE, place.extend(glue, &unnamed)).await;
        let asked = asked.unwrap_or_else(|_| Err(place.unanswered("no answer within 10 seconds")));
        *lock(&self.out_of_reach_since) = asked.is_err().then(Instant::now);
        let registry = asked?;
        lock(&self.known).insert(place.table.to_owned(), registry.clone());
        Ok(registry)
    }

    /// What is known of a table without asking.
    pub(crate) fn of(&self, table: &str) -> Registry {
        lock(&self.known).get(table).cloned().unwrap_or_default()
    }
}

/// Nothing panics while it holds one of these, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a table's changes stand in the catalog.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatalogPlace<'a> {
    /// The Glue database.
    pub(crate) database: &'a str,
    /// The bucket its tables point to.
    pub(crate) lake_bucket: &'a str,
    /// The DynamoDB table.
    pub(crate) table: &'a str,
}

impl CatalogPlace<'_> {
    /// Gives every key a column; makes the catalog table if it is missing.
    async fn extend(&self, glue: &Client, keys: &[ColumnKey]) -> Result<Registry, Failure> {
        let Self { database, lake_bucket, table } = *self;
        match catalog::extend(glue, database, table, keys).await {
            Err(failure) if failure.has_code("EntityNotFoundException") => {
                catalog::ensure_changes(glue, database, lake_bucket, table, clock::now()).await?;
                catalog::extend(glue, database, table, keys).await
            }
            extended => extended,
        }
    }

    fn unanswered(&self, message: &str) -> Failure {
        let resource = format!("catalog {} of table {}", self.database, self.table);
        Failure::stated("UpdateTable", resource, message, Class::Retryable)
    }
}
