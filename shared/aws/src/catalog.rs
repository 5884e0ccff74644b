//! The catalog in Glue, which is the registry of column names.
//!
//! ```text
//! find ─▶ table <t>__changes (or its number, if the name was taken) ─▶ Registry
//! ensure_changes ─▶ makes it, once: from the footers of its files, if the lake has some
//! extend ─▶ load, assign names, UpdateTable with the version that was loaded
//!             └─ someone else was quicker ─▶ load again
//! ```
//!
//! Glue keeps a version of each table, and refuses an update that was made from an older one: two
//! functions that bring new columns at once both get theirs in, and neither loses the other's.
//! What a person changed on the table (a column added, a description) is carried over.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_glue::{
    Client,
    error::BuildError,
    types::{Column, SerDeInfo, StorageDescriptor, Table, TableInput},
};
use jiff::Timestamp;
use lake::{
    ColumnKey, Registry,
    catalog::{self, ColumnDefinition, Drift, TableDefinition},
    footer::Conflict,
    name::TableNames,
};

use crate::{
    Class, Clients, Failure,
    footer::{self, TableFooters},
};

/// Writers that meet give way this many times before the trigger's own retry takes over.
const ATTEMPTS: u32 = 20;
/// The longest pause before trying again, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 400;

/// A table of the catalog as it was loaded.
#[derive(Debug, Clone)]
pub struct CatalogTable {
    /// Its name in the catalog.
    pub name: String,
    /// The columns it names.
    pub registry: Registry,
    definition: TableDefinition,
    table: Table,
}

/// Where the catalog keeps a lake.
#[derive(Debug, Clone, Copy)]
pub struct Lake<'a> {
    /// The Glue database.
    pub database: &'a str,
    /// The bucket that its tables point to.
    pub bucket: &'a str,
}

/// The catalog table of a DynamoDB table's changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// Its name in the catalog.
    pub name: String,
    /// Whether it was made now.
    pub created: bool,
    /// What the files gave it, if they were asked.
    pub restored: Option<Restored>,
    /// What in it is not as we made it.
    pub drift: Vec<Drift>,
}

/// What a catalog table got from the footers of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files that were read.
    pub files: usize,
    /// Names of the columns that they brought.
    pub columns: Vec<String>,
    /// Names that stand for two things.
    pub conflicts: Vec<Conflict>,
    /// The first 20 files that could not be read, with the reason.
    pub unreadable: Vec<String>,
    /// How many files could not be read.
    pub unreadable_files: usize,
}

/// The catalog table that holds the changes of a DynamoDB table, if it was made.
pub async fn find(
    glue: &Client,
    database: &str,
    table: &str,
) -> Result<Option<CatalogTable>, Failure> {
    Ok(match look_up(glue, database, table).await? {
        Place::Taken(found) => Some(*found),
        Place::Free(_) => None,
    })
}

/// Makes the catalog table of a DynamoDB table's changes, unless it is there.
///
/// Where the lake has files of the table already, the columns come back from their footers, under the
/// names they had: see [`footer`]. Its partitions begin 35 days before `now`, or with the oldest file.
pub async fn ensure_changes(
    clients: &Clients,
    lake: Lake<'_>,
    table: &str,
    now: Timestamp,
) -> Result<Ensured, Failure> {
    match look_up(clients.glue(), lake.database, table).await? {
        Place::Taken(found) => {
            let drift = found.definition.drift();
            Ok(Ensured { name: found.name, created: false, restored: None, drift })
        }
        Place::Free(_) => Box::pin(rebuild(clients, lake, table, now)).await,
    }
}

/// Makes the catalog table of a DynamoDB table's changes from the footers of its files, or completes
/// the one that is there.
pub async fn rebuild(
    clients: &Clients,
    lake: Lake<'_>,
    table: &str,
    now: Timestamp,
) -> Result<Ensured, Failure> {
    let files = footer::of_table(clients.s3(), lake.bucket, table).await?;
    for _ in 0..ATTEMPTS {
        let written = match look_up(clients.glue(), lake.database, table).await? {
            Place::Free(name) => create(clients.glue(), lake, table, name, now, &files).await,
            Place::Taken(found) => {
                Box::pin(complete(clients.glue(), lake.database, *found, &files)).await
            }
        };
        match written {
            // Another writer was quicker: look what it did.
            Err(failure) if is_beaten(&failure) => give_way().await,
            written => {
                if files.has_increments && written.is_ok() {
                    Box::pin(ensure_increments(clients.glue(), lake, table)).await?;
                }
                return written;
            }
        }
    }
    Err(gave_way_too_often("UpdateTable", lake.database, table))
}

/// Whether a write came after another's.
fn is_beaten(failure: &Failure) -> bool {
    failure.has_code("AlreadyExistsException")
        || failure.has_code("ConcurrentModificationException")
}

/// Makes a catalog table with the columns of the files.
async fn create(
    glue: &Client,
    lake: Lake<'_>,
    table: &str,
    name: String,
    now: Timestamp,
    files: &TableFooters,
) -> Result<Ensured, Failure> {
    let database = lake.database;
    let resource = resource(database, &name);
    let mut definition = TableDefinition::changes(table, &name, lake.bucket, now.as_millisecond())
        .map_err(|error| invalid("CreateTable", &resource, &error))?;
    let restored = restore(&mut definition, files);
    match create_table(glue, database, &definition).await {
        Ok(()) => {}
        Err(mut failure) if failure.has_code("EntityNotFoundException") => {
            let message = &failure.message;
            failure.message = format!(
                "{message}; make the database again, then the catalog tables come back by themselves: \
                 aws glue create-database --database-input Name={database}"
            );
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    }
    let drift = definition.drift();
    Ok(Ensured { name, created: true, restored: Some(restored), drift })
}

/// Adds what the files have and the catalog table does not.
async fn complete(
    glue: &Client,
    database: &str,
    found: CatalogTable,
    files: &TableFooters,
) -> Result<Ensured, Failure> {
    let CatalogTable { name, definition, table, .. } = found;
    let mut wider = definition.clone();
    let restored = restore(&mut wider, files);
    if wider != definition {
        let columns = &wider.columns[definition.columns.len()..];
        update(glue, database, &name, table, columns, &wider.parameters).await?;
    }
    let drift = wider.drift();
    Ok(Ensured { name, created: false, restored: Some(restored), drift })
}

fn restore(definition: &mut TableDefinition, files: &TableFooters) -> Restored {
    let before = definition.columns.len();
    let conflicts = files.footers.restore(definition);
    Restored {
        files: files.footers.files(),
        columns: definition.columns[before..].iter().map(|column| column.name.clone()).collect(),
        conflicts,
        unreadable: files.unreadable.clone(),
        unreadable_files: files.unreadable_files,
    }
}

/// Gives every key a column, as far as `limit` columns of ours go, and returns the registry then.
///
/// Nothing is written when every key has one already. A catalog table that is missing is a
/// permanent failure with code `EntityNotFoundException`.
pub async fn extend(
    glue: &Client,
    database: &str,
    table: &str,
    keys: &[ColumnKey],
    limit: usize,
) -> Result<Registry, Failure> {
    for _ in 0..ATTEMPTS {
        let Some(CatalogTable { name, mut registry, definition, table: current }) =
            find(glue, database, table).await?
        else {
            return Err(missing(database, table));
        };
        let added = registry.assign(keys, limit);
        if added.is_empty() {
            return Ok(registry);
        }
        let mut wider = definition.clone();
        wider.add(&added);
        let columns = &wider.columns[definition.columns.len()..];
        match update(glue, database, &name, current, columns, &wider.parameters).await {
            Ok(()) => return Ok(registry),
            Err(failure) if failure.has_code("ConcurrentModificationException") => {
                give_way().await;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(gave_way_too_often("UpdateTable", database, table))
}

/// Makes the catalog table of a DynamoDB table's snapshots, or gives it the columns that it lacks: all
/// that the changes have, since files of both get their names from there. Gives its registry then.
pub async fn ensure_snapshots(
    glue: &Client,
    lake: Lake<'_>,
    table: &str,
) -> Result<Registry, Failure> {
    let define =
        |names: &TableNames| TableDefinition::snapshots(table, &names.snapshot, lake.bucket);
    Box::pin(ensure_beside(glue, lake, table, define)).await
}

/// The same for a DynamoDB table's increments.
pub async fn ensure_increments(
    glue: &Client,
    lake: Lake<'_>,
    table: &str,
) -> Result<Registry, Failure> {
    let define =
        |names: &TableNames| TableDefinition::increments(table, &names.increments, lake.bucket);
    Box::pin(ensure_beside(glue, lake, table, define)).await
}

/// Makes the table that `define` says beside that of the changes, or gives it the columns that it lacks.
async fn ensure_beside(
    glue: &Client,
    lake: Lake<'_>,
    table: &str,
    define: impl Fn(&TableNames) -> TableDefinition,
) -> Result<Registry, Failure> {
    for _ in 0..ATTEMPTS {
        let Some(changes) = find(glue, lake.database, table).await? else {
            return Err(missing(lake.database, table));
        };
        let Some(names) = TableNames::of_changes(&changes.name) else {
            return Err(missing(lake.database, table));
        };
        let columns = changes.registry.columns();
        let mut wanted = define(&names);
        let written = match get(glue, lake.database, &wanted.name).await? {
            None => {
                wanted.add(columns);
                create_table(glue, lake.database, &wanted).await.map(|()| Registry::from(&wanted))
            }
            Some(found) => {
                let there = definition(&found);
                if there.table() != Some(table) {
                    return Err(foreign(lake.database, &wanted.name, table));
                }
                let mut wider = there.clone();
                wider.add(columns);
                if wider == there {
                    return Ok(Registry::from(&there));
                }
                let added = &wider.columns[there.columns.len()..];
                update(glue, lake.database, &wanted.name, found, added, &wider.parameters)
                    .await
                    .map(|()| Registry::from(&wider))
            }
        };
        match written {
            // Another writer was quicker: look what it did.
            Err(failure) if is_beaten(&failure) => give_way().await,
            written => return written,
        }
    }
    Err(gave_way_too_often("UpdateTable", lake.database, table))
}

fn foreign(database: &str, name: &str, table: &str) -> Failure {
    let message = format!(
        "it is not that of the exports of {table}, and those cannot be shown; rename or drop it"
    );
    Failure::stated("GetTable", resource(database, name), message, Class::Permanent)
}

async fn create_table(
    glue: &Client,
    database: &str,
    definition: &TableDefinition,
) -> Result<(), Failure> {
    let resource = resource(database, &definition.name);
    let input =
        table_input(definition).map_err(|error| invalid("CreateTable", &resource, &error))?;
    let created = glue.create_table().database_name(database).table_input(input).send().await;
    created.map_err(|error| Failure::of("CreateTable", resource, error))?;
    Ok(())
}

/// The failure that the catalog has no table for a DynamoDB table's changes, with code
/// `EntityNotFoundException`.
pub fn missing(database: &str, table: &str) -> Failure {
    let message = format!(
        "the catalog has no table for the changes of {table}; the next backup run makes it, or at once: \
         aws lambda invoke --function-name BACKUP-FUNCTION-NAME --cli-binary-format raw-in-base64-out \
         --payload '{{\"rebuildCatalog\":[\"{table}\"]}}' report.json"
    );
    let mut failure = Failure::stated("GetTable", database, message, Class::Permanent);
    failure.code = Some("EntityNotFoundException".to_owned());
    failure
}

/// A pause of random length. It does not grow: of the writers that meet, one gets its version in each
/// time, so that a longer pause of the others only leaves rounds unused.
async fn give_way() {
    let pause = Duration::from_millis(fastrand::u64(1..LONGEST_PAUSE_MS));
    tokio::time::sleep(pause).await;
}

fn gave_way_too_often(operation: &'static str, database: &str, table: &str) -> Failure {
    let message = format!("other writers were quicker {ATTEMPTS} times");
    Failure::stated(operation, resource(database, table), message, Class::Retryable)
}

/// Where a DynamoDB table's catalog table is, or could be.
enum Place {
    Taken(Box<CatalogTable>),
    Free(String),
}

/// Two DynamoDB tables may become one name when made safe (`a-b`, `a.b`): each catalog table says
/// whose it is, and the later one has a number.
async fn look_up(glue: &Client, database: &str, table: &str) -> Result<Place, Failure> {
    let mut number = 1;
    loop {
        let name = TableNames::of(table, number).changes;
        let Some(found) = get(glue, database, &name).await? else {
            return Ok(Place::Free(name));
        };
        let definition = definition(&found);
        if definition.table() == Some(table) {
            let registry = Registry::from(&definition);
            let table = CatalogTable { name, registry, definition, table: found };
            return Ok(Place::Taken(Box::new(table)));
        }
        number += 1;
    }
}

async fn get(glue: &Client, database: &str, name: &str) -> Result<Option<Table>, Failure> {
    let got = glue.get_table().database_name(database).name(name).send().await;
    match got.map_err(|error| Failure::of("GetTable", resource(database, name), error)) {
        Ok(output) => Ok(output.table),
        Err(failure) if failure.has_code("EntityNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn update(
    glue: &Client,
    database: &str,
    name: &str,
    table: Table,
    added: &[ColumnDefinition],
    parameters: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let resource = resource(database, name);
    let version = table.version_id.clone();
    let input = with_columns(table, added, parameters)
        .map_err(|error| invalid("UpdateTable", &resource, &error))?;
    let updated = glue
        .update_table()
        .database_name(database)
        .table_input(input)
        .set_version_id(version)
        .skip_archive(true)
        .send()
        .await;
    updated.map_err(|error| Failure::of("UpdateTable", resource, error))?;
    Ok(())
}

fn resource(database: &str, name: &str) -> String {
    format!("catalog table {database}.{name}")
}

fn invalid(operation: &'static str, resource: &str, error: &impl ToString) -> Failure {
    Failure::stated(operation, resource, error.to_string(), Class::Permanent)
}

/// The table as it is, with further columns and parameters; what this code does not know stays as it
/// was.
fn with_columns(
    table: Table,
    added: &[ColumnDefinition],
    parameters: &BTreeMap<String, String>,
) -> Result<TableInput, BuildError> {
    let mut storage =
        table.storage_descriptor.unwrap_or_else(|| StorageDescriptor::builder().build());
    let columns = storage.columns.get_or_insert_default();
    for column in added {
        columns.push(glue_column(column)?);
    }
    let mut all = table.parameters.unwrap_or_default();
    all.extend(parameters.clone());
    TableInput::builder()
        .name(table.name)
        .set_description(table.description)
        .set_owner(table.owner)
        .set_last_access_time(table.last_access_time)
        .set_last_analyzed_time(table.last_analyzed_time)
        .retention(table.retention)
        .storage_descriptor(storage)
        .set_partition_keys(table.partition_keys)
        .set_table_type(table.table_type)
        .set_parameters(Some(all))
        .build()
}

fn table_input(definition: &TableDefinition) -> Result<TableInput, BuildError> {
    let columns = definition.columns.iter().map(glue_column).collect::<Result<_, _>>()?;
    let partition_keys =
        definition.partition_keys.iter().map(glue_column).collect::<Result<_, _>>()?;
    let storage = StorageDescriptor::builder()
        .set_columns(Some(columns))
        .location(&definition.location)
        .input_format(catalog::INPUT_FORMAT)
        .output_format(catalog::OUTPUT_FORMAT)
        .serde_info(SerDeInfo::builder().serialization_library(catalog::SERDE).build())
        .build();
    TableInput::builder()
        .name(&definition.name)
        .table_type(catalog::TABLE_TYPE)
        .storage_descriptor(storage)
        .set_partition_keys(Some(partition_keys))
        .set_parameters(Some(definition.parameters.clone().into_iter().collect()))
        .build()
}

fn glue_column(column: &ColumnDefinition) -> Result<Column, BuildError> {
    let parameters =
        (!column.parameters.is_empty()).then(|| column.parameters.clone().into_iter().collect());
    Column::builder()
        .name(&column.name)
        .r#type(&column.type_text)
        .set_comment(column.comment.clone())
        .set_parameters(parameters)
        .build()
}

/// The part of a Glue table that the lake's code reads.
fn definition(table: &Table) -> TableDefinition {
    let columns = |columns: &[Column]| columns.iter().map(column_definition).collect();
    let storage = table.storage_descriptor();
    TableDefinition {
        name: table.name().to_owned(),
        columns: columns(storage.map_or(&[], StorageDescriptor::columns)),
        partition_keys: columns(table.partition_keys()),
        location: storage.and_then(|s| s.location()).unwrap_or_default().to_owned(),
        parameters: sorted(table.parameters()),
    }
}

fn column_definition(column: &Column) -> ColumnDefinition {
    ColumnDefinition {
        name: column.name().to_owned(),
        type_text: column.r#type().unwrap_or_default().to_owned(),
        comment: column.comment().map(str::to_owned),
        parameters: sorted(column.parameters()),
    }
}

fn sorted(map: Option<&std::collections::HashMap<String, String>>) -> BTreeMap<String, String> {
    map.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_carries_over_what_it_does_not_change() {
        let table = Table::builder().name("planes__changes").description("by hand");
        let table = table.parameters("owner", "me").parameters(catalog::TABLE, "planes");
        let table = table.build().unwrap();
        let mut wider = definition(&table);
        let key = ColumnKey { attribute: "Seats".to_owned(), kind: lake::Kind::Bigint };
        wider.add(&Registry::from(&wider).assign(&[key], 1));

        let input = with_columns(table, &wider.columns, &wider.parameters).unwrap();
        assert_eq!(input.description(), Some("by hand"));
        let parameters: Vec<_> = sorted(input.parameters()).into_iter().collect();
        let expected =
            [("headwater.column.seats", "bigint"), ("headwater.table", "planes"), ("owner", "me")];
        assert_eq!(parameters, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let columns = input.storage_descriptor().map(StorageDescriptor::columns);
        assert_eq!(columns.map(<[Column]>::len), Some(1));
    }
}
