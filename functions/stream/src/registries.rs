//! The columns a warm function knows, so that the catalog is asked only about new ones.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use aws::{Failure, catalog, clock, sdk::glue::Client};
use lake::{ChangeFiles, DEFAULT_COLUMN_LIMIT, Registry};

/// The registries of the tables this process has seen.
///
/// Columns are only ever added and never change their type, so an old registry is a valid one: what
/// it lacks is asked for.
#[derive(Debug, Default)]
pub struct Registries {
    known: Mutex<HashMap<String, Registry>>,
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
        if unnamed.is_empty() || known.columns().len() >= DEFAULT_COLUMN_LIMIT {
            return Ok(known);
        }
        let registry = match catalog::extend(glue, place.database, place.table, &unnamed).await {
            Err(failure) if failure.has_code("EntityNotFoundException") => {
                let CatalogPlace { database, lake_bucket, table } = *place;
                catalog::ensure_changes(glue, database, lake_bucket, table, clock::now()).await?;
                catalog::extend(glue, database, table, &unnamed).await?
            }
            extended => extended?,
        };
        self.lock().insert(place.table.to_owned(), registry.clone());
        Ok(registry)
    }

    /// What is known of a table without asking.
    pub(crate) fn of(&self, table: &str) -> Registry {
        self.lock().get(table).cloned().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Registry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
