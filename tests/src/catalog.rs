//! The catalog, as Glue tells it and as the files do.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws::{
    catalog::{CatalogTable, Lake},
    clock,
    sdk::glue::types::{Column, Table},
};
use lake::{
    Registry,
    catalog::TableDefinition,
    footer::{self, Footers, Tail},
    path,
};

use crate::Stack;

/// A column of the catalog: its type, comment and parameters.
pub type Described = (String, Option<String>, BTreeMap<String, String>);

impl Stack {
    /// Makes the catalog table of a DynamoDB table that there is not, and gives its name.
    pub async fn make_catalog_table(&self, table: &str) -> Result<String> {
        let lake = Lake { database: &self.database, bucket: &self.lake };
        let ensured =
            aws::catalog::ensure_changes(&self.clients, lake, table, clock::now()).await?;
        Ok(ensured.name)
    }

    /// The registry of a table, as the catalog has it.
    pub async fn registry(&self, table: &str) -> Result<Registry> {
        let found = aws::catalog::find(self.clients.glue(), &self.database, table).await?;
        let CatalogTable { registry, .. } =
            found.with_context(|| format!("the catalog has a table for {table}"))?;
        Ok(registry)
    }

    /// The registry of a table, as the footers of its files have it.
    pub async fn registry_of_files(&self, table: &str) -> Result<Registry> {
        let mut footers = Footers::new();
        for key in self.objects(&self.lake, &path::changes(table)).await?.keys() {
            match footer::read(&self.read(&self.lake, key).await?)? {
                Tail::Complete(footer) => footers.add(key, footer),
                Tail::Longer(length) => anyhow::bail!("{key}: footer of {length} bytes"),
            }
        }
        let mut definition = TableDefinition::changes(table, "t", &self.lake, 0)?;
        let conflicts = footers.restore(&mut definition);
        anyhow::ensure!(conflicts.is_empty(), "{conflicts:?}");
        Ok(Registry::from(&definition))
    }

    /// A table as Glue has it.
    pub async fn glue_table(&self, name: &str) -> Result<Table> {
        let get = self.clients.glue().get_table().database_name(&self.database).name(name);
        get.send().await?.table.with_context(|| format!("the catalog has {name}"))
    }

    /// The columns of a table as Glue has them, by name.
    pub async fn glue_columns(&self, name: &str) -> Result<BTreeMap<String, Described>> {
        let table = self.glue_table(name).await?;
        let columns = table.storage_descriptor().context("a table has storage")?.columns();
        let described = |column: &Column| {
            let parameters = column.parameters().cloned().unwrap_or_default();
            let type_text = column.r#type().unwrap_or_default().to_owned();
            let comment = column.comment().map(str::to_owned);
            (column.name().to_owned(), (type_text, comment, parameters.into_iter().collect()))
        };
        Ok(columns.iter().map(described).collect())
    }

    /// Adds a column to a catalog table, as a person does.
    pub async fn add_column(
        &self,
        name: &str,
        column: &str,
        type_text: &str,
        parameters: &[(&str, &str)],
    ) -> Result<()> {
        let mut column = Column::builder().name(column).r#type(type_text);
        for (key, value) in parameters {
            column = column.parameters(*key, *value);
        }
        let column = column.build()?;
        self.change_columns(name, |columns| columns.push(column)).await
    }

    /// Changes the columns of a catalog table, as a person does.
    pub async fn change_columns(
        &self,
        name: &str,
        change: impl FnOnce(&mut Vec<Column>),
    ) -> Result<()> {
        let table = self.glue_table(name).await?;
        let mut storage = table.storage_descriptor.context("a table has storage")?;
        change(storage.columns.get_or_insert_default());
        let input = aws::sdk::glue::types::TableInput::builder()
            .name(name)
            .storage_descriptor(storage)
            .set_partition_keys(table.partition_keys)
            .set_table_type(table.table_type)
            .set_parameters(table.parameters)
            .build()?;
        let update = self.clients.glue().update_table().database_name(&self.database);
        update.table_input(input).send().await?;
        Ok(())
    }
}
